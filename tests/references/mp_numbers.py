"""The number system that hardly rounds: mpmath, one number at a time. Every name here has its twin in `scalar`.

In it the halves that kernels cut floats into are exact, the losses they carry are 0, and nothing overflows.
"""

from __future__ import annotations

from typing import Any

import mpmath
from mpmath import isnan, mpf

from references import elementary

__all__ = [
    "absolute", "divide", "erf", "exp", "expm1", "hypot", "inf", "isnan", "log", "log1p", "maximum", "minimum", "nan",
    "power", "sqrt", "tanh", "where",
]  # fmt: skip

absolute = abs
inf, nan = mpf("inf"), mpf("nan")
exp, expm1 = elementary.exp, elementary.expm1
erf, hypot, tanh = mpmath.erf, mpmath.hypot, mpmath.tanh


def log(x: Any) -> Any:
    """Natural logarithm; -inf at 0, nan below."""
    return elementary.log(x) if x > 0 else -inf if x == 0 else nan


def log1p(x: Any) -> Any:
    """log(1 + x); -inf at -1, nan below."""
    return elementary.log1p(x) if x > -1 else -inf if x == -1 else nan


def power(x: Any, y: Any) -> Any:
    """x^y; inf where x is 0 and y below, nan for a root of what is below 0."""
    if x == 0 and y < 0:
        return inf
    return mpf(x) ** y if x >= 0 or y == int(y) else nan


def sqrt(x: Any) -> Any:
    """Square root; nan below 0."""
    return mpmath.sqrt(x) if x >= 0 else nan


def divide(x: Any, y: Any) -> Any:
    """x / y; inf of the sign of x for x / 0, nan for 0 / 0."""
    if y != 0:
        return x / y
    return inf if x > 0 else -inf if x < 0 else nan


def maximum(x: Any, y: Any) -> Any:
    """The larger of two; nan if either is."""
    return x if x > y or x != x else y


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two; nan if either is."""
    return x if x < y or x != x else y


def where(condition: bool, x: Any, y: Any) -> Any:
    """X if the condition holds, else y."""
    return x if condition else y
