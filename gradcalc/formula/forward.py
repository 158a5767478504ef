"""The derivative of a formula as a formula, forwards: the chain rule from the inside out, each part once."""

from __future__ import annotations

from gradcalc.errors import GradcalcError
from gradcalc.formula.calls import bound, elementwise
from gradcalc.formula.gathering import UPSTREAM, shares, total, total_over
from gradcalc.formula.parse import entry_tree, parse
from gradcalc.formula.rules import PARTS, STEPS, TO_VECTOR, UNARY
from gradcalc.formula.shapes import is_vector, norm_as_powers, of_whole
from gradcalc.formula.simplify import ONE, ZERO, either, negated, over, plus, power, simplified_tree, times
from gradcalc.formula.tree import COMPARISONS, LOGIC, Node, binds, is_number, name, number, substituted
from gradcalc.functions.entry import Elementwise


class Forward:
    """Derivatives by one letter."""

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
        if op == "at":
            inner = self.of(args[0])
            return Node(op, (inner,), node.value) if is_vector(inner, self.variables) else inner
        if binds(node):
            return self.over_index(node)
        if op in PARTS:
            return self.parts(node)
        if of_whole(node):
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
        return plus(over(da, b), negated(over(times(a, db), power(b, number(2.0)))))

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
        first, last = args[0] if len(args) == 2 else Node(op, args[:-1]), args[-1]
        if is_number(self.of(first), 0.0):  # in a tie the slope nearest to 0 counts
            first, last = last, first
        return either(Node(">" if op == "max" else "<", (first, last)), self.of(first), self.of(last))

    def reduction(self, node: Node) -> Node:
        """Through a function of a vector, by a number that is in all its entries."""
        u = node.args[0]
        du = self.of(u)
        if len(node.args) > 1 and self.letter in node.args[1].names:
            return self.of(norm_as_powers(node))
        if node.op in ("sum", "mean"):
            return total(du, self.variables) if node.op == "sum" else over(total(du, self.variables), name("n"))
        if node.op in TO_VECTOR:
            soft = Node("softmax", (u,))
            rest = plus(du, negated(total(times(soft, du), self.variables)))
            return times(node, rest) if node.op == "softmax" else rest
        return total(times(shares(node, self.variables), du), self.variables)

    def over_index(self, node: Node) -> Node:
        """Through a sum over an index, by a number that is in all it runs over."""
        index = str(node.value)
        return total_over(times(shares(node, self.variables), self.of(node.args[0])), index)

    def parts(self, node: Node) -> Node:
        """Parts of the derivative; what does not depend on the letter has as many zeros as it has entries."""
        slopes = tuple(_as_long(self.of(arg), arg, self.variables) for arg in node.args)
        return Node(node.op, slopes)

    def catalogue(self, node: Node) -> Node:
        """A function of the catalogue, by its own formula for its derivative where that is in the language."""
        entry = elementwise(node.op)
        assert entry is not None  # the parser knows the names
        given = {key: arg for key, arg in bound(entry, node.args).items() if arg.op != "word"}
        defaults = {p.name: name("inf") if p.default is None else number(float(p.default)) for p in entry.params}
        values = {**defaults, **given, "z": node.args[0]}
        if any(self.letter in arg.names for arg in given.values()):
            return self.of(substituted(entry_tree(entry), values))
        slope = substituted(entry_slope(entry), values)
        return times(simplified_tree(slope), self.of(node.args[0]))


def _as_long(slope: Node, node: Node, variables: tuple[str, ...]) -> Node:
    """A slope that is the same in all entries, with as many of them as the node has."""
    return slope if is_vector(slope, (*variables, UPSTREAM)) else Node("+", (slope, Node("*", (ZERO, node))))


def entry_slope(entry: Elementwise) -> Node:
    """The derivative of a catalogue entry as a tree: as it declares it, or else from its formula."""
    try:
        return parse(entry.derivative_formula, ("z", *(param.name for param in entry.params)))
    except GradcalcError:
        return simplified_tree(Forward("z", ("z",)).of(entry_tree(entry)))
