"""Cross-entropies: of one probability or logit, and of a whole distribution, from probabilities and from logits."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import POSITIVE, UNIT, Domain, ElementwiseLoss, Kink, Param, VectorLoss
from gradcalc.numerics.careful import constant, sigmoid_slope, softplus, softplus_tail, weighted

_BELOW_HALF = Domain("above 0 and below 0.5", 0.0, 0.5, open_low=True, open_high=True)


# --- one probability ---


def _smoothed(y: Any, label_smoothing: float) -> tuple[Any, Any]:
    """The smoothed target t = (1 - s) y + s / 2, and 1 - t without cancellation."""
    return y + label_smoothing * (0.5 - y), (1.0 - y) + label_smoothing * (y - 0.5)


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


def _bce_value(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    t, rest = _smoothed(y, label_smoothing)
    log_x, log_rest = _logs(xp, x, clip)
    return -(weighted(xp, t, log_x) + weighted(xp, rest, log_rest))


def _bce_slope(xp: Any, x: Any, t: Any, rest: Any) -> Any:
    """(x - t) / (x (1 - x)); the difference is taken where both are small."""
    difference = xp.where(x < 0.5, x - t, rest - (1.0 - x))
    slope = xp.divide(difference, x * (1.0 - x))
    return xp.where(
        t == 0, xp.divide(1.0 + 0.0 * t, 1.0 - x), xp.where(rest == 0, xp.divide(-1.0 + 0.0 * t, x), slope)
    )


def _bce_derivative(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    slope = _bce_slope(xp, x, *_smoothed(y, label_smoothing))
    return slope if clip is None else xp.where((x < clip) | (1.0 - x < clip), 0.0, slope)


def _bce_second(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    t, rest = _smoothed(y, label_smoothing)
    at_x = xp.where(t == 0, 0.0 * x, xp.divide(xp.divide(t, x), x))
    at_rest = xp.where(rest == 0, 0.0 * x, xp.divide(xp.divide(rest, 1.0 - x), 1.0 - x))
    curvature = at_x + at_rest
    return curvature if clip is None else xp.where((x < clip) | (1.0 - x < clip), 0.0, curvature)


def _bce_by_smoothed_target(xp: Any, x: Any, clip: float | None) -> Any:
    """log((1 - x) / x)."""
    log_x, log_rest = _logs(xp, x, clip)
    near_half = xp.log1p(xp.divide(1.0 - 2.0 * x, x))
    middle = (x > 0.25) & (x < 0.75)
    if clip is not None:
        middle = middle & (x >= clip) & (1.0 - x >= clip)
    return xp.where(middle, near_half, log_rest - log_x)


def _bce_by_target(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    return weighted(xp, constant(xp, 1.0 - label_smoothing, y), _bce_by_smoothed_target(xp, x, clip))


def _bce_by_smoothing(xp: Any, x: Any, y: Any, label_smoothing: float, clip: float | None) -> Any:
    return weighted(xp, 0.5 - y, _bce_by_smoothed_target(xp, x, clip))


def _clip_slope(y: Any, label_smoothing: float, clip: float | None, *, high: bool) -> Any:
    """The derivative just inside the clipped range's end."""
    if clip is None:
        return 0.0 * y
    t, rest = _smoothed(y, label_smoothing)
    return (rest - clip if high else clip - t) / (clip * (1.0 - clip))


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

    when = "a = 1 - clip" if high else "a = clip"
    if high:
        return Kink(at=place, left=inside, right=outside, default="left", when=when)
    return Kink(at=place, left=outside, right=inside, default="right", when=when)


# --- one logit ---


def _logit_value(xp: Any, x: Any, y: Any, pos_weight: Any, label_smoothing: float) -> Any:
    t, rest = _smoothed(y, label_smoothing)
    return weighted(xp, rest, softplus(xp, x)) + weighted(xp, pos_weight * t, softplus(xp, -x))


def _logit_derivative(xp: Any, x: Any, y: Any, pos_weight: Any, label_smoothing: float) -> Any:
    """(1 - t) sigmoid(x) - w t sigmoid(-x), over the denominator 1 + e^-|x| of both."""
    t, rest = _smoothed(y, label_smoothing)
    u = xp.exp(-xp.absolute(x))
    pull = pos_weight * t
    return xp.where(x >= 0, rest - pull * u, rest * u - pull) / (1.0 + u)


def _logit_second(xp: Any, x: Any, y: Any, pos_weight: Any, label_smoothing: float) -> Any:
    t, rest = _smoothed(y, label_smoothing)
    return (rest + pos_weight * t) * sigmoid_slope(xp, x)


def _logit_by_smoothed_target(xp: Any, x: Any, pos_weight: Any) -> Any:
    """W softplus(-x) - softplus(x), which is -x for w = 1: what both have in common is taken away first."""
    linear = xp.where(x >= 0, -x, weighted(xp, pos_weight, -x))
    return (pos_weight - 1.0) * softplus_tail(xp, x) + linear


