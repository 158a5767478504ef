"""Reference of standardization, with the full Jacobian."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import nan, sqrt

from references.reference import Reference


@cache
def _deviations(z: Any) -> tuple[list[Any], Any]:
    """z less its mean, and the variance."""
    mean = sum(z) / len(z)
    deviations = [entry - mean for entry in z]
    return deviations, sum(d * d for d in deviations) / len(z)


@cache
def _standardized(z: Any, eps: Any) -> tuple[list[Any], Any]:
    """z less its mean over sigma, and sigma; NaN where sigma is 0."""
    deviations, variance = _deviations(z)
    sigma = sqrt(variance + eps)
    return [d / sigma if sigma else nan for d in deviations], sigma


def _jacobian(z: Any, eps: Any) -> list[list[Any]]:
    a, sigma = _standardized(z, eps)
    n = len(z)
    if not sigma:
        return [[nan] * n for _ in z]
    if n == 2:  # all but eps cancels out
        left = eps / (2 * sigma**3)
        return [[left, -left], [-left, left]]
    return [[((i == j) - (1 + a[i] * a[j]) / n) / sigma for j in range(n)] for i in range(n)]


def _by_eps(z: Any, eps: Any) -> list[Any]:
    a, sigma = _standardized(z, eps)
    return [-entry / (2 * sigma**2) if sigma else nan for entry in a]


REFERENCES = {
    "standardize": Reference(
        value=lambda z, eps: _standardized(z, eps)[0],
        derivative=_jacobian,
        by_parameter={"eps": _by_eps},
        parameters=({}, {"eps": 1e-3}, {"eps": 0.0}, {"eps": 1e-300}),
        hard=(({}, ([8.9e307],)), ({"eps": 2.540162552202483}, ([37.60651656746359, 2.2633149396803525],))),
    ),
}
