"""Mistakes with the products of the way back: transposes, sums and whose numbers they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradcalc.mistakes.entry import Case, Mistake, Way, replaced
from gradcalc.mistakes.tape import Change, Run
from gradcalc.network import descend
from gradcalc.shapes import Array

#: So many outputs are tried one by one.
_MOST_OUTPUTS = 16

#: What may be written down for another layer's.
_EXCHANGED = (
    *((letter,) for letter in ("dW", "db", "dWx", "dWh", "dgamma", "dbeta", "dz", "da", "W_new", "b_new")),
    *(("dW", "db"), ("dWx", "dWh", "db"), ("dgamma", "dbeta"), ("W_new", "b_new")),
)


def _transposed(case: Case) -> Iterator[Way]:
    for pattern in ("d{}", "{}_new"):
        for position, layer in reversed(list(enumerate(case.layers))):
            own = case.right.own(position)
            for letter in (pattern.format(name) for name in layer.parameters):
                if letter in own and own[letter].ndim == 2 and min(own[letter].shape) > 1:
                    change = replaced("shown", position, letter, _turned(letter))
                    yield Way(letter, position, letter, (change,))


def _turned(letter: str) -> Callable[[Run, int, Any], Array]:
    return lambda run, at, found: (found if letter in found else run.own(at))[letter].T


def _not_transposed(case: Case) -> Iterator[Way]:
    for position in case.dense():
        W = case.layers[position].parameters["W"]
        if W.shape[0] == W.shape[1] > 1:
            change = replaced(
                "gradients", position, "dx", lambda run, at, found: found["dz"] @ run.layers[at].parameters["W"]
            )
            yield Way("dx", position, "dx", (change,))


def _one_output(case: Case) -> Iterator[Way]:
    """dx by one output's path alone, or by each unit's own."""
    for position in case.dense():
        W = case.layers[position].parameters["W"]
        units = W.shape[1]
        if units == 1:
            continue
        for unit in range(units) if units <= _MOST_OUTPUTS else (0, units - 1):
            said = (("path", f"only the path through output {unit}"),)
            change = replaced("gradients", position, "dx", _path(unit))
            kind = "last output" if unit == units - 1 else f"output {unit}"
            yield Way(kind, position, "dx", (change,), said)
        if W.shape[0] == units:
            change = replaced(
                "gradients",
                position,
                "dx",
                lambda run, at, found: found["dz"] * np.diag(run.layers[at].parameters["W"]),
            )
            yield Way(
                "own", position, "dx", (change,), (("path", "only the path through the output of the same number"),)
            )


def _path(unit: int) -> Callable[[Run, int, Any], Array]:
    return lambda run, at, found: np.outer(found["dz"][:, unit], run.layers[at].parameters["W"][:, unit])


def _not_summed(case: Case) -> Iterator[Way]:
    """A bias's gradient for each example instead of their sum."""
    for position, b in _biases(case):
        if b.ndim == 0:
            yield Way("shared", position, "db", (replaced("shown", position, "db", _per_unit),))
        if case.examples == 1 or b.ndim == 0:
            continue
        for example, words in ((0, "first"), (case.examples - 1, "last")):
            for kind, divisor in ((words, 1), (f"{words} averaged", case.examples)):
                yield Way(kind, position, "db", (replaced("final", position, "db", _of_example(example, divisor)),))
        if not _folded(case, position):
            for kind, divide in (("rows", False), ("rows averaged", True)):
                yield Way(kind, position, "db", (replaced("shown", position, "db", _rows(divide)),))


def _biases(case: Case) -> Iterator[tuple[int, Array]]:
    """The dense layers that have a bias, with it."""
    for position in case.dense():
        b = case.layers[position].parameters.get("b")
        if b is not None:
            yield position, b


def _folded(case: Case, position: int) -> bool:
    """Whether the spec keeps the bias among the weights, where only a gradient of the same shape has a place."""
    return "db" not in case.right.own(position)


