"""Cross-entropy of a whole distribution: of probabilities, and of logits."""

from __future__ import annotations

import math
from typing import Any

from gradcalc.functions.entry import BELOW_HALF, POSITIVE, UNIT, KinkText, Param, VectorLoss
from gradcalc.numerics.blocks import blockwise
from gradcalc.numerics.careful import weighted

_SMOOTHING = "moves targets towards 1/n: (1 - label_smoothing) * y + label_smoothing / n"
_CLIP = "replaces a by clip(a, clip, 1 - clip), of slope 0 outside, as Keras does (1e-7 there)"


_LARGE = 200  # an exponent


class _Clipped:
    """Probabilities x, divided by their sum if `normalize`, with what is needed of them without cancellation."""

    __slots__ = ("above", "below", "inside", "p", "rest", "surprise")

    def __init__(self, np: Any, x: Any, normalize: bool, clip: float | None) -> None:
        if normalize:
            self.p, self.rest, self.surprise = normalized(np, x)
        else:
            self.p, self.rest = x, 1.0 - x
            self.surprise = -np.log(x)
        if clip is None:
            self.inside = np.ones_like(x)
            return
        below, above = self.p < clip, self.rest < clip
        ends = np.where(below, -np.log(clip), -np.log1p(-clip))
        self.surprise = np.where(below | above, ends, self.surprise)
        self.inside = np.where(below | (above if normalize else x > 1.0 - clip), 0.0, 1.0)


def normalized(np: Any, x: Any) -> tuple[Any, Any, Any]:
    """x / sum, 1 - x / sum, and -log(x / sum): from the sum of the others where x is most of the sum."""
    from gradcalc.numerics.vectors import others

    whole, rest = others(np, x)
    ratio = whole / x
    small = np.where(np.isinf(ratio), np.log(whole) - np.log(x), np.log(ratio))
    return x / whole, rest / whole, np.where(x > rest, np.log1p(rest / x), small)


@blockwise(2)
def _ce_value(np: Any, x: Any, y: Any, normalize: bool, clip: float | None) -> Any:
    return weighted_total(np, y, _Clipped(np, x, normalize, clip).surprise)


def weighted_total(np: Any, weights: Any, x: Any) -> Any:
    from gradcalc.numerics.vectors import total

    return total(np, weighted(np, weights, x))


@blockwise(2)
def _ce_gradient(np: Any, x: Any, y: Any, side: str, normalize: bool, clip: float | None) -> Any:
    """-y_j / x_j; normalized (sum_{k != j} y_k x_j - y_j sum_{k != j} x_k) / (x_j sum x)."""
    from gradcalc.numerics.vectors import lifted, others

    x = x + 0.0  # -0 as a plain 0
    counted = y * _Clipped(np, x, normalize, clip).inside
    if not normalize:
        at_end = _ce_at_kink(np, x, y, normalize, clip)
        outside = (x == clip) if side == "left" else (x != clip) if side == "right" else np.zeros_like(at_end)
        return np.where((counted == 0) & (x == x) | (at_end & outside), 0.0, -counted / x)
    x, exponent = lifted(np, x)
    whole, rest = others(np, x)
    gradient = others(np, counted)[1] / whole - np.where(counted == 0, 0.0, counted / x) * (rest / whole)
    return np.ldexp(gradient, -exponent)


def _ce_at_kink(np: Any, x: Any, y: Any, normalize: bool, clip: float | None) -> Any:
    """Where an entry is an end of the clipped range and counts; divided by a sum none is known to be one."""
    if clip is None or normalize:
        return np.zeros(x.shape, dtype=bool)
    return ((x == clip) | (x == 1.0 - clip)) & (y != 0)


@blockwise(2)
def _ce_by_target(np: Any, x: Any, y: Any, normalize: bool, clip: float | None) -> Any:
    return _Clipped(np, x, normalize, clip).surprise


