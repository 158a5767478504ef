"""The L_p norm for powers below 1/2, whose root 1/p magnifies every rounding: worked out in twice the precision."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.numerics import doubled, powers
from gradcalc.numerics.doubled import Pair


class _Terms(NamedTuple):
    """log r_i with r_i = |x_i| / m, and without the largest entry's r_i^p 2^lift and their sum; e^root = S^(1/p).

    The largest |x_i| is m = largest 2^exponent, and S = 1 + rest 2^-lift.
    """

    logs: Pair
    terms: Pair
    rest: Pair
    root: Pair
    largest: Any
    exponent: Any
    lift: Any


_LIFT = 600  # of terms of which all are so small that products of them would underflow


def _terms(np: Any, x: Any, top: Any, p: float, low: Any) -> _Terms:
    """`top` is the index of the largest entry, `low` what rounding took from x, or None."""
    from gradcalc.numerics import arrays

    nothing = x == 0
    mantissa, exponent = np.frexp(np.where(nothing, 1.0, np.absolute(x)))
    lost = np.where(nothing, 0.0, np.ldexp(0.0 * x if low is None else np.sign(x) * low, -exponent))
    whole = powers.logarithm(np, (mantissa, lost))
    logs = powers.with_power_of_two(whole, exponent - np.take_along_axis(exponent, top, axis=-1))
    logs = doubled.minus(arrays, logs, tuple(np.take_along_axis(part, top, axis=-1) for part in whole))
    power, k = powers.exponential(np, doubled.times(arrays, logs, (p, 0.0)))
    k = np.where(nothing, -10000, k)
    np.put_along_axis(k, top, -10000, axis=-1)
    lift = np.where(k.max(axis=-1, keepdims=True) < -500, _LIFT, 0)
    terms = np.ldexp(power[0], k + lift), np.ldexp(power[1], k + lift)
    rest = powers.summed(np, terms)
    small = doubled.times(arrays, rest, (np.ldexp(1.0, -lift), 0.0))
    root = doubled.over(arrays, powers.logarithm_beyond_one(np, small), (p, 0.0))
    largest, own = (np.take_along_axis(part, top, axis=-1) for part in (mantissa, exponent))
    return _Terms(logs, terms, rest, root, largest, own, lift)


def value(np: Any, x: Any, top: Any, p: float, low: Any) -> Any:
    """The norm m S^(1/p), (...)."""
    at = _terms(np, x, top, p, low)
    power, k = powers.exponential(np, at.root)
    return np.ldexp(at.largest * power[0] + at.largest * power[1], at.exponent + k)[..., 0]


def slopes(np: Any, x: Any, top: Any, p: float, low: Any) -> Any:
    """(|x_j| / norm)^(p - 1), of entries that are not 0."""
    from gradcalc.numerics import arrays

    at = _terms(np, x, top, p, low)
    gap = doubled.minus(arrays, at.root, at.logs)
    power, k = powers.exponential(np, doubled.times(arrays, gap, doubled.added(arrays, 1.0, -p)))
    return np.ldexp(power[0] + power[1], k)


def by_p(np: Any, x: Any, top: Any, p: float, low: Any) -> Any:
    """-norm (sum_i r_i^p (-log r_i) / S + log(S) / p) / p, (...)."""
    from gradcalc.numerics.vectors import total

    at = _terms(np, x, top, p, low)
    lifted = at.lift > 0
    whole = np.where(lifted, 1.0, 1.0 + at.rest[0])
    pull = total(np, at.terms[0] * at.logs[0])[..., None] / whole
    power, k = powers.exponential(np, at.root)
    root = np.where(lifted, at.rest[0] / p, at.root[0])
    slope = (pull - root) / p
    return np.where(slope == 0, 0.0, np.ldexp(at.largest * power[0] * slope, at.exponent + k - at.lift))[..., 0]
