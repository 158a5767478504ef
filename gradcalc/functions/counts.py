"""Negative log-likelihoods of counts and of normally distributed numbers."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, ElementwiseLoss, Kink, KinkText, Param
from gradcalc.numerics.careful import anywhere, constant, system, weighted
from gradcalc.numerics.doubled import (
    Distance,
    Pair,
    added,
    decay,
    distance,
    log_ratio,
    logarithm,
    minus,
    multiplied,
    over,
    over_square,
    times,
)

_LOG_2, _LOG_2PI = math.log(2.0), math.log(2.0 * math.pi)
_FULL = "adds the terms that depend on the target alone"


def _stirling(xp: Any, y: Any) -> Any:
    """What Stirling's formula for log(y!) has beside y log y - y."""
    return 0.5 * (_LOG_2PI + xp.log(y))


def _target_slope(xp: Any, y: Any, full: bool) -> Any:
    if not full:
        return 0.0
    above = xp.where(y > 1, y, 1.0)
    return xp.where(y > 1, xp.log(above) + 0.5 / above, 0.0)


_LIFT = 2.0**600
_TOP = (1.1858494922073012e132, -5.867317980148264e115)  # e^720 / _LIFT
_LARGE, _HUGE = 1e300, 2.0**1000  # terms of a finite sum may overflow, all of them or those times 710


def _risen(xp: Any, x: Any) -> Pair:
    """e^x / _LIFT, with more digits than a float has for those x at which it and the target's terms may cancel."""
    root, near = xp.exp(0.5 * x), (x > 691.0) & (x < 720.0)
    fine = times(xp, _TOP, decay(xp, xp.minimum(xp.absolute(720.0 - x), 29.0)))
    return xp.where(near, fine[0], (root / _LIFT) * root), xp.where(near, fine[1], 0.0)


def _lowered(xp: Any, x: Any, y: Any) -> Any:
    """e^x - x y in units of _LIFT; beyond 800 it is infinite for any y."""
    x = xp.minimum(x, 800.0)
    return minus(xp, _risen(xp, x), multiplied(xp, x, y / _LIFT))[0]


def _lowered_full(xp: Any, x: Any, y: Any) -> Any:
    """e^x - y + y log(y / e^x) in units of _LIFT, for x and y that are large."""
    x = xp.minimum(xp.maximum(x, 0.0), 800.0)
    rate, part = _risen(xp, x), (y / _LIFT, 0.0)
    return minus(xp, rate, part)[0] + part[0] * log_ratio(xp, part, rate)


def _poisson_nll(xp: Any, x: Any, y: Any, full: bool) -> Any:
    """e^x - x y; where a term overflows, of a small part of both."""
    rate, product = xp.exp(x), weighted(xp, y, x)
    found, beyond = rate - product, (rate == xp.inf) | (xp.absolute(product) == xp.inf)
    if anywhere(beyond):
        found = xp.where(beyond, _lowered(xp, x, y) * _LIFT, found)
    if not full:
        return found
    above = xp.where(y > 1, y, 1.0)
    whole = (rate + above * (xp.log(above) - x)) - above + _stirling(xp, above)
    beyond = (rate == xp.inf) | ((above > _LARGE) & (x > 500.0))
    if anywhere(beyond):
        whole = xp.where(beyond, _lowered_full(xp, x, above) * _LIFT, whole)
    return xp.where(y > 1, whole, found)


def _poisson_nll_slope(xp: Any, x: Any, y: Any, full: bool) -> Any:
    rate = xp.exp(x)
    beyond = (rate == xp.inf) & (x < xp.inf)
    if not anywhere(beyond):
        return rate - y
    lowered = minus(xp, _risen(xp, xp.minimum(x, 800.0)), (y / _LIFT, 0.0))[0]
    return xp.where(beyond, lowered * _LIFT, rate - y)


def _poisson_nll_by_target(xp: Any, x: Any, y: Any, full: bool) -> Any:
    return _target_slope(xp, y, full) - (x + 0.0 * y)


_FULL_KINK = Kink(
    at=lambda x, full: 1.0 if full else float("nan"),
    left=lambda x, full: -x,
    right=lambda x, full: 0.5 - x,
    default="left",
    when="y = 1 (with full)",
    jump=True,
)


class _Rate(NamedTuple):
    """c (a + eps) = high + low, with c = 1/2 where the sum overflows and 1 elsewhere."""

    high: Any
    low: Any
    c: Any

    @property
    def pair(self) -> Pair:
        """The sum alone."""
        return self.high, self.low

    def log(self, xp: Any) -> Any:
        """log(a + eps)."""
        found = logarithm(xp, self.pair)
        return xp.where(self.c < 1, found + _LOG_2, found)


