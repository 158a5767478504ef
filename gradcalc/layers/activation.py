"""An activation in a network: a function with its parameters and kink choice, alone or behind a dense layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.functions.entry import Elementwise, Kink, Side, VectorActivation, settled
from gradcalc.layers.base import Layer, Quantities, Step
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.numerics import arrays as xp
from gradcalc.shapes import Array, Shape, size

#: A Jacobian is shown by itself only where an example has at most this many outputs.
JACOBIAN_LIMIT = 64


class Activation:
    """A function bound to its parameters, on arrays z (N, *shape).

    A function of vectors acts along `axis` of an example, which is -1 where that is the last; along it goes a
    parameter of one number per unit, too. `trained` parameters have a gradient, as prelu's alpha does.
    """

    def __init__(
        self, entry: Elementwise | VectorActivation, values: dict[str, Any], kink: Side, axis: int = -1
    ) -> None:
        self.entry, self.kink, self.axis = entry, kink, axis
        self.values = {k: np.asarray(v) if isinstance(v, list) else v for k, v in values.items()}

    @property
    def trained(self) -> Quantities:
        return {p.name: np.asarray(self.values[p.name]) for p in self.entry.params if p.trained}

    def with_trained(self, trained: Quantities) -> Activation:
        return Activation(self.entry, {**self.values, **trained}, self.kink, self.axis)

    @property
    def vector(self) -> bool:
        """Whether outputs depend on all inputs, so that f' is a Jacobian."""
        return isinstance(self.entry, VectorActivation)

    def outputs(self, shape: Shape) -> Shape:
        """The shape of an example of a, from that of z; InputError where the function cannot take so many numbers."""
        if not isinstance(self.entry, VectorActivation):
            return shape
        before, behind = shape[: self.axis], shape[self.axis :][1:]
        return (*before, self.entry.outputs(shape[self.axis]), *behind)

    def _vectors(self, z: Array) -> Array:
        """(N, *shape) with the axis that a function of vectors acts along as the last."""
        return z if self.axis == -1 else np.moveaxis(z, 1 + self.axis, -1)

    def _in_place(self, a: Array) -> Array:
        """The reverse: that axis where it stands in an example."""
        return a if self.axis == -1 else np.moveaxis(a, -1, 1 + self.axis)

    def arguments(self, z: Array) -> list[Any]:
        """The parameters in declared order, in the type of z so that float32 stays float32."""
        return [
            self._arg(v, z) if isinstance(v, np.ndarray) and v.dtype.kind == "f" else v for v in self.values.values()
        ]

    def _arg(self, value: Array, z: Array) -> Array:
        """A parameter, fit to go along its axis of z."""
        value = value.astype(z.dtype, copy=False)
        behind = z.ndim - 2 - self.axis if self.axis >= 0 else -1 - self.axis
        return value.reshape(-1, *(1,) * behind) if value.ndim and behind else value

    def value(self, z: Array) -> Array:
        """a = f(z), (N, *outputs(shape))."""
        if self.vector:
            found = self.entry.value(np, self._vectors(z), *self.arguments(z))
            return self._in_place(np.asarray(found, dtype=z.dtype))
        return np.asarray(self.entry.value(xp, z, *self.arguments(z)), dtype=z.dtype)

    def slope(self, z: Array) -> Array:
        """f'(z): as z, or the Jacobians (N, ..., m, n) of a vector function, its own axis taken out of the others."""
        args = self.arguments(z)
        if isinstance(self.entry, VectorActivation):
            return np.asarray(self.entry.jacobian(np, self._vectors(z), *args), dtype=z.dtype)
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
        """dL/dz from dL/da. `slope` is f'(z) of an elementwise function, computed once by the caller."""
        if isinstance(self.entry, VectorActivation):
            found = self.entry.vjp(np, self._vectors(z), self._vectors(da), *self.arguments(z))
            return self._in_place(np.asarray(found, dtype=z.dtype))
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
                terms = da * param.derivative(xp, z, *self.arguments(z))
                per_unit = np.ndim(self.values[param.name]) > 0
                found[f"d{param.name}"] = np.asarray(self._per_unit(terms) if per_unit else terms.sum())
        return found

    def _per_unit(self, terms: Array) -> Array:
        """The sum over all axes but the units'."""
        units = 1 + self.axis if self.axis >= 0 else terms.ndim + self.axis
        return np.asarray(terms.sum(axis=tuple(axis for axis in range(terms.ndim) if axis != units)))


