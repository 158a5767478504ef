"""Smooth relatives of the rectifier and the sign: softplus, squareplus, mish, softsign."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, Elementwise, Kink, Param
from gradcalc.numerics.careful import constant
from gradcalc.numerics.doubled import added, over, plus, root
from gradcalc.numerics.roots import Expansion, Root
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
    found = _MISH_SLOPE_NEXT.beside(z, xp.where(z < 0, below, above))
    return _MISH_SLOPE.beside(z, 0.0, found)


def _mish_curvature(xp: Any, z: Any) -> Any:
    """(8 w (1 + w) (n + 2) + 4 z w (2 + 2 w - 3 w^2 - 2 w^3)) / (n + 2)^3."""
    size, t = _mish_parts(xp, z)
    half = t * (1.0 + 0.5 * t)  # n / 2
    pull = (2.0 - size) + t * (2.0 + (2.0 + t) * (1.0 + t) - size * (1.0 - t * (1.5 + t)))
    below = decays(xp, pull / _cube_of_one_plus(half), size)
    more = 2.0 * t * (1.0 + t)
    push = (2.0 - 2.0 * size) + t * (2.0 + 2.0 * (1.0 + t) * (2.0 + 2.0 * t) + size * (2.0 * t * (t + 1.0) - 3.0))
    above = decays(xp, 4.0 * push / _cube_of_one_plus(more), 2.0 * size)
    found = xp.where(z < 0, below, above)
    for part in _MISH_CURVATURE:
        found = part.beside(z, found)
    return _MISH_RISES.beside(z, 0.0, _MISH_FALLS.beside(z, 0.0, found))


def _cube_of_one_plus(x: Any) -> Any:
    """(1 + x)^3 with the rounding of 1 + x not cubed."""
    return 1.0 + x * (3.0 + x * (3.0 + x))


def _mish_parts(xp: Any, z: Any) -> tuple[Any, Any]:
    """|z|, no larger than needed for e^-|z| to be 0, and e^-|z|."""
    size = xp.minimum(xp.absolute(z), 1600.0)
    return size, xp.exp(-size)


_MISH_SLOPE = Root(-1.1924312145154952, -4.8484829848031044e-17, 0.5, (
    0.2669479140495345, 0.20473126408010586, 0.04190782104360991, -0.020271822716684373, -0.015821126561737238,
    -0.003360684927009581, 0.0010924055411067107, 0.0009898181015671847, 0.00025412936040103884,
    -4.1961484488379944e-05, -5.582887340113705e-05, -1.729940397134961e-05, 9.424242414564446e-07,
    2.9097212527873483e-06, 1.0730833154326376e-06, 2.333220945192144e-08, -1.449383303841311e-07,
    -5.426319813644813e-08,
), (1.5277855347009604e-17, 4.02186090125692e-18, -3.386350190924552e-18))  # fmt: skip
_MISH_SLOPE_NEXT = Expansion(-0.375, 0.375, (
    0.36256622356981055, 0.603194822087022, 0.13518763881202753, -0.12663069037893085, -0.06331586122534258,
    0.014221463026714797, 0.017710938250312197, 0.0014982411991606116, -0.0033027761620360897,
    -0.001160745748382371, 0.00035974202546792353, 0.00032100033093878836, 1.2567466564025338e-05,
    -5.8339553578737156e-05, -1.709043423561484e-05, 6.636312769892887e-06, 4.339055654119873e-06,
    -1.2235813392588144e-07,
), (2.392103574537805e-17, -4.7946589013225547e-17, -1.0706430809407277e-17))  # fmt: skip
_MISH_FALLS = Root(-2.256376396360793, -1.0703174875019247e-16, 0.625, (
    0.1087544107316427, 0.09898193805255845, 0.03736189561023729, 0.0033540526593358634, -0.0038604939351885794,
    -0.0024800681093347108, -0.0007927886724126206, -0.00010538381920050794, 3.9783330488164255e-05,
    3.2238496928906856e-05, 1.1646399264855466e-05, 2.197226498462443e-06, -1.9166578956047929e-07,
    -3.288628638728812e-07, -1.381577555464925e-07, -3.181114909516681e-08, -9.312517577721511e-10,
    2.830483944951858e-09, 1.436780236828389e-09, 3.263774698363123e-10,
), (-6.4432335762841934e-18, -6.3283037776234905e-18, 3.1980344867299197e-18))  # fmt: skip
_MISH_CURVATURE_LOW = Expansion(-1.125, 0.5625, (
    0.29510360544674713, 0.425212762938417, 0.10710265911503601, -0.10328810581231535, -0.08529433590897528,
    -0.01627623004652502, 0.011662123330985937, 0.009059676715369759, 0.001896551991336126, -0.0008841637527294569,
    -0.0007605160123559874, -0.00018144112400857567, 5.456522492693138e-05, 5.563789560811589e-05,
    1.4966222437611503e-05, -2.865317047209612e-06, -3.7070284646175253e-06, -1.1012235858900428e-06,
    1.3970991320916131e-07, 2.1606665219179783e-07, 5.465005199188841e-08,
), (8.383393609889746e-19, -1.4247099222379887e-17, 6.3364544742097666e-18))  # fmt: skip
_MISH_CURVATURE_TOP = Expansion(-0.1875, 0.4375, (
    0.6389778827682001, 0.10374189796654448, -0.5002943083588497, -0.16245328723401192, 0.1693992462628874,
    0.09546512144285689, -0.03158362623800342, -0.034838284764732885, 0.0008553351833066772, 0.00925945142448851,
    0.0018022866770634571, -0.001856704874404721, -0.0008204487967928155, 0.0002548278615580563,
    0.0002384006088102885, -7.156883135128741e-06, -5.309449631141883e-05, -9.076731829905642e-06,
    8.362221911088266e-06, 3.0085338934007763e-06,
), (-5.451172549681128e-17, -2.525337830597236e-18, -4.3737934746001807e-17))  # fmt: skip
_MISH_CURVATURE_HIGH = Expansion(0.625, 0.4375, (
    0.39784618307249753, -0.5796634400790414, -0.09766954507124691, 0.36911270977887917, -0.032416028340016494,
    -0.13400022328090277, 0.030854334212871468, 0.036871796369043384, -0.013617784947401507, -0.00834884442165217,
    0.004562214486569554, 0.0015679433159863658, -0.0013003717413597922, -0.00022628103941726415,
    0.00033035283202350425, 1.507757294897218e-05, -7.64545449249469e-05, 4.770807666309328e-06,
    1.6095963611585823e-05, -2.064941254832638e-06, -2.6795204593445325e-06,
), (9.482144997385317e-18, -4.429476675082022e-17, 3.279921845043072e-18))  # fmt: skip
_MISH_RISES = Root(1.4905711794854284, 7.126036715834263e-17, 0.5, (
    -0.23069451159746054, 0.28127277803034306, -0.0797073551654253, -0.0666517399185281, 0.05998888116276496,
    -0.00893224429205882, -0.01153524888448943, 0.007002748869347989, -0.0002685218367968029,
    -0.0014013096462804238, 0.0006082701064261016, 4.585001214482902e-05, -0.00013717567468689263,
    4.343119978671931e-05, 9.503918278068138e-06, -1.1648868810054464e-05, 2.5940525007106834e-06,
    1.1840731413953383e-06, -8.862694926867067e-07, 5.039598050085634e-08, 1.1170921854224529e-07,
), (8.660424052712161e-18, 1.3257968237770231e-17, -3.8616605986349283e-19))  # fmt: skip
_MISH_CURVATURE_BEYOND = Expansion(2.25, 0.3125, (
    -0.05760715109878553, 0.01970122199457762, 0.0578880035621081, -0.06826625382017878, 0.03142006502868508,
    -0.00209428861142834, -0.005815119879874104, 0.0036001286837264623, -0.0008270601368318672,
    -0.00019389375190630994, 0.00023043142036066055, -8.239424676748596e-05, 4.986779002886369e-06,
    9.73721344770746e-06, -5.3168752392119305e-06, 1.0153202222053637e-06, 2.502712065283547e-07,
), (-1.8511841258971337e-18, -8.191875830959482e-20, 3.2375563802786172e-18))  # fmt: skip

_MISH_CURVATURE = (_MISH_CURVATURE_LOW, _MISH_CURVATURE_TOP, _MISH_CURVATURE_HIGH, _MISH_CURVATURE_BEYOND)


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
        notes=("at -inf PyTorch, JAX and Keras give NaN, where the limit is 0",),
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
