"""Mistakes with the sums of the way back: over examples, steps, places, outputs, heads and paths."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcalc.layers.attention import ROLES, Attention
from gradcalc.layers.conv import Conv
from gradcalc.layers.dense import Dense
from gradcalc.layers.recurrent import Recurrent
from gradcalc.layers.rnn import RNN
from gradcalc.mistakes.entry import Case, Mistake, Way, replaced
from gradcalc.mistakes.tape import Change, Run
from gradcalc.mistakes.terms import Terms, joined, matrix, of_letter, own_terms, part
from gradcalc.mistakes.through_time import back_in_time
from gradcalc.shapes import Array

#: So many outputs are tried one by one.
_MOST_OUTPUTS = 16

#: Of what a gradient is a sum; which entry along which axis of `by` is left: the first example, the last step ...
_Part = tuple[str, int, int]


def _all_terms(case: Case) -> Iterator[tuple[int, Terms]]:
    for position in case.backward():
        for one in own_terms(case.right, position):
            yield position, one


def _parts(one: Terms) -> list[_Part]:
    """The single examples and steps that may be all there is of a sum."""
    found = [("example", 0)] + ([("step", 1)] if one.steps else [])
    return [
        (f"the {word} {name}", axis, index)
        for name, axis in found
        if one.by.shape[axis] > 1
        for word, index in (("first", 0), ("last", -1))
    ]


def _weights_not_summed(case: Case) -> Iterator[Way]:
    """A weight's gradient from one example, or one step, alone."""
    for position, one in _all_terms(case):
        if one.weight in case.layers[position].parameters:
            for words, axis, index in _parts(one):
                change = _of_part(position, one.weight, axis, index)
                yield Way(f"{one.weight} {words}", position, f"d{one.weight}", (change,), (("part", words),))


def _of_part(position: int, letter: str, axis: int, index: int, divide: bool = False) -> Change:
    """The gradient of a parameter from one entry along an axis of what it is summed over."""

    def value(run: Run, at: int, found: Any) -> Array:
        one = of_letter(run, at, found, letter)
        return np.asarray(one.of(part(one.by, axis, index))[f"d{letter}"] / (one.by.shape[axis] if divide else 1))

    return replaced("gradients", position, f"d{letter}", value)


def _bias_not_summed(case: Case) -> Iterator[Way]:
    """A bias's gradient for each example, step or place instead of their sum."""
    for position, one in _all_terms(case):
        letter = f"d{one.bias}"
        b = case.layers[position].parameters.get(one.bias)
        if b is None:
            continue
        for words, axis, index in _parts(one):
            for kind, divide in ((words, False), (f"{words} averaged", True)):
                yield Way(f"{one.bias} {kind}", position, letter, (_of_part(position, one.bias, axis, index, divide),))
        if not _folded(case, position, letter):
            for kind, value in _unsummed(one, b).items():
                yield Way(
                    f"{one.bias} {kind}", position, letter, (replaced("shown", position, letter, value(one.bias)),)
                )


#: From a bias's letter what is written for its gradient.
_Written = Callable[[str], Callable[[Run, int, Any], Array]]


def _unsummed(one: Terms, b: Array) -> dict[str, _Written]:
    """What may be written down in the place of the sum, where it is another thing."""
    examples, others = len(one.by), one.by.size // len(one.by) // one.by.shape[one.units]
    found: dict[str, _Written] = {}
    if b.ndim == 0:
        found["shared"] = lambda letter: lambda run, at, _: _over(run, at, letter, all_but_units=True)
    if examples > 1 or others > 1:
        found["rows"] = lambda letter: lambda run, at, _: run.problem.examples.write(_by(run, at, letter).by)
    if examples > 1:
        found["rows averaged"] = lambda letter: (
            lambda run, at, _: run.problem.examples.write(_by(run, at, letter).by / run.examples)
        )
    if others > 1:
        found["examples"] = lambda letter: lambda run, at, _: _by(run, at, letter).by.sum(axis=0)
    if others > 1 and examples > 1:
        found["places"] = lambda letter: lambda run, at, _: _over(run, at, letter, all_but_units=False)
    return found


def _by(run: Run, at: int, letter: str) -> Terms:
    return of_letter(run, at, run.gradients[at], letter)


def _over(run: Run, at: int, letter: str, *, all_but_units: bool) -> Array:
    """The sum over all axes but the units', and but the examples'."""
    one = _by(run, at, letter)
    axes = (axis for axis in range(0 if all_but_units else 1, one.by.ndim) if axis != one.units)
    return np.asarray(one.by.sum(axis=tuple(axes)))


def _folded(case: Case, position: int, letter: str) -> bool:
    """Whether the spec keeps the bias among the weights, where only a gradient of the same shape has a place."""
    return letter not in case.right.own(position)


