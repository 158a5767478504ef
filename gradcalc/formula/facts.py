"""What is known of a part of a formula wherever its letters stand: that it is defined, not negative, or above 0."""

from __future__ import annotations

from gradcalc.formula.rules import PARTS, STEPS, TO_VECTOR
from gradcalc.formula.tree import Node, is_condition

#: Functions of any number.
_EVERYWHERE = (
    "exp", "expm1", "cbrt", "sin", "cos", "atan", "sinh", "cosh", "tanh", "asinh", "erf", "erfc", "abs", "max", "min",
    "clip", "sum", "mean", "prod", "logsumexp", "norm", "sigmoid", "at", "neg", "+", "-", "*", *STEPS, *TO_VECTOR,
    *PARTS,
)  # fmt: skip

#: Functions that are never negative, and those that are above 0.
_NOT_NEGATIVE = ("abs", "norm", "sqrt", "sigmoid", "softmax")
_ABOVE_ZERO = ("exp", "cosh")


def defined(node: Node) -> bool:
    """Whether a part has a value wherever its letters stand: log(z) has none, 1 / (1 + z^2) has."""
    op, args = node.op, node.args
    if op in ("number", "name", "index"):
        return True
    if op == "^":
        whole = args[1].op == "number" and float(args[1].value or 0.0).is_integer()
        return defined(args[0]) and ((whole and float(args[1].value or 0.0) > 0.0) or above_zero(args[0]))
    if op == "/":
        return defined(args[0]) and defined(args[1]) and above_zero(args[1])
    if op in ("sqrt", "log"):
        return defined(args[0]) and (above_zero(args[0]) or (op == "sqrt" and not_negative(args[0])))
    if op == "if":
        return all(map(defined, args))
    return (op in _EVERYWHERE or is_condition(node)) and all(map(defined, args))


def not_negative(node: Node) -> bool:
    """Whether a part is at least 0 wherever it is defined."""
    op, args = node.op, node.args
    if op == "number":
        return float(node.value or 0.0) >= 0.0
    if op == "name":
        return node.value in ("pi", "e", "n")
    if op == "^":
        return _even(args[1]) or not_negative(args[0])
    if op in ("+", "*", "/", "sum", "mean", "prod", "at"):
        return all(map(not_negative, args)) or (op == "*" and args[0] == args[1])
    return op in _NOT_NEGATIVE or op in _ABOVE_ZERO


def above_zero(node: Node) -> bool:
    """Whether a part is above 0 wherever it is defined."""
    op, args = node.op, node.args
    if op == "number":
        return float(node.value or 0.0) > 0.0
    if op == "+":
        return all(map(not_negative, args)) and any(map(above_zero, args))
    if op in ("*", "/", "mean", "sum", "prod", "sqrt"):
        return all(map(above_zero, args))
    if op == "^":
        return above_zero(args[0])
    return op in _ABOVE_ZERO or (op == "name" and node.value in ("pi", "e", "n"))


def _even(node: Node) -> bool:
    return node.op == "number" and float(node.value or 0.0) % 2.0 == 0.0