def _per_unit(run: Run, at: int, _found: Any) -> Array:
    return np.asarray(run.gradients[at]["dz"].sum(axis=0))


def _of_example(example: int, divisor: int) -> Callable[[Run, int, Any], Array]:
    return lambda run, at, _found: np.asarray(run.gradients[at]["dz"][example] / divisor)


def _rows(divide: bool) -> Callable[[Run, int, Any], Array]:
    def rule(run: Run, at: int, _found: Any) -> Array:
        return run.problem.examples.write(run.gradients[at]["dz"] / (run.examples if divide else 1))

    return rule


def _over_units(case: Case) -> Iterator[Way]:
    """A bias's gradient summed over the units as well, or instead."""
    for position, b in _biases(case):
        if b.size == 1:
            continue
        everywhere = replaced(
            "final", position, "db", lambda _run, _at, found: np.full_like(found["db"], found["db"].sum())
        )
        yield Way("everywhere", position, "db", (everywhere,))
        if not _folded(case, position):
            yield Way("one", position, "db", (replaced("shown", position, "db", _to_one),))
            for kind, divisor in (("examples", 1), ("examples averaged", case.examples)):
                yield Way(kind, position, "db", (replaced("shown", position, "db", _by_example(divisor)),))


def _to_one(_run: Run, _at: int, found: Any) -> Array:
    return np.asarray(found["db"].sum())


def _by_example(divisor: int) -> Callable[[Run, int, Any], Array]:
    """The sum along the wrong axis, as dz has it or divided."""
    return lambda run, at, _found: np.asarray(run.gradients[at]["dz"].sum(axis=1) / divisor)


def _of_other(case: Case) -> Iterator[Way]:
    """One layer's quantities written down for another's of the same shapes, one way round or both."""
    for letters in _EXCHANGED:
        shapes = _shapes(case, letters)
        for position, shape in sorted(shapes.items(), reverse=True):
            for other in shapes:
                if other != position and shapes[other] == shape:
                    said = (("other", _taken(case, position, other, letters)),)
                    kind, changes = " ".join(letters), _taking(position, other, letters)
                    yield Way(f"{kind} of {other - position}", position, letters[0], changes, said)
                    if other < position:
                        both = (*changes, *_taking(other, position, letters))
                        yield Way(f"{kind} exchanged", position, letters[0], both, said)


def _shapes(case: Case, letters: Sequence[str]) -> dict[int, list[tuple[int, ...]]]:
    """The shapes of these quantities by the layers that have them all."""
    owned = {position: case.right.own(position) for position in range(len(case.layers))}
    having = {i: own for i, own in owned.items() if all(letter in own for letter in letters)}
    return {i: [own[letter].shape for letter in letters] for i, own in having.items()}


def _taking(position: int, other: int, letters: Sequence[str]) -> tuple[Change, ...]:
    return tuple(replaced("shown", position, letter, _other(other, letter)) for letter in letters)


def _taken(case: Case, position: int, other: int, letters: Sequence[str]) -> str:
    """What is taken, in words: layer2.dW, and layer1.db those of layer2.db."""
    more = [f"{case.name(position)}.{letter} those of {case.name(other)}.{letter}" for letter in letters[1:]]
    return ", and ".join([f"{case.name(other)}.{letters[0]}", *more])


def _other(other: int, letter: str) -> Callable[[Run, int, Any], Array]:
    return lambda run, _at, _found: run.own(other)[letter]


def _updated_first(case: Case) -> Iterator[Way]:
    """dx through the weights after their step."""
    if case.problem.learning_rate is None:
        return
    for position in case.backward():
        passed = {"dW", "dz", "dx"} <= set(case.right.gradients[position])
        if passed and case.right.previous(position) is not None:
            yield Way("dx", position, "dx", (replaced("gradients", position, "dx", _through_new),))


