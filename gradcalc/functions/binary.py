"""Binary cross-entropy: of a probability, and of a logit."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import BELOW_HALF, UNIT, ElementwiseLoss, Kink, KinkText, Param
from gradcalc.numerics.cancelling import FARTHEST, anew, fallen, fallen_pair
from gradcalc.numerics.careful import (
    constant,
    decayed,
    softplus_tail,
    system,
    weighted,
    weighted_softplus,
    weighted_twice,
)

_SMOOTHING = "moves targets towards 1/2: (1 - label_smoothing) * y + label_smoothing / 2"
_CLIP = "replaces a by clip(a, clip, 1 - clip), of slope 0 outside, as Keras does (1e-7 there)"

_LIFT = 2.0**100
_FAINT, _SMALL = 1e-270, 1e-240  # half of a faint smoothing may be no float; beside a target that is not small it is 0


class _Smoothed(NamedTuple):
    """The target t = (1 - s) y + s / 2, and 1 - t without cancellation; each times a unit that lifts what is faint."""

    t: Any
    rest: Any
    t_unit: Any = 1.0
    rest_unit: Any = 1.0


def _smoothed(xp: Any, y: Any, label_smoothing: float) -> _Smoothed:
    if label_smoothing == 0.0 or label_smoothing > _FAINT:
        return _Smoothed(y + label_smoothing * (0.5 - y), (1.0 - y) + label_smoothing * (y - 0.5))
    half = label_smoothing * (0.5 * _LIFT)
    t, rest = xp.where(y < _SMALL, y * _LIFT + half, y), xp.where(y == 1, half, 1.0 - y)
    return _Smoothed(t, rest, xp.where(y < _SMALL, _LIFT, 1.0), xp.where(y == 1, _LIFT, 1.0))


def _logs(xp: Any, x: Any, clip: float | None) -> tuple[Any, Any]:
    """log x and log(1 - x), with x clipped to [clip, 1 - clip]."""
    log_x, log_rest = xp.log(x), xp.log1p(-x)
    if clip is None:
        return log_x, log_rest
    small, large = xp.log(clip), xp.log1p(-clip)
    below, above = x < clip, 1.0 - x < clip
    return (
        xp.where(below, small, xp.where(above, large, log_x)),
        xp.where(below, large, xp.where(above, small, log_rest)),
    )


def bce_value(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    t, rest, t_unit, rest_unit = _smoothed(xp, y, label_smoothing)
    log_x, log_rest = _logs(xp, x, clip)
    return weighted(xp, t, -log_x) / t_unit + weighted(xp, rest, -log_rest) / rest_unit


def _below_one(xp: Any, x: Any, clip: float | None) -> Any:
    """1 - x; at the clipped range's end, a float that may lie beyond it, the clip."""
    return 1.0 - x if clip is None else xp.maximum(1.0 - x, clip)


