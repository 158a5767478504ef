"""What factors of a product are to one another: sinh / cosh is tanh, sqrt(u)^2 is u where u cannot be negative."""

from __future__ import annotations

from collections.abc import Mapping

from gradcalc.formula.facts import not_negative
from gradcalc.formula.tree import Node, number

#: Powers of factors that are taken out of a product, and those that come in their place.
Change = tuple[dict[Node, float], dict[Node, float]]

_QUOTIENTS = {"sinh": ("cosh", "tanh"), "sin": ("cos", "tan")}


def relation(base: Node, exponent: float, factors: Mapping[Node, float]) -> Change | None:
    """How one factor to its power can be written otherwise, alone or with another."""
    if base.op == "sqrt":
        return _root(base, exponent, factors)
    if base.op in ("abs", "sign"):
        return _size(base, exponent, factors)
    if base.op in _QUOTIENTS:
        below, quotient = _QUOTIENTS[base.op]
        other = Node(below, base.args)
        common = _opposite(exponent, factors.get(other, 0.0))
        return ({base: common, other: -common}, {Node(quotient, base.args): common}) if common else None
    if base.op == "exp":
        return _exponential(base, exponent, factors)
    if base.op == "^" and abs(exponent) > 1.0 and not base.args[1].names:
        return _power_of_power(base, exponent)
    return None


def _opposite(one: float, other: float) -> float:
    """How much of a power is undone by another, with the sign of the one."""
    if one * other >= 0.0:
        return 0.0
    return min(one, -other) if one > 0.0 else max(one, -other)


def _root(base: Node, exponent: float, factors: Mapping[Node, float]) -> Change | None:
    """sqrt(u)^2 is u, unless it would then have a value where it had none."""
    u = base.args[0]
    if exponent % 2.0 == 0.0:
        return ({base: exponent}, {u: exponent / 2.0}) if not_negative(u) else None
    whole = factors.get(u, 0.0)
    return ({u: whole, base: exponent}, {base: 2.0 * whole + exponent}) if whole else None


def _size(base: Node, exponent: float, factors: Mapping[Node, float]) -> Change | None:
    """abs(u)^2 is u^2, and sign(u) turns abs(u) into u and u into abs(u)."""
    u = base.args[0]
    if base.op == "abs" and exponent % 2.0 == 0.0:
        return {base: exponent}, {u: exponent}
    if base.op == "abs" or exponent < 0.0:
        return None
    size = Node("abs", base.args)
    for one, other in ((size, u), (u, size)):
        if factors.get(one, 0.0) > 0.0:
            return {base: 1.0, one: 1.0}, {other: 1.0}
    return ({base: 2.0}, {}) if exponent > 2.0 else None


def _exponential(base: Node, exponent: float, factors: Mapping[Node, float]) -> Change | None:
    """exp(u) * exp(-u) is 1."""
    u = base.args[0]
    negative = u.args[0] if u.op == "neg" else Node("neg", base.args)
    other = Node("exp", (negative,))
    common = _opposite(exponent, -factors.get(other, 0.0))
    return ({base: common, other: common}, {}) if common else None


def _power_of_power(base: Node, exponent: float) -> Change | None:
    """(u^0.5)^3 is u^1.5; (u^0.5)^2 is u where u cannot be negative."""
    u, inner = base.args
    parts = [inner] if inner.op == "number" else list(inner.args) if inner.op == "/" else []
    if not parts or any(part.op != "number" for part in parts):
        return None
    top, bottom = [float(part.value or 0.0) for part in (*parts, number(1.0))][:2]
    both = number(top * exponent) if bottom == 1.0 else Node("/", (number(top * exponent), number(bottom)))
    if not bottom or ((top * exponent / bottom).is_integer() and not not_negative(u)):
        return None
    return {base: exponent}, {Node("^", (u, both)): 1.0}
