"""A network's loss, functions and conventions in words: everything that was chosen is said, and said once."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np

from gradcalc.backpropagation import BackpropResult
from gradcalc.errors import listed
from gradcalc.functions.entry import ElementwiseLoss, Entry
from gradcalc.functions.unsaid import unsaid
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer
from gradcalc.network import Problem, output_position
from gradcalc.objective import LINKS, Objective
from gradcalc.penalty import NORMS, Penalty
from gradcalc.results import Line
from gradcalc.shapes import Array, size, sizes_text

#: In a net of more layers than this the overview names none.
_LAYERS_NAMED = 6


def passes(problem: Problem) -> list[Line]:
    """Which of several passes is shown."""
    if problem.steps == 1 or problem.learning_rate is None:
        return []
    return [f"The tables show the last of {problem.steps} passes; its quantities named _new are after its step."]


def overview(problem: Problem) -> Line:
    """The network in one sentence: its sizes, its layers and how many examples pass through it."""
    count = len(problem.x)
    examples = "one example" if count == 1 else f"{count} examples"
    if not problem.layers:
        return f"No layers: the loss is applied to the input itself; {examples}."
    if problem.graph is not None:
        return f"Graph of {len(problem.layers)} layers: {_graph(problem)}; {examples}."
    sizes = "-".join(map(sizes_text, [problem.x.shape[1:], *(layer.gives for layer in problem.layers)]))
    if len(problem.layers) > _LAYERS_NAMED:
        return f"Network {sizes}; {examples}."
    named = [f"{layer.name} ({_kind(layer)})" for layer in problem.layers]
    return f"Network {sizes}: {listed(named)}; {examples}."


def _graph(problem: Problem) -> str:
    """Which layer takes what, while there are few: h (dense) of input, out (add) of h and input."""
    if len(problem.layers) > _LAYERS_NAMED:
        shapes = ", ".join(sizes_text(array.shape[1:]) for array in (problem.x, *problem.more))
        return f"inputs {shapes}, output {sizes_text(problem.layers[-1].gives)}"
    return "; ".join(
        f"{layer.name} ({_kind(layer)}) of {listed([problem.source_name(one) for one in problem.takes(position)])}"
        for position, layer in enumerate(problem.layers)
    )


def readings(problem: Problem) -> list[Line]:
    """How an input was read that could be meant otherwise."""
    shape = sizes_text(problem.x.shape[1:])
    return [f"The input was read as one example of one channel, {shape}."] if problem.lifted else []


def shared_parameters(problem: Problem) -> list[Line]:
    """Which parameters are one and the same."""
    return [
        f"{problem.layers[at].name}.{letter} is {problem.layers[owner].name}.{its}: "
        f"d{its} is the sum over both layers, and one step changes both."
        for (at, letter), (owner, its) in problem.shared.items()
    ]


def conventions_used(problem: Problem) -> Line:
    """The conventions, option by option, and the preset they come from."""
    options = ", ".join(f"{name} {choice}" for name, choice in problem.conventions.items() if name != "preset")
    preset = problem.conventions.get("preset", "default")
    return f"Conventions ({preset}): {options}." if options else f"Conventions: {preset}."


def functions_used(problem: Problem) -> list[Line]:
    """Each activation's formula and derivative, with the parameters that its layers give it."""
    lines: list[Line] = []
    seen: set[str] = set()
    for layer in problem.layers:
        activation = layer.activation
        if activation is None or activation.entry.name + activation.entry.formula in seen:
            continue
        entry = activation.entry
        seen.add(entry.name + entry.formula)
        slope = entry.derivative_formula if activation.vector else f"f'(z) = {entry.derivative_formula}"
        lines.append(f"{entry.name}: f(z) = {entry.formula}" + (f", {slope}" if entry.derivative_formula else ""))
    return lines


