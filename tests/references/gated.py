"""References of the gated activations: x times a logistic or normal distribution function, and the product rule."""

from __future__ import annotations

from typing import Any

from mpmath import mpf, pi, sqrt

from references.reference import Reference
from references.sigmoid import logistic
from references.special import density, distribution


def _gated(argument: Any, slope: Any, bend: Any, **more: Any) -> Reference:
    """x sigma(v(x)) from v, v' and v''."""

    def derivative(x: Any, *p: Any) -> Any:
        s = logistic(argument(x, *p))
        return s + x * slope(x, *p) * s * (1 - s)

    def second(x: Any, *p: Any) -> Any:
        s, v1, v2 = logistic(argument(x, *p)), slope(x, *p), bend(x, *p)
        gate = s * (1 - s)
        return 2 * gate * v1 + x * gate * (1 - 2 * s) * v1**2 + x * gate * v2

    return Reference(lambda x, *p: x * logistic(argument(x, *p)), derivative, second, **more)


def _silu_by_beta(x: Any, beta: Any) -> Any:
    s = logistic(beta * x)
    return x**2 * s * (1 - s)


_QUICK = mpf("1.702")
_CUBIC = mpf("0.044715")
_SCALE = 2 * sqrt(2 / pi)

REFERENCES = {
    "silu": _gated(
        lambda x, beta: beta * x,
        lambda x, beta: beta,
        lambda x, beta: 0,
        by_parameter={"beta": _silu_by_beta},
        parameters=({}, {"beta": 1.7}, {"beta": -0.3}, {"beta": 0.0}, {"beta": 1e-5}),
        hard=(
            ({"beta": 3.0}, (-0.42615485,)),
            ({}, (2.3993573,)),
            ({"beta": 1.7976931348623157e308}, (0.0,)),
            ({"beta": -5.670263403627327e-299}, (5.755138947148351e300,)),
            ({"beta": 2.7313197302896007e-272}, (-2.623996604141941e274,)),
        ),
    ),
    "quick_gelu": _gated(
        lambda x: _QUICK * x, lambda x: _QUICK, lambda x: 0, hard=(({}, (-0.75115427,)), ({}, (1.4097281,)))
    ),
    "gelu_tanh": _gated(
        lambda x: _SCALE * (x + _CUBIC * x**3),
        lambda x: _SCALE * (1 + 3 * _CUBIC * x**2),
        lambda x: _SCALE * 6 * _CUBIC * x,
        hard=(({}, (3.806710613123409,)), ({}, (-0.75246142,)), ({}, (-1.418504,))),
    ),
    "gelu": Reference(
        value=lambda x: x * distribution(x),
        derivative=lambda x: distribution(x) + x * density(x),
        second=lambda x: (2 - x**2) * density(x),
        hard=(({}, (-0.75179152,)), ({}, (1.41421356,))),
    ),
}
