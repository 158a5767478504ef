"""References of the negative log-likelihoods of counts and of normally distributed numbers."""

from __future__ import annotations

from typing import Any

from mpmath import inf, mpf, pi

from references.elementary import exp, log
from references.reference import Reference


def _exp(x: Any) -> Any:
    """e^x; what is beyond 5000 cannot be seen in a float."""
    return exp(min(max(x, -5000), 5000))


def _times(weight: Any, x: Any) -> Any:
    return weight * x if weight else mpf(0)


def _stirling(y: Any, full: bool) -> tuple[Any, ...]:
    return (y * log(y), -y, log(2 * pi * y) / 2) if full and y > 1 else ()


def _by_target(y: Any, full: bool) -> tuple[Any, ...]:
    return (log(y), 1 / (2 * y)) if full and y > 1 else ()


def _log(x: Any) -> Any:
    return log(x) if x else -inf


REFERENCES = {
    "poisson_nll": Reference(
        value=lambda x, y, full: (_exp(x), -_times(y, x), *_stirling(y, full)),
        derivative=lambda x, y, full: (_exp(x), -y),
        second=lambda x, y, full: _exp(x),
        by_target=lambda x, y, full: (-x, *_by_target(y, full)),
        parameters=({}, {"full": True}),
        hard=(
            ({}, (709.5461864509048, 2.8843073165915458e305)),
            ({}, (715.1, 5.124095685132851e307)),
            ({"full": True}, (709.7, 1.6e308)),
        ),
    ),
    "poisson": Reference(
        value=lambda x, y, eps, full: (x, -_times(y, _log(x + eps)), *_stirling(y, full)),
        derivative=lambda x, y, eps, full: 1 - y / (x + eps),
        second=lambda x, y, eps, full: y / (x + eps) ** 2,
        by_target=lambda x, y, eps, full: (-_log(x + eps), *_by_target(y, full)),
        by_parameter={"eps": lambda x, y, eps, full: -y / (x + eps)},
        parameters=({}, {"eps": 1e-7}, {"full": True}),
        hard=(
            ({}, (1.7976931348623151e308, -8.899999999999998e307)),
            ({"full": True}, (3.329544130078234e307, 1.7976931348623153e308)),
            ({"eps": 1.7976931348623157e308}, (1.7976931348623157e308, 2.5327372760800758e305)),
            ({"eps": 1.7976931348623157e308, "full": True}, (5.437988265335023e296, 1.7976931348623157e308)),
        ),
    ),
    "gaussian_nll": Reference(
        value=lambda x, y, var, eps, full: (
            log(max(var, eps)) / 2,
            (x - y) ** 2 / (2 * max(var, eps)),
            log(2 * pi) / 2 if full else 0,
        ),
        derivative=lambda x, y, var, eps, full: (x - y) / max(var, eps),
        second=lambda x, y, var, eps, full: 1 / max(var, eps),
        by_target=lambda x, y, var, eps, full: (y - x) / max(var, eps),
        by_parameter={
            "var": lambda x, y, var, eps, full: (1 / (2 * var), -((x - y) ** 2) / (2 * var**2)) if var >= eps else 0
        },
        parameters=({}, {"var": 0.3}, {"var": 1e9, "full": True}, {"var": 1e-9, "full": True}),
        hard=(
            ({"var": 3.343e-320, "eps": 1e-323}, (1.828345744043473e-160, 0.0)),
            ({"var": 5e-310, "eps": 1e-323}, (0.1, 0.0)),
        ),
    ),
}
