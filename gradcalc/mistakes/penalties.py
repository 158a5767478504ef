"""Mistakes with regularization: left out, of another size, or on the biases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcalc.mistakes.entry import Case, Mistake, Way
from gradcalc.mistakes.tape import WHOLE, Change, Run


def _ways(case: Case, kind: str, factor: float, said: tuple[tuple[str, str], ...] = ()) -> Iterator[Way]:
    """The penalties times `factor`: in all gradients and the loss, in either, in single layers."""
    if not case.problem.penalties:
        return
    letters = [
        (position, letter)
        for position in case.backward()
        for letter, term in case.right.penalized(case.problem.penalties, position).items()
        if np.any(term)
    ]
    gradients = tuple(Change("final", position, _scaled(letter, factor)) for position, letter in letters)
    loss = Change("loss", WHOLE, lambda run, _at, value: value + (factor - 1.0) * run.penalty(run.problem.penalties))
    layers = max(1, len({position for position, _ in letters}))
    if gradients:
        yield Way(f"{kind} gradients", letters[0][0], letters[0][1], gradients, said, layers)
    if case.right.loss is not None:
        yield Way(f"{kind} all", WHOLE, "loss", (loss, *gradients), said, layers)
        yield Way(f"{kind} loss", WHOLE, "loss", (loss,), said)
    for (position, letter), change in zip(letters, gradients, strict=True):
        yield Way(f"{kind} {letter}", position, letter, (change,), said)


def _scaled(letter: str, factor: float) -> Any:
    def rule(run: Run, at: int, found: Any) -> Any:
        return {**found, letter: found[letter] + (factor - 1.0) * run.penalized(run.problem.penalties, at)[letter]}

    return rule


def _missing(case: Case) -> Iterator[Way]:
    return _ways(case, "missing", 0.0)


def _factor(case: Case) -> Iterator[Way]:
    examples = case.examples
    factors = {2.0: "2", 0.5: "1/2", float(examples): f"{examples}", 1 / examples: f"1/{examples}"}
    factors |= {-1.0: "-1", 2.0 * examples: f"{2 * examples}", 0.5 / examples: f"1/{2 * examples}"}
    for factor, words in factors.items():
        if factor != 1.0:
            yield from _ways(case, words, factor, (("factor", words),))


def _on_bias(case: Case) -> Iterator[Way]:
    """The penalties that spare the biases, on them too."""
    sparing = tuple(penalty._replace(biases=True) for penalty in case.problem.penalties if not penalty.biases)
    positions = [position for position in case.backward() if "b" in case.layers[position].parameters]
    if not sparing or not positions:
        return

    def more(run: Run, at: int, found: Any) -> Any:
        return {**found, "db": found["db"] + run.penalized(sparing, at)["db"]}

    def value(run: Run, _at: int, loss: float) -> float:
        spared = tuple(penalty._replace(biases=False) for penalty in sparing)
        return loss + run.penalty(sparing) - run.penalty(spared)

    changes = tuple(Change("final", position, more) for position in positions)
    yield Way("gradients", positions[0], "db", changes)
    if case.right.loss is not None:
        yield Way("all", positions[0], "db", (*changes, Change("loss", WHOLE, value)))
        yield Way("loss", WHOLE, "loss", (Change("loss", WHOLE, value),))
    for position, change in zip(positions, changes, strict=True):
        yield Way("db", position, "db", (change,))


MISSING = Mistake(
    "regularization_missing",
    "the penalty is left out",
    "{quantity} misses the penalty (regularization).",
    "dW = x^T dz without + lambda W",
    _missing,
)
FACTOR = Mistake(
    "regularization_factor",
    "the penalty of another size",
    "{quantity} has {factor} times the penalty (regularization) that was asked for.",
    "+ 2 lambda W for a penalty lambda/2 sum(W^2)",
    _factor,
)
ON_BIAS = Mistake(
    "regularization_on_bias",
    "the penalty on the biases too",
    "{quantity} has the penalty (regularization) on the biases too, which was not asked for.",
    "db = sum(dz) + lambda b",
    _on_bias,
)
