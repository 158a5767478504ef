"""References of softmax and its logarithm: the quotient of exponentials, and full Jacobians."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import exp, log

from references.reference import Reference


@cache
def softmax(z: Any) -> list[Any]:
    """e^z_i / sum e^z_k."""
    largest = max(z)
    shifted = [exp(entry - largest) for entry in z]
    total = sum(shifted)
    return [e / total for e in shifted]


def _softmax_jacobian(z: Any) -> list[list[Any]]:
    p = softmax(z)
    return [[p[i] * ((i == j) - p[j]) for j in range(len(z))] for i in range(len(z))]


def _log_softmax_jacobian(z: Any) -> list[list[Any]]:
    p = softmax(z)
    return [[(i == j) - p[j] for j in range(len(z))] for i in range(len(z))]


REFERENCES = {
    "softmax": Reference(value=softmax, derivative=_softmax_jacobian),
    "log_softmax": Reference(value=lambda z: [log(p) for p in softmax(z)], derivative=_log_softmax_jacobian),
}
