"""Functions in a spec: an activation or a loss by name, or as a mapping of its name, parameters and own kink choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradcalc.errors import GradcalcError, InputError, SpecError, UsageError, quoted
from gradcalc.functions import find
from gradcalc.functions.entry import (
    SIDES,
    Elementwise,
    ElementwiseLoss,
    Entry,
    Side,
    VectorActivation,
    VectorLoss,
)
from gradcalc.functions.joint import JointLoss
from gradcalc.layers.activation import Activation
from gradcalc.spec.keys import ACTIVATION, FORMULA, FUNCTION, LOSS
from gradcalc.spec.nodes import Node, in_formula

#: The key that says along which axis of an example a function of vectors acts.
AXIS = ACTIVATION[0].name
_MOST_AXES = 64  # of NumPy's arrays

#: What a kind of function is called in an error.
_KINDS = {"activation": "an activation", "loss": "a loss", "norm": "a norm"}


def read_activation(node: Node, kink: str) -> Activation | None:
    """The activation, bound to its parameters; None for an empty value. Errors: SpecError."""
    if node.value is None:
        return None
    if isinstance(node.value, str) and node.value.lower() == "none":
        raise node.error("there is no function 'none'", "leave activation out, or write identity")
    entry, keys = _named(node, "an activation", kink)
    if not isinstance(entry, Elementwise | VectorActivation):
        if "formula" in keys:
            raise keys["formula"].error("an activation has an output for each unit, and this formula gives one number")
        pooled = entry.kind == "activation"
        raise _name_node(node).error(
            f"{entry.name} gives one number for all units, not one for each"
            if pooled
            else f"{entry.name} is {_KINDS[entry.kind]}, not an activation",
            "'gradcalc list functions' shows their kinds",
        )
    side = keys.pop("kink").choice(SIDES) if "kink" in keys else kink
    along = AXIS in keys and isinstance(entry, VectorActivation) and "formula" not in keys
    axis = keys.pop(AXIS).whole(least=-_MOST_AXES) if along else -1
    return Activation(entry, parameters(entry, keys, node), side_of(side), axis)


def read_loss(node: Node) -> tuple[ElementwiseLoss | VectorLoss | JointLoss, dict[str, Node], dict[str, Any]]:
    """The loss, its other keys (reduction, scale, kink, with), and its parameters. Errors: SpecError."""
    entry, keys = _named(node, "a loss", "default")
    if not isinstance(entry, ElementwiseLoss | VectorLoss | JointLoss):
        raise _name_node(node).error(
            f"{entry.name} is {_KINDS[entry.kind]}, not a loss", "'gradcalc list functions' shows their kinds"
        )
    if isinstance(entry, JointLoss) and entry.rank == 2:
        whole = "a whole sequence" if entry.takes == "sequence" else "a whole batch with its labels"
        raise _name_node(node).error(
            f"{entry.name} is one number of {whole}, and a network's loss is one of each example",
            f"gradcalc eval {entry.name} has its value and gradient",
        )
    own = {key.name for key in LOSS}
    rest = {name: value for name, value in keys.items() if name in own}
    return entry, rest, parameters(entry, {n: v for n, v in keys.items() if n not in own}, node)


def parameters(entry: Entry, keys: dict[str, Node], node: Node) -> dict[str, Any]:
    """The function's parameters from the remaining keys; errors get the place of the culprit."""
    given: dict[str, object] = {}
    keys = {name: value for name, value in keys.items() if name != "formula"}
    for name, value in keys.items():
        try:
            is_array = isinstance(value.value, Mapping) or value.path in value.reading.entries
            given[name] = value.array().tolist() if is_array else value.value
            _read(entry, given, name, value)
        except UsageError as error:  # there is no such parameter: the key is the culprit
            raise SpecError(error.message, hint=error.hint, path=value.path, at_key=True) from None
        except GradcalcError as error:
            error.path = error.path or value.path
            raise
    try:
        return entry.parameters(given)
    except GradcalcError as error:
        error.path = node.path
        raise


def _read(entry: Entry, given: dict[str, object], name: str, node: Node) -> None:
    """Check one more parameter; what it does not take as it is may be a constant formula."""
    try:
        entry.read(given)
    except InputError:
        value = node.evaluated()
        if value is node.value:
            raise
        given[name] = value
        entry.read(given)


def parameter_node(node: Node, entry: Entry, letter: str) -> Node:
    """Where the function's parameter stands, under whichever of its names."""
    for key in node.value if isinstance(node.value, Mapping) else ():
        if key not in {one.name for one in (*FUNCTION, *ACTIVATION)} and entry.param(key).name == letter:
            return Node(node.value[key], (*node.path, key), node.reading)
    return node


def side_of(word: str) -> Side:
    """A kink choice that was already checked."""
    for side in SIDES:
        if side == word:
            return side
    raise AssertionError(word)


def _named(node: Node, what: str, kink: str) -> tuple[Entry, dict[str, Node]]:
    """The entry of a name, or of a mapping with a name or a formula, and the mapping's other keys."""
    keys: dict[str, Node] = {}
    name = node
    if isinstance(node.value, Mapping) and "formula" in node.value:
        return _formula(node, what, kink)
    if isinstance(node.value, Mapping):
        if "name" not in node.value:
            example = "{name: huber, delta: 1.5}" if what == "a loss" else "{name: leaky_relu, alpha: 0.1}"
            raise node.error(f"{what} written as a mapping needs its name", f"e.g. {example}, or a formula")
        keys = {key: Node(value, (*node.path, key), node.reading) for key, value in node.value.items()}
        name = keys.pop("name")
    try:
        return find(name.text()), keys
    except GradcalcError as error:
        error.path = error.path or name.path
        raise


def _formula(node: Node, what: str, kink: str) -> tuple[Entry, dict[str, Node]]:
    """The entry of a formula; all keys but our own are its parameters. The formula stays among the keys."""
    from gradcalc.formula.entries import Formula  # late: few specs have one
    from gradcalc.formula.tokens import FormulaError

    keys = {key: Node(value, (*node.path, key), node.reading) for key, value in node.value.items()}
    if "name" in keys:
        raise keys["name"].error("give a name or a formula, not both")
    own = {key.name for key in (*(LOSS if what == "a loss" else FUNCTION), *FORMULA)}
    side = str(keys["kink"].value) if "kink" in keys else kink
    text = keys["formula"].text()
    try:
        formula = Formula(text, [key for key in keys if key not in own], "loss" if what == "a loss" else "activation")
        return formula.entry(side), keys
    except FormulaError as error:
        raise in_formula(error, text, keys["formula"].path) from None
    except UsageError as error:  # of a parameter's name: its key is the culprit
        named = [key for key in keys if quoted(key) in error.message or f" {key}," in error.message]
        path = keys[named[0]].path if named else node.path
        raise SpecError(error.message, hint=error.hint, path=path, at_key=bool(named)) from None
    except GradcalcError as error:
        error.path = error.path or node.path
        raise


def _name_node(node: Node) -> Node:
    """Where the function's name stands."""
    if isinstance(node.value, Mapping):
        return Node(node.value[FUNCTION[0].name], (*node.path, FUNCTION[0].name), node.reading)
    return node
