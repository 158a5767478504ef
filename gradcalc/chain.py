"""The chain rule factor by factor: for nets of one unit per layer and one example, the product to every weight."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

import numpy as np

from gradcalc.layers.activation import ActivationLayer
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.dense import Dense
from gradcalc.network import Pass, Problem, output_position
from gradcalc.shapes import Examples


class ChainProduct(NamedTuple):
    """The chain rule to one weight of a net of one unit per layer: labelled factors and their product."""

    weight: str
    factors: list[tuple[str, float]]
    product: float


def is_chain(layers: list[Layer]) -> bool:
    """Whether every layer has one unit, so that each weight reaches the loss by one path."""
    return any(isinstance(layer, Dense) for layer in layers) and all(
        isinstance(layer, Dense | ActivationLayer) and layer.gives == (1,) for layer in layers
    )


def chain_products(layers: list[Layer], last: Pass, problem: Problem) -> list[ChainProduct]:
    """dL/da, then f' and w layer by layer back to each weight; none where the net is no chain, or runs on a batch."""
    if len(problem.x) != 1 or problem.graph is not None or not is_chain(layers) or last.da is None:
        return []
    products: list[ChainProduct] = []
    number = sum(isinstance(layer, Dense) for layer in layers)
    start, factors = _start(problem, last, number)
    for position in range(start, -1, -1):
        layer, found = layers[position], last.quantities[position]
        slope = _slope(layers, position, number)
        if slope and not (position == start and factors[0][0].startswith("dL/dz")):
            factors.append((slope, float(found["f_prime"].item())))
        if isinstance(layer, Dense):
            products[:0] = _products(layer, found, factors, number, _source(layers, position, number, problem.examples))
            factors.append((_weight(layer, number, 0), float(layer.W[0].item())))
            number -= 1
    return products


def _start(problem: Problem, last: Pass, number: int) -> tuple[int, list[tuple[str, float]]]:
    """Where the chain starts and its first factor: dL/da, or where that is infinite and f' is 0, their product."""
    assert last.da is not None
    if np.isfinite(last.da).all():
        return len(problem.layers) - 1, [(f"dL/da{number}", float(last.da.item()))]
    position = output_position(problem)
    found = last.quantities[position]
    return position, [(f"dL/dz{number}", float(found["dz" if "dz" in found else "dx"].item()))]


def _slope(layers: list[Layer], position: int, number: int) -> str:
    """The label of a layer's f', empty where it has none: f'(z1), or behind another function f'(name.x)."""
    layer = layers[position]
    if isinstance(layer, Dense):
        return f"f'(z{number})" if layer.activation is not None else ""
    before = layers[position - 1] if position else None
    behind_weights = isinstance(before, Dense) and before.activation is None
    return f"f'(z{number})" if behind_weights else f"f'({layer.name}.x)"


def _source(layers: list[Layer], position: int, number: int, examples: Examples) -> list[str]:
    """The labels of a dense layer's inputs, as addresses: a1, a0[0] ..."""
    (inputs,) = layers[position].takes[0]
    first = f"{layers[position - 1].name}.a" if position else "a0"
    name = f"a{number - 1}" if number > 1 else first
    if inputs == 1:
        return [name]
    index = "[{}]" if examples.flat else "[{}][0]" if examples.columns else "[0][{}]"
    return [name + index.format(i) for i in range(inputs)]


def _weight(layer: Dense, number: int, row: int | None) -> str:
    """The address of the weight of input `row`, or of the bias for None, in the shape that the user wrote."""
    folded = layer.weight_form.folded
    if row is None and not folded:
        return f"b{number}"
    if layer.takes[0] == (1 - folded,):
        return f"W{number}"
    place = 0 if row is None else row + folded
    if layer.weight_form.form == "flat":
        return f"W{number}[{place}]"
    return f"W{number}[0][{place}]" if layer.weight_form.layout == "out_in" else f"W{number}[{place}][0]"


def _products(
    layer: Dense, found: Quantities, factors: list[tuple[str, float]], number: int, source: list[str]
) -> list[ChainProduct]:
    """The products to each weight of one unit, and to its bias, whose own factor is 1."""
    ends = [
        (_weight(layer, number, row), (label, float(x)))
        for row, (label, x) in enumerate(zip(source, found["x"][0], strict=True))
    ]
    if layer.b is not None:
        ends.append((_weight(layer, number, None), ("1", 1.0)))
    made = []
    for weight, end in ends:
        whole = [*factors, end]
        made.append(ChainProduct(weight, whole, prod(value for _, value in whole)))
    return made
