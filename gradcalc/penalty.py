"""Penalties on the weights (regularization): their value, and the derivative they add to dW."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import numpy as np

from gradcalc.functions import find
from gradcalc.functions.entry import Norm, Side, choose
from gradcalc.layers import find as find_layer
from gradcalc.layers.base import Layer, Quantities
from gradcalc.shapes import Array

#: Each norm with the formula of its penalty on one parameter array w, c the strength.
NORMS = {
    "l2_squared": "c sum(w^2)",
    "half_l2_squared": "c/2 sum(w^2)",
    "l1": "c sum(|w|)",
    "lp": "c (sum(|w|^p))^(1/p)",
}


class Penalty(NamedTuple):
    """One penalty, on every layer's weights, each array by itself; `kink` decides |w|' at 0.

    `per_example` divides by the number of examples, as in lambda/(2m) sum(W^2); with `biases` it is on biases too.
    `shared` parameters, by position and letter, are another layer's, and are penalised there.
    """

    norm: str
    strength: float
    p: float
    per_example: bool
    biases: bool
    kink: Side

    def value(self, layers: list[Layer], examples: int, shared: Collection[tuple[int, str]] = ()) -> float:
        """The penalty of all layers together."""
        return sum(self._value(w) * self._strength(examples) for _, _, w in self.arrays(layers, shared))

    def add_gradients(
        self,
        layers: list[Layer],
        gradients: list[Quantities],
        examples: int,
        shared: Collection[tuple[int, str]] = (),
    ) -> None:
        """Adds this penalty's derivative to every layer's dW (and db)."""
        for position, letter, w in self.arrays(layers, shared):
            name = f"d{letter}"
            term = self._gradient(w) * self._strength(examples)
            gradients[position][name] = gradients[position][name] + term.astype(w.dtype, copy=False)

    def _strength(self, examples: int) -> float:
        return self.strength / examples if self.per_example else self.strength

    def arrays(self, layers: list[Layer], shared: Collection[tuple[int, str]] = ()) -> Iterator[tuple[int, str, Array]]:
        """The parameters it acts on, as position, letter and numbers."""
        for position, layer in enumerate(layers):
            declared, found = find_layer(layer.type), layer.parameters
            for letter in (*declared.weights, *(declared.biases if self.biases else ())):
                if letter in found and (position, letter) not in shared:
                    yield position, letter, found[letter]

    def _value(self, w: Array) -> float:
        if self.norm == "lp":
            return float(_lp_norm().value(np, w.reshape(-1), self.p, "split"))
        if self.norm == "l1":
            return float(np.abs(w).sum(dtype=np.float64))
        squares = float(np.square(w, dtype=np.float64).sum())
        return squares / 2 if self.norm == "half_l2_squared" else squares

    def _gradient(self, w: Array) -> Array:
        """d penalty / d w at strength 1, in the shape of w."""
        if self.norm == "l2_squared":
            return 2 * w
        if self.norm == "half_l2_squared":
            return w
        p = self.p if self.norm == "lp" else 1.0
        return self._norm_gradient(w.reshape(-1), p).reshape(w.shape)

    def _norm_gradient(self, w: Array, p: float) -> Array:
        norm = _lp_norm()
        assert norm.at_kink is not None
        if self.kink in ("default", "left", "right"):
            return np.asarray(norm.gradient(np, w, self.kink, p, "split"))
        left, right = (norm.gradient(np, w, side, p, "split") for side in ("left", "right"))
        return np.asarray(np.where(norm.at_kink(np, w, p, "split"), choose(self.kink, left, right), left))


def _lp_norm() -> Norm:
    norm = find("lp_norm")
    assert isinstance(norm, Norm)
    return norm
