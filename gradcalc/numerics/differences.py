"""Derivatives by differences: quotients over shrinking steps, extrapolated to step 0, with an estimate of the error."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

#: A function of one number whose outputs are an array of any shape; NaN where it has no value.
Function = Callable[[float], Array]

#: The first step in powers of 2 of the number itself, or of 1 for smaller numbers.
FIRST = -3

#: Each step is half the one before; no more of them are tried.
_LEVELS = 56

#: So often is an error term eliminated: more would only add up rounding.
_DEPTH = 6

#: What rounding may do to a value, in units of the value.
_ROUNDING = 8 * float(np.finfo(np.float64).eps)


class Estimate(NamedTuple):
    """A derivative for each output; `error` is how far it may be off, `noise` the part of it that is rounding."""

    value: Array
    error: Array
    noise: Array

    def better(self, other: Estimate) -> Estimate:
        """Entry by entry the one with the smaller error."""
        mine = ~(other.error < self.error)
        return Estimate(*(np.where(mine, a, b) for a, b in zip(self, other, strict=True)))


def derivative(function: Function, x: float, side: int = 0, first: int = FIRST) -> Estimate:
    """df/dx by central quotients, or by those on one side (1 is the right one, -1 the left).

    Halving the step divides the error's leading terms by 4, 16, 64 ... (on one side by 2, 4, 8 ...), so that two
    neighbouring quotients tell the term and it can be taken away (Richardson). Of all the estimates the one that
    changed least is taken, entry by entry. The steps end where rounding alone would be more than that.
    """
    reach = scale(x)
    best: Estimate | None = None
    before: list[Array] = []
    for level in range(_LEVELS):
        low, high = _ends(x, side, math.ldexp(reach, first - level))
        if low == high:
            break
        slope, noise = _quotient(function, low, high)
        row = _extrapolated(slope, before, 4 if side == 0 else 2)
        if best is None:
            best = Estimate(np.full(slope.shape, np.nan), np.full(slope.shape, np.inf), np.full(slope.shape, np.inf))
        for new, shallower, coarser in zip(row[1:], row, before, strict=False):
            error = np.maximum(abs(new - shallower), abs(new - coarser)) + noise
            best = best.better(Estimate(new, error, noise))
        if level > 1 and (noise >= best.error).all():
            break
        before = row
    assert best is not None  # the first step is never too small
    return best


def scale(x: float) -> float:
    """A power of 2 near |x|, and at least 1."""
    return math.ldexp(1.0, max(math.frexp(x)[1] - 1, 0))


def _ends(x: float, side: int, step: float) -> tuple[float, float]:
    """The two points of a quotient."""
    return (x if side > 0 else x - step), (x if side < 0 else x + step)


def _quotient(function: Function, low: float, high: float) -> tuple[Array, Array]:
    """The quotient over the step as it really is, and what rounding may have added to it."""
    above, below = function(high), function(low)
    with np.errstate(all="ignore"):
        width = high - low
        return np.asarray((above - below) / width), np.asarray(_ROUNDING * (abs(above) + abs(below)) / width)


def _extrapolated(slope: Array, before: list[Array], base: int) -> list[Array]:
    """This step's row of the tableau: each entry has one more error term taken away."""
    row = [slope]
    with np.errstate(all="ignore"):
        for power, coarser in enumerate(before[:_DEPTH], 1):
            row.append(row[-1] + (row[-1] - coarser) / (base**power - 1))
    return row
