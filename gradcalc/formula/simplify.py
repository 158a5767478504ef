"""Sums, products and powers as they are built: constants gathered, equal terms joined, zeros and ones gone.

No two forms that differ by more than rounding are made equal.
"""

from __future__ import annotations

from collections.abc import Callable

from gradcalc.formula.terms import ONE, WITHOUT, ZERO, Ratio, Term, built, term, terms, total, written
from gradcalc.formula.tree import Node, is_number

__all__ = ["ONE", "WITHOUT", "ZERO", "either", "negated", "over", "parted", "plus", "power", "simplified_tree", "times"]


def simplified_tree(node: Node) -> Node:
    """A tree with everything that can be gathered gathered."""
    args = tuple(simplified_tree(arg) for arg in node.args)
    if node.op in ("+", "-"):
        return plus(args[0], args[1] if node.op == "+" else negated(args[1]))
    if node.op == "neg":
        return negated(args[0])
    if node.op == "*":
        return times(*args)
    if node.op == "/":
        return over(*args)
    if node.op == "^":
        return power(*args)
    if node.op == "if":
        return either(*args)
    if node.op == "log" and args[0].op == "name" and args[0].value == "e":
        return ONE
    return Node(node.op, args, node.value) if args else node


def plus(*given: Node) -> Node:
    """The sum of all; a term without a minus comes first, if there is one."""
    return total(part for node in given for part in terms(node))


def negated(node: Node) -> Node:
    """-node; a sum's terms are turned one by one."""
    return total(part.scaled(Ratio(-1.0)) for part in terms(node))


def times(*given: Node) -> Node:
    """The product of all."""
    found = Term(Ratio(1.0), {})
    for node in given:
        found = found.times(term(node))
    return written(found)


def over(a: Node, b: Node) -> Node:
    """a / b."""
    if is_number(b, 0.0):
        return built("/", a, b)
    return written(term(a).times(term(b).power(-1.0)))


def power(base: Node, exponent: Node) -> Node:
    """base^exponent."""
    if is_number(exponent, 1.0) or is_number(base, 1.0):
        return base
    if is_number(exponent, 0.0):
        return ONE
    return written(term(built("^", base, exponent)))


def either(test: Node, then: Node, orelse: Node) -> Node:
    """One of two; the same on both sides needs no condition."""
    return then if then == orelse else built("if", test, then, orelse)


def parted(node: Node, inside: Callable[[Node], bool]) -> tuple[Node, Node]:
    """A product as two: of all that is not inside, and of what is."""
    coefficient, factors = term(node)
    within = {base: exponent for base, exponent in factors.items() if inside(base)}
    without = {base: exponent for base, exponent in factors.items() if base not in within}
    return written(Term(coefficient, without)), written(Term(Ratio(1.0), within))
