"""Scaled dot-product attention, with one head or several, with projections of its inputs or without.

Shapes: queries (N, T, n), keys (N, S, m), values (N, S, l); q (N, heads, T, d), k (N, heads, S, d), v (N, heads, S, e),
scores and weights (N, heads, T, S), context (N, heads, T, e), a (N, T, outputs). One head alone is shown without the
axis of the heads: its scores are the matrix (T, S) that one writes down by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import NamedTuple

import numpy as np

from gradcalc.functions import find
from gradcalc.functions.entry import VectorActivation
from gradcalc.layers.activation import Activation
from gradcalc.layers.attention_keys import check_inputs, check_widths, read_mask, read_projection
from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.written import as_bias, as_matrix, bias_like, in_layout, matrix_like, read_layout
from gradcalc.shapes import Array, Shape

#: Which of the given inputs are queries, keys and values, by how many inputs there are.
ROLES = {1: (0, 0, 0), 2: (0, 1, 1), 3: (0, 1, 2)}


class Heads(NamedTuple):
    """What a forward pass keeps of every head, and between which queries and keys it looks (None: all)."""

    q: Array
    k: Array
    v: Array
    scores: Array
    weights: Array
    context: Array
    seen: Array | None


class Attention(Layer):
    """weights = softmax(scale q k^T) over the keys a query may see, context = weights v, a = context Wo + bo.

    `parameters` are those given of Wq, bq, Wk, bk, Wv, bv, Wo, bo; without Wq the queries are q, and so on. `widths`
    are those of q, k, v and a, all heads together. `mask` is None, "causal", or an array (T, S) or (N, T, S) that is
    true where a query may see a key.
    """

    type = "attention"

    def __init__(
        self,
        name: str,
        takes: tuple[Shape, ...],
        widths: tuple[int, int, int, int],
        parameters: Quantities,
        *,
        heads: int = 1,
        mask: Array | str | None = None,
        scale: float | None = None,
        layout: str = "in_out",
    ) -> None:
        super().__init__(name, takes, (takes[0][0], widths[3]))
        self.widths, self.heads, self.mask, self.layout = widths, heads, mask, layout
        self.scale = scale if scale is not None else (widths[0] / heads) ** -0.5
        self._parameters = parameters

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
        kept = Heads(q, k, v, scores, weights, context, seen)

        def back(da: Array, _: Array | None = None) -> Quantities:
            return self._back(given, len(inputs), kept, da)

        shown = {letter: self._shown(array) for letter, array in kept._asdict().items() if letter != "seen"}
        return Step(a, {**_numbered("x", inputs), **self.parameters, **shown, "a": a}, no_slope, back)

    def _project(self, letter: str, x: Array) -> Array:
        """x W + b, as far as they are given."""
        W, b = self._parameters.get(f"W{letter}"), self._parameters.get(f"b{letter}")
        if W is not None:
            x = x @ as_matrix(W, x.shape[-1], self.layout)
        return x if b is None else x + as_bias(b, x.shape[-1])

    def _project_back(self, letter: str, x: Array, dy: Array) -> tuple[Quantities, Array]:
        """The derivatives by W and b, and by x."""
        W, b = self._parameters.get(f"W{letter}"), self._parameters.get(f"b{letter}")
        rows, found = dy.reshape(-1, dy.shape[-1]), {}
        if W is not None:
            found[f"dW{letter}"] = matrix_like(W, x.reshape(-1, x.shape[-1]).T @ rows, self.layout)
            dy = dy @ as_matrix(W, x.shape[-1], self.layout).T
        if b is not None:
            found[f"db{letter}"] = bias_like(b, rows.sum(axis=0))
        return found, dy

    def _split(self, x: Array) -> Array:
        """(N, T, heads * d) as (N, heads, T, d)."""
        heads: Array = x.reshape(*x.shape[:2], self.heads, -1).swapaxes(1, 2)
        return heads

    def _shown(self, array: Array) -> Array:
        """Without the axis of the heads where there is one alone."""
        return array if self.heads > 1 else array[:, 0]

    def _seen(self, scores: Array) -> Array | None:
        """Where a query may see a key, in the shape of `scores`; None for everywhere."""
        if self.mask is None:
            return None
        mask = np.tri(*scores.shape[-2:]) > 0 if isinstance(self.mask, str) else self.mask
        return np.broadcast_to(mask[:, None] if mask.ndim == 3 else mask, scores.shape)

    def _back(self, given: list[Array], count: int, kept: Heads, da: Array) -> Quantities:
        """From the output back through weights and scores to each input, whose paths are added."""
        of_output, by_joined = self._project_back("o", _joined(kept.context), da)
        dcontext = self._split(by_joined)
        dweights = dcontext @ kept.v.swapaxes(-1, -2)
        dv = kept.weights.swapaxes(-1, -2) @ dcontext
        dscores = _softmax_back(kept.scores, kept.seen, dweights)
        by_product = dscores * np.asarray(self.scale, dscores.dtype)
        dq, dk = by_product @ kept.k, by_product.swapaxes(-1, -2) @ kept.q
        by_heads = {"dcontext": dcontext, "dweights": dweights, "dscores": dscores, "dq": dq, "dk": dk, "dv": dv}
        found = {"da": da, **of_output, **{letter: self._shown(array) for letter, array in by_heads.items()}}
        by_input: dict[int, Array] = {}
        for letter, x, dy, role in zip("qkv", given, (dq, dk, dv), ROLES[count], strict=True):
            gradients, dx = self._project_back(letter, x, _joined(dy))
            found |= gradients
            by_input[role] = by_input[role] + dx if role in by_input else dx
        return found | _numbered("dx", [by_input[role] for role in range(count)])

    def symbols(self) -> dict[str, str]:
        """With the inputs and projections that there are, in this layer's layout."""
        found: dict[str, str] = {}
        by_input: dict[str, list[str]] = {}
        for letter, role in zip("qkv", ROLES[len(self.takes)], strict=True):
            x = "x" if len(self.takes) == 1 else f"x[{role}]"
            found |= {letter: self._projected(letter, x), f"dW{letter}": f"{x}^T dL/d{letter}"}
            by_input.setdefault(f"d{x}", []).append(self._by_projected(letter, f"dL/d{letter}"))
        found |= {"a": self._projected("o", "context"), "dWo": "context^T dL/da"}
        found["dcontext"] = self._by_projected("o", "dL/da")
        found["weights"] = "softmax(scores)" if self.mask is None else "softmax(scores), 0 where hidden"
        return in_layout(found | {dx: " + ".join(terms) for dx, terms in by_input.items()}, self.layout)

    def _projected(self, letter: str, x: str) -> str:
        """x W + b in symbols, as far as they are given."""
        W, b = (f"{name}{letter}" in self._parameters for name in "Wb")
        return x + f" W{letter}" * W + f" + b{letter}" * b

    def _by_projected(self, letter: str, dy: str) -> str:
        """The derivative by what is projected, in symbols."""
        return dy + f" W{letter}^T" * (f"W{letter}" in self._parameters)

    def kept(self, examples: int) -> int:
        (steps, _), (others, _) = self.takes[0], self.takes[-1]
        heads = 3 * sum(self.widths) * (steps + others) + 6 * self.heads * steps * others
        return super().kept(examples) + examples * heads


