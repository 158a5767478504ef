"""The reference of CTC: the sum over every sequence of outputs there is."""

from __future__ import annotations

import itertools
import random
from functools import cache
from typing import Any

from mpmath import exp, inf, log, log1p, mpf

from references.reference import Reference

_NAN = mpf("nan")


@cache
def _probabilities(x: Any) -> list[list[Any]]:
    found = []
    for row in x:
        terms = [exp(entry - max(row)) for entry in row]
        found.append([term / sum(terms) for term in terms])
    return found


def _read(outputs: tuple[int, ...], blank: int) -> tuple[int, ...]:
    """What a sequence of outputs says: repetitions merged, then blanks left out."""
    return tuple(k for k, _ in itertools.groupby(outputs) if k != blank)


@cache
def _sums(x: Any, labels: tuple[int, ...], blank: Any) -> tuple[Any, Any, Any]:
    """The probability of the labels, of anything else, and the part of the first that has each output at each time."""
    p, times, classes = _probabilities(x), range(len(x)), range(len(x[0]))
    right, wrong = mpf(0), mpf(0)
    parts = [[mpf(0) for _ in classes] for _ in times]
    for outputs in itertools.product(classes, repeat=len(x)):
        term = mpf(1)
        for t in times:
            term *= p[t][outputs[t]]
        if _read(outputs, int(blank)) != labels:
            wrong += term
            continue
        right += term
        for t in times:
            parts[t][outputs[t]] += term
    return right, wrong, parts


def _value(x: Any, labels: Any, blank: Any, zero_infinity: bool) -> Any:
    right, wrong, _ = _sums(x, labels, blank)
    if not right:
        return mpf(0) if zero_infinity else inf
    return -log1p(-wrong) if wrong < 0.5 else -log(right)


def _gradient(x: Any, labels: Any, blank: Any, zero_infinity: bool) -> list[list[Any]]:
    right, _, parts = _sums(x, labels, blank)
    if not right:
        return [[mpf(0) if zero_infinity else _NAN for _ in row] for row in x]
    pairs = zip(_probabilities(x), parts, strict=True)
    return [[a - part / right for a, part in zip(row, shares, strict=True)] for row, shares in pairs]


def _points() -> list[tuple[Any, ...]]:
    draw = random.Random("ctc")
    found: list[tuple[Any, ...]] = [
        ([[0.0, 40.0, 0.0]], [1]),
        ([[700.0, 0.0], [0.0, 720.0]], [1]),
        ([[0.0, 1e5], [0.0, -1e5], [3.0, 1e5]], [1, 1]),
        ([[0.0, 1e300, 5.0], [0.0, -1e300, 1e3], [3.0, 1e5, 0.0]], [2]),
        ([[0.5, 1.0], [0.25, 3.0]], [1, 1]),
        ([[1.0, 2.0, 3.0]], [1, 2]),
        ([[-31.85, 0.87], [-1.28e107, -1.2797001071164818e107], [-160.28, -160.28]], [1]),
        ([[-31.85, 0.87], [-1.2797001071164818e107, -1.2797001071164818e107], [-160.28, -160.28]], [1]),
        ([[1e-300, 0.0], [5e-324, -1e-310]], []),
        ([[draw.gauss(0, 2) for _ in range(3)] for _ in range(5)], [1, 1, 2]),
    ]
    for spread in (1e-9, 1.0, 10.0, 300.0):
        for labels in ([], [1], [1, 2], [2, 2]):
            found.append(([[draw.gauss(0, spread) for _ in range(3)] for _ in range(4)], labels))
    return found


REFERENCES = {
    "ctc": Reference(
        value=_value,
        derivative=_gradient,
        parameters=({}, {"zero_infinity": True}),
        points=_points,
    ),
}
