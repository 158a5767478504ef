"""The number system of networks: NumPy arrays, element by element. Every name here has its twin in `scalar`."""

from __future__ import annotations

from numpy import (
    absolute,
    divide,
    exp,
    expm1,
    inf,
    isnan,
    log,
    log1p,
    maximum,
    minimum,
    nan,
    sqrt,
    tanh,
    where,
)

__all__ = [
    "absolute", "divide", "exp", "expm1", "inf", "isnan", "log", "log1p", "maximum", "minimum", "nan", "sqrt",
    "tanh", "where",
]  # fmt: skip
