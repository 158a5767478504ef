"""The functions of the formula language on NumPy arrays, element by element: all that `floats` has on one float."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcalc.formula import floats
from gradcalc.numerics import arrays as xp

__all__ = ["counted", "erf", "erfc", "xp"]

#: What NumPy calls otherwise.
_NUMPY = {
    "acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atanh": "arctanh",
}  # fmt: skip

_erf = np.frompyfunc(math.erf, 1, 1)
_erfc = np.frompyfunc(math.erfc, 1, 1)


def __getattr__(name: str) -> Any:
    """A function that `floats` has, by NumPy; it has them all but the two below."""
    if name not in floats.__all__:
        raise AttributeError(name)
    return getattr(np, _NUMPY.get(name, name))


def erf(x: Any) -> Any:
    """The error function; NumPy has none."""
    return np.asarray(_erf(x), dtype=np.asarray(x).dtype)


def erfc(x: Any) -> Any:
    """1 - erf(x), without cancellation."""
    return np.asarray(_erfc(x), dtype=np.asarray(x).dtype)


def counted(n: float) -> Any:
    """1, 2, ..., n: what an index is as a number."""
    return np.arange(1.0, n + 1.0)
