"""Smooth relatives of the rectifier and the sign: softplus, squareplus, mish, softsign."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, Elementwise, Kink, Param
from gradcalc.numerics.careful import constant
from gradcalc.numerics.doubled import added, over, plus, root
from gradcalc.numerics.roots import Root
from gradcalc.numerics.split import decays, finite, product
from gradcalc.numerics.vectors import two_sum

_NAN = float("nan")


def _exponent(xp: Any, z: Any, beta: Any) -> tuple[Any, Any]:
    """|beta z| as a sum of two."""
    high, low = product(xp, beta, z)
    return xp.absolute(high), xp.where(high < 0, -low, low)


def _softplus(xp: Any, z: Any, beta: Any) -> Any:
    """max(z, 0) + log1p(e^-|beta z|) / beta; where the logarithm is e^-|beta z|, as that."""
    size, low = _exponent(xp, z, beta)
    t = xp.exp(-size)
    near = xp.log1p(t) - low * (t / (1.0 + t))
    beyond = xp.where(size < _FAR, near / beta, decays(xp, 1.0 / beta, size, low))
    return xp.where(z > 0, z, constant(xp, 0.0, z)) + beyond


_FAR = 40.0
_SMALL = 1e-150  # the square of its inverse may overflow


def _softplus_slope(xp: Any, z: Any, beta: Any) -> Any:
    """sigma(beta z)."""
    size, low = _exponent(xp, z, beta)
    over = 1.0 / (1.0 + xp.exp(-size))
    return xp.where(z < 0, decays(xp, over, size, low), over)


def _softplus_curvature(xp: Any, z: Any, beta: Any) -> Any:
    """beta sigma'(beta z)."""
    size, low = _exponent(xp, z, beta)
    t = xp.exp(-size)
    return decays(xp, beta / (1.0 + t * (2.0 + t)), size, low)


def _softplus_by_beta(xp: Any, z: Any, beta: Any) -> Any:
    """-(log1p(t) + |beta z| t / (1 + t)) / beta^2 with t = e^-|beta z|."""
    size, low = _exponent(xp, z, beta)
    t = xp.exp(-size)
    lever = xp.where(size < _FAR, size, 0.0) * t / (1.0 + t)
    whole, rest = added(xp, xp.log1p(t), lever)
    near = sum(over(xp, over(xp, (whole, rest - lever / (1.0 + t) * low), (beta, 0.0)), (beta, 0.0)))
    root = decays(xp, 1.0 / beta, 0.5 * size, 0.5 * low)
    far = (1.0 + size) * root * root if beta < _SMALL else decays(xp, (1.0 + size) / beta / beta, size, low)
    return -xp.where(size < _FAR, near, far)


class _Bend(NamedTuple):
    """c z, c^2 b, and c r = c sqrt(z^2 + b) with what its rounding lost; c is such that squares have all their digits.

    b is lifted besides, as quotients by r and r^2 might not have them.
    """

    c: Any
    z: Any
    b: Any
    r: Any
    low: Any


_LIFT = 2.0**100


def _bend(xp: Any, z: Any, b: Any) -> _Bend:
    size = xp.maximum(xp.absolute(z), xp.sqrt(b))
    large = xp.where(size > 2.0**700, 2.0**-560, 2.0**-300)
    c = xp.where(size > 2.0**300, large, xp.where(size < 2.0**-300, 2.0**560, 1.0))
    near, far = z * c, b * c * c
    r, low = root(xp, plus(xp, product(xp, near, near), (far, 0.0)))
    return _Bend(c, near, far * _LIFT, r, low)


def _squareplus(xp: Any, z: Any, b: Any) -> Any:
    """(z + r) / 2, below 0 as b / (2 (r - z)); each half by itself, for the sum may overflow."""
    at = _bend(xp, z, b)
    half = 0.5 * at.r / at.c
    below = xp.where(b == 0, 0.0, 0.25 * xp.divide(b, half - 0.5 * z))
    return xp.where(z < 0, below, 0.5 * z + half)


