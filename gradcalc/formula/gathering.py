"""What many entries bring to one: sums over a vector or an index as they are written, and each entry's share."""

from __future__ import annotations

from gradcalc.errors import UsageError
from gradcalc.formula.rules import INDICES
from gradcalc.formula.shapes import is_vector, length, of_whole
from gradcalc.formula.simplify import ONE, WITHOUT, ZERO, either, over, parted, plus, power, times
from gradcalc.formula.tree import Node, binds, is_number, name, number, walk

#: What the Jacobian of a vector formula is multiplied by.
UPSTREAM = "upstream"


def total(node: Node, variables: tuple[str, ...]) -> Node:
    """The sum over the vector; factors that are the same in all entries stand before it."""
    if is_number(node, 0.0):
        return ZERO
    vectors = (*variables, UPSTREAM)
    same, own = parted(node, lambda factor: is_vector(factor, vectors))
    if is_number(own, 1.0):
        return times(same, name("n"))
    if not own.free:
        return times(same, Node("sum", (own,)))
    index = unused(own)
    return times(same, Node("sum", (with_index(own, index, vectors),), index))


def total_over(node: Node, index: str) -> Node:
    """The sum over an index."""
    if is_number(node, 0.0):
        return ZERO
    same, own = parted(node, lambda factor: index in factor.free)
    return times(same, name("n") if is_number(own, 1.0) else Node("sum", (own,), index))


def unused(node: Node) -> str:
    """An index that a formula does not have yet."""
    used = {str(part.value) for part in walk(node) if part.op == "at" or binds(part)}
    for index in INDICES:
        if index not in used:
            return index
    raise UsageError("the derivative has too many indices to be written as a formula", hint=WITHOUT)


def with_index(node: Node, index: str, vectors: tuple[str, ...]) -> Node:
    """A vector's entries by an index: z - sum(z) as z[j] - sum(z)."""
    if not is_vector(node, vectors):
        return node
    if node.op == "name" or (of_whole(node) and not binds(node)):
        return Node("at", (node,), index)
    return Node(node.op, tuple(with_index(arg, index, vectors) for arg in node.args), node.value)


def without_index(node: Node, index: str) -> Node:
    """The same backwards: what has an index as a vector, an entry for each that the index takes one to."""
    if index not in node.free:
        return node
    if node.op == "at":
        return node.args[0]
    if node.op == "index":
        raise UsageError("an index as a number cannot be written in a derivative", hint=WITHOUT)
    return Node(node.op, tuple(without_index(arg, index) for arg in node.args), node.value)


def shares(node: Node, variables: tuple[str, ...]) -> Node:
    """The derivative of one number by all that it is made of."""
    u = node.args[0]
    if node.op == "logsumexp":
        return Node("softmax", (u,))
    if node.op == "prod":
        return over(node, u)
    if node.op in ("max", "min"):
        tied = Node("==", (u, node))
        return over(either(tied, ONE, ZERO), Node("sum", (tied,), node.value))
    if node.op == "norm" and _is_infinite(node.args[-1]):
        size = Node("abs", (u,))
        return times(Node("sign", (u,)), shares(Node("max", (size,)), variables))
    if node.op == "norm" and (len(node.args) == 1 or is_number(node.args[1], 2.0)):
        return over(u, node)
    if node.op == "norm":
        less = plus(node.args[1], number(-1.0))
        size = over(power(Node("abs", (u,)), less), power(node, less))
        return times(Node("sign", (u,)), size)
    part = length(u, (*variables, UPSTREAM)) if not binds(node) else 1.0
    return ONE if node.op == "sum" else over(ONE, times(number(part or 1.0), name("n")))


def _is_infinite(node: Node) -> bool:
    return (node.op == "name" and node.value == "inf") or is_number(node, float("inf"))