def _numbered(letter: str, arrays: Sequence[Array]) -> Quantities:
    """x for a single array, else x[0], x[1] ..."""
    if len(arrays) == 1:
        return {letter: arrays[0]}
    return {f"{letter}[{i}]": array for i, array in enumerate(arrays)}


def _joined(x: Array) -> Array:
    """(N, heads, T, d) as (N, T, heads * d)."""
    rows: Array = x.swapaxes(1, 2)
    return rows.reshape(*rows.shape[:2], -1)


def _function() -> Activation:
    entry = find("softmax")
    assert isinstance(entry, VectorActivation)
    return Activation(entry, {}, "default")


def _softmax(scores: Array, seen: Array | None) -> Array:
    """Softmax along the keys that are seen; a query that may see none gives each the weight 0."""
    if seen is None:
        return _function().value(scores)
    return _kept(_function().value(_hidden(scores, seen)), seen)


def _softmax_back(scores: Array, seen: Array | None, dweights: Array) -> Array:
    """The derivative by the scores; 0 where a key is not seen."""
    if seen is None:
        return _function().back(scores, dweights, None)
    return _kept(_function().back(_hidden(scores, seen), _kept(dweights, seen), None), seen)


def _hidden(scores: Array, seen: Array) -> Array:
    """The scores with -inf at keys that are not seen."""
    return np.where(seen, scores, np.asarray(-np.inf, scores.dtype))


