"""Kinks a network stands on: every derivative that was a choice is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from gradcalc.backpropagation import BackpropResult
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Kernel, Kink
from gradcalc.network import Problem
from gradcalc.numerics import arrays
from gradcalc.results import Line
from gradcalc.shapes import Array
from gradcalc.statements import last_output

#: Of all the places where some z stands on a kink, so many are named.
_KINKS_NAMED = 5


def kinks_met(result: BackpropResult) -> list[Line]:
    """Where a number stands exactly on a kink: the one-sided derivatives, and which one was taken."""
    found = [*_activation_kinks(result), *_ties(result), *_loss_kinks(result), *_penalty_kinks(result.problem)]
    more = len(found) - _KINKS_NAMED
    return [*found[:_KINKS_NAMED], *([f"{more} more of these."] if more > 0 else [])]


def _activation_kinks(result: BackpropResult) -> Iterator[Line]:
    for layer, shown in zip(result.problem.layers, result.layers, strict=True):
        activation = layer.activation
        if activation is None or not isinstance(activation.entry, Elementwise):
            continue
        letter = "z" if "z" in shown.quantities else "x"
        z = result.function_input(shown, layer)
        args = activation.arguments(z)
        if activation.entry.one_sided:
            count = _differing(activation.entry.one_sided("z"), z, args)
            if count:
                yield _on_kink(f"{layer.name}.{letter}", count, activation.entry.name, activation.kink, "")
        for kink in activation.entry.kinks:
            count = int((z == kink.at(*args)).sum())
            if count:
                yield _on_kink(
                    f"{layer.name}.{letter}", count, activation.entry.name, activation.kink, _sides(kink, args)
                )


def _ties(result: BackpropResult) -> Iterator[Line]:
    """Where a layer's rule said which of several maxima takes the gradient."""
    for layer, shown in zip(result.problem.layers, result.layers, strict=True):
        if "x" in shown.quantities:
            told = layer.choice_met(result.problem.examples.read(shown.quantities["x"], len(layer.takes[0])))
            if told:
                yield told


def _loss_kinks(result: BackpropResult) -> Iterator[Line]:
    objective = result.problem.objective
    if objective is None:
        return
    a, entry, args = objective.rows(last_output(result)[0]), objective.entry, objective.arguments
    count = 0
    if isinstance(entry, ElementwiseLoss):
        count = sum(int((a == kink.at(*args)).sum()) for kink in entry.kinks)
        count += _differing(entry.one_sided("a"), a, args) if entry.one_sided else 0
    elif entry.at_kink is not None:
        count = int(entry.at_kink(np, a, *args).sum())
    if count:
        yield _on_kink("the output", count, entry.name, objective.kink, "")


def _differing(one_sided: Kernel, x: Array, args: Sequence[Any]) -> int:
    """At how many numbers the one-sided derivatives differ, or the value jumps."""
    left, right, jump = one_sided(arrays, x, *args)
    return int((((left != right) & (left == left) & (right == right)) | jump).sum())


def _penalty_kinks(problem: Problem) -> Iterator[Line]:
    """Only |w| has one, at 0."""
    for penalty in problem.penalties:
        count = sum(int((w == 0).sum()) for _, _, w in penalty.arrays(problem.layers, problem.shared))
        if count and (penalty.norm == "l1" or (penalty.norm == "lp" and penalty.p == 1)):
            yield _on_kink("the weights", count, "|w|", penalty.kink, ": left derivative -1, right 1")


def _sides(kink: Kink, args: list[Any]) -> str:
    """Both one-sided derivatives, unless they differ from unit to unit."""
    if any(np.ndim(arg) for arg in args):
        return ""
    return f": left derivative {float(kink.left(*args)):g}, right {float(kink.right(*args)):g}"


def _on_kink(where: str, count: int, name: str, choice: str, sides: str) -> str:
    many = "numbers" if count > 1 else "number"
    stand = "stand" if count > 1 else "stands"
    return f"{count} {many} of {where} {stand} on a kink of {name}{sides}; kink {choice} was applied."
