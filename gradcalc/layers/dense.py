"""The fully connected layer: z = x W + b, a = f(z)."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.activation import Activation, slope_quantity
from gradcalc.layers.base import Quantities, Step
from gradcalc.shapes import Array, BiasForm, WeightForm


class Dense:
    """z = x W + b; W is (inputs, units), b is (units,), one number () shared by the units, or None. Then a = f(z)."""

    type = "dense"

    def __init__(
        self,
        name: str,
        W: Array,
        b: Array | None,
        activation: Activation | None,
        weight_form: WeightForm,
        bias_form: BiasForm,
    ) -> None:
        self.name, self.W, self.b, self.activation = name, W, b, activation
        self.weight_form, self.bias_form = weight_form, bias_form
        self.inputs, units = W.shape
        self.outputs = units if activation is None else activation.outputs(units)

    @property
    def parameters(self) -> Quantities:
        bias = {} if self.b is None else {"b": self.b}
        return {"W": self.W, **bias, **(self.activation.trained if self.activation else {})}

    def with_parameters(self, parameters: Quantities) -> Dense:
        trained = {name: value for name, value in parameters.items() if name not in ("W", "b")}
        activation = self.activation.with_trained(trained) if self.activation else None
        return Dense(self.name, parameters["W"], parameters.get("b"), activation, self.weight_form, self.bias_form)

    def forward(self, x: Array) -> Step:
        """z (N, units) and a = f(z); without an activation a is z and f' is 1."""
        z = x @ self.W
        if self.b is not None:
            z += self.b
        a = z if self.activation is None else self.activation.value(z)

        def back(da: Array, dz: Array | None) -> Quantities:
            found, dz = self._back_to_z(z, da, dz)
            gradients = {} if self.activation is None else self.activation.gradients(z, da)
            # dL/dW = x^T dz: every example's outer product of input and dL/dz, summed
            gradients["dW"] = x.T @ dz
            if self.b is not None:
                gradients["db"] = np.asarray(dz.sum(axis=None if self.b.ndim == 0 else 0))
            return {**found, "da": da, "dz": dz, **gradients, "dx": dz @ self.W.T}

        return Step(a, {"x": x, **self.parameters, "z": z, "a": a}, lambda: self._slope(z), back)

    def _slope(self, z: Array) -> Quantities:
        """f' as a quantity: 1 without an activation."""
        if self.activation is None:
            return {"f_prime": np.broadcast_to(np.ones((), z.dtype), z.shape)}
        return slope_quantity(self.activation, z)

    def _back_to_z(self, z: Array, da: Array, dz: Array | None) -> tuple[Quantities, Array]:
        """f' as a quantity, and dL/dz: the loss's own where it gave one, else da * f'(z)."""
        found = self._slope(z)
        if dz is None:
            dz = da if self.activation is None else self.activation.back(z, da, found.get("f_prime"))
        return found, dz