def _logit_by_target(xp: Any, x: Any, y: Any, pos_weight: Any, label_smoothing: float) -> Any:
    return weighted(xp, constant(xp, 1.0 - label_smoothing, y), _logit_by_smoothed_target(xp, x, pos_weight))


def _logit_by_smoothing(xp: Any, x: Any, y: Any, pos_weight: Any, label_smoothing: float) -> Any:
    return weighted(xp, 0.5 - y, _logit_by_smoothed_target(xp, x, pos_weight))


def _logit_by_pos_weight(xp: Any, x: Any, y: Any, pos_weight: Any, label_smoothing: float) -> Any:
    return weighted(xp, _smoothed(y, label_smoothing)[0], softplus(xp, -x))


# --- a distribution of probabilities ---


class _Clipped:
    """Probabilities x, divided by their sum if `normalize`, with what is needed of them without cancellation."""

    __slots__ = ("above", "below", "inside", "p", "rest", "surprise")

    def __init__(self, np: Any, x: Any, normalize: bool, clip: float | None) -> None:
        if normalize:
            self.p, self.rest, self.surprise = _normalized(np, x)
        else:
            self.p, self.rest = x, 1.0 - x
            self.surprise = -np.log(x)
        if clip is None:
            self.inside = np.ones_like(x)
            return
        below, above = self.p < clip, self.rest < clip
        ends = np.where(below, -np.log(clip), -np.log1p(-clip))
        self.surprise = np.where(below | above, ends, self.surprise)
        self.inside = np.where(below | above, 0.0, 1.0)


def _normalized(np: Any, x: Any) -> tuple[Any, Any, Any]:
    """x / sum, 1 - x / sum, and -log(x / sum): from the sum of the others where x is most of the sum."""
    from gradcalc.numerics.vectors import others

    whole, rest = others(np, x)
    ratio = whole / x
    small = np.where(np.isinf(ratio), np.log(whole) - np.log(x), np.log(ratio))
    return x / whole, rest / whole, np.where(x > rest, np.log1p(rest / x), small)


def _ce_value(np: Any, x: Any, y: Any, normalize: bool, clip: float | None) -> Any:
    return _weighted_total(np, y, _Clipped(np, x, normalize, clip).surprise)


def _weighted_total(np: Any, weights: Any, x: Any) -> Any:
    from gradcalc.numerics.vectors import total

    return total(np, weighted(np, weights, x))


def _ce_gradient(np: Any, x: Any, y: Any, side: str, normalize: bool, clip: float | None) -> Any:
    """-y_j / x_j; normalized (sum_{k != j} y_k x_j - y_j sum_{k != j} x_k) / (x_j sum x)."""
    from gradcalc.numerics.vectors import others

    counted = y * _Clipped(np, x, normalize, clip).inside
    if not normalize:
        at_end = _ce_at_kink(np, x, y, normalize, clip)
        outside = (x == clip) if side == "left" else (x != clip) if side == "right" else np.zeros_like(at_end)
        return np.where((counted == 0) & (x == x) | (at_end & outside), 0.0, -counted / x)
    whole, rest = others(np, x)
    return others(np, counted)[1] / whole - np.where(counted == 0, 0.0, counted / x) * (rest / whole)


def _ce_at_kink(np: Any, x: Any, y: Any, normalize: bool, clip: float | None) -> Any:
    """Where an entry is an end of the clipped range and counts; divided by a sum none is known to be one."""
    if clip is None or normalize:
        return np.zeros(x.shape, dtype=bool)
    return ((x == clip) | (x == 1.0 - clip)) & (y != 0)


def _ce_by_target(np: Any, x: Any, y: Any, normalize: bool, clip: float | None) -> Any:
    return _Clipped(np, x, normalize, clip).surprise


# --- a distribution of logits ---


def _spread(y: Any, label_smoothing: float) -> Any:
    """The smoothed target (1 - s) y + s / n."""
    return y if label_smoothing == 0 else (1.0 - label_smoothing) * y + label_smoothing / y.shape[-1]


