"""Softmax in pieces, from which softmax, its logarithm and its cross-entropy are put together without cancellation."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from gradcalc.numerics.vectors import (
    OVERFLOWS,
    finite_or_zero,
    product_error,
    quarter_if_huge,
    total,
    two_sum,
    without,
)

_TOP = 1000  # an exponent
_UNDERFLOWS = -600.0  # from here on e^gap may be subnormal once it is divided


class Softened(NamedTuple):
    """The pieces of softmax(z): gap_i = z_i - max z, e_i = exp(gap_i), and S = 1 + rest, the sum of all e_i.

    Gaps carry the factor `unit`: 1/4 where they might overflow, else 1. Shapes are (..., n) or (..., 1).
    """

    gap: Any
    gap_low: Any  # what rounding took from gap, in the same unit
    unit: Any
    e: Any  # 1 at the top
    top: Any  # index of the largest entry
    rest: Any  # the sum of e but for the top's
    whole: Any  # S

    @property
    def p(self) -> Any:
        """The probabilities."""
        return self.e / self.whole

    @property
    def lost(self) -> Any:
        """What rounding took from S."""
        return self.rest - (self.whole - 1.0)

    def shares(self, np: Any, scale: float = 1.0) -> tuple[Any, Any]:
        """The probabilities p and 1 - p, as the sum of the others, both times a scale above 1."""
        e, rest = self.e, self.rest
        if scale != 1.0:
            e = self.times_e(np, scale)
            rest = total(np, without(np, e, self.top))[..., None]
        remaining = scale * self.whole - e
        remaining += scale * self.lost
        np.put_along_axis(remaining, self.top, rest, axis=-1)
        return e / self.whole, remaining / self.whole

    def surprise(self, np: Any) -> Any:
        """-log p = log(S) - gap, times `unit`: both terms are >= 0, so that nothing cancels."""
        return (np.log1p(self.rest) * self.unit - self.gap) - self.gap_low

    def times_e(self, np: Any, factor: Any) -> Any:
        """factor * e, where nothing but the product itself may underflow."""
        gap = self.gap / self.unit
        root = np.exp(0.5 * gap)
        in_halves = factor * root * root * (1.0 + self.gap_low / self.unit)
        product = np.where(gap < _UNDERFLOWS, in_halves, factor * self.e)
        return np.where(gap == -np.inf, 0.0, product)


def soften(np: Any, x: Any, temperature: float = 1.0) -> Softened:
    """The pieces of softmax(x / temperature)."""
    gap, low, unit = _gaps(np, x)
    if temperature != 1.0:
        gap, low, unit = _divided(np, gap, low, unit, temperature)
    e = np.exp(gap if isinstance(unit, float) else gap / unit)
    e += e * (low if isinstance(unit, float) else finite_or_zero(np, low / unit))
    top = e.argmax(axis=-1)[..., None]
    of_top = np.take_along_axis(e, top, axis=-1)
    np.put_along_axis(e, top, 0.0, axis=-1)
    rest = total(np, e, bound=1.0)[..., None]
    np.put_along_axis(e, top, of_top, axis=-1)
    return Softened(gap, low, unit, e, top, rest, of_top + rest)


def _gaps(np: Any, x: Any) -> tuple[Any, Any, Any]:
    """x - max x, what rounding took from it, and the unit both are in (a float: 1 throughout)."""
    largest = x.max(axis=-1, keepdims=True)
    if ((largest < OVERFLOWS) & (x.min(axis=-1, keepdims=True) > -OVERFLOWS)).all():
        return *two_sum(x, -largest), 1.0
    size = np.where(np.isfinite(x), np.absolute(x), 0.0).max(axis=-1, keepdims=True)
    unit = quarter_if_huge(np, size)
    gap, low = two_sum(x * unit, -largest * unit)
    # One infinite entry: the limit, in which it has all the weight. Several: no limit, and NaN stays.
    infinite = x == np.inf
    single = infinite & (infinite.sum(axis=-1, keepdims=True) == 1)
    return np.where(single, 0.0, gap), finite_or_zero(np, low), unit


def _divided(np: Any, high: Any, low: Any, unit: Any, divisor: float) -> tuple[Any, Any, Any]:
    """(high + low) / divisor, rounded, and what the rounding lost; in a smaller unit where that overflows."""
    fraction, exponent = math.frexp(divisor)
    if exponent < 0 and (np.absolute(high) > np.ldexp(1.0, _TOP + exponent)).any():
        left = max(exponent, -_TOP)
        unit, exponent = np.ldexp(unit + 0.0 * high[..., :1], left), exponent - left
    high, low = np.ldexp(high, -exponent), np.ldexp(low, -exponent)
    quotient = high / fraction
    product = quotient * fraction
    remainder = (high - product) - product_error(quotient, fraction, product)
    return quotient, finite_or_zero(np, (remainder + low) / fraction), unit
