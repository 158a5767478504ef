"""Scaled dot-product attention, with one head or several, with projections of its inputs or without.

Shapes: queries x[0] (N, T, n), keys x[1] (N, S, m), values x[2] (N, S, l); q (N, heads, T, d), k (N, heads, S, d),
v (N, heads, S, e), scores and weights (N, heads, T, S), context (N, heads, T, e), a (N, T, outputs).
"""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

import numpy as np

from gradcalc.errors import InputError
from gradcalc.functions import find
from gradcalc.functions.entry import VectorActivation
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.shapes import Array, Shape

#: Which of queries, keys and values each given input is, by how many inputs there are.
ROLES = {1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 1, 2)}


class Heads(NamedTuple):
    """What a forward pass keeps: queries, keys, values and context a head each, and the weights between them."""

    q: Array
    k: Array
    v: Array
    scores: Array
    weights: Array
    context: Array


class Attention(Layer):
    """weights = softmax(scale q k^T) over the keys a query may see, context = weights v, a = context Wo + bo.

    `parameters` are those given of Wq, bq, Wk, bk, Wv, bv, Wo, bo; without Wq the queries are q, and so on. `mask` is
    None, "causal", or an array (T, S) or (N, T, S) that is not 0 where a query may see a key.
    """

    type = "attention"

    def __init__(
        self,
        name: str,
        takes: tuple[Shape, ...],
        parameters: Quantities,
        *,
        heads: int = 1,
        mask: Array | str | None = None,
        scale: float | None = None,
        layout: str = "in_out",
    ) -> None:
        self._parameters = parameters
        self.heads, self.mask, self.layout = heads, mask, layout
        queries, _, values = (takes[role] for role in ROLES[len(takes)])
        self.scale = scale if scale is not None else (self._width("q", queries[1]) / heads) ** -0.5
        super().__init__(name, takes, (queries[0], self._width("o", self._width("v", values[1]))))

    @property
    def parameters(self) -> Quantities:
        return self._parameters

    def with_parameters(self, parameters: Quantities) -> Attention:
        other = copy(self)
        other._parameters = parameters
        return other

    def forward(self, *inputs: Array) -> Step:
        """Every head's scores, weights and context, then the heads side by side."""
        given = [inputs[role] for role in ROLES[len(inputs)]]
        q, k, v = (self._split(self._project(letter, x)) for letter, x in zip("qkv", given, strict=True))
        scores = (q @ k.swapaxes(-1, -2)) * np.asarray(self.scale, q.dtype)
        seen = self._seen(scores)
        weights = _softmax(scores, seen)
        context = weights @ v
        a = self._project("o", _joined(context))
        kept = Heads(q, k, v, scores, weights, context)

        def back(da: Array, _: Array | None = None) -> Quantities:
            return self._back(given, len(inputs), kept, seen, da)

        return Step(a, {**_numbered("x", inputs), **self.parameters, **kept._asdict(), "a": a}, no_slope, back)

    def _width(self, letter: str, inputs: int) -> int:
        """How many numbers a projection gives; as many as it is given where there is none."""
        W = self.parameters.get(f"W{letter}")
        return inputs if W is None else W.shape[0 if self.layout == "out_in" else 1]

    def _weight(self, letter: str) -> Array | None:
        """A projection's W as (inputs, outputs), None where there is none."""
        W = self.parameters.get(f"W{letter}")
        return W.T if W is not None and self.layout == "out_in" else W

    def _project(self, letter: str, x: Array) -> Array:
        """x W + b, as far as they are given."""
        W, b = self._weight(letter), self.parameters.get(f"b{letter}")
        x = x if W is None else x @ W
        return x if b is None else x + b

    def _project_back(self, letter: str, x: Array, dy: Array) -> tuple[Quantities, Array]:
        """The derivatives by W and b, and by x."""
        W, found = self._weight(letter), {}
        rows = dy.reshape(-1, dy.shape[-1])
        if W is not None:
            dW = x.reshape(-1, x.shape[-1]).T @ rows
            found[f"dW{letter}"] = dW.T if self.layout == "out_in" else dW
            dy = dy @ W.T
        if f"b{letter}" in self.parameters:
            found[f"db{letter}"] = rows.sum(axis=0)
        return found, dy

    def _split(self, x: Array) -> Array:
        """(N, T, heads * d) as (N, heads, T, d)."""
        return x.reshape(*x.shape[:2], self.heads, -1).swapaxes(1, 2)

    def _seen(self, scores: Array) -> Array | None:
        """Where a query may see a key, to broadcast over `scores`; None for everywhere. Errors: InputError."""
        if isinstance(self.mask, str):
            return np.tri(*scores.shape[-2:], dtype=bool)
        if self.mask is None or self.mask.ndim == 2:
            return None if self.mask is None else self.mask != 0
        if len(self.mask) != len(scores):
            raise InputError(
                f"layer {self.name}: the mask is given for {len(self.mask)} examples, but there are {len(scores)}",
                hint="a mask of one row a query is shared by all examples",
            )
        return self.mask[:, None] != 0

    def _back(self, given: list[Array], count: int, kept: Heads, seen: Array | None, da: Array) -> Quantities:
        """From the output back through weights and scores to each input, whose paths are added."""
        found, by_joined = self._project_back("o", _joined(kept.context), da)
        dcontext = self._split(by_joined)
        dweights = dcontext @ kept.v.swapaxes(-1, -2)
        dv = kept.weights.swapaxes(-1, -2) @ dcontext
        dscores = _softmax_back(kept.scores, seen, dweights)
        by_product = dscores * np.asarray(self.scale, dscores.dtype)
        dq, dk = by_product @ kept.k, by_product.swapaxes(-1, -2) @ kept.q
        found = {"da": da, **found, "dcontext": dcontext, "dweights": dweights, "dscores": dscores}
        found |= {"dq": dq, "dk": dk, "dv": dv}
        by_input: dict[int, Array] = {}
        for letter, x, dy, role in zip("qkv", given, (dq, dk, dv), ROLES[count], strict=True):
            gradients, dx = self._project_back(letter, x, _joined(dy))
            found |= gradients
            by_input[role] = by_input[role] + dx if role in by_input else dx
        return found | _numbered("dx", [by_input[role] for role in range(count)])