def _over_units(case: Case) -> Iterator[Way]:
    """A bias's gradient summed over the units as well, or instead."""
    for position, one in _all_terms(case):
        b, letter = case.layers[position].parameters.get(one.bias), f"d{one.bias}"
        if b is None or b.size == 1:
            continue
        yield Way(f"{one.bias} everywhere", position, letter, (replaced("final", position, letter, _filled(letter)),))
        if not _folded(case, position, letter):
            yield Way(f"{one.bias} one", position, letter, (replaced("shown", position, letter, _to_one(letter)),))
            if one.by.ndim == 2:
                for kind, divisor in (("examples", 1), ("examples averaged", case.examples)):
                    change = replaced("shown", position, letter, _by_example(one.bias, divisor))
                    yield Way(f"{one.bias} {kind}", position, letter, (change,))


def _filled(letter: str) -> Callable[[Run, int, Any], Array]:
    return lambda _run, _at, found: np.full_like(found[letter], found[letter].sum())


def _to_one(letter: str) -> Callable[[Run, int, Any], Array]:
    return lambda _run, _at, found: np.asarray(found[letter].sum())


def _by_example(letter: str, divisor: int) -> Callable[[Run, int, Any], Array]:
    """The sum along the wrong axis, as dz has it or divided."""
    return lambda run, at, _found: np.asarray(_by(run, at, letter).by.sum(axis=1) / divisor)


def _one_output(case: Case) -> Iterator[Way]:
    """dx by one output's path alone, or by each unit's own."""
    for position in case.backward():
        layer = case.layers[position]
        if isinstance(layer, Dense | Conv):
            yield from _by_unit(case, position)
        elif isinstance(layer, Recurrent):
            yield from _by_gate(position, layer)
        elif isinstance(layer, Attention):
            yield from _by_head(position, layer)
    for position in case.dense():
        W = case.layers[position].parameters["W"]
        if W.shape[0] == W.shape[1] > 1:
            change = replaced("gradients", position, "dx", _own_output)
            said = (("path", "only the path through the output of the same number"),)
            yield Way("own", position, "dx", (change,), said)


def _by_unit(case: Case, position: int) -> Iterator[Way]:
    (one,) = own_terms(case.right, position)
    units = one.by.shape[one.units]
    for unit in range(units) if units <= _MOST_OUTPUTS else (0, units - 1):
        if units > 1:
            word = "output" if isinstance(case.layers[position], Dense) else "channel"
            kind = f"last {word}" if unit == units - 1 else f"{word} {unit}"
            change = replaced("gradients", position, "dx", _through(one.weight, slice(unit, unit + 1)))
            yield Way(kind, position, "dx", (change,), (("path", f"only the path through {word} {unit}"),))


def _by_gate(position: int, layer: Recurrent) -> Iterator[Way]:
    """dx through one gate's block of Wx alone, or one unit's column."""
    units = layer.units
    if len(layer.order) > 1:
        parts = [
            (f"gate {layer.gates[gate]}", slice(k * units, k * units + units)) for k, gate in enumerate(layer.order)
        ]
    else:
        parts = [(f"unit {unit}", slice(unit, unit + 1)) for unit in range(units) if 1 < units <= _MOST_OUTPUTS]
    for words, columns in parts:
        change = replaced("gradients", position, "dx", _through("Wx", columns))
        yield Way(words, position, "dx", (change,), (("path", f"only the path through {words}"),))


def _through(letter: str, units: slice) -> Callable[[Run, int, Any], Array]:
    def value(run: Run, at: int, found: Any) -> Array:
        one = of_letter(run, at, found, letter)
        return one.of(part(one.by, one.units, units))["dx"]

    return value


def _own_output(run: Run, at: int, found: Any) -> Array:
    return np.asarray(found["dz"] * np.diag(run.layers[at].parameters["W"]))


def _by_head(position: int, layer: Attention) -> Iterator[Way]:
    """dx without some of the paths through queries, keys and values, or through one head alone."""
    if len(layer.takes) == 1:
        names = {"q": "the queries", "k": "the keys", "v": "the values"}
        for left, words in names.items():
            others = " and ".join(word for letter, word in names.items() if letter != left)
            for letters, said in ((left, words), ("qkv".replace(left, ""), others)):
                change = replaced("gradients", position, "dx", _through_projections(0, letters, slice(None)))
                yield Way(letters, position, "dx", (change,), (("path", f"only the path through {said}"),))
    if 1 < layer.heads <= _MOST_OUTPUTS:
        for head in range(layer.heads):
            changes = tuple(
                replaced("gradients", position, letter, _through_projections(role, "qkv", head))
                for role, letter in enumerate(_inputs(layer))
            )
            yield Way(f"head {head}", position, "dx", changes, (("path", f"only the path through head {head}"),))


