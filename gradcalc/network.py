"""A network in passes: forward through the layers, the chain rule back, and one step of gradient descent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from gradcalc.layers.activation import ActivationLayer
from gradcalc.layers.base import Layer, Quantities, Step
from gradcalc.objective import Objective
from gradcalc.penalty import Penalty
from gradcalc.shapes import Array, Examples

#: Where a layer's input comes from: a layer's position, or from -1 downwards one of the network's inputs.
Source = int

#: A parameter of the network: the position of its layer, and its letter.
Parameter = tuple[int, str]

#: A gradient on its way back: the position of the layer that it comes from, and its numbers.
Term = tuple[int, Array]


class Graph:
    """Which layer takes what: `taken` by the layers' positions, and `users` by what is taken."""

    __slots__ = ("taken", "users")

    def __init__(self, taken: Sequence[tuple[Source, ...]]) -> None:
        self.taken = taken
        self.users: dict[Source, list[int]] = {}
        for position, sources in enumerate(taken):
            for source in dict.fromkeys(sources):
                self.users.setdefault(source, []).append(position)


class Problem(NamedTuple):
    """Everything a spec asks for. x is (N, ...); `objective` or `upstream` (N, ...) starts the way back.

    `average_parameters`: the parameters' gradients are divided by N, the others belong to one example's loss.
    `from_classes`: the numbers of the target were made from classes. `graph` is what each layer takes, None for a
    chain of layers; the last layer is the output. `inputs` are the names of the network's inputs where there are
    several; `more` are the numbers of all but the first, which is x. `shared` parameters are another layer's.
    """

    layers: list[Layer]
    x: Array
    examples: Examples
    objective: Objective | None = None
    upstream: Array | None = None
    penalties: tuple[Penalty, ...] = ()
    average_parameters: bool = False
    learning_rate: float | None = None
    steps: int = 1
    conventions: dict[str, str] = {}  # noqa: RUF012  # a NamedTuple's default, never changed
    from_classes: bool = False
    graph: Graph | None = None
    inputs: tuple[str, ...] = ("input",)
    more: tuple[Array, ...] = ()
    shared: Mapping[Parameter, Parameter] = {}  # a NamedTuple's default, never changed
    lifted: bool = False

    def takes(self, position: int) -> tuple[Source, ...]:
        """What a layer takes: in a chain the layer before it, the first one the input."""
        return (position - 1,) if self.graph is None else self.graph.taken[position]

    def users(self, source: Source) -> list[int]:
        """The positions of the layers that take this."""
        if self.graph is None:
            return [source + 1] if source + 1 < len(self.layers) else []
        return self.graph.users.get(source, [])

    def source_name(self, source: Source) -> str:
        """The name of a layer or an input."""
        return self.layers[source].name if source >= 0 else self.inputs[-1 - source]

    @property
    def counted(self) -> int:
        """What N is in a mean over the examples: those that the loss does not ignore."""
        return self.objective.counted if self.objective else len(self.x)


class Pass(NamedTuple):
    """One pass: the loss, its data's and its penalties' part, and each layer's quantities in our own shapes.

    `loss` and `data_loss` are None without a loss. `da` is where the way back began: the loss's derivative by the
    last output, or None in a forward pass alone. `arrived` are the derivatives by each input, by the layers they come
    from.
    """

    loss: float | None
    data_loss: float | None
    penalty: float
    quantities: list[Quantities]
    da: Array | None
    arrived: list[list[Term]]


def forward(problem: Problem, layers: list[Layer]) -> list[Step]:
    """Every layer's step, each fed what it takes."""
    given, steps = (problem.x, *problem.more), list[Step]()
    for position, layer in enumerate(layers):
        taken = problem.takes(position)
        steps.append(layer.forward(*(steps[source].a if source >= 0 else given[-1 - source] for source in taken)))
    return steps


def backward(
    problem: Problem, steps: list[Step], da: Array, known: tuple[int, Array | None]
) -> tuple[list[Quantities], list[list[Term]]]:
    """Every layer's derivatives, from the loss's derivative by the last output; and those that reach the inputs.

    A layer's da is the sum of what the layers that take its output send back: their dx. `known` is a layer's
    position and its dz (see Step.back).
    """
    found: list[Quantities] = []
    arrived: list[list[Term]] = [[] for _ in range(len(steps) + len(problem.inputs))]
    arrived[len(steps) - 1].append((len(steps), da))
    for position in reversed(range(len(steps))):
        terms, arrived[position] = arrived[position], []
        da = total(terms) if terms else np.zeros_like(steps[position].a)
        gradients = steps[position].back(da, known[1] if position == known[0] else None)
        for source, term in sent_back(problem.takes(position), position, gradients):
            arrived[source].insert(0, term)
        found.append(with_terms(problem, gradients, terms))
    return found[::-1], [arrived[-1 - i] for i in range(len(problem.inputs))]


def total(terms: list[Term]) -> Array:
    """The sum of the gradients that arrive at one place."""
    return reduce(np.add, [array for _, array in terms])


def sent_back(taken: tuple[Source, ...], position: int, gradients: Quantities) -> list[tuple[Source, Term]]:
    """A layer's dx for what it takes, none for an input of integers; one that it takes twice gets the sum."""
    found: list[tuple[Source, Term]] = []
    for source in dict.fromkeys(taken):
        names = [f"dx[{i}]" if len(taken) > 1 else "dx" for i, one in enumerate(taken) if one == source]
        parts = [(position, gradients[name]) for name in names if name in gradients]
        if parts:
            found.append((source, (position, total(parts))))
    return found


