"""The fully connected layer: z = x W + b, a = f(z)."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.activation import Activation, back_through, jacobian_size, slope_at
from gradcalc.layers.base import Layer, Quantities, Step
from gradcalc.layers.declaration import ACTIVATION_KEY, Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.dense_weights import read_bias, read_weights
from gradcalc.shapes import Array, BiasForm, Shape, WeightForm


class Dense(Layer):
    """z = x W + b; W is (inputs, units), b is (units,), one number () shared by the units, or None. Then a = f(z).

    Examples of more than one axis, `leading` before the last, are rows along the last: W is shared by all of them.
    """

    type = "dense"

    def __init__(
        self,
        name: str,
        W: Array,
        b: Array | None,
        activation: Activation | None,
        weight_form: WeightForm,
        bias_form: BiasForm,
        leading: Shape = (),
    ) -> None:
        inputs, units = W.shape
        z = (*leading, units)
        super().__init__(name, takes=((*leading, inputs),), gives=z if activation is None else activation.outputs(z))
        self.W, self.b, self.activation = W, b, activation
        self.weight_form, self.bias_form, self.leading = weight_form, bias_form, leading

    @property
    def parameters(self) -> Quantities:
        bias = {} if self.b is None else {"b": self.b}
        return {"W": self.W, **bias, **(self.activation.trained if self.activation else {})}

    def with_parameters(self, parameters: Quantities) -> Dense:
        trained = {name: value for name, value in parameters.items() if name not in ("W", "b")}
        activation = self.activation.with_trained(trained) if self.activation else None
        W, b = parameters["W"], parameters.get("b")
        return Dense(self.name, W, b, activation, self.weight_form, self.bias_form, self.leading)

    def forward(self, *inputs: Array) -> Step:
        """z (N, ..., units) and a = f(z); without an activation a is z and f' is 1."""
        (x,) = inputs
        z = x @ self.W
        if self.b is not None:
            z += self.b
        a = z if self.activation is None else self.activation.value(z)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            found, dz = back_through(self.activation, z, da, dz)
            trained = {} if self.activation is None else self.activation.gradients(z, da)
            return {**found, "da": da, "dz": dz, **self._gradients(x, dz), **trained, "dx": dz @ self.W.T}

        return Step(a, {"x": x, **self.parameters, "z": z, "a": a}, lambda: slope_at(self.activation, z), back)

    def _gradients(self, x: Array, dz: Array) -> Quantities:
        """dL/dW = x^T dz: every row's outer product of input and dL/dz, summed; dL/db the sum of dL/dz."""
        rows, dz_rows = x.reshape(-1, x.shape[-1]), dz.reshape(-1, dz.shape[-1])
        found = {"dW": rows.T @ dz_rows}
        if self.b is not None:
            found["db"] = np.asarray(dz_rows.sum(axis=None if self.b.ndim == 0 else 0))
        return found

    def as_written(self, quantities: Quantities) -> Quantities:
        """W and b in the layout of the spec; a bias that is a row or column of W only there."""
        found = dict(quantities)
        for W, b in (("W", "b"), ("dW", "db")):
            if W in found:
                found[W] = self.weight_form.write(found[W], found.get(b))
            if b in found and self.bias_form.form == "folded":
                del found[b]
            elif b in found:
                found[b] = self.bias_form.write(found[b])
        return found

    def from_written(self, letter: str, array: Array) -> Quantities:
        if letter == "W":
            W, b = self.weight_form.read(array, self.takes[0][-1])
            return {"W": W} if b is None else {"W": W, "b": b}
        return {letter: array if array.ndim == 0 or letter != "b" else array.reshape(-1)}

    def kept(self, examples: int) -> int:
        z = (*self.leading, self.W.shape[1])
        return super().kept(examples) + examples * jacobian_size(self.activation, z)


def _build(settings: Settings) -> Dense:
    *leading, inputs = settings.shapes[0]
    W, b, weight_form = read_weights(settings, inputs)
    bias_form = BiasForm("folded" if weight_form.folded else "none")
    if not weight_form.folded:
        b, bias_form = read_bias(settings, W.shape[1])
    activation = settings.activation((*leading, W.shape[1]))
    return Dense(settings.name, W, b, activation, weight_form, bias_form, tuple(leading))


ENTRIES = (
    LayerEntry(
        type="dense",
        title="Fully connected layer",
        build=_build,
        keys=(
            Key("units", "whole number", "the number of outputs; known from the weights where they are given"),
            ACTIVATION_KEY,
            Key("weights", "array", "W, (inputs, units) or the transpose, as layout says", required=True),
            Key(
                "bias",
                "array | false | first",
                "b: flat, a row, a column, or one number shared by the units; left out or false: none",
            ),
            Key("layout", "in_out | out_in", "this layer's own layout of W"),
        ),
        forward=("z = x W + b (in vectors: o = W^T x + b)", "a = f(z)"),
        backward=(
            "dL/dz = dL/da * f'(z)",
            "dL/dW = x^T dL/dz",
            "dL/db = dL/dz, summed over the examples",
            "dL/dx = dL/dz W^T",
        ),
        example="""\
input: [0.05, 0.10]
layers:
  - units: 2
    activation: sigmoid
    weights: [[0.15, 0.25], [0.20, 0.30]]
    bias: [0.35, 0.35]
target: [0.01, 0.99]
loss: half_square
""",
        samples=(
            Sample(
                {"weights": [[0.3, -0.2], [0.1, 0.4], [0.5, 0.6]], "bias": [0.1, -0.1], "activation": "tanh"}, ((3,),)
            ),
            Sample({"weights": [[0.3, -0.2, 0.7], [0.1, 0.4, 0.2]], "layout": "out_in", "bias": 0.2}, ((4, 3),)),
            Sample({"weights": [[0.3, -0.2, 0.7], [0.1, 0.4, 0.2]], "bias": "first", "layout": "out_in"}, ((2,),)),
            Sample(
                {"weights": [[0.3, -0.2]], "activation": {"name": "prelu", "alpha": [0.1, 0.2]}},
                ((1,),),
            ),
            Sample(
                {"units": 4, "weights": {"init": "normal"}, "bias": [1, -1, 0.5, 0], "activation": "softmax"},
                ((2, 3),),
            ),
        ),
        quantities=(
            Quantity("z", "x W + b", "what the function is applied to"),
            Quantity("f_prime", doc="f'(z); 1 without a function, the Jacobian of a function of vectors"),
        ),
        weights=("W",),
        biases=("b",),
        aliases=("fully_connected",),
        notes=(
            "W is (inputs, units); with layout out_in it is (units, inputs) and z = x W^T + b",
            "an input of several axes, such as (time, features), is taken row by row along its last axis",
        ),
    ),
)