def _kept(array: Array, seen: Array) -> Array:
    """`array` with 0 at keys that are not seen."""
    return np.where(seen, array, np.zeros((), array.dtype))


def _build(settings: Settings) -> Attention:
    queries, keys, values = (settings.shapes[role] for role in ROLES[len(settings.shapes)])
    check_inputs(settings, keys, values)
    layout = read_layout(settings)
    parameters: Quantities = {}
    widths = [
        read_projection(settings, letter, n, layout, parameters)
        for letter, (_, n) in zip("qkv", (queries, keys, values), strict=True)
    ]
    heads = settings.whole("heads")
    check_widths(settings, widths, heads)
    output = read_projection(settings, "o", widths[2], layout, parameters)
    return Attention(
        settings.name,
        settings.shapes,
        (widths[0], widths[1], widths[2], output),
        parameters,
        heads=heads,
        mask=read_mask(settings, queries[0], keys[0]),
        scale=settings.real("scale") if settings.has("scale") else None,
        layout=layout,
    )


_SQUARE = [[0.5, -0.3, 0.2, 0.1], [0.1, 0.4, -0.6, 0.3], [0.7, -0.2, 0.3, 0.5], [-0.1, 0.6, 0.2, -0.4]]

ENTRIES = (
    LayerEntry(
        type="attention",
        title="Scaled dot-product attention, of one head or several",
        build=_build,
        keys=(
            Key("heads", "whole number", "into how many parts q, k and v are cut", default=1),
            Key(
                "mask",
                "none | causal | rows of 0 and 1",
                "which keys (columns) a query (row) may see: all, those up to its own place, or where there is a 1",
                default="none",
            ),
            Key("units", "whole number", "the width of q, k and v, all heads together; known from Wq, Wk, Wv"),
            Key("Wq", "array", "(features, units), or the transpose, as layout says; left out: the queries are q"),
            Key("Wk", "array", "as Wq, of the keys"),
            Key("Wv", "array", "as Wq, of the values"),
            Key("Wo", "array", "(units, outputs), behind the heads side by side; left out: a is the context"),
            Key("bq", "array", "a bias of q"),
            Key("bk", "array", "a bias of k"),
            Key("bv", "array", "a bias of v"),
            Key("bo", "array", "a bias of a"),
            Key("scale", "number", "what q k^T is multiplied by; left out: 1 / sqrt(width of a head's key)"),
            Key("layout", "in_out | out_in", "this layer's own layout of its weights; out_in is PyTorch's"),
        ),
        forward=(
            "q = x Wq + bq, k = x Wk + bk, v = x Wv + bv, each cut into heads",
            "scores = scale q k^T, scale = 1 / sqrt(d)",
            "weights = softmax(scores) along the keys a query may see, 0 at the others",
            "context = weights v",
            "a = [context of the heads side by side] Wo + bo",
        ),
        backward=(
            "dL/dcontext = dL/da Wo^T",
            "dL/dweights = dL/dcontext v^T",
            "dL/dscores = weights * (dL/dweights - sum over keys of weights * dL/dweights)",
            "dL/dq = scale dL/dscores k",
            "dL/dk = scale dL/dscores^T q",
            "dL/dv = weights^T dL/dcontext",
            "dL/dWq = x^T dL/dq, and so on for k, v; dL/dWo = context^T dL/da",
            "dL/dx = dL/dq Wq^T + dL/dk Wk^T + dL/dv Wv^T",
        ),
        example="""\
input: [[1, 0], [0, 1], [1, 1]]
layers:
  - type: attention
    mask: causal
    Wq: [[0.5, -0.3], [0.1, 0.4]]
    Wk: [[0.2, 0.1], [-0.3, 0.6]]
    Wv: [[1, 0.5], [0.5, -1]]
upstream: [[1, 0], [0, 1], [1, 1]]
""",
        samples=(
            Sample({}, ((3, 4),)),
            Sample(
                {"heads": 2, "mask": "causal", "Wq": _SQUARE, "Wk": _SQUARE[::-1], "Wv": _SQUARE, "Wo": _SQUARE},
                ((3, 4),),
            ),
            Sample(
                {
                    "mask": [[1, 0], [0, 0], [1, 1]],
                    "Wq": [[0.5, -0.3], [0.1, 0.4]],
                    "bq": [0.1, 0.2],
                    "bk": [0.3, -0.1],
                    "bv": [0.1, 0.2, 0.3],
                    "Wo": [[0.3, 0.1, -0.2]],
                    "bo": 0.5,
                    "scale": 0.7,
                    "layout": "out_in",
                },
                ((3, 2), (2, 2), (2, 3)),
            ),
            Sample({"heads": 2}, ((2, 4), (3, 4))),
            Sample(
                {"units": 6, "heads": 3, **{W: {"init": "normal", "seed": 1} for W in ("Wq", "Wk", "Wv", "Wo")}},
                ((2, 4),),
            ),
        ),
        quantities=(
            Quantity("q", "x Wq + bq", "the queries: (N, T, width), or (N, heads, T, width)"),
            Quantity("k", "x Wk + bk", "the keys: (N, S, width), or (N, heads, S, width)"),
            Quantity("v", "x Wv + bv", "the values: (N, S, width), or (N, heads, S, width)"),
            Quantity("scores", "scale q k^T", "how well each key (last axis) fits each query, before the mask"),
            Quantity("weights", "softmax(scores)", "each query's shares of the values, which add up to 1"),
            Quantity("context", "weights v", "each query's mean of the values"),
            Quantity("a", "context Wo + bo", "the heads side by side, projected"),
            Quantity("dcontext", "dL/da Wo^T"),
            Quantity("dweights", "dL/dcontext v^T"),
            Quantity("dscores", "weights * (dL/dweights - sum)", "0 where the mask hides a key"),
            Quantity("dq", "scale dL/dscores k"),
            Quantity("dk", "scale dL/dscores^T q"),
            Quantity("dv", "weights^T dL/dcontext"),
            Quantity("dWq", "x^T dL/dq"),
            Quantity("dWk", "x^T dL/dk"),
            Quantity("dWv", "x^T dL/dv"),
            Quantity("dWo", "context^T dL/da"),
            Quantity("dbq", "sum of dL/dq"),
            Quantity("dbk", "sum of dL/dk"),
            Quantity("dbv", "sum of dL/dv"),
            Quantity("dbo", "sum of dL/da"),
            Quantity("dx", "dL/dq Wq^T + dL/dk Wk^T + dL/dv Wv^T", "the sum over all that the input is used for"),
        ),
        ranks=(2,),
        axes=("time", "features"),
        keeps_rank=False,
        inputs=(1, 3),
        weights=("Wq", "Wk", "Wv", "Wo"),
        biases=("bq", "bk", "bv", "bo"),
        aliases=("self_attention", "multi_head_attention", "scaled_dot_product_attention"),
        notes=(
            "one input: queries, keys and values are made of it; two: queries, then keys and values; three: all apart",
            "with several heads q, k, v, scores, weights, context and their derivatives have an axis for them",
            "a query that may see no key gives each the weight 0, so that its context is 0 and passes nothing back",
            "the mask has 1 for a key that is seen; PyTorch's MultiheadAttention has true for one that is not",
        ),
        source="Vaswani et al. 2017",
    ),
)
