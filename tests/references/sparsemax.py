"""Reference of sparsemax, in fractions: the threshold by trying every size of the support."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import mpf

from references.reference import Reference


@cache
def _threshold(z: Any) -> Any:
    """The largest of (z_1 + ... + z_k - 1) / k for z in falling order."""
    ordered = sorted(z, reverse=True)
    total, best = mpf(0), None
    for k, entry in enumerate(ordered, 1):
        total += entry
        best = (total - 1) / k if best is None else max(best, (total - 1) / k)
    return best


def _value(z: Any, ties: str) -> list[Any]:
    return [max(entry - _threshold(z), 0) for entry in z]


def _of_support(s: list[bool]) -> list[list[Any]]:
    k = mpf(sum(s))
    return [[s[i] * ((i == j) - s[j] / k) for j in range(len(s))] for i in range(len(s))]


def _jacobian(z: Any, ties: str) -> list[list[Any]]:
    tau = _threshold(z)
    inner = _of_support([entry > tau for entry in z])
    outer = _of_support([entry >= tau for entry in z]) if ties == "split" else inner
    return [[(a + b) / 2 for a, b in zip(row, other, strict=True)] for row, other in zip(inner, outer, strict=True)]


REFERENCES = {"sparsemax": Reference(value=_value, derivative=_jacobian, parameters=({}, {"ties": "split"}))}
