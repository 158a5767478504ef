"""The gated recurrent unit: a reset gate r and an update gate u lead the state, h = u h + (1 - u) n.

The blocks of columns are named r, z, n as in the literature; among the quantities the update gate is u, since z is
what all pre-activations are called.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gradcalc.layers.base import Quantities, Step
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.recurrent import (
    Recurrent,
    examples_first,
    from_inputs,
    product_gradients,
    time_first,
    to_inputs,
)
from gradcalc.layers.recurrent_keys import (
    BEHIND,
    BY_WX,
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
from gradcalc.shapes import Array, Shape


class After:
    """The reset gate after the product: n's pre-activation has r * m, with m = h W + b."""

    @staticmethod
    def forward(r: Array, h: Array, W: Array, b: Array) -> tuple[Array, Array]:
        """m, and what n's pre-activation gets of it."""
        m = h @ W + b
        return m, r * m

    @staticmethod
    def back(dz: Array, r: Array, m: Array, h: Array, back_W: Array) -> tuple[Array, Array, Array]:
        """The derivatives by m, r and h from that by n's pre-activation."""
        dm = dz * r
        return dm, dz * m, dm @ back_W

    @staticmethod
    def product(h: Array, m: Array, dz: Array, dm: Array) -> tuple[Array, Array]:
        """What W multiplies, and the derivative by the product."""
        return h, dm


class Before:
    """The reset gate before the product: n's pre-activation has m W + b, with m = r * h."""

    @staticmethod
    def forward(r: Array, h: Array, W: Array, b: Array) -> tuple[Array, Array]:
        """m, and what n's pre-activation gets of it."""
        m = r * h
        return m, m @ W + b

    @staticmethod
    def back(dz: Array, r: Array, m: Array, h: Array, back_W: Array) -> tuple[Array, Array, Array]:
        """The derivatives by m, r and h from that by n's pre-activation."""
        dm = dz @ back_W
        return dm, dm * h, dm * r

    @staticmethod
    def product(h: Array, m: Array, dz: Array, dm: Array) -> tuple[Array, Array]:
        """What W multiplies, and the derivative by the product."""
        return m, dz


RESETS: dict[str, type[After] | type[Before]] = {"after": After, "before": Before}


class Trace(NamedTuple):
    """What a forward pass keeps, time first: gates and z hold r, u, n side by side; h begins with h0."""

    inputs: Array
    z: Array  # (T, N, 3 units)
    gates: Array  # (T, N, 3 units)
    m: Array  # (T, N, units)
    h: Array  # (T + 1, N, units)


