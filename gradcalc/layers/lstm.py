"""The long short-term memory: gates i, f, o and the candidate g lead a cell c along time, h = o tanh(c)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradcalc.layers.base import Quantities, Step
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample
from gradcalc.layers.recurrent import (
    Recurrent,
    examples_first,
    from_inputs,
    time_first,
    to_inputs,
    z_gradients,
)
from gradcalc.layers.recurrent_keys import (
    BEHIND,
    BY_PARAMETERS,
    BY_X,
    OUTPUT,
    OVER_TIME,
    build_gated,
    derivatives,
    gate_order_key,
    out_in,
    recurrent_keys,
)
from gradcalc.numerics import arrays as xp
from gradcalc.numerics.careful import sigmoid, sigmoid_slope, tanh_slope
from gradcalc.shapes import Array


class Trace(NamedTuple):
    """What a forward pass keeps, time first: gates and z hold i, f, o, g side by side; h and c begin with h0 and c0."""

    inputs: Array
    z: Array  # (T, N, 4 units)
    gates: Array  # (T, N, 4 units)
    c: Array  # (T + 1, N, units)
    tanh_c: Array  # (T, N, units)
    h: Array  # (T + 1, N, units)


class LSTM(Recurrent):
    """i, f, o = sigmoid, g = tanh of blocks of z = x Wx + h Wh + b; c = f c + i g and h = o tanh(c), step by step."""

    type = "lstm"
    gates = ("i", "f", "o", "g")
    states = ("h0", "c0")

    def forward(self, *inputs: Array) -> Step:
        """Every step's gates, cell and state; `a` is all states, or the last."""
        (x,) = inputs
        trace = self._run(x)
        gates = {letter: examples_first(part) for letter, part in zip(self.gates, self.split(trace.gates), strict=True)}
        z, c, h = (examples_first(array) for array in (self.ordered(trace.z), trace.c[1:], trace.h[1:]))
        a = self.output(trace.h[1:])

        def back(da: Array, _: Array | None = None) -> Quantities:
            return self._back(trace, da)

        found = {**self.known(x), "z": z, **gates, "c": c, "h": h, "a": a}
        return Step(a, found, lambda: self.slope(trace.h[1:]), back)

    def _run(self, x: Array) -> Trace:
        """The walk forwards: x Wx of all steps at once, then h Wh step by step."""
        inputs, Wh, n = time_first(x), self.weight("Wh"), self.units
        z = from_inputs(inputs, self.weight("Wx"), self.bias("b", x) + self.bias("bh", x))
        gates, tanh_c = np.empty_like(z), np.empty((*z.shape[:2], n), z.dtype)
        c, h = (np.empty((len(z) + 1, len(x), n), z.dtype) for _ in range(2))
        h[0], c[0] = self.start("h0", x), self.start("c0", x)
        for t in range(len(z)):
            z[t] += h[t] @ Wh
            gates[t, :, : 3 * n] = sigmoid(xp, z[t, :, : 3 * n])
            np.tanh(z[t, :, 3 * n :], out=gates[t, :, 3 * n :])
            i, f, o, g = self.split(gates[t])
            np.multiply(f, c[t], out=c[t + 1])
            c[t + 1] += i * g
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o, tanh_c[t], out=h[t + 1])
        return Trace(inputs, z, gates, c, tanh_c, h)

    def _back(self, trace: Trace, da: Array) -> Quantities:
        """The walk backwards: dh and dc gather what comes from the output and from all later steps."""
        back_h, n = np.ascontiguousarray(self.weight("Wh").T), self.units
        behind, dh = self.output_gradient(trace.h[1:], da)
        dc, dgates, dz = np.empty_like(trace.tanh_c), np.empty_like(trace.gates), np.empty_like(trace.z)
        by_c = np.zeros_like(dc[0])
        for t in reversed(range(len(dz))):
            i, f, o, g = self.split(trace.gates[t])
            di, df, do, dg = self.split(dgates[t])
            np.multiply(dh[t], trace.tanh_c[t], out=do)
            np.multiply(dh[t], o * tanh_slope(xp, trace.c[t + 1]), out=dc[t])
            dc[t] += by_c
            np.multiply(dc[t], g, out=di)
            np.multiply(dc[t], trace.c[t], out=df)
            np.multiply(dc[t], i, out=dg)
            np.multiply(dgates[t, :, : 3 * n], sigmoid_slope(xp, trace.z[t, :, : 3 * n]), out=dz[t, :, : 3 * n])
            np.multiply(dg, tanh_slope(xp, trace.z[t, :, 3 * n :]), out=dz[t, :, 3 * n :])
            by_c = dc[t] * f
            by_h = dz[t] @ back_h
            if t:
                dh[t - 1] += by_h
        of_gates = zip(("di", "df", "do", "dg"), self.split(dgates), strict=True)
        by_z = z_gradients(trace.inputs, trace.h[:-1], dz)
        return {
            "da": da,
            **behind,
            "dh": examples_first(dh),
            "dc": examples_first(dc),
            **{letter: examples_first(part) for letter, part in of_gates},
            "dz": examples_first(self.ordered(dz)),
            **self.gradients(by_z),
            "dh0": self.start_gradient("h0", by_h),
            "dc0": self.start_gradient("c0", by_c),
            "dx": to_inputs(dz, self.weight("Wx")),
        }


