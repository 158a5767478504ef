"""What the gradients of a layer's parameters are sums of: examples, steps and places that share the parameters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from gradcalc.layers.attention import ROLES, Attention
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.conv import Conv
from gradcalc.layers.dense import Dense
from gradcalc.layers.gru import GRU, Before
from gradcalc.layers.norm import Norm
from gradcalc.layers.recurrent import Recurrent
from gradcalc.layers.written import as_matrix, bias_like, matrix_like
from gradcalc.mistakes.tape import Run
from gradcalc.shapes import Array


class Terms(NamedTuple):
    """The gradients by a weight and a bias are sums over `by`, the derivative by what they make.

    `by` has the examples first; a sequence's has its steps behind them. `units` is the axis of the units. `of` gives
    the gradients from another `by`, and dx where the layer's input is reached through these weights alone.
    """

    weight: str
    bias: str
    by: Array
    units: int
    steps: bool
    of: Callable[[Array], Quantities]


def terms(run: Run, at: int, found: Quantities) -> Iterator[Terms]:
    """All terms of a layer whose way back gave `found`; none of a layer whose parameters are not such sums."""
    layer = run.layers[at]
    if isinstance(layer, Dense | Conv):
        units = 1 if isinstance(layer, Conv) and not layer.grid.last else found["dz"].ndim - 1
        steps = isinstance(layer, Dense) and found["dz"].ndim == 3
        yield Terms("W", "b", found["dz"], units, steps, lambda by: run.steps[at].back(found["da"], by))
    elif isinstance(layer, Recurrent):
        yield from _of_steps(layer, run.steps[at].quantities, found)
    elif isinstance(layer, Attention):
        yield from _of_attention(layer, run.steps[at].quantities, found)
    elif isinstance(layer, Norm):
        x_hat, by = run.steps[at].quantities["x_hat"], found.get("dz", found["da"])
        yield Terms("gamma", "beta", by, by.ndim - 1, False, lambda by: layer.affine.gradients(x_hat, by))


def of_letter(run: Run, at: int, found: Quantities, letter: str) -> Terms:
    """The terms of one parameter."""
    return next(one for one in terms(run, at, found) if letter in (one.weight, one.bias))


def part(array: Array, axis: int, index: int | slice) -> Array:
    """`array` with zeros everywhere but at that index along an axis."""
    kept: list[int | slice] = [slice(None)] * array.ndim
    kept[axis] = index
    found = np.zeros_like(array)
    found[tuple(kept)] = array[tuple(kept)]
    return found


def rows(array: Array) -> Array:
    """All examples and steps one behind the other."""
    return array.reshape(-1, array.shape[-1])


def joined(array: Array) -> Array:
    """What attention shows of its heads (N, heads, T, d), or of a single one (N, T, d), side by side."""
    if array.ndim == 3:
        return array
    together: Array = array.swapaxes(1, 2)
    return together.reshape(*together.shape[:2], -1)


def matrix(layer: Recurrent | Attention, letter: str, inputs: int) -> Array:
    """A weight (inputs, units) with its columns as the user ordered them."""
    return as_matrix(layer.parameters[letter], inputs, layer.layout)


def _product(layer: Recurrent | Attention, weight: str, bias: str, product: Array, by: Array) -> Quantities:
    """The gradients from the weight's whole product and what the bias is added to, as far as they are given."""
    found: Quantities = {}
    if weight in layer.parameters:
        found[f"d{weight}"] = matrix_like(layer.parameters[weight], product, layer.layout)
    if bias in layer.parameters:
        found[f"d{bias}"] = bias_like(layer.parameters[bias], rows(by).sum(axis=0))
    return found


def _of_steps(layer: Recurrent, quantities: Quantities, found: Quantities) -> Iterator[Terms]:
    """Those of x Wx + b, and of h Wh + bh of the states before each step."""
    x, dz = quantities["x"], found["dz"]

    def by_inputs(by: Array) -> Quantities:
        dx = by @ matrix(layer, "Wx", x.shape[-1]).T
        return {**_product(layer, "Wx", "b", rows(x).T @ rows(by), by), "dx": dx}

    blocks = _recurrent_blocks(layer, quantities, found)

    def by_states(by: Array) -> Quantities:
        parts = np.split(by, len(blocks), axis=-1)
        product = [rows(h).T @ rows(one) for (h, _), one in zip(blocks, parts, strict=True)]
        return _product(layer, "Wh", "bh", np.concatenate(product, axis=1), by)

    yield Terms("Wx", "b", dz, 2, True, by_inputs)
    yield Terms("Wh", "bh", np.concatenate([by for _, by in blocks], axis=-1), 2, True, by_states)


def _recurrent_blocks(layer: Recurrent, quantities: Quantities, found: Quantities) -> list[tuple[Array, Array]]:
    """For each gate in the user's order what its block of Wh multiplies, and the derivative by that product."""
    h, dz = quantities["h"], found["dz"]
    before = np.concatenate([_at_start(h, quantities["h0"])[:, None], h[:, :-1]], axis=1)
    parts = np.split(dz, len(layer.order), axis=-1)
    if not isinstance(layer, GRU):
        return [(before, one) for one in parts]
    of_n = (quantities["m"], None) if layer.reset is Before else (before, found["dm"])
    return [
        (of_n[0], one if of_n[1] is None else of_n[1]) if layer.gates[gate] == "n" else (before, one)
        for gate, one in zip(layer.order, parts, strict=True)
    ]


def _at_start(h: Array, h0: Array) -> Array:
    return np.broadcast_to(h0, (len(h), h.shape[-1]))


def _of_attention(layer: Attention, quantities: Quantities, found: Quantities) -> Iterator[Terms]:
    """Those of the three projections, and of that behind the heads."""
    count = len(layer.takes)
    for letter, role in zip("qkv", ROLES[count], strict=True):
        x = quantities["x" if count == 1 else f"x[{role}]"]
        yield _projection(layer, letter, x, joined(found[f"d{letter}"]))
    yield _projection(layer, "o", joined(quantities["context"]), found["da"])


def _projection(layer: Attention, letter: str, x: Array, by: Array) -> Terms:
    weight, bias = f"W{letter}", f"b{letter}"

    def of(by: Array) -> Quantities:
        return _product(layer, weight, bias, rows(x).T @ rows(by), by)

    return Terms(weight, bias, by, 2, True, of)


def own_terms(run: Run, at: int) -> list[Terms]:
    """The terms of a layer under the right way back, those that have a parameter."""
    layer: Layer = run.layers[at]
    return [one for one in terms(run, at, run.gradients[at]) if {one.weight, one.bias} & set(layer.parameters)]
