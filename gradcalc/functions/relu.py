"""Step, identity and the rectified linear units."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import Elementwise, Kink, Param
from gradcalc.numerics.careful import constant, weighted


def _no_curvature(xp: Any, z: Any, *_: Any) -> Any:
    return constant(xp, 0.0, z)


def _relu_derivative(xp: Any, z: Any) -> Any:
    """1 if z > 0 else 0, NaN for NaN; a comparison is faster on arrays than a choice between two numbers."""
    return xp.where(z == z, 1.0 * (z > 0), z)


def _leaky_value(xp: Any, z: Any, alpha: Any) -> Any:
    return xp.where(z > 0, z, weighted(xp, alpha, z))


def _leaky_derivative(xp: Any, z: Any, alpha: Any) -> Any:
    return xp.where(z > 0, 1.0, xp.where(z <= 0, alpha, z))


def _slope_param(default: float, doc: str, *, trained: bool) -> Param:
    return Param(
        "alpha",
        default,
        doc,
        aliases=("negative_slope", "weight") if trained else ("negative_slope",),
        per_unit=trained,
        trained=trained,
        derivative=lambda xp, z, alpha: xp.where(z > 0, 0.0, z),
    )


_SLOPE_KINK = Kink(
    at=lambda alpha: 0.0, left=lambda alpha: alpha, right=lambda alpha: 1.0, default="left", when="z = 0"
)

ENTRIES = (
    Elementwise(
        name="identity",
        aliases=("linear",),
        title="Identity",
        image="(-inf, inf)",
        formula="z",
        derivative_formula="1",
        value=lambda xp, z: z,
        derivative=lambda xp, z: constant(xp, 1.0, z),
        second=_no_curvature,
        libraries={"PyTorch": "nn.Identity", "JAX": "nn.identity", "Keras": "linear", "ONNX": "Identity"},
        notes=("the linear loss of the course notes is absolute_error",),
        source="MIT 6.390 notes, Activation Derivatives, eq. 9",
    ),
    Elementwise(
        name="step",
        aliases=("heaviside", "unit_step"),
        title="Unit step",
        image="0, at_zero and 1",
        params=(
            Param(
                "at_zero",
                1.0,
                "value at z = 0",
                derivative=lambda xp, z, at_zero: xp.where(z == 0, 1.0, constant(xp, 0.0, z)),
            ),
        ),
        formula="1 if z > 0 else at_zero if z == 0 else 0",
        derivative_formula="0",
        value=lambda xp, z, at_zero: xp.where(z > 0, 1.0, xp.where(z < 0, 0.0, xp.where(z == 0, at_zero, z))),
        derivative=_no_curvature,
        second=_no_curvature,
        kinks=(
            Kink(
                at=lambda at_zero: 0.0,
                left=lambda at_zero: 0.0,
                right=lambda at_zero: 0.0,
                default="left",
                when="z = 0",
                jump=True,
            ),
        ),
        libraries={"PyTorch": "heaviside (no derivative)", "JAX": "jnp.heaviside", "NumPy": "heaviside"},
        notes=("the value jumps at 0, so no derivative exists there; 0 is the slope of both branches",),
        source="Heaviside; MIT 6.390 notes, Activation Derivatives, eq. 1-3",
    ),
    Elementwise(
        name="relu",
        aliases=("rectifier",),
        title="Rectified linear unit",
        image="[0, inf)",
        formula="max(z, 0)",
        derivative_formula="1 if z > 0 else 0",
        value=lambda xp, z: xp.maximum(z, 0.0) + 0.0,  # no -0.0
        derivative=_relu_derivative,
        second=_no_curvature,
        kinks=(Kink(at=lambda: 0.0, left=lambda: 0.0, right=lambda: 1.0, default="left", when="z = 0"),),
        libraries={"PyTorch": "F.relu", "JAX": "nn.relu", "Keras": "relu", "ONNX": "Relu"},
        notes=(
            "some course notes and torch.clamp take the slope 1 at 0 (--kink right), torch.maximum and jnp.maximum 1/2"
            " (--kink midpoint)",
            "at NaN PyTorch has the slope 1, JAX 0",
        ),
        source="Nair & Hinton 2010",
    ),
    Elementwise(
        name="leaky_relu",
        aliases=("lrelu",),
        title="Leaky rectified linear unit",
        image="(-inf, inf) for alpha > 0",
        params=(_slope_param(0.01, "slope where z < 0", trained=False),),
        formula="z if z > 0 else alpha * z",
        derivative_formula="1 if z > 0 else alpha",
        value=_leaky_value,
        derivative=_leaky_derivative,
        second=_no_curvature,
        kinks=(_SLOPE_KINK,),
        libraries={
            "PyTorch": "F.leaky_relu(negative_slope)",
            "JAX": "nn.leaky_relu(negative_slope)",
            "Keras": "leaky_relu(negative_slope)",
            "ONNX": "LeakyRelu(alpha)",
        },
        notes=(
            "alpha is 0.01 in PyTorch, JAX and ONNX, 0.2 in Keras' function, 0.3 in its layer",
            "at 0 JAX, Keras on JAX and some course notes take the slope 1: --kink right",
        ),
        source="Maas, Hannun & Ng 2013",
    ),
    Elementwise(
        name="prelu",
        aliases=("parametric_relu",),
        title="Parametric rectified linear unit",
        image="(-inf, inf) for alpha > 0",
        params=(_slope_param(0.25, "trained slope where z < 0: a number, or one per unit", trained=True),),
        formula="z if z > 0 else alpha * z",
        derivative_formula="1 if z > 0 else alpha",
        value=_leaky_value,
        derivative=_leaky_derivative,
        second=_no_curvature,
        kinks=(_SLOPE_KINK,),
        libraries={"PyTorch": "F.prelu(weight)", "Keras": "layers.PReLU", "ONNX": "PRelu"},
        notes=("alpha starts at 0.25 in PyTorch and at 0 in Keras",),
        source="He, Zhang, Ren & Sun 2015",
    ),
)
