"""Numbers carried as a sum of two floats times a power of two, for arrays: no product of them leaves their range."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.numerics.doubled import Pair

#: The exponent of 0: below all others.
NOTHING = -100_000


class Wide(NamedTuple):
    """(high + low) 2^exponent, with |high| from 1/2 to 1 or 0."""

    high: Any
    low: Any
    exponent: Any

    @property
    def pair(self) -> Pair:
        """The sum of two alone."""
        return self.high, self.low

    def shifted(self, np: Any, exponent: Any) -> Pair:
        """The number in units of 2^exponent."""
        by = self.exponent - exponent
        return np.ldexp(self.high, by), np.ldexp(self.low, by)

    def rounded(self, np: Any) -> Any:
        """The nearest float."""
        return np.ldexp(self.high + self.low, self.exponent)


def wide(np: Any, pair: Pair, exponent: Any = 0) -> Wide:
    """A pair times a power of two."""
    mantissa, own = np.frexp(pair[0])
    return Wide(mantissa, np.ldexp(pair[1], -own), np.where(mantissa == 0, NOTHING, own + exponent))


def number(np: Any, x: float) -> Wide:
    """A float."""
    return wide(np, (np.array([x]), np.array([0.0 * x])))


def total(np: Any, terms: Any, exponent: Any) -> Wide:
    """The sum over the last axis, (..., 1), of terms in units of 2^exponent."""
    from gradcalc.numerics.vectors import full_total

    high, low = full_total(np, terms)
    return wide(np, (high[..., None], low[..., None]), exponent)


def plus(np: Any, a: Wide, b: Wide) -> Wide:
    """The sum of two."""
    from gradcalc.numerics import arrays, doubled

    unit = np.maximum(a.exponent, b.exponent)
    return wide(np, doubled.plus(arrays, a.shifted(np, unit), b.shifted(np, unit)), unit)


def times(np: Any, a: Wide, b: Wide) -> Wide:
    """The product of two."""
    from gradcalc.numerics import arrays, doubled

    return wide(np, doubled.times(arrays, a.pair, b.pair), a.exponent + b.exponent)


def over(np: Any, a: Wide, b: Wide) -> Wide:
    """The quotient of two; NaN or infinite where b is 0."""
    from gradcalc.numerics import arrays, doubled

    return wide(np, doubled.over(arrays, a.pair, b.pair), a.exponent - b.exponent)
