"""What rnn, lstm and gru share: a state h that walks along time, its parameters, and the way they were written.

Shapes: x (N, T, features), h and every gate (N, T, units), pre-activations z (N, T, gates * units). Inside, time
comes first, so that one step of all examples is one block. Parameters keep the user's layout and order of gates.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import ClassVar

import numpy as np

from gradcalc.layers import find
from gradcalc.layers.activation import Activation, slope_quantity
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.written import as_bias, as_matrix, bias_like, in_layout, matrix_like
from gradcalc.shapes import Array, Shape


class Recurrent(Layer):
    """The frame of a recurrent layer.

    `parameters` are Wx, Wh and those given of b, bh (added to h Wh), h0, c0: a state before the first step is (units,)
    for all examples or (N, units). `gate_order` names the gates of the user's blocks of columns. `behind` is a
    function of the states, a = f(h); without it a is h. `return_sequences`: a has the state of every step, or the last.
    """

    gates: ClassVar[tuple[str, ...]] = ("z",)  # one letter a block of z, in our order
    states: ClassVar[tuple[str, ...]] = ("h0",)

    def __init__(
        self,
        name: str,
        takes: Shape,
        units: int,
        parameters: Quantities,
        *,
        layout: str = "in_out",
        gate_order: Sequence[str] = (),
        return_sequences: bool = True,
        behind: Activation | None = None,
    ) -> None:
        states = (takes[0], units) if return_sequences else (units,)
        super().__init__(name, (takes,), states if behind is None else behind.outputs(states))
        self.units, self.layout, self.return_sequences, self.behind = units, layout, return_sequences, behind
        self.order = tuple(self.gates.index(gate) for gate in gate_order or self.gates)
        self._parameters = parameters

    @property
    def parameters(self) -> Quantities:
        return {**self._parameters, **(self.behind.trained if self.behind else {})}

    def with_parameters(self, parameters: Quantities) -> Recurrent:
        other = copy(self)
        other._parameters = {letter: parameters[letter] for letter in self._parameters}
        other.behind = self.behind.with_trained(other._trained(parameters)) if self.behind else None
        return other

    def _trained(self, parameters: Quantities) -> Quantities:
        """Those that belong to a function."""
        return {letter: value for letter, value in parameters.items() if letter not in self._parameters}

    def weight(self, letter: str) -> Array:
        """Wx (features, gates * units) or Wh (units, gates * units) in our own layout and order."""
        rows = self.takes[0][1] if letter == "Wx" else self.units
        matrix = as_matrix(self._parameters[letter], rows, self.layout)
        return np.ascontiguousarray(self._permuted(matrix, [self.order.index(k) for k in range(len(self.order))]))

    def bias(self, letter: str, like: Array) -> Array:
        """b or bh (gates * units,) in our own order; zeros where there is none."""
        count = len(self.gates) * self.units
        if letter not in self._parameters:
            return np.zeros(count, like.dtype)
        bias = as_bias(self._parameters[letter], count)
        return self._permuted(bias, [self.order.index(k) for k in range(len(self.order))])

    def ordered(self, array: Array) -> Array:
        """`array` (..., gates * units) with its blocks in the user's order."""
        return self._permuted(array, list(self.order))

    @staticmethod
    def _permuted(array: Array, blocks: list[int]) -> Array:
        if blocks == sorted(blocks):
            return array
        split = array.reshape(*array.shape[:-1], len(blocks), -1)
        return split[..., blocks, :].reshape(array.shape)

    def split(self, array: Array) -> list[Array]:
        """The gates' blocks of (..., gates * units)."""
        return [array[..., k * self.units : (k + 1) * self.units] for k in range(len(self.gates))]

    def start(self, letter: str, x: Array) -> Array:
        """A state before the first step, (N, units); zeros where none is given."""
        given = self._parameters.get(letter)
        return np.broadcast_to(np.zeros((), x.dtype) if given is None else given, (len(x), self.units))

    def start_gradient(self, letter: str, found: Array) -> Array:
        """The derivative by a state before the first step: summed over examples that share it."""
        given = self._parameters.get(letter)
        return found if given is None or given.ndim == 2 else found.sum(axis=0).reshape(given.shape)

    def known(self, x: Array) -> Quantities:
        """The quantities a step begins with: the input, the parameters, and the states that were not given."""
        zeros = {letter: self.start(letter, x) for letter in self.states if letter not in self._parameters}
        return {"x": x, **self.parameters, **zeros}

    def output(self, h: Array) -> Array:
        """`a` of all states (T, N, units)."""
        states = self._shown(h)
        return states if self.behind is None else self.behind.value(states)

    def _shown(self, h: Array) -> Array:
        """The states that a has: all of them with the examples first, or the last."""
        return examples_first(h) if self.return_sequences else h[-1]

    def slope(self, h: Array) -> Quantities:
        """f' of the function behind the states."""
        return {} if self.behind is None else slope_quantity(self.behind, self._shown(h))

    def output_gradient(self, h: Array, da: Array) -> tuple[Quantities, Array]:
        """What the function behind the states adds, and the derivative by every state (T, N, units) through `a`."""
        found, dh = self.slope(h), np.zeros(h.shape, da.dtype)
        if self.behind is not None:
            states, da_states = self._shown(h), da
            da = self.behind.back(states, da, found.get("f_prime"))
            found |= self.behind.gradients(states, da_states)
        if self.return_sequences:
            dh[:] = da.swapaxes(0, 1)
        else:
            dh[-1] = da
        return found, dh

    def gradients(self, found: Quantities) -> Quantities:
        """dWx, dWh, db and dbh, found in our layout and order, as the user wrote the parameters; no others."""
        written = {}
        for letter in ("Wx", "Wh", "b", "bh"):
            if letter in self._parameters:
                mine, array = self._parameters[letter], self.ordered(found[f"d{letter}"])
                like = matrix_like(mine, array, self.layout) if array.ndim == 2 else bias_like(mine, array)
                written[f"d{letter}"] = like
        return written

    def symbols(self) -> dict[str, str]:
        """In this layer's layout, with its biases and the function behind its states."""
        declared = {one.name: one.symbol for one in find(self.type).quantities if one.symbol} | self.own_symbols()
        biases = "".join(f" + {letter}" for letter in ("b", "bh") if letter in self._parameters)
        declared["z"] = declared["z"].replace(" + b", biases, 1)
        if self.behind is not None:
            name = self.behind.entry.name
            through = f"dL/da {name}'(h)" if self.behind.vector else f"dL/da * {name}'(h)"
            declared |= {"a": f"{name}(h)", "f_prime": f"{name}'(h)", "dh": declared["dh"].replace("dL/da", through, 1)}
        return in_layout(declared, self.layout)

    def own_symbols(self) -> dict[str, str]:
        """What the keys of one type of layer change."""
        return {}

    def kept(self, examples: int) -> int:
        per_step = self.units * (4 * len(self.gates) + 8)  # z and the gates with their derivatives; states
        return super().kept(examples) + examples * self.takes[0][0] * per_step


