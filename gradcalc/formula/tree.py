"""A formula as a tree: what a node is, and the few questions every reader of the tree asks."""

from __future__ import annotations

from typing import NamedTuple

#: Operators of two numbers, of comparison and of truth; every other `op` is a leaf or the name of a function.
ARITHMETIC = ("+", "-", "*", "/", "^")
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
LOGIC = ("and", "or", "not")


class Span(NamedTuple):
    """Where a node stands in its text: first character, and the one after the last."""

    start: int
    end: int


NOWHERE = Span(0, 0)


class Node:
    """An operator or function with its arguments, or a leaf.

    Leaves are ("number", value), ("name", letter), ("index", j) and ("word", choice); ("=", name) holds the argument
    of a named parameter; "if" has condition, then, else. ("at", j) is an entry of a vector, v[j]; ("sum", j) and its
    like run over the entries of an index, and bind it: `free` are the indices nothing has bound yet. "with" holds a
    formula and the named parts of it, each an ("=", name). Nodes never change. Equality looks at the formula, not the
    place.
    """

    __slots__ = ("_key", "args", "depth", "free", "names", "op", "size", "span", "value")

    def __init__(
        self, op: str, args: tuple[Node, ...] = (), value: float | str | None = None, span: Span = NOWHERE
    ) -> None:
        self.op, self.args, self.value, self.span = op, args, value, span
        self.size: int = 1 + sum(arg.size for arg in args)
        self.depth: int = 1 + max((arg.depth for arg in args), default=0)
        self.names: frozenset[str] = frozenset().union(*(arg.names for arg in args))
        if op == "name":
            self.names = frozenset((str(value),))
        self.free: frozenset[str] = frozenset().union(*(arg.free for arg in args))
        if op in ("at", "index"):
            self.free |= {str(value)}
        elif op != "=" and value is not None and args:
            self.free -= {str(value)}
        self._key: int = hash((op, repr(value), tuple(arg._key for arg in args)))

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Node) or self._key != other._key:
            return False
        return (self.op, repr(self.value)) == (other.op, repr(other.value)) and self.args == other.args

    def __hash__(self) -> int:
        return self._key

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.args))
        return f"{self.op}({inner})" if self.args else f"{self.value if self.value is not None else self.op}"


def number(value: float) -> Node:
    """A number as a leaf."""
    return Node("number", (), float(value))


def name(letter: str) -> Node:
    """A variable, parameter or constant as a leaf."""
    return Node("name", (), letter)


def is_number(node: Node, *values: float) -> bool:
    """Whether a node is a number, and one of `values` where some are given."""
    return node.op == "number" and (not values or node.value in values)


def is_condition(node: Node) -> bool:
    """Whether a node is true or false rather than a number."""
    return node.op in COMPARISONS or node.op in LOGIC


def binds(node: Node) -> bool:
    """Whether a node runs over the entries of an index: sum(j, z[j])."""
    return node.value is not None and bool(node.args) and node.op not in ("at", "=")


def walk(node: Node) -> list[Node]:
    """The node and all below it."""
    found, waiting = [], [node]
    while waiting:
        current = waiting.pop()
        found.append(current)
        waiting.extend(current.args)
    return found


def substituted(node: Node, values: dict[str, Node]) -> Node:
    """The tree with names replaced by other trees."""
    if not node.names & values.keys():
        return node
    if node.op == "name":
        return values[str(node.value)]
    return Node(node.op, tuple(substituted(arg, values) for arg in node.args), node.value, node.span)


def placed(node: Node, span: Span) -> Node:
    """The tree with all its parts in one place: what a short name in a text stands for."""
    return Node(node.op, tuple(placed(arg, span) for arg in node.args), node.value, span)