def function_parameters(problem: Problem) -> list[Line]:
    """The parameters of the layers' functions, e.g. "hidden: leaky_relu with alpha = 0.1"; trained ones have tables."""
    said: list[Line] = []
    for layer in problem.layers:
        activation = layer.activation
        fixed = {} if activation is None else _said_values(activation.entry, activation.values)
        fixed |= {"axis": activation.axis} if activation and activation.vector and activation.axis != -1 else {}
        fixed = {name: value for name, value in fixed.items() if activation and name not in activation.trained}
        if activation is not None and fixed:
            said.append((f"{layer.name}: {activation.entry.name}", *_with(fixed), "."))
    return said


def loss_formulas(problem: Problem) -> list[Line]:
    """The loss as a formula with its constants, its derivative by the output, and the penalties."""
    if problem.objective is None:
        return []
    name = "D" if problem.penalties else "L"
    counts = _Counts.of(problem, problem.objective)
    lines = [_loss_formula(problem.objective, name, counts)]
    if problem.objective.entry.derivative_formula:  # a formula's may be too long to be shown
        lines.append(_derivative_formula(problem.objective, name, counts))
    for number, one in enumerate(problem.penalties):
        lines.append(("    + " if number else "R = ", *_penalty_formula(one, problem)))
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
    notes: list[Line] = [(f"The loss is {entry.name}", *_with(_said_values(entry, objective.values)), ".")]
    if problem.from_classes:
        one_hot = (
            "one-hot targets, 1 for the class and 0 for the others" if objective.target.shape[-1] > 1 else "0 and 1"
        )
        notes.append(f"The target classes were turned into {one_hot}.")
    notes += _unsaid(entry, objective.values)
    if objective.ignored:
        notes.append(_ignoring(objective))
    if objective.weight is not None:
        notes.append("Each term is multiplied by its weight.")
    if not objective.divide and objective.counted > 1 and objective.reduction != "sum":
        notes.append("da and dz belong to one example's loss; the parameters' derivatives are divided by N.")
    linked = linked_activation(problem)
    if linked:
        notes.append(
            f"With {linked} dL/dz comes to a - y (times the same constants); it is computed so, "
            "and stays right where the net is saturated."
        )
    return notes


def _ignoring(objective: Objective) -> str:
    """E.g. Of the 3 examples 1 is ignored: its loss and derivatives are 0, and the mean is over the other 2."""
    many, all_ = objective.ignored, objective.target.size
    in_steps = objective.target.ndim > 1
    is_ignored = "is ignored: its loss and" if many == 1 else "are ignored: their loss and"
    mean = f", and the mean is over the other{f' {all_ - many}' * (all_ - many > 1)}"
    if objective.reduction == "sum":
        mean = ""
    elif objective.reduction == "batch_mean" and in_steps:
        mean = f", and the mean is over the examples with a step left, {objective.counted}"
    return f"Of the {all_} {'steps' if in_steps else 'examples'} {many} {is_ignored} derivatives are 0{mean}."


def linked_activation(problem: Problem) -> str:
    """The output's activation where the loss forms dL/dz with it as a - y; else empty."""
    objective = problem.objective
    last = problem.layers[output_position(problem)].activation if problem.layers else None
    if objective is None or last is None or objective.values.get("clip") is not None:
        return ""
    return last.entry.name if LINKS.get(objective.entry.name) == last.entry.name else ""


class _Counts(NamedTuple):
    """How many examples count, terms of the loss for each, as what, and numbers of the output in a term."""

    examples: int
    terms: int
    word: str
    outputs: int

    @classmethod
    def of(cls, problem: Problem, objective: Objective) -> _Counts:
        shape = problem.layers[-1].gives if problem.layers else problem.x.shape[1:]
        if isinstance(objective.entry, ElementwiseLoss):
            return cls(problem.counted, size(shape), "outputs", size(shape))
        if objective.by_step:
            return cls(problem.counted, size(shape[:-1]), "steps", shape[-1])
        return cls(problem.counted, 1, "outputs", size(shape))


def _loss_formula(objective: Objective, name: str, counts: _Counts) -> Line:
    """E.g. D = 1/4 * sum over the examples and outputs of (a - y)^2 / 2."""
    over = [word for word, count in (("examples", counts.examples), (counts.word, counts.terms)) if count > 1]
    scale = (objective.scale, " * ") if objective.scale != 1 else ()
    mean = f"1/{objective.divisor} * " if objective.divisor > 1 else ""
    summed = f"sum over the {listed(over)} of " if over else ""
    return (f"{name} = ", *scale, mean + summed + _bracketed(objective.entry.formula, bool(over or scale or mean)))


