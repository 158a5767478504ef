"""References of softplus, squareplus, mish and softsign."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import inf, log, sign, sqrt, workdps

from references.exponential import exponential
from references.reference import Reference
from references.sigmoid import logistic


def _softplus(z: Any, beta: Any) -> Any:
    return log(1 + exponential(beta * z)) / beta if beta * z < 5000 else z


def _softplus_by_beta(z: Any, beta: Any) -> Any:
    return z * logistic(beta * z) / beta - _softplus(z, beta) / beta


@cache
def _root(z: Any, b: Any) -> Any:
    return sqrt(z**2 + b)


def _squareplus(z: Any, b: Any) -> Any:
    """(z + r) / 2 with digits enough for what is left of it below 0."""
    with workdps(700):
        return (z + sqrt(z**2 + b)) / 2


def _over(x: Any, y: Any) -> Any:
    return x / y if y else x * inf


def _share(z: Any) -> Any:
    return 1 / (1 + abs(z))


@cache
def _mish_gate(z: Any) -> tuple[Any, Any, Any]:
    """T = tanh(softplus z) from (1 + e^z)^2, its derivative and its second one."""
    w = exponential(min(z, 5000))
    n = w * (w + 2)
    curvature = 4 * w * (2 + 2 * w - 3 * w**2 - 2 * w**3) / (n + 2) ** 3
    return n / (n + 2), 4 * w * (1 + w) / (n + 2) ** 2, curvature


def _mish_slope(z: Any) -> Any:
    gate, slope, _ = _mish_gate(z)
    return gate + z * slope


def _mish_curvature(z: Any) -> Any:
    _, slope, curvature = _mish_gate(z)
    return 2 * slope + z * curvature


REFERENCES = {
    "softplus": Reference(
        value=_softplus,
        derivative=lambda z, beta: logistic(beta * z),
        second=lambda z, beta: beta * logistic(beta * z) * logistic(-beta * z),
        by_parameter={"beta": _softplus_by_beta},
        parameters=({}, {"beta": 0.7}, {"beta": 4.3}, {"beta": 1e-3}),
        hard=(
            ({"beta": 4.3}, (-3.686490363089771,)),
            ({"beta": 4.51460541173e-312}, (-533.8593090076532,)),
        ),
    ),
    "squareplus": Reference(
        value=_squareplus,
        derivative=lambda z, b: (1 + z / _root(z, b)) / 2 if z or b else (z + 1) / 2,
        second=lambda z, b: b / (2 * _root(z, b) ** 3) if b else 0,
        by_parameter={"b": lambda z, b: _over(z * 0 + 1, 4 * _root(z, b))},
        parameters=({}, {"b": 0.3}, {"b": 0.0}, {"b": 1e-20}, {"b": 100.0}),
        hard=(
            ({}, (-2.681435616768229e260,)),
            ({"b": 1.4461860989251787}, (-0.059391296359241834,)),
            ({"b": 4.3640021797424e218}, (5.5337087997270254e168,)),
        ),
    ),
    "mish": Reference(
        value=lambda z: z * _mish_gate(z)[0],
        derivative=_mish_slope,
        second=_mish_curvature,
        hard=tuple(
            ({}, (place,))
            for place in (
                *(-1.1924312, -2.2563764, 1.4905712, -1.98904774),
                *(-1.2460413340496228, -0.6592287495185222, -0.23889042110557063, 0.44960817096201655),
            )
        ),
    ),
    "softsign": Reference(
        value=lambda z: z * _share(z),
        derivative=lambda z: _share(z) ** 2,
        second=lambda z: -2 * sign(z) * _share(z) ** 3,
    ),
}
