"""Numbers carried as an unevaluated sum of two floats (high, low): some 106 bits where 53 would not do.

Everything runs on both number systems (`xp`). Where a result is not finite its low part is 0.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.numerics.split import finite, grows, product
from gradcalc.numerics.vectors import product_error, two_sum

Pair = tuple[Any, Any]

_FAINT = 1e-290  # of a smaller product's rounding part would underflow


def added(xp: Any, a: Any, b: Any) -> Pair:
    """a + b exactly."""
    high, low = two_sum(a, b)
    return high, finite(xp, low)


def multiplied(xp: Any, a: Any, b: Any) -> Pair:
    """a * b exactly, unless that nearly underflows."""
    high, low = product(xp, a, b)
    return high, xp.where(xp.absolute(high) < _FAINT, 0.0, low)


def plus(xp: Any, a: Pair, b: Pair) -> Pair:
    """The sum of two."""
    high, low = added(xp, a[0], b[0])
    return _settled(xp, high, low + (a[1] + b[1]))


def minus(xp: Any, a: Pair, b: Pair) -> Pair:
    """The difference of two."""
    return plus(xp, a, (-b[0], -b[1]))


def times(xp: Any, a: Pair, b: Pair) -> Pair:
    """The product of two."""
    high, low = multiplied(xp, a[0], b[0])
    return _settled(xp, high, low + finite(xp, a[0] * b[1] + a[1] * b[0]))


def over(xp: Any, a: Pair, b: Pair) -> Pair:
    """The quotient of two; as `divide` has it where b is 0."""
    high = xp.divide(a[0], b[0])
    back = high * b[0]
    left = ((a[0] - back) - product_error(high, b[0], back)) + (a[1] - high * b[1])
    return high, xp.where(xp.absolute(a[0]) < _FAINT, 0.0, finite(xp, xp.divide(left, b[0])))


def root(xp: Any, a: Pair) -> Pair:
    """The square root of a number that is not negative."""
    high = xp.sqrt(a[0])
    back = high * high
    left = ((a[0] - back) - product_error(high, high, back)) + a[1]
    return high, finite(xp, xp.divide(left, 2.0 * high))


def logarithm(xp: Any, a: Pair) -> Any:
    """log(a), rounded; beside 1 the distance from 1 is taken first."""
    high, low = a
    near = xp.log1p((high - 1.0) + low)
    far = xp.log(high) + finite(xp, xp.divide(low, high))
    return xp.where((high > 0.5) & (high < 2.0), near, far)


def log_ratio(xp: Any, a: Pair, b: Pair) -> Any:
    """log(a / b), rounded, for numbers above 0."""
    high, low = log_quotient(xp, a, b, minus(xp, a, b))
    return high + low


def log_quotient(xp: Any, a: Pair, b: Pair, gap: Pair) -> Pair:
    """log(a / b) for numbers above 0, and what it lost of its argument; from the gap a - b where that is small."""
    high, low = over(xp, a, b)
    r, r_low = over(xp, gap, b)
    middle, inside = (high > 0.5) & (high < 2.0), (high > 1e-300) & (high < 1e300)
    found = xp.where(middle, xp.log1p(r), xp.log(high))
    lost = finite(xp, xp.where(middle, xp.divide(r_low, 1.0 + r), xp.divide(low, high)))
    return xp.where(inside, found, xp.log(a[0]) - xp.log(b[0])), xp.where(inside, lost, 0.0)


def over_square(xp: Any, a: Any, b: Any) -> Any:
    """a / b^2, where nothing but the result itself may overflow or underflow."""
    ratio = xp.divide(a, b)
    small = xp.absolute(ratio) < 2.0**-960
    lifted = xp.divide(xp.divide(a * 2.0**100, b), b) / 2.0**100
    return xp.where(small, lifted, xp.divide(ratio, b))


def raised(xp: Any, a: Pair, power: float) -> Any:
    """a^power, rounded, for a >= 0: the low part counts `power` times."""
    found = xp.power(a[0], power)
    if power < _STEEP:
        return found + finite(xp, found * xp.divide(power * a[1], a[0]))
    part, low = multiplied(xp, finite(xp, xp.divide(a[1], a[0])), power)
    clipped = xp.minimum(xp.maximum(part, -1500.0), 700.0)
    return found * grows(xp, clipped, xp.where(clipped == part, low, 0.0))


_STEEP = 1e6  # up to such a power the square of what the low part counts is beyond the digits


def decay(xp: Any, r: Any) -> Pair:
    """e^-r for r >= 0: Taylor's series of a small part of r, squared over and over; beyond 700 rounded to one float."""
    part = (xp.minimum(r, 700.0) / 2.0**_SQUARINGS, 0.0 * r)
    risen = (0.0 * part[0], 0.0 * part[0])  # e^-part - 1, so that no squaring loses what is near 1
    for k in range(_TERMS, 0, -1):
        step = over(xp, part, (-float(k), 0.0))
        risen = times(xp, step, plus(xp, risen, (1.0, 0.0)))
    for _ in range(_SQUARINGS):
        risen = times(xp, risen, plus(xp, risen, (2.0, 0.0)))
    high, low = plus(xp, risen, (1.0, 0.0))
    rounded = xp.exp(-r)
    return xp.where(r < 30.0, high, rounded), xp.where(r < 30.0, low, 0.0)


_TERMS, _SQUARINGS = 16, 10


class Distance(NamedTuple):
    """c (x - y) exactly, with c = 1/2 where x - y overflows and 1 elsewhere; size and low are of its absolute value."""

    high: Any
    size: Any
    low: Any
    c: Any

    @property
    def pair(self) -> Pair:
        """The absolute value."""
        return self.size, self.low


def distance(xp: Any, x: Any, y: Any) -> Distance:
    """x - y in full."""
    c = xp.where(xp.absolute(x - y) == xp.inf, 0.5, 1.0)
    high, low = added(xp, x * c, -y * c)
    return Distance(high, xp.absolute(high), xp.where(high < 0, -low, low), c)


def _settled(xp: Any, high: Any, low: Any) -> Pair:
    """The same sum with the larger part rounded to it."""
    whole = high + low
    rest = low - (whole - high)
    fine = xp.absolute(whole) < xp.inf
    return xp.where(fine, whole, high), xp.where(fine, rest, 0.0)