def _squareplus_slope(xp: Any, z: Any, b: Any) -> Any:
    """f / r; above 0 as (1 + z / r) / 2, and 1/2 at 0 for every b."""
    at = _bend(xp, z, b)
    above = xp.where(z == xp.inf, 1.0, 0.5 + 0.5 * xp.divide(at.z, at.r))
    rest, share = (at.r - at.z) + at.low, finite(xp, xp.divide(at.low, at.r))
    below = xp.where(b == 0, 0.0, xp.divide(xp.divide(0.5 * at.b, rest), at.r) * (1.0 - share) / _LIFT)
    return xp.where(z < 0, below, xp.where(z == 0, 0.5, above))


def _squareplus_curvature(xp: Any, z: Any, b: Any) -> Any:
    """b / (2 r^3); 0 for b = 0."""
    at = _bend(xp, z, b)
    found = xp.divide(xp.divide(xp.divide(0.5 * at.b, at.r), at.r), at.r)
    turned = found - 3.0 * found * finite(xp, xp.divide(at.low, at.r))
    return xp.where(b == 0, constant(xp, 0.0, z), turned * at.c / _LIFT)


def _squareplus_by_b(xp: Any, z: Any, b: Any) -> Any:
    """1 / (4 r)."""
    at = _bend(xp, z, b)
    return xp.divide(0.25, at.r) * at.c


def _softsign(xp: Any, z: Any) -> Any:
    size = xp.absolute(z)
    return xp.where(size == xp.inf, xp.where(z > 0, 1.0, -1.0), z / (1.0 + xp.minimum(size, _LARGEST)))


_LARGEST = 1.7976931348623157e308


def _softsign_slope(xp: Any, z: Any) -> Any:
    """1 / (1 + |z|)^2, with what rounding took from 1 + |z|."""
    base, lost = two_sum(1.0, xp.absolute(z))
    share = 1.0 / base
    return share * share * (1.0 - 2.0 * finite(xp, lost) * share)


def _softsign_curvature(xp: Any, z: Any) -> Any:
    """-2 sign(z) / (1 + |z|)^3, with what rounding took from 1 + |z|."""
    base, lost = two_sum(1.0, xp.absolute(z))
    found = 2.0 / base / base / base
    size = found - 3.0 * found * finite(xp, lost) / base
    return xp.where(z > 0, -size, xp.where(z < 0, size, constant(xp, 0.0, z)))


def _mish(xp: Any, z: Any) -> Any:
    """z n / (n + 2) with n = w (w + 2), w = e^z; above 0 as z - z 2 t^2 / D with t = e^-z, D = 1 + 2 t (1 + t)."""
    size, t = _mish_parts(xp, z)
    below = decays(xp, xp.where(z < 0, z, 0.0) * (t + 2.0) / (2.0 + t * (t + 2.0)), size)
    return xp.where(z < 0, below, z - size * (2.0 * t * t / (1.0 + 2.0 * t * (1.0 + t))))


def _mish_slope(xp: Any, z: Any) -> Any:
    """n / (n + 2) + 4 z w (1 + w) / (n + 2)^2."""
    size, t = _mish_parts(xp, z)
    half = t * (1.0 + 0.5 * t)  # n / 2
    bracket = (1.0 - size) + t * ((1.5 - size) + 0.5 * (t + half))
    below = decays(xp, bracket / (1.0 + half * (2.0 + half)), size)
    over = 1.0 + 2.0 * t * (1.0 + t)
    above = 1.0 + (2.0 * t * t / over) * (2.0 * size * (1.0 + t) / over - 1.0)
    return _MISH_SLOPE.beside(z, 0.0, xp.where(z < 0, below, above))


