"""From a spec's values to a Problem: conventions, examples, layers and loss, checked against one another."""

from __future__ import annotations

import math

import numpy as np

from gradcalc.conventions import OPTIONS, Convention, find_convention
from gradcalc.errors import GradcalcError, listed, quoted, simplified
from gradcalc.functions.bound import bound
from gradcalc.functions.entry import SIDES
from gradcalc.network import Graph, Problem
from gradcalc.objective import Objective
from gradcalc.penalty import NORMS, Penalty
from gradcalc.shapes import Examples, Shape
from gradcalc.spec.functions import read_loss, side_of
from gradcalc.spec.further import read_with, takes_no_target
from gradcalc.spec.graph import is_chain, read_graph
from gradcalc.spec.inputs import input_names, read_inputs
from gradcalc.spec.keys import PENALTY, TOP
from gradcalc.spec.layers import build_layers, reserve_passes
from gradcalc.spec.nodes import Node
from gradcalc.spec.targets import read_rows, read_target

_L2_HINT = "l2_squared is sum(w^2), half_l2_squared half of it; for the root of the sum: {norm: lp, p: 2}"
_REDUCTIONS = ("batch_mean", "mean", "sum")


def read_problem(spec: Node) -> Problem:
    """The problem a spec states. Errors: SpecError with the path of the culprit."""
    keys = spec.mapping(TOP, "the spec")
    _check_combination(keys)
    conventions = _conventions(keys)
    if "dtype" in keys:
        spec.reading.dtype = np.dtype(keys["dtype"].choice(("float64", "float32")))
    names = input_names(keys["input"])
    stated = read_graph(keys["layers"], names)
    inputs = read_inputs(keys["input"], names, stated, columns=conventions["data"] == "columns")
    examples, x = inputs.examples, inputs.named[0][1]
    layers, shared = build_layers(stated, inputs.named, len(x), conventions)
    outputs = (len(x), *(layers[-1].gives if layers else x.shape[1:]))
    reserve_passes(spec.reading, layers, len(x))
    upstream = objective = None
    if "upstream" in keys:
        upstream = read_rows(keys["upstream"], examples, len(x), outputs[1:]).astype(x.dtype)
    if "loss" in keys:
        objective = _objective(keys, conventions, examples, outputs)
    steps = keys["steps"].whole(1) if "steps" in keys else 1
    spec.reading.reserve(4 * steps, ("steps",), "the losses of so many steps")
    return Problem(
        layers=layers,
        x=x,
        examples=examples,
        objective=objective,
        upstream=upstream,
        penalties=_penalties(keys.get("regularization"), conventions),
        average_parameters=conventions["average"] == "parameters" and conventions["reduction"] != "sum",
        learning_rate=keys["learning_rate"].number() if "learning_rate" in keys else None,
        steps=steps,
        from_classes=objective is not None and "target_classes" in keys and objective.target.dtype.kind == "f",
        graph=None if is_chain(stated) else Graph([one.sources for one in stated]),
        inputs=names,
        more=tuple(array for _, array in inputs.named[1:]),
        shared=shared,
        lifted=inputs.lifted,
        conventions={name: word for name, word in conventions.items() if name != "classes_from"},
    )


def _check_combination(keys: dict[str, Node]) -> None:
    """Which keys go together: loss with a target, or upstream, or neither."""
    targets = [name for name in ("target", "target_classes") if name in keys]
    if len(targets) == 2:
        raise keys["target_classes"].error("give target or target_classes, not both")
    if "upstream" in keys:
        for name in ("loss", *targets):
            if name in keys:
                raise keys["upstream"].error(f"upstream takes the place of loss and target, but {name} is given too")
    elif targets and "loss" not in keys:
        raise keys[targets[0]].error(f"{targets[0]} without a loss", "add e.g. loss: half_square")
    elif "loss" in keys and not targets and not takes_no_target(keys["loss"]):
        raise keys["loss"].error("loss without a target", "add target, or target_classes")
    elif "learning_rate" in keys and "loss" not in keys:
        raise keys["learning_rate"].error("learning_rate needs a gradient", "add loss and target, or upstream")
    if "steps" in keys and "learning_rate" not in keys:
        raise keys["steps"].error("steps needs a learning_rate")


