"""Root mean square normalisation: each example over its own root mean square, nothing taken off."""

from __future__ import annotations

from gradcalc.layers.activation import Activation
from gradcalc.layers.along_axis import AXIS, from_rows, read_along, read_axis, to_rows
from gradcalc.layers.base import Quantities
from gradcalc.layers.declaration import LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.norm import (
    AFFINE_NOTE,
    COMMON,
    PENALTY_NOTE,
    X_HAT,
    Affine,
    Norm,
    Normalised,
    affine_keys,
    eps_key,
)
from gradcalc.layers.norm_arithmetic import rooted
from gradcalc.shapes import Array, Shape


class RmsNorm(Norm):
    """Along an axis of an example, or over all of it (None)."""

    type = "rms_norm"

    def __init__(
        self, name: str, shape: Shape, affine: Affine, activation: Activation | None, eps: float, axis: int | None
    ) -> None:
        super().__init__(name, shape, affine, activation, eps)
        self.axis = axis

    def normalised(self, x: Array) -> Normalised:
        """x_hat = x / rms."""
        found = rooted(to_rows(x, self.axis), self.eps)

        def back(dx_hat: Array) -> Quantities:
            paths = found.back(to_rows(dx_hat, self.axis))
            return {name: self._joined(array) if name[:2] == "dx" else array for name, array in paths.items()}

        return Normalised(self._joined(found.x_hat), {"rms": found.rms[..., 0]}, back)

    def _joined(self, rows: Array) -> Array:
        return from_rows(rows, self.axis, self.takes[0])


def _build(settings: Settings) -> RmsNorm:
    (shape,), axis = settings.shapes, read_axis(settings)
    affine, activation = read_along(settings, axis), settings.activation(shape)
    return RmsNorm(settings.name, shape, affine, activation, settings.real("eps", least=0), axis)


ENTRIES = (
    LayerEntry(
        type="rms_norm",
        title="Root mean square normalisation",
        build=_build,
        keys=(*affine_keys("number that is normalised"), eps_key("added to the mean square, under the root"), AXIS),
        forward=(
            "rms = sqrt(mean of x^2 + eps) over the n numbers along the axis, for each example by itself",
            "x_hat = x / rms",
            "z = gamma x_hat + beta, a = f(z)",
        ),
        backward=(
            "dL/dgamma = sum of dL/dz x_hat, dL/dbeta = sum of dL/dz, dL/dx_hat = dL/dz gamma",
            "dL/drms = -sum of dL/dx_hat x / rms^2",
            "dL/dx = dL/dx_hat / rms + dL/drms x / (n rms)",
        ),
        example="""\
input: [1, 2, 2]
layers:
  - {type: rms_norm, gamma: [1, 1, 2]}
upstream: [1, 0, 0]
""",
        samples=(
            Sample({}, ((4,),)),
            Sample({"gamma": [1.5, -0.5, 2], "beta": 0.5}, ((2, 3),)),
            Sample({"gamma": {"init": "normal", "seed": 1}, "axis": "all", "activation": "tanh"}, ((2, 3, 2),)),
            Sample({"gamma": [1.5, 0.5, 2], "axis": 0, "eps": 0.1}, ((3, 2),)),
            Sample({"beta": [1.5]}, ((1,),)),
        ),
        quantities=(
            *COMMON,
            Quantity("rms", "sqrt(mean of x^2 + eps)", "what is divided by"),
            Quantity("x_hat", "x / rms", X_HAT),
            Quantity("drms", "-sum of dL/dx_hat x / rms^2", "dL/drms"),
            Quantity("dx_through_x_hat", "dL/dx_hat / rms", "first term of dx: rms held fixed"),
            Quantity("dx_through_rms", "dL/drms x / (n rms)", "second term of dx"),
            Quantity("dx", "sum of its two terms"),
        ),
        biases=("gamma", "beta"),
        aliases=("rmsnorm", "rms_normalization"),
        notes=(
            "eps 1e-5 unless given; PyTorch's default is the machine epsilon of the numbers' type, Keras' 1e-6",
            "PyTorch and Keras have gamma alone, and no beta",
            "of a vector of zeros x_hat is 0; with eps: 0 it is NaN",
            AFFINE_NOTE,
            PENALTY_NOTE,
        ),
        source="Zhang & Sennrich 2019",
    ),
)
