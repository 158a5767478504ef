"""The same numbers written otherwise: another shape, transposed, flattened, or with the bias among the weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gradcalc.shapes import Array

#: Quantities by what their axes are: inputs and units of weights, or examples and units.
WEIGHTS = ("W", "dW", "W_new")
EXAMPLES = ("x", "z", "a", "f_prime", "da", "dz", "dx", "a0", "da0")

#: Layouts that exchange rows and columns; whether they are meant can depend on the file's other answers.
TRANSPOSED = "transposed"


class Reading(NamedTuple):
    """An answer brought into the right shape. `layout` names how it was written, `said` tells it to people.

    `halves` are brought along. An empty layout is the spec's own.
    """

    layout: str
    said: str
    numbers: Array
    halves: Array | None


def readings(got: Array, halves: Array | None, want: tuple[int, ...], letter: str) -> Iterator[Reading]:
    """Every way to read `got` in the shape `want`, the plainest first; none where no layout leads there."""
    if got.shape == want:
        yield Reading("", "", got, halves)
        if got.ndim == 2 and got.shape[0] == got.shape[1] > 1:
            yield _read(TRANSPOSED, _exchanged(letter), got, halves, want)
    elif _squeezed(got.shape) == _squeezed(want):
        yield _read("shape", f"shape {text(got.shape)} taken for {text(want)}", got, halves, want)
    elif got.ndim == 2 and got.T.shape == want:
        said = f"shape {text(got.shape)} taken for {text(want)}: {_exchanged(letter)}"
        yield _read(TRANSPOSED, said, got, halves, want)
    elif got.size and got.ndim and len(_squeezed(got.shape)) == 1 and _size(want) == got.size:
        yield _read("rows", f"flattened row by row, taken for {text(want)}", got, halves, want)
        yield _read("columns", f"flattened column by column, taken for {text(want)}", got, halves, want)


def _read(layout: str, said: str, got: Array, halves: Array | None, shape: tuple[int, ...]) -> Reading:
    def moved(array: Array) -> Array:
        moved: Array = (
            array.T if layout == TRANSPOSED else array.reshape(shape, order="F" if layout == "columns" else "C")
        )
        return moved

    return Reading(layout, said, moved(got), None if halves is None else moved(halves))


def _exchanged(letter: str) -> str:
    if letter in WEIGHTS:
        return "the other layout of W (in_out, out_in)"
    return "examples in columns for rows, or the other way round" if letter in EXAMPLES else "transposed"


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(n for n in shape if n != 1)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def text(shape: tuple[int, ...]) -> str:
    """A shape as people write it: (3, 1); a single number has none."""
    if not shape:
        return "a single number"
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


class Unfolded(NamedTuple):
    """Weights that held the bias too, taken apart: where it was, the weights and the bias."""

    said: str
    weights: Array
    bias: Array


def unfolded(got: Array, want: tuple[int, ...]) -> Iterator[Unfolded]:
    """The ways to take weights of the shape `want` and a bias out of `got`: a row or column more, first or last."""
    if got.ndim != 2 or len(want) != 2:
        return
    for place, bias, rest in (("first", 0, slice(1, None)), ("last", -1, slice(None, -1))):
        for line, weights, taken in (("row", got[rest], got[bias]), ("column", got[:, rest], got[:, bias])):
            if weights.shape == want:
                yield Unfolded(f"bias in the {place} {line}", weights, taken)
            elif weights.T.shape == want:
                yield Unfolded(f"bias in the {place} {line}, the other layout of W", weights.T, taken)