_WX = [[0.5, -0.3, 0.2, 0.1, 0.4, -0.6, 0.7, 0.2], [0.1, 0.4, -0.6, 0.3, -0.2, 0.5, 0.1, -0.4]]
_WH = [[0.3, 0.1, -0.2, 0.5, 0.2, -0.1, 0.4, 0.6], [-0.4, 0.2, 0.5, 0.1, -0.3, 0.6, -0.5, 0.2]]
_B = [0.1, 0.2, -0.3, 0.4, 0.5, -0.1, 0.2, 0.3]

ENTRIES = (
    LayerEntry(
        type="lstm",
        title="Long short-term memory",
        build=lambda settings: build_gated(settings, LSTM, {"c": "g", "j": "g"}),
        keys=recurrent_keys(
            "4 * units",
            Key("c0", "array", "the cell before the first step, as h0; left out: zeros"),
            gate_order_key("i,f,o,g", "i,f,g,o is PyTorch's, i,f,c,o Keras's (c for g)"),
            BEHIND,
        ),
        forward=(
            "z[t] = x[t] Wx + h[t-1] Wh + b = [z_i z_f z_o z_g], with h[-1] = h0",
            "i[t] = sigmoid(z_i[t])",
            "f[t] = sigmoid(z_f[t])",
            "o[t] = sigmoid(z_o[t])",
            "g[t] = tanh(z_g[t])",
            "c[t] = f[t] * c[t-1] + i[t] * g[t], with c[-1] = c0",
            "h[t] = o[t] * tanh(c[t])",
            OUTPUT,
        ),
        backward=(
            "dL/dh[t] = dL/da[t] + dL/dz[t+1] Wh^T",
            "dL/dc[t] = dL/dh[t] * o[t] * tanh'(c[t]) + dL/dc[t+1] * f[t+1]",
            "dL/di[t] = dL/dc[t] * g[t]",
            "dL/df[t] = dL/dc[t] * c[t-1]",
            "dL/do[t] = dL/dh[t] * tanh(c[t])",
            "dL/dg[t] = dL/dc[t] * i[t]",
            "dL/dz = [dL/di * sigmoid'(z_i), dL/df * sigmoid'(z_f), dL/do * sigmoid'(z_o), dL/dg * tanh'(z_g)]",
            *BY_PARAMETERS,
            "dL/dh0 = dL/dz[0] Wh^T",
            "dL/dc0 = dL/dc[0] * f[0]",
            BY_X,
        ),
        example="""\
input: [[1], [0.5]]
layers:
  - type: lstm
    units: 1
    gate_order: i,f,o,g
    Wx: [[0.5, -0.3, 0.2, 0.8]]
    Wh: [[0.1, 0.4, -0.6, 0.3]]
    bias: [0, 1, 0, 0]
target: [[0.3], [0.1]]
loss: half_square
""",
        samples=(
            Sample({"Wx": _WX, "Wh": _WH, "bias": _B}, ((3, 2),)),
            Sample(
                {
                    "Wx": _WX,
                    "Wh": _WH,
                    "recurrent_bias": _B,
                    "gate_order": "f,i,c,o",
                    "h0": [0.2, -0.1],
                    "c0": [0.3, 0.5],
                },
                ((2, 2),),
            ),
            Sample(
                {
                    **out_in(_WX, _WH),
                    "gate_order": ["i", "f", "g", "o"],
                    "return_sequences": False,
                    "activation": "softplus",
                },
                ((3, 2),),
            ),
        ),
        quantities=(
            Quantity("z", "x[t] Wx + h[t-1] Wh + b", "the pre-activations of all gates, in gate_order"),
            Quantity("i", "sigmoid(z_i)", "the input gate"),
            Quantity("f", "sigmoid(z_f)", "the forget gate"),
            Quantity("o", "sigmoid(z_o)", "the output gate"),
            Quantity("g", "tanh(z_g)", "the candidate for the cell"),
            Quantity("c", "f * c[t-1] + i * g", "the cell after each step"),
            Quantity("h", "o * tanh(c)", "the state after each step"),
            Quantity("a", "h"),
            Quantity("dh", "dL/da + dL/dz[t+1] Wh^T", "dL by the state, through the output and all later steps"),
            Quantity(
                "dc", "dL/dh * o * tanh'(c) + dL/dc[t+1] * f[t+1]", "dL by the cell, through h and all later steps"
            ),
            Quantity("di", "dL/dc * g", "dL by the gate's value; dz has that by its pre-activation"),
            Quantity("df", "dL/dc * c[t-1]", "dL by the gate's value"),
            Quantity("do", "dL/dh * tanh(c)", "dL by the gate's value"),
            Quantity("dg", "dL/dc * i", "dL by the candidate's value"),
            Quantity("dz", "dL/di * sigmoid'(z_i) ...", "dL by the pre-activations of all gates, in gate_order"),
            *derivatives(h0="dL/dz[0] Wh^T", c0="dL/dc[0] * f[0]"),
        ),
        **OVER_TIME,
        notes=(
            "x is (N, T, features), or (T, features) for one example; gates, c, h and dQ of each are (N, T, units)",
            "di, df, do, dg are derivatives by the gates' values; those by their pre-activations are the blocks of dz",
            "dh and dc are whole derivatives, through all later steps; da is only what comes from the layer behind",
        ),
        source="Hochreiter & Schmidhuber 1997; forget gate: Gers, Schmidhuber & Cummins 2000",
    ),
)