def _mish_curvature(xp: Any, z: Any) -> Any:
    """(8 w (1 + w) (n + 2) + 4 z w (2 + 2 w - 3 w^2 - 2 w^3)) / (n + 2)^3."""
    size, t = _mish_parts(xp, z)
    half = t * (1.0 + 0.5 * t)  # n / 2
    pull = (2.0 - size) + t * (2.0 + (2.0 + t) * (1.0 + t) - size * (1.0 - t * (1.5 + t)))
    below = decays(xp, pull / _cube_of_one_plus(half), size)
    more = 2.0 * t * (1.0 + t)
    push = (2.0 - 2.0 * size) + t * (2.0 + 2.0 * (1.0 + t) * (2.0 + 2.0 * t) + size * (2.0 * t * (t + 1.0) - 3.0))
    above = decays(xp, 4.0 * push / _cube_of_one_plus(more), 2.0 * size)
    found = _MISH_FALLS.beside(z, 0.0, xp.where(z < 0, below, above))
    return _MISH_RISES.beside(z, 0.0, found)


def _cube_of_one_plus(x: Any) -> Any:
    """(1 + x)^3 with the rounding of 1 + x not cubed."""
    return 1.0 + x * (3.0 + x * (3.0 + x))


def _mish_parts(xp: Any, z: Any) -> tuple[Any, Any]:
    """|z|, no larger than needed for e^-|z| to be 0, and e^-|z|."""
    size = xp.minimum(xp.absolute(z), 1600.0)
    return size, xp.exp(-size)


_MISH_SLOPE = Root(-1.1924312145154952, -4.8484829848031044e-17, 0.5, (
    0.2669479140495345, 0.20473126408010586, 0.04190782104360987, -0.020271822716684245, -0.01582112656173338,
    -0.0033606849270232685, 0.0010924055409445854, 0.0009898181021289196, 0.00025412936386191073,
    -4.1961496031696126e-05, -5.582891567360688e-05, -1.72992708103044e-05, 9.427361327376651e-07,
    2.9088199364912223e-06, 1.071676702702074e-06, 2.6879417855557728e-08, -1.4117255919499382e-07,
    -6.174424363104907e-08, -5.460186173028381e-09, 6.3895954615089855e-09, 3.3604012383661332e-09,
    4.817646300218697e-10, -2.6751871594311224e-10, -1.7442209713382678e-10, -3.3904729895707114e-11,
))  # fmt: skip
_MISH_FALLS = Root(-2.256376396360793, -1.0703174875019247e-16, 0.5, (
    0.1087544107316427, 0.09898193805255845, 0.03736189561023729, 0.0033540526593358656, -0.003860493935188506,
    -0.002480068109334893, -0.0007927886724150866, -0.00010538381919454746, 3.978333053066292e-05,
    3.2238496830115364e-05, 1.1646398837640038e-05, 2.1972274370071305e-06, -1.9166311947636233e-07,
    -3.2886827478945233e-07, -1.3816841246787867e-07, -3.179194815463423e-08, -9.041836791970716e-10,
    2.7897687645450417e-09, 1.3947241287864647e-09, 3.7278297023353565e-10, 3.5985149601048556e-11,
    -1.9587615834869195e-11, -1.2454763156836604e-11,
))  # fmt: skip
_MISH_RISES = Root(1.4905711794854284, 7.126036715834263e-17, 0.7, (
    -0.23069451159746054, 0.28127277803034306, -0.0797073551654253, -0.06665173991852782, 0.05998888116276497,
    -0.008932244292082872, -0.011535248884490047, 0.0070027488703032735, -0.00026852183677313475,
    -0.0014013096671622836, 0.0006082701059370484, 4.5850287012401906e-05, -0.00013717566879765472,
    4.3428925985047434e-05, 9.503876307943976e-06, -1.1636938135269531e-05, 2.5942176688726364e-06,
    1.1453549858100461e-06, -8.865033422620115e-07, 1.222151382038124e-07, 1.1103700734940431e-07,
    -6.16810624585734e-08, 3.1677243749092252e-09, 9.442493225813562e-09, -3.941286131233074e-09,
    -1.8526850078138173e-10, 7.308833536897959e-10, -2.3008883584136917e-10, -3.99898645660731e-11,
    5.2467960724023725e-11, -1.2008596317614772e-11, -4.3949358112940776e-12, 3.52712608023842e-12,
    -5.261030249094932e-13, -3.8999346609959777e-13, 2.2286508060304162e-13,
))  # fmt: skip


