"""Margin losses: the binary hinge and the multiclass SVM loss."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import Domain, ElementwiseLoss, Kink, KinkText, Param, VectorLoss
from gradcalc.numerics.careful import constant

MINUS_OR_PLUS_ONE = Domain("-1 or 1 (or 0 and 1, with the parameter labels=01)", members=(-1.0, 1.0))
POWER = Domain("a finite number of at least 1", 1.0, open_high=True)
ZERO_OR_ONE = Domain("0 or 1", members=(0.0, 1.0))
LABELS = Param(
    "labels", "pm1", "targets are -1 and 1 (pm1), or 0 and 1 (01), which stand for -1 and 1", choices=("pm1", "01")
)


def as_sign(y: Any, labels: str) -> Any:
    """The target as -1 or 1."""
    return 2.0 * y - 1.0 if labels == "01" else y


def _hinge_value(xp: Any, x: Any, y: Any, labels: str) -> Any:
    room = 1.0 - x * as_sign(y, labels)
    return xp.where(room <= 0, 0.0, room)


def _hinge_derivative(xp: Any, x: Any, y: Any, labels: str) -> Any:
    sign = as_sign(y, labels)
    return _where_active(xp, x * sign, -sign)


def _hinge_by_target(xp: Any, x: Any, y: Any, labels: str) -> Any:
    slope = _where_active(xp, x * as_sign(y, labels), -x)
    return 2.0 * slope if labels == "01" else slope


def _where_active(xp: Any, product: Any, slope: Any) -> Any:
    """The slope where x y < 1, else 0; NaN where the product is."""
    return xp.where(product < 1, slope, xp.where(product >= 1, 0.0, product))


# At a kink x and the sign s of the target are both 1 or both -1, and the active branch lies below both or above both.
_HINGE_KINK = Kink(
    at=as_sign,
    left=lambda y, labels: (-1.0 - as_sign(y, labels)) / 2.0,
    right=lambda y, labels: (1.0 - as_sign(y, labels)) / 2.0,
    default="zero",
    when="a * y = 1",
)
_HINGE_TARGET_KINK = Kink(
    at=lambda x, labels: (x + 1.0) / 2.0 if labels == "01" else x,
    left=lambda x, labels: (-1.0 - x) / (1.0 if labels == "01" else 2.0),
    right=lambda x, labels: (1.0 - x) / (1.0 if labels == "01" else 2.0),
    default="zero",
    when="a * y = 1",
)


class _Excess(NamedTuple):
    """M_i = margin - x_y + x_i rounded once, so that a margin exactly met gives 0, and what the rounding lost.

    It is -inf for the class. Both carry the factor `unit`: 1/4 where M overflows, else 1. `of` is what it is made of.
    """

    high: Any
    low: Any
    unit: Any
    of: tuple[Any, Any, float]


def _excess(np: Any, x: Any, y: Any, margin: float) -> _Excess:
    from gradcalc.numerics.vectors import finite_or_zero, quarter_if_huge, two_sum

    scale = quarter_if_huge(np, np.maximum(np.absolute(x).max(axis=-1, keepdims=True), abs(margin)))
    x = x * scale
    own = np.take_along_axis(x, y[..., None], axis=-1)
    gap, gap_low = two_sum(x, -own)
    excess, excess_low = two_sum(gap, margin * scale)
    excess, low = two_sum(excess, finite_or_zero(np, excess_low + gap_low))
    np.put_along_axis(excess, y[..., None], np.where(np.isnan(own), own, -np.inf), axis=-1)
    unit = np.where(np.isinf(excess / scale), scale, 1.0)
    rest = scale / unit
    return _Excess(excess / rest, finite_or_zero(np, low) / rest, unit, (x / scale, y, margin))


def _raised(np: Any, excess: _Excess, p: float, factor: Any = 1.0) -> Any:
    """factor * max(0, M)^p for p > 0; an error of M would count p times."""
    high, low, unit, _ = excess
    base = np.where(high > 0, high, 1.0)
    if p == 1:
        product = factor * base / unit
    else:
        product = _product_with_power(np, factor, base, unit, p) * _corrected(np, p * (low / base))
    found = np.where(high > 0, product, np.where(high <= 0, 0.0, high))
    return found if p < _STEEP else _in_decimals(np, found, excess, p, factor)


#: From such a power on no float has the digits of M that count.
_STEEP = 2.0**30


def _in_decimals(np: Any, found: Any, excess: _Excess, p: float, factor: Any) -> Any:
    """factor * max(0, M)^p of all vectors whose entries are finite."""
    from gradcalc.numerics.digits import exactly, exp, in_rows, log

    x, y, margin = excess.of
    power, least = exactly(np, [p, margin])

    def compute(row: Any, own: Any, factor: Any) -> Any:
        room = least + (row - row[int(own[0])])
        counts = (room > 0) & (np.arange(len(row)) != int(own[0]))
        return np.where(counts, factor * exp(np, power * log(np, np.where(counts, room, least * 0 + 1))), 0 * room)

    return in_rows(np, np.isfinite(x).all(axis=-1), found, compute, x, y[..., None], factor + np.zeros(found.shape))


def _corrected(np: Any, exponent: Any) -> Any:
    """What a small exponent makes of a power; a larger one belongs to a power that is 0 or infinite."""
    return np.exp(np.clip(exponent, -1.0, 1.0))


def _product_with_power(np: Any, factor: Any, base: Any, unit: Any, p: float) -> Any:
    """factor * (base / unit)^p; in two halves where the power by itself may be none."""
    power, half = (np.power(base, q) * np.power(1.0 / unit, q) for q in (p, p / 2.0))
    least = np.finfo(base.dtype).tiny / np.finfo(base.dtype).eps
    return np.where((power < least) | np.isinf(power), factor * half * half, factor * power)


def svm_excess(np: Any, x: Any, y: Any, margin: float) -> Any:
    """M, with -inf for the class."""
    excess = _excess(np, x, y, margin)
    return excess.high / excess.unit


def svm_value(np: Any, x: Any, y: Any, p: float, margin: float, share: float = 1.0) -> Any:
    """The loss, or a share of it, as in the derivatives."""
    from gradcalc.numerics.vectors import total

    return total(np, _raised(np, _excess(np, x, y, margin), p, share))


def _svm_slopes(np: Any, excess: _Excess, p: float, at_kink: float, share: float = 1.0) -> Any:
    """d max(0, M)^p / dM, with the slope to take at M = 0 for p = 1."""
    if p > 1:
        return _raised(np, excess, p - 1.0, p * share)
    high = excess.high
    return share * np.where(high > 0, 1.0, np.where(high == 0, at_kink, np.where(high < 0, 0.0, high)))


def svm_gradient(np: Any, x: Any, y: Any, side: str, p: float, margin: float, share: float = 1.0) -> Any:
    """Each rival's slope, and minus their sum for the class: it falls where M rises, so its sides are swapped."""
    from gradcalc.numerics.vectors import total

    excess = _excess(np, x, y, margin)
    gradient = _svm_slopes(np, excess, p, 1.0 if side == "right" else 0.0, share)
    of_class = total(np, _svm_slopes(np, excess, p, 1.0 if side == "left" else 0.0, share))
    np.put_along_axis(gradient, y[..., None], -of_class[..., None], axis=-1)
    return gradient


