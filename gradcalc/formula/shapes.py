"""Which parts of a formula have an entry for each of the input's, and which are one number of the whole vector."""

from __future__ import annotations

from gradcalc.formula.rules import TO_NUMBER, TO_VECTOR
from gradcalc.formula.tree import Node, walk


def reduces(node: Node) -> bool:
    """Whether a node makes one number of a vector."""
    return node.op in TO_NUMBER or (node.op in ("max", "min") and len(node.args) == 1)


def of_a_vector(tree: Node, parameters: tuple[str, ...] = ()) -> bool:
    """Whether a formula speaks of a whole vector: it reduces one, has softmax in it, or asks for its length."""
    return any(
        reduces(node) or node.op in TO_VECTOR or (node.op == "name" and node.value == "n" and "n" not in parameters)
        for node in walk(tree)
    )


def is_vector(node: Node, variables: tuple[str, ...]) -> bool:
    """Whether a node's result has an entry for each of the input's; a variable has one."""
    if node.op in TO_VECTOR:
        return True
    if reduces(node):
        return False
    if node.op == "name":
        return node.value in variables
    return any(is_vector(arg, variables) for arg in node.args)