def _derivative_formula(objective: Objective, name: str, counts: _Counts) -> Line:
    """E.g. dD/da = (a - y) / 4, with what the reduction divides by."""
    divisor = objective.gradient_divisor
    scale = (objective.scale, " * ") if objective.scale != 1 else ()
    formula = _bracketed(objective.entry.derivative_formula, bool(scale) or divisor > 1)
    where = f", n = {counts.outputs}" if re.search(r"\bn\b", formula) else ""
    return (f"d{name}/da = ", *scale, formula + (f" / {divisor:g}" if divisor > 1 else "") + where)


def _bracketed(formula: str, needed: bool) -> str:
    """The formula in brackets, unless it is one call or one name already."""
    depth, open_blank = 0, False
    for character in formula:
        depth += {"(": 1, ")": -1}.get(character, 0)
        open_blank |= character == " " and depth == 0
    return f"({formula})" if needed and open_blank else formula


def _penalty_formula(penalty: Penalty, problem: Problem) -> tuple[str | float, ...]:
    """E.g. c/2 sum(w^2) over every W, c = 0.1 / 4."""
    arrays = _penalised(penalty, problem)
    divided = f" / {len(problem.x)}" if penalty.per_example and len(problem.x) > 1 else ""
    power = (", p = ", penalty.p) if penalty.norm == "lp" else ()
    return (f"{NORMS[penalty.norm]} over {arrays}, c = ", penalty.strength, divided, *power)


def _penalised(penalty: Penalty, problem: Problem) -> str:
    """The parameters that a penalty acts on: every W, Wx and Wh."""
    letters = dict.fromkeys(letter for _, letter, _ in penalty.arrays(problem.layers))
    return f"every {listed(list(letters) or ['W'])}"


def last_output(result: BackpropResult) -> tuple[Array, Activation | None, Array | None]:
    """The last layer's a, the activation that made it and what that is applied to; without layers the input itself."""
    problem = result.problem
    if not problem.layers:
        return problem.x, None, None
    position, last = output_position(problem), problem.layers[-1]
    a = problem.examples.read(result.layers[-1].quantities["a"], len(last.gives))
    layer = problem.layers[position]
    z = None if layer.activation is None else result.function_input(result.layers[position], layer)
    return a, layer.activation, z


def _kind(layer: Layer) -> str:
    """What a layer does, in brackets: a dense or activation layer by its function alone."""
    name = layer.activation.entry.name if layer.activation else ""
    if layer.type in ("dense", "activation"):
        return name or "no activation"
    return f"{layer.type}, {name}" if name else layer.type


def _with(values: dict[str, Any]) -> tuple[str | float, ...]:
    return (" with ", *_values(values)) if values else ()


def _unsaid(entry: Entry, values: dict[str, Any]) -> list[Line]:
    """What the formula does not tell of the parameters."""
    return [(*_values({name: values[name]}), f": {meaning}.") for name, meaning in unsaid(entry, values).items()]


def _said_values(entry: Entry, values: dict[str, Any]) -> dict[str, Any]:
    """The parameters worth saying: those that stand in the formula, and those that are not as they are by default."""
    defaults = {param.name: param.default for param in entry.params}
    return {
        name: value
        for name, value in values.items()
        if name in entry.formula or np.ndim(value) or value != defaults[name]
    }


def _values(values: dict[str, Any]) -> tuple[str | float, ...]:
    """Parameters as parts of a line: name = value, name = value."""
    parts: list[str | float] = []
    for name, value in values.items():
        parts += [", " if parts else "", f"{name} = ", _value(value)]
    return tuple(parts)


def _value(value: Any) -> str | float:
    if np.ndim(value):
        return f"one per unit ({np.size(value)})" if np.ndim(value) == 1 else "one for each output"
    if value is None or isinstance(value, bool):
        return "none" if value is None else str(value).lower()
    return value if isinstance(value, str) else float(value)
