"""Step, identity and the rectified linear units."""

from __future__ import annotations

from gradcalc.functions.entry import Elementwise, Kink, Param


def _slope_param(default: float, doc: str, *, per_unit: bool) -> Param:
    return Param(
        "alpha",
        default,
        doc,
        aliases=("negative_slope", "weight"),
        per_unit=per_unit,
        derivative=lambda xp, z, alpha: xp.where(z > 0, 0.0 * alpha, z),
    )


_SLOPE_KINK = Kink(
    at=lambda alpha: 0.0, left=lambda alpha: alpha, right=lambda alpha: 1.0 + 0.0 * alpha, default="left", when="z = 0"
)

ENTRIES = (
    Elementwise(
        name="relu",
        aliases=("rectifier",),
        title="Rectified linear unit",
        formula="max(z, 0)",
        derivative_formula="1 if z > 0 else 0",
        value=lambda xp, z: xp.where(z <= 0, 0.0, z),
        derivative=lambda xp, z: xp.where(z > 0, 1.0, xp.where(z <= 0, 0.0, z)),
        second=lambda xp, z: 0.0 * xp.where(z == z, 0.0, z),
        kinks=(Kink(at=lambda: 0.0, left=lambda: 0.0, right=lambda: 1.0, default="left", when="z = 0"),),
        notes=("some course notes take the slope 1 at 0: --kink right",),
        source="Nair & Hinton 2010",
    ),
    Elementwise(
        name="leaky_relu",
        aliases=("lrelu",),
        title="Leaky rectified linear unit",
        params=(_slope_param(0.01, "slope where z < 0", per_unit=False),),
        formula="z if z > 0 else alpha * z",
        derivative_formula="1 if z > 0 else alpha",
        value=lambda xp, z, alpha: xp.where(z > 0, z, alpha * z),
        derivative=lambda xp, z, alpha: xp.where(z > 0, 1.0, xp.where(z <= 0, alpha, z)),
        second=lambda xp, z, alpha: 0.0 * xp.where(z == z, 0.0, z),
        kinks=(_SLOPE_KINK,),
        notes=("alpha is 0.01 in PyTorch, JAX and ONNX, 0.2 in Keras' function, 0.3 in its layer",),
        source="Maas, Hannun & Ng 2013",
    ),
)
