"""Derivatives of a vector's formula backwards, from the result to the entries: each part is looked at once.

What is elementwise in the letter is differentiated forwards, entry by entry, with its kinks. Above that a part that
stands at a tie is left to whoever can try one entry after the other: its example is told to be `unsettled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from gradcalc.formula import arrays, reductions
from gradcalc.formula.evaluate import SIDED_TERMS, Walk, evaluate
from gradcalc.formula.kernels import has_kinks, nth
from gradcalc.formula.rules import PARTS, STEPS, TO_VECTOR
from gradcalc.formula.series import Series
from gradcalc.formula.shapes import length, norm_as_powers, of_whole
from gradcalc.formula.simplify import simplified_tree
from gradcalc.formula.tree import COMPARISONS, LOGIC, Node, binds, name, walk

Array = Any

_NOWHERE: Array = np.zeros(1, dtype=bool)


class _Remembering(Walk):
    """Plain values; those of parts that stand outside all sums over indices are kept."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.known: dict[Node, Series] = {}

    def within(self, *indices: str) -> Walk:
        found = super().within(*indices)
        assert isinstance(found, _Remembering)
        found.outer = self.outer
        return found if indices else self.outer

    outer: _Remembering

    def number(self, node: Node) -> Series:
        if self.indices:
            return super().number(node)
        if node not in self.known:
            self.known[node] = super().number(node)
        return self.known[node]


