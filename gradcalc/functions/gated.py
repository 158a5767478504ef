"""Activations that let x through a gate between 0 and 1: silu and its kin, and both kinds of GELU."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import Elementwise, Param
from gradcalc.numerics import doubled
from gradcalc.numerics.careful import weighted
from gradcalc.numerics.normal import clipped, density_times, distribution, excess
from gradcalc.numerics.roots import Root
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
    lever, lever_low = xp.where(flat, _beyond(xp, gate), gate.lever), xp.where(flat, 0.0, gate.lever_low)
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
    sign = xp.where(gate.high < 0, 1.0, -1.0)
    lever = xp.where(flat, _beyond(xp, gate), gate.lever), xp.where(flat, 0.0, gate.lever_low)
    pull = doubled.times(xp, (sign * lever[0], sign * lever[1]), half_tangent)
    unit = xp.where(xp.absolute(gate.slope) > _STEEP, _UNIT, 1.0)
    slope = gate.slope * unit, gate.slope_low * unit
    straight = doubled.times(xp, slope, doubled.plus(xp, (2.0, 0.0), pull))
    bracket, small = doubled.plus(xp, straight, (gate.bend * unit, 0.0))
    factor = (bracket + small) / (1.0 + t * (2.0 + t))
    half = decays(xp, factor, 0.5 * size, 0.5 * low) / unit
    return xp.where(unit == 1.0, decays(xp, factor, size, low), decays(xp, half, 0.5 * size, 0.5 * low))


_SATURATED = 2000.0  # beyond it a gate is 0 or 1 and flat
_STEEP, _UNIT = 1e290, 2.0**-64  # the slope of a gate, and what it is counted in, as its products may overflow


def _beyond(xp: Any, gate: _Gate) -> Any:
    """A lever for a flat gate, where the true one may overflow and only the sign of what it gives is left."""
    return xp.where(gate.high < 0, -_SATURATED, _SATURATED)


def _size(xp: Any, gate: _Gate) -> tuple[Any, Any]:
    """|v| as a sum of two."""
    return xp.absolute(gate.high), xp.where(gate.high < 0, -gate.low, gate.low)


def _silu_gate(xp: Any, x: Any, beta: Any) -> _Gate:
    high = weighted(xp, beta, x)
    low = product(xp, beta, x)[1]
    return _Gate((high, low), (high, low), (beta, 0.0))


def _silu_slope(xp: Any, gate: _Gate) -> Any:
    return _SLOPE.beside(gate.high, gate.low, _gated_slope(xp, gate))


def _silu_curvature(xp: Any, gate: _Gate) -> Any:
    """v' f''(v) for f(v) = v sigma(v), which is the same for v and -v."""
    size, low = _size(xp, gate)
    return _CURVATURE.beside(size, low, _gated_curvature(xp, gate), gate.slope)


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


def _gelu_tanh_slope(xp: Any, x: Any) -> Any:
    return _TANH_SLOPE.beside(x, 0.0, _gated_slope(xp, _tanh_gate(xp, x)))


def _gelu_tanh_curvature(xp: Any, x: Any) -> Any:
    return _TANH_CURVATURE.beside(xp.absolute(x), 0.0, _gated_curvature(xp, _tanh_gate(xp, x)))


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
    found = xp.where(xp.absolute(x) < _TAIL, inside, xp.where(x < 0, outside, 1.0 - outside))
    return _GELU_SLOPE.beside(x, 0.0, found)


def _gelu_curvature(xp: Any, x: Any) -> Any:
    """phi (2 - x^2)."""
    y = clipped(xp, x)
    high, low = square(xp, y)
    return density_times(xp, (2.0 - high) - low, y)


_TAIL = 0.7

