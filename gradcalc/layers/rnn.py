"""The plain recurrent layer: h = f(x Wx + h Wh + b) at every step, f tanh or another function of one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.functions import find
from gradcalc.functions.entry import Elementwise
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Quantities, Step
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.recurrent import (
    Recurrent,
    examples_first,
    from_inputs,
    time_first,
    to_inputs,
    z_gradients,
)
from gradcalc.layers.recurrent_keys import (
    BY_PARAMETERS,
    BY_X,
    OUTPUT,
    OVER_TIME,
    derivatives,
    read_parameters,
    recurrent_keys,
)
from gradcalc.shapes import Array, Shape


class RNN(Recurrent):
    """z = x Wx + h Wh + b of the state h before the step; the new h is f(z)."""

    type = "rnn"

    def __init__(
        self, name: str, takes: Shape, units: int, parameters: Quantities, function: Activation, **form: Any
    ) -> None:
        super().__init__(name, takes, units, parameters, **form)
        self.function = function

    @property
    def parameters(self) -> Quantities:
        return {**self._parameters, **self.function.trained}

    def with_parameters(self, parameters: Quantities) -> RNN:
        other = super().with_parameters(parameters)
        assert isinstance(other, RNN)
        other.function = self.function.with_trained(self._trained(parameters))
        return other

    def own_symbols(self) -> dict[str, str]:
        name = self.function.entry.name
        return {"h": f"{name}(z)", "f_prime": f"{name}'(z)", "dz": f"dL/dh * {name}'(z)"}

    def forward(self, *inputs: Array) -> Step:
        """Every step's pre-activation and state; `a` is all states, or the last."""
        (x,) = inputs
        steps, Wh = time_first(x), self.weight("Wh")
        z = from_inputs(steps, self.weight("Wx"), self.bias("b", x) + self.bias("bh", x))
        h = np.empty((len(z) + 1, *z.shape[1:]), z.dtype)
        h[0] = self.start("h0", x)
        for t in range(len(z)):
            z[t] += h[t] @ Wh
            h[t + 1] = self.function.value(z[t])
        states, a = examples_first(h[1:]), self.output(h[1:])

        def slope() -> Quantities:
            return {"f_prime": examples_first(self.function.slope(z))}

        def back(da: Array, _: Array | None = None) -> Quantities:
            return self._back(steps, z, h, da)

        return Step(a, {**self.known(x), "z": examples_first(z), "h": states, "a": a}, slope, back)

    def _back(self, steps: Array, z: Array, h: Array, da: Array) -> Quantities:
        """The walk backwards: dh gathers what comes from the output and from the step after."""
        back_h = np.ascontiguousarray(self.weight("Wh").T)
        _, dh = self.output_gradient(h[1:], da)
        slope, dz = self.function.slope(z), np.empty_like(z)
        for t in reversed(range(len(z))):
            dz[t] = self.function.back(z[t], dh[t], slope[t])
            by_h = dz[t] @ back_h
            if t:
                dh[t - 1] += by_h
        return {
            "f_prime": examples_first(slope),
            "da": da,
            "dh": examples_first(dh),
            "dz": examples_first(dz),
            **self.gradients(z_gradients(steps, h[:-1], dz)),
            **self.function.gradients(z, dh),
            "dh0": self.start_gradient("h0", by_h),
            "dx": to_inputs(dz, self.weight("Wx")),
        }


def _build(settings: Settings) -> RNN:
    units, layout, parameters = read_parameters(settings, 1, ("h0",))
    function = settings.activation((settings.shapes[0][0], units))
    if function is None:
        entry = find("tanh")
        assert isinstance(entry, Elementwise)
        function = Activation(entry, {}, "default")
    if function.vector:
        raise settings.error(
            f"the activation of an rnn acts on one number at each step, and {function.entry.name} on a vector",
            "tanh or relu are usual; put a layer of type activation behind the rnn",
            key="activation",
        )
    return RNN(
        settings.name,
        settings.shapes[0],
        units,
        parameters,
        function,
        layout=layout,
        return_sequences=settings.flag("return_sequences"),
    )


_WX, _WH = [[0.5, -0.3, 0.2], [0.1, 0.4, -0.6]], [[0.3, 0.1, -0.2], [-0.4, 0.2, 0.5], [0.1, -0.3, 0.6]]

ENTRIES = (
    LayerEntry(
        type="rnn",
        title="Recurrent layer",
        build=_build,
        keys=recurrent_keys(
            "units",
            Key("activation", "function", "f, tanh or relu or any function of one number; left out: tanh"),
        ),
        forward=(
            "z[t] = x[t] Wx + h[t-1] Wh + b, with h[-1] = h0",
            "h[t] = f(z[t])",
            OUTPUT,
        ),
        backward=(
            "dL/dh[t] = dL/da[t] + dL/dz[t+1] Wh^T",
            "dL/dz[t] = dL/dh[t] * f'(z[t])",
            *BY_PARAMETERS,
            "dL/dh0 = dL/dz[0] Wh^T",
            BY_X,
        ),
        example="""\
input: [[1, 0], [0, 1], [1, 1]]
layers:
  - type: rnn
    Wx: [[0.5, -0.3], [0.1, 0.4]]
    Wh: [[0.2, 0.1], [-0.3, 0.6]]
    bias: [0.1, 0]
target: [[0.5, -0.2], [0.3, 0.1], [0.4, 0.2]]
loss: half_square
""",
        samples=(
            Sample({"Wx": _WX, "Wh": _WH, "bias": [0.1, 0.2, -0.3]}, ((4, 2),)),
            Sample({"Wx": _WX, "Wh": _WH, "h0": [0.1, 0.2, -0.3], "activation": "softplus"}, ((3, 2),)),
            Sample({"Wx": [[0.5, 0.2]], "Wh": 0.7, "layout": "out_in", "return_sequences": False}, ((3, 2),)),
            Sample(
                {
                    "units": 2,
                    "Wx": {"init": "normal"},
                    "Wh": {"init": "normal", "seed": 1},
                    "recurrent_bias": [0.1, 0.2],
                },
                ((1, 3),),
            ),
        ),
        quantities=(
            Quantity("z", "x[t] Wx + h[t-1] Wh + b"),
            Quantity("h", "f(z)", "the state after each step"),
            Quantity("a", "h"),
            Quantity("f_prime", "f'(z)"),
            Quantity("dh", "dL/da + dL/dz[t+1] Wh^T", "dL by the state, through the output and all later steps"),
            Quantity("dz", "dL/dh * f'(z)"),
            *derivatives(h0="dL/dz[0] Wh^T"),
        ),
        **OVER_TIME,
        aliases=("recurrent", "simple_rnn", "elman"),
        notes=(
            "x is (N, T, features), or (T, features) for one example; h, z and their derivatives are (N, T, units)",
            "dh is the whole derivative by a state; da only what comes from the layer behind",
        ),
        source="Elman 1990; Werbos 1990 (backpropagation through time)",
    ),
)
