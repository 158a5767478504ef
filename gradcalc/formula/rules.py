"""The functions of the formula language: one line each, with its derivative by its argument.

A rule is written in the language itself: x is the argument, f the function's own value there, so that exp and tan
use what is already known. `exact` is the form numbers are put into, where the readable one would cancel in the tails,
go on outside the function's domain, where f is NaN, or turn to the other infinity at -0.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """The derivative of a function of one number, as people write it and as it is computed."""

    derivative: str
    exact: str = ""


UNARY = {
    "exp":   Rule("f"),
    "expm1": Rule("exp(x)"),
    "log":   Rule("1 / x", "1 / abs(x) if x >= 0 else f"),
    "log1p": Rule("1 / (1 + x)", "1 / (1 + x) if x >= -1 else f"),
    "log2":  Rule("1 / (x * log(2))", "1 / (abs(x) * log(2)) if x >= 0 else f"),
    "log10": Rule("1 / (x * log(10))", "1 / (abs(x) * log(10)) if x >= 0 else f"),
    "sqrt":  Rule("1 / (2 * f)", "1 / (2 * abs(f))"),
    "cbrt":  Rule("1 / (3 * f^2)"),
    "sin":   Rule("cos(x)"),
    "cos":   Rule("-sin(x)"),
    "tan":   Rule("1 + f^2"),
    "asin":  Rule("1 / sqrt(1 - x^2)", "1 / sqrt((1 - x) * (1 + x))"),
    "acos":  Rule("-1 / sqrt(1 - x^2)", "-1 / sqrt((1 - x) * (1 + x))"),
    "atan":  Rule("1 / (1 + x^2)"),
    "sinh":  Rule("cosh(x)"),
    "cosh":  Rule("sinh(x)"),
    "tanh":  Rule("1 - f^2", "1 / cosh(x)^2"),
    "asinh": Rule("1 / sqrt(1 + x^2)"),
    "acosh": Rule("1 / sqrt(x^2 - 1)", "1 / (sqrt(x - 1) * sqrt(x + 1))"),
    "atanh": Rule("1 / (1 - x^2)", "1 / ((1 - x) * (1 + x)) if abs(x) <= 1 else f"),
    "erf":   Rule("2 / sqrt(pi) * exp(-x^2)"),
    "erfc":  Rule("-2 / sqrt(pi) * exp(-x^2)"),
}  # fmt: skip

#: x^y by x and by y; at a base of 0 the second is 0 like the power itself.
POWER_BY_BASE = Rule("y * x^(y - 1)")
POWER_BY_EXPONENT = Rule("f * log(x)", "0 if f == 0 else f * log(x)")

#: Functions of one number whose derivative is 0 wherever it exists, or that have a kink: the engine knows them.
STEPS = ("sign", "floor", "ceil")
KINKED = ("abs",)

#: What a function takes: the fewest and the most arguments (None: any number).
ARGUMENTS: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys((*UNARY, *STEPS, *KINKED), (1, 1)),
    "where": (3, 3),
    "clip": (3, 3),
    "min": (1, None),
    "max": (1, None),
    **dict.fromkeys(("sum", "mean", "prod", "softmax", "log_softmax", "logsumexp"), (1, 1)),
    "norm": (1, 2),
    **dict.fromkeys(("first_half", "second_half"), (1, 1)),
    "join": (2, None),
}

#: Other spellings.
ALIASES = {
    "ln": "log", "pow": "^", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arcsinh": "asinh",
    "arccosh": "acosh", "arctanh": "atanh", "maximum": "max", "minimum": "min", "absolute": "abs", "fabs": "abs",
    "lp_norm": "norm",
}  # fmt: skip

#: From all entries of a vector to one number, and from a vector to a vector.
TO_NUMBER = ("sum", "mean", "prod", "logsumexp", "norm")
TO_VECTOR = ("softmax", "log_softmax")

#: Parts of a vector, and vectors one after the other.
PARTS = ("first_half", "second_half", "join")

#: What may run over an index, as in sum(j, z[j]), and the indices' names.
OVER_AN_INDEX = ("sum", "mean", "prod", "max", "min")
INDICES = ("i", "j", "k")

CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045, "inf": float("inf")}
