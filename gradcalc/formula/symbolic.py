"""The derivative of a formula as a formula: forwards through functions of numbers, backwards through vectors.

Where a formula has sums over a vector, its derivative by the vector's entries is built from the outside in: `upstream`
is the derivative of the result by a part of the formula, and a part that is one number of the vector gathers what
all entries bring.
"""

from __future__ import annotations

from gradcalc.errors import GradcalcError, UsageError
from gradcalc.formula.calls import bound, elementwise
from gradcalc.formula.evaluate import entry_tree
from gradcalc.formula.parse import parse
from gradcalc.formula.rules import STEPS, TO_VECTOR, UNARY
from gradcalc.formula.shapes import is_vector, of_a_vector, reduces
from gradcalc.formula.simplify import ONE, ZERO, either, negated, over, parted, plus, power, simplified_tree, times
from gradcalc.formula.tree import COMPARISONS, LOGIC, Node, is_number, name, number, substituted, walk
from gradcalc.functions.entry import Elementwise

#: What the Jacobian of a vector formula is multiplied by.
UPSTREAM = "upstream"

#: Stands for an argument while its operator is differentiated.
_HOLE = "_"


def derivative(tree: Node, letter: str, variables: tuple[str, ...], *, whole: bool | None = None) -> Node:
    """The derivative by a letter, simplified.

    By a vector it is the gradient, entry by entry; where the result is a vector too, that of the product with
    `upstream`. `whole` says that the formula is one of a vector, where it does not show it by itself. UsageError
    where the derivative would be too long.
    """
    try:
        if letter not in variables or not (of_a_vector(tree) if whole is None else whole):
            return simplified_tree(_Forward(letter, variables).of(tree))
        return _backward(tree, _first_upstream(tree, variables), letter, variables)
    except RecursionError:
        raise UsageError("the derivative is too deep to be written as a formula") from None


def _first_upstream(tree: Node, variables: tuple[str, ...]) -> Node:
    return name(UPSTREAM) if is_vector(tree, variables) else ONE


def _whole(node: Node) -> bool:
    """Whether a node is a function of a whole vector."""
    return reduces(node) or node.op in TO_VECTOR


class _Forward:
    """The chain rule from the inside out, each part once."""

    def __init__(self, letter: str, variables: tuple[str, ...]) -> None:
        self.letter, self.variables = letter, variables
        self.known: dict[Node, Node] = {}

    def of(self, node: Node) -> Node:
        """The derivative of a part."""
        if self.letter not in node.names or node.op in COMPARISONS or node.op in LOGIC or node.op in STEPS:
            return ZERO
        if node.op == "name":
            return ONE
        if node not in self.known:
            self.known[node] = self.chain(node)
        return self.known[node]

    def chain(self, node: Node) -> Node:
        op, args = node.op, node.args
        if op in ("+", "-"):
            a, b = map(self.of, args)
            return plus(a, b if op == "+" else negated(b))
        if op == "neg":
            return negated(self.of(args[0]))
        if op == "*":
            return plus(times(self.of(args[0]), args[1]), times(args[0], self.of(args[1])))
        if op == "/":
            return self.quotient(*args)
        if op == "^":
            return self.power(node, *args)
        if op == "if":
            return either(args[0], self.of(args[1]), self.of(args[2]))
        if op == "abs":
            return times(Node("sign", args), self.of(args[0]))
        if _whole(node):
            return self.reduction(node)
        if op in ("max", "min", "clip"):
            return self.extreme(node)
        if op in UNARY:
            slope = substituted(parse(UNARY[op].derivative, ("x", "f")), {"x": args[0], "f": node})
            return times(simplified_tree(slope), self.of(args[0]))
        return self.catalogue(node)

    def quotient(self, a: Node, b: Node) -> Node:
        da, db = self.of(a), self.of(b)
        if is_number(db, 0.0):
            return over(da, b)
        if is_number(da, 0.0):
            return negated(over(times(a, db), power(b, number(2.0))))
        return over(plus(times(da, b), negated(times(a, db))), power(b, number(2.0)))

    def power(self, node: Node, base: Node, exponent: Node) -> Node:
        db, de = self.of(base), self.of(exponent)
        log = ONE if base.op == "name" and base.value == "e" else Node("log", (base,))
        by_base = times(exponent, power(base, plus(exponent, number(-1.0))), db)
        if is_number(de, 0.0):
            return by_base
        return times(node, log, de) if is_number(db, 0.0) else plus(by_base, times(node, log, de))

    def extreme(self, node: Node) -> Node:
        """The derivative of whichever is the largest or smallest."""
        op, args = node.op, node.args
        if op == "clip":
            x, low, high = args
            inside = Node("and", (Node("<", (low, x)), Node("<", (x, high))))
            if self.letter not in (low.names | high.names):
                return either(inside, self.of(x), ZERO)
            return self.of(Node("min", (Node("max", (x, low)), high)))
        first = args[0] if len(args) == 2 else Node(op, args[:-1])
        return either(Node(">" if op == "max" else "<", (first, args[-1])), self.of(first), self.of(args[-1]))

    def reduction(self, node: Node) -> Node:
        """Through a function of a vector, by a number that is in all its entries."""
        u = node.args[0]
        du = self.of(u)
        if len(node.args) > 1 and self.letter in node.args[1].names:
            return self.of(_norm_as_powers(node))
        if node.op in ("sum", "mean"):
            return total(du, self.variables) if node.op == "sum" else over(total(du, self.variables), name("n"))
        if node.op in TO_VECTOR:
            shares = Node("softmax", (u,))
            rest = plus(du, negated(total(times(shares, du), self.variables)))
            return times(node, rest) if node.op == "softmax" else rest
        return total(times(_shares(node), du), self.variables)

    def catalogue(self, node: Node) -> Node:
        """A function of the catalogue, by its own formula for its derivative where that is in the language."""
        entry = elementwise(node.op)
        assert entry is not None  # the parser knows the names
        given = {key: arg for key, arg in bound(entry, node.args).items() if arg.op != "word"}
        defaults = {p.name: number(float(p.default)) for p in entry.params if isinstance(p.default, int | float)}
        values = {**defaults, **given, "z": node.args[0]}
        if any(self.letter in arg.names for arg in given.values()):
            return self.of(substituted(entry_tree(entry), values))
        slope = substituted(entry_slope(entry), values)
        return times(simplified_tree(slope), self.of(node.args[0]))


