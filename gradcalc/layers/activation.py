"""An activation in a network: a function with its parameters and kink choice, alone or behind a dense layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.functions.entry import Elementwise, Kink, Side, VectorActivation, settled
from gradcalc.layers.base import Quantities, Step
from gradcalc.numerics import arrays as xp
from gradcalc.shapes import Array

#: A Jacobian is shown by itself only where an example has at most this many outputs.
JACOBIAN_LIMIT = 64


class Activation:
    """A function bound to its parameters, on arrays z (N, n). `trained` have a gradient, as prelu's alpha does."""

    def __init__(self, entry: Elementwise | VectorActivation, values: dict[str, Any], kink: Side) -> None:
        self.entry, self.kink = entry, kink
        self.values = {k: np.asarray(v) if isinstance(v, list) else v for k, v in values.items()}

    @property
    def trained(self) -> Quantities:
        return {p.name: np.asarray(self.values[p.name]) for p in self.entry.params if p.trained}

    def with_trained(self, trained: Quantities) -> Activation:
        return Activation(self.entry, {**self.values, **trained}, self.kink)

    @property
    def vector(self) -> bool:
        """Whether outputs depend on all inputs, so that f' is a Jacobian."""
        return isinstance(self.entry, VectorActivation)

    def outputs(self, inputs: int) -> int:
        """How many numbers come out; InputError where the function cannot take so many."""
        return self.entry.outputs(inputs) if isinstance(self.entry, VectorActivation) else inputs

    def _args(self, z: Array) -> list[Any]:
        """The parameters in declared order, in the type of z so that float32 stays float32."""
        return [
            v.astype(z.dtype, copy=False) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v
            for v in self.values.values()
        ]

    def value(self, z: Array) -> Array:
        """a = f(z), (N, n), or (N, m) with m = outputs(n)."""
        module = np if self.vector else xp
        return np.asarray(self.entry.value(module, z, *self._args(z)), dtype=z.dtype)

    def slope(self, z: Array) -> Array:
        """f'(z): (N, n), or the Jacobians (N, m, n) of a vector function."""
        args = self._args(z)
        if isinstance(self.entry, VectorActivation):
            return np.asarray(self.entry.jacobian(np, z, *args), dtype=z.dtype)
        found = np.broadcast_to(np.asarray(self.entry.derivative(xp, z, *args), dtype=z.dtype), z.shape)
        if self.entry.one_sided and self.kink != "default":
            found = settled(np, self.entry.one_sided("z")(xp, z, *args), self.kink, found).astype(z.dtype, copy=False)
        if self.kink != "default":
            for kink in self.entry.kinks:
                found = self._at_kink(found, kink, z, args)
        return found

    def _at_kink(self, found: Array, kink: Kink, z: Array, args: list[Any]) -> Array:
        """`found` with the derivative the user wants where z is at the kink; left and right may be equal there."""
        here = z == kink.at(*args)
        smooth = (kink.left(*args) == kink.right(*args)) & (not kink.jump)
        here = here & ~np.asarray(smooth)
        if not here.any():
            return found
        return np.where(here, np.asarray(kink.shown(self.kink, *args), dtype=z.dtype), found)

    def back(self, z: Array, da: Array, slope: Array | None) -> Array:
        """dL/dz (N, n) from dL/da. `slope` is f'(z) of an elementwise function, computed once by the caller."""
        if isinstance(self.entry, VectorActivation):
            return np.asarray(self.entry.vjp(np, z, da, *self._args(z)), dtype=z.dtype)
        # a unit whose slope is 0 passes nothing on, also when the loss's derivative is infinite there
        assert slope is not None
        dz = da * slope
        if not np.isfinite(da).all():
            dz = np.where((slope == 0) & ~np.isnan(da), 0.0, dz).astype(z.dtype, copy=False)
        return dz

    def gradients(self, z: Array, da: Array) -> Quantities:
        """dL/d(parameter) of the trained parameters, each in its parameter's shape."""
        found = {}
        for param in self.entry.params:
            if param.trained and param.derivative is not None:
                terms = da * param.derivative(xp, z, *self._args(z))
                per_unit = np.ndim(self.values[param.name]) > 0
                found[f"d{param.name}"] = np.asarray(terms.sum(axis=0) if per_unit else terms.sum())
        return found


class ActivationLayer:
    """A layer that only applies a function: a = f(x)."""

    type = "activation"

    def __init__(self, name: str, inputs: int, activation: Activation) -> None:
        self.name, self.activation = name, activation
        self.inputs, self.outputs = inputs, activation.outputs(inputs)

    @property
    def parameters(self) -> Quantities:
        return self.activation.trained

    def with_parameters(self, parameters: Quantities) -> ActivationLayer:
        return ActivationLayer(self.name, self.inputs, self.activation.with_trained(parameters))

    def forward(self, x: Array) -> Step:
        """a = f(x); its derivative by the input is named f_prime."""
        a = self.activation.value(x)

        def back(da: Array, dz: Array | None) -> Quantities:
            found = slope_quantity(self.activation, x)
            dx = dz if dz is not None else self.activation.back(x, da, found.get("f_prime"))
            return {**found, "da": da, **self.activation.gradients(x, da), "dx": dx}

        return Step(a, {"x": x, **self.parameters, "a": a}, lambda: slope_quantity(self.activation, x), back)


def slope_quantity(activation: Activation, z: Array) -> Quantities:
    """f_prime as a quantity: always for an elementwise function; a Jacobian only while it is small."""
    return {} if slope_is_large(activation, activation.outputs(z.shape[1])) else {"f_prime": activation.slope(z)}


def slope_is_large(activation: Activation | None, outputs: int) -> bool:
    """Whether f' is a Jacobian too large to be shown unasked."""
    return activation is not None and activation.vector and outputs > JACOBIAN_LIMIT
