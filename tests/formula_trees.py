"""Random formulas for property tests, and their values by mpmath: an evaluation that shares nothing with the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import mpmath
from hypothesis import strategies as st

from gradcalc.formula.rules import OVER_AN_INDEX
from gradcalc.formula.tree import Node, name, number, substituted

#: Functions that are smooth and of moderate size for arguments of moderate size.
SMOOTH = ("exp", "expm1", "sin", "cos", "sinh", "cosh", "tanh", "atan", "asinh", "erf", "erfc", "sigmoid", "softplus")

#: Functions of a positive number.
OF_POSITIVE = ("log", "log1p", "log2", "log10", "sqrt", "cbrt")

NUMBERS = st.sampled_from((0.5, 1.0, 2.0, 3.0, 0.25, 1.7)).map(number)

_MP: dict[str, Any] = {
    "neg": lambda x: -x,
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "^": lambda x, y: x**y,
    "cbrt": lambda x: mpmath.cbrt(x) if x >= 0 else -mpmath.cbrt(-x),
    "log2": lambda x: mpmath.log(x, 2),
    "log10": lambda x: mpmath.log(x, 10),
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
    "abs": abs,
    "max": max,
    "min": min,
}


def formulas(letters: tuple[str, ...] = ("z",)) -> st.SearchStrategy[Node]:
    """Trees of a handful of operations; what is put into a logarithm or a root is at least 1."""
    leaves = st.sampled_from(letters).map(name) | NUMBERS

    def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        pairs = st.tuples(st.sampled_from(("+", "-", "*")), inner, inner)
        return st.one_of(
            pairs.map(lambda t: Node(t[0], (t[1], t[2]))),
            st.tuples(st.sampled_from(SMOOTH), inner).map(lambda t: Node(t[0], (t[1],))),
            st.tuples(st.sampled_from(OF_POSITIVE), inner).map(lambda t: Node(t[0], (_above_one(t[1]),))),
            st.tuples(inner, inner).map(lambda t: Node("/", (t[0], _above_one(t[1])))),
            st.tuples(inner, st.sampled_from((2.0, 3.0))).map(lambda t: Node("^", (t[0], number(t[1])))),
            st.tuples(inner, inner).map(lambda t: Node("^", (_above_one(t[0]), t[1]))),
            inner.filter(lambda node: node.op != "number").map(lambda node: Node("neg", (node,))),
        )

    return st.recursive(leaves, grown, max_leaves=6)


def careless() -> st.SearchStrategy[Node]:
    """Trees whose logarithms and roots may be of negative numbers, with kinks and choices, and shared factors."""
    z = name("z")
    grains = [z, number(2.0), Node("+", (number(1.0), z)), Node("-", (number(1.0), z)), Node("abs", (z,))]
    leaves = st.sampled_from([*grains, *(Node(f, (z,)) for f in ("exp", "tanh", "sqrt", "log", "sin", "cos", "cosh"))])

    def grown(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        powers = st.sampled_from((2.0, 3.0, -1.0, -2.0, 0.5, 1.5, -0.5))
        conditions = inner.map(lambda node: Node(">", (node, number(0.0))))
        return st.one_of(
            st.tuples(st.sampled_from(("+", "-", "*", "/", "max")), inner, inner).map(lambda t: Node(t[0], t[1:])),
            st.tuples(inner, powers).map(lambda t: Node("^", (t[0], number(t[1])))),
            st.tuples(st.sampled_from(("sqrt", "log", "abs", "exp", "sinh")), inner).map(lambda t: Node(t[0], (t[1],))),
            st.tuples(conditions, inner, inner).map(lambda t: Node("if", t)),
        )

    return st.recursive(leaves, grown, max_leaves=4)


def _above_one(node: Node) -> Node:
    return Node("+", (number(1.0), Node("^", (node, number(2.0)))))


#: One number of a vector's entries, in the language and by mpmath.
REDUCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "sum": mpmath.fsum,
    "mean": lambda entries: mpmath.fsum(entries) / len(entries),
    "prod": mpmath.fprod,
    "max": max,
    "min": min,
    "logsumexp": lambda entries: mpmath.log(mpmath.fsum(map(mpmath.exp, entries))),
    "norm": lambda entries: mpmath.sqrt(mpmath.fsum(entry**2 for entry in entries)),
}


class OfVector(NamedTuple):
    """A number of a vector z: a formula of s and t, each a reduction of the entries of a formula of z."""

    outer: Node
    s: tuple[str, Node]
    t: tuple[str, Node]

    def tree(self, *, index: bool = False) -> Node:
        """As a formula of z; with an index where the reduction can have one."""
        return substituted(self.outer, {"s": _reduced(*self.s, index=index), "t": _reduced(*self.t, index=index)})

    def exact(self, z: Sequence[Any]) -> Any:
        """The value by mpmath."""
        parts = [REDUCTIONS[op]([exact(node, {"z": entry}) for entry in z]) for op, node in (self.s, self.t)]
        return exact(self.outer, dict(zip("st", parts, strict=True)))


def _reduced(op: str, node: Node, *, index: bool) -> Node:
    if index and op in OVER_AN_INDEX:
        return Node(op, (substituted(node, {"z": Node("at", (name("z"),), "j")}),), "j")
    return Node(op, (node,))


def of_vectors() -> st.SearchStrategy[OfVector]:
    """Numbers of a vector, smooth but for ties."""
    reductions = st.tuples(st.sampled_from(sorted(REDUCTIONS)), formulas().filter(lambda node: "z" in node.names))
    return st.builds(OfVector, formulas(("s", "t")).filter(lambda node: bool(node.names)), reductions, reductions)


def exact(node: Node, names: dict[str, Any]) -> Any:
    """The value by mpmath, at its working precision."""
    if node.op == "number":
        return mpmath.mpf(float(node.value or 0.0))
    if node.op == "name":
        return names[str(node.value)]
    function = _MP.get(node.op) or getattr(mpmath, node.op)
    return function(*(exact(arg, names) for arg in node.args))
