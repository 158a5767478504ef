"""The functions of the formula language on one float, with IEEE results where math raises. `arrays` has them too."""

from __future__ import annotations

import math
from collections.abc import Callable
from math import copysign, inf, nan

from gradcalc.numerics import scalar
from gradcalc.numerics.scalar import absolute, divide, exp, expm1, log, log1p, maximum, minimum, sqrt

__all__ = [
    "absolute",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "cbrt",
    "ceil",
    "cos",
    "cosh",
    "divide",
    "erf",
    "erfc",
    "exp",
    "expm1",
    "floor",
    "isnan",
    "log",
    "log1p",
    "log2",
    "log10",
    "maximum",
    "minimum",
    "power",
    "sign",
    "sin",
    "sinh",
    "sqrt",
    "tan",
    "tanh",
    "where",
    "xp",
]  # fmt: skip

xp = scalar
isnan = math.isnan
atan, asinh, tanh, erf, erfc = math.atan, math.asinh, math.tanh, math.erf, math.erfc


def _or_nan(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function that is nan outside its domain."""

    def called(x: float) -> float:
        try:
            return function(x)
        except ValueError:
            return nan

    return called


sin, cos, tan = _or_nan(math.sin), _or_nan(math.cos), _or_nan(math.tan)
asin, acos, acosh = _or_nan(math.asin), _or_nan(math.acos), _or_nan(math.acosh)


def log2(x: float) -> float:
    """Logarithm to the base 2."""
    return math.log2(x) if x > 0.0 else log(x)


def log10(x: float) -> float:
    """Logarithm to the base 10."""
    return math.log10(x) if x > 0.0 else log(x)


def sinh(x: float) -> float:
    """Hyperbolic sine; inf where it overflows."""
    try:
        return math.sinh(x)
    except OverflowError:
        return copysign(inf, x)


def cosh(x: float) -> float:
    """Hyperbolic cosine; inf where it overflows."""
    try:
        return math.cosh(x)
    except OverflowError:
        return inf


def atanh(x: float) -> float:
    """Inverse of tanh; infinite at -1 and 1."""
    return copysign(inf, x) if abs(x) == 1.0 else _atanh(x)


_atanh = _or_nan(math.atanh)


def cbrt(x: float) -> float:
    """Cube root, also of negative numbers; one Newton step makes up for the rounding of 1/3."""
    root = copysign(abs(x) ** (1.0 / 3.0), x)
    if root == 0.0 or root - root != 0.0:
        return root
    return root - (root - x / root / root) / 3.0


def floor(x: float) -> float:
    """The next whole number below."""
    return float(math.floor(x)) if x - x == 0.0 else x


def ceil(x: float) -> float:
    """The next whole number above."""
    return float(math.ceil(x)) if x - x == 0.0 else x


def sign(x: float) -> float:
    """-1, 0 or 1; nan for nan."""
    return 1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0 if x == 0.0 else x


def power(x: float, y: float) -> float:
    """x^y by the rules of IEEE's pow: 0^-1 is inf, (-8)^(1/3) is nan."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -inf if x < 0.0 and math.fmod(y, 2.0) != 0.0 else inf
    except ValueError:
        if x != 0.0:
            return nan
        return copysign(inf, x) if abs(math.fmod(y, 2.0)) == 1.0 else inf


def where(condition: bool, x: float, y: float) -> float:
    """X if the condition holds, else y."""
    return x if condition else y
