"""The functions of the formula language on NumPy arrays, element by element. Twin of `floats`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy import (
    absolute,
    cbrt,
    ceil,
    cos,
    cosh,
    divide,
    exp,
    expm1,
    floor,
    isnan,
    log,
    log1p,
    log2,
    log10,
    maximum,
    minimum,
    power,
    sign,
    sin,
    sinh,
    sqrt,
    tan,
    tanh,
    where,
)
from numpy import arccos as acos
from numpy import arccosh as acosh
from numpy import arcsin as asin
from numpy import arcsinh as asinh
from numpy import arctan as atan
from numpy import arctanh as atanh

from gradcalc.numerics import arrays as xp

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


def counted(n: float) -> Any:
    """1, 2, ..., n: what an index is as a number."""
    return np.arange(1.0, n + 1.0)


_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def erf(x: Any) -> Any:
    """The error function; NumPy has none."""
    return np.asarray(_erf(x), dtype=np.asarray(x).dtype)


def erfc(x: Any) -> Any:
    """1 - erf(x), without cancellation."""
    return np.asarray(_erfc(x), dtype=np.asarray(x).dtype)