def with_terms(problem: Problem, gradients: Quantities, terms: list[Term]) -> Quantities:
    """The derivatives with the terms of da behind it, where there are several."""
    if len(terms) < 2:
        return gradients
    named = {f"da_terms.{problem.layers[position].name}": array for position, array in terms}
    return _inserted(gradients, "da", named)


def _inserted(quantities: Quantities, behind: str, more: Quantities) -> Quantities:
    """The quantities with more of them behind that one."""
    found: Quantities = {}
    for name, array in quantities.items():
        found |= {name: array, **(more if name == behind else {})}
    return found


def run(problem: Problem, layers: list[Layer]) -> Pass:
    """One forward pass and, where a loss or an upstream gradient is given, the way back. Errors: InputError."""
    with np.errstate(all="ignore"):
        steps = forward(problem, layers)
        start = _start(problem, layers, steps)
        penalty = float(sum(p.value(layers, len(problem.x), problem.shared) for p in problem.penalties))
        if start is None:
            return Pass(None, None, penalty, [{**step.quantities, **step.slope()} for step in steps], None, [])
        data_loss, da, dz = start
        if not steps:
            return Pass(_plus(data_loss, penalty), data_loss, penalty, [], da, [[]])
        gradients, arrived = backward(problem, steps, da, (output_position(problem), dz))
        combine(problem, layers, gradients)
        penalise(problem, layers, gradients)
    quantities = [{**s.quantities, **g} for s, g in zip(steps, gradients, strict=True)]
    return Pass(_plus(data_loss, penalty), data_loss, penalty, quantities, da, arrived)


def _plus(data_loss: float | None, penalty: float) -> float | None:
    return None if data_loss is None else data_loss + penalty


def descend(layers: list[Layer], gradients: list[Quantities], rate: float) -> list[Layer]:
    """The layers after one step of gradient descent: each parameter Q becomes Q - rate * dQ."""
    moved: list[Layer] = []
    for layer, found in zip(layers, gradients, strict=True):
        with np.errstate(all="ignore"):
            new = {n: np.asarray(v - rate * found[f"d{n}"], dtype=v.dtype) for n, v in layer.parameters.items()}
        moved.append(layer.with_parameters(new).after(found))
    return moved


def _start(problem: Problem, layers: list[Layer], steps: list[Step]) -> tuple[float | None, Array, Array | None] | None:
    """The loss and where the way back begins: dL/da of the last output, and dL/dz where the loss knows it better."""
    if problem.upstream is not None:
        return None, problem.upstream, None
    if problem.objective is None:
        return None
    if not steps:
        return problem.objective(problem.x, None, None)
    position = output_position(problem)
    return problem.objective(steps[-1].a, layers[position].activation, _activated(steps[position]))


def output_position(problem: Problem) -> int:
    """The position of the layer that makes the output: the last one but for layers that change nothing."""
    position = len(problem.layers) - 1
    while _is_identity(problem.layers[position]):
        (source,) = problem.takes(position)
        if source < 0 or len(problem.users(source)) > 1:
            break
        position = source
    return position


def _is_identity(layer: Layer) -> bool:
    return isinstance(layer, ActivationLayer) and layer.activation.entry.name == "identity"


def _activated(step: Step) -> Array | None:
    """What a layer's activation is applied to."""
    return step.quantities.get("z", step.quantities.get("x"))


def combine(problem: Problem, layers: list[Layer], gradients: list[Quantities]) -> None:
    """The parameters' gradients divided by N where the convention has it so; those of shared parameters summed."""
    if problem.average_parameters and problem.counted > 1:
        for layer, found in zip(layers, gradients, strict=True):
            for name in layer.parameters:
                found[f"d{name}"] = found[f"d{name}"] / problem.counted
    if problem.shared:
        _sum_shared(problem, layers, gradients)
        spread(problem, layers, gradients)


def penalise(problem: Problem, layers: list[Layer], gradients: list[Quantities]) -> None:
    """The penalties' derivatives added."""
    for penalty in problem.penalties:
        penalty.add_gradients(layers, gradients, len(problem.x), problem.shared)
    if problem.penalties:
        spread(problem, layers, gradients)


def spread(problem: Problem, layers: list[Layer], gradients: list[Quantities]) -> None:
    """The whole gradient of each shared parameter, in the form of the layers that share it."""
    for (position, letter), owner in problem.shared.items():
        for name, array in layers[position].from_written(letter, _written(layers, gradients, owner)).items():
            gradients[position][f"d{name}"] = array


def _written(layers: list[Layer], gradients: list[Quantities], parameter: Parameter) -> Array:
    """A parameter's gradient in the shape in which the user wrote the parameter."""
    position, letter = parameter
    layer = layers[position]
    own = {f"d{name}": gradients[position][f"d{name}"] for name in layer.parameters}
    return layer.as_written(own)[f"d{letter}"]


def _sum_shared(problem: Problem, layers: list[Layer], gradients: list[Quantities]) -> None:
    """The gradient of a shared parameter is the sum over the layers that use it; its owner has the terms too."""
    for owner in dict.fromkeys(problem.shared.values()):
        using = [owner, *(one for one, whose in problem.shared.items() if whose == owner)]
        terms = [(one[0], _written(layers, gradients, one)) for one in using]
        position, letter = owner
        for name, array in layers[position].from_written(letter, total(terms)).items():
            gradients[position][f"d{name}"] = array
        named = {f"d{letter}_terms.{layers[at].name}": array for at, array in terms}
        gradients[position] = _inserted(gradients[position], f"d{letter}", named)
