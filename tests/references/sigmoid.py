"""References of the sigmoid and the hyperbolic tangent, as the textbook has them."""

from __future__ import annotations

from functools import cache
from typing import Any

from references.elementary import exp
from references.reference import Reference


@cache
def logistic(z: Any) -> Any:
    """1 / (1 + e^-z); what is beyond 5000 cannot be seen in a float."""
    return 1 / (1 + exp(-min(max(z, -5000), 5000)))


@cache
def tangent(z: Any) -> Any:
    """sinh / cosh; what is beyond 5000 cannot be seen in a float."""
    growth = exp(2 * min(max(z, -5000), 5000))
    return (growth - 1) / (growth + 1)


@cache
def _sech_squared(z: Any) -> Any:
    return 4 / (exp(z) + exp(-z)) ** 2


REFERENCES = {
    "sigmoid": Reference(
        value=logistic,
        derivative=lambda z: logistic(z) * (1 - logistic(z)),
        second=lambda z: logistic(z) * (1 - logistic(z)) * (1 - 2 * logistic(z)),
    ),
    "tanh": Reference(
        value=tangent,
        derivative=_sech_squared,
        second=lambda z: -2 * tangent(z) * _sech_squared(z),
    ),
}