def _smoothed(np: Any, label_smoothing: float, own: Any, mean: Any, unit: Any, divisor: float = 1.0) -> Any:
    """((1 - s) own + s mean) / (unit * divisor) of one number per vector, where only the result may underflow."""
    share, exponent = math.frexp(label_smoothing)
    fraction, down = math.frexp(divisor)
    down = down + np.frexp(np.asarray(unit)[..., 0] if np.ndim(unit) else unit)[1] - 1
    of_own = (1.0 - label_smoothing) * own
    if exponent > -_RAISED:
        return np.ldexp((of_own + label_smoothing * mean) / fraction, -down)
    return np.ldexp(of_own / fraction, -down) + np.ldexp(share * mean / fraction, exponent - down)


def _mean(np: Any, x: Any, label_smoothing: float) -> Any:
    """The mean over the classes, where it counts."""
    from gradcalc.numerics.vectors import total

    return total(np, x) / x.shape[-1] if label_smoothing else 0.0


def _summable(np: Any, x: Any, unit: Any) -> tuple[Any, Any]:
    """Numbers in a unit, both made so small that the sum of the largest does not overflow."""
    if not np.ndim(unit):
        return x, unit
    less = np.where(unit < 1.0, -x.shape[-1].bit_length(), 0)
    return np.ldexp(x, less), np.ldexp(unit, less)


