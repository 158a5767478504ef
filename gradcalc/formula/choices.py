"""Choices between formulas as they are read best: one condition for several, and what it decides already is decided."""

from __future__ import annotations

from gradcalc.formula.facts import defined
from gradcalc.formula.terms import ONE, ZERO, Term, term, written
from gradcalc.formula.tree import Node, is_number, number

#: A comparison read from right to left.
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


def chosen(test: Node, then: Node, orelse: Node) -> Node:
    """One of two under a condition."""
    test = condition(test)
    then = _knowing(then, test)
    if then == orelse:
        return then
    if then.op == "if" and then.args[2] == orelse:
        return chosen(Node("and", (test, _knowing(then.args[0], test))), then.args[1], orelse)
    return Node("if", (test, then, orelse))


def condition(test: Node) -> Node:
    """A condition with a largest and a smallest in it taken apart, and what stands between two numbers said as that."""
    parts = [part for one in _conjuncts(test) for part in _conjuncts(_apart(one))]
    kept = [part for i, part in enumerate(parts) if not _holds(part) and part not in parts[:i]] or parts[:1]
    if len(kept) == 2:
        kept = _between(*kept)
    found = kept[0]
    for part in kept[1:]:
        found = Node("and", (found, part))
    return found


def _conjuncts(test: Node) -> list[Node]:
    return [part for arg in test.args for part in _conjuncts(arg)] if test.op == "and" else [test]


def _apart(test: Node) -> Node:
    """min(u, v) > 0 says that both are."""
    if test.op not in _MIRRORED:
        return test
    left, right = test.args
    if right.op in ("min", "max") and left.op not in ("min", "max"):
        test, left, right = Node(_MIRRORED[test.op], (right, left)), right, left
    both = {"min": (">", ">="), "max": ("<", "<=")}.get(left.op, ())
    if test.op not in both or len(left.args) != 2 or right.names:
        return test
    return Node("and", tuple(_apart(Node(test.op, (arg, right))) for arg in left.args))


def _holds(test: Node) -> bool:
    """Whether a comparison of two numbers is true."""
    if test.op not in ("<", ">") or not all(arg.op == "number" for arg in test.args):
        return False
    left, right = (float(arg.value or 0.0) for arg in test.args)
    return left < right if test.op == "<" else left > right


def _between(one: Node, other: Node) -> list[Node]:
    """u > 0 and u < 1 as 0 < u and u < 1."""
    if one.op not in _MIRRORED or other.op not in _MIRRORED:
        return [one, other]
    below = [part if part.op[0] == "<" else Node(_MIRRORED[part.op], part.args[::-1]) for part in (one, other)]
    for low, high in (below, below[::-1]):
        if low.args[1] == high.args[0]:
            return [low, high]
    return [one, other]


def _knowing(node: Node, test: Node) -> Node:
    """A formula where a condition holds: max(z, 0) is z where z > 0."""
    known: dict[Node, Node] = {}
    for part in _conjuncts(test):
        if part.op in _MIRRORED:
            large, small = part.args if part.op[0] == ">" else part.args[::-1]
            known |= {Node("max", pair): large for pair in ((large, small), (small, large))}
            known |= {Node("min", pair): small for pair in ((large, small), (small, large))}
            if is_number(small, 0.0) and len(part.op) == 1:
                known |= {Node("abs", (large,)): large, Node("sign", (large,)): ONE}
            if is_number(large, 0.0) and len(part.op) == 1:
                known |= {Node("sign", (small,)): number(-1.0)}
    return _replaced(node, known) if known else node


def _replaced(node: Node, known: dict[Node, Node]) -> Node:
    if node in known:
        return known[node]
    args = tuple(_replaced(arg, known) for arg in node.args)
    return Node(node.op, args, node.value) if args != node.args else node


def scaled(choice: Node, factor: Term) -> Node | None:
    """A choice one side of which is 0, times a product that has a value wherever it is: z * (1 if z > 0 else 0)."""
    test, *sides = choice.args
    if ZERO not in sides or not defined(written(factor)):
        return None
    then, orelse = (written(factor.times(term(side))) for side in sides)
    return chosen(test, then, orelse)
