"""Mistakes on the way forward: a softmax too many, a layer fed with the wrong numbers, a bias or a flip."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcalc.functions import find
from gradcalc.functions.entry import Elementwise, VectorActivation
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer, Step
from gradcalc.layers.conv import Conv
from gradcalc.layers.dense import Dense
from gradcalc.mistakes.entry import Case, Mistake, Way, replaced
from gradcalc.mistakes.objectives import loss_entry, with_loss
from gradcalc.mistakes.tape import WHOLE, Change, Run, Start
from gradcalc.objective import LINKS, Objective
from gradcalc.shapes import Array


def _twice(case: Case) -> Iterator[Way]:
    """An output that is a probability already goes through softmax or sigmoid again, in the net or in the loss."""
    objective = case.problem.objective
    if objective is None:
        return
    last = case.right.last
    activation = case.right.activation(last) if case.layers else None
    if objective.entry.name in LINKS:
        yield from _in_the_loss(last, objective)
    if activation is not None and activation.entry.name in LINKS.values():
        yield from _in_the_net(last, activation)
    for on_probabilities, link in LINKS.items():
        if objective.entry.name == loss_entry(on_probabilities).logits:
            yield from _before_logits(last, _activation(link))


def _activation(name: str) -> Activation:
    entry = find(name)
    assert isinstance(entry, Elementwise | VectorActivation)
    return Activation(entry, entry.parameters({}), "default")


def _starts(
    kind: str, last: int, made: Callable[[Run, Start], tuple[float, Array, Array | None]], more: tuple[Change, ...] = ()
) -> Iterator[Way]:
    """The wrong loss with its gradient, and the wrong loss alone."""

    def whole(run: Run, _at: int, start: Start) -> Start:
        return Start(*made(run, start))

    def alone(run: Run, _at: int, start: Start) -> Start:
        return start._replace(loss=made(run, start)[0])

    where = (last, "a") if more else (WHOLE, "loss")
    yield Way(kind, *where, (*more, Change("start", WHOLE, whole)))
    yield Way(f"{kind} loss", *where, (*more, Change("start", WHOLE, alone)))


def _in_the_loss(last: int, objective: Objective) -> Iterator[Way]:
    """The loss on logits gets probabilities."""

    def at(run: Run) -> Any:
        again = with_loss(objective, objective.entry.logits, run.output)
        return again(run.output, None, None)

    yield from _starts("loss", last, lambda run, _: (at(run).loss, at(run).da, None))
    yield from _starts("loss fused", last, lambda run, start: (at(run).loss, start.da, at(run).da))
    yield from _starts("loss straight", last, lambda run, _: (at(run).loss, at(run).da, at(run).da))


def _in_the_net(last: int, activation: Activation) -> Iterator[Way]:
    """The last layer applies its function two times."""

    def again(_run: Run, _at: int, step: Step) -> Step:
        a = activation.value(step.a)
        return step._replace(a=a, quantities={**step.quantities, "a": a})

    def judged(run: Run) -> Any:
        objective = run.problem.objective
        assert objective is not None
        return objective(run.output, None, None)

    def once(run: Run) -> Array:
        return activation.value(run.z(last))

    def through(run: Run, da: Array) -> Array:
        return activation.back(once(run), da, None if activation.vector else activation.slope(once(run)))

    change = (Change("output", last, again),)
    yield from _starts("net", last, lambda run, _: (judged(run).loss, judged(run).da, None), change)
    yield from _starts("net whole", last, lambda run, _: (judged(run).loss, through(run, judged(run).da), None), change)


def _before_logits(last: int, activation: Activation) -> Iterator[Way]:
    """A loss that applies the function itself gets what has gone through it."""

    def at(run: Run) -> Any:
        objective = run.problem.objective
        assert objective is not None
        return objective(activation.value(run.output), None, None)

    def through(run: Run, da: Array) -> Array:
        a = run.output
        return activation.back(a, da, None if activation.vector else activation.slope(a))

    yield from _starts("before", last, lambda run, _: (at(run).loss, through(run, at(run).da), None))
    yield from _starts("before fused", last, lambda run, _: (at(run).loss, at(run).da, None))


def _preactivation(case: Case) -> Iterator[Way]:
    """z of the layer before where its a belongs: on the way forward, or in dW alone."""
    for position in reversed(range(len(case.layers))):
        before = case.right.previous(position)
        activation = None if before is None else case.right.activation(before)
        if before is None or activation is None or activation.entry.name == "identity":
            continue
        if case.right.steps[before].a.shape != case.right.z(before).shape:
            continue
        if case.passes_back and isinstance(case.layers[position], Dense | Conv):
            yield Way("dW", position, "dW", (replaced("gradients", position, "dW", _weights_of_z(before)),))
        change = Change("input", position, _z_of(before))
        yield Way("x", position, "z" if "z" in case.right.quantities(position) else "a", (change,))


def _z_of(before: int) -> Callable[[Run, int, Any], Array]:
    return lambda run, _at, _x: run.z(before)


def _weights_of_z(before: int) -> Callable[[Run, int, Any], Array]:
    """dW of the layer fed with z, under the right dz."""

    def value(run: Run, at: int, found: Any) -> Array:
        step = run.layers[at].forward(run.z(before))
        return step.back(found["da"], found["dz"])["dW"]

    return value


def _no_bias(case: Case) -> Iterator[Way]:
    for position, layer in reversed(list(enumerate(case.layers))):
        if "b" not in layer.parameters:
            continue

        def without(_run: Run, _at: int, layer: Layer) -> Layer:
            return layer.with_parameters({**layer.parameters, "b": np.zeros_like(layer.parameters["b"])})

        yield Way(
            "b", position, "z" if "z" in case.right.quantities(position) else "a", (Change("layer", position, without),)
        )


def _flipped(case: Case) -> Iterator[Way]:
    """A convolution's kernel turned round: forward, there and in its gradient, in that alone, or on the way back."""
    for position, layer in reversed(list(enumerate(case.layers))):
        if not isinstance(layer, Conv):
            continue
        forward = Change("layer", position, lambda _run, _at, layer: _turned(layer))
        yield Way("forward", position, "z", (forward,))
        if case.passes_back:
            gradient = replaced("gradients", position, "dW", _turned_gradient)
            yield Way("convolution", position, "z", (forward, gradient))
            yield Way("dW", position, "dW", (gradient,))
            yield Way("dx", position, "dx", (replaced("gradients", position, "dx", _turned_back),))


