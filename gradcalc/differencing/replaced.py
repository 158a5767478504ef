"""A solved network whose gradients are replaced by differences, so that answers can be judged by those alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gradcalc.addresses import Address
from gradcalc.backpropagation import BackpropResult, solve
from gradcalc.differencing.judging import Tolerance
from gradcalc.differencing.network import quantities
from gradcalc.differencing.quantities import Quantity, compared
from gradcalc.errors import UsageError
from gradcalc.functions import find
from gradcalc.functions.entry import Elementwise
from gradcalc.layers.activation import Activation, ActivationLayer
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.recurrent import Recurrent
from gradcalc.network import Graph, Problem, Source, run
from gradcalc.numerics.differences import Array

#: No more differences are taken, for each costs some passes.
_MOST = 20_000

#: Where our own are no nearer than this the differences are looked at once more: there may be a kink.
_TOLERANCE = Tolerance(1e-7, 1e-12)

#: Stands for the input that is added.
_MORE = -(10**9)

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

    layers, inputs = (
        [one._replace(quantities=replaced(one.name, one.quantities)) for one in several]
        for several in (result.layers, result.inputs)
    )
    return result._replace(layers=layers, inputs=inputs, input=replaced("", result.input))


def _numeric(quantity: Quantity) -> Array:
    found = compared(quantity, _TOLERANCE, range(quantity.variables)).numeric
    return np.where(np.isnan(found), quantity.ours, found)


def _gradients(result: BackpropResult) -> Iterator[tuple[Name, Quantity]]:
    """Every gradient that differences give: parameters, inputs, and those on the way."""
    for quantity in quantities(result):
        layer, _, letters = quantity.name.rpartition(".")
        yield (layer, letters), quantity
    problem = result.problem
    if not problem.layers:
        return
    whole = problem.graph is not None or bool(problem.shared)
    for position, found in enumerate(run(problem, problem.layers).quantities):
        yield from _in_a_graph(problem, position, found) if whole else _in_a_chain(problem, position, found)


def _in_a_chain(problem: Problem, position: int, found: Quantities) -> Iterator[tuple[Name, Quantity]]:
    """da, dz and dx of a layer: the rest of the net is a net whose input is a, z or x."""
    layers = problem.layers
    layer, behind = layers[position], layers[position + 1 :]
    yield (layer.name, "da"), _of_input(problem, behind, found["a"])
    if position and "dx" in found:
        yield (layer.name, "dx"), _of_input(problem, layers[position:], found["x"])
    if _has_z(layer, found):
        yield (layer.name, "dz"), _of_input(problem, [_from_z(layer, found["z"]), *behind], found["z"])


def _in_a_graph(problem: Problem, position: int, found: Quantities) -> Iterator[tuple[Name, Quantity]]:
    """The same of a net that is no chain: a, z or x is an input more, which those layers take that took the other."""
    layer, sources = problem.layers[position], problem.takes(position)
    every = {one: problem.takes(one) for one in range(len(problem.layers))}
    if problem.users(position):
        taken = {one: tuple(_MORE if source == position else source for source in every[one]) for one in every}
        yield (layer.name, "da"), _of_more(problem, taken, found["a"])
    else:
        yield (layer.name, "da"), _of_input(problem, [], found["a"])
    for i, source in enumerate(sources):
        index = f"[{i}]" if len(sources) > 1 else ""
        if f"dx{index}" in found and (source >= 0 or index or problem.users(source) != [position]):
            one = (*sources[:i], _MORE, *sources[i + 1 :])
            yield (layer.name, f"dx{index}"), _of_more(problem, {**every, position: one}, found[f"x{index}"])
    if _has_z(layer, found):
        layers = [*problem.layers]
        layers[position] = _from_z(layer, found["z"])
        taken = {**every, position: (_MORE,)}
        yield (layer.name, "dz"), _of_more(problem._replace(layers=layers), taken, found["z"])


def _has_z(layer: Layer, found: Quantities) -> bool:
    """Whether a is a function of z alone, entry by entry or along an axis."""
    return "dz" in found and not isinstance(layer, Recurrent)


def _from_z(layer: Layer, z: Array) -> ActivationLayer:
    """What the layer makes of its z."""
    identity = find("identity")
    assert isinstance(identity, Elementwise)
    return ActivationLayer(layer.name, z.shape[1:], layer.activation or Activation(identity, {}, "default"))


def _of_input(problem: Problem, layers: list[Layer], x: Array) -> Quantity:
    """The gradient by the input of the net that these layers are."""
    rest = problem._replace(layers=layers, x=x, learning_rate=None, steps=1)
    return _last(rest._replace(graph=None, shared={}, inputs=("input",), more=()))


def _of_more(problem: Problem, taken: Mapping[int, tuple[Source, ...]], array: Array) -> Quantity:
    """The gradient by one more input, which layers take where `taken` says so."""
    new = -len(problem.inputs) - 1
    graph = Graph([tuple(new if one == _MORE else one for one in taken[position]) for position in sorted(taken)])
    inputs, more = (*problem.inputs, "one more"), (*problem.more, array)
    return _last(problem._replace(graph=graph, inputs=inputs, more=more, learning_rate=None, steps=1))


def _last(problem: Problem) -> Quantity:
    """The gradient by the last input."""
    return list(quantities(solve(problem)))[-1]