class GRU(Recurrent):
    """r, u = sigmoid and n = tanh of blocks of z; h = u h + (1 - u) n, or with update "new" (1 - u) h + u n."""

    type = "gru"
    gates = ("r", "z", "n")

    def __init__(
        self,
        name: str,
        takes: Shape,
        units: int,
        parameters: Quantities,
        *,
        reset: str = "after",
        update: str = "old",
        **form: Any,
    ) -> None:
        super().__init__(name, takes, units, parameters, **form)
        self.reset, self.update = RESETS[reset], update

    def own_symbols(self) -> dict[str, str]:
        after, old = self.reset is After, self.update == "old"
        shares = ("u", "(1 - u)") if old else ("(1 - u)", "u")
        inner = "h[t-1] Wh_n" + (" + bh_n" if "bh" in self._parameters else "")
        return {
            "m": inner if after else "r * h[t-1]",
            "h": f"{shares[0]} * h[t-1] + {shares[1]} * n",
            "dh": f"dL/da + dL/dh[t+1] * {shares[0]}[t+1] + ..." if old else "dL/da + dL/dh[t+1] * (1 - u[t+1]) + ...",
            "du": "dL/dh * (h[t-1] - n)" if old else "dL/dh * (n - h[t-1])",
            "dn": f"dL/dh * {shares[1]}",
            "dm": "dL/dz_n * r" if after else "dL/dz_n Wh_n^T",
            "dr": "dL/dz_n * m" if after else "dL/dm * h[t-1]",
        }

    def forward(self, *inputs: Array) -> Step:
        """Every step's gates and state; `a` is all states, or the last."""
        (x,) = inputs
        trace = self._run(x)
        r, u, n = map(examples_first, self.split(trace.gates))
        z, m, h = (examples_first(array) for array in (self.ordered(trace.z), trace.m, trace.h[1:]))
        a = self.output(trace.h[1:])

        def back(da: Array, _: Array | None = None) -> Quantities:
            return self._back(trace, da)

        found = {**self.known(x), "z": z, "r": r, "u": u, "m": m, "n": n, "h": h, "a": a}
        return Step(a, found, lambda: self.slope(trace.h[1:]), back)

    def _shares(self, z: Array) -> tuple[Array, Array]:
        """What the old state and the candidate n are multiplied by: u and 1 - u, or the other way round."""
        u, rest = np.asarray(sigmoid(xp, z)), np.asarray(sigmoid(xp, -z))  # 1 - u to all its digits
        return (u, rest) if self.update == "old" else (rest, u)

    def _run(self, x: Array) -> Trace:
        """The walk forwards: x Wx of all steps at once, then h Wh step by step."""
        inputs, (of_gates, of_n) = time_first(x), self._cut(self.weight("Wh"))
        bias_of_gates, bias_of_n = self._cut(self.bias("bh", x))
        z = from_inputs(inputs, self.weight("Wx"), self.bias("b", x))
        gates, m = np.empty_like(z), np.empty((*z.shape[:2], self.units), z.dtype)
        h = np.empty((len(z) + 1, len(x), self.units), z.dtype)
        h[0] = self.start("h0", x)
        for t in range(len(z)):
            (ru, n), (z_ru, z_n) = self._cut(gates[t]), self._cut(z[t])
            z_ru += h[t] @ of_gates + bias_of_gates
            ru[:] = sigmoid(xp, z_ru)
            m[t], of_state = self.reset.forward(self.split(gates[t])[0], h[t], of_n, bias_of_n)
            z_n += of_state
            np.tanh(z_n, out=n)
            old, new = self._shares(self.split(z[t])[1])
            h[t + 1] = old * h[t] + new * n
        return Trace(inputs, z, gates, m, h)

    def _back(self, trace: Trace, da: Array) -> Quantities:
        """The walk backwards: dh gathers what comes from the output and from the step after."""
        of_gates, of_n = (np.ascontiguousarray(W.T) for W in self._cut(self.weight("Wh")))
        behind, dh = self.output_gradient(trace.h[1:], da)
        dm, dgates, dz = np.empty_like(trace.m), np.empty_like(trace.z), np.empty_like(trace.z)
        for t in reversed(range(len(dz))):
            r, _, n = self.split(trace.gates[t])
            (z_ru, z_n), (dz_ru, dz_n) = self._cut(trace.z[t]), self._cut(dz[t])
            dr, du, dn = self.split(dgates[t])
            old, new = self._shares(self.split(trace.z[t])[1])
            change = trace.h[t] - n if self.update == "old" else n - trace.h[t]
            np.multiply(dh[t], change, out=du)
            np.multiply(dh[t], new, out=dn)
            np.multiply(dn, tanh_slope(xp, z_n), out=dz_n)
            dm[t], dr[:], by_reset = self.reset.back(dz_n, r, trace.m[t], trace.h[t], of_n)
            np.multiply(self._cut(dgates[t])[0], sigmoid_slope(xp, z_ru), out=dz_ru)
            by_h = dh[t] * old + by_reset + dz_ru @ of_gates
            if t:
                dh[t - 1] += by_h
        dr, du, dn = map(examples_first, self.split(dgates))
        return {
            "da": da,
            **behind,
            "dh": examples_first(dh),
            "du": du,
            "dn": dn,
            "dm": examples_first(dm),
            "dr": dr,
            "dz": examples_first(self.ordered(dz)),
            **self.gradients({**product_gradients(trace.inputs, dz, "Wx", "b"), **self._by_state(trace, dz, dm)}),
            "dh0": self.start_gradient("h0", by_h),
            "dx": to_inputs(dz, self.weight("Wx")),
        }

    def _cut(self, array: Array) -> tuple[Array, Array]:
        """The blocks of r and u together, and that of n."""
        return array[..., : 2 * self.units], array[..., 2 * self.units :]

    def _by_state(self, trace: Trace, dz: Array, dm: Array) -> Quantities:
        """dWh and dbh: the gates' blocks meet h, n's block what its place of the reset gate has."""
        h, (dz_ru, dz_n) = trace.h[:-1], self._cut(dz)
        gates = product_gradients(h, dz_ru, "Wh", "bh")
        n = product_gradients(*self.reset.product(h, trace.m, dz_n, dm), "Wh", "bh")
        return {letter: np.concatenate([gates[letter], n[letter]], axis=-1) for letter in gates}


def _build(settings: Settings) -> GRU:
    reset, update = settings.choice("reset", tuple(RESETS)), settings.choice("update", ("old", "new"))
    return build_gated(settings, GRU, {"u": "z", "h": "n"}, reset=reset, update=update)


_WX = [[0.5, -0.3, 0.2, 0.1, 0.4, -0.6], [0.1, 0.4, -0.6, 0.3, -0.2, 0.5]]
_WH = [[0.3, 0.1, -0.2, 0.5, 0.2, -0.1], [-0.4, 0.2, 0.5, 0.1, -0.3, 0.6]]
_B = [0.1, 0.2, -0.3, 0.4, 0.5, -0.1]

