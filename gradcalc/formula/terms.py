"""Products and sums taken apart and put together: a coefficient with powers of factors, and coefficients with terms.

A power that is no whole number has its whole part taken out, so that z * z^(c - 1) is z^c. What would be defined
where it was not before is left as it is: sqrt(z) / sqrt(z) is not 1 where z is negative.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from math import gcd, isfinite
from typing import NamedTuple

from gradcalc.errors import UsageError
from gradcalc.formula.facts import defined
from gradcalc.formula.relations import relation
from gradcalc.formula.tree import ARITHMETIC, Node, is_number, number, walk

#: Longer or deeper derivatives are of no use to a reader, and could exhaust the stack.
_LARGEST, _DEEPEST = 2000, 150

WITHOUT = "eval without --symbolic computes it"

ZERO, ONE = number(0.0), number(1.0)

#: What a formula is a function of: parameters stand before these.
_VARIABLES = ("z", "a", "y", "upstream")

#: Whole numbers beyond are no longer exact.
_EXACT = 2.0**53

Factors = dict[Node, float]


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

    def power(self, k: float) -> Ratio:
        """To the power of a whole number; infinite where it is too large to be written."""
        try:
            top, bottom = self.top ** abs(k), self.bottom ** abs(k)
        except OverflowError:
            return Ratio(float("inf"))
        return _reduced(top, bottom) if k > 0 else _reduced(bottom, top)


def _reduced(top: float, bottom: float) -> Ratio:
    """Whole numbers in lowest terms; the sign is the numerator's."""
    if bottom < 0:
        top, bottom = -top, -bottom
    if top.is_integer() and bottom.is_integer() and 0 < abs(top) < _EXACT and 0 < bottom < _EXACT:
        common = gcd(int(top), int(bottom))
        return Ratio(top / common, bottom / common)
    return Ratio(top, bottom)


class Term(NamedTuple):
    """A product: its coefficient, and its factors with their powers, which are whole numbers."""

    coefficient: Ratio
    factors: Factors

    @property
    def key(self) -> frozenset[tuple[Node, float]]:
        """The same of terms that can be added."""
        return frozenset(self.factors.items())

    def scaled(self, coefficient: Ratio) -> Term:
        return Term(self.coefficient.times(coefficient), self.factors)

    def times(self, other: Term) -> Term:
        found = dict(self.factors)
        for base, exponent in other.factors.items():
            total = found.pop(base, 0.0) + exponent
            if total:
                found[base] = total
            elif not defined(base):
                found[Node("/", (base, base))] = 1.0
        return _related(Term(self.coefficient.times(other.coefficient), found))

    def over(self, other: Term) -> Term:
        """The quotient, where the other term goes on to stand beside it: it says where all this is defined."""
        found = dict(self.factors)
        for base, exponent in other.factors.items():
            found[base] = found.get(base, 0.0) - exponent
        left = {base: exponent for base, exponent in found.items() if exponent}
        return _related(Term(self.coefficient.times(other.coefficient.power(-1.0)), left))

    def power(self, k: float) -> Term:
        """To the power of a whole number."""
        factors = {base: e if _is_one(base) else e * k for base, e in self.factors.items()}
        return _related(Term(self.coefficient.power(k), factors))


def _is_one(base: Node) -> bool:
    """Whether a factor is 1 wherever it is defined, and stands there for that."""
    return base.op == "/" and base.args[0] == base.args[1]


NOTHING = Term(Ratio(1.0), {})


def _related(given: Term) -> Term:
    """A product with what its factors are to one another put to use: sinh(z) / cosh(z) is tanh(z)."""
    for base, exponent in given.factors.items():
        found = relation(base, exponent, given.factors)
        if found:
            taken, made = found
            left = {b: e - taken.get(b, 0.0) for b, e in given.factors.items()}
            kept = Term(given.coefficient, {b: e for b, e in left.items() if e})
            for node, power in made.items():
                kept = kept.times(term(node).power(power))
            return kept
    return given


def built(op: str, *args: Node) -> Node:
    """A node, if it is not too large. UsageError where it is."""
    found = Node(op, args)
    if found.size > _LARGEST or found.depth > _DEEPEST:
        raise UsageError("the derivative is too long to be written as a formula", hint=WITHOUT)
    return found


@lru_cache(maxsize=4096)
def term(node: Node) -> Term:
    """A product as a coefficient and the powers of its factors."""
    op, args = node.op, node.args
    alone = Term(Ratio(1.0), {node: 1.0})
    if op == "number":
        return Term(Ratio(float(node.value or 0.0)), {}) if isfinite(float(node.value or 0.0)) else alone
    if op == "neg":
        return term(args[0]).scaled(Ratio(-1.0))
    if op == "^":
        return _power(*args)
    if op == "*":
        return term(args[0]).times(term(args[1]))
    if op == "/" and not _is_one(node):
        below = term(args[1])
        inverse = below.power(-1.0) if below.coefficient.top else below
        return term(args[0]).times(inverse) if inverse is not below and _is_finite(inverse) else alone
    return alone


