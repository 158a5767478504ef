"""A network's loss, functions and conventions in words: everything that was chosen is said, and said once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcalc.backpropagation import BackpropResult
from gradcalc.errors import listed
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Kink
from gradcalc.layers.activation import Activation, ActivationLayer
from gradcalc.layers.dense import Dense
from gradcalc.network import Problem
from gradcalc.objective import LINKS, Objective
from gradcalc.penalty import NORMS, Penalty
from gradcalc.results import Line

#: In a net of more layers than this the overview names none.
_LAYERS_NAMED = 6

#: Of all the places where some z stands on a kink, so many are named.
_KINKS_NAMED = 5


def passes(problem: Problem) -> list[Line]:
    """Which of several passes is shown."""
    if problem.steps == 1 or problem.learning_rate is None:
        return []
    return [f"The tables show pass {problem.steps}, the one before the last of {problem.steps} steps."]


def overview(problem: Problem) -> Line:
    """The network in one sentence: its sizes, its layers and how many examples pass through it."""
    count = len(problem.x)
    examples = "one example" if count == 1 else f"{count} examples"
    if not problem.layers:
        return f"No layers: the loss is applied to the input itself; {examples}."
    sizes = "-".join(map(str, [problem.x.shape[1], *(layer.outputs for layer in problem.layers)]))
    if len(problem.layers) > _LAYERS_NAMED:
        return f"Network {sizes}; {examples}."
    named = [f"{layer.name} ({_kind(activation)})" for layer, activation in _activations(problem)]
    return f"Network {sizes}: {listed(named)}; {examples}."


def conventions_used(problem: Problem) -> Line:
    """The conventions, option by option, and the preset they come from."""
    options = ", ".join(f"{name} {choice}" for name, choice in problem.conventions.items() if name != "preset")
    preset = problem.conventions.get("preset", "default")
    return f"Conventions ({preset}): {options}." if options else f"Conventions: {preset}."


def functions_used(problem: Problem) -> list[Line]:
    """Each activation's formula and derivative, with the parameters that its layers give it."""
    lines: list[Line] = []
    seen: set[str] = set()
    for _, activation in _activations(problem):
        if activation is None or activation.entry.name in seen:
            continue
        entry = activation.entry
        seen.add(entry.name)
        slope = entry.derivative_formula if activation.vector else f"f'(z) = {entry.derivative_formula}"
        lines.append(f"{entry.name}: f(z) = {entry.formula}, {slope}")
    return lines


def function_parameters(problem: Problem) -> list[Line]:
    """The parameters of the layers' functions, e.g. "hidden: leaky_relu with alpha = 0.1"."""
    return [
        (f"{layer.name}: {activation.entry.name} with ", *_values(activation.values), ".")
        for layer, activation in _activations(problem)
        if activation is not None and activation.values
    ]


def kinks_met(result: BackpropResult) -> list[Line]:
    """Where some z stands exactly on a kink of its activation: the one-sided derivatives, and which one was taken."""
    found = list(_kinks(result))
    more = len(found) - _KINKS_NAMED
    return [*found[:_KINKS_NAMED], *([f"{more} more of these."] if more > 0 else [])]


def _kinks(result: BackpropResult) -> Iterator[Line]:
    for (layer, activation), shown in zip(_activations(result.problem), result.layers, strict=True):
        if activation is None or not isinstance(activation.entry, Elementwise):
            continue
        letter = "z" if "z" in shown.quantities else "x"
        z = result.problem.examples.read(shown.quantities[letter])
        args = list(activation.values.values())
        for kink in activation.entry.kinks:
            here = z == kink.at(*args)
            if here.any():
                yield _kink_line(f"{layer.name}.{letter}", int(here.sum()), activation, kink, args)


def _kink_line(address: str, count: int, activation: Activation, kink: Kink, args: list[Any]) -> Line:
    name = activation.entry.name
    if activation.kink == "default":
        chosen = f"the {kink.default} one was taken, {name}'s default"
    else:
        chosen = f"kink {activation.kink} was applied"
    places = f"{count} number{'s' * (count > 1)} of {address} stand{'s' * (count == 1)}"
    if any(np.ndim(arg) for arg in args):
        return f"{places} on a kink of {name}: {chosen}."
    sides = (float(kink.left(*args)), float(kink.right(*args)))
    return (f"{places} on a kink of {name}: left derivative ", sides[0], ", right ", sides[1], f"; {chosen}.")