@blockwise(2)
def _softmax_ce_value(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.softened import soften

    soft = soften(np, x, temperature)
    surprise, unit = _summable(np, soft.surprise(np), soft.unit)
    own, mean = weighted_total(np, y, surprise), _mean(np, surprise, label_smoothing)
    return _smoothed(np, label_smoothing, own, mean, unit)


def _raised(np: Any, y: Any, label_smoothing: float) -> tuple[Any, int]:
    """The smoothed target (1 - s) y + s / n times a power of two, if it may be subnormal, and its exponent."""
    if label_smoothing == 0.0:
        return y, 0
    raised = _RAISED if label_smoothing < _FAINT and np.absolute(y).max() < 2.0**_LARGE else 0
    share = math.ldexp(label_smoothing, raised) / y.shape[-1]
    return (1.0 - label_smoothing) * (y * 2.0**raised) + share, raised


_RAISED, _FAINT = 300, 1e-280  # an exponent; a share of which an n-th might be subnormal


@blockwise(2)
def _softmax_ce_gradient(np: Any, x: Any, y: Any, side: str, label_smoothing: float, temperature: float) -> Any:
    """(sum_{k != j} y_k) p_j - y_j q_j, which is p - y where y sums to 1."""
    from gradcalc.functions.soft_targets import smoothed, softmax_less_targets, where_cancelled
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import others

    def left(r: Any, own: Any) -> Any:
        scale = 2.0**raised if temperature == 1.0 else 2.0 ** (_LARGE + raised)
        return softmax_less_targets(np, r, smoothed(np, own, label_smoothing)) * scale

    given, soft, (y, raised) = y, soften(np, x, temperature), _raised(np, y, label_smoothing)
    rest = others(np, y)[1]
    if temperature == 1.0:
        p, q = soft.shares(np)
        p *= rest
        found = where_cancelled(np, p - y * q, p, soft, given, left)
        return found * 2.0**-raised if raised else found
    # Divided by a small temperature a subnormal probability would be off: a large scale goes along.
    p, q = soft.shares(np, 2.0**_LARGE)
    fraction, exponent = math.frexp(temperature)
    push = rest * p
    found = where_cancelled(np, push - y * q, push, soft, given, left)
    return np.ldexp(found / fraction, -_LARGE - raised - exponent)


@blockwise(2)
def _softmax_ce_by_target(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.softened import soften

    soft = soften(np, x, temperature)
    return weighted(np, 1.0 - label_smoothing + np.zeros_like(x), soft.surprise(np)) / soft.unit


def _softmax_ce_by_smoothing(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    """sum_i (1 / n - y_i) (-log p_i)."""
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.split import quotient
    from gradcalc.numerics.vectors import two_sum

    share, lost = quotient(np, np.float64(1.0), np.float64(x.shape[-1]))
    high, low = two_sum(share, -y)
    soft, weights = soften(np, x, temperature), high + (low + lost)
    surprise, unit = _summable(np, soft.surprise(np), soft.unit)
    found = _smoothed(np, 0.0, weighted_total(np, weights, surprise), 0.0, unit)
    if temperature == 1.0 or not np.isnan(found).any():
        return found
    # Several are infinite: beside gaps so large the logarithm of the sum is nothing.
    soft = soften(np, x)
    limit = _smoothed(np, 0.0, -weighted_total(np, weights, soft.gap), 0.0, soft.unit, temperature)
    return np.where(np.isnan(found), limit, found)


def _softmax_ce_by_temperature(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    """sum_i y_i (gap_i - sum_k p_k gap_k) / T, with gap_i = (x_i - max x) / T."""
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import total

    soft = soften(np, x, temperature)
    gap, unit = _summable(np, soft.gap, soft.unit)
    expected = total(np, soft.times_e(np, gap)) / soft.whole[..., 0]
    own = weighted_total(np, y, gap) - total(np, y) * expected
    mean = _mean(np, gap, label_smoothing) - expected
    return _smoothed(np, label_smoothing, own, mean, unit, temperature)


ENTRIES = (
    VectorLoss(
        name="cross_entropy",
        aliases=("nllm", "ce", "categorical_cross_entropy"),
        title="Cross-entropy of probabilities",
        params=(
            Param("normalize", False, "divides a by its sum first, as Keras does"),
            Param("clip", None, _CLIP, BELOW_HALF),
        ),
        formula="-sum(y * log(a))",
        variants={
            "normalize": "-sum(y * log(a / sum(a)))",
            "clip": "-sum(y * log(min(max(a, clip), 1 - clip)))",
        },
        derivative_formula="-y / a",
        takes="distribution",
        value=_ce_value,
        gradient=_ce_gradient,
        by_target=_ce_by_target,
        at_kink=_ce_at_kink,
        kinks=(
            KinkText("a[i] = clip, where y[i] > 0", left="0", right="-y[i] / clip", default="-y[i] / clip"),
            KinkText(
                "a[i] = 1 - clip, where y[i] > 0",
                left="-y[i] / (1 - clip)",
                right="0",
                default="-y[i] / (1 - clip)",
            ),
        ),
        domain=UNIT,
        logits="softmax_cross_entropy",
        libraries={"Keras": "categorical_crossentropy (normalize, clip=1e-7)"},
        notes=(
            "0 * log(0) is 0: only the entries with a target count",
            "normalized, the derivative is -y / a + sum(y) / sum(a)",
            "Keras divides a by its sum and clips it: -p normalize=true -p clip=1e-7",
        ),
        source="Konopczynski, Handy DL (2017), eq. 16 and 20 (20 misprinted)",
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
        variants={
            "label_smoothing": "-sum(t * log_softmax(a / temperature))"
            " with t = (1 - label_smoothing) * y + label_smoothing / n",
        },
        derivative_formula="(sum(y) * softmax(a / temperature) - y) / temperature",
        takes="distribution",
        value=_softmax_ce_value,
        gradient=_softmax_ce_gradient,
        by_target=_softmax_ce_by_target,
        libraries={
            "PyTorch": "F.cross_entropy(label_smoothing), nn.CrossEntropyLoss",
            "optax.losses": "softmax_cross_entropy, ranking_softmax_loss",
            "Keras": "categorical_crossentropy (from_logits=True)",
        },
        notes=(
            "the derivative is softmax(a) - y for targets that sum to 1 at temperature 1",
            "with weights PyTorch's mean over class targets divides by the sum of their weights: in a spec, reduction: "
            "sum and scale: 1 / that sum",
            "a logit of -inf with the target 0 counts nothing, as in optax' safe_softmax_cross_entropy; PyTorch, Keras"
            " and optax' own softmax_cross_entropy give NaN there",
            "to ignore examples: sparse_softmax_cross_entropy",
        ),
        source="Konopczynski, Handy DL (2017), eq. 16-22 (22 misprinted); PyTorch cross_entropy",
    ),
)
