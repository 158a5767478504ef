"""References of the rectifiers with thresholds and bounds, and of the exponential ones."""

from __future__ import annotations

from typing import Any

from mpmath import inf, mpf

from references.exponential import exponential as exp
from references.reference import Reference


def _zero(*_: Any) -> int:
    return 0


def _top(largest: Any) -> Any:
    return inf if largest is None else largest


def _general(z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    return _top(largest) if z >= _top(largest) else z if z > threshold else slope * (z - threshold)


def _of_slope(z: Any, largest: Any, threshold: Any, found: Any) -> Any:
    """What is found on the branch of the slope."""
    return found if z <= threshold and z < _top(largest) else 0


_LOW, _MEAN = mpf(0), lambda lower, upper: (lower + upper) / 2
_SCALE = mpf("1.05070098735548049341933498529486")
_ALPHA = mpf("1.67326324235437728481704299167171")

REFERENCES = {
    "relu_general": Reference(
        value=_general,
        derivative=lambda z, s, m, t: 0 if z >= _top(m) else 1 if z > t else s,
        second=_zero,
        by_parameter={
            "negative_slope": lambda z, s, m, t: _of_slope(z, m, t, z - t),
            "max_value": lambda z, s, m, t: int(z >= _top(m)),
            "threshold": lambda z, s, m, t: _of_slope(z, m, t, -s),
        },
        parameters=(
            {},
            {"negative_slope": 0.1, "max_value": 6.0},
            {"threshold": 1.5, "negative_slope": -0.3},
            {"max_value": -1.0, "negative_slope": 2.0},
        ),
        hard=(({"negative_slope": 0.134, "threshold": 1.7976931348623157e308}, (-2.864874627944074e307,)),),
    ),
    "rrelu": Reference(
        value=lambda z, lower, upper: z if z > 0 else _MEAN(lower, upper) * z,
        derivative=lambda z, lower, upper: 1 if z > 0 else _MEAN(lower, upper),
        second=_zero,
        by_parameter={name: lambda z, lower, upper: min(z, _LOW) / 2 for name in ("lower", "upper")},
        parameters=({}, {"lower": 0.1, "upper": 0.7}),
        hard=(({"lower": -5e-324, "upper": 0.0}, (-1.7976931348623157e308,)),),
    ),
    "threshold": Reference(
        value=lambda z, theta, value: z if z > theta else value,
        derivative=lambda z, theta, value: int(z > theta),
        second=_zero,
        by_parameter={"value": lambda z, theta, value: int(z <= theta)},
        parameters=({}, {"theta": 0.1, "value": -3.0}, {"theta": 2.0, "value": 2.0}),
    ),
    "elu": Reference(
        value=lambda z, alpha: z if z > 0 else alpha * (exp(z) - 1),
        derivative=lambda z, alpha: 1 if z > 0 else alpha * exp(z),
        second=lambda z, alpha: 0 if z > 0 else alpha * exp(z),
        by_parameter={"alpha": lambda z, alpha: exp(min(z, _LOW)) - 1},
        parameters=({}, {"alpha": 0.7}, {"alpha": 1e10}, {"alpha": -1.0}, {"alpha": 0.0}),
    ),
    "celu": Reference(
        value=lambda z, alpha: z if z > 0 else alpha * (exp(z / alpha) - 1),
        derivative=lambda z, alpha: 1 if z > 0 else exp(z / alpha),
        second=lambda z, alpha: 0 if z > 0 else exp(z / alpha) / alpha,
        by_parameter={
            "alpha": lambda z, alpha: 0 if z > 0 else (exp(z / alpha) - 1) - z / alpha * exp(z / alpha),
        },
        parameters=({}, {"alpha": 0.7}, {"alpha": 300.3}, {"alpha": 0.1}, {"alpha": -1.1}),
        hard=(
            ({"alpha": 3.71100843222464e-309}, (-7.24326748395746e-309,)),
            ({"alpha": -1e-310}, (-2.2250738585072014e-308,)),
            ({"alpha": 8.014501937540242e-302}, (-4.2186362056236025e-299,)),
            ({"alpha": -0.5}, (-354.9000000000001,)),
            ({"alpha": -1.1}, (-1.3400000000000005e154,)),
        ),
    ),
    "selu": Reference(
        value=lambda z: _SCALE * z if z > 0 else _SCALE * _ALPHA * (exp(z) - 1),
        derivative=lambda z: _SCALE if z > 0 else _SCALE * _ALPHA * exp(z),
        second=lambda z: 0 if z > 0 else _SCALE * _ALPHA * exp(z),
    ),
}
