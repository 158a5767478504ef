"""References of the squared and absolute errors."""

from __future__ import annotations

from typing import Any

from mpmath import sign

from references.reference import Reference


def _differences(x: Any, y: Any) -> list[Any]:
    return [a - b for a, b in zip(x, y, strict=True)]


def _sum_of_squares(factor: Any) -> Reference:
    """factor(n) times the sum of (x - y)^2."""
    return Reference(
        value=lambda x, y: sum(d * d for d in _differences(x, y)) * factor(x),
        derivative=lambda x, y: [2 * d * factor(x) for d in _differences(x, y)],
        by_target=lambda x, y: [-2 * d * factor(x) for d in _differences(x, y)],
    )


def _one(x: Any) -> Any:
    return x[0] * 0 + 1


REFERENCES = {
    "squared_error": Reference(
        value=lambda x, y: (x - y) ** 2,
        derivative=lambda x, y: 2 * (x - y),
        second=lambda x, y: 2,
        by_target=lambda x, y: -2 * (x - y),
    ),
    "half_squared_error": Reference(
        value=lambda x, y: (x - y) ** 2 / 2,
        derivative=lambda x, y: x - y,
        second=lambda x, y: 1,
        by_target=lambda x, y: y - x,
    ),
    "absolute_error": Reference(
        value=lambda x, y: abs(x - y),
        derivative=lambda x, y: sign(x - y),
        second=lambda x, y: 0,
        by_target=lambda x, y: sign(y - x),
    ),
    "mean_squared_error": _sum_of_squares(lambda x: _one(x) / len(x)),
    "mean_half_squared_error": _sum_of_squares(lambda x: _one(x) / len(x) / 2),
    "sum_half_squared_error": _sum_of_squares(lambda x: _one(x) / 2),
    "mean_absolute_error": Reference(
        value=lambda x, y: sum(abs(d) for d in _differences(x, y)) / len(x),
        derivative=lambda x, y: [sign(d) / len(x) for d in _differences(x, y)],
        by_target=lambda x, y: [-sign(d) / len(x) for d in _differences(x, y)],
    ),
}