class Reverse:
    """One derivative by one letter, of examples (rows) at once."""

    def __init__(self, names: Mapping[str, Any], vectors: tuple[str, ...], letter: str, side: int) -> None:
        self.x = names[letter]
        self.rows, self.n = self.x.shape
        self.letter, self.vectors, self.side = letter, vectors, side
        self.names: dict[str, Series] = {"n": (float(self.n),), **{key: (value,) for key, value in names.items()}}
        self.values = _Remembering(arrays, self.names, vectors[0], 0, True, vectors)
        self.values.outer = self.values
        self.found = np.zeros(self.x.shape)
        self.unsettled = np.zeros(self.rows, dtype=bool)

    def derivative(self, tree: Node, upstream: Array) -> Array:
        """The derivative by every entry of the letter, (rows, n), of upstream (rows, m) times the tree's result."""
        self.back(tree, upstream, ())
        return self.found

    def value(self, node: Node, indices: tuple[str, ...]) -> Array:
        """A part's value, with all its axes."""
        value = self.values.within(*indices).number(node)[0]
        return np.broadcast_to(value, self.shape(node, indices))

    def shape(self, node: Node, indices: tuple[str, ...]) -> tuple[int, ...]:
        entries = round(self.n * length(node, self.vectors)) or 1
        return (self.rows, entries, *[self.n] * len(indices))

    def back(self, node: Node, g: Array, indices: tuple[str, ...]) -> None:
        """Pass on g, the derivative of the result by a part, to what the part is made of."""
        op = node.op
        if self.letter not in node.names or op in COMPARISONS or op in LOGIC or op in STEPS:
            self.check_steps(node, indices)
            return
        if indices and not node.free:
            self.back(node, g.sum(axis=tuple(range(2, g.ndim))), ())
        elif not any(map(of_whole, walk(node))):
            self.found = self.found + _times(g, self.elementwise(node))
        elif op == "at":
            place = indices.index(str(node.value))
            others = tuple(k for k in range(1, g.ndim) if k != place + 2)
            self.back(node.args[0], g.sum(axis=others), ())
        elif binds(node):
            inner = (*indices, str(node.value))
            shares = self.shares(node, self.value(node.args[0], inner))
            self.pass_on(node.args[0], node, _times(g[..., None], shares), inner)
        elif of_whole(node):
            self.whole(node, g)
        elif op == "if":
            self.choice(node, g, indices)
        else:
            self.by_arguments(node, g, indices)

    def elementwise(self, node: Node) -> Array:
        """The slope of a part whose entries depend on the letter's one by one."""
        terms = (self.x, 1.0, *[0.0] * (SIDED_TERMS - 2 if self.side else 0))
        names = {**self.names, self.letter: terms}
        found = evaluate(arrays, node, names, main=self.vectors[0], side=self.side, guarded=True, vectors=self.vectors)
        return np.broadcast_to(nth(found, 1), self.x.shape)

    def whole(self, node: Node, g: Array) -> None:
        """Through a function of a whole vector."""
        op, u = node.op, self.value(node.args[0], ())
        if op in PARTS:
            self.parts(node, g)
        elif op in TO_VECTOR:
            soft = self.value(Node("softmax", node.args), ())
            inner = soft * (g - (g * soft).sum(axis=-1, keepdims=True))
            self.back(node.args[0], inner if op == "softmax" else g - soft * g.sum(axis=-1, keepdims=True), ())
        elif len(node.args) > 1 and self.letter in node.args[1].names:
            self.back(norm_as_powers(node), g, ())
        else:
            self.back(node.args[0], _times(g, self.shares(node, u)), ())

    def parts(self, node: Node, g: Array) -> None:
        if node.op == "join":
            ends = np.cumsum([self.shape(arg, ())[1] for arg in node.args])
            for arg, piece in zip(node.args, np.split(g, ends[:-1], axis=-1), strict=True):
                self.back(arg, piece, ())
            return
        none = np.zeros_like(g)
        self.back(node.args[0], np.concatenate([g, none] if node.op == "first_half" else [none, g], axis=-1), ())

    def shares(self, node: Node, u: Array) -> Array:
        """The derivative of one number by what it is made of, the last axis of u."""
        op = node.op
        if op in ("sum", "mean"):
            return np.full(u.shape, 1.0 if op == "sum" else 1.0 / u.shape[-1])
        if op == "prod":
            return _others(u)
        if op in ("max", "min"):
            return self.largest(u if op == "max" else -u)
        if op == "logsumexp":
            return reductions.reduced("softmax", float(u.shape[-1]), 0, (u,))[0]
        p = self.value(node.args[1], ()) if len(node.args) > 1 else np.full((self.rows, 1), 2.0)
        if np.isinf(p).all():
            return np.sign(u) * self.largest(np.abs(u))
        self.note((u == 0.0) & (p <= 1.0))
        return np.sign(u) * (np.abs(u) / self.value(node, ())) ** (p - 1.0)

    def largest(self, u: Array) -> Array:
        """Of several that tie all share; to a side that depends on who moves."""
        tied = u == u.max(axis=-1, keepdims=True)
        count = tied.sum(axis=-1, keepdims=True)
        if self.side:
            self.note(count > 1)
        return tied / count

    def choice(self, node: Node, g: Array, indices: tuple[str, ...]) -> None:
        test, then, orelse = node.args
        taken = np.broadcast_to(self.values.within(*indices).condition(test), g.shape)
        self.check_steps(test, indices)
        self.pass_on(then, node, np.where(taken, g, 0.0), indices)
        self.pass_on(orelse, node, np.where(taken, 0.0, g), indices)

    def by_arguments(self, node: Node, g: Array, indices: tuple[str, ...]) -> None:
        """Through an operator or function of numbers, by each argument."""
        own = [arg.args[0] if arg.op == "=" else arg for arg in node.args]
        held = Node(node.op, tuple(_held(arg, f"_{k}") for k, arg in enumerate(node.args)), node.value)
        values = {f"_{k}": (self.value(arg, indices),) for k, arg in enumerate(own) if arg.op != "word"}
        same = self.still(Node("-", node.args), indices) if node.op in ("max", "min") and len(own) == 2 else _NOWHERE
        for k, arg in enumerate(own):
            if self.letter in arg.names:
                slope = self.slope(held, values, f"_{k}", g.shape, same | self.still(arg, indices))
                self.pass_on(arg, node, _times(g, np.where(same, 1.0 - k, slope)), indices)

    def slope(self, held: Node, values: dict[str, Series], hole: str, shape: tuple[int, ...], still: Array) -> Array:
        """The derivative of an operator by one argument; where its sides differ the examples are unsettled."""
        found = [
            np.broadcast_to(nth(evaluate(arrays, held, names, side=side, guarded=True), 1), shape)
            for side in ((0, -1, 1) if has_kinks(held) else (0,))
            for names in [{**values, hole: (*values[hole], 1.0, *[0.0] * (SIDED_TERMS - 2))}]
        ]
        if len(found) > 1:
            self.note((found[1] != found[2]) & ~still)
        return found[0]

    def still(self, part: Node, indices: tuple[str, ...]) -> Array:
        """Where a part cannot move, as z[i] - z[j] where i is j."""
        found = _NOWHERE
        for i, j in combinations([index for index in indices if index in part.free], 2):
            if self.letter not in simplified_tree(_at_once(part, i, j)).names:
                shape = [1, 1, *[self.n if index in (i, j) else 1 for index in indices]]
                found = found | np.eye(self.n, dtype=bool).reshape(shape)
        return found

    def check_steps(self, node: Node, indices: tuple[str, ...]) -> None:
        """Examples in which a comparison with the letter is a tie, or a step stands on its edge."""
        for part in walk(node):
            if part.op in (*COMPARISONS, *STEPS) and self.letter in part.names:
                self.check_step(part, indices)

    def check_step(self, part: Node, indices: tuple[str, ...]) -> None:
        inner = tuple(index for index in indices if index in part.free)
        if part.free - set(inner):
            return  # beneath a further index: the comparison is met again there
        values = [self.value(arg, inner) for arg in part.args]
        if part.op in COMPARISONS:
            self.note((values[0] == values[1]) & ~self.still(Node("-", part.args), inner))
        else:
            self.note(values[0] == (0.0 if part.op == "sign" else np.floor(values[0])))

    def note(self, tied: Array) -> None:
        self.unsettled |= tied.reshape(self.rows, -1).any(axis=-1)

    def pass_on(self, arg: Node, node: Node, g: Array, indices: tuple[str, ...]) -> None:
        """g of a node to its argument; an argument that is one number gathers what all entries bring."""
        spread = length(node, self.vectors) > 0.0 and length(arg, self.vectors) == 0.0
        self.back(arg, g.sum(axis=1, keepdims=True) if spread else g, indices)


def _times(g: Array, slope: Array) -> Array:
    """A derivative times a slope; where nothing comes in, nothing goes on, were the slope infinite."""
    return np.where((g == 0.0) & ~np.isnan(slope), 0.0, g * slope)


def _held(arg: Node, hole: str) -> Node:
    """An argument with its value to be put in."""
    if arg.op == "=":
        return Node("=", (_held(arg.args[0], hole),), arg.value)
    return arg if arg.op == "word" else name(hole)


def _others(u: Array) -> Array:
    """The product of all other entries, for each entry."""
    ones = np.ones((*u.shape[:-1], 1))
    before = np.cumprod(np.concatenate([ones, u[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([ones, u[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return before * after


def _at_once(node: Node, i: str, j: str) -> Node:
    """A tree where two of its indices are one, as far as the first still has its meaning."""
    if j not in node.free or (binds(node) and node.value == i):
        return node
    value = i if node.op in ("at", "index") and node.value == j else node.value
    return Node(node.op, tuple(_at_once(arg, i, j) for arg in node.args), value)
