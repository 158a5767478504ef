"""References of the losses that are a square near the target and a line far away."""

from __future__ import annotations

from typing import Any

from mpmath import cosh, mpf, sign, sqrt

from references.elementary import exp, less, log, log1p
from references.reference import Reference
from references.sigmoid import tangent

_FAINT = mpf(10) ** -90  # its square is beyond the digits of a float, its fourth power beyond those of mpmath


def _distance(x: Any, y: Any) -> Any:
    return less(max(x, y), min(x, y))


def _huber(x: Any, y: Any, k: Any) -> Any:
    d = _distance(x, y)
    return d * d / 2 if d <= k else k * (d - k / 2)


def _huber_slope(x: Any, y: Any, k: Any) -> Any:
    return min(max(less(x, y), -k), k)


def _smooth_l1_slope(x: Any, y: Any, beta: Any) -> Any:
    d = less(x, y)
    return sign(d) if abs(d) >= beta else d / beta


def _root(x: Any, y: Any, k: Any) -> Any:
    return sqrt(1 + (less(x, y) / k) ** 2)


def _by_delta(x: Any, y: Any, k: Any) -> Any:
    r = less(x, y) / k
    s = _root(x, y, k)
    return k * (r * r / (1 + s)) ** 2 / s


def _log_cosh(t: Any) -> Any:
    """log cosh t, for t at and beyond the ends of the digits by its limits."""
    if abs(t) > 2000:
        return abs(t) - log(mpf(2))
    return t * t / 2 if abs(t) < _FAINT else log1p((exp(t / 2) - exp(-t / 2)) ** 2 / 2)


def _tangent(t: Any) -> Any:
    return sign(t) if abs(t) > 2000 else t if abs(t) < _FAINT else tangent(t)


def _by_a(x: Any, y: Any, a: Any) -> Any:
    d = _distance(x, y)
    t = a * d
    if t > 2000:
        return log(mpf(2)) / a**2
    return d * d / 2 if t < _FAINT else (t * tangent(t) - _log_cosh(t)) / a**2


def _sech_squared(t: Any) -> Any:
    return 0 if abs(t) > 2000 else 1 / cosh(t) ** 2


REFERENCES = {
    "huber": Reference(
        value=_huber,
        derivative=_huber_slope,
        second=lambda x, y, k: 1 if _distance(x, y) < k else 0,
        by_target=lambda x, y, k: -_huber_slope(x, y, k),
        by_parameter={"delta": lambda x, y, k: max(less(_distance(x, y), k), 0)},
        parameters=({}, {"delta": 0.3}, {"delta": 1e5}, {"delta": 1e-9}),
    ),
    "smooth_l1": Reference(
        value=lambda x, y, beta: _huber(x, y, beta) / beta if beta else _distance(x, y),
        derivative=_smooth_l1_slope,
        second=lambda x, y, beta: 1 / beta if _distance(x, y) < beta else 0,
        by_target=lambda x, y, beta: -_smooth_l1_slope(x, y, beta),
        by_parameter={
            "beta": lambda x, y, beta: -((less(x, y) / beta) ** 2) / 2 if _distance(x, y) < beta else -mpf(1) / 2
        },
        parameters=({}, {"beta": 0.3}, {"beta": 0.0}, {"beta": 1e5}),
    ),
    "pseudo_huber": Reference(
        value=lambda x, y, k: less(x, y) ** 2 / (1 + _root(x, y, k)),
        derivative=lambda x, y, k: less(x, y) / _root(x, y, k),
        second=lambda x, y, k: 1 / _root(x, y, k) ** 3,
        by_target=lambda x, y, k: less(y, x) / _root(x, y, k),
        by_parameter={"delta": _by_delta},
        parameters=({}, {"delta": 0.3}, {"delta": 1e5}, {"delta": 1e-9}),
        hard=(({"delta": 6.032896017132535e171}, (-8.737454560143356e168, 2.7520147117100784)),),
    ),
    "log_cosh": Reference(
        value=lambda x, y, a: _log_cosh(a * less(x, y)) / a,
        derivative=lambda x, y, a: _tangent(a * less(x, y)),
        second=lambda x, y, a: a * _sech_squared(a * less(x, y)),
        by_target=lambda x, y, a: -_tangent(a * less(x, y)),
        by_parameter={"a": _by_a},
        parameters=({}, {"a": 2.0}, {"a": 0.3}, {"a": 1e-5}),
        hard=(
            ({"a": 1e-323}, (1928.9999999999998, -2.4856933711412204)),
            ({"a": 1e-308}, (1.7e308, -1e308)),
            ({"a": 1e308}, (0.0, 1e-309)),
            ({"a": 4.420144528516273e284}, (-4.420144528516273e284, 9.160245712150819e302)),
        ),
    ),
}
