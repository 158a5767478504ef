"""What one layer or input has computed, in the shapes in which the user wrote the spec."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import NamedTuple

import numpy as np

from gradcalc.layers import find
from gradcalc.layers.base import Layer, Quantities
from gradcalc.network import Problem, Term, total
from gradcalc.shapes import Array, Examples, Shape

#: The quantities that every layer may have, and which have the examples as their first axis.
_OF_EXAMPLES = re.compile(r"(x|z|a)(\[\d+\])?")

_PARAMETERS_ONLY = Examples(flat=False, columns=False)


class LayerResult(NamedTuple):
    """One layer's quantities by their letters, in the spec's shapes and the chain rule's order; an input's too.

    `takes`, `gives` are the shapes of one example of its inputs and its output; `activation` its function's name or
    None. Of several inputs, terms and the like each is a quantity of its own: x[0], da_terms.join.
    """

    name: str
    type: str
    activation: str | None
    takes: tuple[Shape, ...]
    gives: Shape
    quantities: Quantities

    @property
    def forward(self) -> list[str]:
        """The quantities of the forward pass: those up to a, and in a pass without a loss all."""
        names = list(self.quantities)
        return names[: names.index("a") + 1] if "da" in names else names


def layer_result(examples: Examples, layer: Layer, quantities: Quantities) -> LayerResult:
    """A layer's quantities in the user's shapes, in their order."""
    written = layer.as_written(quantities)
    parameters = layer.parameters
    shown = {
        name: _as_written(examples, layer, name, numbers) if _has_examples(layer.type, name, parameters) else numbers
        for name, numbers in written.items()
    }
    activation = layer.activation.entry.name if layer.activation else None
    return LayerResult(layer.name, layer.type, activation, layer.takes, layer.gives, shown)


def _as_written(examples: Examples, layer: Layer, name: str, numbers: Array) -> Array:
    if name == "f_prime" and numbers.ndim > 1 + len(layer.gives):  # Jacobians have rows of their own
        return np.asarray(numbers[0]) if examples.flat else numbers
    return examples.write(numbers)


def _has_examples(layer_type: str, name: str, parameters: Collection[str]) -> bool:
    """Whether a quantity has an axis of examples: dQ and the terms of dQ have one if Q has, and Q is no parameter."""
    own = name.partition("_terms.")[0]
    return (
        own not in parameters and own.removeprefix("d") not in parameters and _declared_with_examples(layer_type, own)
    )


@cache
def _declared_with_examples(layer_type: str, own: str) -> bool:
    """The same by the declaration of the layer."""
    if own == "f_prime":
        return True
    for letter in (own, own[1:] if own[0] == "d" else ""):
        declared = find(layer_type).quantity(letter)
        if declared is not None:
            return declared.examples
        if _OF_EXAMPLES.fullmatch(letter):
            return True
    return False


def with_new(result: LayerResult, moved: Layer) -> LayerResult:
    """The layer's result with its parameters after the step, as W_new, b_new ..."""
    new = layer_result(_PARAMETERS_ONLY, moved, moved.parameters).quantities
    return result._replace(quantities={**result.quantities, **{f"{name}_new": v for name, v in new.items()}})


def written(examples: Examples, layer: Layer, quantities: Quantities, moved: Layer | None) -> Quantities:
    """A layer's quantities, and its parameters after the step if it was `moved`, in the user's shapes."""
    result = layer_result(examples, layer, quantities)
    return (result if moved is None else with_new(result, moved)).quantities


def input_results(problem: Problem, arrived: list[list[Term]]) -> list[LayerResult]:
    """Each input with the loss's derivative by it, the sum of what arrived, where no layer has it all as its x and dx.

    That is: where there are several inputs, or several layers take the only one.
    """
    if problem.graph is None or (problem.inputs == ("input",) and problem.users(-1) == [0]):
        return []
    arrays = (problem.x, *problem.more)
    arrived = arrived or [[] for _ in arrays]
    return [
        _input_result(problem, name, array, terms)
        for name, array, terms in zip(problem.inputs, arrays, arrived, strict=True)
    ]


def _input_result(problem: Problem, name: str, array: Array, terms: list[Term]) -> LayerResult:
    found = {"a": array}
    if terms:
        found["da"] = total(terms)
    if len(terms) > 1:
        found |= {f"da_terms.{problem.layers[position].name}": term for position, term in terms}
    shown = {letter: problem.examples.write(numbers) for letter, numbers in found.items()}
    return LayerResult(name, "input", None, (), array.shape[1:], shown)
