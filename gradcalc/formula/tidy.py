"""The same formula as short as it can be written: each sum is written in several ways, and the shortest is taken.

The work is bounded: once it is used up, what is left stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from gradcalc.errors import UsageError
from gradcalc.formula.choices import chosen, condition, scaled
from gradcalc.formula.rules import PARTS
from gradcalc.formula.shapes import is_vector, length
from gradcalc.formula.show import text
from gradcalc.formula.simplify import negated, parted, times
from gradcalc.formula.terms import ONE, ZERO, Ratio, Term, collected, term, terms, total, written
from gradcalc.formula.tree import Node, binds, is_condition
from gradcalc.formula.ways import WAYS, multiplied_out, paired, partly_factored, squares_joined

#: So many sums are looked at for one derivative, none with more terms.
_SUMS, _TERMS = 60, 12

#: Longer formulas are beyond help.
_LARGEST = 600

#: What is multiplied out must be so much shorter, for its parts are what people know: z * (1 - tanh(z)^2).
_GAIN = 0.87


def tidied(node: Node, vectors: tuple[str, ...] = ()) -> Node:
    """The formula written as short as we can; `vectors` are the names that have an entry for each of the input's."""
    return _turned(_Tidier(vectors).of(node)) if node.size <= _LARGEST else node


def _turned(node: Node) -> Node:
    """No minus before a difference: -(1 - z) * exp(z) as (z - 1) * exp(z)."""
    if not node.args or node.op in PARTS:
        return node
    node = Node(node.op, tuple(map(_turned, node.args)), node.value)
    if node.op == "-" and node.args[0].op != "-":  # u - v * (w - x) as u + v * (x - w)
        other = _other_way(term(node.args[1]))
        return node if other is None else Node("+", (node.args[0], written(other.scaled(Ratio(-1.0)))))
    if node.op not in ("*", "/", "neg"):
        return node
    given = term(node)
    other = _other_way(given) if given.coefficient.top < 0 else None
    return node if other is None else written(other)


def _other_way(given: Term) -> Term | None:
    """A product with one of its differences turned, and with it the sign."""
    for base, exponent in given.factors.items():
        if base.op == "-" and exponent % 2.0 and not paired(given, base):
            rest = Term(given.coefficient, {b: e for b, e in given.factors.items() if b is not base})
            other = negated(base)
            if len(text(other)) <= len(text(base)):
                return rest.scaled(Ratio(-1.0)).times(term(other).power(exponent))
    return None


class _Tidier:
    """One formula's parts, each looked at once."""

    def __init__(self, vectors: tuple[str, ...]) -> None:
        self.vectors, self.left = vectors, _SUMS
        self.parts: dict[Node, Node] = {}
        self.sums: dict[frozenset[object], Node] = {}
        self.lengths: dict[Node, float] = {}

    def of(self, node: Node) -> Node:
        """A part, its own parts first."""
        if not node.args or node.op in PARTS:  # zeros there are as many as they must be
            return node
        if node not in self.parts:
            self.parts[node] = self.part(node)
        return self.parts[node]

    def part(self, node: Node) -> Node:
        if node.op in ("+", "-"):
            return self.sum([part for one in terms(node) for part in terms(self.product(one))])
        if node.op in ("*", "/", "neg", "^"):
            return self.product(term(node))
        args = tuple(map(self.of, node.args))
        if node.op == "if":
            return chosen(*args)
        if node.op == "sum" and not binds(node):
            return self.total(args[0])
        again = Node(node.op, args, node.value)
        return condition(again) if is_condition(node) else again

    def product(self, given: Term) -> Node:
        """A product, each of its factors by itself."""
        found = Term(given.coefficient, {})
        for base, exponent in given.factors.items():
            raised = base.op in ("^", "/")
            own = Node(base.op, tuple(map(self.of, base.args))) if raised else self.of(base)
            found = found.times(term(own).power(exponent))
        return self.written(found)

    def written(self, given: Term) -> Node:
        """A product; with a choice that may be 0 it is a choice of the whole."""
        given = self.averaged(given)
        for base, exponent in given.factors.items():
            rest = Term(given.coefficient, {b: e for b, e in given.factors.items() if b is not base})
            if base.op == "if" and exponent == 1.0:
                found = scaled(base, rest)
                if found:
                    return found
        return written(given)

    def averaged(self, given: Term) -> Term:
        """sum(u) / n as mean(u), where u has an entry for each of the input's."""
        count = next((base for base in given.factors if base.op == "name" and base.value == "n"), None)
        for base, exponent in given.factors.items():
            whole = base.op == "sum" and not binds(base) and length(base.args[0], self.vectors) == 1.0
            if count is not None and whole and exponent > 0.0 and given.factors[count] < 0.0:
                mean = Term(Ratio(1.0), {Node("mean", base.args): 1.0})
                return self.averaged(given.over(Term(Ratio(1.0), {base: 1.0, count: -1.0})).times(mean))
        return given

    def total(self, u: Node) -> Node:
        """sum(u): numbers before it, and nothing where u is what differs from its own mean."""
        parts = terms(u)
        for part in parts:
            mean = next((base for base, e in part.factors.items() if base.op == "mean" and e == 1.0), None)
            if mean is not None and len(part.factors) == 1:
                entry_by_entry = term(mean.args[0]).scaled(part.coefficient)
                if not collected([*parts, part.scaled(Ratio(-1.0)), entry_by_entry]):
                    return ZERO
        same, own = parted(u, lambda factor: is_vector(factor, self.vectors))
        return Node("sum", (u,)) if same == ONE or own == ONE else times(same, Node("sum", (own,)))

    def length(self, node: Node) -> float:
        """How long a formula is to read: brackets are soon read, and blanks not at all."""
        if node not in self.lengths:
            shown = text(node)
            self.lengths[node] = len(shown) - shown.count(" ") - 0.5 * (shown.count("(") + shown.count(")"))
        return self.lengths[node]

    def sum(self, given: Sequence[Term]) -> Node:
        """A sum in the shortest way."""
        parts = squares_joined(collected(given))
        best = total(parts)
        if len(parts) < 2 or len(parts) > _TERMS:
            return best
        key = frozenset((part.key, part.coefficient) for part in parts)
        if key in self.sums or self.left <= 0:
            return self.sums.get(key, best)
        self.left -= 1
        self.sums[key] = best
        for way in WAYS:
            for factor, inner, others in way(parts):
                found = self.tried(factor, inner, others)
                gain = _GAIN if way in (multiplied_out, partly_factored) else 1.0
                if found is not None and self.length(found) < gain * self.length(best):
                    self.sums[key] = best = found
        return best

    def tried(self, factor: Term, inner: list[Term], others: list[Term]) -> Node | None:
        """A sum as a factor times some of its terms, and the others; None where that cannot be written."""
        try:
            within = self.sum([part for one in inner for part in terms(written(one))])
            found = self.written(factor.times(term(within)))
            return self.sum([*terms(found), *others]) if others else found
        except UsageError:
            return None
