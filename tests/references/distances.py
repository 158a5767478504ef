"""References of the distances, and of which of two is nearer, by their definitions."""

from __future__ import annotations

import random
from typing import Any

from mpmath import mpf

from references import inputs
from references.norm import REFERENCES as NORMS
from references.reference import Reference

_NORM = NORMS["lp_norm"]


def _gap(x: Any, other: Any, eps: Any) -> tuple[Any, ...]:
    return tuple(a - b + eps for a, b in zip(x, other, strict=True))


def _norm(d: Any, p: Any) -> Any:
    return _NORM.value(d, p, "split")


def _slopes(d: Any, p: Any) -> list[Any]:
    found = _NORM.derivative(d, p, "split")
    return list(found)


def _pairwise_points() -> list[tuple[Any, ...]]:
    """Vectors as those of other losses have them, with others near and far."""
    draw = random.Random("pairwise")
    tried = [x for x in inputs.vectors(inputs.ANYWHERE, "pairwise") if len(x) <= 5]
    found = []
    for x in tried:
        near = [draw.choice((a * draw.uniform(0, 2), a + draw.gauss(0, 1), a)) for a in x]
        found.append((x, draw.choice((near, [-a for a in x]))))
    return found


def _triplet_points() -> list[tuple[Any, ...]]:
    draw = random.Random("triplet")
    found: list[tuple[Any, ...]] = [
        ([0.0, 0.0], [3.0, 4.0], [1.0, 0.0]),
        ([1.0, 2.0], [1.0, 1.0], [3.0, 4.0]),
        ([1e308, -1e308], [-1e308, 1e308], [1e307, 2e300]),
        ([1e-300, 3e-300], [2e-310, 0.0], [5e-300, 1e-300]),
        ([0.0, 1.0, 2.0], [10.0, 1.0, 2.0], [9.5, 0.0, 2.0]),
    ]
    for spread in (1e-170, 1e-9, 0.1, 1.0, 10.0, 1e5, 1e160):
        found += [tuple([draw.gauss(0, spread) for _ in range(n)] for _ in range(3)) for n in (2, 3, 10)]
    return found


def _triplet(letter: str) -> Any:
    """The loss by its terms, or its derivative by one of the three vectors."""

    def formula(a: Any, near: Any, far: Any, margin: Any, p: Any, eps: Any, swap: bool, eps_to: str) -> Any:
        def between(x: Any, y: Any) -> Any:
            return _gap(x, y, eps) if eps_to == "difference" else (*_gap(x, y, 0), eps ** (1 / p))

        pairs = {"ap": between(a, near), "an": between(a, far), "pn": between(near, far)}
        lengths = {name: _norm(d, p) for name, d in pairs.items()}
        other = "pn" if swap and lengths["pn"] < lengths["an"] else "an"
        terms = (lengths["ap"], -lengths[other], margin)
        if not letter:
            return terms if sum(terms) > 0 else (mpf(0), *(part for term in terms for part in (term, -term)))
        if letter == "margin":
            return mpf(sum(terms) > 0)
        slopes = {name: _slopes(pairs[name], p)[: len(a)] for name in ("ap", other)}
        parts = []
        for name, sign in (("ap", 1), (other, -1)):
            if letter in name:
                parts.append([sign * (1 if name[0] == letter else -1) * s for s in slopes[name]])
        if not sum(terms) > 0 or not parts:
            return [mpf(0)] * len(a)
        return [tuple(column) for column in zip(*parts, strict=True)]

    return formula


REFERENCES = {
    "pairwise_distance": Reference(
        value=lambda x, other, p, eps: _norm(_gap(x, other, eps), p),
        derivative=lambda x, other, p, eps: _slopes(_gap(x, other, eps), p),
        by_input={"other": lambda x, other, p, eps: [-s for s in _slopes(_gap(x, other, eps), p)]},
        by_parameter={"p": lambda x, other, p, eps: _NORM.by_parameter["p"](_gap(x, other, eps), p, "split")},
        parameters=({}, {"p": 1.0, "eps": 0.0}, {"p": 3.0}, {"p": 7.5, "eps": 0.1}, {"p": float("inf")}),
        points=_pairwise_points,
        hard=(
            (
                {"p": 1.730489313408554e116},
                (
                    [0.8105506246314789, 2.076364553256581e-06, 2.5850211700190915, 1.3952296178473556e-05],
                    [5.1107413416702975e261, 5.1128246583354305e261, 5.396579639577482e261, 5.112811704659026e261],
                ),
            ),
            ({"p": 1e43, "eps": 2550366.1}, ([1.0, 1.0], [-1.0, -1.0000000000000002])),
        ),
    ),
    "triplet_margin": Reference(
        value=_triplet(""),
        derivative=_triplet("a"),
        by_input={"positive": _triplet("p"), "negative": _triplet("n")},
        by_parameter={"margin": _triplet("margin")},
        parameters=(
            {},
            {"margin": 0.25, "swap": True, "eps": 0.0},
            {"p": 3.0, "eps": 0.0},
            {"p": 1.0, "swap": True, "eps": 0.0},
            {"eps_to": "sum"},
        ),
        points=_triplet_points,
    ),
}
