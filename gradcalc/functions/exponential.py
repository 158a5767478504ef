"""The exponential and logarithms of probabilities: logit, log_sigmoid, log1mexp, entr."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import NOT_NEGATIVE, UNIT, Elementwise
from gradcalc.numerics.careful import sigmoid, sigmoid_slope, softplus_tail
from gradcalc.numerics.roots import patched


def _logit(xp: Any, x: Any) -> Any:
    """log(x / (1 - x)); near 1/2 as log1p((2x - 1) / (1 - x))."""
    rest = 1.0 - x
    near = xp.log1p(xp.divide(2.0 * x - 1.0, rest))
    return xp.where((x > 0.3) & (x < 0.7), near, xp.log(xp.divide(x, rest)))


def _spread(x: Any) -> Any:
    """x (1 - x), with + 0.0 for no -0."""
    return x * (1.0 - x) + 0.0


def _logit_curvature(xp: Any, x: Any) -> Any:
    """(2x - 1) / (x (1 - x))^2."""
    spread = _spread(x)
    return xp.divide(xp.divide(2.0 * x - 1.0, spread), spread)


def _log1mexp(xp: Any, x: Any) -> Any:
    """log(1 - e^-x), as the logarithm of expm1 while e^-x > 1/2."""
    near = xp.log(-xp.expm1(-x) + 0.0)
    return xp.where(x < _LOG_2, near, xp.log1p(-xp.exp(-x)))


def _log1mexp_slope(xp: Any, x: Any) -> Any:
    """1 / (e^x - 1), which far out is e^-x."""
    return xp.where(x > _FAR, xp.exp(-x), xp.divide(1.0, xp.expm1(x) + 0.0))


def _log1mexp_curvature(xp: Any, x: Any) -> Any:
    """-1 / (4 sinh^2(x / 2)) = -e^-x / (1 - e^-x)^2."""
    rest = -xp.expm1(-x) + 0.0
    return -xp.divide(xp.divide(xp.exp(-x), rest), rest)


_LOG_2 = 0.6931471805599453
_FAR = 40.0


def _entr(xp: Any, x: Any) -> Any:
    """-x log x; 0 at 0, -inf below."""
    inside = 0.0 - x * xp.log(x)
    return xp.where(x == 0, 0.0, xp.where(x < 0, -xp.inf, inside))


def _entr_slope(xp: Any, x: Any) -> Any:
    """-(1 + log x), beside its root 1 / e as -log(1 + e (x - 1 / e))."""
    return patched(
        (x > 0.2) & (x < 0.6), lambda x: -xp.log1p(_E * ((x - _ROOT) - _ROOT_LOW)), -1.0 - xp.log(x + 0.0), x
    )


_E = 2.718281828459045
_ROOT, _ROOT_LOW = 0.36787944117144233, -1.2428753672788363e-17


ENTRIES = (
    Elementwise(
        name="exponential",
        aliases=("exp",),
        title="Exponential",
        image="(0, inf)",
        formula="exp(z)",
        derivative_formula="exp(z)",
        value=lambda xp, z: xp.exp(z),
        derivative=lambda xp, z: xp.exp(z),
        second=lambda xp, z: xp.exp(z),
        libraries={"PyTorch": "exp", "JAX": "jnp.exp", "Keras": "exponential", "NumPy": "exp", "ONNX": "Exp"},
        source="Keras exponential",
    ),
    Elementwise(
        name="log_sigmoid",
        aliases=("logsigmoid", "log_expit"),
        title="Logarithm of the sigmoid",
        image="(-inf, 0)",
        formula="-log(1 + exp(-z))",
        derivative_formula="1 - sigmoid(z)",
        value=lambda xp, z: xp.where(z < 0, z, -0.0) - softplus_tail(xp, z),
        derivative=lambda xp, z: sigmoid(xp, -z),
        second=lambda xp, z: -sigmoid_slope(xp, z),
        libraries={
            "PyTorch": "F.logsigmoid",
            "JAX": "nn.log_sigmoid",
            "Keras": "log_sigmoid",
            "SciPy": "special.log_expit",
        },
        source="PyTorch logsigmoid, SciPy log_expit",
    ),
    Elementwise(
        name="logit",
        title="Logit: the inverse of the sigmoid",
        image="(-inf, inf)",
        domain=UNIT,
        formula="log(z / (1 - z))",
        derivative_formula="1 / (z * (1 - z))",
        value=_logit,
        derivative=lambda xp, x: xp.divide(1.0, _spread(x)),
        second=_logit_curvature,
        libraries={"PyTorch": "logit", "JAX": "jax.scipy.special.logit", "SciPy": "special.logit"},
        notes=("at 0 and 1 value and slope reach their limits, which are infinite",),
        source="Berkson 1944; course notes 002",
        sample=(0.05, 0.95),
    ),
    Elementwise(
        name="log1mexp",
        title="log(1 - exp(-z))",
        image="(-inf, 0)",
        domain=NOT_NEGATIVE,
        formula="log(1 - exp(-z))",
        derivative_formula="1 / (exp(z) - 1)",
        value=_log1mexp,
        derivative=_log1mexp_slope,
        second=_log1mexp_curvature,
        libraries={"JAX": "nn.log1mexp"},
        notes=("at 0 value and slope reach their limits, which are infinite",),
        source="Maechler 2012",
        sample=(0.2, 6.0),
    ),
    Elementwise(
        name="entr",
        title="Entropy term -z log(z)",
        image="(-inf, 0.367879]",
        formula="-z * log(z) if z > 0 else 0 if z == 0 else -inf",
        derivative_formula="-(1 + log(z))",
        value=_entr,
        derivative=_entr_slope,
        second=lambda xp, x: xp.where(x < 0, xp.nan, xp.divide(-1.0, x + 0.0)),
        libraries={"PyTorch": "special.entr", "JAX": "jax.scipy.special.entr", "SciPy": "special.entr"},
        notes=("below 0 it is -inf and has no slope; the slope at 0 is infinite",),
        source="SciPy entr",
        sample=(0.1, 6.0),
    ),
)
