"""NumPy for the kernels of vectors with mpmath's numbers, which hardly round; what moves numbers about is its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any
from unittest.mock import patch

import mpmath
import numpy as np
from mpmath.ctx_mp import MPContext

from gradcalc.numerics import arrays
from references import mp_numbers
from references.reference import DIGITS

_FAR = 10_000  # exponents beyond are those of no float

# Numbers of their own, for which dividing by 0 is no error, as it is none for NumPy's.
_CONTEXT = MPContext()
_CONTEXT.dps = DIGITS
_Number = _CONTEXT.mpf
_quotient = _Number.__truediv__


def _over(x: Any, y: Any) -> Any:
    return _quotient(_Number(x), y) if y != 0 else _Number(mp_numbers.divide(x, y))


_Number.__truediv__ = _over
_Number.__rtruediv__ = lambda y, x: _over(x, y)


def __getattr__(name: str) -> Any:
    return getattr(np, name)


def run(kernel: Callable[..., Any], inputs: Sequence[Any], parameters: Sequence[Any], rank: int) -> Any:
    """What a kernel makes of inputs given as tuples. A vector is the only one of its batch: sums of it are arrays."""
    given = [np.array(_listed(x)) for x in inputs]
    if rank == 1:
        given = [x[None] for x in given]
    mine = {name: globals()[name] for name in arrays.__all__ if name in globals()}
    with patch.multiple(arrays, **mine), np.errstate(all="ignore"):  # kernels for vectors use that of numbers too
        found = np.asarray(kernel(sys.modules[__name__], *given, *parameters))
    return found[0] if rank == 1 else found


def _listed(x: Any) -> Any:
    return [_listed(entry) for entry in x] if isinstance(x, tuple) else _number(x)


def _number(x: Any) -> Any:
    return _Number(x) if isinstance(x, mpmath.mpf | float) else x


def _each(name: str, kind: Any = object) -> Callable[..., Any]:
    function = getattr(mp_numbers, name, None) or getattr(mpmath, name)

    def over(*given: Any) -> Any:
        if all(np.asarray(numbers).dtype.kind in "iub" for numbers in given):
            return getattr(np, name)(*given)  # of places, not of numbers
        found = np.frompyfunc(lambda *numbers: _number(function(*numbers)), len(given), 1)(*given)
        return np.asarray(found, dtype=kind)

    return over


exp, expm1, log, log1p, sqrt, tanh, sign = map(_each, ("exp", "expm1", "log", "log1p", "sqrt", "tanh", "sign"))
maximum, minimum, divide, power, hypot, erf = map(_each, ("maximum", "minimum", "divide", "power", "hypot", "erf"))
isfinite, isinf, isnan = (_each(name, bool) for name in ("isfinite", "isinf", "isnan"))


def rint(x: Any) -> Any:
    """The nearest whole numbers."""
    return np.frompyfunc(lambda number: _number(mpmath.nint(number)), 1, 1)(x)


def frexp(x: Any) -> tuple[Any, Any]:
    """Fractions in [1/2, 1) and exponents, where those are any that floats may have."""
    parts = np.frompyfunc(_frexp, 1, 2)(x)
    return np.asarray(parts[0], dtype=object), np.asarray(parts[1], dtype=int)


def _frexp(x: Any) -> tuple[Any, int]:
    fraction, power = _CONTEXT.frexp(x) if x and mpmath.isfinite(x) else (x, 0)
    kept = min(max(power, -_FAR), _FAR)
    return _CONTEXT.ldexp(fraction, power - kept), kept


def finfo(dtype: Any) -> Any:
    """What is said of floats."""
    return np.finfo(float)


def ldexp(x: Any, exponent: Any) -> Any:
    """x * 2^exponent."""
    return np.asarray(np.frompyfunc(lambda n, power: _CONTEXT.ldexp(n, int(power)), 2, 1)(x, exponent), dtype=object)