ENTRIES = (
    LayerEntry(
        type="gru",
        title="Gated recurrent unit",
        build=_build,
        keys=recurrent_keys(
            "3 * units",
            gate_order_key("r,z,n", "r,z,n is PyTorch's, z,r,n Keras's (z the update gate)"),
            Key(
                "reset",
                "after | before",
                "the reset gate's place: after the product with Wh (PyTorch, Keras) or before it (Cho)",
                default="after",
            ),
            Key(
                "update",
                "old | new",
                "what the update gate multiplies: old, the state (PyTorch, Keras, Cho), or new, the candidate n",
                default="old",
            ),
            BEHIND,
        ),
        forward=(
            "z[t] = [z_r z_u z_n]; z_r and z_u are their blocks of x[t] Wx + b + h[t-1] Wh + bh, with h[-1] = h0",
            "r[t] = sigmoid(z_r[t])",
            "u[t] = sigmoid(z_u[t])",
            "reset after:  m[t] = h[t-1] Wh_n + bh_n, z_n[t] = x[t] Wx_n + b_n + r[t] * m[t]",
            "reset before: m[t] = r[t] * h[t-1], z_n[t] = x[t] Wx_n + b_n + m[t] Wh_n + bh_n",
            "n[t] = tanh(z_n[t])",
            "h[t] = u[t] * h[t-1] + (1 - u[t]) * n[t]; update new: u and 1 - u change places",
            OUTPUT,
        ),
        backward=(
            "dL/dh[t] = dL/da[t] + (dL/dh * u + dL/dz_r Wh_r^T + dL/dz_u Wh_u^T + what m passes on) of step t+1",
            "dL/du[t] = dL/dh[t] * (h[t-1] - n[t])",
            "dL/dn[t] = dL/dh[t] * (1 - u[t])",
            "dL/dz = [dL/dr * sigmoid'(z_r), dL/du * sigmoid'(z_u), dL/dn * tanh'(z_n)]",
            "reset after:  dL/dm = dL/dz_n * r, dL/dr = dL/dz_n * m; m passes on dL/dm Wh_n^T",
            "reset before: dL/dm = dL/dz_n Wh_n^T, dL/dr = dL/dm * h[t-1]; m passes on dL/dm * r",
            BY_WX,
            "dL/dWh = sum over t of h[t-1]^T dL/dz[t]; Wh_n: of h[t-1]^T dL/dm[t] (after), m[t]^T dL/dz_n[t] (before)",
            "dL/db = dL/dz, summed over steps and examples; bh_n: dL/dm (after)",
            "dL/dh0 = what dL/dh[-1] would be",
            BY_X,
        ),
        example="""\
input: [[1], [0.5]]
layers:
  - type: gru
    units: 1
    gate_order: r,z,n
    reset: after
    Wx: [[0.5, -0.3, 0.8]]
    Wh: [[0.1, 0.4, -0.6]]
    bias: [0.1, 0, 0]
target: [[0.3], [0.1]]
loss: half_square
""",
        samples=(
            Sample({"Wx": _WX, "Wh": _WH, "bias": _B, "recurrent_bias": _B[::-1]}, ((3, 2),)),
            Sample({"Wx": _WX, "Wh": _WH, "bias": _B, "reset": "before", "h0": [0.2, -0.1]}, ((3, 2),)),
            Sample(
                {
                    **out_in(_WX, _WH),
                    "gate_order": "z,r,h",
                    "update": "new",
                    "recurrent_bias": 0.3,
                    "return_sequences": False,
                    "activation": "softmax",
                },
                ((2, 2),),
            ),
        ),
        quantities=(
            Quantity("z", "x[t] Wx + h[t-1] Wh + b ...", "the pre-activations of all gates, in gate_order"),
            Quantity("r", "sigmoid(z_r)", "the reset gate"),
            Quantity("u", "sigmoid(z_u)", "the update gate, z in gate_order"),
            Quantity(
                "m", "h[t-1] Wh_n + bh_n", "what meets the reset gate: h[t-1] Wh_n + bh_n (after), r * h[t-1] (before)"
            ),
            Quantity("n", "tanh(z_n)", "the candidate for the state"),
            Quantity("h", "u * h[t-1] + (1 - u) * n", "the state after each step"),
            Quantity("a", "h"),
            Quantity(
                "dh", "dL/da + dL/dh[t+1] * u[t+1] + ...", "dL by the state, through the output and all later steps"
            ),
            Quantity("du", "dL/dh * (h[t-1] - n)", "dL by the gate's value; dz has that by its pre-activation"),
            Quantity("dn", "dL/dh * (1 - u)", "dL by the candidate's value"),
            Quantity("dm", "dL/dz_n * r", "dL by m"),
            Quantity("dr", "dL/dz_n * m", "dL by the gate's value"),
            Quantity("dz", "dL/dr * sigmoid'(z_r) ...", "dL by the pre-activations of all gates, in gate_order"),
            *derivatives(" ...", h0="as dh, of the step before the first"),
        ),
        **OVER_TIME,
        notes=(
            "x is (N, T, features), or (T, features) for one example; gates, h and their derivatives are (N, T, units)",
            "the update gate's block is z in gate_order and its value the quantity u: z holds all pre-activations",
            "PyTorch's bias_ih is bias, its bias_hh recurrent_bias; with reset after they differ in the block of n",
            "dr, du, dn are derivatives by the gates' values; those by their pre-activations are the blocks of dz",
        ),
        source="Cho et al. 2014 (reset before); cuDNN's variant (reset after)",
    ),
)