#: The roots of the derivatives of x sigma(x), x Phi(x) and gelu_tanh.
_SLOPE = Root(-1.2784645427610737, -1.0946994183093437e-16, 0.375, (
    0.2178117057198001, 0.1466487969969469, 0.018874814223782312, -0.015222655223188032, -0.006606589138356696,
    0.000126627410081122, 0.0007985218818397998, 0.00018570724361186496, -4.090534237428612e-05,
    -2.9733542213263917e-05, -2.942631888842464e-06, 2.346029682463866e-06, 8.599695028268575e-07,
    -3.051244750055421e-08, -9.266646309267441e-08, -1.8877622907727957e-08, 4.619379769031606e-09,
    2.9177603026903803e-09, 2.3648315053103244e-10, -2.251366201881081e-10,
))  # fmt: skip
_CURVATURE = Root(2.3993572805154675, 1.8464872855353363e-16, 0.25, (
    -0.09153052016419229, 0.07629586548655085, -0.022487259234225326, -0.001836670144762844, 0.003862816776830254,
    -0.0013663696912367745, 0.0001151307019584522, 9.644059294156357e-05, -4.74507427928072e-05,
    8.432377564571459e-06, 1.2461615072251882e-06, -1.190460513336088e-06, 3.144649318871996e-07,
    -9.904149230625922e-09, -2.2618098624368472e-08, 8.62206138174272e-09,
))  # fmt: skip
_GELU_SLOPE = Root(-0.7517915246935645, 1.4956759177009883e-17, 0.25, (
    0.4314939923140469, 0.388284982990552, -0.018199676398671087, -0.1140082332972217, -0.014771522148244337,
    0.019421679838189067, 0.004539228379125415, -0.002239538068073497, -0.0007448268386746817,
    0.00018633974623233514, 8.615947861116571e-05, -1.121438018842664e-05, -7.74846130700372e-06,
    4.3284506257392273e-07, 5.702764979242107e-07, -1.6044265494246427e-09, -3.5459866461783865e-08,
))  # fmt: skip
_TANH_SLOPE = Root(-0.7524614220710163, 3.635560509207687e-17, 0.25, (
    0.4304000910248585, 0.38751844613578895, -0.01578285352184803, -0.11394448308095899, -0.01661932834305256,
    0.019682309459833118, 0.005261059254921912, -0.0024227318458750974, -0.0009274420230205449,
    0.00026392764052681053, 0.00012425227802639782, -3.4956171694436116e-05, -1.5950896871645105e-05,
    5.918611710894005e-06, 2.4335516344299543e-06, -9.898647747433667e-07, -4.3102482988029016e-07,
    1.4157556987729473e-07,
))  # fmt: skip
_TANH_CURVATURE = Root(1.4185040087908283, 8.089265124388305e-17, 0.25, (
    -0.4095488174124191, 0.432081111593848, -0.008168951883944803, -0.16109481693213482, 0.056750540975161724,
    0.020035361162701274, -0.01671150756085392, 0.0007632001136916162, 0.002643461146696662,
    -0.0007514200775098502, -0.00026173756856854425, 0.00017619942054101047, 6.138879668243466e-06,
    -2.918654105104775e-05, 4.884341759522852e-06, 3.568864966961748e-06, -1.501746538549582e-06,
    -2.3134876605993593e-07, 2.779934168936508e-07,
))  # fmt: skip


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
        derivative=lambda xp, x, beta: _silu_slope(xp, _silu_gate(xp, x, beta)),
        second=lambda xp, x, beta: _silu_curvature(xp, _silu_gate(xp, x, beta)),
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
        derivative=lambda xp, x: _silu_slope(xp, _quick_gate(xp, x)),
        second=lambda xp, x: _silu_curvature(xp, _quick_gate(xp, x)),
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
        derivative_formula="s + z * s * (1 - s) * 2 * sqrt(2 / pi) * (1 + 0.134145 * z^2) "
        "with s = sigmoid(2 * sqrt(2 / pi) * (z + 0.044715 * z^3))",
        value=lambda xp, x: _gated(xp, x, _tanh_gate(xp, x)),
        derivative=_gelu_tanh_slope,
        second=_gelu_tanh_curvature,
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
