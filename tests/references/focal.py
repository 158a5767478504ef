"""References of the binary focal losses: products of powers and cross-entropies, and their derivatives by the rules."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from mpmath import mpf

from references.elementary import exp, log, log1p
from references.reference import Reference


class _Parts(NamedTuple):
    """q, CE, and their derivatives: slope and bend by the prediction, and by the target; CE' as terms."""

    q: Any
    ce: Any
    q_slope: Any
    q_bend: Any
    ce_slope: tuple[Any, Any]
    ce_bend: Any
    q_by_target: Any
    ce_by_target: Any


@cache
def _of_logit(x: Any, y: Any) -> _Parts:
    s, r = _logistic(x), _logistic(-x)
    ce = _times(1 - y, _softplus(x)) + _times(y, _softplus(-x))
    return _Parts(
        (1 - y) * s + y * r, ce, (1 - 2 * y) * s * r, (1 - 2 * y) * s * r * (r - s), ((1 - y) * s, -y * r), s * r,
        r - s, -x,
    )  # fmt: skip


def _logistic(x: Any) -> Any:
    return 1 / (1 + exp(-x))


def _softplus(x: Any) -> Any:
    return x if x > 5000 else log1p(exp(x))


def _times(weight: Any, x: Any) -> Any:
    return weight * x if weight else mpf(0)


@cache
def _of_probability(x: Any, y: Any) -> _Parts:
    ce = -_times(y, log(x)) - _times(1 - y, log1p(-x))
    return _Parts(
        (1 - y) * x + y * (1 - x), ce, 1 - 2 * y, mpf(0), ((1 - y) / (1 - x), -y / x),
        y / x**2 + (1 - y) / (1 - x) ** 2,
        1 - 2 * x, log1p(-x) - log(x),
    )  # fmt: skip


def _balance(y: Any, alpha: Any) -> Any:
    return mpf(1) if alpha is None else alpha * y + (1 - alpha) * (1 - y)


def _focal(parts: Any, *hard: tuple[dict[str, Any], tuple[float, float]]) -> Reference:
    def value(x: Any, y: Any, gamma: Any, alpha: Any) -> Any:
        at = parts(x, y)
        return _balance(y, alpha) * at.q**gamma * at.ce

    def derivative(x: Any, y: Any, gamma: Any, alpha: Any) -> tuple[Any, ...]:
        at = parts(x, y)
        c = _balance(y, alpha) * at.q**gamma
        return (*(c * term for term in at.ce_slope), c * gamma * at.q_slope / at.q * at.ce)

    def second(x: Any, y: Any, gamma: Any, alpha: Any) -> tuple[Any, ...]:
        at = parts(x, y)
        c, steep = _balance(y, alpha) * at.q**gamma, at.q_slope / at.q
        return (
            c * at.ce_bend,
            *(2 * c * gamma * steep * term for term in at.ce_slope),
            c * gamma * (gamma - 1) * steep**2 * at.ce,
            c * gamma * at.q_bend / at.q * at.ce,
        )

    def by_target(x: Any, y: Any, gamma: Any, alpha: Any) -> tuple[Any, ...]:
        at = parts(x, y)
        power = at.q**gamma
        slope = at.ce_by_target * power, at.ce * gamma * power / at.q * at.q_by_target
        own = 0 if alpha is None else (2 * alpha - 1) * power * at.ce
        return (*(_balance(y, alpha) * term for term in slope), own)

    def by_gamma(x: Any, y: Any, gamma: Any, alpha: Any) -> Any:
        at = parts(x, y)
        return value(x, y, gamma, alpha) * log(at.q)

    def by_alpha(x: Any, y: Any, gamma: Any, alpha: Any) -> Any:
        return (2 * y - 1) * value(x, y, gamma, None)

    return Reference(
        value=value,
        derivative=derivative,
        second=second,
        by_target=by_target,
        by_parameter={"gamma": by_gamma, "alpha": by_alpha},
        parameters=({}, {"gamma": 0.0}, {"gamma": 0.5, "alpha": 0.25}, {"gamma": 5.0}),
        hard=hard,
    )


REFERENCES = {
    "sigmoid_focal": _focal(
        _of_logit,
        ({"gamma": 1.5, "alpha": 0.25}, (-20.000000000000004, 0.0)),
        ({"gamma": 2073.7070171318646}, (6.331729315898155e-201, 1.0)),
        ({"gamma": 9.248551384698482e302}, (7.848566656784457e256, 7.117798114565169e-302)),
        ({}, (0.4670311153458744, 0.0)),
        ({"gamma": 1.1251004227451795}, (2.5509412670250886, 1.0)),
        ({}, (2.7182621605182344, 0.9999927645427503)),
        ({"gamma": 26.264644907809732, "alpha": 0.2276710164733231}, (-6.39831772558383e307, 1e-16)),
        ({"gamma": 7.133099922487668, "alpha": 0.16792807431347867}, (-1.7976931348623157e308, 0.9284364473152849)),
        ({"alpha": 0.3}, (-3.409931786234663, 0.9539333938003696)),
        ({"gamma": 900.9570205523007}, (-0.3609504900647218, 0.23202789954462366)),
    ),
    "binary_focal": _focal(
        _of_probability,
        ({"gamma": 2.817921121921204, "alpha": 1.0}, (0.3333333333333333, 0.24999999999999994)),
        ({"gamma": 4.822245251142959, "alpha": 0.08644074436315241}, (0.6947845726330087, 0.09419224029988982)),
        ({"alpha": 0.48946624481360834}, (0.267546821153107, 0.1)),
        ({"alpha": 0.4105487176033489}, (0.5509662940156429, 0.48684229291675596)),
        ({"alpha": 1.7763568394002505e-15}, (0.3465742653766952, 0.2813884560708644)),
        ({"gamma": 1.7976931348623157e308}, (0.11714162923975435, 0.03970275885118002)),
        ({"gamma": 1e-16, "alpha": 1.0}, (5e-324, 0.0)),
        ({"gamma": 47340.688199249314, "alpha": 0.5}, (2.2250738585072014e-308, 0.3789119548891904)),
        ({}, (3.6791810261707775e-159, 3.6791810261707775e-159)),
        ({"alpha": 5e-324}, (5e-324, 1.4267402621593352e-161)),
    ),
}
