"""Normalisation to length 1: each example over its own L_p norm."""

from __future__ import annotations

import math

import numpy as np

from gradcalc.functions.norm import ENTRIES as NORMS
from gradcalc.layers.activation import Activation
from gradcalc.layers.along_axis import AXIS, from_rows, read_along, read_axis, to_rows
from gradcalc.layers.base import Quantities
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.norm import COMMON, PENALTY_NOTE, X_HAT, Affine, Norm, Normalised, affine_keys, eps_key
from gradcalc.shapes import Array, Shape

(_LP_NORM,) = NORMS


class Normalize(Norm):
    """Along an axis of an example, or over all of it (None)."""

    type = "normalize"

    def __init__(
        self,
        name: str,
        shape: Shape,
        affine: Affine,
        activation: Activation | None,
        eps: float,
        axis: int | None,
        p: float,
    ) -> None:
        super().__init__(name, shape, affine, activation, eps)
        self.axis, self.p = axis, p

    def _norms(self, rows: Array) -> Array:
        return np.asarray(_LP_NORM.value(np, rows, self.p, "split"))[..., None]

    def normalised(self, x: Array) -> Normalised:
        """x_hat = x / max(norm, eps)."""
        rows = to_rows(x, self.axis)
        norm = self._norms(rows)
        divisor = np.maximum(norm, self.eps)
        x_hat = rows / divisor

        def back(dx_hat: Array) -> Quantities:
            given = to_rows(dx_hat, self.axis)
            slope = np.where(norm < self.eps, 0.0, (given * x_hat).sum(axis=-1, keepdims=True))
            steep = slope * _LP_NORM.gradient(np, rows, "default", self.p, "split")
            terms = {
                "dx_through_x_hat": given / divisor,
                "dx_through_norm": -steep / divisor,
                "dx": (given - steep) / divisor,
            }
            return {"dnorm": (-slope / divisor)[..., 0], **{name: self._joined(term) for name, term in terms.items()}}

        return Normalised(self._joined(x_hat), {"norm": norm[..., 0]}, back)

    def _joined(self, rows: Array) -> Array:
        return from_rows(rows, self.axis, self.takes[0])

    def choice_met(self, x: Array) -> str:
        """Where a norm is below eps, which is divided by instead."""
        count = int((self._norms(to_rows(x.astype(np.float64), self.axis)) < self.eps).sum())
        what = "1 norm is" if count == 1 else f"{count} norms are"
        return f"{self.name}: {what} below eps, so there a = x / eps and dx = da / eps." if count else ""


def _build(settings: Settings) -> Normalize:
    (shape,), axis = settings.shapes, read_axis(settings)
    endless = settings.value("p") in ("inf", "Infinity", math.inf)
    p = math.inf if endless else settings.real("p", above=0)
    affine, activation = read_along(settings, axis), settings.activation(shape)
    return Normalize(settings.name, shape, affine, activation, settings.real("eps", least=0), axis, p)


ENTRIES = (
    LayerEntry(
        type="normalize",
        title="Normalisation to length 1",
        build=_build,
        keys=(
            Key("p", "number | inf", "the power of the norm, above 0", default=2),
            AXIS,
            eps_key("the least that is divided by", 1e-12),
            *affine_keys("number that is normalised"),
        ),
        forward=(
            "norm = (sum of |x|^p)^(1/p) along the axis, for each example by itself",
            "x_hat = x / max(norm, eps)",
            "z = gamma x_hat + beta, a = f(z)",
        ),
        backward=(
            "dL/dx_hat = dL/dz gamma",
            "dL/dnorm = -sum of dL/dx_hat x / norm^2",
            "dL/dx = dL/dx_hat / norm + dL/dnorm sign(x) (|x| / norm)^(p - 1)",
            "where norm < eps: dL/dnorm = 0, dL/dx = dL/dx_hat / eps",
        ),
        example="""\
input: [3, 4]
layers:
  - {type: normalize}
upstream: [1, 0]
""",
        samples=(
            Sample({}, ((4,),)),
            Sample({"p": 3, "axis": 0}, ((3, 2),)),
            Sample({"p": 1, "axis": "all", "activation": "tanh"}, ((2, 3),)),
            Sample({"p": "inf", "gamma": [1.5, -0.5, 2], "beta": [0.1, 0.2, -0.3]}, ((3,),)),
            Sample({"eps": 10}, ((3,),)),
        ),
        quantities=(
            *COMMON,
            Quantity("norm", "(sum of |x|^p)^(1/p)", "what is divided by, unless it is below eps"),
            Quantity("x_hat", "x / max(norm, eps)", X_HAT),
            Quantity("dnorm", "-sum of dL/dx_hat x / norm^2", "dL/dnorm; 0 where the norm is below eps"),
            Quantity("dx_through_x_hat", "dL/dx_hat / max(norm, eps)", "first term of dx: the norm held fixed"),
            Quantity("dx_through_norm", "dL/dnorm dnorm/dx", "second term of dx"),
            Quantity("dx", "sum of its two terms"),
        ),
        biases=("gamma", "beta"),
        aliases=("unit_normalization",),
        notes=(
            "of a vector of zeros x_hat is 0 and dL/dx = dL/dx_hat / eps, large but finite; with eps: 0 they are NaN",
            "p: inf divides by the largest |x|; several that are largest share the slope evenly, as in PyTorch",
            "for p of at most 1 the norm's slope at an entry 0 is taken to be 0",
            "p and eps as in PyTorch's F.normalize, whose dim counts the examples' axis too",
            "gamma and beta are parameters only where they are given",
            PENALTY_NOTE,
        ),
    ),
)
