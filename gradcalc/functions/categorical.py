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


def _spread(y: Any, label_smoothing: float) -> Any:
    """The smoothed target (1 - s) y + s / n."""
    return y if label_smoothing == 0 else (1.0 - label_smoothing) * y + label_smoothing / y.shape[-1]


def _surprise_total(np: Any, weights: Any, soft: Any) -> Any:
    """sum_i weight_i (-log p_i)."""
    return weighted_total(np, weights, soft.surprise(np)) / _per_vector(np, soft.unit)


def _per_vector(np: Any, unit: Any) -> Any:
    return np.asarray(unit)[..., 0] if np.ndim(unit) else unit


@blockwise(2)
def _softmax_ce_value(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.softened import soften

    return _surprise_total(np, _spread(y, label_smoothing), soften(np, x, temperature))


@blockwise(2)
def _softmax_ce_gradient(np: Any, x: Any, y: Any, side: str, label_smoothing: float, temperature: float) -> Any:
    """(sum_{k != j} y_k) p_j - y_j q_j, which is p - y where y sums to 1."""
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import others

    soft, (_, rest) = soften(np, x, temperature), others(np, _spread(y, label_smoothing))
    if temperature == 1.0:
        p, q = soft.shares(np)
        return rest * p - _spread(y, label_smoothing) * q
    # Divided by a small temperature a subnormal probability would be off: a large scale goes along.
    p, q = soft.shares(np, 2.0**_LARGE)
    fraction, exponent = math.frexp(temperature)
    return np.ldexp((rest * p - _spread(y, label_smoothing) * q) / fraction, -_LARGE - exponent)


@blockwise(2)
def _softmax_ce_by_target(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.softened import soften

    soft = soften(np, x, temperature)
    return weighted(np, 1.0 - label_smoothing + np.zeros_like(x), soft.surprise(np) / soft.unit)


def _softmax_ce_by_smoothing(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    from gradcalc.numerics.softened import soften

    return _surprise_total(np, 1.0 / x.shape[-1] - y, soften(np, x, temperature))


def _softmax_ce_by_temperature(np: Any, x: Any, y: Any, label_smoothing: float, temperature: float) -> Any:
    """sum_i y_i (gap_i - sum_k p_k gap_k) / T, with gap_i = (x_i - max x) / T."""
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import total

    soft, y = soften(np, x, temperature), _spread(y, label_smoothing)
    expected = total(np, soft.times_e(np, soft.gap)) / soft.whole[..., 0]
    difference = weighted_total(np, y, soft.gap) - total(np, y) * expected
    return difference / _per_vector(np, soft.unit) / temperature


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