def _turned(layer: Layer) -> Layer:
    return layer.with_parameters({**layer.parameters, "W": _turn(layer.parameters["W"])})


def _turn(W: Array) -> Array:
    """The kernel (outputs, inputs, places ...) by half a turn."""
    return np.asarray(np.flip(W, axis=tuple(range(2, W.ndim))))


def _turned_gradient(_run: Run, _at: int, found: Any) -> Array:
    return _turn(found["dW"])


def _turned_back(run: Run, at: int, found: Any) -> Array:
    step = run.again(at, _turned(run.layers[at]))
    return np.asarray(step.back(found["da"], found.get("dz"))["dx"])


TWICE = Mistake(
    "softmax_applied_twice",
    "softmax or sigmoid applied to probabilities",
    "{quantity} comes of applying softmax (or sigmoid) twice: its outputs are probabilities already.",
    "cross-entropy on logits, computed from softmax(z) instead of z",
    _twice,
)
PREACTIVATION = Mistake(
    "preactivation_used",
    "z in the place of a",
    "{quantity} uses z of the layer before where its output a belongs.",
    "dW2 = z1^T dz2 instead of a1^T dz2",
    _preactivation,
)
NO_BIAS = Mistake(
    "bias_missing",
    "the bias is left out",
    "{quantity} is computed without the bias of layer {layer}.",
    "z = x W instead of x W + b",
    _no_bias,
)
FLIPPED = Mistake(
    "kernel_flipped",
    "a kernel turned by 180 degrees",
    "{quantity} uses the kernel turned by 180 degrees, or fails to turn it.",
    "convolve(x, W) where the layer correlates",
    _flipped,
)
