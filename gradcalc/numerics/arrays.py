"""The number system of networks: NumPy arrays, element by element. Every name here has its twin in `scalar`."""

from __future__ import annotations

import math
from typing import Any

from numpy import (
    absolute,
    asarray,
    divide,
    exp,
    expm1,
    frompyfunc,
    hypot,
    inf,
    isnan,
    log,
    log1p,
    maximum,
    minimum,
    nan,
    power,
    sqrt,
    tanh,
    where,
)

__all__ = [
    "absolute", "divide", "erf", "exp", "expm1", "hypot", "inf", "isnan", "log", "log1p", "maximum", "minimum", "nan",
    "power", "sqrt", "tanh", "where",
]  # fmt: skip

_erf = frompyfunc(math.erf, 1, 1)


def erf(x: Any) -> Any:
    """The error function, one number after the other: NumPy has none."""
    return asarray(_erf(x), dtype=float)
