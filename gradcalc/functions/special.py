"""The error function, the normal distribution and its logarithm."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import Elementwise
from gradcalc.numerics.normal import (
    MIDDLE,
    beyond_half,
    clipped,
    density_times,
    distribution,
    excess,
    excess_pair,
    hazard,
    tail_closely,
)
from gradcalc.numerics.split import decays, square


def _erf_slope(xp: Any, z: Any, factor: Any = 1.0) -> Any:
    """factor * 2 / sqrt(pi) e^-z^2."""
    high, low = square(xp, clipped(xp, z))
    return decays(xp, factor * _TWO_OVER_ROOT_PI, high, low)


_TWO_OVER_ROOT_PI = 1.1283791670955126


def _log_ndtr(xp: Any, z: Any) -> Any:
    """log Phi: far below 0 -z^2 / 2 - log(sqrt(2 pi) (|z| + r)), near 0 log1p(2 Phi - 1) - log 2."""
    size = xp.maximum(xp.absolute(z), MIDDLE)
    below = -(0.5 * size) * size - xp.log(_ROOT_2PI * (size + excess(size)))
    middle = xp.log1p(2.0 * beyond_half(xp.minimum(xp.maximum(z, -MIDDLE), MIDDLE))) - _LOG_2
    above = xp.log1p(-tail_closely(xp, size))
    return xp.where(xp.absolute(z) < MIDDLE, middle, xp.where(z < 0, below, above))


_ROOT_2PI = 2.5066282746310007
_LOG_2 = 0.6931471805599453


def _hazard(xp: Any, z: Any) -> Any:
    """phi / Phi, below 0 as |z| + r."""
    size = xp.absolute(z)
    return xp.where(z < 0, size + excess(size), hazard(xp, z))


def _log_ndtr_curvature(xp: Any, z: Any) -> Any:
    """-h (z + h) with h = phi / Phi; below 0 z + h is r."""
    size = xp.minimum(xp.absolute(z), _FAR)
    r, low = excess_pair(xp, size)
    below = -r * (size + r) - low * (size + 2.0 * r)
    h = hazard(xp, z)
    far = density_times(xp, -clipped(xp, z), z)
    above = xp.where(size < _ALONE, -h * (xp.maximum(z, _LEVEL) + h), far)
    return xp.where(z < _LEVEL, below, above)


_LEVEL = -0.125  # z + h loses nothing from here on
_ALONE = 20.0  # h is phi from here on, and nothing beside z
_FAR = 1e10  # r is 1 / |z| from here on, and the second derivative -1


ENTRIES = (
    Elementwise(
        name="erf",
        title="Error function",
        image="(-1, 1)",
        formula="erf(z)",
        derivative_formula="2 / sqrt(pi) * exp(-z^2)",
        value=lambda xp, z: xp.erf(z),
        derivative=_erf_slope,
        second=lambda xp, z: _erf_slope(xp, z, xp.where(z > 0, -2.0, 2.0) * clipped(xp, z)),
        libraries={"PyTorch": "erf", "JAX": "jax.scipy.special.erf", "SciPy": "special.erf", "ONNX": "Erf"},
        notes=("PyTorch and JAX round z^2 before its exponential, which costs their slope up to three digits",),
        source="Glaisher 1871",
    ),
    Elementwise(
        name="ndtr",
        aliases=("normal_cdf",),
        title="Distribution function of the normal distribution",
        image="(0, 1)",
        formula="(1 + erf(z / sqrt(2))) / 2",
        derivative_formula="exp(-z^2 / 2) / sqrt(2 * pi)",
        value=distribution,
        derivative=lambda xp, z: density_times(xp, 1.0, z),
        second=lambda xp, z: density_times(xp, xp.where(z > 0, -1.0, 1.0) * clipped(xp, z), z),
        libraries={"PyTorch": "special.ndtr", "JAX": "jax.scipy.special.ndtr", "SciPy": "special.ndtr"},
        notes=("PyTorch computes 1 + erf, which has no digits left below -8",),
        source="SciPy ndtr",
    ),
    Elementwise(
        name="log_ndtr",
        aliases=("normal_logcdf",),
        title="Logarithm of the normal distribution function",
        image="(-inf, 0)",
        formula="log((1 + erf(z / sqrt(2))) / 2)",
        derivative_formula="exp(-z^2 / 2) / sqrt(2 * pi) / ndtr(z)",
        value=_log_ndtr,
        derivative=_hazard,
        second=_log_ndtr_curvature,
        libraries={"PyTorch": "special.log_ndtr", "JAX": "jax.scipy.special.log_ndtr", "SciPy": "special.log_ndtr"},
        notes=("at -1e7 the slope is 1 % off in PyTorch and 0.1 % in JAX",),
        source="SciPy log_ndtr",
    ),
)
