"""The normal distribution: density phi and distribution Phi, to the last digits in both tails.

With M = (1 - Phi) / phi (Mills' ratio) the tail is phi * M, and 1 / M = x + r(x) for a small r > 0: whatever the
error of r, it counts less and less in x + r.
"""

from __future__ import annotations

from typing import Any

from gradcalc.numerics.split import decays, quotient, square
from gradcalc.numerics.vectors import two_sum

#: Below it |z| is in the middle, where the power series serves; above it the tail's r does.
MIDDLE = 0.7

_BEYOND = 100.0  # phi is 0 long before
_INVERSE_ROOT_2PI = 0.3989422804014327
_INVERSE_ROOT_2PI_LOW = -2.4923272022777433e-17

#: (Phi(z) - 1/2) / z by powers of z^2: (-1/2)^k / (k! (2k + 1) sqrt(2 pi)).
_SERIES = (
    0.3989422804014327, -0.06649038006690544, 0.009973557010035817, -0.0011873282154804543,
    0.00011543468761615529, -9.444656259503615e-06, 6.659693516316651e-07, -4.122667414862689e-08,
    2.2735298243728065e-09, -1.1301171641619213e-10, 5.1124347902563106e-12, -2.121761474217046e-13,
    8.133418984498675e-15,
)  # fmt: skip

#: (x + 3/2) r(x) by powers of t = 1 - 8 / (x + 4), which goes from -1 at x = 0 to 1 at infinity.
_EXCESS = (
    1.240839294692091, -0.24874773357082716, -0.09309367285799144, 0.1720300453863994, -0.07392998541583079,
    -0.02002388207742737, 0.0322962587852422, -0.004407647460957002, -0.009586047445985001,
    0.004070785418230365, 0.0022311000209424437, -0.0018257250220532096, -0.0003678434232634373,
    0.0006434083195417052, 9.068213051690309e-06, -0.00019371695789080097, 2.515886933302641e-05,
    5.028806832725055e-05, -1.3847102055929027e-05, -1.0769766998069467e-05, 5.180162183543884e-06,
    1.6023564085966997e-06, -1.5616066006036582e-06, -1.8846138139098463e-08, 3.7664441244033964e-07,
    -7.694710289124458e-08, -6.473323675227847e-08, 2.315685432712352e-08, 5.799856728462529e-09,
    -2.6585160198106237e-09,
)  # fmt: skip


def clipped(xp: Any, z: Any) -> Any:
    """|z|, no larger than needed for phi to be 0: no power of it overflows."""
    return xp.minimum(xp.absolute(z), _BEYOND)


def density_times(xp: Any, factor: Any, z: Any) -> Any:
    """factor * phi(z)."""
    high, low = square(xp, clipped(xp, z))
    scale = factor * _INVERSE_ROOT_2PI
    return decays(xp, scale, 0.5 * high, 0.5 * low - _INVERSE_ROOT_2PI_LOW / _INVERSE_ROOT_2PI)


def excess(x: Any) -> Any:
    """r(x) = phi / (1 - Phi) - x for x >= 0."""
    t = 1.0 - 8.0 / (x + 4.0)
    return polynomial(_EXCESS, t) / (x + 1.5)


def excess_pair(xp: Any, x: Any) -> tuple[Any, Any]:
    """r(x) with what rounding takes from it, but for that of the series."""
    t = 1.0 - 8.0 / (x + 4.0)
    high, low = two_sum(_EXCESS[0], t * polynomial(_EXCESS[1:], t))
    below, more = two_sum(x, 1.5)
    r, lost = quotient(xp, high, below)
    return r, lost + (low - r * more) / below


def tail(xp: Any, x: Any, factor: Any = 1.0) -> Any:
    """factor * (1 - Phi(x)) for x >= 0."""
    return density_times(xp, factor / (x + excess(x)), x)


def beyond_half(z: Any) -> Any:
    """Phi(z) - 1/2 for |z| < 0.7."""
    return z * polynomial(_SERIES, z * z)


def distribution(xp: Any, z: Any) -> Any:
    """Phi(z)."""
    size = xp.absolute(z)
    outside = tail(xp, xp.maximum(size, MIDDLE))
    middle = 0.5 + beyond_half(xp.minimum(xp.maximum(z, -MIDDLE), MIDDLE))
    return xp.where(size < MIDDLE, middle, xp.where(z > 0, 1.0 - outside, outside))


def hazard(xp: Any, z: Any) -> Any:
    """phi / Phi for z >= -1/2; what rounding takes is given back with the exponential."""
    x = xp.minimum(xp.maximum(z, -0.5), _BEYOND)
    base = xp.where(x < MIDDLE, 0.5, 1.0)
    rest = xp.where(x < MIDDLE, beyond_half(xp.minimum(x, MIDDLE)), -tail(xp, xp.maximum(x, MIDDLE)))
    whole = base + rest
    return _density_over(xp, x, whole, rest - (whole - base))


def tail_closely(xp: Any, z: Any) -> Any:
    """1 - Phi(z) for z >= 0.7, as `tail` has it, with what rounding takes given back likewise."""
    x = xp.minimum(z, _BEYOND)
    rest = excess(x)
    whole = x + rest
    return _density_over(xp, x, whole, rest - (whole - x))


def _density_over(xp: Any, x: Any, whole: Any, low: Any) -> Any:
    """phi(x) / (whole + low)."""
    high, lost = square(xp, x)
    share, missing = quotient(xp, _INVERSE_ROOT_2PI, whole)
    left = 0.5 * lost - _INVERSE_ROOT_2PI_LOW / _INVERSE_ROOT_2PI + low / whole - missing / share
    return decays(xp, share, 0.5 * high, left)


def polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """The sum of coefficients[k] * x^k."""
    found = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        found = found * x + coefficient
    return found
