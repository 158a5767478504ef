"""The derivative of a formula as a formula: forwards through functions of numbers, backwards through vectors.

Where a formula has sums over a vector, its derivative by the vector's entries is built from the outside in: `upstream`
is the derivative of the result by a part of the formula, and a part that is one number of the vector gathers what
all entries bring.
"""

from __future__ import annotations

from gradcalc.errors import UsageError
from gradcalc.formula.forward import Forward
from gradcalc.formula.gathering import UPSTREAM, shares, total, total_over, without_index
from gradcalc.formula.rules import PARTS, TO_VECTOR
from gradcalc.formula.shapes import is_vector, norm_as_powers, of_a_vector, of_whole, reduces
from gradcalc.formula.show import text
from gradcalc.formula.simplify import ONE, ZERO, negated, plus, simplified_tree, times
from gradcalc.formula.tidy import tidied
from gradcalc.formula.tree import Node, binds, name, substituted, walk

#: Stands for an argument while its operator is differentiated.
_HOLE = "_"


def derivative(
    tree: Node, letter: str, variables: tuple[str, ...], *, whole: bool | None = None, order: int = 1
) -> Node:
    """The derivative by a letter, simplified; of order 2 for formulas of numbers.

    By a vector it is the gradient, entry by entry; where the result is a vector too, that of the product with
    `upstream`. `whole` says that the formula is one of a vector, where it does not show it by itself. UsageError
    where the derivative would be too long.
    """
    try:
        if letter not in variables or not (of_a_vector(tree) if whole is None else whole):
            return _of_order(order, tree, letter, variables)
        upstream = name(UPSTREAM) if is_vector(tree, variables) else ONE
        return tidied(_Backward(letter, variables).of(tree, upstream, ()), (*variables, UPSTREAM))
    except RecursionError:
        raise UsageError("the derivative is too deep to be written as a formula") from None


def _of_order(order: int, tree: Node, letter: str, variables: tuple[str, ...]) -> Node:
    """The derivative of a formula of numbers; a second one is made of the first as it came and of its shortest form."""
    first = simplified_tree(Forward(letter, variables).of(tree))
    short = tidied(first)
    if order == 1:
        return short
    seconds = [tidied(simplified_tree(Forward(letter, variables).of(one))) for one in {first: 0, short: 0}]
    return min(seconds, key=lambda node: len(text(node)))


class _Backward:
    """What the entries of one letter get of the derivative of the result by a part."""

    def __init__(self, letter: str, variables: tuple[str, ...]) -> None:
        self.letter, self.variables = letter, variables
        self.vectors = (*variables, UPSTREAM)

    def of(self, node: Node, upstream: Node, indices: tuple[str, ...]) -> Node:
        """The same of a part by which the result has the derivative `upstream`, where these indices run."""
        if self.letter not in node.names:
            return ZERO
        if indices and not node.free:
            return self.of(node, self.gathered(upstream, indices), ())
        if not any(of_whole(part) and self.letter in part.names for part in walk(node)):
            return times(upstream, simplified_tree(Forward(self.letter, self.variables).of(node)))
        if node.op == "at":
            others = tuple(index for index in indices if index != node.value)
            return self.of(node.args[0], without_index(self.gathered(upstream, others), str(node.value)), ())
        if node.op == "norm" and len(node.args) > 1 and self.letter in node.args[1].names:
            return self.of(norm_as_powers(node), upstream, indices)
        inner = (*indices, str(node.value)) if binds(node) else indices
        own = [i for i, arg in enumerate(node.args) if self.letter in arg.names]
        return plus(*(self.of(_value(node.args[i]), self.by_argument(node, i, upstream), inner) for i in own))

    def gathered(self, upstream: Node, indices: tuple[str, ...]) -> Node:
        """What all that these indices run over bring."""
        for index in reversed(indices):
            upstream = total_over(upstream, index)
        return upstream

    def by_argument(self, node: Node, i: int, upstream: Node) -> Node:
        """The derivative of the result by an argument, from the one by the node."""
        arg = node.args[i]
        if node.op == "softmax":
            found = times(node, plus(upstream, negated(total(times(node, upstream), self.variables))))
        elif node.op == "log_softmax":
            found = plus(upstream, negated(times(Node("softmax", node.args), total(upstream, self.variables))))
        elif node.op in PARTS:
            return self.part(node, i, upstream)
        elif reduces(node):
            found = times(upstream, shares(node, self.variables))
        else:
            held = Node(node.op, (*node.args[:i], name(_HOLE), *node.args[i + 1 :]), node.value)
            slope = substituted(Forward(_HOLE, self.variables).of(held), {_HOLE: _value(arg)})
            found = times(upstream, simplified_tree(slope))
        spread = node.op in TO_VECTOR or (reduces(node) and not binds(node)) or is_vector(node, self.vectors)
        return total(found, self.variables) if spread and not is_vector(arg, self.vectors) else found

    def part(self, node: Node, i: int, upstream: Node) -> Node:
        """Through halves and what is joined of two: a half's derivative with zeros beside it, and halves again."""
        if not is_vector(upstream, self.vectors):
            upstream = Node("+", (upstream, Node("*", (ZERO, node))))
        if node.op == "join":
            if len(node.args) != _PAIR or node.args[0] == node.args[1]:
                raise UsageError("the derivative of more than two vectors joined cannot be written as a formula")
            return Node(("first_half", "second_half")[i], (upstream,))
        none = Node("*", (ZERO, node))
        return Node("join", (upstream, none) if node.op == "first_half" else (none, upstream))


_PAIR = 2


def _value(arg: Node) -> Node:
    """An argument without the name of its parameter."""
    return arg.args[0] if arg.op == "=" else arg
