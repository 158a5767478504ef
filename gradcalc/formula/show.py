"""A tree as text of the formula language again; reading that text gives the same tree."""

from __future__ import annotations

from gradcalc.formula.tree import COMPARISONS, Node, binds

#: How tightly an operator binds; what has no rank here is written without brackets anywhere.
RANKS = {
    "if": 0, "or": 1, "and": 2, "not": 3, **dict.fromkeys(COMPARISONS, 4),
    "+": 5, "-": 5, "*": 6, "/": 6, "neg": 7, "^": 8,
}  # fmt: skip
ATOM = 9


def rank(node: Node) -> int:
    """How tightly a node binds as it is written: a negative number is a number with a minus sign."""
    if node.op == "number" and _text_of(node).startswith("-"):
        return RANKS["neg"]
    if between(node):
        return RANKS["<"]
    return RANKS.get(node.op, ATOM)


def text(node: Node) -> str:
    """The formula as text."""
    op, args = node.op, node.args
    if op == "number":
        return _text_of(node)
    if op in ("name", "word", "index"):
        return str(node.value)
    if op == "=":
        return f"{node.value}={text(args[0])}"
    if op == "if":
        test, then, orelse = args
        return f"{_within(then, 1)} if {_within(test, 1)} else {text(orelse)}"
    if op == "neg":
        return f"-{_within(args[0], RANKS['^'])}"
    if op == "not":
        return f"not {_within(args[0], 3)}"
    if op == "^":
        exponent = args[1]
        plain = exponent.op == "number" or rank(exponent) >= RANKS["^"]
        return f"{_within(args[0], ATOM)}^{text(exponent) if plain else f'({text(exponent)})'}"
    if op in RANKS:
        return _chain(node) or _binary(op, *args)
    if op == "with":
        return f"{text(args[0])} with {', '.join(f'{part.value} = {text(part.args[0])}' for part in args[1:])}"
    if op == "at":
        return f"{_within(args[0], ATOM)}[{node.value}]"
    if binds(node):
        return f"{op}({node.value}, {text(args[0])})"
    return f"{op}({', '.join(map(text, args))})"


def between(node: Node) -> tuple[Node, Node] | None:
    """Both comparisons of a number that lies between two others, said at once: 0 < z < 1."""
    if node.op != "and" or any(arg.op not in ("<", "<=") for arg in node.args):
        return None
    low, high = node.args
    return (low, high) if low.args[1] == high.args[0] else None


def _chain(node: Node) -> str:
    found = between(node)
    return f"{text(found[0])} {found[1].op} {_within(found[1].args[1], RANKS['<'] + 1)}" if found else ""


def _binary(op: str, left: Node, right: Node) -> str:
    """Operators read from left to right: the right operand must bind tighter, and not begin with a minus."""
    own = RANKS[op] + (op in COMPARISONS)
    after = text(right)
    if rank(right) <= RANKS[op] or (after.startswith("-") and op not in COMPARISONS):
        after = f"({after})"
    return f"{_within(left, own)} {op} {after}"


def _within(node: Node, least: int) -> str:
    """A node's text, in brackets where it binds less tightly than `least`."""
    return text(node) if rank(node) >= least else f"({text(node)})"


def _text_of(node: Node) -> str:
    return number_text(float(node.value or 0.0))


def number_text(value: float) -> str:
    """A number as short as it can be written."""
    if value - value != 0.0:
        return "-1e999" if value < 0 else "1e999"
    return repr(value).removesuffix(".0")