ENTRIES = (
    Elementwise(
        name="softplus",
        title="Softplus",
        image="(0, inf)",
        params=(Param("beta", 1.0, "how fast it nears its limits", POSITIVE, derivative=_softplus_by_beta),),
        formula="log(1 + exp(beta * z)) / beta",
        derivative_formula="sigmoid(beta * z)",
        value=_softplus,
        derivative=_softplus_slope,
        second=_softplus_curvature,
        libraries={
            "PyTorch": "F.softplus(beta, threshold)",
            "JAX": "nn.softplus",
            "Keras": "softplus",
            "SciPy": "special.softplus",
            "ONNX": "Softplus",
        },
        notes=("PyTorch returns z where beta z > 20, which is off by 2e-9; here there is no cut-off",),
        source="Dugas et al. 2001",
    ),
    Elementwise(
        name="squareplus",
        title="Squareplus",
        image="(0, inf)",
        params=(
            Param(
                "b",
                4.0,
                "how round the corner is",
                NOT_NEGATIVE,
                derivative=_squareplus_by_b,
            ),
        ),
        formula="(z + sqrt(z^2 + b)) / 2",
        derivative_formula="(1 + z / sqrt(z^2 + b)) / 2",
        value=_squareplus,
        derivative=_squareplus_slope,
        second=_squareplus_curvature,
        kinks=(
            Kink(
                lambda b: 0.0 if b == 0 else _NAN,
                lambda b: 0.0,
                lambda b: 1.0,
                "midpoint",
                when="z = 0, for b = 0",
            ),
        ),
        libraries={"JAX": "nn.squareplus(b)", "Keras": "squareplus(b)"},
        notes=("for b = 0 it is relu, with the slope 1/2 at 0 that it has for every other b",),
        source="Barron 2021",
    ),
    Elementwise(
        name="mish",
        title="Mish",
        image="[-0.308843, inf)",
        formula="z * tanh(log(1 + exp(z)))",
        derivative_formula="tanh(softplus(z)) + z * sigmoid(z) * (1 - tanh(softplus(z))^2)",
        value=_mish,
        derivative=_mish_slope,
        second=_mish_curvature,
        libraries={"PyTorch": "F.mish", "JAX": "nn.mish", "Keras": "mish", "ONNX": "Mish"},
        notes=(
            "at -inf PyTorch, JAX and Keras give NaN, where the limit is 0",
            "from 0.4 to 0.8 the second derivative was measured up to 4.3 ulp off, else all is below 4: the rounding"
            " of exp(-z) counts in every factor",
        ),
        source="Misra 2019",
    ),
    Elementwise(
        name="softsign",
        aliases=("soft_sign",),
        title="Softsign",
        image="(-1, 1)",
        formula="z / (1 + abs(z))",
        derivative_formula="1 / (1 + abs(z))^2",
        value=_softsign,
        derivative=_softsign_slope,
        second=_softsign_curvature,
        libraries={"PyTorch": "F.softsign", "JAX": "nn.soft_sign", "Keras": "softsign", "ONNX": "Softsign"},
        notes=(
            "the second derivative jumps at 0",
            "at -inf and inf PyTorch, JAX and Keras give NaN, where the limits are -1 and 1",
        ),
        source="Bergstra, Desjardins, Lamblin & Bengio 2009",
    ),
)
