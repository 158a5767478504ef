"""References of the losses of the right class."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import inf, mpf

from references.elementary import log
from references.reference import Reference
from references.vector import softmax


def _unit(x: Any, y: int, number: Any) -> list[Any]:
    return [number if i == y else mpf(0) for i in range(len(x))]


def _log(x: Any) -> Any:
    return log(x) if x > 0 else -inf


@cache
def _surprises(x: Any) -> list[Any]:
    return [-log(p) for p in softmax(x)]


def _poly_gradient(x: Any, y: Any, epsilon: Any) -> list[Any]:
    p = softmax(x)
    more = [epsilon * t * share for t, share in zip(y, p, strict=True)]
    return [
        (p[j] * (sum(y) - y[j]), p[j] * (sum(more) - more[j]), -(1 - p[j]) * y[j], -(1 - p[j]) * more[j])
        for j in range(len(x))
    ]


def _probabilities(x: Any, normalize: bool) -> list[Any]:
    return [entry / sum(x) for entry in x] if normalize else list(x)


def _term(p: Any, gamma: Any) -> Any:
    return -((1 - p) ** gamma) * _log(p) if p != 1 or gamma else mpf(0)


def _slope(p: Any, gamma: Any) -> Any:
    """d term / dp."""
    if not p:
        return -inf
    if p == 1:
        return mpf(0) if gamma else -mpf(1)
    return -((1 - p) ** gamma) / p + gamma * (1 - p) ** (gamma - 1) * log(p)


def _times(weight: Any, x: Any) -> Any:
    return weight * x if weight else mpf(0)


def _focal(x: Any, y: Any, gamma: Any, alpha: Any, normalize: bool) -> Any:
    return alpha * sum(_times(t, _term(p, gamma)) for p, t in zip(_probabilities(x, normalize), y, strict=True))


def _focal_by_gamma(x: Any, y: Any, gamma: Any, alpha: Any, normalize: bool) -> Any:
    """alpha sum y q^gamma log q (-log p), whose limit is 0 at both ends of p."""
    inside = [(p, t) for p, t in zip(_probabilities(x, normalize), y, strict=True) if 0 < p < 1]
    return -alpha * sum((t * (1 - p) ** gamma * log(1 - p) * log(p) for p, t in inside), mpf(0))


def _focal_gradient(x: Any, y: Any, gamma: Any, alpha: Any, normalize: bool) -> list[Any]:
    p = _probabilities(x, normalize)
    pull = [alpha * _times(t, _slope(a, gamma)) for a, t in zip(p, y, strict=True)]
    if not normalize:
        return pull
    back = [a * g if a else -alpha * t for a, g, t in zip(p, pull, y, strict=True)]
    return [(_times(1 - p[j], pull[j]) / sum(x), -(sum(back) - back[j]) / sum(x)) for j in range(len(x))]


def _gce_by_q(x: Any, y: int, q: Any) -> Any:
    if not x[y]:
        return -1 / q**2
    power = x[y] ** q
    return -power * log(x[y]) / q - (1 - power) / q**2


REFERENCES = {
    "nll_loss": Reference(value=lambda x, y, ignore: -x[y], derivative=lambda x, y, ignore: _unit(x, y, -mpf(1))),
    "sparse_softmax_cross_entropy": Reference(
        value=lambda x, y, ignore: _surprises(x)[y],
        derivative=lambda x, y, ignore: [p - (i == y) for i, p in enumerate(softmax(x))],
    ),
    "poly_loss": Reference(
        value=lambda x, y, epsilon: tuple(
            t * term for t, p, s in zip(y, softmax(x), _surprises(x), strict=True) for term in (epsilon * (1 - p), s)
        ),
        derivative=_poly_gradient,
        by_target=lambda x, y, epsilon: [
            (epsilon * (1 - p), s) for p, s in zip(softmax(x), _surprises(x), strict=True)
        ],
        by_parameter={"epsilon": lambda x, y, epsilon: sum(t * (1 - p) for t, p in zip(y, softmax(x), strict=True))},
        parameters=({}, {"epsilon": 0.3}),
    ),
    "categorical_focal": Reference(
        value=_focal,
        derivative=_focal_gradient,
        by_target=lambda x, y, gamma, alpha, normalize: [alpha * _term(p, gamma) for p in _probabilities(x, normalize)],
        by_parameter={
            "gamma": _focal_by_gamma,
            "alpha": lambda x, y, gamma, alpha, normalize: _focal(x, y, gamma, mpf(1), normalize),
        },
        parameters=(
            {},
            {"gamma": 0.0, "alpha": 1.0},
            {"gamma": 0.5},
            {"gamma": 5.0, "normalize": True},
        ),
        hard=(({"gamma": 4e293, "normalize": True}, ([1.3379429864209654e-37, 1.0], [1.0, 0.0])),),
    ),
    "generalized_cross_entropy": Reference(
        value=lambda x, y, q: (1 - x[y] ** q) / q,
        derivative=lambda x, y, q: _unit(x, y, -(x[y] ** (q - 1)) if x[y] or q == 1 else -inf),
        by_parameter={"q": _gce_by_q},
        parameters=({}, {"q": 1.0}, {"q": 0.1}, {"q": 1e-9}),
        hard=(({"q": 0.5}, ([0.0, 0.8999999999999999], 0)),),
    ),
}
