"""Mistakes at kinks and ties: another one-sided slope, or another rule for who gets the gradient of a maximum."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import numpy as np

from gradcalc.functions.entry import SIDES, Entry, Side
from gradcalc.layers.activation import Activation
from gradcalc.layers.global_pool import GlobalMaxPool
from gradcalc.layers.max_pool import TIES, MaxPool
from gradcalc.mistakes.entry import Case, Mistake, Way
from gradcalc.mistakes.slopes import activated, of_rnn, slope_ways
from gradcalc.mistakes.tape import WHOLE, Change, Run, Start
from gradcalc.objective import Objective
from gradcalc.shapes import Array

#: The sides of a kink, the one that says least last: where several give the same numbers, the first is named.
_SAID = (*SIDES[1:], SIDES[0])

#: What each rule of a maximum does with the gradient.
_SHARED = {"first": "to the first one alone", "all": "in full to each", "split": "in equal parts to each"}


def _kink(case: Case) -> Iterator[Way]:
    """Another choice where a pre-activation, an output in the loss, or several numbers stand at a kink or a tie."""
    yield from _of_the_loss(case)
    for position, activation in activated(case):
        for kind, words, other in _others(activation, case.name(position)):
            if np.array_equal(_slope(activation, case, position), _slope(other, case, position), equal_nan=True):
                continue

            def slope(run: Run, at: int, _da: Array, f: Activation = other) -> Array:
                return f.slope(run.z(at))

            def back(run: Run, at: int, da: Array, f: Activation = other) -> Array:
                return f.back(run.z(at), da, None if f.vector else f.slope(run.z(at)))

            yield from slope_ways(position, case, kind, back, slope, (("taken", words),))
    yield from _of_pools(case)
    for side in _SAID:
        yield from of_rnn(case, side, _other_side(side), (("taken", _taken(side, "z of a step")),))


def _other_side(side: Side) -> Callable[[Activation, Array], Array | None]:
    """The slope under another choice; None where that is the same."""

    def slope(f: Activation, z: Array) -> Array | None:
        other = Activation(f.entry, f.values, side, f.axis).slope(z)
        return None if np.array_equal(other, f.slope(z), equal_nan=True) else other

    return slope


def _slope(activation: Activation, case: Case, position: int) -> Array:
    """What tells two choices apart: the slope, or of a function of vectors what it makes of the gradient."""
    z = case.right.z(position)
    return activation.back(z, case.right.gradients[position]["da"], None) if activation.vector else activation.slope(z)


def _others(activation: Activation, layer: str) -> Iterator[tuple[str, str, Activation]]:
    """The function with every other choice: a kind of way, the choice in words, and that function."""
    entry, values, axis = activation.entry, activation.values, activation.axis
    for rule in _rules(entry, values):
        yield f"ties {rule}", _followed(rule), Activation(entry, {**values, "ties": rule}, activation.kink, axis)
    for side in () if activation.vector else _SAID:
        yield side, _taken(side, f"z of layer {layer}"), Activation(entry, values, side, axis)


def _rules(entry: Entry, values: dict[str, Any]) -> list[str]:
    """The other rules for ties that a function has."""
    return [rule for one in entry.params if one.name == "ties" for rule in one.choices if rule != values["ties"]]


def _followed(rule: str) -> str:
    return f"follows 'ties: {rule}' where numbers tie"


def _taken(side: str, what: str) -> str:
    return f"takes the {side} slope where {what} stands exactly at a kink"


def _of_the_loss(case: Case) -> Iterator[Way]:
    objective, start = case.problem.objective, case.right.start
    if objective is None or start is None or start.dz is not None:
        return
    for kind, words, other in _other_losses(objective):
        gradient = _started(other)
        if not np.array_equal(gradient(case.right, WHOLE, start).da, start.da, equal_nan=True):
            letter, change = "da" if case.layers else "da0", Change("start", WHOLE, gradient)
            yield Way(f"loss {kind}", len(case.layers) - 1, letter, (change,), (("taken", words),))


def _other_losses(objective: Objective) -> Iterator[tuple[str, str, Objective]]:
    """The loss with every other choice."""
    for side in _SAID:
        yield side, _taken(side, "an output in the loss"), _with_kink(objective, side)
    for rule in _rules(objective.entry, objective.values):
        yield f"ties {rule}", _followed(rule), _with_ties(objective, rule)


def _with_kink(objective: Objective, side: Side) -> Objective:
    other = copy(objective)
    other.kink = side
    return other


def _with_ties(objective: Objective, rule: str) -> Objective:
    return Objective(
        objective.entry, {**objective.values, "ties": rule}, objective.target, kink=objective.kink,
        reduction=objective.reduction, scale=objective.scale, weight=objective.weight, divide=objective.divide,
    )  # fmt: skip


def _started(objective: Objective) -> Callable[[Run, int, Start], Start]:
    """The way back from another gradient of the same loss."""
    return lambda run, _at, start: start._replace(da=objective(run.output, None, None).da)


def _of_pools(case: Case) -> Iterator[Way]:
    """Maxima of which several are equal."""
    for position in case.backward():
        layer, found = case.layers[position], case.right.gradients[position]
        if not isinstance(layer, MaxPool | GlobalMaxPool):
            continue
        for rule in TIES:
            change = Change("gradients", position, _shared(rule))
            dx = change.rule(case.right, position, found)["dx"] if rule != layer.ties else found["dx"]
            if not np.array_equal(dx, found["dx"], equal_nan=True):
                said = (("taken", f"sends the gradient of equal maxima {_SHARED[rule]}"),)
                yield Way(f"pool {rule}", position, "dx", (change,), said)


def _shared(rule: str) -> Callable[[Run, int, Any], Any]:
    """The way back of a pooling layer under another rule for ties."""

    def back(run: Run, at: int, found: Any) -> Any:
        other = copy(run.layers[at])
        assert isinstance(other, MaxPool | GlobalMaxPool)
        other.ties = rule
        return {**found, "dx": run.again(at, other).back(found["da"], None)["dx"]}

    return back


KINK = Mistake(
    "wrong_kink",
    "another slope at a kink, or another rule for ties",
    "{quantity} {taken}; another convention is in force here.",
    "ReLU'(0) = 1 where the course has 0",
    _kink,
)
