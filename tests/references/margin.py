"""References of the hinge and the multiclass SVM loss."""

from __future__ import annotations

from typing import Any

from references.elementary import log
from references.reference import Reference


def _signed(y: Any, labels: str) -> Any:
    return 2 * y - 1 if labels == "01" else y


def _active(x: Any, y: Any, labels: str) -> int:
    return 1 if x * _signed(y, labels) < 1 else 0


def _excesses(x: Any, y: int, margin: Any) -> list[Any]:
    return [max(margin - x[y] + entry, 0) if i != y else 0 for i, entry in enumerate(x)]


def _slopes(x: Any, y: int, p: Any, margin: Any) -> list[Any]:
    return [p * excess ** (p - 1) if excess > 0 else 0 for excess in _excesses(x, y, margin)]


def _svm_gradient(x: Any, y: int, p: Any, margin: Any) -> list[Any]:
    slopes = _slopes(x, y, p, margin)
    return [-sum(slopes) if i == y else slope for i, slope in enumerate(slopes)]


REFERENCES = {
    "hinge": Reference(
        value=lambda x, y, labels: max(0, 1 - x * _signed(y, labels)),
        derivative=lambda x, y, labels: -_signed(y, labels) * _active(x, y, labels),
        second=lambda x, y, labels: 0,
        by_target=lambda x, y, labels: -x * _active(x, y, labels) * (2 if labels == "01" else 1),
        parameters=({}, {"labels": "01"}),
    ),
    "svm_loss": Reference(
        value=lambda x, y, p, margin: sum(excess**p for excess in _excesses(x, y, margin)),
        derivative=_svm_gradient,
        by_parameter={
            "margin": lambda x, y, p, margin: sum(_slopes(x, y, p, margin)),
            "p": lambda x, y, p, margin: tuple(e**p * log(e) for e in _excesses(x, y, margin) if e > 0),
        },
        parameters=(
            {},
            {"p": 2.0},
            {"margin": 0.3},
            {"p": 2.0, "margin": 1e-9},
            {"p": 1.5},
            {"p": 1.0 + 2**-52, "margin": 1e-9},
            {"p": 7.3, "margin": 1e-5},
            {"p": 1e10},
        ),
        hard=(
            ({"p": 4.4724232640157403e39, "margin": 767.4957778543537}, ([-38.388715812382635, 32.82187391972951], 1)),
        ),
    ),
}
