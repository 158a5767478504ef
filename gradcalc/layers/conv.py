"""Convolution over one axis or two: z = W * x + b for every place of the kernels, a = f(z)."""

from __future__ import annotations

import numpy as np

from gradcalc.errors import quoted
from gradcalc.layers.activation import Activation, back_through, jacobian_size, slope_at
from gradcalc.layers.base import Quantities, Step
from gradcalc.layers.conv_reading import read_groups, read_kernels
from gradcalc.layers.convolution import convolve, convolve_back
from gradcalc.layers.declaration import ACTIVATION_KEY, Key, Quantity, Settings
from gradcalc.layers.dense_weights import read_bias
from gradcalc.layers.sliding import (
    DATA_FORMAT,
    DILATION,
    PADDING,
    SAME_NOTE,
    STRIDE,
    Grid,
    Sliding,
    read_grid,
    read_windows,
)
from gradcalc.layers.windows import Windows
from gradcalc.shapes import Array, BiasForm, Shape


class Conv(Sliding):
    """z (N, units, *counts) from x (N, channels, *size), W (units, channels / groups, *kernel) and b (units,) or ().

    `bare`: the user wrote W as one kernel, without the axes of units and channels.
    """

    def __init__(
        self,
        name: str,
        grid: Grid,
        windows: Windows,
        W: Array,
        b: Array | None,
        *,
        groups: int,
        activation: Activation | None,
        bias_form: BiasForm,
        bare: bool = False,
    ) -> None:
        super().__init__(name, grid, windows, len(W))
        self.W, self.b, self.activation, self.groups = W, b, activation, groups
        self.bias_form, self.bare = bias_form, bare
        self.shape_of_z = self.gives
        self.gives = self.gives if activation is None else activation.outputs(self.gives)

    @property
    def parameters(self) -> Quantities:
        bias = {} if self.b is None else {"b": self.b}
        return {"W": self.W, **bias, **(self.activation.trained if self.activation else {})}

    def with_parameters(self, parameters: Quantities) -> Conv:
        trained = {name: value for name, value in parameters.items() if name not in ("W", "b")}
        return type(self)(
            self.name,
            self.grid,
            self.windows,
            parameters["W"],
            parameters.get("b"),
            groups=self.groups,
            activation=self.activation.with_trained(trained) if self.activation else None,
            bias_form=self.bias_form,
            bare=self.bare,
        )

    def forward(self, *inputs: Array) -> Step:
        """z = W * x + b, the kernels not flipped, and a = f(z)."""
        (x,) = inputs
        z = np.empty((len(x), *self.shape_of_z), x.dtype)
        first = self.grid.channels_first
        convolve(first(x), self.W, self.windows, self.groups, first(z))
        if self.b is not None:
            first(z)[...] += self._along_channels(self.b)
        a = z if self.activation is None else self.activation.value(z)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            found, dz = back_through(self.activation, z, da, dz)
            trained = {} if self.activation is None else self.activation.gradients(z, da)
            dx = np.zeros_like(x)
            gradients = {"dW": convolve_back(first(x), self.W, first(dz), self.windows, self.groups, first(dx))}
            if self.b is not None:
                gradients["db"] = self._bias_gradient(first(dz))
            return {**found, "da": da, "dz": dz, **gradients, **trained, "dx": dx}

        return Step(a, {"x": x, **self.parameters, "z": z, "a": a}, lambda: slope_at(self.activation, z), back)

    def _along_channels(self, b: Array) -> Array:
        return b.reshape(-1, *(1,) * len(self.grid.size))

    def _bias_gradient(self, dz: Array) -> Array:
        """dL/db: dL/dz summed over examples and places, and over the units where they share b."""
        assert self.b is not None
        per_unit = dz.sum(axis=(0, *range(2, dz.ndim)))
        return np.asarray(per_unit.sum() if self.b.ndim == 0 else per_unit)

    def as_written(self, quantities: Quantities) -> Quantities:
        """W as the user wrote it, which may be one kernel alone; b flat, a row, a column or one number."""
        found = dict(quantities)
        for W, b in (("W", "b"), ("dW", "db")):
            if self.bare and W in found:
                found[W] = found[W][0, 0]
            if b in found:
                found[b] = self.bias_form.write(found[b])
        return found

    def from_written(self, letter: str, array: Array) -> Quantities:
        if letter == "W":
            return {"W": array.reshape(self.W.shape)}
        return {letter: array if array.ndim == 0 or letter != "b" else array.reshape(-1)}

    def symbols(self) -> dict[str, str]:
        found = {"z": "W * x"} if self.b is None else {}
        return found if self.activation else {**found, "a": "z", "f_prime": "da/dz = 1", "dz": "dL/da"}

    def kept(self, examples: int) -> int:
        return super().kept(examples) + examples * jacobian_size(self.activation, self.shape_of_z)


def build(settings: Settings, made: type[Conv]) -> Conv:
    """The layer from its keys in a spec."""
    bias = settings.value("bias")
    if bias is True or isinstance(bias, str):
        raise settings.error(
            f"the bias of layer {settings.name} must be numbers, or false for none, "
            f"not {'true' if bias is True else quoted(bias)}",
            "one number per unit, or one for all",
            key="bias",
        )
    grid = read_grid(settings)
    groups = read_groups(settings, grid.channels)
    W, bare = read_kernels(settings, grid, groups)
    windows = read_windows(settings, grid, W.shape[2:])
    b, bias_form = read_bias(settings, len(W))
    z: Shape = grid.shape(len(W), windows.counts(grid.size))
    activation = settings.activation(z, axis=-1 if grid.last else 0)
    return made(
        settings.name, grid, windows, W, b, groups=groups, activation=activation, bias_form=bias_form, bare=bare
    )


def keys(kernel: str, size: str, axes: str) -> tuple[Key, ...]:
    """The keys of a convolution, by what its kernel holds, what that is, and the axes it has in W."""
    return (
        Key("units", "whole number", "the number of kernels and output channels; known from the weights"),
        Key("kernel", kernel, f"the kernel's {size}; known from the weights"),
        ACTIVATION_KEY,
        Key(
            "weights",
            "array",
            f"W, (units, channels / groups, {axes}) in either data_format; a kernel alone for one channel and one unit",
            required=True,
        ),
        Key("bias", "array | false", "b, one number per unit or one for all; left out or false: none"),
        STRIDE,
        PADDING,
        DILATION,
        Key(
            "groups", "whole number", "the groups into which channels and units fall, each connected within", default=1
        ),
        DATA_FORMAT,
    )


QUANTITIES = (
    Quantity("z", "W * x + b", "what the function is applied to"),
    Quantity("f_prime", doc="f'(z); 1 without a function"),
    Quantity("dW", "sum of dL/dz x"),
    Quantity("db", "sum of dL/dz"),
    Quantity("dx", "sum of W dL/dz"),
)

NOTES = (
    "the kernel is not flipped (cross-correlation), as in all deep-learning libraries",
    SAME_NOTE,
    "softmax and other functions of vectors go along the last axis of z: the channels only with channels_last",
    "{init: ...}: an output has channels / groups * kernel inputs, an input leads to units * kernel outputs",
)
