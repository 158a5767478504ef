"""Sums, products and powers as they are built: constants gathered, equal terms joined, zeros and ones gone.

A product is taken apart into a coefficient and powers of its factors, a sum into coefficients and terms; what is
put together again reads as one would write it. No two forms that differ by more than rounding are made equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import gcd, isfinite
from typing import NamedTuple

from gradcalc.errors import UsageError
from gradcalc.formula.tree import Node, is_number, number

#: Longer or deeper derivatives are of no use to a reader, and could exhaust the stack.
_LARGEST, _DEEPEST = 2000, 150

WITHOUT = "eval without --symbolic computes it"

ZERO, ONE = number(0.0), number(1.0)


class Ratio(NamedTuple):
    """A coefficient as numerator and denominator, so that 1/3 stays 1/3."""

    top: float
    bottom: float = 1.0

    def times(self, other: Ratio) -> Ratio:
        return _reduced(self.top * other.top, self.bottom * other.bottom)

    def plus(self, other: Ratio) -> Ratio:
        if self.bottom == other.bottom:
            return _reduced(self.top + other.top, self.bottom)
        return _reduced(self.top * other.bottom + other.top * self.bottom, self.bottom * other.bottom)

    def inverse(self) -> Ratio:
        return Ratio(self.bottom, self.top)


def _reduced(top: float, bottom: float) -> Ratio:
    """Whole numbers in lowest terms; the sign is the numerator's."""
    if bottom < 0:
        top, bottom = -top, -bottom
    if top.is_integer() and bottom.is_integer() and 0 < abs(top) < 2**53 and 0 < bottom < 2**53:
        common = gcd(int(top), int(bottom))
        return Ratio(top / common, bottom / common)
    return Ratio(top, bottom)


def _node(op: str, *args: Node) -> Node:
    found = Node(op, args)
    if found.size > _LARGEST or found.depth > _DEEPEST:
        raise UsageError("the derivative is too long to be written as a formula", hint=WITHOUT)
    return found


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


def negated(node: Node) -> Node:
    """-node; a sum's terms are turned one by one."""
    if node.op in ("+", "-"):
        left, right = node.args
        return plus(negated(left), right if node.op == "-" else negated(right))
    return times(number(-1.0), node)


def parted(node: Node, inside: Callable[[Node], bool]) -> tuple[Node, Node]:
    """A product as two: of all that is not inside, and of what is."""
    coefficient, factors = _factors(node)
    within = {base: exponent for base, exponent in factors.items() if inside(base)}
    without = {base: exponent for base, exponent in factors.items() if base not in within}
    return _product(coefficient, without), _product(Ratio(1.0), within)


def either(test: Node, then: Node, orelse: Node) -> Node:
    """One of two; the same on both sides needs no condition."""
    return then if then == orelse else _node("if", test, then, orelse)


def power(base: Node, exponent: Node) -> Node:
    """base^exponent."""
    if is_number(exponent, 1.0) or is_number(base, 1.0):
        return base
    if is_number(exponent, 0.0):
        return ONE
    return _node("^", base, exponent)


def over(a: Node, b: Node) -> Node:
    """a / b."""
    if is_number(b, 0.0):
        return _node("/", a, b)
    top, above = _factors(a)
    bottom, below = _factors(b)
    for base, exponent in below.items():
        above[base] = above.get(base, 0.0) - exponent
    return _product(top.times(bottom.inverse()), above)


def times(*given: Node) -> Node:
    """The product of all."""
    coefficient, factors = Ratio(1.0), dict[Node, float]()
    for node in given:
        own, more = _factors(node)
        coefficient = coefficient.times(own)
        for base, exponent in more.items():
            factors[base] = factors.get(base, 0.0) + exponent
    return _product(coefficient, factors)


def _factors(node: Node) -> tuple[Ratio, dict[Node, float]]:
    """A product as a coefficient and the powers of its factors."""
    if node.op == "number" and isfinite(float(node.value or 0.0)):
        return Ratio(float(node.value or 0.0)), {}
    if node.op == "neg":
        coefficient, factors = _factors(node.args[0])
        return Ratio(-coefficient.top, coefficient.bottom), factors
    if node.op == "^" and node.args[1].op == "number":
        return Ratio(1.0), {node.args[0]: float(node.args[1].value or 0.0)}
    if node.op not in ("*", "/") or (node.op == "/" and is_number(node.args[1], 0.0)):
        return Ratio(1.0), {node: 1.0}
    (coefficient, factors), (other, more) = map(_factors, node.args)
    sign = 1.0 if node.op == "*" else -1.0
    for base, exponent in more.items():
        factors[base] = factors.get(base, 0.0) + sign * exponent
    return coefficient.times(other if node.op == "*" else other.inverse()), factors


def _product(coefficient: Ratio, factors: dict[Node, float]) -> Node:
    """The product written: the coefficient, the factors, and below the line those with negative powers."""
    if coefficient.top == 0.0:
        return ZERO
    top, bottom = coefficient
    above = [power(base, number(exponent)) for base, exponent in factors.items() if exponent > 0]
    below = [power(base, number(-exponent)) for base, exponent in factors.items() if exponent < 0]
    if top == -1.0 and above:
        above[0] = _node("neg", above[0])
    elif top != 1.0 or not above:
        above.insert(0, number(top))
    if bottom != 1.0:
        below.insert(0, number(bottom))
    whole = _joined(above)
    return _node("/", whole, _joined(below)) if below else whole


def _joined(factors: list[Node]) -> Node:
    found = factors[0]
    for factor in factors[1:]:
        found = _node("*", found, factor)
    return found


def plus(*given: Node) -> Node:
    """The sum of all; a term without a minus comes first, if there is one."""
    terms: dict[Node, Ratio] = {}
    for node in given:
        for term, coefficient in _terms(node):
            terms[term] = terms[term].plus(coefficient) if term in terms else coefficient
    written = [(coefficient, term) for term, coefficient in terms.items() if coefficient.top != 0.0]
    first = next((i for i, (coefficient, _) in enumerate(written) if coefficient.top > 0), 0)
    if not written:
        return ZERO
    written.insert(0, written.pop(first))
    found = _weighted(*written[0])
    for coefficient, term in written[1:]:
        sign = "-" if coefficient.top < 0 else "+"
        found = _node(sign, found, _weighted(Ratio(abs(coefficient.top), coefficient.bottom), term))
    return found


def _weighted(coefficient: Ratio, term: Node) -> Node:
    return times(number(coefficient.top), over(term, number(coefficient.bottom)))


def _terms(node: Node) -> Iterable[tuple[Node, Ratio]]:
    """A sum's terms, each without its coefficient."""
    if node.op in ("+", "-"):
        yield from _terms(node.args[0])
        sign = 1.0 if node.op == "+" else -1.0
        for term, (top, bottom) in _terms(node.args[1]):
            yield term, Ratio(sign * top, bottom)
        return
    coefficient, factors = _factors(node)
    yield _product(Ratio(1.0), factors), coefficient
