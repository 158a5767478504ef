"""Warnings about nets that compute, but most likely not what was meant."""

from __future__ import annotations

import numpy as np

from gradcalc.functions import find
from gradcalc.functions.entry import ElementwiseLoss, VectorLoss
from gradcalc.network import Problem, output_position
from gradcalc.objective import LINKS
from gradcalc.shapes import Array

#: How far the sum of an example's probabilities may be from 1 before it is worth a word.
_SLACK = 1e-6


def warnings(problem: Problem, output: Array) -> list[str]:
    """What to warn of, given the net's last output (N, n): sentences, usually none."""
    if problem.objective is None:
        return []
    found = _applied_twice(problem, problem.objective.entry.name)
    if problem.objective.entry.name == "cross_entropy" and not problem.objective.values["normalize"]:
        found += _not_probabilities(output)
    return found


def _applied_twice(problem: Problem, loss: str) -> list[str]:
    """A loss on logits behind the very activation that it contains."""
    if not problem.layers:
        return []
    last = problem.layers[output_position(problem)]
    activation = last.activation
    for on_probabilities, link in LINKS.items():
        entry = find(on_probabilities)
        assert isinstance(entry, ElementwiseLoss | VectorLoss)
        if activation is not None and activation.entry.name == link and loss == entry.logits:
            return [
                f"{loss} takes logits and applies {link} itself, but layer {last.name} has applied {link} "
                f"already; the loss on probabilities is {on_probabilities}"
            ]
    return []


def _not_probabilities(output: Array) -> list[str]:
    sums = output.sum(axis=-1)
    off = np.argwhere(np.abs(sums - 1) > _SLACK)
    if not len(off):
        return []
    example, *step = map(int, off[0])
    place = f"{example}{''.join(f'[{i}]' for i in step)}"
    return [f"cross_entropy takes probabilities, but the outputs of example {place} sum to {sums[tuple(off[0])]:.6g}"]
