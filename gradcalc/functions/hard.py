"""Piecewise linear and quadratic activations: clipped lines in the place of smooth curves."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import Elementwise, Kink, KinkText, Param
from gradcalc.numerics.careful import constant
from gradcalc.numerics.doubled import multiplied, plus

_NAN = float("nan")


def _flat(xp: Any, z: Any, *_: Any) -> Any:
    return constant(xp, 0.0, z)


def _sign(xp: Any, z: Any) -> Any:
    return xp.where(z > 0, 1.0, xp.where(z < 0, -1.0, constant(xp, 0.0, z)))


def _clip(xp: Any, z: Any, low: Any, high: Any) -> Any:
    return xp.minimum(xp.maximum(z, low), high)


def _inside(xp: Any, z: Any, low: Any, high: Any, slope: Any) -> Any:
    """The slope between two places, 0 outside and on them."""
    return xp.where((z > low) & (z < high), slope, constant(xp, 0.0, z))


def _onnx_edges(alpha: float, beta: float) -> tuple[float, float]:
    """Where alpha z + beta is 0 and 1, the lower place first; NaN where it never is."""
    if alpha == 0:
        return _NAN, _NAN
    zero, one = -beta / alpha, (1.0 - beta) / alpha
    return (zero, one) if alpha > 0 else (one, zero)


def _onnx(xp: Any, z: Any, alpha: Any, beta: Any) -> Any:
    """alpha z + beta from 0 to 1, rounded once: beta may all but cancel the product."""
    if not alpha:
        return _clip(xp, constant(xp, 0.0, z) + beta, 0.0, 1.0)
    line, low = plus(xp, multiplied(xp, alpha, z), (beta, 0.0))
    return _clip(xp, line + low, 0.0, 1.0)


def _onnx_inside(xp: Any, z: Any, alpha: float, beta: float, slope: Any) -> Any:
    return xp.where(_onnx_where(z, alpha, beta)[1], slope, constant(xp, 0.0, z))


def _onnx_where(z: Any, alpha: float, beta: float) -> tuple[Any, Any, Any]:
    """Where alpha z + beta is 0, where it is between 0 and 1, and where it is 1."""
    if alpha == 0:
        return (z == z) & (beta == 0), (z == z) & (0 < beta < 1), (z == z) & (beta == 1)
    low, high = _onnx_edges(alpha, beta)
    zero, one = (low, high) if alpha > 0 else (high, low)
    return z == zero, (z > low) & (z < high), z == one


def _onnx_by(side: str, letter: str) -> Any:
    """The derivative by alpha or beta from one side: at a kink it is that of the line, where that leads inside."""

    def kernel(xp: Any, z: Any, alpha: float, beta: float) -> Any:
        slope = z if letter == "alpha" else constant(xp, 1.0, z)
        rise = slope if side == "right" else -slope
        at_zero, inside, at_one = _onnx_where(z, alpha, beta)
        leads_inside = inside | (at_zero & (rise > 0)) | (at_one & (rise < 0))
        return xp.where(leads_inside, slope, constant(xp, 0.0, z))

    return kernel


def _onnx_kink(index: int, when: str) -> Kink:
    def at(alpha: float, beta: float) -> float:
        return _onnx_edges(alpha, beta)[index]

    def flat(alpha: float, beta: float) -> float:
        return 0.0

    def steep(alpha: float, beta: float) -> float:
        return alpha

    return Kink(at, *((flat, steep) if index == 0 else (steep, flat)), "zero", when=when)


def _tanh_by_low(xp: Any, z: Any, low: Any, high: Any) -> Any:
    return xp.where((z < low) & (low < high), 1.0, constant(xp, 0.0, z))


def _tanh_by_low_left(xp: Any, z: Any, low: Any, high: Any) -> Any:
    return xp.where((z < low) & (low <= high), 1.0, constant(xp, 0.0, z))


def _tanh_by_low_right(xp: Any, z: Any, low: Any, high: Any) -> Any:
    return xp.where((z <= low) & (low < high), 1.0, constant(xp, 0.0, z))


def _tanh_by_high(xp: Any, z: Any, low: Any, high: Any) -> Any:
    return xp.where((z > high) | (low >= high), 1.0, constant(xp, 0.0, z))


def _tanh_by_high_left(xp: Any, z: Any, low: Any, high: Any) -> Any:
    return xp.where((z >= high) | (low >= high), 1.0, constant(xp, 0.0, z))


def _tanh_by_high_right(xp: Any, z: Any, low: Any, high: Any) -> Any:
    return xp.where((z > high) | (low > high), 1.0, constant(xp, 0.0, z))


def _hard_tanh_edge(name: str) -> Kink:
    """A kink at min_val or max_val; there is none where they are one."""
    lower = name == "min_val"
    return Kink(
        at=lambda low, high: (low if lower else high) if low < high else _NAN,
        left=lambda low, high: 0.0 if lower else 1.0,
        right=lambda low, high: 1.0 if lower else 0.0,
        default="zero",
        when=f"z = {name}",
    )


def _corner(place: float, left: float, right: float, default: Any) -> Kink:
    """A kink that no parameter moves."""
    return Kink(lambda: place, lambda: left, lambda: right, default, when=f"z = {place:g}")


def _hard_silu(xp: Any, z: Any) -> Any:
    middle = z * ((_clip(xp, z, -3.0, 3.0) + 3.0) / 6.0)
    return xp.where(z <= -3.0, -0.0, xp.where(z >= 3.0, z, middle))


def _hard_silu_slope(xp: Any, z: Any) -> Any:
    return xp.where(z <= -3.0, 0.0, xp.where(z >= 3.0, 1.0, (2.0 * z + 3.0) / 6.0))


def _sparse_plus(xp: Any, z: Any) -> Any:
    raised = _clip(xp, z, -1.0, 1.0) + 1.0
    return xp.where(z >= 1.0, z, 0.25 * raised * raised)


ENTRIES = (
    Elementwise(
        name="sign",
        title="Sign",
        image="-1, 0 and 1",
        formula="1 if z > 0 else -1 if z < 0 else 0",
        derivative_formula="0",
        value=_sign,
        derivative=_flat,
        second=_flat,
        kinks=(Kink(lambda: 0.0, lambda: 0.0, lambda: 0.0, "left", when="z = 0", jump=True),),
        libraries={"PyTorch": "sign", "JAX": "jnp.sign", "Keras": "ops.sign", "NumPy": "sign", "ONNX": "Sign"},
        notes=(
            "sign(0) is 0; some course notes have +1 there",
            "of NaN PyTorch makes 0",
        ),
        source="course notes 000, eq. 12 and 14",
    ),
    Elementwise(
        name="relu6",
        title="Rectified linear unit, at most 6",
        image="[0, 6]",
        formula="min(max(z, 0), 6)",
        derivative_formula="1 if z > 0 and z < 6 else 0",
        value=lambda xp, z: _clip(xp, z, 0.0, 6.0) + 0.0,
        derivative=lambda xp, z: _inside(xp, z, 0.0, 6.0, 1.0),
        second=_flat,
        kinks=(_corner(0.0, 0.0, 1.0, "zero"), _corner(6.0, 1.0, 0.0, "zero")),
        libraries={"PyTorch": "F.relu6", "JAX": "nn.relu6", "Keras": "relu6", "ONNX": "Clip(0, 6)"},
        source="Krizhevsky 2010",
        sample=(-3.0, 9.0),
    ),
    Elementwise(
        name="hard_sigmoid",
        title="Hard sigmoid",
        image="[0, 1]",
        formula="min(max((z + 3) / 6, 0), 1)",
        derivative_formula="1/6 if abs(z) < 3 else 0",
        value=lambda xp, z: (_clip(xp, z, -3.0, 3.0) + 3.0) / 6.0,
        derivative=lambda xp, z: _inside(xp, z, -3.0, 3.0, 1.0 / 6.0),
        second=_flat,
        kinks=(_corner(-3.0, 0.0, 1.0 / 6.0, "zero"), _corner(3.0, 1.0 / 6.0, 0.0, "zero")),
        libraries={"PyTorch": "F.hardsigmoid", "JAX": "nn.hard_sigmoid", "Keras": "hard_sigmoid"},
        notes=("ONNX and old Keras have 0.2 z + 0.5: that is hard_sigmoid_onnx",),
        source="Howard et al. 2019 (MobileNetV3)",
    ),
    Elementwise(
        name="hard_sigmoid_onnx",
        title="Hard sigmoid with a slope and an offset",
        image="[0, 1]",
        params=(
            Param(
                "alpha",
                0.2,
                "slope",
                derivative=lambda xp, z, alpha, beta: _onnx_inside(xp, z, alpha, beta, z),
                one_sided=(_onnx_by("left", "alpha"), _onnx_by("right", "alpha")),
                kinks=(
                    KinkText("alpha z + beta = 0, in alpha", left="min(z, 0)", right="max(z, 0)", default="0"),
                    KinkText("alpha z + beta = 1, in alpha", left="max(z, 0)", right="min(z, 0)", default="0"),
                ),
            ),
            Param(
                "beta",
                0.5,
                "value at 0",
                derivative=lambda xp, z, alpha, beta: _onnx_inside(xp, z, alpha, beta, 1.0),
                one_sided=(_onnx_by("left", "beta"), _onnx_by("right", "beta")),
                kinks=(
                    KinkText("alpha z + beta = 0, in beta", left="0", right="1", default="0"),
                    KinkText("alpha z + beta = 1, in beta", left="1", right="0", default="0"),
                ),
            ),
        ),
        formula="min(max(alpha * z + beta, 0), 1)",
        derivative_formula="alpha if alpha * z + beta > 0 and alpha * z + beta < 1 else 0",
        value=_onnx,
        derivative=lambda xp, z, alpha, beta: _onnx_inside(xp, z, alpha, beta, alpha),
        second=_flat,
        kinks=(_onnx_kink(0, "alpha z + beta = 0"), _onnx_kink(1, "alpha z + beta = 1")),
        libraries={"ONNX": "HardSigmoid(alpha, beta)"},
        notes=("PyTorch, JAX and Keras 3 have (z + 3) / 6: that is hard_sigmoid",),
        source="Courbariaux, Bengio & David 2015; ONNX",
    ),
    Elementwise(
        name="sparse_sigmoid",
        title="Sparse sigmoid",
        image="[0, 1]",
        formula="min(max((z + 1) / 2, 0), 1)",
        derivative_formula="1/2 if abs(z) < 1 else 0",
        value=lambda xp, z: 0.5 * (_clip(xp, z, -1.0, 1.0) + 1.0),
        derivative=lambda xp, z: _inside(xp, z, -1.0, 1.0, 0.5),
        second=_flat,
        kinks=(_corner(-1.0, 0.0, 0.5, "zero"), _corner(1.0, 0.5, 0.0, "zero")),
        libraries={"JAX": "nn.sparse_sigmoid", "Keras": "sparse_sigmoid"},
        notes=("JAX has the slope 1/4 at -1 and 1: --kink midpoint",),
        source="Martins & Astudillo 2016",
        sample=(-3.0, 3.0),
    ),
    Elementwise(
        name="sparse_plus",
        title="Sparse softplus",
        image="[0, inf)",
        formula="0 if z <= -1 else z if z >= 1 else (z + 1)^2 / 4",
        derivative_formula="0 if z <= -1 else 1 if z >= 1 else (z + 1) / 2",
        value=_sparse_plus,
        derivative=lambda xp, z: 0.5 * (_clip(xp, z, -1.0, 1.0) + 1.0),
        second=lambda xp, z: _inside(xp, z, -1.0, 1.0, 0.5),
        libraries={"JAX": "nn.sparse_plus", "Keras": "sparse_plus"},
        notes=("its derivative is sparse_sigmoid; the second derivative jumps at -1 and 1",),
        source="Martins & Astudillo 2016",
        sample=(-3.0, 3.0),
    ),
    Elementwise(
        name="hard_tanh",
        aliases=("hardtanh",),
        title="Hard tanh: z clipped",
        image="[min_val, max_val]",
        params=(
            Param(
                "min_val",
                -1.0,
                "least value",
                aliases=("min",),
                at_most="max_val",
                derivative=_tanh_by_low,
                one_sided=(_tanh_by_low_left, _tanh_by_low_right),
                kinks=(KinkText("min_val = z, in min_val", left="0", right="1", default="0"),),
            ),
            Param(
                "max_val",
                1.0,
                "largest value",
                aliases=("max",),
                derivative=_tanh_by_high,
                one_sided=(_tanh_by_high_left, _tanh_by_high_right),
                kinks=(KinkText("max_val = z, in max_val", left="1", right="0", default="0"),),
            ),
        ),
        formula="min(max(z, min_val), max_val)",
        derivative_formula="1 if z > min_val and z < max_val else 0",
        value=_clip,
        derivative=lambda xp, z, low, high: _inside(xp, z, low, high, 1.0),
        second=_flat,
        kinks=(_hard_tanh_edge("min_val"), _hard_tanh_edge("max_val")),
        libraries={
            "PyTorch": "F.hardtanh(min_val, max_val), clamp(min, max)",
            "JAX": "nn.hard_tanh",
            "Keras": "hard_tanh",
            "ONNX": "Clip(min, max)",
        },
        notes=("JAX and torch.clamp have the slope 1 at -1 and 1: --kink right and --kink left",),
        source="Collobert 2004",
        sample=(-3.0, 3.0),
    ),
    Elementwise(
        name="hard_silu",
        aliases=("hardswish", "hard_swish"),
        title="Hard swish",
        image="[-0.375, inf)",
        formula="z * min(max(z + 3, 0), 6) / 6",
        derivative_formula="0 if z <= -3 else 1 if z >= 3 else (2 * z + 3) / 6",
        value=_hard_silu,
        derivative=_hard_silu_slope,
        second=lambda xp, z: _inside(xp, z, -3.0, 3.0, 1.0 / 3.0),
        kinks=(_corner(-3.0, 0.0, -0.5, "left"), _corner(3.0, 1.5, 1.0, "right")),
        libraries={
            "PyTorch": "F.hardswish",
            "JAX": "nn.hard_silu, nn.hard_swish",
            "Keras": "hard_silu, hard_swish",
            "ONNX": "HardSwish",
        },
        notes=("at -inf PyTorch, JAX and Keras give NaN, where the limit is 0",),
        source="Howard et al. 2019 (MobileNetV3)",
    ),
)