def _is_finite(given: Term) -> bool:
    return isfinite(given.coefficient.top) and isfinite(given.coefficient.bottom) and given.coefficient.bottom != 0.0


def _power(base: Node, exponent: Node) -> Term:
    whole, rest = _parted(exponent)
    if is_number(rest, 0.0):
        inner = term(base)
        raised = inner.power(whole) if inner.coefficient.top and whole else NOTHING
        if whole and (raised is NOTHING or not _is_finite(raised)):
            return Term(Ratio(1.0), {base: whole})
        return raised
    if not whole or term(base).factors != {base: 1.0}:
        whole, rest = 0.0, exponent
    single = term(rest)
    below = not single.factors and single.coefficient.top < 0
    key = Node("^", (base, written(single.scaled(Ratio(-1.0))) if below else rest))
    return Term(Ratio(1.0), {key: -1.0 if below else 1.0, **({base: whole} if whole else {})})


def _parted(exponent: Node) -> tuple[float, Node]:
    """An exponent as its whole part, cut towards 0, and the rest."""
    if exponent.op not in ("number", "neg", "/", "+", "-"):
        return 0.0, exponent
    parts = terms(exponent)
    constant = next((part.coefficient for part in parts if not part.factors), Ratio(0.0))
    if abs(constant.top) >= _EXACT or not constant.bottom:
        return 0.0, exponent
    whole = float(int(constant.top / constant.bottom))
    return whole, total([*parts, Term(Ratio(-whole), {})]) if whole else exponent


def terms(node: Node) -> list[Term]:
    """A sum's terms."""
    if node.op in ("+", "-"):
        left, right = map(terms, node.args)
        return [*left, *(right if node.op == "+" else (part.scaled(Ratio(-1.0)) for part in right))]
    return [term(node)]


def collected(given: Iterable[Term]) -> list[Term]:
    """Terms with equal ones joined, without those that cancel."""
    found: dict[frozenset[tuple[Node, float]], Term] = {}
    for part in given:
        before = found.get(part.key)
        found[part.key] = part if before is None else before._replace(
            coefficient=before.coefficient.plus(part.coefficient)
        )  # fmt: skip
    return [part for part in found.values() if part.coefficient.top != 0.0]


def total(given: Iterable[Term]) -> Node:
    """The sum of terms written; one without a minus comes first, if there is one."""
    parts = collected(given)
    if not parts:
        return ZERO
    parts.insert(0, parts.pop(next((i for i, part in enumerate(parts) if part.coefficient.top > 0), 0)))
    found = written(parts[0])
    for part in parts[1:]:
        below = part.coefficient.top < 0
        found = built("-" if below else "+", found, written(part.scaled(Ratio(-1.0)) if below else part))
    return found


def written(given: Term) -> Node:
    """A product written: the coefficient, the factors, and below the line those with negative powers."""
    (top, bottom), factors = given.coefficient, given.factors
    if top == 0.0:
        return ZERO
    powers = sorted(_powers(factors), key=lambda part: _place(part[0]))
    above = [raised for _, raised, is_below in powers if not is_below]
    below = [raised for _, raised, is_below in powers if is_below]
    if top == -1.0 and above:
        above[0] = built("neg", above[0])
    elif top != 1.0 or not above:
        above.insert(0, number(top))
    if bottom != 1.0:
        below.insert(0, number(bottom))
    return built("/", _product(above), _product(below)) if below else _product(above)


def _powers(factors: Factors) -> list[tuple[Node, Node, bool]]:
    """Each factor: its base, that to its power, and whether it stands below the line."""
    left, found = dict(factors), []
    for power, sign in factors.items():
        base = power.args[0] if power.op == "^" else power
        if power.op == "^" and abs(sign) == 1.0 and {base, power} <= left.keys():
            parts = [Term(Ratio(left.pop(base)), {}), *(part.scaled(Ratio(sign)) for part in terms(power.args[1]))]
            del left[power]
            exponent = term(total(parts))
            below = not exponent.factors and exponent.coefficient.top < 0
            found.append((base, _raised(base, written(exponent.scaled(Ratio(-1.0 if below else 1.0)))), below))
    whole = [(base, base if abs(e) == 1.0 else built("^", base, number(abs(e))), e < 0) for base, e in left.items()]
    return found + whole


def _raised(base: Node, exponent: Node) -> Node:
    return base if is_number(exponent, 1.0) else built("^", base, exponent)


def _product(factors: list[Node]) -> Node:
    found = factors[0]
    for factor in factors[1:]:
        found = built("*", found, factor)
    return found


def _place(base: Node) -> int:
    """Where a factor stands: parameters, variables, what is made of these alone, functions, sums with functions."""
    if base.op == "name":
        return 1 if base.value in _VARIABLES else 0
    if not base.names:
        return 2 if base.op == "log" else 0
    if all(part.op in ("number", "name", "neg", *ARITHMETIC) for part in walk(base)):
        return 2
    return 4 if base.op in ("+", "-", "if") else 3