def _through_new(run: Run, at: int, found: Any) -> Array:
    """dx of the layer with the parameters that its own gradients, averaged and with penalties, lead to."""
    divisor = run.problem.counted if run.problem.average_parameters else 1
    own = {name: found[name] / divisor + term for name, term in run.penalized(run.problem.penalties, at).items()}
    assert run.problem.learning_rate is not None
    moved = descend([run.layers[at]], [own], run.problem.learning_rate)[0]
    return run.again(at, moved).back(found["da"], found.get("dz"))["dx"]


def _new_given(case: Case) -> Iterator[Way]:
    """The parameters after the step where their gradients belong."""
    yield from _given_for_gradients(case, "_new")


def _weights_given(case: Case) -> Iterator[Way]:
    """The parameters themselves where their gradients belong."""
    yield from _given_for_gradients(case, "")


def _given_for_gradients(case: Case, suffix: str) -> Iterator[Way]:
    for position in case.backward():
        own = case.right.own(position)
        letters = [name for name in case.layers[position].parameters if f"{name}{suffix}" in own and f"d{name}" in own]
        changes = [replaced("shown", position, f"d{name}", _named(f"{name}{suffix}")) for name in letters]
        if len(letters) > 1:
            yield Way("all", position, f"d{letters[0]}", tuple(changes), (("given", f"{letters[0]}{suffix}"),))
        for name, change in zip(letters, changes, strict=True):
            yield Way(name, position, f"d{name}", (change,), (("given", f"{name}{suffix}"),))


def _named(letter: str) -> Callable[[Run, int, Any], Array]:
    return lambda run, at, _found: run.own(at)[letter]


TRANSPOSED = Mistake(
    "transposed",
    "a weight gradient transposed",
    "{quantity} is transposed: its rows and columns are exchanged.",
    "dW = dz^T x for z = x W, where x^T dz belongs",
    _transposed,
)
NOT_TRANSPOSED = Mistake(
    "weights_not_transposed_back",
    "W in the place of its transpose on the way back",
    "{quantity} goes back through W of layer {layer} as it stands; on the way back its transpose belongs there.",
    "dx = dz W instead of dz W^T",
    _not_transposed,
)
ONE_OUTPUT = Mistake(
    "sum_over_outputs_missing",
    "the sum over the outputs is missing",
    "{quantity} has {path}: an input of layer {layer} reaches the loss through every output, and all paths add up.",
    "dx = dz[0] W[:, 0] instead of the sum over all outputs",
    _one_output,
)
NOT_SUMMED = Mistake(
    "bias_not_summed",
    "the gradient of a bias not summed",
    "{quantity} is not summed: the bias of layer {layer} is shared, so its gradient is the sum of all that arrives.",
    "db = dz instead of the sum of dz over the examples",
    _not_summed,
)
OVER_UNITS = Mistake(
    "bias_summed_over_units",
    "the gradient of a bias summed over the units",
    "{quantity} is summed over the units of layer {layer}: each unit has a bias and a gradient of its own.",
    "db = sum(dz) over everything instead of over the examples",
    _over_units,
)
OF_OTHER = Mistake(
    "gradient_of_other_layer",
    "another layer's numbers",
    "{quantity} has the numbers of {other}.",
    "dW1 and dW2 exchanged",
    _of_other,
)
UPDATED_FIRST = Mistake(
    "weights_updated_first",
    "the way back through weights that are updated already",
    "{quantity} goes back through the new weights of layer {layer}: all gradients are taken at the old ones.",
    "W2 = W2 - r dW2, and then dx = dz W2^T",
    _updated_first,
)
NEW_GIVEN = Mistake(
    "new_weights_given",
    "new parameters in the place of gradients",
    "{quantity} holds {given} of layer {layer}, the parameters after the step, and not their gradient.",
    "dW1: [the numbers of W1 - r dW1]",
    _new_given,
)
WEIGHTS_GIVEN = Mistake(
    "weights_given",
    "parameters in the place of gradients",
    "{quantity} holds {given} of layer {layer}, the parameters themselves, and not their gradient.",
    "dW1: [the numbers of W1]",
    _weights_given,
)
