"""References of the sigmoid and the hyperbolic tangent, as the textbook has them."""

from __future__ import annotations

from typing import Any

from mpmath import exp
from references.reference import Reference


def logistic(z: Any) -> Any:
    """1 / (1 + e^-z)."""
    return 1 / (1 + exp(-z))


def tangent(z: Any) -> Any:
    """sinh / cosh."""
    return (exp(z) - exp(-z)) / (exp(z) + exp(-z))


REFERENCES = {
    "sigmoid": Reference(
        value=logistic,
        derivative=lambda z: logistic(z) * (1 - logistic(z)),
        second=lambda z: logistic(z) * (1 - logistic(z)) * (1 - 2 * logistic(z)),
    ),
    "tanh": Reference(
        value=tangent,
        derivative=lambda z: 4 / (exp(z) + exp(-z)) ** 2,
        second=lambda z: -2 * tangent(z) * 4 / (exp(z) + exp(-z)) ** 2,
    ),
}
