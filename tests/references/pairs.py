"""References of the losses of a pair, by their definitions."""

from __future__ import annotations

import random
from typing import Any

from mpmath import mpf, sqrt, workprec

from references import inputs
from references.reference import Reference


def _ranked(x: Any, y: Any, other: Any, margin: Any) -> tuple[Any, ...]:
    return margin, -y * x, y * other


def _ranking(slope: Any) -> Any:
    """The slope where the margin is not kept."""
    return lambda *given: mpf(slope(*given)) if sum(_ranked(*given)) >= 0 else mpf(0)


def _ranking_points() -> list[tuple[Any, ...]]:
    draw = random.Random("ranking")
    found = []
    for x, other in inputs.pairs(inputs.ANYWHERE, inputs.ANYWHERE, 60, "ranking"):
        found.append((x, draw.choice((-1.0, 1.0)), other))
    return found


def _dot(x: Any, y: Any) -> Any:
    return sum((a * b for a, b in zip(x, y, strict=True)), mpf(0))


def _lengths(x: Any, other: Any, eps: Any) -> Any:
    return sqrt((_dot(x, x) + eps) * (_dot(other, other) + eps))


def _cosine(x: Any, other: Any, eps: Any) -> Any:
    return _dot(x, other) / _lengths(x, other, eps)


def _is_met(x: Any, other: Any, margin: Any, eps: Any) -> bool:
    """Whether the cosine, rounded to as many digits as floats have, reaches the margin."""
    found = _cosine(x, other, eps)
    with workprec(53):
        return bool(+found >= margin)


def _embedding(x: Any, y: Any, other: Any, margin: Any, eps: Any) -> Any:
    lengths = _lengths(x, other, eps)
    if not lengths:
        return mpf("nan")
    if y > 0:
        return 1 - _cosine(x, other, eps)
    terms = (*(a * b / lengths for a, b in zip(x, other, strict=True)), -margin)
    return terms if sum(terms) > 0 else mpf(0)


def _embedding_slope(x: Any, y: Any, other: Any, margin: Any, eps: Any) -> Any:
    lengths = _lengths(x, other, eps)
    if not lengths:
        return [mpf("nan")] * len(x)
    if y < 0 and not _is_met(x, other, margin, eps):
        return [mpf(0)] * len(x)
    share = _dot(x, other) / (_dot(x, x) + eps)
    return [-y * (b - share * a) / lengths for a, b in zip(x, other, strict=True)]


def _embedding_points() -> list[tuple[Any, ...]]:
    draw = random.Random("embedding")
    found: list[tuple[Any, ...]] = []
    for x in inputs.vectors(inputs.ANYWHERE, "embedding"):
        if len(x) > 5 or max(map(abs, x)) > 1e307:
            continue
        far = [draw.choice((1.0, 1e-9, 30.0)) * draw.gauss(0, 1) for _ in x]
        near = [a * 3 + draw.gauss(0, 1e-9) * abs(a) for a in x]
        found.append(draw.choice([(x, draw.choice((1.0, -1.0)), far), (x, 1.0, near), (far, -1.0, near)]))
    return found


REFERENCES = {
    "margin_ranking": Reference(
        value=lambda *given: _ranked(*given) if sum(_ranked(*given)) > 0 else mpf(0),
        derivative=_ranking(lambda x, y, other, margin: -y),
        second=lambda *given: mpf(0),
        by_input={"other": _ranking(lambda x, y, other, margin: y)},
        by_parameter={"margin": _ranking(lambda *given: 1)},
        parameters=({}, {"margin": 0.7}),
        points=_ranking_points,
    ),
    "cosine_embedding": Reference(
        value=_embedding,
        derivative=_embedding_slope,
        by_input={"other": lambda x, y, other, *rest: _embedding_slope(other, y, x, *rest)},
        by_parameter={
            "margin": lambda x, y, other, margin, eps: mpf(
                "nan" if not _lengths(x, other, eps) else -int(y < 0 and _is_met(x, other, margin, eps))
            )
        },
        parameters=({}, {"eps": 1e-12}, {"margin": 0.5}),
        points=_embedding_points,
        hard=(
            ({"eps": 5e-324}, ([0.030145070933688362], -1.0, [0.0030145070933688366])),
            ({"margin": 1.0}, ([0.05258325511726927], 1.0, [0.0])),
            ({"eps": 73.59757904137135}, ([1.2797113440168878e-284], -1.0, [-1.4779449438216437e-284])),
            (
                {"margin": -0.5, "eps": 1.0},
                ([5.844600007612485e90, -2.900612052000682e76], 1.0, [5.844178426168089e90, -2.901766528313532e76]),
            ),
            (
                {"margin": 1.0, "eps": 1.0},
                (
                    [
                        2.3521140082536207e150,
                        -4.933146331716061,
                        2.77543969732612e-290,
                        -8.816862023058716e-231,
                        9.999999999999996e-163,
                    ],
                    -1.0,
                    [
                        2.3521140082536207e150,
                        -5.628743529350713,
                        0.3654347141396397,
                        -0.34592426376809177,
                        -0.6805097994658221,
                    ],
                ),
            ),
        ),
    ),
}
