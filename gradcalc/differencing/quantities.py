"""A quantity beside its differences: number by number, all of them or a sample, and the item that sums it up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from gradcalc.differencing.judging import Tolerance, judge
from gradcalc.differencing.records import GradItem
from gradcalc.numerics.differences import Array, Function
from gradcalc.shapes import Array as Numbers

#: Where one number's derivatives stand in a quantity: an entry of a gradient, a column of a Jacobian.
Spot = tuple["int | slice", ...]


#: Relative errors below this are rounding, and tell nothing.
ALIKE = 1e-9


class Variable(NamedTuple):
    """A number one differentiates by: where its derivatives stand, the number, and the outputs as its function."""

    place: Spot
    at: float
    outputs: Function


class Quantity(NamedTuple):
    """A derivative to be checked: our numbers, and the variable at each position among `variables`.

    `input` is where a function's derivative was taken, if that is one number.
    """

    name: str
    ours: Numbers
    variables: int
    variable: Callable[[int], Variable]
    input: float | None = None


class Compared(NamedTuple):
    """A quantity's differences, NaN where none were taken, which agree, and what there is to say of single entries."""

    numeric: Array
    near: Array
    relative: Array
    taken: Array
    remarks: dict[tuple[int, ...], str]


def compared(quantity: Quantity, tolerance: Tolerance, positions: Sequence[int]) -> Compared:
    """The quantity beside the differences by the variables at these positions."""
    ours = np.asarray(quantity.ours, dtype=np.float64)
    found = Compared(
        np.full(ours.shape, np.nan), np.ones(ours.shape, bool), np.zeros(ours.shape), np.zeros(ours.shape, bool), {}
    )
    index_of = np.arange(ours.size).reshape(ours.shape)
    for position in positions:
        place, at, outputs = quantity.variable(position)
        own = np.asarray(ours[place])
        verdict = judge(outputs, at, own, tolerance)
        found.numeric[place], found.near[place] = verdict.numeric, verdict.near
        found.relative[place], found.taken[place] = verdict.relative, True
        flat = np.asarray(index_of[place])
        for inner, remark in verdict.remarks.items():
            found.remarks[_index(int(flat[inner]), ours.shape)] = remark
    return found


def item(quantity: Quantity, found: Compared) -> GradItem:
    """The item with the entry that is furthest off; among those that do not agree, if there are such."""
    ours = np.asarray(quantity.ours, dtype=np.float64)
    with np.errstate(all="ignore"):
        apart = np.where(found.relative != 0, abs(ours - found.numeric), 0.0)
    worst = _index(int(np.argmax(_ranks(ours, found))), ours.shape)
    return GradItem(
        quantity.name,
        bool(found.near.all()),
        _largest(apart),
        _largest(found.relative),
        worst,
        float(ours[worst]),
        float(found.numeric[worst]),
        int((found.taken & ~np.isnan(found.numeric)).sum()),
        int(ours.size),
        _note(found.remarks),
        quantity.input,
    )


def _ranks(ours: Array, found: Compared) -> Array:
    """How far off each entry is: first those that do not agree; where none is off, the largest number is the worst."""
    with np.errstate(all="ignore"):
        size = np.nan_to_num(abs(ours) / np.fmax(abs(ours).max(initial=0.0), np.finfo(float).tiny))
        alike = np.where(found.relative < ALIKE, 0.5 * ALIKE * size, found.relative)
        right = np.where(found.taken & ~np.isnan(found.numeric), alike, -1.0)
        beyond = np.where(np.isnan(found.relative), np.inf, found.relative) + 1.0
    return np.asarray(np.where(found.near, right, beyond + np.nan_to_num(found.relative).max(initial=0.0)))


def _index(flat: int, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(flat, shape))


def _largest(errors: Array) -> float:
    return float(errors.max()) if errors.size else 0.0


def _note(remarks: dict[tuple[int, ...], str]) -> str:
    """The first remark with its place, and how many more there are."""
    if not remarks:
        return ""
    (index, text), *more = remarks.items()
    where = "".join(f"[{i}]" for i in index)
    return f"{where} {text}".strip() + (f"; {len(more)} more such" if more else "")