def _softmax_ce_value(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.vectors import soften

    return _weighted_total(np, _spread(y, label_smoothing), soften(np, x, temperature).surprise(np))


def _softmax_ce_gradient(
    np: Any, x: Any, y: Any, side: str, label_smoothing: float, temperature: float
) -> Any:
    """(sum_{k != j} y_k) p_j - y_j q_j, which is p - y where y sums to 1."""
    from gradcalc.numerics.vectors import others, soften

    soft, y = soften(np, x, temperature), _spread(y, label_smoothing)
    gradient = others(np, y)[1] * soft.p - y * soft.q(np)
    return gradient if temperature == 1.0 else gradient / temperature


def _softmax_ce_by_target(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.vectors import soften

    return weighted(np, 1.0 - label_smoothing + 0.0 * x, soften(np, x, temperature).surprise(np))


def _softmax_ce_by_smoothing(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.vectors import soften

    return _weighted_total(np, 1.0 / x.shape[-1] - y, soften(np, x, temperature).surprise(np))


def _softmax_ce_by_temperature(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    """sum_i y_i (gap_i - sum_k p_k gap_k) / T, with gap_i = (x_i - max x) / T."""
    from gradcalc.numerics.vectors import soften

    soft, y = soften(np, x, temperature), _spread(y, label_smoothing)
    expected = _weighted_total(np, soft.p, soft.gap)
    return (_weighted_total(np, y, soft.gap) - y.sum(axis=-1) * expected) / temperature


_BINARY_SMOOTHING = "moves targets towards 1/2: (1 - label_smoothing) * y + label_smoothing / 2"
_SMOOTHING = "moves targets towards 1/n: (1 - label_smoothing) * y + label_smoothing / n"
_CLIP = "replaces a by clip(a, clip, 1 - clip), of slope 0 outside, as Keras does (1e-7 there)"

ENTRIES = (
    ElementwiseLoss(
        name="binary_cross_entropy",
        aliases=("nll", "bce", "log_loss"),
        title="Binary cross-entropy of a probability",
        params=(
            Param("label_smoothing", 0.0, _BINARY_SMOOTHING, UNIT, derivative=_bce_by_smoothing),
            Param("clip", None, _CLIP, _BELOW_HALF),
        ),
        formula="-(y * log(a) + (1 - y) * log(1 - a))",
        derivative_formula="(a - y) / (a * (1 - a))",
        value=_bce_value,
        derivative=_bce_derivative,
        second=_bce_second,
        by_target=_bce_by_target,
        domain=UNIT,
        target_domain=UNIT,
        kinks=(_clip_kink(high=False), _clip_kink(high=True)),
        logits="bce_with_logits",
        notes=(
            "0 * log(0) is 0: a prediction that is exactly right has loss 0",
            "nll is this loss in the course notes; PyTorch's nll_loss takes log-probabilities",
            "PyTorch clamps log at -100, Keras clips a to [1e-7, 1 - 1e-7]: -p clip=1e-7",
        ),
        source="course notes 000, eq. 15 and 18; 003",
        sample=(0.01, 0.99),
    ),
    ElementwiseLoss(
        name="bce_with_logits",
        aliases=("sigmoid_cross_entropy", "sigmoid_binary_cross_entropy"),
        title="Binary cross-entropy of a logit",
        params=(
            Param("pos_weight", 1.0, "weight of the positive class", derivative=_logit_by_pos_weight),
            Param("label_smoothing", 0.0, _BINARY_SMOOTHING, UNIT, derivative=_logit_by_smoothing),
        ),
        formula="(1 - y) * log(1 + exp(a)) + pos_weight * y * log(1 + exp(-a))",
        derivative_formula="(1 - y) * sigmoid(a) - pos_weight * y * sigmoid(-a)",
        value=_logit_value,
        derivative=_logit_derivative,
        second=_logit_second,
        by_target=_logit_by_target,
        target_domain=UNIT,
        notes=("the derivative is sigmoid(a) - y where pos_weight is 1",),
        source="PyTorch binary_cross_entropy_with_logits, optax sigmoid_binary_cross_entropy",
    ),
    VectorLoss(
        name="cross_entropy",
        aliases=("nllm", "ce", "categorical_cross_entropy"),
        title="Cross-entropy of probabilities",
        params=(
            Param("normalize", False, "divides a by its sum first, as Keras does"),
            Param("clip", None, _CLIP, _BELOW_HALF),
        ),
        formula="-sum(y * log(a))",
        derivative_formula="-y / a",
        takes="distribution",
        value=_ce_value,
        gradient=_ce_gradient,
        by_target=_ce_by_target,
        at_kink=_ce_at_kink,
        domain=UNIT,
        logits="softmax_cross_entropy",
        notes=(
            "0 * log(0) is 0: only the entries with a target count",
            "normalized, the derivative is -y / a + sum(y) / sum(a)",
        ),
        source="course notes 003; 004, eq. 16 and 20 (20 misprinted)",
        sample=(0.01, 0.99),
    ),
    VectorLoss(
        name="softmax_cross_entropy",
        aliases=("ce_with_logits", "cross_entropy_with_logits"),
        title="Cross-entropy of logits",
        params=(
            Param("label_smoothing", 0.0, _SMOOTHING, UNIT, derivative=_softmax_ce_by_smoothing),
            Param("temperature", 1.0, "divides the logits", POSITIVE, derivative=_softmax_ce_by_temperature),
        ),
        formula="-sum(y * log_softmax(a / temperature))",
        derivative_formula="(sum(y) * softmax(a / temperature) - y) / temperature",
        takes="distribution",
        value=_softmax_ce_value,
        gradient=_softmax_ce_gradient,
        by_target=_softmax_ce_by_target,
        notes=("the derivative is softmax(a) - y for targets that sum to 1 at temperature 1",),
        source="course notes 004, eq. 16-22 (22 misprinted); PyTorch cross_entropy, optax softmax_cross_entropy",
    ),
)
