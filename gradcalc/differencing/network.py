"""The gradients of a network beside differences: every parameter's and the input's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import NamedTuple

import numpy as np

from gradcalc.backpropagation import BackpropResult, solve
from gradcalc.differencing.quantities import Quantity, Variable
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.network import Problem, run
from gradcalc.numerics.differences import Array

#: A parameter: the position of its layer and its letter; an input has position -1 and its number as a letter.
Where = tuple[int, str]

#: A number of the net: where it stands, and its flat position there.
Cell = tuple[Where, int]


class Differentiable(NamedTuple):
    """A quantity that has a gradient: its address, our gradient, and the net's numbers behind each of its entries."""

    name: str
    ours: Array
    cells: list[list[Cell]]


def quantities(result: BackpropResult) -> Iterator[Quantity]:
    """Every gradient that differences of the loss can check. Errors: UsageError where there is none."""
    if result.problem.objective is None and result.problem.upstream is None:
        raise UsageError("there are no gradients to check", hint="the spec gives neither loss and target nor upstream")
    net = _Net(result.problem)
    for one in _differentiable(result, net):
        yield Quantity(one.name, one.ours, one.ours.size, partial(_variable, net, one))


def _variable(net: _Net, one: Differentiable, position: int) -> Variable:
    cells = one.cells[position]
    place = tuple(int(i) for i in np.unravel_index(position, one.ours.shape))
    return Variable(place, net.number(cells[0]), partial(net.outputs, cells))


class _Net:
    """A net in float64 whose numbers can be moved one by one, and what its gradients are derivatives of."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem._replace(learning_rate=None, steps=1)
        self.arrays: dict[Where, Array] = {
            (position, letter): _doubled(array)
            for position, layer in enumerate(problem.layers)
            for letter, array in layer.parameters.items()
        }
        self.arrays |= {(-1, str(i)): _doubled(array) for i, array in enumerate(inputs_of(problem))}
        upstream = problem.upstream
        self.problem = self.problem._replace(upstream=None if upstream is None else _doubled(upstream))

    def number(self, cell: Cell) -> float:
        """The number in a cell."""
        where, flat = cell
        return float(self.arrays[where].flat[flat])

    def outputs(self, cells: list[Cell], x: float) -> Array:
        """What the gradient of these cells, which share one number, is the derivative of; NaN outside its domain."""
        arrays = dict(self.arrays)
        for where, flat in cells:
            if arrays[where] is self.arrays[where]:
                arrays[where] = arrays[where].copy()
            arrays[where].flat[flat] = x
        try:
            return np.asarray(self._total(arrays, of_input=cells[0][0][0] < 0))
        except GradcalcError:
            return np.asarray(np.nan)

    def _total(self, arrays: Mapping[Where, Array], *, of_input: bool) -> float:
        """The loss, or the upstream gradient times the output, as the spec averages it for its gradients."""
        problem = self.with_arrays(arrays)
        count = problem.counted if problem.average_parameters else 1
        last = run(problem, problem.layers)
        if problem.objective is not None:
            assert last.loss is not None
            assert last.data_loss is not None
            return last.data_loss * count if of_input else last.loss
        assert problem.upstream is not None
        output = last.quantities[-1]["a"] if last.quantities else problem.x
        through = float(np.sum(problem.upstream * output))
        return through if of_input else through / count + last.penalty

    def with_arrays(self, arrays: Mapping[Where, Array]) -> Problem:
        """The net with these numbers."""
        layers = [
            layer.with_parameters({letter: arrays[position, letter] for letter in layer.parameters})
            if layer.parameters
            else layer
            for position, layer in enumerate(self.problem.layers)
        ]
        given = [array for (position, _), array in arrays.items() if position < 0]
        return with_inputs(self.problem._replace(layers=layers), given)


def inputs_of(problem: Problem) -> list[Array]:
    """The numbers of the net's inputs."""
    return [problem.x, *problem.more]


def with_inputs(problem: Problem, given: list[Array]) -> Problem:
    """The problem with other inputs."""
    return problem._replace(x=given[0], more=tuple(given[1:]))


def input_names(result: BackpropResult) -> list[tuple[str, str, str]]:
    """For each input the layer that shows it, and the letters of its numbers and of its gradient there."""
    if result.inputs:
        return [(one.name, "a", "da") for one in result.inputs]
    if not result.layers:
        return [("", "a0", "da0")]
    return [(result.layers[0].name, "x", "dx")]


def _doubled(array: Array) -> Array:
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _differentiable(result: BackpropResult, net: _Net) -> Iterator[Differentiable]:
    """The parameters in the layers' order, then the inputs, with our gradients in the user's shapes."""
    written = _numbered(net)
    ours = {(layer, letter): array for layer, letter, array in result.addresses()}
    named = [(layer.name, letter, f"d{letter}") for layer in result.problem.layers for letter in layer.parameters]
    for layer, letter, gradient in [*named, *input_names(result)]:
        if (layer, gradient) in ours and (layer, letter) in written:
            name = f"{layer}.{gradient}" if layer else gradient
            yield Differentiable(name, ours[layer, gradient], written[layer, letter])


def _numbered(net: _Net) -> dict[tuple[str, str], list[list[Cell]]]:
    """The cells behind every entry of each parameter and input, as the user wrote them.

    The net is solved with its numbers replaced by their places: where they then show up is where they stand.
    """
    found: dict[tuple[str, str], list[list[Cell]]] = {}
    parameters = [where for where in net.arrays if where[0] >= 0]
    for moved in (*([parameters] if parameters else ()), *([where] for where in net.arrays if where[0] < 0)):
        # an input that takes only some numbers, such as the rows of a table, has no derivative
        with suppress(GradcalcError):
            found |= _shown(net, moved)
    return found | _shared(net.problem, found)


def _shared(
    problem: Problem, found: Mapping[tuple[str, str], list[list[Cell]]]
) -> dict[tuple[str, str], list[list[Cell]]]:
    """The cells of parameters that several layers use: those of all of them are one number."""
    together: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for sharer, owner in problem.shared.items():
        using = together.setdefault(owner, [_written(problem, owner)])
        using.append(_written(problem, sharer))
    return {
        name: [
            [cell for cells in one for cell in cells] for one in zip(*(found[other] for other in using), strict=True)
        ]
        for using in together.values()
        for name in using
    }


def _written(problem: Problem, parameter: tuple[int, str]) -> tuple[str, str]:
    """A parameter by the name of its layer."""
    return problem.layers[parameter[0]].name, parameter[1]


def _shown(net: _Net, moved: list[Where]) -> dict[tuple[str, str], list[list[Cell]]]:
    """The same for these arrays."""
    places = [(where, flat) for where in moved for flat in range(net.arrays[where].size)]
    arrays, start = dict(net.arrays), 0
    for where in moved:
        shape, size = arrays[where].shape, arrays[where].size
        arrays[where] = np.arange(start, start + size, dtype=np.float64).reshape(shape)
        start += size
    plain = net.with_arrays(arrays)._replace(objective=None, upstream=None, penalties=())
    shown = solve(plain)
    wanted = {(layer.name, letter) for layer in plain.layers for letter in layer.parameters}
    if moved[0][0] < 0:
        layer, letter, _ = input_names(shown)[int(moved[0][1])]
        wanted = {(layer, letter)}
    return {
        (layer, letter): [[places[int(i)]] for i in array.ravel()]
        for layer, letter, array in shown.addresses()
        if (layer, letter) in wanted
    }
