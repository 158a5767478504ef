"""The normal distribution: density phi and distribution Phi, to the last digits in both tails.

With M = (1 - Phi) / phi (Mills' ratio) the tail is phi * M, and 1 / M = x + r(x) for a small r > 0: whatever the
error of r, it counts less and less in x + r.
"""

from __future__ import annotations

from typing import Any

from gradcalc.numerics.split import decays, square

#: Below it |z| is in the middle, where the power series serves; above it the tail's r does.
MIDDLE = 0.7

_BEYOND = 100.0  # phi is 0 long before
_INVERSE_ROOT_2PI = 0.3989422804014327
_INVERSE_ROOT_2PI_LOW = -2.4923272022777433e-17
_ROOT_2PI = 2.5066282746310007

#: (Phi(z) - 1/2) / z by powers of z^2: (-1/2)^k / (k! (2k + 1) sqrt(2 pi)).
_SERIES = (
    0.3989422804014327, -0.06649038006690544, 0.009973557010035817, -0.0011873282154804543,
    0.00011543468761615529, -9.444656259503615e-06, 6.659693516316651e-07, -4.122667414862689e-08,
    2.2735298243728065e-09, -1.1301171641619213e-10, 5.1124347902563106e-12, -2.121761474217046e-13,
    8.133418984498675e-15,
)  # fmt: skip

#: (x + 3/2) r(x) by powers of t = 1 - 9.4 / (x + 4), which goes from -1 at x = 0.7 to 1 at infinity.
_EXCESS = (
    1.202257592469146, -0.2264190172056748, -0.01919513498885148, 0.07740419479547052, -0.04138950737524137,
    0.002363728672858229, 0.008756376598627056, -0.003880776483755652, -0.0008059154522080728,
    0.0011985507672565554, -0.00014455691293551386, -0.0002502784966571151, 9.339931366569321e-05,
    3.752905401303001e-05, -2.838921746801145e-05, -2.9854410378316135e-06, 6.410898380186965e-06,
    -4.01506538374464e-07, -1.1434996700806223e-06, 2.300345787301716e-07, 1.546785442146796e-07,
    -5.5239153384747704e-08, -1.3603694947882433e-08, 8.282124559475897e-09, 4.956893755988129e-10,
    -6.374676499696735e-10,
)  # fmt: skip


def clipped(xp: Any, z: Any) -> Any:
    """|z|, no larger than needed for phi to be 0: no power of it overflows."""
    return xp.minimum(xp.absolute(z), _BEYOND)


def density_times(xp: Any, factor: Any, z: Any) -> Any:
    """factor * phi(z)."""
    high, low = square(xp, clipped(xp, z))
    scale = factor * _INVERSE_ROOT_2PI
    return decays(xp, scale, 0.5 * high, 0.5 * low - _INVERSE_ROOT_2PI_LOW / _INVERSE_ROOT_2PI)


def excess(xp: Any, x: Any) -> Any:
    """r(x) = phi / (1 - Phi) - x for x >= 0.7."""
    t = 1.0 - 9.4 / (x + 4.0)
    return polynomial(_EXCESS, t) / (x + 1.5)


def tail(xp: Any, x: Any, factor: Any = 1.0) -> Any:
    """factor * (1 - Phi(x)) for x >= 0.7."""
    return density_times(xp, factor / (x + excess(xp, x)), x)


def beyond_half(xp: Any, z: Any) -> Any:
    """Phi(z) - 1/2 for |z| < 0.7."""
    return z * polynomial(_SERIES, z * z)


def distribution(xp: Any, z: Any) -> Any:
    """Phi(z)."""
    size = xp.absolute(z)
    outside = tail(xp, xp.maximum(size, MIDDLE))
    middle = 0.5 + beyond_half(xp, xp.minimum(xp.maximum(z, -MIDDLE), MIDDLE))
    return xp.where(size < MIDDLE, middle, xp.where(z > 0, 1.0 - outside, outside))


def polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """The sum of coefficients[k] * x^k."""
    found = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        found = found * x + coefficient
    return found
