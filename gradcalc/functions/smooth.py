"""Smooth relatives of the rectifier and the sign: softplus, squareplus, mish, softsign."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, Elementwise, Kink, Param
from gradcalc.numerics.careful import constant
from gradcalc.numerics.doubled import added, over, plus, root
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
    below = decays(xp, ((1.0 + 0.5 * t) * (1.0 + half) - size * (1.0 + t)) / (1.0 + half * (2.0 + half)), size)
    over = 1.0 + 2.0 * t * (1.0 + t)
    above = 1.0 + (2.0 * t * t / over) * (2.0 * size * (1.0 + t) / over - 1.0)
    return xp.where(z < 0, below, above)


def _mish_curvature(xp: Any, z: Any) -> Any:
    """(8 w (1 + w) (n + 2) + 4 z w (2 + 2 w - 3 w^2 - 2 w^3)) / (n + 2)^3."""
    size, t = _mish_parts(xp, z)
    half = t * (1.0 + 0.5 * t)  # n / 2
    pull = size * (1.0 + t * (1.0 - t * (1.5 + t)))
    below = decays(xp, (2.0 * (1.0 + t) * (1.0 + half) - pull) / _cube_of_one_plus(half), size)
    more = 2.0 * t * (1.0 + t)
    push = size * (2.0 - t * (2.0 * t * (t + 1.0) - 3.0))
    above = decays(xp, 4.0 * (2.0 * (1.0 + t) * (1.0 + more) - push) / _cube_of_one_plus(more), 2.0 * size)
    return xp.where(z < 0, below, above)


def _cube_of_one_plus(x: Any) -> Any:
    """(1 + x)^3 with the rounding of 1 + x not cubed."""
    return 1.0 + x * (3.0 + x * (3.0 + x))


def _mish_parts(xp: Any, z: Any) -> tuple[Any, Any]:
    """|z|, no larger than needed for e^-|z| to be 0, and e^-|z|."""
    size = xp.minimum(xp.absolute(z), 1600.0)
    return size, xp.exp(-size)


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
