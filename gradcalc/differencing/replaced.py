"""A solved network whose gradients are replaced by differences, so that answers can be judged by those alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradcalc.addresses import Address
from gradcalc.backpropagation import BackpropResult, solve
from gradcalc.differencing.judging import Tolerance
from gradcalc.differencing.network import quantities
from gradcalc.differencing.quantities import Quantity, compared
from gradcalc.errors import UsageError
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.dense import Dense
from gradcalc.network import Problem, run
from gradcalc.numerics.differences import Array

#: No more differences are taken, for each costs some passes.
_MOST = 20_000

#: Where our own are no nearer than this the differences are looked at once more: there may be a kink.
_TOLERANCE = Tolerance(1e-7, 1e-12)

#: A gradient of the net: its layer (empty for the input of a net without layers) and its letters.
Name = tuple[str, str]


def by_differences(result: BackpropResult, only: Sequence[Address] = ()) -> BackpropResult:
    """The result with its gradients from differences of the loss; our own where there are none, as at a kink.

    `only` are the quantities that matter, where not all do. Errors: UsageError where they are too many.
    """
    wanted = {(address.layer, address.quantity) for address in only}
    found = [(name, one) for name, one in _gradients(result) if not wanted or name in wanted]
    count = sum(quantity.variables for _, quantity in found)
    if count > _MOST:
        hint = f"at most {_MOST}; name the quantities that count with --only"
        raise UsageError(f"differences by {count} numbers take too long", hint=hint)
    numeric = {name: _numeric(quantity) for name, quantity in found}

    def replaced(layer: str, own: Quantities) -> Quantities:
        return {letter: numeric.get((layer, letter), array) for letter, array in own.items()}

    layers = [layer._replace(quantities=replaced(layer.name, layer.quantities)) for layer in result.layers]
    return result._replace(layers=layers, input=replaced("", result.input))


def _numeric(quantity: Quantity) -> Array:
    found = compared(quantity, _TOLERANCE, range(quantity.variables)).numeric
    return np.where(np.isnan(found), quantity.ours, found)


def _gradients(result: BackpropResult) -> Iterator[tuple[Name, Quantity]]:
    """Every gradient that differences give: parameters, inputs, and in a chain of layers those on the way."""
    for quantity in quantities(result):
        layer, _, letters = quantity.name.rpartition(".")
        yield (layer, letters), quantity
    if is_chain(result.problem):
        yield from _on_the_way(result.problem)


def is_chain(problem: Problem) -> bool:
    """Whether each layer takes the one before it, so that the rest of the net is a net by itself."""
    return bool(problem.layers) and problem.graph is None and not problem.shared


def _on_the_way(problem: Problem) -> Iterator[tuple[Name, Quantity]]:
    """da, dz and dx of every layer: the rest of the net is a net whose input is a, z or x."""
    layers = problem.layers
    for position, (layer, found) in enumerate(zip(layers, run(problem, layers).quantities, strict=True)):
        yield (layer.name, "da"), _of_input(problem, layers[position + 1 :], found["a"])
        if position and "dx" in found:
            yield (layer.name, "dx"), _of_input(problem, layers[position:], found["x"])
        if isinstance(layer, Dense):
            yield (layer.name, "dz"), _of_input(problem, [_from_z(layer), *layers[position + 1 :]], found["z"])


def _from_z(layer: Dense) -> Dense:
    """The layer with an input that is its z: the identity for W, nothing for b."""
    parameters = layer.parameters
    W = parameters["W"]
    passing = {name: np.zeros_like(array) if name == "b" else array for name, array in parameters.items()}
    return layer.with_parameters({**passing, "W": np.eye(W.shape[1], dtype=W.dtype)})


def _of_input(problem: Problem, layers: list[Layer], x: Array) -> Quantity:
    """The gradient by the input of the net that these layers are."""
    rest = solve(problem._replace(layers=layers, x=x, learning_rate=None, steps=1))
    return list(quantities(rest))[-1]
