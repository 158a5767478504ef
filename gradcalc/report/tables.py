"""Quantities as tables, a column per last index: a cell's place, row W[0] and column [1], is its address W[0][1]."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np

from gradcalc.backpropagation import plain
from gradcalc.results import Cell, Table
from gradcalc.shapes import Array

Values = Literal["auto", "full", "summary"]

#: Left to itself the report prints a layer's numbers while no quantity has more of them, and summaries otherwise.
FULL_LIMIT = 100


def quantity_tables(
    name: str, quantities: Mapping[str, Array], symbols: Mapping[str, str], shown: Collection[str]
) -> Iterator[Table]:
    """The quantities of layer `name`: those `shown` in full, then a summary of the others."""
    full = {letter: array for letter, array in quantities.items() if letter in shown}
    large = {letter: array for letter, array in quantities.items() if letter not in shown}
    if full:
        yield full_table(name, full, symbols)
    if large:
        yield summary_table(name, large, symbols)


def in_full(quantities: Mapping[str, Array], values: Values) -> list[str]:
    """The quantities all of whose numbers are shown: those of a layer together, Jacobians each by itself."""
    if values != "auto":
        return list(quantities) if values == "full" else []
    small = [letter for letter, array in quantities.items() if array.size <= FULL_LIMIT]
    large = [letter for letter in quantities if letter not in small]
    return small if all(letter == "f_prime" for letter in large) else []


def full_table(name: str, quantities: Mapping[str, Array], symbols: Mapping[str, str]) -> Table:
    """Every number at its address; a number without index stands in a column of its own, unless there is just one."""
    width = max((array.shape[-1] for array in quantities.values() if array.ndim), default=1)
    alone = [""] if width > 1 and any(array.ndim == 0 for array in quantities.values()) else []
    columns = [name, "=", *alone, *(f"[{i}]" for i in range(width))]
    rows = [
        [*row, *[None] * (len(columns) - len(row))]
        for letter, array in quantities.items()
        for row in _rows(letter, array, symbols.get(letter, ""), len(alone))
    ]
    return Table("", columns, rows, wrap=True)


def _rows(letter: str, array: Array, symbol: str, shift: int) -> Iterator[list[Cell]]:
    """A quantity's rows; what it is in symbols stands in the first."""
    if array.ndim == 0:
        yield [letter, symbol, plain(array)]
        return
    for index in np.ndindex(array.shape[:-1]):
        label = letter + "".join(f"[{i}]" for i in index)
        yield [label, symbol, *[None] * shift, *plain(array[index])]
        symbol = ""


def summary_table(name: str, quantities: Mapping[str, Array], symbols: Mapping[str, str]) -> Table:
    """One row a quantity: shape, norm, mean, extremes, the share of zeros and, if any are, how many are not finite."""
    bad = any(not np.isfinite(array).all() for array in quantities.values())
    columns = [name, "shape", "norm", "mean", "min", "max", "zeros", *(["not finite"] if bad else [])]
    said = [f"{letter} = {symbols[letter]}" for letter in quantities if symbols.get(letter)]
    rows = [[letter, *_summary(array)][: len(columns)] for letter, array in quantities.items()]
    return Table("; ".join(said), columns, rows, wrap=True, digits=(4, 6))


def _summary(array: Array) -> Sequence[Cell]:
    """Shape, then figures of the finite entries alone, so that one bad entry does not hide the others."""
    good = np.isfinite(array)
    bad = int(array.size - np.count_nonzero(good))
    finite = array[good] if bad else array
    figures: list[Cell] = [None] * 4
    if finite.size:
        means = [finite.mean(dtype=np.float64), finite.min(), finite.max()]
        figures = [norm(finite), *map(float, means)]
    zeros = f"{100 * (1 - np.count_nonzero(array) / max(array.size, 1)):.0f} %"
    return [" x ".join(map(str, array.shape)) or "one", *figures, zeros, bad]


def norm(array: Array) -> float:
    """The Euclidean norm; squares that would overflow or vanish are scaled first, all others cost no copy."""
    if not array.size:
        return 0.0
    largest = max(abs(float(array.min())), abs(float(array.max())))
    if largest == 0 or not np.isfinite(largest):
        return largest
    if not 1e-15 < largest < 1e15:
        return largest * norm(array / largest)
    return float(np.sqrt(np.einsum("i,i", flat := array.reshape(-1), flat, dtype=np.float64)))
