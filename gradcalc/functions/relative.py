"""Losses of the relative error: by percent, and by logarithms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from gradcalc.functions.entry import ANY, NOT_NEGATIVE, POSITIVE, Domain, ElementwiseLoss, Kink, KinkText, Param
from gradcalc.numerics.careful import chosen, constant, system
from gradcalc.numerics.doubled import Pair, added, distance, log_quotient, over, over_square
from gradcalc.numerics.split import finite

_LARGE = 1e300  # a hundred times as much may overflow


def _floor(y: Any, eps: float) -> Any:
    """max(|y|, eps)."""
    return chosen(abs(y) > eps, abs(y), eps)


def _sign(xp: Any, x: Any) -> Any:
    return xp.where(x > 0, 1.0, xp.where(x < 0, -1.0, x))


def _percent(xp: Any, size: Any, divisor: Any) -> Any:
    """100 size / divisor."""
    return xp.where(xp.absolute(size) < _LARGE, 100.0 * size / divisor, size / divisor * 100.0)


def _mape(xp: Any, x: Any, y: Any, eps: float) -> Any:
    d = distance(xp, x, y)
    return _percent(xp, d.size, xp.maximum(xp.absolute(y), eps)) / d.c


def _mape_slope(xp: Any, x: Any, y: Any, eps: float) -> Any:
    side = _sign(xp, x - y)
    return xp.where(side == 0, 0.0 * x, side * (100.0 / xp.maximum(xp.absolute(y), eps)))


def _mape_by_target(xp: Any, x: Any, y: Any, eps: float) -> Any:
    """-100 sign(x - y) sign(y) x / y^2 above eps."""
    large = xp.absolute(x) >= _LARGE
    ratio = xp.where(large, xp.divide(x, y) * xp.divide(100.0, y), over_square(xp, xp.where(large, 1.0, 100.0 * x), y))
    above = xp.where(y < 0, ratio, -ratio)
    side = _sign(xp, x - y)
    return xp.where((side == 0) & (x == x), 0.0, side * xp.where(xp.absolute(y) > eps, above, -100.0 / eps))


def _mape_by_eps(xp: Any, x: Any, y: Any, eps: float) -> Any:
    """-100 |x - y| / eps^2 below eps: where |y| is eps the slope from the left."""
    return xp.where(xp.absolute(y) < eps, _mape_by_floor(xp, x, y, eps), constant(xp, 0.0, x - y))


def _mape_by_eps_right(xp: Any, x: Any, y: Any, eps: float) -> Any:
    return xp.where(xp.absolute(y) <= eps, _mape_by_floor(xp, x, y, eps), constant(xp, 0.0, x - y))


def _mape_by_floor(xp: Any, x: Any, y: Any, eps: float) -> Any:
    d = distance(xp, x, y)
    large = d.size >= _LARGE
    ratio = over_square(xp, xp.where(large, 1.0, 100.0 * d.size), eps + 0.0 * d.size)
    return -xp.where(large, d.size / eps * (100.0 / eps), ratio) / d.c


def _mape_floor_kink(sign: float) -> Kink:
    """Where |y| meets eps: above, y is divided by; below, eps is."""

    def above(x: Any, eps: float) -> Any:
        return -sign * 100.0 * _sign(system(x), x - sign * eps) * x / eps / eps

    def below(x: Any, eps: float) -> Any:
        return -100.0 * _sign(system(x), x - sign * eps) / eps

    left, right = (below, above) if sign > 0 else (above, below)
    return Kink(
        at=lambda x, eps: sign * eps,
        left=left,
        right=right,
        default="left" if sign > 0 else "right",
        when="y = eps" if sign > 0 else "y = -eps",
    )


def _clipped(xp: Any, x: Any, clip: float | None) -> Any:
    return x if clip is None else xp.where(x < clip, clip, x)


def _where_counted(xp: Any, x: Any, clip: float | None, slope: Any) -> Any:
    return slope if clip is None else xp.where(x < clip, 0.0, slope)


class _LogError(NamedTuple):
    """log((offset + x) / (offset + y)), and both sums and x - y times c, a power of 2 that keeps them in range."""

    error: Pair
    above: Pair
    below: Pair
    gap: Pair
    c: Any


def _log_error(xp: Any, x: Any, y: Any, offset: float, clip: float | None) -> _LogError:
    x, y = _clipped(xp, x, clip), _clipped(xp, y, clip)
    larger = xp.maximum(xp.where(x == xp.inf, 0.0, x + offset), xp.where(y == xp.inf, 0.0, y + offset))
    c = xp.where(larger == xp.inf, 0.5, xp.where(larger < 1e-200, 2.0**200, 1.0))
    above, below = added(xp, x * c, offset * c), added(xp, y * c, offset * c)
    gap = added(xp, x * c, -y * c)
    return _LogError(log_quotient(xp, above, below, gap), above, below, gap, c)


def _msle(xp: Any, x: Any, y: Any, offset: float, clip: float | None) -> Any:
    error, low = _log_error(xp, x, y, offset, clip).error
    return xp.absolute(error * (error + 2.0 * low))  # no -0


def _msle_slope(xp: Any, x: Any, y: Any, offset: float, clip: float | None) -> Any:
    (error, low), (above, _), (below, _), (gap, _), c = _log_error(xp, x, y, offset, clip)
    far = xp.where(above == xp.inf, 0.0, 2.0 * (error + low)) / above
    lifted = 2.0 * (gap * _LIFT / below) / above / _LIFT
    return _where_counted(xp, x, clip, xp.where(xp.absolute(error) < _FAINT, lifted, far) * c)


_FAINT = 1e-290  # a smaller logarithm may have lost digits: it is the relative difference
_LIFT = 2.0**100


def _msle_second(xp: Any, x: Any, y: Any, offset: float, clip: float | None) -> Any:
    at = _log_error(xp, x, y, offset, clip)
    (error, low), (above, lost) = at.error, at.above
    fall = xp.where(above == xp.inf, 0.0, 2.0 * ((1.0 - error) - low))
    bend = over_square(xp, fall * at.c * at.c, above)
    return _where_counted(xp, x, clip, bend - finite(xp, bend * (2.0 * lost / above)))


def _msle_by_target(xp: Any, x: Any, y: Any, offset: float, clip: float | None) -> Any:
    return _msle_slope(xp, y, x, offset, clip)


def _msle_by_offset(xp: Any, x: Any, y: Any, offset: float, clip: float | None) -> Any:
    """-2 log(above / below) (x - y) / (above below)."""
    (error, error_low), (above, above_low), (below, below_low), gap, c = _log_error(xp, x, y, offset, clip)
    more = above > below
    larger, larger_low = xp.where(more, above, below), xp.where(more, above_low, below_low)
    smaller, smaller_low = xp.where(more, below, above), xp.where(more, below_low, above_low)
    error, (share, low) = error + error_low, over(xp, gap, (larger, larger_low))
    rate = share / smaller
    found = xp.where(xp.absolute(rate) == xp.inf, error * share / smaller, error * rate)
    return -2.0 * (found + finite(xp, found * (xp.divide(low, share) - smaller_low / smaller))) * c


def _msle_domains(parameters: Mapping[str, Any]) -> tuple[Domain, Domain]:
    if parameters["clip"] is not None:
        return ANY, ANY
    least = -parameters["offset"]
    domain = Domain(f"above {least:g}", least, open_low=True)
    return domain, domain


def _clip_kink(letter: str, other_letter: str) -> Kink:
    when = f"{letter} = clip"
    slope = f"2 * log((offset + clip) / (offset + {other_letter})) / (offset + clip)"

    def inside(other: Any, offset: float, clip: float | None) -> Any:
        return 0.0 * other if clip is None else _msle_slope(system(other), clip + 0.0 * other, other, offset, clip)

    return Kink(
        at=lambda other, offset, clip: float("nan") if clip is None else clip,
        left=lambda other, offset, clip: 0.0,
        right=inside,
        default="right",
        when=when,
        text=KinkText(when, left="0", right=slope, default=slope),
    )


ENTRIES = (
    ElementwiseLoss(
        name="mape",
        aliases=("absolute_percentage_error", "mean_absolute_percentage_error"),
        title="Absolute percentage error",
        params=(
            Param(
                "eps",
                1e-7,
                "what the target's size counts at least",
                POSITIVE,
                derivative=_mape_by_eps,
                one_sided=(_mape_by_eps, _mape_by_eps_right),
                kinks=(KinkText("eps = |y|, in eps", left="0", right="-100 * |a - y| / eps^2", default="0"),),
            ),
        ),
        formula="100 * abs(a - y) / max(abs(y), eps)",
        derivative_formula="100 * sign(a - y) / max(abs(y), eps)",
        value=_mape,
        derivative=_mape_slope,
        second=lambda xp, x, y, eps: constant(xp, 0.0, x - y),
        by_target=_mape_by_target,
        kinks=(
            Kink(
                at=lambda y, eps: y,
                left=lambda y, eps: -100.0 / _floor(y, eps),
                right=lambda y, eps: 100.0 / _floor(y, eps),
                default="midpoint",
                when="a = y",
            ),
        ),
        target_kinks=(
            _mape_floor_kink(1.0),
            _mape_floor_kink(-1.0),
            Kink(
                at=lambda x, eps: x,
                left=lambda x, eps: -100.0 / _floor(x, eps),
                right=lambda x, eps: 100.0 / _floor(x, eps),
                default="midpoint",
                when="y = a",
            ),
        ),
        notes=(
            "in percent: 100 times the relative error; the mean is a reduction",
            "where a = y Keras on JAX takes the slope from the left (--kink left), Keras on PyTorch 0",
        ),
        libraries={"Keras": "mean_absolute_percentage_error"},
        source="Keras mean_absolute_percentage_error",
    ),
    ElementwiseLoss(
        name="msle",
        aliases=("squared_log_error", "mean_squared_logarithmic_error"),
        title="Squared logarithmic error",
        params=(
            Param("offset", 1.0, "is added to both before the logarithm", POSITIVE, derivative=_msle_by_offset),
            Param(
                "clip",
                None,
                "replaces a and y below it, with slope 0 there, as Keras does (1e-7)",
                NOT_NEGATIVE,
                aliases=("clip_min",),
            ),
        ),
        formula="log((offset + a) / (offset + y))^2",
        variants={
            "clip": "log((offset + max(a, clip)) / (offset + max(y, clip)))^2",
        },
        derivative_formula="2 * log((offset + a) / (offset + y)) / (offset + a)",
        value=_msle,
        derivative=_msle_slope,
        second=_msle_second,
        by_target=_msle_by_target,
        domain=Domain("above -1 (-offset); any number with a clip", -1.0, open_low=True),
        target_domain=Domain("above -1 (-offset); any number with a clip", -1.0, open_low=True),
        domains=_msle_domains,
        kinks=(_clip_kink("a", "y"),),
        target_kinks=(_clip_kink("y", "a"),),
        notes=(
            "the mean is a reduction",
            "Keras replaces what is below 1e-7 by 1e-7: -p clip=1e-7; there itself Keras on JAX has half the slope"
            " (--kink midpoint)",
        ),
        libraries={"Keras": "mean_squared_logarithmic_error"},
        source="Keras mean_squared_logarithmic_error",
        sample=(0.2, 6.0),
    ),
)
