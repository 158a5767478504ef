"""Mistakes in recurrent layers, attention and normalisation: time, the order of gates, the scale, the statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from typing import Any

import numpy as np

from gradcalc.layers.attention import Attention
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.recurrent import Recurrent
from gradcalc.mistakes.entry import Case, Mistake, Way
from gradcalc.mistakes.sums import projected_back
from gradcalc.mistakes.tape import Change, Run
from gradcalc.mistakes.terms import joined, part, terms
from gradcalc.mistakes.through_time import with_dz
from gradcalc.shapes import Array

#: Longer sequences take too many ways back, one for each step.
_MOST_STEPS = 64

#: The orders in which books and libraries have the gates, by their letters here.
_ORDERS = {
    "lstm": tuple(map(tuple, ("ifog", "ifgo", "figo", "fiog", "iofg", "igfo", "gifo", "foig", "gfio", "oifg"))),
    "gru": tuple(map(tuple, ("rzn", "zrn", "nrz", "nzr", "rnz", "znr"))),
}


def _recurrent(case: Case) -> Iterator[tuple[int, Recurrent]]:
    for position, layer in reversed(list(enumerate(case.layers))):
        if isinstance(layer, Recurrent):
            yield position, layer


def _not_carried(case: Case) -> Iterator[Way]:
    """Each step's gradient from its own output alone."""
    if not case.passes_back:
        return
    for position, layer in _recurrent(case):
        if 1 < layer.takes[0][0] <= _MOST_STEPS:
            yield Way("time", position, "dz", (Change("gradients", position, _step_by_step),))


def _step_by_step(run: Run, at: int, found: Any) -> Any:
    """What a step's output alone sends to the same step, for every step by itself."""
    layer, step, da = run.layers[at], run.steps[at], found["da"]
    assert isinstance(layer, Recurrent)
    own = {name: np.zeros_like(found[name]) for name in _by_steps(layer, found)}
    for t in range(layer.takes[0][0]) if layer.return_sequences else (-1,):
        sent = step.back(part(da, 1, t) if layer.return_sequences else da, None)
        for name, array in own.items():
            array[:, t] = sent[name][:, t]
    return with_dz(run, at, {**found, **own}, own["dz"])


def _by_steps(layer: Recurrent, found: Quantities) -> list[str]:
    """The derivatives by what a layer computes at each step."""
    own = (name for name in found if name[0] == "d" and name[1:] not in layer.parameters)
    return [name for name in own if name not in ("da", "dx", *(f"d{state}" for state in layer.states))]


def _other_order(case: Case) -> Iterator[Way]:
    """The blocks of the weights read as those of other gates, or the gradients written in another order."""
    for position, layer in _recurrent(case):
        names = tuple(layer.gates[gate] for gate in layer.order)
        for order in _ORDERS.get(layer.type, ()):
            if order == names:
                continue
            said = (("order", ", ".join(order)), ("right", ", ".join(names)))
            change = Change("layer", position, _reordered(order))
            yield Way(f"order {order}", position, "a", (change,), said)
            if case.passes_back:
                written = Change("shown", position, _rewritten([names.index(gate) for gate in order]))
                yield Way(f"written {order}", position, "dWx", (written,), said)


def _reordered(order: tuple[str, ...]) -> Callable[[Run, int, Layer], Layer]:
    def rule(_run: Run, _at: int, layer: Layer) -> Layer:
        assert isinstance(layer, Recurrent)
        other = copy(layer)
        other.order = tuple(layer.gates.index(gate) for gate in order)
        return other

    return rule


def _rewritten(blocks: list[int]) -> Callable[[Run, int, Quantities], Quantities]:
    """The gradients of the parameters with their blocks of units in another order."""

    def rule(run: Run, at: int, found: Quantities) -> Quantities:
        layer = run.layers[at]
        assert isinstance(layer, Recurrent)
        return {name: _moved(layer, name, array, blocks) for name, array in found.items()}

    return rule


def _moved(layer: Recurrent, name: str, array: Array, blocks: list[int]) -> Array:
    if name not in ("dWx", "dWh", "db", "dbh") or array.size < len(blocks):
        return array
    axis = 0 if array.ndim == 1 or layer.layout == "out_in" else 1
    if array.shape[axis] != len(blocks) * layer.units:
        return array
    parts = np.split(array, len(blocks), axis=axis)
    return np.concatenate([parts[block] for block in blocks], axis=axis)


def _attention(case: Case) -> Iterator[tuple[int, Attention]]:
    for position, layer in reversed(list(enumerate(case.layers))):
        if isinstance(layer, Attention):
            yield position, layer


