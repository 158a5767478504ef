"""Text to the tree that is computed: short names and the catalogue's functions of a vector stand there in full."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from gradcalc.errors import quoted
from gradcalc.formula.calls import bound, vectorial
from gradcalc.formula.grammar import written
from gradcalc.formula.limits import DEEPEST, LARGEST
from gradcalc.formula.rules import ALIASES, ARGUMENTS
from gradcalc.formula.tokens import FormulaError
from gradcalc.formula.tree import Node, number, placed, substituted
from gradcalc.functions.entry import Entry


def parse(text: str, names: Iterable[str], indices: tuple[str, ...] = ()) -> Node:
    """The tree of a formula over the given names (variables and parameters). FormulaError with a caret."""
    return meant(written(text, names, indices), text)


def meant(node: Node, text: str) -> Node:
    """A tree as it was written, with everything short put in full."""
    names: dict[str, Node] = {}
    body, *parts = node.args if node.op == "with" else (node,)
    for part in parts:
        names[str(part.value)] = _checked(substituted(_functions(part.args[0], text), names), text)
    return _checked(substituted(_functions(body, text), names), text)


def _checked(node: Node, text: str) -> Node:
    if node.size > LARGEST or node.depth > DEEPEST:
        raise FormulaError("the formula is too long with its short names put in", text, node.span)
    return node


def _functions(node: Node, text: str) -> Node:
    """The catalogue's functions of a vector by their formulas."""
    if not node.args:
        return node
    args = tuple(_functions(arg, text) for arg in node.args)
    entry = vectorial(node.op)
    if entry is None:
        return node if all(map(_same, args, node.args)) else Node(node.op, args, node.value, node.span)
    values = {param.name: _default(param.default) for param in entry.params}
    tree = entry_tree(entry)
    for name, value in bound(entry, args).items():
        if name not in tree.names:
            raise FormulaError(f"{entry.name}: {quoted(name)} cannot be chosen in a formula", text, value.span)
        values[name] = value
    return _checked(substituted(placed(tree, node.span), {**values, "z": args[0]}), text)


def _same(one: Node, other: Node) -> bool:
    return one is other


def _default(value: Any) -> Node:
    return number(value if isinstance(value, int | float) else float("inf"))


@lru_cache(maxsize=256)
def entry_tree(entry: Entry) -> Node:
    """The tree of a catalogue entry's formula."""
    return parse(entry.formula, (*letters(entry), *parameter_names(entry)))


def parameter_names(entry: Entry) -> list[str]:
    """What parameters are called in an entry's formula: by name, or by an alias where the name is a letter's.

    A target that is one number for a whole example stands there like a parameter.
    """
    aliases = [alias for p in entry.params for alias in p.aliases if alias not in (*ARGUMENTS, *ALIASES)]
    names = [name for name in (*(p.name for p in entry.params), *aliases) if name not in letters(entry)]
    return ["y", *names] if getattr(entry, "takes", None) == "sign" else names


def letters(entry: Entry) -> tuple[str, ...]:
    """What an entry's formula is a function of, in the order of its kernels."""
    if entry.kind != "loss":
        return ("z",)
    target = entry.has_target and getattr(entry, "takes", None) != "sign"
    return ("a", *(["y"] if target else []), *(one.name for one in entry.further))
