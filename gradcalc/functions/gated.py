"""Activations that let x through a gate between 0 and 1: silu and its kin, and both kinds of GELU."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import Elementwise, Param
from gradcalc.numerics import doubled
from gradcalc.numerics.careful import weighted
from gradcalc.numerics.normal import clipped, density_times, distribution, excess
from gradcalc.numerics.split import decays, finite, plus, product, square, times


class _Gate:
    """The argument v(x) of a gate sigma(v), its lever x v', v' and x v''; `low` is what rounding took."""

    __slots__ = ("bend", "high", "lever", "lever_low", "low", "slope", "slope_low")

    def __init__(self, argument: doubled.Pair, lever: doubled.Pair, slope: doubled.Pair, bend: Any = 0.0) -> None:
        self.high, self.low = argument
        self.lever, self.lever_low = lever
        self.slope, self.slope_low = slope
        self.bend = bend


def _gated(xp: Any, x: Any, gate: _Gate) -> Any:
    """x sigma(v), below 0 as x t / (1 + t) with t = e^-|v|."""
    size, low = _size(xp, gate)
    over = x / (1.0 + xp.exp(-size))
    return xp.where(gate.high < 0, decays(xp, over, size, low), over)


def _gated_slope(xp: Any, gate: _Gate) -> Any:
    """sigma(v) (1 + x v' sigma(-v))."""
    size, low = _size(xp, gate)
    t = xp.exp(-size)
    over = 1.0 / (1.0 + t)
    flat = size > _SATURATED
    lever, lever_low = xp.where(flat, 0.0, gate.lever), xp.where(flat, 0.0, gate.lever_low)
    below = decays(xp, ((1.0 + lever) + (t + lever_low)) / (1.0 + t * (2.0 + t)), size, low)
    return xp.where(gate.high < 0, below, over * (1.0 + decays(xp, lever * over, size, low)))


def _gated_curvature(xp: Any, gate: _Gate) -> Any:
    """sigma'(v) (2 v' + x v'' - x v'^2 tanh(v / 2))."""
    size, low = _size(xp, gate)
    t, flat = xp.exp(-size), size > _SATURATED
    rest, rest_low = doubled.added(xp, 1.0, -t)
    near = size < 1.0
    risen = xp.where(near, -xp.expm1(-size), rest), xp.where(near, 0.0, rest_low)
    half_tangent = doubled.over(xp, risen, doubled.added(xp, 1.0, t))
    sign = xp.where(flat, 0.0, xp.where(gate.high < 0, 1.0, -1.0))
    pull = doubled.times(xp, (sign * gate.lever, sign * gate.lever_low), half_tangent)
    unit = xp.where(xp.absolute(gate.slope) > _STEEP, _UNIT, 1.0)
    slope = gate.slope * unit, gate.slope_low * unit
    straight = doubled.times(xp, slope, doubled.plus(xp, (2.0, 0.0), pull))
    bracket, small = doubled.plus(xp, straight, (gate.bend * unit, 0.0))
    factor = (bracket + small) / (1.0 + t * (2.0 + t))
    half = decays(xp, factor, 0.5 * size, 0.5 * low) / unit
    return xp.where(unit == 1.0, decays(xp, factor, size, low), decays(xp, half, 0.5 * size, 0.5 * low))


_SATURATED = 2000.0  # beyond it a gate is 0 or 1 and flat
_STEEP, _UNIT = 1e290, 2.0**-64  # the slope of a gate, and what it is counted in, as its products may overflow


def _size(xp: Any, gate: _Gate) -> tuple[Any, Any]:
    """|v| as a sum of two."""
    return xp.absolute(gate.high), xp.where(gate.high < 0, -gate.low, gate.low)


def _silu_gate(xp: Any, x: Any, beta: Any) -> _Gate:
    high = weighted(xp, beta, x)
    low = product(xp, beta, x)[1]
    return _Gate((high, low), (high, low), (beta, 0.0))


def _silu_by_beta(xp: Any, x: Any, beta: Any) -> Any:
    """x^2 sigma'(beta x); of an x whose square may overflow each factor has its half of the exponential."""
    gate = _silu_gate(xp, x, beta)
    size, low = _size(xp, gate)
    t = xp.exp(-size)
    over = 1.0 + t * (2.0 + t)
    half = decays(xp, x, 0.5 * size, 0.5 * low)
    return xp.where(xp.absolute(x) > _SQUARE_OVERFLOWS, half * (half / over), decays(xp, x * (x / over), size, low))


def _quick_gate(xp: Any, x: Any) -> _Gate:
    high, low = times(xp, _QUICK, _QUICK_LOW, x, 0.0)
    low = finite(xp, low)
    return _Gate((high, low), (high, low), (_QUICK, _QUICK_LOW))


_SQUARE_OVERFLOWS = 1e150
_QUICK, _QUICK_LOW = 1.702, 4.263256414560601e-17  # 1.702 to the digit


def _tanh_gate(xp: Any, x: Any) -> _Gate:
    """v = 2 sqrt(2 / pi) (x + 0.044715 x^3) = x (c + d x^2)."""
    y = xp.where(x < 0, -clipped(xp, x), clipped(xp, x))
    cubic, cubic_low = times(xp, _CUBIC, _CUBIC_LOW, *square(xp, y))
    over, over_low = plus(cubic, cubic_low, _LINEAR, _LINEAR_LOW)
    slope, slope_low = plus(3.0 * cubic, 3.0 * cubic_low, _LINEAR, _LINEAR_LOW)
    high, lost = product(xp, y, over)
    lever, lever_lost = product(xp, y, slope)
    argument, levers = (high, lost + y * over_low), (lever, lever_lost + y * slope_low)
    return _Gate(argument, levers, (slope, slope_low), 6.0 * cubic)


_LINEAR, _LINEAR_LOW = 1.5957691216057308, -9.96930880911092e-17  # 2 sqrt(2 / pi)
_CUBIC, _CUBIC_LOW = 0.07135481627260025, -6.175149918155315e-19  # 0.044715 times that


def _gelu(xp: Any, x: Any) -> Any:
    """x Phi(x); in the lower tail x phi / (|x| + r)."""
    y = xp.maximum(clipped(xp, x), _TAIL)
    below = density_times(xp, -y / (y + excess(y)), y)
    return xp.where(x < -_TAIL, below, x * distribution(xp, xp.maximum(x, -_TAIL)))


def _gelu_slope(xp: Any, x: Any) -> Any:
    """Phi + x phi; in the lower tail phi (M - |x|) with M = 1 / (|x| + r)."""
    y = xp.maximum(clipped(xp, x), _TAIL)
    outside = density_times(xp, 1.0 / (y + excess(y)) - y, y)
    middle = xp.minimum(xp.maximum(x, -_TAIL), _TAIL)
    inside = distribution(xp, middle) + density_times(xp, middle, middle)
    return xp.where(xp.absolute(x) < _TAIL, inside, xp.where(x < 0, outside, 1.0 - outside))


def _gelu_curvature(xp: Any, x: Any) -> Any:
    """phi (2 - x^2)."""
    y = clipped(xp, x)
    high, low = square(xp, y)
    return density_times(xp, (2.0 - high) - low, y)


_TAIL = 0.7


ENTRIES = (
    Elementwise(
        name="silu",
        aliases=("swish",),
        title="Sigmoid linear unit (swish)",
        image="[-0.278465 / beta, inf)",
        params=(Param("beta", 1.0, "factor of z inside the sigmoid", aliases=("alpha",), derivative=_silu_by_beta),),
        formula="z / (1 + exp(-beta * z))",
        derivative_formula="s * (1 + beta * z * (1 - s)) with s = sigmoid(beta * z)",
        value=lambda xp, x, beta: _gated(xp, x, _silu_gate(xp, x, beta)),
        derivative=lambda xp, x, beta: _gated_slope(xp, _silu_gate(xp, x, beta)),
        second=lambda xp, x, beta: _gated_curvature(xp, _silu_gate(xp, x, beta)),
        libraries={
            "PyTorch": "F.silu",
            "JAX": "nn.silu, nn.swish",
            "Keras": "silu, swish",
            "ONNX": "Swish(alpha)",
        },
        notes=("beta is 1 in PyTorch, JAX and Keras; at -inf they give NaN, where the limit is 0",),
        source="Elfwing, Uchibe & Doya 2017; Ramachandran, Zoph & Le 2017",
    ),
    Elementwise(
        name="quick_gelu",
        title="Sigmoid approximation of GELU",
        image="[-0.163610, inf)",
        formula="z / (1 + exp(-1.702 * z))",
        derivative_formula="s * (1 + 1.702 * z * (1 - s)) with s = sigmoid(1.702 * z)",
        value=lambda xp, x: _gated(xp, x, _quick_gate(xp, x)),
        derivative=lambda xp, x: _gated_slope(xp, _quick_gate(xp, x)),
        second=lambda xp, x: _gated_curvature(xp, _quick_gate(xp, x)),
        libraries={"tinygrad": "quick_gelu"},
        notes=("silu with beta = 1.702",),
        source="Hendrycks & Gimpel 2016; CLIP",
    ),
    Elementwise(
        name="gelu",
        title="Gaussian error linear unit",
        image="[-0.169971, inf)",
        formula="z * (1 + erf(z / sqrt(2))) / 2",
        derivative_formula="ndtr(z) + z * exp(-z^2 / 2) / sqrt(2 * pi)",
        value=_gelu,
        derivative=_gelu_slope,
        second=_gelu_curvature,
        libraries={
            "PyTorch": "F.gelu (approximate='none')",
            "JAX": "nn.gelu(approximate=False)",
            "Keras": "gelu (approximate=False)",
            "ONNX": "Gelu (approximate='none')",
        },
        notes=(
            "JAX, keras.ops and tinygrad take the approximation gelu_tanh by default",
            "PyTorch computes 1 + erf, which has no digits left below -7; at -inf all give NaN, where the limit is 0",
        ),
        source="Hendrycks & Gimpel 2016",
    ),
    Elementwise(
        name="gelu_tanh",
        title="Gaussian error linear unit, tanh approximation",
        image="[-0.170041, inf)",
        formula="z / (1 + exp(-2 * sqrt(2 / pi) * (z + 0.044715 * z^3)))",
        derivative_formula="s + z * s * (1 - s) * 2 * sqrt(2 / pi) * (1 + 0.134145 * z^2) with s = gelu_tanh(z) / z",
        value=lambda xp, x: _gated(xp, x, _tanh_gate(xp, x)),
        derivative=lambda xp, x: _gated_slope(xp, _tanh_gate(xp, x)),
        second=lambda xp, x: _gated_curvature(xp, _tanh_gate(xp, x)),
        libraries={
            "PyTorch": "F.gelu(approximate='tanh')",
            "JAX": "nn.gelu",
            "Keras": "gelu(approximate=True)",
            "ONNX": "Gelu(approximate='tanh')",
            "tinygrad": "gelu",
        },
        notes=("the same as z (1 + tanh(u)) / 2 with u = sqrt(2 / pi) (z + 0.044715 z^3), which cancels below -6",),
        source="Hendrycks & Gimpel 2016",
    ),
)
