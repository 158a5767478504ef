"""mpmath's functions for the references, which ask for the same value again in every quantity: computed once."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath

_KEPT = 1 << 14  # values of each function: more than one quantity of one entry needs


def _kept(function: Callable[..., Any]) -> Callable[..., Any]:
    return lru_cache(_KEPT)(function)


exp, expm1, log, log1p = map(_kept, (mpmath.exp, mpmath.expm1, mpmath.log, mpmath.log1p))


def less(x: Any, y: Any) -> Any:
    """x - y exactly: floats as far apart as can be have more digits between them than mpmath works with."""
    return mpmath.fsub(x, y, exact=True)