def entry_slope(entry: Elementwise) -> Node:
    """The derivative of a catalogue entry as a tree: as it declares it, or else from its formula."""
    try:
        return parse(entry.derivative_formula, ("z", *(param.name for param in entry.params)))
    except GradcalcError:
        return derivative(entry_tree(entry), "z", ("z",))


def total(node: Node, variables: tuple[str, ...]) -> Node:
    """The sum over the vector; factors that are the same in all entries stand before it."""
    if is_number(node, 0.0):
        return ZERO
    same, own = parted(node, lambda factor: is_vector(factor, (*variables, UPSTREAM)))
    return times(same, name("n") if is_number(own, 1.0) else Node("sum", (own,)))


def _shares(node: Node) -> Node:
    """The derivative of a vector's number by the vector's entries."""
    u = node.args[0]
    if node.op == "logsumexp":
        return Node("softmax", (u,))
    if node.op == "prod":
        return over(node, u)
    if node.op in ("max", "min"):
        tied = Node("==", (u, node))
        return over(either(tied, ONE, ZERO), Node("sum", (tied,)))
    if node.op == "norm" and _is_infinite(node.args[-1]):
        size = Node("abs", (u,))
        return times(Node("sign", (u,)), _shares(Node("max", (size,))))
    if node.op == "norm" and (len(node.args) == 1 or is_number(node.args[1], 2.0)):
        return over(u, node)
    if node.op == "norm":
        less = plus(node.args[1], number(-1.0))
        size = over(power(Node("abs", (u,)), less), power(node, less))
        return times(Node("sign", (u,)), size)
    return ONE if node.op == "sum" else over(ONE, name("n"))


def _is_infinite(node: Node) -> bool:
    return (node.op == "name" and node.value == "inf") or is_number(node, float("inf"))


def _norm_as_powers(node: Node) -> Node:
    u, p = node.args
    powers = Node("sum", (Node("^", (Node("abs", (u,)), p)),))
    return Node("^", (powers, Node("/", (ONE, p))))


def _backward(node: Node, upstream: Node, letter: str, variables: tuple[str, ...]) -> Node:
    """What the entries of the letter get of the derivative `upstream` of the result by this node."""
    if letter not in node.names:
        return ZERO
    if not any(_whole(part) and letter in part.names for part in walk(node)):
        return times(upstream, simplified_tree(_Forward(letter, variables).of(node)))
    if len(node.args) > 1 and node.op == "norm" and letter in node.args[1].names:
        return _backward(_norm_as_powers(node), upstream, letter, variables)
    parts = []
    for i, arg in enumerate(node.args):
        if letter in arg.names:
            parts.append(_backward(arg, _gathered(node, i, upstream, variables), letter, variables))
    return plus(*parts)


def _gathered(node: Node, i: int, upstream: Node, variables: tuple[str, ...]) -> Node:
    """The derivative of the result by an argument, from the one by the node."""
    arg = node.args[i]
    if node.op == "softmax":
        found = times(node, plus(upstream, negated(total(times(node, upstream), variables))))
    elif node.op == "log_softmax":
        found = plus(upstream, negated(times(Node("softmax", node.args), total(upstream, variables))))
    elif reduces(node):
        found = times(upstream, _shares(node))
    else:
        held = Node(node.op, (*node.args[:i], name(_HOLE), *node.args[i + 1 :]), node.value)
        slope = substituted(_Forward(_HOLE, variables).of(held), {_HOLE: arg})
        found = times(upstream, simplified_tree(slope))
    spread = _whole(node) or is_vector(node, (*variables, UPSTREAM))
    return total(found, variables) if spread and not is_vector(arg, variables) else found
