"""Mistakes with the products of the way back: transposes, and whose numbers they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from gradcalc.mistakes.entry import Case, Mistake, Way, replaced
from gradcalc.mistakes.tape import Change, Run
from gradcalc.network import descend
from gradcalc.shapes import Array

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
                for words, axes in _axes(own[letter]) if letter in own else ():
                    change = replaced("shown", position, letter, _turned(letter, axes))
                    yield Way(f"{letter} {words}", position, letter, (change,), (("axes", words),))


def _axes(array: Array) -> list[tuple[str, tuple[int, int]]]:
    """The pairs of axes that may be exchanged."""
    pairs = [("rows and columns", (0, 1))] if array.ndim == 2 else []
    if array.ndim > 2:
        pairs = [("first two axes", (0, 1)), ("last two axes", (-2, -1))]
    return [pair for pair in pairs if min(array.shape[axis] for axis in pair[1]) > 1]


def _turned(letter: str, axes: tuple[int, int]) -> Callable[[Run, int, Any], Array]:
    return lambda run, at, found: np.swapaxes((found if letter in found else run.own(at))[letter], *axes)


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
    "{quantity} is transposed: its {axes} are exchanged.",
    "dW = dz^T x for z = x W, where x^T dz belongs",
    _transposed,
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
