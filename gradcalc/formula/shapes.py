"""How many entries each part of a formula has: as many as the input, a half of them, or none, being one number."""

from __future__ import annotations

from gradcalc.errors import listed
from gradcalc.formula.limits import JOINED
from gradcalc.formula.rules import PARTS, TO_NUMBER, TO_VECTOR
from gradcalc.formula.tokens import FormulaError
from gradcalc.formula.tree import Node, binds, number, walk


def reduces(node: Node) -> bool:
    """Whether a node makes one number of a vector, or of what an index runs over."""
    return node.op in TO_NUMBER or (node.op in ("max", "min") and len(node.args) == 1)


def of_whole(node: Node) -> bool:
    """Whether a node looks at more than one entry of a vector at a time, or at one of another place."""
    return reduces(node) or node.op in TO_VECTOR or node.op in PARTS or node.op == "at"


def of_a_vector(tree: Node, parameters: tuple[str, ...] = ()) -> bool:
    """Whether a formula speaks of a whole vector: it reduces one, has softmax in it, or asks for its length."""
    return any(
        of_whole(node) or (node.op == "name" and node.value == "n" and "n" not in parameters) for node in walk(tree)
    )


def is_vector(node: Node, variables: tuple[str, ...]) -> bool:
    """Whether a node's result has entries, and is not one number; a variable has one for each of the input's."""
    return length(node, variables) > 0


def length(node: Node, variables: tuple[str, ...]) -> float:
    """How many entries a node's result has, in parts of the input's: 1, 1/2, ...; 0 for one number."""
    op = node.op
    if op == "name":
        return 1.0 if node.value in variables else 0.0
    if op == "at" or (reduces(node) and not binds(node)):
        return 0.0
    own = [length(arg, variables) for arg in node.args]
    if op == "join":
        return sum(own)
    if op in ("first_half", "second_half"):
        return own[0] / 2
    if op in TO_VECTOR:
        return own[0] or 1.0
    return max(own, default=0.0)


def check(tree: Node, variables: tuple[str, ...], text: str) -> None:
    """FormulaError for vectors of different lengths side by side, and for indices of what has no entries."""
    for node in walk(tree):
        fault = _fault(node, variables)
        if fault:
            raise FormulaError(fault[0], text, node.span, fault[1])


def _fault(node: Node, variables: tuple[str, ...]) -> tuple[str, str] | None:
    """What is wrong with a node, and a hint."""
    own = [length(arg, variables) for arg in node.args]
    if node.op == "at":
        if node.args[0].free:
            return "an index cannot stand within what has an index", "give each vector its own: z[i] - z[j]"
        if own[0] != 1.0:
            return "an index is for a vector with an entry for each of the input's", f"{listed(variables, 'or')}[j]"
    if node.op != "at" and of_whole(node) and not binds(node) and node.free:
        return f"{node.op} cannot look at single entries", "an index is for what a sum runs over: sum(j, z[j])"
    if node.op == "join" and sum(own) > JOINED:
        return f"a vector {sum(own):g} times as long as the input is too long", f"at most {JOINED} times"
    if node.op in PARTS:
        return None if all(own) else (f"{node.op} is of vectors, and this is one number", "")
    if len(set(own) - {0.0}) > 1:
        return "a vector and a part of it stand side by side, and have not as many entries", "take parts of both"
    return None


def norm_as_powers(node: Node) -> Node:
    """norm(u, p) by sums and powers."""
    u, p = node.args
    powers = Node("sum", (Node("^", (Node("abs", (u,)), p)),))
    return Node("^", (powers, Node("/", (number(1.0), p))))
