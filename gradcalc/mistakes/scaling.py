"""Mistakes of sign and size: a minus, a factor, an average forgotten or taken twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradcalc.mistakes.entry import Case, Mistake, Way
from gradcalc.mistakes.tape import INPUTS, WHOLE, Change, Run, Start
from gradcalc.mistakes.terms import own_terms
from gradcalc.shapes import Array

Scaled = Callable[[Array], Array]


def scaled_ways(case: Case, factor: float, said: tuple[tuple[str, str], ...] = ()) -> Iterator[Way]:
    """Every quantity times `factor`: carried on where the computation goes on from it, or written down so alone."""
    yield from _from_the_loss(case, factor, said)
    for position in case.backward():
        gradients = case.right.gradients[position]
        if "dz" in gradients:
            yield Way("dz", position, "dz", (Change("arriving", position, _arriving_dz(factor)),), said)
        if position < len(case.layers) - 1:
            yield Way("da", position, "da", (Change("arriving", position, _arriving_da(factor)),), said)
        for letter in gradients:
            if letter[1:] in case.layers[position].parameters:
                yield Way(letter, position, letter, (_times("final", position, letter, factor),), said)
        parameters = tuple(f"d{name}" for name in case.layers[position].parameters)
        if len(parameters) > 1:
            changes = tuple(_times("final", position, letter, factor) for letter in parameters)
            yield Way("parameters", position, parameters[0], changes, said)
    yield from _written_ways(case, factor, said)


def _from_the_loss(case: Case, factor: float, said: tuple[tuple[str, str], ...]) -> Iterator[Way]:
    """The loss alone, with or without its penalty, the gradient it starts alone, and both."""
    start = case.right.start
    if start is None:
        return
    last = len(case.layers) - 1
    letter = "da" if case.layers else "da0"

    def gradient(_run: Run, _at: int, value: Start) -> Start:
        return value._replace(da=value.da * factor, dz=None if value.dz is None else value.dz * factor)

    def both(run: Run, at: int, value: Start) -> Start:
        return data(run, at, gradient(run, at, value))

    def data(_run: Run, _at: int, value: Start) -> Start:
        return value._replace(loss=None if value.loss is None else value.loss * factor)

    yield Way("start", last, letter, (Change("start", WHOLE, gradient),), said)
    if start.loss is not None:
        if case.problem.penalties:
            yield Way("data", WHOLE, "loss", (Change("start", WHOLE, data),), said)
        yield Way("loss", WHOLE, "loss", (Change("loss", WHOLE, lambda _run, _at, loss: loss * factor),), said)
        yield Way("objective", WHOLE, "loss", (Change("start", WHOLE, both),), said)


def _written_ways(case: Case, factor: float, said: tuple[tuple[str, str], ...]) -> Iterator[Way]:
    """A quantity written down wrong and not gone on from."""
    for position in reversed(range(len(case.layers))):
        final = case.right.final[position] if case.right.final else {}
        forward = [
            name for name in case.right.quantities(position) if name not in final and _computed(case, position, name)
        ]
        for letter in [*forward, *(name for name in final if _goes_on(case, position, name))]:
            yield Way(f"{letter} written", position, letter, (_times("shown", position, letter, factor),), said)
        parameters = list(case.layers[position].parameters)
        if case.right.moved and parameters:
            yield Way("step", position, f"{parameters[0]}_new", (Change("moved", position, _step(factor)),), said)
    for number, found in enumerate(case.right.given()):
        for letter in found:
            if letter != "a":
                change = _times("shown", INPUTS - number, letter, factor)
                yield Way(f"{letter} written", INPUTS - number, letter, (change,), said)


def _computed(case: Case, position: int, name: str) -> bool:
    """Whether a quantity of the way forward is no parameter, and no input, which is another layer's output."""
    return name not in case.layers[position].parameters and name.partition("[")[0] != "x"


def _goes_on(case: Case, position: int, name: str) -> bool:
    """Whether a quantity is used further, so that writing it down wrong is another thing than computing it wrong."""
    used = bool(case.right.moved) or (position, name[1:]) in case.problem.shared.values()
    return used or name[1:] not in case.layers[position].parameters


def _step(factor: float) -> Callable[[Run, int, Any], Any]:
    """A step of descent as long as `factor` says: -1 climbs."""

    def rule(run: Run, at: int, moved: Any) -> Any:
        old = run.layers[at].parameters
        new = {name: old[name] + factor * (value - old[name]) for name, value in moved.parameters.items()}
        return moved.with_parameters({name: np.asarray(value, dtype=old[name].dtype) for name, value in new.items()})

    return rule


def _times(stage: str, position: int, letter: str, factor: float) -> Change:
    def rule(_run: Run, _at: int, found: Any) -> Any:
        return {**found, letter: found[letter] * factor} if letter in found else found

    return Change(stage, position, rule)


def _arriving_da(factor: float) -> Callable[[Run, int, Any], Any]:
    return lambda _run, _at, found: (found[0] * factor, None if found[1] is None else found[1] * factor)


def _arriving_dz(factor: float) -> Callable[[Run, int, Any], Any]:
    def rule(run: Run, at: int, found: Any) -> Any:
        return found[0], run.steps[at].back(*found)["dz"] * factor

    return rule


def _signs(case: Case) -> Iterator[Way]:
    return scaled_ways(case, -1.0)