def loss_formulas(problem: Problem) -> list[Line]:
    """The loss as a formula with its constants, its derivative by the output, and the penalties."""
    if problem.objective is None:
        return []
    name = "D" if problem.penalties else "L"
    outputs = problem.layers[-1].outputs if problem.layers else problem.x.shape[1]
    lines = [
        _loss_formula(problem.objective, name, len(problem.x), outputs),
        _derivative_formula(problem.objective, name, len(problem.x), outputs),
    ]
    for number, one in enumerate(problem.penalties):
        lines.append(("    + " if number else "R = ", *_penalty_formula(one, len(problem.x))))
    return lines


def loss_numbers(result: BackpropResult) -> Line:
    """The loss as a number, and as the sum of its terms."""
    assert result.loss is not None
    if not result.problem.penalties:
        return ("L = ", result.loss)
    data, penalty = result.loss_terms["data"], result.loss_terms["regularization"]
    return ("L = D + R = ", data or 0.0, " + ", penalty or 0.0, " = ", result.loss)


def loss_notes(problem: Problem) -> list[Line]:
    """What the formula does not say: the loss's name and parameters, weights, and how products were formed."""
    objective = problem.objective
    if objective is None:
        return []
    entry = objective.entry
    notes: list[Line] = [(f"The loss is {entry.name}", *_with(objective.values), ".")]
    if objective.weight is not None:
        notes.append("Each term is multiplied by its weight.")
    if not objective.divide and len(problem.x) > 1 and objective.reduction != "sum":
        notes.append("da and dz belong to one example's loss; the parameters' derivatives are divided by N.")
    last = _activations(problem)[-1][1] if problem.layers else None
    if last is not None and LINKS.get(entry.name) == last.entry.name and objective.values.get("clip") is None:
        notes.append(
            f"{last.entry.name} and {entry.name} together give dL/dz as a - y (times the same constants): "
            "it is formed so, and stays right where the net is saturated."
        )
    return notes


def _loss_formula(objective: Objective, name: str, examples: int, outputs: int) -> Line:
    """E.g. D = 1/4 * sum over the examples and outputs of (a - y)^2 / 2."""
    single = isinstance(objective.entry, ElementwiseLoss)
    over = [word for word, count in (("examples", examples), ("outputs", outputs if single else 1)) if count > 1]
    divisor = {"sum": 1, "mean": examples * (outputs if single else 1)}.get(objective.reduction, examples)
    scale = (objective.scale, " * ") if objective.scale != 1 else ()
    mean = f"1/{divisor} * " if divisor > 1 else ""
    summed = f"sum over the {listed(over)} of " if over else ""
    return (f"{name} = ", *scale, mean + summed + _bracketed(objective.entry.formula, bool(over or scale or mean)))


def _derivative_formula(objective: Objective, name: str, examples: int, outputs: int) -> Line:
    """E.g. dD/da = (a - y) / 4, with what the reduction divides by."""
    single = isinstance(objective.entry, ElementwiseLoss)
    divisor = outputs if objective.reduction == "mean" and single else 1
    if objective.divide and objective.reduction != "sum":
        divisor *= examples
    scale = (objective.scale, " * ") if objective.scale != 1 else ()
    formula = _bracketed(objective.entry.derivative_formula, bool(scale) or divisor > 1)
    return (f"d{name}/da = ", *scale, formula + (f" / {divisor}" if divisor > 1 else ""))


def _bracketed(formula: str, needed: bool) -> str:
    return f"({formula})" if needed and " " in formula else formula


def _penalty_formula(penalty: Penalty, examples: int) -> tuple[str | float, ...]:
    """E.g. c/2 sum(w^2) over every W, c = 0.1 / 4."""
    arrays = "every W and b" if penalty.biases else "every W"
    divided = f" / {examples}" if penalty.per_example and examples > 1 else ""
    power = (", p = ", penalty.p) if penalty.norm == "lp" else ()
    return (f"{NORMS[penalty.norm]} over {arrays}, c = ", penalty.strength, divided, *power)


def _activations(problem: Problem) -> list[tuple[Dense | ActivationLayer, Activation | None]]:
    """Every layer with its activation."""
    return [(layer, layer.activation) for layer in problem.layers if isinstance(layer, Dense | ActivationLayer)]


def _kind(activation: Activation | None) -> str:
    return activation.entry.name if activation else "no activation"


def _with(values: dict[str, Any]) -> tuple[str | float, ...]:
    return (" with ", *_values(values)) if values else ()


def _values(values: dict[str, Any]) -> tuple[str | float, ...]:
    """Parameters as parts of a line: name = value, name = value."""
    parts: list[str | float] = []
    for name, value in values.items():
        parts += [", " if parts else "", f"{name} = ", _value(value)]
    return tuple(parts)


def _value(value: Any) -> str | float:
    if isinstance(value, np.ndarray) and value.ndim:
        return f"one per unit ({value.size})"
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return value if isinstance(value, str) else float(value)
