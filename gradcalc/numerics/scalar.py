"""The number system of `eval`: the standard library's math on one float, with IEEE results.

math raises where IEEE arithmetic gives inf or nan; these do not. Every name here has its twin in `arrays`.
"""

from __future__ import annotations

import math
from math import erf, hypot, inf, nan, tanh

__all__ = [
    "absolute", "divide", "erf", "exp", "expm1", "hypot", "inf", "isnan", "log", "log1p", "maximum", "minimum", "nan",
    "power", "sqrt", "tanh", "where",
]  # fmt: skip

absolute = abs
isnan = math.isnan


def exp(x: float) -> float:
    """e^x; inf where it overflows."""
    try:
        return math.exp(x)
    except OverflowError:
        return inf


def expm1(x: float) -> float:
    """e^x - 1; inf where it overflows."""
    try:
        return math.expm1(x)
    except OverflowError:
        return inf


def log(x: float) -> float:
    """Natural logarithm; -inf at 0, nan below."""
    if x > 0.0:
        return math.log(x)
    return -inf if x == 0.0 else nan


def log1p(x: float) -> float:
    """log(1 + x); -inf at -1, nan below."""
    if x > -1.0:
        return math.log1p(x)
    return -inf if x == -1.0 else nan


def power(x: float, y: float) -> float:
    """x^y; inf where it overflows or x is 0 and y below, nan for a root of what is below 0."""
    try:
        found = x**y
    except (OverflowError, ZeroDivisionError):
        return inf
    return found if isinstance(found, float) else nan


def sqrt(x: float) -> float:
    """Square root; nan below 0."""
    return math.sqrt(x) if x >= 0.0 else nan


def divide(x: float, y: float) -> float:
    """x / y; a signed inf for x / 0, nan for 0 / 0."""
    if y != 0.0:
        return x / y
    if x == 0.0 or x != x:
        return nan
    return math.copysign(inf, x) * math.copysign(1.0, y)


def maximum(x: float, y: float) -> float:
    """The larger of two; nan if either is."""
    if x != x:
        return x
    return x if x > y else y


def minimum(x: float, y: float) -> float:
    """The smaller of two; nan if either is."""
    if x != x:
        return x
    return x if x < y else y


def where(condition: bool, x: float, y: float) -> float:
    """X if the condition holds, else y."""
    return x if condition else y