def svm_at_kink(np: Any, x: Any, y: Any, p: float, margin: float) -> Any:
    met = (_excess(np, x, y, margin).high == 0) & (p == 1)
    np.put_along_axis(met, y[..., None], met.any(axis=-1, keepdims=True), axis=-1)
    return met


def svm_by_margin(np: Any, x: Any, y: Any, p: float, margin: float, share: float = 1.0, at_kink: float = 0.0) -> Any:
    from gradcalc.numerics.vectors import total

    return total(np, _svm_slopes(np, _excess(np, x, y, margin), p, at_kink, share))


def svm_by_margin_right(np: Any, x: Any, y: Any, p: float, margin: float, share: float = 1.0) -> Any:
    return svm_by_margin(np, x, y, p, margin, share, 1.0)


def svm_by_p(np: Any, x: Any, y: Any, p: float, margin: float, share: float = 1.0) -> Any:
    """sum_i max(0, M_i)^p log M_i, where 0^p log 0 is 0."""
    from gradcalc.numerics.vectors import total

    high, low, unit, _ = excess = _excess(np, x, y, margin)
    base = np.where(high > 0, high, 1.0)
    return total(np, _raised(np, excess, p, share * (np.log(base) + low / base - np.log(unit))))


ENTRIES = (
    ElementwiseLoss(
        name="hinge",
        aliases=("hinge_loss",),
        title="Hinge loss",
        params=(LABELS,),
        formula="max(0, 1 - a * y)",
        variants={
            "labels": "max(0, 1 - a * (2 * y - 1))",
        },
        derivative_formula="-y if a * y < 1 else 0",
        value=_hinge_value,
        derivative=_hinge_derivative,
        second=lambda xp, x, y, labels: constant(xp, 0.0, x * y),
        by_target=_hinge_by_target,
        target_domain=MINUS_OR_PLUS_ONE,
        targets_by_choice={"01": ZERO_OR_ONE},
        kinks=(_HINGE_KINK,),
        target_kinks=(_HINGE_TARGET_KINK,),
        libraries={"optax.losses": "hinge_loss", "Keras": "hinge"},
        notes=(
            "where a * y = 1 the inactive branch is taken; JAX and Keras take the mean of both (--kink midpoint)",
            "Keras turns the labels 0 and 1 into -1 and 1 by itself: -p labels=01; optax does not",
        ),
        source="optax hinge_loss, Keras hinge (which turns labels 0 and 1 into -1 and 1)",
        sample=(-3.0, 3.0),
    ),
    VectorLoss(
        name="svm_loss",
        aliases=("svm", "weston_watkins"),
        title="Multiclass SVM loss (Weston-Watkins)",
        params=(
            Param("p", 1.0, "power of each excess", POWER, derivative=svm_by_p),
            Param(
                "margin",
                1.0,
                "how far the class must lead",
                aliases=("delta",),
                derivative=svm_by_margin,
                one_sided=(svm_by_margin, svm_by_margin_right),
            ),
        ),
        formula="sum((1 - y) * max(0, margin - sum(y * a) + a)^p)",
        derivative_formula="(1 - y) * g - y * sum((1 - y) * g)"
        " with M = margin - sum(y * a) + a, g = (p * M^(p - 1) if M > 0 else 0)",
        takes="class",
        value=svm_value,
        gradient=svm_gradient,
        by_target=None,
        at_kink=svm_at_kink,
        kinks=(
            KinkText("M[i] = 0 for p = 1, in a[i]", left="0", right="1", default="0"),
            KinkText("k rivals have M = 0 for p = 1, in a of the class", left="-k", right="0", default="0"),
            KinkText("k rivals have M = 0 for p = 1, in margin", left="0", right="k", default="0"),
        ),
        libraries={"PyTorch": "F.multi_margin_loss (divided by the number of classes)"},
        notes=(
            "y is 1 for the class and 0 for its rivals",
            "PyTorch's multi_margin_loss divides by the number of classes",
            "where a margin is exactly met the inactive branch is taken",
        ),
        source="Weston & Watkins 1999; CS231n",
    ),
)