def _rate(xp: Any, x: Any, eps: float) -> _Rate:
    d = distance(xp, x, -eps)
    return _Rate(d.high, d.low, d.c)


def _rounded_rate(xp: Any, x: Any, eps: float) -> tuple[Any, Any]:
    """The same without what rounding lost: c (a + eps), and c."""
    c = xp.where((x + eps == xp.inf) & (x < xp.inf), 0.5, 1.0)
    return x * c + eps * c, c


def _lowered_poisson(xp: Any, x: Any, y: Any, rate: _Rate, log: Any) -> Any:
    """a - y log(a + eps) in units of _LIFT, for a large sum: what its logarithm lost is told by the exponential."""
    high, low = rate.high / _LIFT / rate.c, rate.low / _LIFT / rate.c
    lost = minus(xp, (high, low), _risen(xp, log))[0] / high
    return minus(xp, (x / _LIFT, 0.0), times(xp, (y / _LIFT, 0.0), (log, lost)))[0]


def _poisson(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    rate = _rate(xp, x, eps)
    log = rate.log(xp)
    product = weighted(xp, y, log)
    found, beyond = x - product, (xp.absolute(product) == xp.inf) & (rate.high > _LARGE) & (x < xp.inf)
    if anywhere(beyond):
        found = xp.where(beyond, _lowered_poisson(xp, x, y, rate, log) * _LIFT, found)
    found = xp.where(x == xp.inf, x + 0.0 * y, found)
    if not full:
        return found
    above = xp.where(y > 1, y, 1.0)
    unit = xp.where(above > _HUGE, 0.0625, 1.0)  # of terms that may overflow
    ratio = log_ratio(xp, (above * rate.c, 0.0), rate.pair)
    whole = ((x * unit - above * unit) + above * unit * ratio) / unit
    whole = whole + _stirling(xp, above)
    return xp.where((y > 1) & (x < xp.inf), whole, found)


def _poisson_slope(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    """(x + eps - y) / (x + eps)."""
    rate, low, c = _rate(xp, x, eps)
    d, d_low = added(xp, rate, -y * c)
    slope = xp.where(xp.absolute(d) == xp.inf, 1.0 - xp.divide(y * c, rate), xp.divide(d + (d_low + low), rate))
    return xp.where(x == xp.inf, constant(xp, 1.0, y), slope)


def _poisson_second(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    rate, c = _rounded_rate(xp, x, eps)
    return over_square(xp, y * c * c, rate)


def _poisson_by_target(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    return _target_slope(xp, y, full) - (_rate(xp, x, eps).log(xp) + 0.0 * y)


def _poisson_by_eps(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    rate, c = _rounded_rate(xp, x, eps)
    return -y * c / rate


_POISSON_KINK = Kink(
    at=lambda x, eps, full: 1.0 if full else float("nan"),
    left=lambda x, eps, full: -_rate(system(x), x, eps).log(system(x)),
    right=lambda x, eps, full: 0.5 - _rate(system(x), x, eps).log(system(x)),
    default="left",
    when="y = 1 (with full)",
    jump=True,
)


def _variance(xp: Any, var: Any, eps: float) -> Any:
    return xp.maximum(var, eps)


_SMALL = 1e-290


def _half_square(xp: Any, d: Distance, v: Any) -> Any:
    """(x - y)^2 / (2 v), where nothing but the result itself may overflow."""
    ratio = d.size / v
    return xp.where(ratio == xp.inf, 0.5 * d.size * d.size / v, 0.5 * ratio * d.size / d.c / d.c)


def _gaussian(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    v = _variance(xp, var, eps)
    spread = _half_square(xp, distance(xp, x, y), v)
    return (0.5 * xp.log(v) + spread) + (0.5 * _LOG_2PI if full else 0.0)


def _gaussian_slope(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    d = distance(xp, x, y)
    return d.high / _variance(xp, var, eps) / d.c


def _gaussian_by_var(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    """(1/v - (d/v)^2) / 2 from eps on: there the slope from the right. Both terms overflow for the smallest v."""
    v, d = _variance(xp, var, eps), distance(xp, x, y)
    ratio, low = over(xp, d.pair, (v, 0.0))
    slope = 0.5 / v - (0.5 * ratio / d.c) * ((ratio + 2.0 * low) / d.c)
    if anywhere(v < _SMALL):
        of_small = 0.5 * minus(xp, (1.0, 0.0), times(xp, (ratio, low), d.pair))[0] / v
        slope = xp.where(v < _SMALL, of_small, slope)
    return xp.where(var < eps, constant(xp, 0.0, d.high), slope)


def _gaussian_by_var_left(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    return xp.where(var == eps, constant(xp, 0.0, x - y), _gaussian_by_var(xp, x, y, var, eps, full))


def _gaussian_second(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    return constant(xp, 1.0, x + y) / _variance(xp, var, eps)


ENTRIES = (
    ElementwiseLoss(
        name="poisson_nll",
        aliases=("poisson_nll_loss",),
        title="Poisson loss of a logarithm of the rate",
        image="(-inf, inf)",
        params=(Param("full", False, _FULL),),
        formula="exp(a) - a * y",
        variants={
            "full": "exp(a) - a * y + (y * log(y) - y + log(2 * pi * y) / 2 if y > 1 else 0)",
        },
        derivative_formula="exp(a) - y",
        value=_poisson_nll,
        derivative=_poisson_nll_slope,
        second=lambda xp, x, y, full: xp.exp(x) + 0.0 * y,
        by_target=_poisson_nll_by_target,
        target_kinks=(_FULL_KINK,),
        notes=(
            "of the rate itself it is poisson, PyTorch's log_input=False",
            "full adds Stirling's y log y - y + log(2 pi y) / 2 for y > 1, a jump at y = 1",
        ),
        libraries={"PyTorch": "F.poisson_nll_loss"},
        source="PyTorch poisson_nll_loss",
        sample=(-4.0, 4.0),
    ),
    ElementwiseLoss(
        name="poisson",
        aliases=("poisson_loss",),
        title="Poisson loss of a rate",
        image="(-inf, inf)",
        params=(
            Param(
                "eps",
                0.0,
                "is added to the rate in the logarithm",
                NOT_NEGATIVE,
                derivative=_poisson_by_eps,
            ),
            Param("full", False, _FULL),
        ),
        formula="a - y * log(a + eps)",
        variants={
            "full": "a - y * log(a + eps) + (y * log(y) - y + log(2 * pi * y) / 2 if y > 1 else 0)",
        },
        derivative_formula="1 - y / (a + eps)",
        value=_poisson,
        derivative=_poisson_slope,
        second=_poisson_second,
        by_target=_poisson_by_target,
        domain=POSITIVE,
        target_kinks=(_POISSON_KINK,),
        notes=(
            "PyTorch (log_input=False) has eps=1e-8, Keras eps=1e-7",
            "full adds Stirling's y log y - y + log(2 pi y) / 2 for y > 1, a jump at y = 1",
        ),
        libraries={"PyTorch": "F.poisson_nll_loss(log_input=False)", "Keras": "poisson"},
        source="Keras poisson, PyTorch poisson_nll_loss",
        sample=(0.2, 6.0),
    ),
    ElementwiseLoss(
        name="gaussian_nll",
        aliases=("gaussian_nll_loss",),
        title="Gaussian negative log-likelihood",
        image="(-inf, inf)",
        params=(
            Param(
                "var",
                1.0,
                "variance: a number, or one for each prediction",
                NOT_NEGATIVE,
                aliases=("variance",),
                per_unit=True,
                derivative=_gaussian_by_var,
                one_sided=(_gaussian_by_var_left, _gaussian_by_var),
                kinks=(KinkText("var = eps, in var, with g = (1 - (a - y)^2 / var) / (2 * var)", "0", "g", "g"),),
            ),
            Param("eps", 1e-6, "the variance counts at least that", POSITIVE),
            Param("full", False, "adds log(2 pi) / 2"),
        ),
        formula="(log(max(var, eps)) + (a - y)^2 / max(var, eps)) / 2",
        variants={
            "full": "(log(max(var, eps)) + (a - y)^2 / max(var, eps) + log(2 * pi)) / 2",
        },
        derivative_formula="(a - y) / max(var, eps)",
        value=_gaussian,
        derivative=_gaussian_slope,
        second=_gaussian_second,
        by_target=lambda xp, x, y, var, eps, full: _gaussian_slope(xp, y, x, var, eps, full),
        notes=(
            "var also as a further input: --with var=0.5,2",
            "below eps the derivative by var is 0; PyTorch lets the gradient through there",
        ),
        libraries={"PyTorch": "F.gaussian_nll_loss"},
        source="Nix & Weigend 1994; PyTorch gaussian_nll_loss",
    ),
)
