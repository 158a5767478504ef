"""References of the cross-entropies, as products of targets and logarithms; 0 * log(0) is 0."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import inf, mpf

from references.elementary import exp, log
from references.reference import Reference
from references.sigmoid import logistic
from references.vector import softmax


def _log(x: Any) -> Any:
    return log(x) if x > 0 else -inf if x == 0 else x


def _times(weight: Any, x: Any) -> Any:
    return weight * x if weight else mpf(0)


def _over(x: Any, y: Any) -> Any:
    """x / y with 0 / 0 = 0 and x / 0 infinite."""
    return x / y if y else x * inf if x else mpf(0)


def _halfway(y: Any, smoothing: Any) -> Any:
    return (1 - smoothing) * y + smoothing / 2


def _clipped(x: Any, clip: Any) -> Any:
    return x if x != x or clip is None else min(max(x, clip), 1 - clip)


def _inside(x: Any, clip: Any) -> int:
    """The upper end is the float 1 - clip, as it is for whoever clips, and stands for the kink, which can be met so."""
    return 1 if clip is None or clip <= x <= mpf(1.0 - float(clip)) else 0


def _bce(x: Any, y: Any, smoothing: Any, clip: Any) -> Any:
    t, a = _halfway(y, smoothing), _clipped(x, clip)
    return -_times(t, _log(a)) - _times(1 - t, _log(1 - a))


def _bce_derivative(x: Any, y: Any, smoothing: Any, clip: Any) -> tuple[Any, Any]:
    t, a, inside = _halfway(y, smoothing), _clipped(x, clip), _inside(x, clip)
    return _times(inside, _over(1 - t, 1 - a)), -_times(inside, _over(t, a))


def _bce_second(x: Any, y: Any, smoothing: Any, clip: Any) -> Any:
    t, a, inside = _halfway(y, smoothing), _clipped(x, clip), _inside(x, clip)
    return _times(inside, _over(t, a**2)) + _times(inside, _over(1 - t, (1 - a) ** 2))


def _bce_by_target(x: Any, y: Any, smoothing: Any, clip: Any) -> tuple[Any, Any]:
    a = _clipped(x, clip)
    return _times(1 - smoothing, _log(1 - a)), -_times(1 - smoothing, _log(a))


def _bce_by_smoothing(x: Any, y: Any, smoothing: Any, clip: Any) -> tuple[Any, Any]:
    a, lever = _clipped(x, clip), mpf(1) / 2 - y
    return _times(lever, _log(1 - a)), -_times(lever, _log(a))


@cache
def _softplus(x: Any) -> Any:
    return log(1 + exp(x))


def _logit(x: Any, y: Any, weight: Any, smoothing: Any) -> tuple[Any, Any]:
    t = _halfway(y, smoothing)
    return (1 - t) * _softplus(x), weight * t * _softplus(-x)


def _logit_derivative(x: Any, y: Any, weight: Any, smoothing: Any) -> Any:
    t = _halfway(y, smoothing)
    return (1 - t) * logistic(x) - weight * t * logistic(-x)


def _logit_second(x: Any, y: Any, weight: Any, smoothing: Any) -> tuple[Any, Any]:
    t = _halfway(y, smoothing)
    slope = logistic(x) * logistic(-x)
    return (1 - t) * slope, weight * t * slope


def _logit_by_smoothed(x: Any, weight: Any, lever: Any) -> tuple[Any, Any]:
    return lever * weight * _softplus(-x), -lever * _softplus(x)


def _probabilities(x: Any, normalize: bool) -> list[Any]:
    """The probabilities; NaN where nothing is to be divided by its sum."""
    if not normalize:
        return list(x)
    whole = sum(x)
    return [entry / whole if whole else mpf("nan") for entry in x]


def _ce(x: Any, y: Any, normalize: bool, clip: Any) -> Any:
    p = _probabilities(x, normalize)
    return sum(-_times(t, _log(_clipped(a, clip))) for a, t in zip(p, y, strict=True))


def _ce_gradient(x: Any, y: Any, normalize: bool, clip: Any) -> list[Any]:
    p = _probabilities(x, normalize)
    if not normalize:
        counted = [t * _inside(a, clip) for a, t in zip(p, y, strict=True)]
        return [-_over(t, a) for a, t in zip(x, counted, strict=True)]
    if not sum(x):
        return [mpf("nan")] * len(x)
    counted = [t * (clip is None or clip <= a <= 1 - clip) for a, t in zip(p, y, strict=True)]
    total, whole = sum(counted), sum(x)
    return [((total - t) / whole, -_over(t, a) * (whole - a) / whole) for a, t in zip(x, counted, strict=True)]


def _ce_by_target(x: Any, y: Any, normalize: bool, clip: Any) -> list[Any]:
    return [-_log(_clipped(a, clip)) for a in _probabilities(x, normalize)]


def _spread(y: Any, smoothing: Any) -> list[Any]:
    return [(1 - smoothing) * t + smoothing / len(y) for t in y]


@cache
def _surprises(x: Any, temperature: Any) -> list[Any]:
    return [-log(p) for p in softmax(tuple(entry / temperature for entry in x))]


def _dot(a: Any, b: Any) -> Any:
    return sum((s * t for s, t in zip(a, b, strict=True)), mpf(0))


def _softmax_ce_gradient(x: Any, y: Any, smoothing: Any, temperature: Any) -> list[Any]:
    t, p = _spread(y, smoothing), softmax(tuple(entry / temperature for entry in x))
    total = sum(t)
    return [((total - t[j]) * p[j] / temperature, -t[j] * (1 - p[j]) / temperature) for j in range(len(x))]


def _softmax_ce_by_smoothing(x: Any, y: Any, smoothing: Any, temperature: Any) -> tuple[Any, Any]:
    surprises = _surprises(x, temperature)
    return sum(surprises) / len(x), -_dot(y, surprises)


def _softmax_ce_by_temperature(x: Any, y: Any, smoothing: Any, temperature: Any) -> tuple[Any, ...]:
    largest = max(x)
    gaps = [entry - largest for entry in x]
    t, p = _spread(y, smoothing), softmax(tuple(entry / temperature for entry in x))
    return _dot(t, gaps) / temperature**2, -sum(t) * _dot(p, gaps) / temperature**2


REFERENCES = {
    "binary_cross_entropy": Reference(
        value=_bce,
        derivative=_bce_derivative,
        second=_bce_second,
        by_target=_bce_by_target,
        by_parameter={"label_smoothing": _bce_by_smoothing},
        parameters=({}, {"label_smoothing": 0.1}, {"clip": 1e-7}, {"label_smoothing": 0.3, "clip": 0.01}),
        hard=(
            ({"label_smoothing": 5e-324}, (1e-300, 0.0)),
            ({"label_smoothing": 5e-324}, (1.0, 1.0)),
            ({"clip": 1e-17}, (1.0, 0.0)),
        ),
    ),
    "bce_with_logits": Reference(
        value=_logit,
        derivative=_logit_derivative,
        second=_logit_second,
        by_target=lambda x, y, weight, smoothing: _logit_by_smoothed(x, weight, 1 - smoothing),
        by_parameter={
            "pos_weight": lambda x, y, weight, smoothing: _halfway(y, smoothing) * _softplus(-x),
            "label_smoothing": lambda x, y, weight, smoothing: _logit_by_smoothed(x, weight, mpf(1) / 2 - y),
        },
        parameters=({}, {"pos_weight": 3.7}, {"label_smoothing": 0.1}, {"pos_weight": 0.2, "label_smoothing": 1e-9}),
        hard=(
            ({"pos_weight": -6.2959349654401704e60, "label_smoothing": 1e-310}, (-6.2959349654401704e60, 1e-310)),
            ({"label_smoothing": 5e-324}, (1e300, 1.0)),
            ({"pos_weight": 1e300}, (-40.3, 1e-312)),
            ({"pos_weight": 1e-310}, (-1e300, 0.3)),
            ({}, (0.4054651081081644, 0.6)),
            ({}, (1e-200, 0.5)),
            ({"label_smoothing": 0.1}, (-5e-324, 0.5)),
            ({"label_smoothing": 1.0}, (5e-324, 0.5462115056303918)),
            ({"pos_weight": 3.0}, (1.0986122886681098, 0.5)),
            ({"label_smoothing": 0.2}, (-2.1972245773362196, 0.0)),
        ),
    ),
    "cross_entropy": Reference(
        value=_ce,
        derivative=_ce_gradient,
        by_target=_ce_by_target,
        parameters=({}, {"normalize": True}, {"clip": 1e-7}, {"normalize": True, "clip": 0.01}),
        hard=(
            ({"normalize": True, "clip": 1e-100}, ([0.0, 5e-324], [0.75, 0.75])),
            ({"normalize": True}, ([0.0, 0.0], [0.75, 0.0121])),
        ),
    ),
    "softmax_cross_entropy": Reference(
        value=lambda x, y, smoothing, temperature: _dot(_spread(y, smoothing), _surprises(x, temperature)),
        derivative=_softmax_ce_gradient,
        by_target=lambda x, y, smoothing, temperature: [(1 - smoothing) * s for s in _surprises(x, temperature)],
        by_parameter={"label_smoothing": _softmax_ce_by_smoothing, "temperature": _softmax_ce_by_temperature},
        parameters=({}, {"label_smoothing": 0.1}, {"temperature": 0.7}, {"temperature": 30.0, "label_smoothing": 0.01}),
        hard=(
            (
                {"label_smoothing": 0.5, "temperature": 0.13976699749409927},
                (
                    [2.4872027559326844, 2.9999999999999987, 1.7976931348623155e308, 478.70622341917783],
                    [0.6631300308921465, 0.0, 1.0, 1.0],
                ),
            ),
            ({"label_smoothing": 1e-310, "temperature": 1e-310}, ([-24.3048397, -43.324068, -112.95], [1.0, 0.0, 0.0])),
            (
                {"label_smoothing": 0.8, "temperature": 2.2250738585072014e-308},
                ([-20.49494068885258, -20.49494068885258, -2.0000000000000004], [0.2, 0.3, 0.5]),
            ),
            ({}, ([1e-200, 0.0], [0.5, 0.5])),
            ({}, ([1e-10, 0.0], [0.5, 0.5])),
            ({"temperature": 7.0}, ([-1e-30, 0.0, 1e-300], [0.3333333333333333] * 3)),
            ({"label_smoothing": 0.1}, ([1.0, 2.9444389791664403], [0.125, 0.875])),
            ({"label_smoothing": 0.03, "temperature": 0.5}, ([1.7976931348623157e308] + [0.0] * 4, [1.0] + [0.0] * 4)),
            ({"temperature": 7.8e-259}, ([-1.88e222, 0.2, -1.88e222], [0.3333333333333333] * 3)),
            ({"temperature": 5e-324}, ([5.88694496405023e307, 0.25, 0.25], [0.0, 0.0, 1.0])),
            (
                {"label_smoothing": 0.83, "temperature": 1.1015157417e-313},
                ([1.17977072156e-313, 1.0356741821e-313, 9.8725094674e-314], [0.001752, 3.8e-129, 0.000323]),
            ),
            ({"temperature": 1.2286871974979744e-116}, ([473.458558760073, -1.0692693621612567e226], [0.0, 1.0])),
            ({"temperature": 2.3296e-319}, ([773.3537216113241, 232.03960499491836], [1e-20, 2.932408442338768e-307])),
            (
                {"label_smoothing": 0.6592015891078016, "temperature": 7.045112717301628e-219},
                (
                    [
                        2.321651952697536e147,
                        2.328380653613354e147,
                        2.3283799034657376e147,
                        2.3283799034660453e147,
                        2.327802847946631e147,
                    ],
                    [1.0, 0.0, 0.0, 0.0, 0.0],
                ),
            ),
        ),
    ),
}
