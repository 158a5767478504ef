"""References of the error function and the normal distribution."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import erf, erfc, exp, log, log1p, mpf, pi, sqrt, workdps

from references.reference import Reference

_ROOT_2 = sqrt(mpf(2))
_ROOT_PI = sqrt(pi)
_ENOUGH = 110  # digits: the error functions are slow, and keep them all by themselves
_FAR = 1e20  # the tail is density / |x| to 40 digits, of which more are lost in a difference from the slope


@cache
def density(x: Any) -> Any:
    """e^(-x^2 / 2) / sqrt(2 pi); what is beyond _FAR cannot be seen in a float."""
    return exp(-(min(abs(x), _FAR) ** 2) / 2) / (_ROOT_2 * _ROOT_PI)


@cache
def distribution(x: Any) -> Any:
    """erfc(-x / sqrt 2) / 2; above 0 by what is missing from 1."""
    if abs(x) > _FAR:
        return mpf(1) if x > 0 else -density(x) / x
    return 1 - _tail(x) if x > 0 else _tail(-x)


def _tail(x: Any) -> Any:
    with workdps(_ENOUGH):
        return erfc(x / _ROOT_2) / 2


def _erf(x: Any) -> Any:
    with workdps(_ENOUGH):
        return erf(x)


def _log_distribution(x: Any) -> Any:
    if x < -_FAR:
        return -(x**2) / 2 - log(-x * _ROOT_2 * _ROOT_PI)
    return log1p(-distribution(-x)) if x > 0 else log(distribution(x))


def _hazard(x: Any) -> Any:
    return density(x) / distribution(x)


def _bell(x: Any) -> Any:
    return 2 / _ROOT_PI * exp(-(min(abs(x), _FAR) ** 2))


REFERENCES = {
    "erf": Reference(value=_erf, derivative=_bell, second=lambda x: -2 * x * _bell(x)),
    "ndtr": Reference(value=distribution, derivative=density, second=lambda x: -x * density(x)),
    "log_ndtr": Reference(
        value=_log_distribution,
        derivative=_hazard,
        second=lambda x: -1 if x < -_FAR else -_hazard(x) * (x + _hazard(x)),
        hard=(({}, (0.740130657999208,)),),
    ),
}
