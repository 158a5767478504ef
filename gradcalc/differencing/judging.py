"""One derivative beside its differences: whether they agree, and if not, whether a kink or a jump is why."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradcalc.numerics.differences import FIRST, Array, Estimate, Function, derivative, scale

#: A relative error is measured against nothing smaller than so many times what rounding does to the differences.
_FLOOR = 1e9

#: Differences that settle only so far, relatively, still decide; those that settle less do not.
_COARSEST = 1e-4

#: First steps that are tried once more where differences disagree: what is narrow is not seen from afar.
_CLOSER = (-14, -28)

#: How far apart, relatively, the slopes on both sides are at a kink at least.
_KINK = 1e-6

#: The step at which a value that jumps is told from one that is steep, and by how much of itself it jumps.
_CLOSE, _JUMP = -40, 1e-7


class Tolerance(NamedTuple):
    """Numbers agree when they are apart by at most atol + rtol * the larger one, and what rounding does.

    `rounding` is what the arithmetic in which ours were computed does to them.
    """

    rtol: float
    atol: float
    rounding: float = 0.0


class Verdict(NamedTuple):
    """Entry by entry: the differences, whether they agree, the relative error, and a remark where there is one.

    At a kink or a jump there is no numeric derivative: it is NaN, and the entry no error.
    """

    numeric: Array
    near: Array
    relative: Array
    remarks: dict[tuple[int, ...], str]


def judge(function: Function, x: float, ours: Array, tolerance: Tolerance) -> Verdict:
    """Our derivatives of all outputs by x, beside the differences there."""
    found, one_sided = _estimate(function, x)
    near = _near(ours, found, tolerance)
    if not near.all():
        found = _closer(function, x, ours, found, tolerance)
        near = _near(ours, found, tolerance)
    relative = _relative(ours, found, tolerance)
    excuses = {} if near.all() else _explained(function, x, ours, near)
    for index in excuses:
        near[index], relative[index], found.value[index] = True, 0.0, np.nan
    border = "on the border of the domain, so that the differences are one-sided"
    return Verdict(found.value, near, relative, excuses | ({(0,) * ours.ndim: border} if one_sided else {}))


def _estimate(function: Function, x: float) -> tuple[Estimate, bool]:
    """The central differences, or, where the function ends at x, those on the side where it goes on."""
    found = derivative(function, x)
    if np.isfinite(found.value).any():
        return found, False
    sides = [derivative(function, x, side) for side in (1, -1)]
    best = sides[0].better(sides[1])
    alone = np.isfinite(sides[0].value).any() != np.isfinite(sides[1].value).any()
    return (best, True) if alone else (found, False)


def _closer(function: Function, x: float, ours: Array, found: Estimate, tolerance: Tolerance) -> Estimate:
    """Differences with smaller steps in place of those that disagree, where they are sharp: the limit is at step 0."""
    for first in _CLOSER:
        other = derivative(function, x, first=first)
        with np.errstate(all="ignore"):
            allowed = tolerance.atol + tolerance.rtol * _size(ours, other.value)
            sharp = (other.error <= allowed) & (abs(ours - other.value) <= allowed + tolerance.rounding)
        take = sharp & ~_near(ours, found, tolerance)
        found = Estimate(*(np.where(take, new, old) for new, old in zip(other, found, strict=True)))
    return found


def _size(ours: Array, numeric: Array) -> Array:
    """The larger of both, entry by entry."""
    return np.asarray(np.fmax(abs(ours), abs(numeric)))


def _settled(found: Estimate, other: Estimate) -> Array:
    """Where one side's differences have come to rest, measured by the slopes of both."""
    return np.asarray(found.error <= _COARSEST * _size(found.value, other.value) + 2 * found.noise)


def _near(ours: Array, found: Estimate, tolerance: Tolerance) -> Array:
    with np.errstate(all="ignore"):
        apart, size = abs(ours - found.value), _size(ours, found.value)
        allowed = tolerance.atol + tolerance.rtol * size + tolerance.rounding + 2 * found.noise
        coarse = (apart <= 2 * found.error) & (found.error <= _COARSEST * size)
        same = (ours == found.value) | (np.isnan(ours) & np.isnan(found.value))
        return np.asarray(same | (np.isfinite(apart) & ((apart <= allowed) | coarse)))


def _relative(ours: Array, found: Estimate, tolerance: Tolerance) -> Array:
    """|ours - numeric| / max(|ours|, |numeric|, floor); NaN and infinities that agree are no error."""
    with np.errstate(all="ignore"):
        floor = _FLOOR * np.where(np.isfinite(found.noise), found.noise, 0.0)
        floor = np.maximum(floor, tolerance.rounding / max(tolerance.rtol, np.finfo(float).eps))
        apart = abs(ours - found.value)
        same = (ours == found.value) | (np.isnan(ours) & np.isnan(found.value))
        return np.where(same, 0.0, apart / np.maximum(_size(ours, found.value), floor))


def _explained(function: Function, x: float, ours: Array, near: Array) -> dict[tuple[int, ...], str]:
    """Remarks on the entries that disagree for a reason that is no mistake."""
    right, left = (derivative(function, x, side, first=FIRST - 3) for side in (1, -1))
    settled = _settled(right, left) & _settled(left, right)
    jumps, middle, found = _jumps(function, x), function(x), dict[tuple[int, ...], str]()
    for index in map(tuple, np.argwhere(~near)):
        if np.isnan(right.value[index]) and np.isnan(left.value[index]) and np.isfinite(middle[index]):
            found[index] = "there are values here alone, so that there are no differences"
        elif jumps[index]:
            found[index] = "the value jumps here, so that there is no derivative"
        elif not np.isfinite(ours[index]) and not math.isnan(ours[index]):
            if not settled[index]:
                found[index] = "infinite, and the differences grow without bound"
        elif settled[index]:
            found |= _kink(index, float(left.value[index]), float(right.value[index]), float(ours[index]))
    return found


def _kink(index: tuple[int, ...], left: float, right: float, ours: float) -> dict[tuple[int, ...], str]:
    """The remark on a kink, if it is one and ours lies between its slopes; undefined is right there too."""
    largest = max(abs(left), abs(right))
    slack = _KINK * largest
    if abs(right - left) <= slack:
        return {}
    if not (math.isnan(ours) or min(left, right) - slack <= ours <= max(left, right) + slack):
        return {}
    return {index: f"near a kink: by differences left {left:.6g}, right {right:.6g}, ours {ours:.6g}"}


def _jumps(function: Function, x: float) -> Array:
    """Where the value itself is another on the two sides of x."""
    step = math.ldexp(scale(x), _CLOSE)
    middle, *sides = (function(x + shift) for shift in (0.0, step, -step))
    with np.errstate(all="ignore"):
        apart = np.fmax(abs(sides[0] - middle), abs(sides[1] - middle))
        wider = abs(function(x + 16 * step) - function(x - 16 * step))
        # what is steep moves 16 times as far over 16 times the step, what jumps hardly further
        return np.asarray((apart > _JUMP * np.fmax(abs(middle), apart)) & (wider < 4 * apart))