class ActivationLayer(Layer):
    """A layer that only applies a function: a = f(x)."""

    type = "activation"
    activation: Activation

    def __init__(self, name: str, shape: Shape, activation: Activation) -> None:
        super().__init__(name, takes=(shape,), gives=activation.outputs(shape))
        self.activation = activation

    @property
    def parameters(self) -> Quantities:
        return self.activation.trained

    def with_parameters(self, parameters: Quantities) -> ActivationLayer:
        return ActivationLayer(self.name, self.takes[0], self.activation.with_trained(parameters))

    def forward(self, *inputs: Array) -> Step:
        """a = f(x); its derivative by the input is named f_prime."""
        (x,) = inputs
        a = self.activation.value(x)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            found = slope_quantity(self.activation, x)
            dx = dz if dz is not None else self.activation.back(x, da, found.get("f_prime"))
            return {**found, "da": da, **self.activation.gradients(x, da), "dx": dx}

        return Step(a, {"x": x, **self.parameters, "a": a}, lambda: slope_quantity(self.activation, x), back)

    def kept(self, examples: int) -> int:
        return super().kept(examples) + examples * jacobian_size(self.activation, self.takes[0])


def slope_quantity(activation: Activation, z: Array) -> Quantities:
    """f_prime as a quantity: always for an elementwise function; a Jacobian only while it is small."""
    return {} if slope_is_large(activation, z.shape[1:]) else {"f_prime": activation.slope(z)}


def slope_is_large(activation: Activation | None, shape: Shape) -> bool:
    """Whether f' at an example's z of that shape is a Jacobian too large to be shown unasked."""
    return activation is not None and activation.vector and activation.outputs(shape)[activation.axis] > JACOBIAN_LIMIT


def jacobian_size(activation: Activation | None, shape: Shape) -> int:
    """How many numbers the Jacobian of one example has, if it is shown."""
    if activation is None or not activation.vector or slope_is_large(activation, shape):
        return 0
    return size(shape) * activation.outputs(shape)[activation.axis]


def back_through(activation: Activation | None, z: Array, da: Array, dz: Array | None) -> tuple[Quantities, Array]:
    """f' as a quantity, and dL/dz: the loss's own where it gave one, else da * f'(z). Without an activation f' is 1."""
    found = slope_at(activation, z)
    if dz is None:
        dz = da if activation is None else activation.back(z, da, found.get("f_prime"))
    return found, dz


def slope_at(activation: Activation | None, z: Array) -> Quantities:
    """f' as a quantity of a layer with z: 1 without an activation."""
    if activation is None:
        return {"f_prime": np.broadcast_to(np.ones((), z.dtype), z.shape)}
    return slope_quantity(activation, z)


def _build(settings: Settings) -> ActivationLayer:
    (shape,) = settings.shapes
    activation = settings.activation(shape, axis=0 if len(shape) > 2 else -1)
    if activation is None:
        raise settings.error("activation is empty", key="activation")
    return ActivationLayer(settings.name, shape, activation)


ENTRIES = (
    LayerEntry(
        type="activation",
        title="A function alone",
        build=_build,
        keys=(Key("activation", "function", "the function", required=True),),
        forward=(
            "a = f(x), each number by itself; softmax and other functions of vectors along the last axis, or the axis "
            "of an example that activation: {name: softmax, axis: 0} says",
        ),
        backward=("dL/dx = dL/da * f'(x)", "dL/dx = J^T dL/da with the Jacobian J of a function of vectors"),
        example="""\
input: [1, -2]
layers:
  - {type: activation, activation: relu}
upstream: [0.5, 0.5]
""",
        samples=(
            Sample({"activation": "tanh"}, ((3,),)),
            Sample({"activation": "softmax"}, ((2, 3),)),
            Sample({"activation": {"name": "softmax", "axis": 0}}, ((2, 3),)),
            Sample({"activation": {"name": "prelu", "alpha": [0.1, 0.2]}}, ((2, 3, 3),)),
        ),
        quantities=(Quantity("f_prime", doc="f'(x), or the Jacobian of a function of vectors"),),
    ),
)
