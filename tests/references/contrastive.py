"""References of the losses of a batch of embeddings, pair by pair as they are defined."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from mpmath import exp, log1p, mpf, sqrt

from references.reference import Reference


def _dot(x: Any, y: Any) -> Any:
    return sum((a * b for a, b in zip(x, y, strict=True)), mpf(0))


def _combined(factors: Any, rows: Any) -> list[Any]:
    """sum_b factor_b row_b."""
    return [sum((f * row[k] for f, row in zip(factors, rows, strict=True)), mpf(0)) for k in range(len(rows[0]))]


# --- ntxent ---


@cache
def _directions(x: Any, eps: Any) -> Any:
    lengths = [max(sqrt(_dot(row, row)), eps) or mpf("nan") for row in x]
    return lengths, [[a / length for a in row] for row, length in zip(x, lengths, strict=True)]


@cache
def _ntxent(x: Any, labels: Any, temperature: Any, eps: Any) -> tuple[Any, Any, Any]:
    """The loss, its derivative by each similarity, and by the temperature."""
    _, u = _directions(x, eps)
    count = range(len(x))
    s = [[_dot(u[i], u[j]) for j in count] for i in count]
    pairs = [(i, j) for i in count for j in count if i != j and labels[i] == labels[j]]
    slopes = [[mpf(0) for _ in count] for _ in count]
    loss = heat = mpf(0)
    for i, j in pairs:
        terms = {k: exp((s[i][k] - s[i][j]) / temperature) for k in count if labels[k] != labels[i]}
        whole = 1 + sum(terms.values())
        loss += log1p(sum(terms.values())) / len(pairs)
        for k, term in terms.items():
            share = term / whole / temperature / len(pairs)
            slopes[i][k] += share
            slopes[i][j] -= share
            heat -= share * (s[i][k] - s[i][j]) / temperature
    return loss, slopes, heat


def _ntxent_gradient(x: Any, labels: Any, temperature: Any, eps: Any) -> list[list[Any]]:
    slopes = _ntxent(x, labels, temperature, eps)[1]
    lengths, u = _directions(x, eps)
    found = []
    for a, length in enumerate(lengths):
        g = _combined([slopes[a][b] + slopes[b][a] for b in range(len(x))], u)
        along = _dot(g, u[a]) if length > eps else mpf(0)
        found.append([(part - along * direction) / length for part, direction in zip(g, u[a], strict=True)])
    return found


# --- circle ---


@cache
def _circle(x: Any, labels: Any, gamma: Any, margin: Any) -> tuple[Any, Any, Any, Any]:
    """The loss, and its derivative by each product of rows, by gamma and by the margin."""
    count = range(len(x))
    slopes = [[mpf(0) for _ in count] for _ in count]
    loss = by_gamma = by_margin = mpf(0)
    for i in count:
        gaps = [1 - _dot(x[i], x[j]) for j in count]
        d = [max(gap, mpf(0)) for gap in gaps]
        pull = {j: max(d[j] + margin, 0) * (d[j] - margin) for j in count if j != i and labels[j] == labels[i]}
        push = {k: max(1 + margin - d[k], 0) * (1 - margin - d[k]) for k in count if labels[k] != labels[i]}
        if not pull or not push:
            continue
        parts = [{j: exp(gamma * w) for j, w in side.items()} for side in (pull, push)]
        sums = [sum(side.values()) for side in parts]
        loss += log1p(sums[0] * sums[1]) / len(x)
        outer = sums[0] * sums[1] / (1 + sums[0] * sums[1]) / len(x)
        for side, terms, whole in zip((pull, push), parts, sums, strict=True):
            for j, w in side.items():
                share = outer * terms[j] / whole
                inner = 2 * d[j] if side is pull else 2 * (d[j] - 1)
                active = d[j] + margin > 0 if side is pull else 1 + margin - d[j] > 0
                slopes[i][j] -= share * gamma * inner * (active and gaps[j] > 0)
                by_gamma += share * w
                by_margin -= 2 * margin * gamma * share * active
    return loss, slopes, by_gamma, by_margin


def _circle_gradient(x: Any, labels: Any, gamma: Any, margin: Any) -> list[list[Any]]:
    slopes, count = _circle(x, labels, gamma, margin)[1], range(len(x))
    return [_combined([slopes[a][b] + slopes[b][a] for b in count], x) for a in count]


def _batches(*spreads: float) -> list[tuple[Any, ...]]:
    """Some batches with labels, of embeddings in one direction and in many."""
    draw = random.Random("batches")
    found: list[tuple[Any, ...]] = []
    for spread in spreads:
        for rows, columns in ((3, 2), (5, 4)):
            x = [[draw.gauss(1, spread) for _ in range(columns)] for _ in range(rows)]
            found.append((x, [0, 0, *(draw.randrange(3) for _ in range(rows - 2))]))
    return found


def _directed() -> list[tuple[Any, ...]]:
    return [
        *_batches(1e-9, 0.3, 3.0, 1e200),
        ([[1.0, 0.0], [2.0, 0.0], [-1.0, 1e-9]], [4, 4, 7]),
        ([[1e-200, 3e-200], [2e-210, 1e-300], [-1e150, 1e150]], [0, 0, 1]),
        ([[1.0, 2.0], [0.5, 1.0 + 2**-52], [2.0, 4.0]], [0, 0, 1]),
    ]


def _of_length_one() -> list[tuple[Any, ...]]:
    found = []
    for x, labels in _batches(1e-3, 0.5, 3.0):
        lengths = [sum(a * a for a in row) ** 0.5 for row in x]
        found.append(([[0.999 * a / length for a in row] for row, length in zip(x, lengths, strict=True)], labels))
    return [*found, ([[3.0, 4.0], [-20.0, 0.1], [1e-5, -7.0]], [1, 1, 2]), ([[0.5, 0.1], [0.2, 0.9]], [1, 2])]


def _of_many_rows(spread: float) -> tuple[Any, ...]:
    """A batch large enough to be worked out in floats."""
    draw = random.Random("many rows")
    return [[draw.gauss(0.5, spread) for _ in range(3)] for _ in range(9)], [0, 0, 1, 1, 2, 2, 2, 3, 0]


REFERENCES = {
    "ntxent": Reference(
        value=lambda *given: _ntxent(*given)[0],
        derivative=_ntxent_gradient,
        by_parameter={"temperature": lambda *given: _ntxent(*given)[2]},
        parameters=({}, {"temperature": 1.0, "eps": 1e-8}, {"temperature": 0.004}),
        points=_directed,
        hard=(
            ({"temperature": 0.3}, ([[0.13, 0.08], [-1e154, -1e154], [-6e-163, -6.4e-163], [0.0, -0.0]], [2, 0, 2, 1])),
            ({"temperature": 0.2}, _of_many_rows(0.5)),
            ({}, _of_many_rows(1e-9)),
        ),
    ),
    "circle": Reference(
        value=lambda *given: _circle(*given)[0],
        derivative=_circle_gradient,
        by_parameter={"gamma": lambda *given: _circle(*given)[2], "margin": lambda *given: _circle(*given)[3]},
        parameters=({}, {"gamma": 3.0, "margin": 0.25}),
        points=_of_length_one,
        hard=(
            (
                {},
                (
                    [[0.0, 0.84, 48.3], [1.0, -1417.0, -81784.0], [0.0, 0.92, 47.6], [1e-130, -2e-140, 0.0]],
                    [0, 2, 0, 1],
                ),
            ),
            (
                {"gamma": 4.645236008806664e307},
                ([[42.5, -44.8], [42.4, -44.8], [42.5, -44.8], [119.9, -139.5]], [1, 2, 1, 2]),
            ),
            ({}, _of_many_rows(0.5)),
        ),
    ),
}
