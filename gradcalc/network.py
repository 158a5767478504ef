"""A network in passes: forward through the layers, the chain rule back, and one step of gradient descent."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradcalc.layers.activation import Activation, ActivationLayer
from gradcalc.layers.base import Layer, Quantities, Step
from gradcalc.layers.dense import Dense
from gradcalc.objective import Objective
from gradcalc.penalty import Penalty
from gradcalc.shapes import Array, Examples


class Problem(NamedTuple):
    """Everything a spec asks for. x is (N, inputs); `objective` or `upstream` (N, outputs) starts the way back.

    `average_parameters`: the parameters' gradients are divided by N, the others belong to one example's loss.
    `from_classes`: the numbers of the target were made from classes.
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

    @property
    def counted(self) -> int:
        """What N is in a mean over the examples: those that the loss does not ignore."""
        return self.objective.counted if self.objective else len(self.x)


class Pass(NamedTuple):
    """One pass: the loss, its data's and its penalties' part, and each layer's quantities in our own shapes.

    `loss` and `data_loss` are None without a loss. `da` is where the way back began: the loss's derivative by the
    last output, or None in a forward pass alone.
    """

    loss: float | None
    data_loss: float | None
    penalty: float
    quantities: list[Quantities]
    da: Array | None


def forward(layers: list[Layer], x: Array) -> list[Step]:
    """Every layer's step, each fed the output of the one before."""
    steps: list[Step] = []
    for layer in layers:
        steps.append(layer.forward(steps[-1].a if steps else x))
    return steps


def backward(steps: list[Step], da: Array, known: tuple[int, Array | None]) -> list[Quantities]:
    """Every layer's derivatives, from the loss's derivative by the last output: a layer's dx is the da before it.

    `known` is a layer's position and its dz (see Step.back).
    """
    found: list[Quantities] = []
    for position in reversed(range(len(steps))):
        gradients = steps[position].back(da, known[1] if position == known[0] else None)
        found.append(gradients)
        da = gradients["dx"]
    return found[::-1]


def run(problem: Problem, layers: list[Layer]) -> Pass:
    """One forward pass and, where a loss or an upstream gradient is given, the way back. Errors: InputError."""
    with np.errstate(all="ignore"):
        steps = forward(layers, problem.x)
        start = _start(problem, layers, steps)
        penalty = float(sum(p.value(layers, len(problem.x)) for p in problem.penalties))
        if start is None:
            return Pass(None, None, penalty, [{**step.quantities, **step.slope()} for step in steps], None)
        data_loss, da, dz = start
        gradients = backward(steps, da, (output_position(layers), dz))
        _finish(problem, layers, gradients)
    loss = None if data_loss is None else data_loss + penalty
    return Pass(loss, data_loss, penalty, [{**s.quantities, **g} for s, g in zip(steps, gradients, strict=True)], da)


def descend(layers: list[Layer], gradients: list[Quantities], rate: float) -> list[Layer]:
    """The layers after one step of gradient descent: each parameter Q becomes Q - rate * dQ."""
    moved: list[Layer] = []
    for layer, found in zip(layers, gradients, strict=True):
        with np.errstate(all="ignore"):
            new = {n: np.asarray(v - rate * found[f"d{n}"], dtype=v.dtype) for n, v in layer.parameters.items()}
        moved.append(layer.with_parameters(new))
    return moved


def _start(problem: Problem, layers: list[Layer], steps: list[Step]) -> tuple[float | None, Array, Array | None] | None:
    """The loss and where the way back begins: dL/da of the last output, and dL/dz where the loss knows it better."""
    if problem.upstream is not None:
        return None, problem.upstream, None
    if problem.objective is None:
        return None
    if not steps:
        return problem.objective(problem.x, None, None)
    position = output_position(layers)
    return problem.objective(steps[-1].a, activation_of(layers[position]), _activated(steps[position]))


def output_position(layers: list[Layer]) -> int:
    """The position of the layer that makes the output: the last one but for layers that change nothing."""
    position = len(layers) - 1
    while position > 0 and _is_identity(layers[position]):
        position -= 1
    return position


def activation_of(layer: Layer) -> Activation | None:
    """The function that a layer applies last."""
    return layer.activation if isinstance(layer, Dense | ActivationLayer) else None


def _is_identity(layer: Layer) -> bool:
    return isinstance(layer, ActivationLayer) and layer.activation.entry.name == "identity"


def _activated(step: Step) -> Array:
    """What a layer's activation is applied to."""
    return step.quantities["z" if "z" in step.quantities else "x"]


def _finish(problem: Problem, layers: list[Layer], gradients: list[Quantities]) -> None:
    """The parameters' gradients divided by N where the convention has it so, and the penalties' derivatives added."""
    if problem.average_parameters and problem.counted > 1:
        for layer, found in zip(layers, gradients, strict=True):
            for name in layer.parameters:
                found[f"d{name}"] = found[f"d{name}"] / problem.counted
    for penalty in problem.penalties:
        penalty.add_gradients(layers, gradients, len(problem.x))
