"""Negative log-likelihoods of counts and of normally distributed numbers."""

from __future__ import annotations

import math
from typing import Any

from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, ElementwiseLoss, Kink, KinkText, Param
from gradcalc.numerics.careful import constant, system, weighted
from gradcalc.numerics.doubled import added, distance, log_ratio, logarithm, over, over_square

_LOG_2PI = math.log(2.0 * math.pi)
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


def _poisson_nll(xp: Any, x: Any, y: Any, full: bool) -> Any:
    """e^x - x y; where e^x overflows, of a small part of both."""
    rate, root = xp.exp(x), xp.exp(0.5 * xp.minimum(x, 1400.0))
    lowered = ((root / _LIFT) * root - weighted(xp, y, x / _LIFT)) * _LIFT
    huge = xp.where(x > 1400.0, xp.inf + 0.0 * y, lowered)
    found = xp.where(rate == xp.inf, huge, rate - weighted(xp, y, x))
    if not full:
        return found
    above = xp.where(y > 1, y, 1.0)
    part, gap = above / _LIFT, xp.log(above) - x
    lowered = (((root / _LIFT) * root + part * gap) - part) * _LIFT
    whole = xp.where(rate == xp.inf, lowered, (rate + above * gap) - above + _stirling(xp, above))
    return xp.where((y > 1) & (x <= 1400.0), whole, found)


def _poisson_nll_slope(xp: Any, x: Any, y: Any, full: bool) -> Any:
    root = xp.exp(0.5 * x)
    rate = xp.exp(x)
    quarters = 4.0 * ((0.25 * root) * root - 0.25 * y)
    return xp.where((rate == xp.inf) & (x < xp.inf), quarters, rate - y)


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


def _poisson(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    rate = added(xp, x, eps)
    found = xp.where(x == xp.inf, x + 0.0 * y, x - weighted(xp, y, logarithm(xp, rate)))
    if not full:
        return found
    above = xp.where(y > 1, y, 1.0)
    unit = xp.where(above > _HUGE, 0.0625, 1.0)  # of terms that may overflow
    whole = ((x * unit - above * unit) + above * unit * log_ratio(xp, (above, 0.0), rate)) / unit
    whole = whole + _stirling(xp, above)
    return xp.where((y > 1) & (x < xp.inf), whole, found)


_HUGE = 2.0**1000


def _poisson_slope(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    """(x + eps - y) / (x + eps)."""
    rate, low = added(xp, x, eps)
    d, d_low = added(xp, rate, -y)
    slope = xp.where(xp.absolute(d) == xp.inf, 1.0 - xp.divide(y, rate), xp.divide(d + (d_low + low), rate))
    return xp.where(x == xp.inf, constant(xp, 1.0, y), slope)


def _poisson_by_target(xp: Any, x: Any, y: Any, eps: float, full: bool) -> Any:
    return _target_slope(xp, y, full) - (logarithm(xp, added(xp, x, eps)) + 0.0 * y)


_POISSON_KINK = Kink(
    at=lambda x, eps, full: 1.0 if full else float("nan"),
    left=lambda x, eps, full: -_log(x + eps),
    right=lambda x, eps, full: 0.5 - _log(x + eps),
    default="left",
    when="y = 1 (with full)",
    jump=True,
)


def _log(x: Any) -> Any:
    return system(x).log(x)


def _variance(xp: Any, var: Any, eps: float) -> Any:
    return xp.maximum(var, eps)


def _gaussian(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    v, d = _variance(xp, var, eps), distance(xp, x, y)
    spread = (0.5 * d.size / v) * d.size / d.c / d.c
    return (0.5 * xp.log(v) + spread) + (0.5 * _LOG_2PI if full else 0.0)


def _gaussian_slope(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    d = distance(xp, x, y)
    return d.high / _variance(xp, var, eps) / d.c


def _gaussian_by_var(xp: Any, x: Any, y: Any, var: Any, eps: float, full: bool) -> Any:
    """(1/v - (d/v)^2) / 2 from eps on: there the slope from the right."""
    v, d = _variance(xp, var, eps), distance(xp, x, y)
    ratio, low = over(xp, d.pair, (v, 0.0))
    slope = 0.5 / v - (0.5 * ratio / d.c) * ((ratio + 2.0 * low) / d.c)
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
        params=(
            Param(
                "eps",
                0.0,
                "is added to the rate in the logarithm",
                NOT_NEGATIVE,
                derivative=lambda xp, x, y, eps, full: -y / added(xp, x, eps)[0],
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
        second=lambda xp, x, y, eps, full: over_square(xp, y, added(xp, x, eps)[0]),
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