def _inputs(layer: Attention) -> list[str]:
    """The names of the derivatives by its inputs."""
    count = len(layer.takes)
    return ["dx"] if count == 1 else [f"dx[{i}]" for i in range(count)]


def _through_projections(role: int, letters: str, heads: int | slice) -> Callable[[Run, int, Any], Array]:
    """The derivative by one input through some of the projections, and some of the heads."""

    def value(run: Run, at: int, found: Any) -> Array:
        layer = run.layers[at]
        assert isinstance(layer, Attention)
        dx: Array = np.zeros((), run.output.dtype)
        for letter, of_role in zip("qkv", ROLES[len(layer.takes)], strict=True):
            if of_role == role and letter in letters:
                by = found[f"d{letter}"]
                dx = dx + projected_back(layer, letter, joined(part(by, 1, heads) if by.ndim == 4 else by))
        return dx

    return value


def projected_back(layer: Attention, letter: str, by: Array, *, transposed: bool = True) -> Array:
    """What an input of attention gets from the derivative by one of its projections."""
    if f"W{letter}" not in layer.parameters:
        return by
    W = matrix(layer, f"W{letter}", layer.takes[ROLES[len(layer.takes)]["qkv".index(letter)]][-1])
    return np.asarray(by @ (W.T if transposed else W))


def _not_transposed(case: Case) -> Iterator[Way]:
    for position in case.backward():
        layer = case.layers[position]
        if isinstance(layer, Dense) and _is_square(layer.W):
            change = replaced("gradients", position, "dx", _as_it_stands)
        elif isinstance(layer, Recurrent) and _is_square(layer.parameters["Wx"]):
            change = replaced("gradients", position, "dx", _inputs_as_they_stand)
        elif isinstance(layer, Attention) and len(layer.takes) == 1 and _all_square(layer):
            change = replaced("gradients", position, "dx", _projections_as_they_stand)
        else:
            continue
        yield Way("dx", position, "dx", (change,))
    for position in case.backward():
        layer = case.layers[position]
        if isinstance(layer, RNN) and layer.units > 1 and layer.takes[0][0] > 1:
            back = Change("gradients", position, lambda run, at, found: back_in_time(run, at, found, transposed=False))
            yield Way("time", position, "dz", (back,))


def _is_square(W: Array) -> bool:
    return W.ndim == 2 and W.shape[0] == W.shape[1] > 1


def _all_square(layer: Attention) -> bool:
    given = [W for letter in "qkv" if (W := layer.parameters.get(f"W{letter}")) is not None]
    return bool(given) and all(map(_is_square, given))


def _as_it_stands(run: Run, at: int, found: Any) -> Array:
    return np.asarray(found["dz"] @ run.layers[at].parameters["W"])


def _inputs_as_they_stand(run: Run, at: int, found: Any) -> Array:
    layer = run.layers[at]
    assert isinstance(layer, Recurrent)
    return np.asarray(found["dz"] @ matrix(layer, "Wx", layer.takes[0][-1]))


def _projections_as_they_stand(run: Run, at: int, found: Any) -> Array:
    layer = run.layers[at]
    assert isinstance(layer, Attention)
    parts = (projected_back(layer, letter, joined(found[f"d{letter}"]), transposed=False) for letter in "qkv")
    return np.asarray(sum(parts))


BIAS_NOT_SUMMED = Mistake(
    "bias_not_summed",
    "the gradient of a bias not summed",
    "{quantity} is not summed: the bias of layer {layer} is shared, so its gradient is the sum of all that arrives.",
    "db = dz instead of the sum of dz over the examples (and steps, or places)",
    _bias_not_summed,
)
WEIGHTS_NOT_SUMMED = Mistake(
    "weights_not_summed",
    "the gradient of a weight from one example or step alone",
    "{quantity} has only the part of {part}: layer {layer} uses its weights for all of them, and all parts add up.",
    "dWx = x[T]^T dz[T] instead of the sum of x[t]^T dz[t] over all steps",
    _weights_not_summed,
)
OVER_UNITS = Mistake(
    "bias_summed_over_units",
    "the gradient of a bias summed over the units",
    "{quantity} is summed over the units of layer {layer}: each unit has a bias and a gradient of its own.",
    "db = sum(dz) over everything instead of over the examples",
    _over_units,
)
ONE_OUTPUT = Mistake(
    "sum_over_outputs_missing",
    "the sum over the outputs is missing",
    "{quantity} has {path}: an input of layer {layer} reaches the loss on every path, and all paths add up.",
    "dx = dz[0] W[:, 0] instead of the sum over all outputs",
    _one_output,
)
NOT_TRANSPOSED = Mistake(
    "weights_not_transposed_back",
    "W in the place of its transpose on the way back",
    "{quantity} goes back through W of layer {layer} as it stands; on the way back its transpose belongs there.",
    "dx = dz W instead of dz W^T",
    _not_transposed,
)
