"""How long a forward pass takes, told from the net alone, so that the same net is sampled alike on every machine."""

from __future__ import annotations

from gradcalc.layers.attention import Attention
from gradcalc.layers.base import Layer
from gradcalc.layers.conv import Conv
from gradcalc.layers.recurrent import Recurrent
from gradcalc.network import Problem
from gradcalc.shapes import size

#: Nanoseconds, as measured: of a pass, of a layer, of attention, and of a gate of a recurrent layer at one step.
_PASS, _LAYER, _ATTENTION, _GATE = 7e4, 4e4, 3e5, 1.5e4

#: And of a product and of an element.
_PRODUCT, _ELEMENT = 0.5, 15.0


def forward_cost(problem: Problem) -> float:
    """The nanoseconds of one forward pass with its loss, roughly."""
    examples = len(problem.x)
    return _PASS + sum(_layer_cost(layer, examples) for layer in problem.layers)


def _layer_cost(layer: Layer, examples: int) -> float:
    elements = sum(map(size, layer.takes)) + size(layer.gives)
    if isinstance(layer, Attention):
        elements += 4 * layer.heads * layer.takes[0][0] * layer.takes[-1][0]
    return _calls(layer) + examples * (_ELEMENT * elements + _PRODUCT * _products(layer))


def _calls(layer: Layer) -> float:
    """What a layer takes however few numbers it has."""
    if isinstance(layer, Recurrent):
        return _LAYER + _GATE * len(layer.gates) * layer.takes[0][0]
    return _ATTENTION if isinstance(layer, Attention) else _LAYER


def _products(layer: Layer) -> int:
    """How many products one example takes: each weight is used at every place or step."""
    weights = sum(array.size for array in layer.parameters.values() if array.ndim > 1)
    if isinstance(layer, Conv):
        return weights * (size(layer.shape_of_z) // len(layer.W))
    if isinstance(layer, Attention):
        queries, keys = layer.takes[0][0], layer.takes[-1][0]
        return weights * max(queries, keys) + 2 * queries * keys * layer.widths[0]
    return weights * size(layer.takes[0][:-1])
