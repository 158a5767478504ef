"""e^x and log x in twice the precision, for arrays: where an exponent of hundreds has to keep all its digits."""

from __future__ import annotations

from typing import Any

from gradcalc.numerics import doubled
from gradcalc.numerics.doubled import Pair

_TERMS, _SQUARINGS = 13, 5
_ENDLESS = 5000.0  # e^x is 0 or infinite from here on, whatever it is multiplied by
_FAINT = 2.0**-40

#: log 2 in three parts, of which the first has so few bits that its multiples are exact.
_LOG_2 = (0.6931471803691238, 1.9082149292705877e-10, 1.1612227229362532e-26)


def exponential(np: Any, x: Pair) -> tuple[Pair, Any]:
    """e^x as a pair near 1 and a power of two: the pair times 2^k."""
    from gradcalc.numerics import arrays

    high = np.clip(x[0], -_ENDLESS, _ENDLESS)
    k = np.rint(high / (_LOG_2[0] + _LOG_2[1]))
    left = doubled.plus(arrays, (high - k * _LOG_2[0], 0.0), (np.where(high == x[0], x[1], 0.0), 0.0))
    left = doubled.minus(arrays, left, doubled.times(arrays, (k, 0.0), _LOG_2[1:]))
    return doubled.plus(arrays, risen(left), (1.0, 0.0)), np.where(k == k, k, 0.0).astype(np.intc)


def risen(x: Pair) -> Pair:
    """e^x - 1 for |x| < 1/2: Taylor's series of a part of x, squared over and over."""
    from gradcalc.numerics import arrays

    part = x[0] / 2.0**_SQUARINGS, x[1] / 2.0**_SQUARINGS
    found = 0.0 * x[0], 0.0 * x[0]
    for k in range(_TERMS, 0, -1):
        step = doubled.over(arrays, part, (float(k), 0.0))
        found = doubled.times(arrays, step, doubled.plus(arrays, found, (1.0, 0.0)))
    for _ in range(_SQUARINGS):
        found = doubled.times(arrays, found, doubled.plus(arrays, found, (2.0, 0.0)))
    return found


def logarithm(np: Any, x: Pair) -> Pair:
    """log x for x > 0, by one of Newton's steps from its rounded value."""
    from gradcalc.numerics import arrays

    mantissa, exponent = np.frexp(x[0])
    lower = mantissa < 0.7071067811865476
    exponent = exponent - lower
    mantissa = np.where(lower, 2.0 * mantissa, mantissa), np.ldexp(x[1], -exponent)
    rounded = np.log(mantissa[0])
    change = risen((-rounded, 0.0 * rounded))
    beyond = doubled.plus(arrays, mantissa, (-1.0, 0.0))
    step = doubled.plus(arrays, beyond, doubled.times(arrays, mantissa, change))
    of_mantissa = doubled.plus(arrays, (rounded, 0.0), step)
    return with_power_of_two(of_mantissa, exponent)


def with_power_of_two(x: Pair, exponent: Any) -> Pair:
    """x + log(2^exponent)."""
    from gradcalc.numerics import arrays

    whole = 1.0 * exponent
    first = doubled.plus(arrays, (whole * _LOG_2[0], 0.0), x)
    return doubled.plus(arrays, first, doubled.times(arrays, (whole, 0.0), _LOG_2[1:]))


def logarithm_beyond_one(np: Any, x: Pair) -> Pair:
    """log(1 + x) for x >= 0, with all digits of a small x."""
    from gradcalc.numerics import arrays

    whole = logarithm(np, doubled.plus(arrays, (1.0, 0.0), x))
    small = np.minimum(x[0], _FAINT)
    bent = doubled.plus(arrays, x, (-0.5 * small * small + small * small * small / 3.0, 0.0))
    return tuple(np.where(x[0] < _FAINT, *parts) for parts in zip(bent, whole, strict=True))


def summed(np: Any, x: Pair) -> Pair:
    """The sum over the last axis, (..., 1)."""
    from gradcalc.numerics.vectors import total

    high = total(np, x[0])[..., None]
    left = total(np, np.concatenate([x[0], -high], axis=-1))
    return high, (left + total(np, x[1]))[..., None]