def time_first(array: Array) -> Array:
    """(N, T, n) as a block (T, N, n)."""
    return np.ascontiguousarray(array.swapaxes(0, 1))


def examples_first(array: Array) -> Array:
    """(T, N, n) as (N, T, n)."""
    return np.swapaxes(array, 0, 1)


def flat(array: Array) -> Array:
    """(T, N, n) as rows (T * N, n)."""
    return array.reshape(-1, array.shape[-1])


def from_inputs(inputs: Array, Wx: Array, bias: Array) -> Array:
    """x Wx + b of all steps in one product, (T, N, gates * units)."""
    found: Array = flat(inputs) @ Wx
    found += bias
    return found.reshape(*inputs.shape[:2], -1)


def to_inputs(dz: Array, Wx: Array) -> Array:
    """dL/dx of all steps in one product, (N, T, features)."""
    return examples_first((flat(dz) @ Wx.T).reshape(*dz.shape[:2], -1))


def product_gradients(rows: Array, by: Array, W: str, b: str) -> Quantities:
    """The derivatives by W and b of rows W + b, each one product or sum over all steps of all examples."""
    by = flat(by)
    return {f"d{W}": flat(rows).T @ by, f"d{b}": by.sum(axis=0)}


def z_gradients(inputs: Array, states: Array, dz: Array) -> Quantities:
    """The derivatives by all parameters of z = x Wx + b + h Wh + bh, of the states before each step."""
    found = product_gradients(inputs, dz, "Wx", "b")
    return {**found, "dWh": flat(states).T @ flat(dz), "dbh": found["db"]}