def _conventions(keys: dict[str, Node]) -> dict[str, str]:
    """Each option's word: the preset's, unless the spec sets it."""
    preset = _preset(keys.get("convention"))
    words = {"preset": preset.name, "classes_from": str(preset.classes_from)}
    for option in OPTIONS:
        words[option.name] = str(getattr(preset, option.name))
        if option.name in keys:
            words[option.name] = keys[option.name].choice(list(option.choices))
    if "classes_from" in keys:
        words["classes_from"] = str(keys["classes_from"].whole(0))
    loss = keys.get("loss")
    if loss is not None and isinstance(loss.value, dict) and "reduction" in loss.value:
        own = Node(loss.value["reduction"], (*loss.path, "reduction"), loss.reading)
        words["reduction"] = own.choice(_REDUCTIONS)
    return words


def _preset(node: Node | None) -> Convention:
    if node is None:
        return find_convention("default")
    try:
        return find_convention(node.text())
    except GradcalcError as error:
        error.path = error.path or node.path
        raise


def _objective(keys: dict[str, Node], conventions: dict[str, str], examples: Examples, outputs: Shape) -> Objective:
    declared, own, values = read_loss(keys["loss"])
    beside = read_with(keys["loss"], declared, {**keys, **own}, examples, outputs)
    entry, values = bound(declared, beside.further), {**values, **beside.parameters}
    first = int(conventions["classes_from"])
    target = read_target(keys, entry, values, examples, outputs, first) if entry.has_target else np.zeros(outputs)
    kink = own["kink"].choice(SIDES) if "kink" in own else conventions["kink"]
    dtype = keys["loss"].reading.dtype
    objective = Objective(
        entry,
        values,
        target.astype(dtype, copy=False) if target.dtype.kind == "f" else target,
        kink=side_of(kink),
        reduction=conventions["reduction"],
        scale=own["scale"].number() if "scale" in own else 1.0,
        weight=beside.weight,
        divide=conventions["average"] == "loss",
    )
    if not objective.counted and objective.reduction != "sum":
        raise keys["target_classes" if "target_classes" in keys else "target"].error(
            "every example is ignored, and the loss would be a mean over none", "reduction: sum gives 0"
        )
    return objective


def _penalties(node: Node | None, conventions: dict[str, str]) -> tuple[Penalty, ...]:
    if node is None or node.value is None:
        return ()
    items = [node] if isinstance(node.value, dict) else list(node.items("penalties"))
    return tuple(_penalty(item, conventions) for item in items)


def _penalty(node: Node, conventions: dict[str, str]) -> Penalty:
    keys = node.mapping(PENALTY, "a penalty")
    if keys["norm"].value == "l2":
        raise keys["norm"].error(keys["norm"].unfit(listed(list(NORMS), "or")), _L2_HINT)
    norm = keys["norm"].choice(list(NORMS))
    if "p" in keys and norm != "lp":
        raise keys["p"].error(f"{norm} takes no p", "norm: lp does")
    p = keys["p"].value if "p" in keys else 2.0
    if isinstance(p, str) and simplified(p.lstrip("+.")) in ("inf", "infinity"):  # strict JSON has no other way
        p = math.inf
    if isinstance(p, bool) or not isinstance(p, int | float) or not p > 0:
        raise keys["p"].error(f"p must be a number above 0, or .inf, not {quoted(p)}")
    return Penalty(
        norm=norm,
        strength=keys["strength"].number(),
        p=float(p),
        per_example="per_example" in keys and keys["per_example"].flag(),
        biases="biases" in keys and keys["biases"].flag(),
        kink=side_of(conventions["kink"]),
    )
