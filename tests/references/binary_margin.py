"""References of the binary losses of a score."""

from __future__ import annotations

from typing import Any

from mpmath import mpf

from references.elementary import exp, log
from references.reference import Reference


def _signed(y: Any, labels: str) -> Any:
    return 2 * y - 1 if labels == "01" else y


def _per_label(labels: str) -> int:
    return 2 if labels == "01" else 1


def _room(x: Any, y: Any, labels: str) -> Any:
    return max(0, 1 - x * _signed(y, labels))


def _wrong(x: Any, y: Any, labels: str) -> int:
    return 1 if x * _signed(y, labels) < 0 else 0


def _sparse_plus(x: Any) -> Any:
    return 0 if x <= -1 else x if x >= 1 else (x + 1) ** 2 / 4


def _sparse_sigmoid(x: Any) -> Any:
    return min(max((x + 1) / 2, 0), 1)


def _softplus(t: Any) -> Any:
    """log(1 + e^t); what is beyond 5000 cannot be seen in a float."""
    return t if t > 5000 else log(1 + exp(max(t, -5000)))


def _logistic(t: Any) -> Any:
    return 1 / (1 + exp(-min(max(t, -5000), 5000)))


def _embedding(x: Any, y: Any, margin: Any, labels: str) -> Any:
    return x if _signed(y, labels) == 1 else max(0, margin - x)


def _embedding_slope(x: Any, y: Any, margin: Any, labels: str) -> int:
    return 1 if _signed(y, labels) == 1 else -1 if x <= margin else 0


REFERENCES = {
    "squared_hinge": Reference(
        value=lambda x, y, labels: _room(x, y, labels) ** 2,
        derivative=lambda x, y, labels: -2 * _signed(y, labels) * _room(x, y, labels),
        second=lambda x, y, labels: 2 if x * _signed(y, labels) < 1 else 0,
        by_target=lambda x, y, labels: -2 * _per_label(labels) * x * _room(x, y, labels),
        parameters=({}, {"labels": "01"}),
    ),
    "perceptron": Reference(
        value=lambda x, y, labels: max(0, -x * _signed(y, labels)),
        derivative=lambda x, y, labels: -_signed(y, labels) * _wrong(x, y, labels),
        second=lambda x, y, labels: 0,
        by_target=lambda x, y, labels: -_per_label(labels) * x * _wrong(x, y, labels),
        parameters=({}, {"labels": "01"}),
    ),
    "binary_sparsemax": Reference(
        value=lambda x, y: (1 - y) * _sparse_plus(x) + y * _sparse_plus(-x),
        derivative=lambda x, y: _sparse_sigmoid(x) - y,
        second=lambda x, y: mpf(1) / 2 if abs(x) < 1 else 0,
        by_target=lambda x, y: -x,
        hard=(
            ({}, (1e-200, 0.5)),
            ({}, (-5e-324, 0.5)),
            ({}, (-0.9999999999999999, 5e-17)),
            ({}, (0.19999999999999998, 0.6)),
        ),
    ),
    "soft_margin": Reference(
        value=lambda x, y: _softplus(-x * y),
        derivative=lambda x, y: -y * _logistic(-x * y),
        second=lambda x, y: y**2 * _logistic(-x * y) * _logistic(x * y),
        by_target=lambda x, y: -x * _logistic(-x * y),
        hard=(({}, (1.9041095145644726, -389.824180368069)),),
    ),
    "hinge_embedding": Reference(
        value=_embedding,
        derivative=_embedding_slope,
        second=lambda x, y, margin, labels: 0,
        by_parameter={"margin": lambda x, y, margin, labels: 1 if _signed(y, labels) == -1 and x <= margin else 0},
        parameters=({}, {"margin": 0.3}, {"margin": -2.0, "labels": "01"}),
    ),
}