def _factors(case: Case) -> Iterator[Way]:
    """Factors that courses disagree about: halves and twos, and the numbers of examples and outputs."""
    tried: list[float] = [1.0, -1.0]
    for factor, words in _named_factors(case):
        if not any(abs(factor - other) < 1e-9 * abs(factor) for other in tried):
            tried.append(factor)
            said = (("factor", words),)
            yield from (way._replace(kind=f"{way.kind} {factor:g}") for way in scaled_ways(case, factor, said))


def _named_factors(case: Case) -> Sequence[tuple[float, str]]:
    examples = case.counted
    outputs = case.outputs
    steps = [
        (factor, f"{words} (the number of steps or places)")
        for n in _shared_places(case)
        for factor, words in ((float(n), f"{n}"), (1 / n, f"1/{n}"))
    ]
    many = [
        (float(outputs), f"{outputs} (the number of outputs)"), (1 / outputs, f"1/{outputs} (one over the outputs)"),
        (float(examples), f"{examples} (the number of examples)"),
        (1 / examples, f"1/{examples} (one over the examples)"),
        (2.0 * outputs, f"{2 * outputs}"), (2 / outputs, f"2/{outputs}"), (0.5 / outputs, f"1/{2 * outputs}"),
        (2.0 * examples, f"{2 * examples}"), (2 / examples, f"2/{examples}"), (0.5 / examples, f"1/{2 * examples}"),
        (float(outputs * examples), f"{outputs * examples}"), (1 / outputs / examples, f"1/{outputs * examples}"),
    ]  # fmt: skip
    plain = [
        (2.0, "2"),
        (0.5, "1/2"),
        (-2.0, "-2"),
        (-0.5, "-1/2"),
        (4.0, "4"),
        (0.25, "1/4"),
        (10.0, "10"),
        (0.1, "1/10"),
    ]
    return [*plain[:2], *many, *steps, *plain[2:]]


def _shared_places(case: Case) -> list[int]:
    """How many steps, or places of a kernel, share a layer's parameters in one example."""
    found = [
        one.by.size // len(one.by) // one.by.shape[one.units]
        for position in case.backward()
        for one in own_terms(case.right, position)
    ]
    return list(dict.fromkeys(n for n in found if n > 1))


def _averages(case: Case, factor: float) -> Iterator[Way]:
    """The division by the number of examples left out or made twice: in the loss, its gradient, or the parameters'."""
    if case.counted == 1 or not case.passes_back or _summed(case):
        return
    yield from _from_the_loss(case, factor, ())
    for position in case.backward():
        letters = [f"d{name}" for name in case.layers[position].parameters]
        for chosen in [letters, *([one] for one in letters)] if len(letters) > 1 else [letters] if letters else []:
            changes = tuple(_averaged_again(position, letter, factor) for letter in chosen)
            yield Way(" ".join(chosen), position, chosen[0], changes)
    if not case.problem.average_parameters:
        yield _kept_per_example(case, factor)


def _averaged_again(position: int, letter: str, factor: float) -> Change:
    """The gradient of the data alone: a penalty is no mean over examples."""

    def rule(run: Run, at: int, found: Any) -> Any:
        return {**found, letter: found[letter] + (factor - 1.0) * run.combined[at][letter]}

    return Change("final", position, rule)


def _kept_per_example(case: Case, factor: float) -> Way:
    """Gradients by a, z and x of one example's loss, averaged only in those of the parameters."""
    changes = []
    for position, layer in enumerate(case.layers):
        for letter in case.right.gradients[position]:
            if letter[0] == "d" and letter[1:] not in layer.parameters:
                changes.append(_times("shown", position, letter, factor))
    last = len(case.layers) - 1
    return Way("per example", last, "da" if case.layers else "da0", tuple(changes))


def _summed(case: Case) -> bool:
    """Whether the loss is a sum over the examples, so that nothing is averaged."""
    return case.problem.conventions.get("reduction") == "sum"


def _not_averaged(case: Case) -> Iterator[Way]:
    return _averages(case, float(case.counted))


def _averaged_twice(case: Case) -> Iterator[Way]:
    return _averages(case, 1 / case.counted)


SIGN = Mistake(
    "sign_flipped",
    "a gradient or loss with the wrong sign",
    "{quantity} has the wrong sign: every number is minus the right one, as when the target and the output "
    "change places in a difference, or a step climbs instead of descending.",
    "da = y - a instead of a - y",
    _signs,
)
FACTOR = Mistake(
    "constant_factor",
    "a gradient or loss times a constant",
    "{quantity} is {factor} times the right one, in every number.",
    "L = (a - y)^2 but da = a - y: the 2 is missing, so da is 1/2 times the right one",
    _factors,
)
NOT_AVERAGED = Mistake(
    "not_averaged_over_batch",
    "the division by the number of examples is missing",
    "{quantity} is summed over the examples but not averaged: the division by their number N is missing.",
    "dW = x^T dz with dz of the summed loss, instead of x^T dz / N",
    _not_averaged,
)
AVERAGED_TWICE = Mistake(
    "averaged_over_batch_twice",
    "divided by the number of examples twice",
    "{quantity} is divided by the number of examples N twice: once in the loss, and once more.",
    "dW = x^T dz / N where dz has its 1/N already",
    _averaged_twice,
)
