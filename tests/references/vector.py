"""References of softmax and its logarithm: the quotient of exponentials, and full Jacobians."""

from __future__ import annotations

from functools import cache
from typing import Any

from references.elementary import exp, log
from references.reference import Reference
from references.sigmoid import logistic


@cache
def softmax(z: Any) -> list[Any]:
    """e^z_i / sum e^z_k."""
    largest = max(z)
    shifted = [exp(entry - largest) for entry in z]
    total = sum(shifted)
    return [e / total for e in shifted]


def _softmin(z: Any) -> list[Any]:
    return softmax(tuple(-entry for entry in z))


def _softmin_jacobian(z: Any) -> list[list[Any]]:
    p = _softmin(z)
    return [[p[i] * (p[j] - (i == j)) for j in range(len(z))] for i in range(len(z))]


def _glu(z: Any) -> list[Any]:
    m = len(z) // 2
    return [z[i] * logistic(z[m + i]) for i in range(m)]


def _glu_jacobian(z: Any) -> list[list[Any]]:
    m = len(z) // 2
    gates = [logistic(entry) for entry in z[m:]]
    by_b = [z[i] * gate * (1 - gate) for i, gate in enumerate(gates)]
    return [[(j == i) * gates[i] + (j == m + i) * by_b[i] for j in range(2 * m)] for i in range(m)]


def _softmax_jacobian(z: Any) -> list[list[Any]]:
    p = softmax(z)
    return [[p[i] * ((i == j) - p[j]) for j in range(len(z))] for i in range(len(z))]


def _log_softmax_jacobian(z: Any) -> list[list[Any]]:
    p = softmax(z)
    return [[(i == j) - p[j] for j in range(len(z))] for i in range(len(z))]


REFERENCES = {
    "softmax": Reference(
        value=softmax,
        derivative=_softmax_jacobian,
        hard=(({}, ([-29.569910066666118, -29.569910066666118, -10.755358075431895, -10.755358075431895],)),),
    ),
    "softmin": Reference(
        value=_softmin,
        derivative=_softmin_jacobian,
        hard=(
            (
                {},
                (
                    [
                        -537.0893511728846,
                        -28.48454725292568,
                        -25.668140421746074,
                        14.620454375524625,
                        1.7976931348623151e308,
                        -2.566530732243532,
                    ],
                ),
            ),
        ),
    ),
    "glu": Reference(value=_glu, derivative=_glu_jacobian),
    "log_softmax": Reference(value=lambda z: [log(p) for p in softmax(z)], derivative=_log_softmax_jacobian),
}
