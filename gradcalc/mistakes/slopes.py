"""Mistakes with the slope f': left out, taken at the wrong place, or without its mixed terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradcalc.layers.activation import Activation
from gradcalc.layers.rnn import RNN
from gradcalc.mistakes.entry import Case, Mistake, Way
from gradcalc.mistakes.sequences import scores_elementwise
from gradcalc.mistakes.tape import Change, Run
from gradcalc.mistakes.through_time import back_in_time
from gradcalc.shapes import Array

#: dz from the run, the layer's position and da; None where it cannot be made.
Back = Callable[[Run, int, Array], Array]

#: The slope at every step of an rnn, from its function and z; None where it cannot be made.
RNNSlope = Callable[[Activation, Array], Array | None]

#: Slopes that are written in terms of the output a, by function: f'(z) = g(a), here with z in the place of a.
_BY_OUTPUT: dict[str, Callable[[Array, Any], Array]] = {
    "sigmoid": lambda z, _: z * (1 - z),
    "tanh": lambda z, _: 1 - z * z,
    "softplus": lambda z, _: 1 - np.exp(-z),
    "exponential": lambda z, _: z,
    "softsign": lambda z, _: (1 - np.abs(z)) ** 2,
    "elu": lambda z, values: np.where(z > 0, 1.0, z + values["alpha"]),
    "log_sigmoid": lambda z, _: 1 - np.exp(z),
}


#: The diagonal of a Jacobian by the output a, where it is known without the whole.
_DIAGONALS: dict[str, Callable[[Array], Array]] = {
    "softmax": lambda a: a * (1 - a),
    "softmin": lambda a: -a * (1 - a),
    "log_softmax": lambda a: 1 - np.exp(a),
}

#: No Jacobians of more numbers are made for their diagonals.
_LARGEST = 4_000_000


def slope_ways(position: int, case: Case, kind: str, back: Back, slope: Back | None, said: Any = ()) -> Iterator[Way]:
    """The wrong dz carried on, or used for some of what follows alone; `slope` gives the f_prime that goes with it."""
    dense = "dz" in case.right.gradients[position]
    letter = "dz" if dense else "dx"
    carried = Change("arriving", position, lambda run, at, found: (found[0], back(run, at, found[0])))
    if slope is not None and "f_prime" in case.right.gradients[position]:
        shown = Change("gradients", position, _with_slope(slope))
        yield Way(kind, position, letter, (carried, shown), said)
        yield Way(f"{kind} f_prime", position, "f_prime", (shown,), said)
    yield Way(f"{kind} alone", position, letter, (carried,), said)
    parts = (("dz", "dW", "db"), ("dW", "db"), ("dz",), ("dW",), ("db",), ("dx",)) if dense else ()
    for part in parts:
        held = tuple(name for name in part if name in case.right.gradients[position])
        if held == part or (part == ("dz", "dW", "db") and len(held) > 1):
            change = Change("gradients", position, _partly(back, held))
            yield Way(f"{kind} {' '.join(part)}", position, held[0], (change,), said)


def _with_slope(slope: Back) -> Callable[[Run, int, Any], Any]:
    return lambda run, at, found: {**found, "f_prime": slope(run, at, found["da"])}


def _partly(back: Back, letters: tuple[str, ...]) -> Callable[[Run, int, Any], Any]:
    """The wrong dz in these letters only."""

    def rule(run: Run, at: int, found: Any) -> Any:
        wrong = run.steps[at].back(found["da"], back(run, at, found["da"]))
        return {**found, **{letter: wrong[letter] for letter in letters}}

    return rule


def activated(case: Case) -> Iterator[tuple[int, Activation]]:
    """The layers whose function is not the identity, with their functions, last first."""
    for position in case.backward():
        activation = case.right.activation(position)
        if activation is not None and activation.entry.name != "identity":
            yield position, activation


def of_rnn(case: Case, kind: str, slope: RNNSlope, said: Any = ()) -> Iterator[Way]:
    """The wrong slope at every step of an rnn, where `slope` gives one."""
    for position in case.backward():
        layer = case.layers[position]
        if isinstance(layer, RNN) and layer.function.entry.name != "identity":
            z = case.right.steps[position].quantities["z"]
            if slope(layer.function, z) is not None:
                change = Change("gradients", position, lambda run, at, found: _back_in_time(run, at, found, slope))
                yield Way(f"{kind} rnn", position, "dz", (change,), said)


def _back_in_time(run: Run, at: int, found: Any, slope: RNNSlope) -> Any:
    """The way back with that slope; as it is where there is none."""
    layer = run.layers[at]
    assert isinstance(layer, RNN)
    return back_in_time(run, at, found, slope(layer.function, run.steps[at].quantities["z"]))


def _missing(case: Case) -> Iterator[Way]:
    yield from of_rnn(case, "missing", lambda _, z: np.ones_like(z))
    for position, _ in activated(case):
        if case.right.z(position).shape == case.right.steps[position].a.shape:
            yield from slope_ways(position, case, "missing", lambda _run, _at, da: da, None)


def _at_output(case: Case) -> Iterator[Way]:
    yield from of_rnn(case, "output", lambda f, z: f.slope(f.value(z)))
    for position, activation in activated(case):
        if case.right.z(position).shape != case.right.steps[position].a.shape:
            continue

        def back(run: Run, at: int, da: Array, f: Activation = activation) -> Array:
            a = run.steps[at].a
            return f.back(a, da, None if f.vector else f.slope(a))

        def slope(run: Run, at: int, _da: Array, f: Activation = activation) -> Array:
            return f.slope(run.steps[at].a)

        yield from slope_ways(position, case, "output", back, slope)


def _output_as_input(case: Case) -> Iterator[Way]:
    yield from of_rnn(case, "by output", _by_output)
    for position, activation in activated(case):
        name, values = activation.entry.name, activation.values
        if name in _BY_OUTPUT:

            def slope(run: Run, at: int, _da: Array, name: str = name, values: Any = values) -> Array:
                return np.asarray(_BY_OUTPUT[name](run.z(at), values))

            def back(run: Run, at: int, da: Array, slope: Back = slope) -> Array:
                return da * slope(run, at, da)

            yield from slope_ways(position, case, "by output", back, slope)
        elif name == "softmax":
            yield from slope_ways(position, case, "by output", _softmax_of_z, _softmax_jacobian_of_z)


def _softmax_of_z(run: Run, at: int, da: Array) -> Array:
    """z * (da - sum(da * z)) where a belongs: the product with the Jacobian below, without making it."""
    z = run.z(at)
    return np.asarray(z * (da - (da * z).sum(axis=-1, keepdims=True)))


def _softmax_jacobian_of_z(run: Run, at: int, _da: Array) -> Array:
    z = run.z(at)
    return np.asarray(z[..., None] * np.eye(z.shape[-1]) - z[..., None] * z[..., None, :])


def _by_output(f: Activation, z: Array) -> Array | None:
    """A slope written in terms of the output, fed with z; None for a function that has none."""
    name = f.entry.name
    return np.asarray(_BY_OUTPUT[name](z, f.values)) if name in _BY_OUTPUT else None


def _elementwise(case: Case) -> Iterator[Way]:
    """Only the diagonal of the Jacobian of a function of a vector."""
    yield from scores_elementwise(case)
    for position, activation in activated(case):
        z = case.right.z(position)
        if not activation.vector or activation.axis != -1 or z.shape != case.right.steps[position].a.shape:
            continue
        if activation.entry.name not in _DIAGONALS and z.size * z.shape[-1] > _LARGEST:
            continue

        def diagonal(run: Run, at: int, _da: Array, f: Activation = activation) -> Array:
            z = run.z(at)
            known = _DIAGONALS.get(f.entry.name)
            return np.asarray(known(f.value(z)) if known else np.einsum("...ii->...i", f.slope(z)))

        def back(run: Run, at: int, da: Array, diagonal: Back = diagonal) -> Array:
            return da * diagonal(run, at, da)

        yield from slope_ways(position, case, "diagonal", back, diagonal)


MISSING = Mistake(
    "missing_activation_derivative",
    "the factor f'(z) is missing",
    "{quantity} misses the factor f'(z) of layer {layer}: dz is da * f'(z), not da.",
    "dz = da instead of dz = da * f'(z)",
    _missing,
)
AT_OUTPUT = Mistake(
    "derivative_at_output",
    "f'(a) in the place of f'(z)",
    "{quantity} takes the slope of layer {layer} at its output: f'(a) where f'(z) belongs.",
    "dz = da * sigmoid'(a), that is s (1 - s) with s = sigmoid(a), instead of a (1 - a)",
    _at_output,
)
OUTPUT_AS_INPUT = Mistake(
    "derivative_of_output_as_input",
    "a slope written in terms of a, fed with z",
    "{quantity} puts z into a slope of layer {layer} that is written in terms of the output a.",
    "dz = da * z * (1 - z) instead of da * a * (1 - a)",
    _output_as_input,
)
ELEMENTWISE = Mistake(
    "softmax_elementwise",
    "only the diagonal of a Jacobian",
    "{quantity} takes only the diagonal of the Jacobian of layer {layer}: each output depends on every input there.",
    "dz = da * a * (1 - a) behind softmax instead of a * (da - sum(da * a))",
    _elementwise,
)