def _numbered(letter: str, arrays: list[Array] | tuple[Array, ...]) -> Quantities:
    """x for a single array, else x[0], x[1] ..."""
    if len(arrays) == 1:
        return {letter: arrays[0]}
    return {f"{letter}[{i}]": array for i, array in enumerate(arrays)}


def _joined(x: Array) -> Array:
    """(N, heads, T, d) as (N, T, heads * d)."""
    return x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)


def _function() -> Activation:
    entry = find("softmax")
    assert isinstance(entry, VectorActivation)
    return Activation(entry, {}, "default")


def _softmax(scores: Array, seen: Array | None) -> Array:
    """Softmax along the keys that are seen; a query that may see none gives each the weight 0."""
    if seen is None:
        return _function().value(scores)
    found = _function().value(_hidden(scores, seen))
    return np.where(seen & np.ones(scores.shape, bool), found, np.zeros((), scores.dtype))


def _softmax_back(scores: Array, seen: Array | None, dweights: Array) -> Array:
    """The derivative by the scores; 0 where a key is not seen."""
    if seen is None:
        return _function().back(scores, dweights, None)
    found = _function().back(_hidden(scores, seen), np.where(seen, dweights, np.zeros((), dweights.dtype)), None)
    return np.where(seen & np.ones(scores.shape, bool), found, np.zeros((), scores.dtype))


def _hidden(scores: Array, seen: Array) -> Array:
    """The scores with -inf at keys that are not seen."""
    return np.where(seen, scores, np.asarray(-np.inf, scores.dtype))