def _bce_slope(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    """(x - t) / (x (1 - x)); the difference is taken where both are small. (Adding 0 makes -0 a plain 0.)"""
    x, below = x + 0.0, _below_one(xp, x, clip)
    t, rest, t_unit, rest_unit = _smoothed(xp, y, label_smoothing)
    slope = xp.divide(xp.where(x < 0.5, x - t, rest - below), x * below)
    of_zero, of_one = xp.divide(1.0 + 0.0 * t, below), xp.divide(-1.0 + 0.0 * t, x)
    found = xp.where(t == 0, of_zero, xp.where(rest == 0, of_one, slope))
    if t_unit is rest_unit:  # nothing is lifted
        return found
    apart = xp.divide(rest, below) / rest_unit - xp.divide(t, x) / t_unit
    return xp.where((t_unit > 1) | (rest_unit > 1), apart, found)


def _bce_derivative(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    slope = _bce_slope(xp, x, y, label_smoothing, clip)
    return slope if clip is None else xp.where((x < clip) | (x > 1.0 - clip), 0.0, slope)


def _bce_second(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    t, rest, t_unit, rest_unit = _smoothed(xp, y, label_smoothing)
    below = _below_one(xp, x, clip)
    at_x = xp.where(t == 0, 0.0 * x, xp.divide(xp.divide(t, x) / t_unit, x))
    at_rest = xp.where(rest == 0, 0.0 * x, xp.divide(xp.divide(rest, below) / rest_unit, below))
    curvature = at_x + at_rest
    return curvature if clip is None else xp.where((x < clip) | (x > 1.0 - clip), 0.0, curvature)


def bce_by_smoothed_target(xp: Any, x: Any, clip: float | None) -> Any:
    """log((1 - x) / x)."""
    log_x, log_rest = _logs(xp, x, clip)
    near_half = xp.log1p(xp.divide(1.0 - 2.0 * x, x))
    middle = (x > 0.25) & (x < 0.75)
    if clip is not None:
        middle = middle & (x >= clip) & (1.0 - x >= clip)
    return xp.where(middle, near_half, log_rest - log_x)


def _bce_by_target(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    return weighted(xp, constant(xp, 1.0 - label_smoothing, y), bce_by_smoothed_target(xp, x, clip))


def _bce_by_smoothing(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    return weighted(xp, 0.5 - y, bce_by_smoothed_target(xp, x, clip))


def _clip_slope(y: Any, label_smoothing: float, clip: float | None, *, high: bool) -> Any:
    """The derivative just inside the clipped range's end, which is a float: 1 - clip may be rounded."""
    if clip is None:
        return 0.0 * y
    return _bce_slope(system(y), 1.0 - clip if high else clip, y, label_smoothing, clip)


def _clip_kink(*, high: bool) -> Kink:
    """The end of the clipped range: a kink where there is a clip, nowhere else (NaN equals no input)."""

    def place(y: Any, label_smoothing: float, clip: float | None) -> float:
        if clip is None:
            return float("nan")
        return 1.0 - clip if high else clip

    def inside(y: Any, label_smoothing: float, clip: float | None) -> Any:
        return _clip_slope(y, label_smoothing, clip, high=high)

    def outside(y: Any, label_smoothing: float, clip: float | None) -> Any:
        return 0.0

    if high:
        slope = "(1 - y - clip) / (clip * (1 - clip))"
        text = KinkText("a = 1 - clip", left=slope, right="0", default=slope)
        return Kink(at=place, left=inside, right=outside, default="left", when=text.when, text=text)
    slope = "(clip - y) / (clip * (1 - clip))"
    text = KinkText("a = clip", left="0", right=slope, default=slope)
    return Kink(at=place, left=outside, right=inside, default="right", when=text.when, text=text)


def _logit_value(xp: Any, x: Any, y: Any, pos_weight: float, label_smoothing: float) -> Any:
    t, rest, t_unit, rest_unit = _smoothed(xp, y, label_smoothing)
    if abs(pos_weight) > 1.0:  # so that the product with what is lifted does not overflow
        pull = weighted_softplus(xp, t, -x, pos_weight / t_unit)
    else:
        pull = weighted_softplus(xp, t, -x, pos_weight) / t_unit
    return weighted_softplus(xp, rest, x) / rest_unit + pull


def _logit_derivative(xp: Any, x: Any, y: Any, pos_weight: float, label_smoothing: float) -> Any:
    """(1 - t) sigmoid(x) - w t sigmoid(-x), over the denominator 1 + e^-|x| of both."""
    t, rest, t_unit, rest_unit = _smoothed(xp, y, label_smoothing)
    pull, above = pos_weight * t, x >= 0
    push = xp.where(above, rest, decayed(xp, rest, x)) / rest_unit
    numerator = push - xp.where(above, decayed(xp, pull, x), pull) / t_unit
    found = numerator / (1.0 + decayed(xp, 1.0, x))
    hard = 2.5 * xp.absolute(numerator) < push
    return anew(found, hard, _derivative_in_pairs, _derivative_in_decimals, x, y, pos_weight, label_smoothing)


def _derivative_in_pairs(x: Any, y: Any, pos_weight: Any, label_smoothing: Any) -> tuple[Any, Any]:
    """As in decimals, and where so much is left that it is right."""
    import numpy as np

    from gradcalc.numerics import arrays, doubled

    r, above = np.absolute(x), x >= 0
    t = y, 0.0 * y
    if label_smoothing.any():
        t = doubled.plus(arrays, t, doubled.times(arrays, (label_smoothing, 0.0), doubled.added(arrays, 0.5, -y)))
    push, pull = doubled.minus(arrays, (1.0, 0.0), t), doubled.times(arrays, (pos_weight, 0.0), t)
    own = np.where(above, push[0], pull[0]), np.where(above, push[1], pull[1])
    other = np.where(above, pull[0], push[0]), np.where(above, pull[1], push[1])
    fall = fallen_pair(np, np.minimum(r, FARTHEST))
    moved = doubled.times(arrays, other, fall)
    left, _ = doubled.plus(arrays, doubled.minus(arrays, own, other), moved)
    size, least = np.absolute(left), np.minimum(np.absolute(push[0]), np.absolute(pull[0]))
    sure = (r <= FARTHEST) & (size > _ENOUGH * np.absolute(moved[0])) & (least > _FAINT) & (size > _FAINT)
    return np.where(above, left, -left) / (2.0 - fall[0]), sure


_ENOUGH = 2.0**-18  # of a term is left


def _derivative_in_decimals(x: Any, y: Any, pos_weight: Any, label_smoothing: Any) -> Any:
    """(A - B) + B (1 - e^-|x|) over 1 + e^-|x|, for the weight A of the side that x is on, and B of the other."""
    t = y + label_smoothing * (1 - 2 * y) / 2
    push, pull = 1 - t, pos_weight * t
    own, other = (push, pull) if x >= 0 else (pull, push)
    fall = fallen(abs(x))
    size = ((own - other) + other * fall) / (2 - fall)
    return (size if x >= 0 else -size), abs(own) + abs(other)


def _logit_second(xp: Any, x: Any, y: Any, pos_weight: float, label_smoothing: float) -> Any:
    """((1 - t) + w t) sigmoid'(x)."""
    t, rest, t_unit, rest_unit = _smoothed(xp, y, label_smoothing)
    u = decayed(xp, 1.0, x)
    return decayed(xp, rest / rest_unit + pos_weight * t / t_unit, x) / (1.0 + u * (2.0 + u))


def _logit_by_smoothed_target(xp: Any, x: Any, pos_weight: float, lever: Any) -> Any:
    """lever * (w softplus(-x) - softplus(x)), -x for w = 1: what both have in common is taken away first."""
    linear = xp.where(x >= 0, weighted(xp, lever, -x), weighted_twice(xp, pos_weight, lever, -x))
    return lever * (pos_weight - 1.0) * softplus_tail(xp, x) + linear


def _logit_by_target(xp: Any, x: Any, y: Any, pos_weight: float, label_smoothing: float) -> Any:
    return _logit_by_smoothed_target(xp, x, pos_weight, constant(xp, 1.0 - label_smoothing, y))


def _logit_by_smoothing(xp: Any, x: Any, y: Any, pos_weight: float, label_smoothing: float) -> Any:
    return _logit_by_smoothed_target(xp, x, pos_weight, 0.5 - y)


def _logit_by_pos_weight(xp: Any, x: Any, y: Any, pos_weight: float, label_smoothing: float) -> Any:
    t, _, t_unit, _ = _smoothed(xp, y, label_smoothing)
    return weighted_softplus(xp, t, -x) / t_unit


ENTRIES = (
    ElementwiseLoss(
        name="binary_cross_entropy",
        aliases=("nll", "bce", "log_loss"),
        title="Binary cross-entropy of a probability",
        params=(
            Param("label_smoothing", 0.0, _SMOOTHING, UNIT, derivative=_bce_by_smoothing),
            Param("clip", None, _CLIP, BELOW_HALF),
        ),
        formula="-(y * log(a) + (1 - y) * log(1 - a))",
        variants={
            "label_smoothing": "-(t * log(a) + (1 - t) * log(1 - a))"
            " with t = (1 - label_smoothing) * y + label_smoothing / 2",
            "clip": "-(y * log(p) + (1 - y) * log(1 - p)) with p = min(max(a, clip), 1 - clip)",
        },
        derivative_formula="(a - y) / (a * (1 - a))",
        value=bce_value,
        derivative=_bce_derivative,
        second=_bce_second,
        by_target=_bce_by_target,
        domain=UNIT,
        target_domain=UNIT,
        kinks=(_clip_kink(high=False), _clip_kink(high=True)),
        logits="bce_with_logits",
        libraries={"PyTorch": "F.binary_cross_entropy, nn.BCELoss", "Keras": "binary_crossentropy"},
        notes=(
            "0 * log(0) is 0: a prediction that is exactly right has loss 0",
            "nll is this loss in the course notes; PyTorch's nll_loss takes log-probabilities",
            "Keras clips a to [1e-7, 1 - 1e-7], with the slope 0 outside: -p clip=1e-7; at the ends themselves Keras on"
            " JAX has half the slope (--kink midpoint)",
            "PyTorch clamps log at -100 and the slope's a * (1 - a) at 1e-12: at a = y = 0 its slope is 0, here 1",
        ),
        source="MIT 6.390 notes, Activation Derivatives, eq. 15 and 18",
        sample=(0.01, 0.99),
    ),
    ElementwiseLoss(
        name="bce_with_logits",
        aliases=("sigmoid_cross_entropy", "sigmoid_binary_cross_entropy"),
        title="Binary cross-entropy of a logit",
        params=(
            Param("pos_weight", 1.0, "weight of the positive class", derivative=_logit_by_pos_weight),
            Param("label_smoothing", 0.0, _SMOOTHING, UNIT, derivative=_logit_by_smoothing),
        ),
        formula="(1 - y) * log(1 + exp(a)) + pos_weight * y * log(1 + exp(-a))",
        variants={
            "label_smoothing": "(1 - t) * log(1 + exp(a)) + pos_weight * t * log(1 + exp(-a))"
            " with t = (1 - label_smoothing) * y + label_smoothing / 2",
        },
        derivative_formula="(1 - y) * sigmoid(a) - pos_weight * y * sigmoid(-a)",
        value=_logit_value,
        derivative=_logit_derivative,
        second=_logit_second,
        by_target=_logit_by_target,
        target_domain=UNIT,
        libraries={
            "PyTorch": "F.binary_cross_entropy_with_logits (pos_weight), nn.BCEWithLogitsLoss",
            "optax.losses": "sigmoid_binary_cross_entropy",
            "Keras": "binary_crossentropy (from_logits=True)",
        },
        notes=("the derivative is sigmoid(a) - y where pos_weight is 1",),
        source="PyTorch binary_cross_entropy_with_logits, optax sigmoid_binary_cross_entropy",
    ),
)
