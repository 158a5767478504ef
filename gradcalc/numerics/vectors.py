"""Building blocks for vectors (NumPy, last axis) that carry what rounding would lose.

Shapes: x (..., n). What is one number per vector has shape (..., 1), but for `total`, which has (...).
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

SPLITTER = 134217729.0  # 2^27 + 1: cuts a float into two halves of 26 bits (Dekker)


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b rounded, and what the rounding lost (Knuth); the loss is NaN where the sum is not finite."""
    s = a + b
    b_seen = s - a
    return s, (a - (s - b_seen)) + (b - b_seen)


def product_error(a: Any, b: Any, product: Any) -> Any:
    """a * b - product exactly, for product = a * b rounded (Dekker); NaN where the halves overflow."""
    a_high = SPLITTER * a - (SPLITTER * a - a)
    b_high = SPLITTER * b - (SPLITTER * b - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def finite_or_zero(np: Any, x: Any) -> Any:
    """`x` with 0 for what is not finite. Most arrays are finite throughout, so that is looked at first."""
    finite = np.isfinite(x)
    return x if finite.all() else np.where(finite, x, 0.0)


def scaled(np: Any, x: Any) -> tuple[Any, Any]:
    """X / 2^exponent with its largest absolute entry in [1/2, 1), and the exponents (..., 1)."""
    exponent = np.frexp(np.absolute(x).max(axis=-1, keepdims=True))[1]
    return np.ldexp(x, -exponent), exponent


def total(np: Any, x: Any) -> Any:
    """Sum over the last axis, (...), as if added in twice the precision.

    Adding and taking away a large power of two cuts each entry into a multiple of one tiny number, of which
    all sums are exact, and a rest too small for its rounding to matter. Entries stay below 2^1000.
    """
    exponent = np.frexp(np.absolute(x).max(axis=-1, keepdims=True))[1]
    anchor = np.ldexp(1.0, exponent + x.shape[-1].bit_length() + 1)
    high = (x + anchor) - anchor
    found = high.sum(axis=-1) + (x - high).sum(axis=-1)
    finite = np.isfinite(found)
    return found if finite.all() else np.where(finite, found, x.sum(axis=-1))


def without(np: Any, x: Any, index: Any) -> Any:
    """`x` with 0 at one place of each vector; index is (..., 1)."""
    rest = x.copy()
    np.put_along_axis(rest, index, 0.0, axis=-1)
    return rest


def others(np: Any, x: Any) -> tuple[Any, Any]:
    """For entries >= 0: their sum (..., 1), and for each entry the sum of all others (..., n).

    sum - x would cancel where one entry outweighs the rest, so that the largest entry's others are added up.
    """
    top = x.argmax(axis=-1)[..., None]
    rest = total(np, without(np, x, top))[..., None]
    whole = np.take_along_axis(x, top, axis=-1) + rest
    remaining = whole - x
    np.put_along_axis(remaining, top, rest, axis=-1)
    return whole, remaining


class Softened(NamedTuple):
    """Softmax in pieces: e_i = exp(z_i - max z) and gap_i = z_i - max z; S = 1 + rest is the sum of all e_i."""

    gap: Any  # (..., n), <= 0
    gap_low: Any  # what rounding took from gap
    e: Any  # (..., n), 1 at the top
    top: Any  # index of the largest, (..., 1)
    rest: Any  # sum of e but for the top's, (..., 1)
    whole: Any  # S

    @property
    def p(self) -> Any:
        """The probabilities."""
        return self.e / self.whole

    def q(self, np: Any) -> Any:
        """1 - p, as the sum of the others."""
        remaining = self.whole - self.e
        np.put_along_axis(remaining, self.top, self.rest, axis=-1)
        return remaining / self.whole

    def surprise(self, np: Any) -> Any:
        """-log p = log(S) - gap: both terms are >= 0, so that nothing cancels."""
        return (np.log1p(self.rest) - self.gap) - self.gap_low


def soften(np: Any, x: Any, temperature: float = 1.0) -> Softened:
    """The pieces of softmax(x / temperature)."""
    largest = x.max(axis=-1, keepdims=True)
    gap, low = two_sum(x, -largest)
    if not np.isfinite(largest).all():
        # One infinite entry: the limit, in which it has all the weight. Several: no limit, and NaN stays.
        single = (x == np.inf) & ((x == np.inf).sum(axis=-1, keepdims=True) == 1)
        gap = np.where(single, 0.0, gap)
    low = finite_or_zero(np, low)
    if temperature != 1.0:
        gap, low = _divided(np, gap, low, temperature)
    e = np.exp(gap)
    e += e * low
    top = e.argmax(axis=-1)[..., None]
    rest = total(np, without(np, e, top))[..., None]
    return Softened(gap, low, e, top, rest, np.take_along_axis(e, top, axis=-1) + rest)


def _divided(np: Any, high: Any, low: Any, divisor: float) -> tuple[Any, Any]:
    """(high + low) / divisor, rounded, and what the rounding lost."""
    fraction, exponent = math.frexp(divisor)
    high, low = np.ldexp(high, -exponent), np.ldexp(low, -exponent)
    quotient = high / fraction
    product = quotient * fraction
    remainder = (high - product) - product_error(quotient, fraction, product)
    return quotient, finite_or_zero(np, (remainder + low) / fraction)
