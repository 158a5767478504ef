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
    return log(x) if x > 0 else -inf if x == 0 else x


@cache
def _surprises(x: Any) -> list[Any]:
    return [-log(p) for p in softmax(x)]


def _poly_gradient(x: Any, y: Any, epsilon: Any) -> list[Any]:
    p = softmax(x)
    more = [epsilon * t * share for t, share in zip(y, p, strict=True)]
    labels, whole = sum(y), sum(more)
    return [
        (p[j] * (labels - y[j]), p[j] * (whole - more[j]), -(1 - p[j]) * y[j], -(1 - p[j]) * more[j])
        for j in range(len(x))
    ]


def _probabilities(x: Any, normalize: bool) -> list[Any]:
    """The probabilities; NaN where nothing is to be divided by its sum."""
    if not normalize:
        return list(x)
    whole = sum(x)
    return [entry / whole if whole else mpf("nan") for entry in x]


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
    return weight * x if weight or x != x else mpf(0)


def _focal(x: Any, y: Any, gamma: Any, alpha: Any, normalize: bool) -> Any:
    terms = (_times(t, _term(p, gamma)) for p, t in zip(_probabilities(x, normalize), y, strict=True))
    return _times(alpha, sum(terms, mpf(0)))


def _focal_by_gamma(x: Any, y: Any, gamma: Any, alpha: Any, normalize: bool) -> Any:
    """alpha sum y q^gamma log q (-log p), whose limit is 0 at both ends of p."""
    if normalize and not sum(x):
        return mpf("nan")
    inside = [(p, t) for p, t in zip(_probabilities(x, normalize), y, strict=True) if 0 < p < 1]
    return -alpha * sum((t * (1 - p) ** gamma * log(1 - p) * log(p) for p, t in inside), mpf(0))


def _focal_gradient(x: Any, y: Any, gamma: Any, alpha: Any, normalize: bool) -> list[Any]:
    p = _probabilities(x, normalize)
    pull = [_times(alpha, _times(t, _slope(a, gamma))) for a, t in zip(p, y, strict=True)]
    if not normalize:
        return pull
    whole = sum(x)
    if not whole:
        return [mpf("nan")] * len(x)
    back = [a * g if a else -alpha * t for a, g, t in zip(p, pull, y, strict=True)]
    all_back = sum(back)
    return [(_times(1 - p[j], pull[j]) / whole, -(all_back - back[j]) / whole) for j in range(len(x))]


def _gce_by_q(x: Any, y: int, q: Any) -> Any:
    if not x[y]:
        return -1 / q**2
    power = x[y] ** q
    return -power * log(x[y]) / q - (1 - power) / q**2


REFERENCES = {
    "nll_loss": Reference(
        value=lambda x, y, ignored: -x[y] * (y != ignored),
        derivative=lambda x, y, ignored: _unit(x, y, -mpf(y != ignored)),
        parameters=({}, {"ignore_index": 1.0}),
    ),
    "sparse_softmax_cross_entropy": Reference(
        value=lambda x, y, ignored: _surprises(x)[y] * (y != ignored),
        derivative=lambda x, y, ignored: [(p - (i == y)) * (y != ignored) for i, p in enumerate(softmax(x))],
        parameters=({}, {"ignore_index": 1.0}),
    ),
    "poly_loss": Reference(
        value=lambda x, y, epsilon: (
            epsilon * sum(t * (1 - p) for t, p in zip(y, softmax(x), strict=True)),
            sum(t * s for t, s in zip(y, _surprises(x), strict=True)),
        ),
        derivative=_poly_gradient,
        by_target=lambda x, y, epsilon: [
            (epsilon * (1 - p), s) for p, s in zip(softmax(x), _surprises(x), strict=True)
        ],
        by_parameter={"epsilon": lambda x, y, epsilon: sum(t * (1 - p) for t, p in zip(y, softmax(x), strict=True))},
        parameters=({}, {"epsilon": 0.3}),
        hard=(
            ({"epsilon": -1.7e208}, ([-3.4e299, 1.7976931348623157e308, 1.7976931348623157e308], [7.5e-7, 0.25, 0.75])),
        ),
    ),
    "categorical_focal": Reference(
        value=_focal,
        derivative=_focal_gradient,
        by_target=lambda x, y, gamma, alpha, normalize: [
            _times(alpha, _term(p, gamma)) for p in _probabilities(x, normalize)
        ],
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
        hard=(
            ({"gamma": 4e293, "normalize": True}, ([1.3379429864209654e-37, 1.0], [1.0, 0.0])),
            ({"gamma": 1.73e308, "alpha": 15.7}, ([2.2250738585072014e-308, 0.88], [0.43, 1.0])),
            ({"gamma": 3e18, "alpha": 1e300}, ([2.1e-16, 1.9e-16], [0.43, 1.0])),
            ({"gamma": 2.0}, ([0.95, 1e-310, 0.5], [0.7, 1e-310, 0.76])),
            ({"gamma": 5e-324}, ([1.0, 0.9998388495146194, 0.43625365272663064], [1.0, 0.0, 0.0])),
            ({"alpha": 1e16, "normalize": True}, ([1e-323, 1e-323], [0.7312892901214045, 0.26871070987859536])),
            ({"gamma": 1e-154, "alpha": 9.9e153, "normalize": True}, ([0.5, 0.7626147898, 1e-310], [0.0, 0.0, 1.0])),
            ({"gamma": 0.0, "alpha": 2.0, "normalize": True}, ([0.0, 0.0], [1.0, 0.5])),
            ({"gamma": 1325.0, "alpha": 0.0, "normalize": True}, ([0.1187, 1.0, 0.0], [0.2, 0.1, 0.3])),
        ),
    ),
    "generalized_cross_entropy": Reference(
        value=lambda x, y, q: (1 - x[y] ** q) / q,
        derivative=lambda x, y, q: _unit(x, y, -(x[y] ** (q - 1)) if x[y] or q == 1 else -inf),
        by_parameter={"q": _gce_by_q},
        parameters=({}, {"q": 1.0}, {"q": 0.1}, {"q": 1e-9}),
        hard=(({"q": 0.5}, ([0.0, 0.8999999999999999], 0)),),
    ),
}
