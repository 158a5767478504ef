"""References of the exponential and of logarithms of probabilities."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import inf, nan, sinh

from references.elementary import exp, expm1, log, log1p
from references.reference import Reference
from references.sigmoid import logistic


@cache
def exponential(z: Any) -> Any:
    """e^z; far below all floats, and fast, where z is far below 0."""
    return exp(max(z, -10000))


def _log(x: Any) -> Any:
    return log(x) if x else -inf


def _over(x: Any, y: Any) -> Any:
    return x / y if y else x * inf


def _logit_spread(z: Any) -> Any:
    return z * (1 - z)


def _entr(z: Any) -> Any:
    return -inf if z < 0 else -z * log(z) if z else 0


REFERENCES = {
    "exponential": Reference(exponential, exponential, exponential),
    "log_sigmoid": Reference(
        value=lambda z: -log1p(exponential(-z)),
        derivative=lambda z: logistic(-z),
        second=lambda z: -logistic(z) * logistic(-z),
    ),
    "logit": Reference(
        value=lambda z: _log(z) - _log(1 - z),
        derivative=lambda z: _over(1, _logit_spread(z)),
        second=lambda z: _over(2 * z - 1, _logit_spread(z) ** 2),
    ),
    "log1mexp": Reference(
        value=lambda z: _log(1 - exponential(-z)),
        derivative=lambda z: _over(1, expm1(z)),
        second=lambda z: _over(-1, 4 * sinh(z / 2) ** 2),
    ),
    "entr": Reference(
        value=_entr,
        derivative=lambda z: nan if z < 0 else -1 - _log(z),
        second=lambda z: nan if z < 0 else _over(-1, z),
        hard=(({}, (0.36787944,)),),
    ),
}
