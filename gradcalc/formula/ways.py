"""In what ways a sum can be written: each as a factor times some of its terms, and the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd

from gradcalc.formula.facts import not_negative
from gradcalc.formula.terms import NOTHING, Factors, Ratio, Term, collected, term, terms
from gradcalc.formula.tree import Node

#: A factor, the terms that it is common to, less that factor, and the terms it is not.
Way = tuple[Term, list[Term], list[Term]]

#: No sum is multiplied out to more terms, and no power of one beyond.
_MOST, _HIGHEST = 24, 4.0


def factored(parts: list[Term]) -> Iterator[Way]:
    """What all terms have in common before the sum."""
    common: Factors = {}
    for base in parts[0].factors:
        powers = [part.factors.get(base, 0.0) for part in parts]
        below = all(power < 0.0 for power in powers) and not any(paired(part, base) for part in parts)
        if below or all(power > 0.0 for power in powers):
            common[base] = min(powers)
    factor = Term(_common_coefficient(parts), common)
    if common or factor.coefficient != Ratio(1.0):
        yield _divided(factor, parts, [])


def as_one_fraction(parts: list[Term]) -> Iterator[Way]:
    """All terms above one line."""
    below: Factors = {}
    for part in parts:
        for base, exponent in part.factors.items():
            below[base] = min(below.get(base, 0.0), 0.0 if paired(part, base) else exponent)
    below = {base: exponent for base, exponent in below.items() if exponent < 0.0 and base.names}
    if below:
        yield _divided(Term(Ratio(1.0), below), parts, [])


def paired(part: Term, base: Node) -> bool:
    """Whether a power of a factor stands beside it: z^(c - 1) is taken apart to z^c and 1 / z, but no fraction."""
    return any(other.op == "^" and other.args[0] == base for other in part.factors)


def multiplied_out(parts: list[Term]) -> Iterator[Way]:
    """Products of sums term by term."""
    found: list[Term] = []
    for part in parts:
        found += _multiplied(part)
        if len(found) > _MOST:
            return
    if len(found) > len(parts):
        yield NOTHING, _by_degree(collected(found)), []


def _by_degree(parts: list[Term]) -> list[Term]:
    """A polynomial from its highest power down."""
    if any(base.op != "name" for part in parts for base in part.factors):
        return parts
    return sorted(parts, key=lambda part: -sum(part.factors.values()))


def with_sums(parts: list[Term]) -> Iterator[Way]:
    """Terms that make a multiple of a sum which is a factor of another: 1 - t^2 + z * (1 - t^2)."""
    sums = dict.fromkeys(base for part in parts for base in part.factors if base.op in ("+", "-"))
    for base in sums:
        wanted = {one.key: one.coefficient for one in terms(base)}
        here = [part for part in parts if part.key in wanted]
        if len(here) == len(wanted) < len(parts):
            ratios = {part.coefficient.times(wanted[part.key].power(-1.0)) for part in here}
            if len(ratios) == 1:
                yield Term(ratios.pop(), {base: 1.0}), [NOTHING], [part for part in parts if part not in here]


def partly_factored(parts: list[Term]) -> Iterator[Way]:
    """What some of the terms have in common before a sum of these."""
    bases = dict.fromkeys(base for part in parts for base in part.factors)
    for base in bases:
        here = [part for part in parts if part.factors.get(base, 0.0) > 0.0]
        if 1 < len(here) < len(parts):
            others = [part for part in parts if part not in here]
            for factor, inner, _ in factored(here):
                yield factor, inner, others


WAYS: tuple[Callable[[list[Term]], Iterator[Way]], ...] = (
    factored,
    as_one_fraction,
    with_sums,
    multiplied_out,
    partly_factored,
)


def _divided(factor: Term, parts: list[Term], others: list[Term]) -> Way:
    """Each part over the factor. Beside an odd power of sqrt(u) a square of it is u."""
    roots = [base for base, exponent in factor.factors.items() if base.op == "sqrt" and exponent % 2.0]
    return factor, [_rooted(part.over(factor), roots) for part in parts], others


def _rooted(part: Term, roots: list[Node]) -> Term:
    for root in roots:
        exponent = part.factors.get(root, 0.0)
        if exponent > 0.0 and exponent % 2.0 == 0.0 and not not_negative(root.args[0]):
            rest = Term(part.coefficient, {b: e for b, e in part.factors.items() if b != root})
            part = rest.times(term(root.args[0]).power(exponent / 2.0))
    return part


def _common_coefficient(parts: list[Term]) -> Ratio:
    """The largest number that divides all; it has the first term's sign where all have the same."""
    tops, bottoms = [abs(part.coefficient.top) for part in parts], [part.coefficient.bottom for part in parts]
    sign = -1.0 if all(part.coefficient.top < 0 for part in parts) else 1.0
    if not all(map(float.is_integer, tops)):
        return Ratio(sign * tops[0]) if len(set(tops)) == 1 and set(bottoms) == {1.0} else Ratio(sign)
    bottom = bottoms[0] if len(set(bottoms)) == 1 else 1.0
    return Ratio(sign * float(gcd(*map(int, tops))), bottom)


def _multiplied(part: Term) -> list[Term]:
    """A term with the sums among its factors multiplied out."""
    sums = {b: e for b, e in part.factors.items() if b.op in ("+", "-") and 0.0 < e <= _HIGHEST}
    found = [Term(part.coefficient, {b: e for b, e in part.factors.items() if b not in sums})]
    for base, exponent in sums.items():
        for _ in range(int(exponent)):
            found = [one.times(other) for one in found for other in terms(base)]
            if len(found) > _MOST:
                return found
    return found


#: Pairs of functions whose squares make 1: as a sum, or as the difference of the first and the second.
_SQUARES = {"cos": ("sin", 1.0), "cosh": ("sinh", -1.0)}


def squares_joined(parts: list[Term]) -> list[Term]:
    """cos(u)^2 + sin(u)^2 and cosh(u)^2 - sinh(u)^2 as 1, whatever they are multiplied by."""
    for part in parts:
        for base, exponent in part.factors.items():
            if base.op in _SQUARES and exponent >= 2.0:
                other, sign = _SQUARES[base.op]
                rest = part.over(Term(Ratio(1.0), {base: 2.0}))
                partner = rest.times(Term(Ratio(sign), {Node(other, base.args): 2.0}))
                if partner in parts:
                    left = [one for one in parts if one is not part and one != partner]
                    return squares_joined(collected([*left, rest]))
    return parts