def _scale(case: Case) -> Iterator[Way]:
    """Scores that are not divided by the root of the key's width, on both ways or on the way back alone."""
    for position, layer in _attention(case):
        if layer.scale == 1.0:
            continue
        yield Way("scale", position, "scores", (Change("layer", position, _unscaled),))
        if case.passes_back:
            back = Change("gradients", position, _unscaled_back)
            yield Way("scale back", position, "dq", (back,))


def _unscaled(_run: Run, _at: int, layer: Layer) -> Layer:
    assert isinstance(layer, Attention)
    other = copy(layer)
    other.scale = 1.0
    return other


def _unscaled_back(run: Run, at: int, found: Quantities) -> Quantities:
    layer = run.layers[at]
    assert isinstance(layer, Attention)
    return _from_products(run, at, {**found, "dq": found["dq"] / layer.scale, "dk": found["dk"] / layer.scale})


def _from_products(run: Run, at: int, found: Quantities) -> Quantities:
    """The gradients of attention's projections and inputs from dq, dk and dv."""
    layer = run.layers[at]
    assert isinstance(layer, Attention)
    changed = dict(found)
    for one in terms(run, at, changed):
        changed |= one.of(one.by)
    if len(layer.takes) == 1:
        changed["dx"] = np.asarray(sum(projected_back(layer, one, joined(changed[f"d{one}"])) for one in "qkv"))
    return changed


def scores_elementwise(case: Case) -> Iterator[Way]:
    """The softmax of attention's scores as if each weight came of its own score alone."""
    if not case.passes_back:
        return
    for position, _ in _attention(case):
        yield Way("scores", position, "dscores", (Change("gradients", position, _diagonal),))


def _diagonal(run: Run, at: int, found: Quantities) -> Quantities:
    layer, quantities = run.layers[at], run.steps[at].quantities
    assert isinstance(layer, Attention)
    weights = quantities["weights"]
    dscores = found["dweights"] * weights * (1 - weights)
    dq = layer.scale * dscores @ quantities["k"]
    dk = layer.scale * dscores.swapaxes(-1, -2) @ quantities["q"]
    return _from_products(run, at, {**found, "dscores": dscores, "dq": dq, "dk": dk})


def _unmasked(case: Case) -> Iterator[Way]:
    for position, layer in _attention(case):
        if layer.mask is not None:
            yield Way("mask", position, "weights", (Change("layer", position, _seeing_all),))


def _seeing_all(_run: Run, _at: int, layer: Layer) -> Layer:
    assert isinstance(layer, Attention)
    other = copy(layer)
    other.mask = None
    return other


def _held(case: Case) -> Iterator[Way]:
    """dx of a normalising layer without the paths through what it divides by and takes away."""
    for position in case.backward():
        paths = [name for name in case.right.gradients[position] if name.startswith("dx_through_")]
        if len(paths) < 2:
            continue
        first, *others = paths
        for left in dict.fromkeys(((first,), *((first, *(one for one in others if one != out)) for out in others))):
            words = " and ".join(path.removeprefix("dx_through_") for path in others if path not in left)
            change = Change("gradients", position, _along(left))
            yield Way(" ".join(left), position, "dx", (change,), (("held", words),))


def _along(paths: tuple[str, ...]) -> Callable[[Run, int, Quantities], Quantities]:
    return lambda _run, _at, found: {**found, "dx": np.asarray(sum(found[path] for path in paths))}


NOT_CARRIED = Mistake(
    "not_carried_through_time",
    "a recurrent gradient without the steps after it",
    "{quantity} is each step's own: the gradient that comes back from the steps after it is missing.",
    "dz[t] = da[t] * f'(z[t]) without dz[t+1] Wh^T",
    _not_carried,
)
OTHER_ORDER = Mistake(
    "gates_in_other_order",
    "the gates of a recurrent layer in another order",
    "{quantity} takes the gates in the order {order}; the spec has them in the order {right}.",
    "i, f, g, o where the spec says i, f, o, g",
    _other_order,
)
SCALE = Mistake(
    "attention_scale_missing",
    "scores of attention that are not scaled",
    "{quantity} is computed without the scale of the scores: 1/sqrt(d), unless the spec has its own.",
    "softmax(q k^T) instead of softmax(q k^T / sqrt(d))",
    _scale,
)
UNMASKED = Mistake(
    "mask_ignored",
    "attention without its mask",
    "{quantity} looks at keys that the mask hides.",
    "softmax(scores) over all keys where the mask is causal",
    _unmasked,
)
HELD = Mistake(
    "statistics_held_fixed",
    "the statistics of a normalisation taken for constants",
    "{quantity} misses the path through {held}: what x is normalised by depends on x too.",
    "dx = dx_hat / std, with mean and var taken for constants",
    _held,
)
