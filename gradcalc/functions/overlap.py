"""Losses of how well two vectors overlap: cosine similarity and distance, Tversky and Dice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, UNIT, Param, VectorLoss
from gradcalc.numerics.angles import cosine, cosine_gap, cosine_slope, dot

if TYPE_CHECKING:
    from gradcalc.numerics.wide import Wide

_LIFT = 2.0**100  # products of shares keep their digits
_HIGH = 500  # an exponent


def _similarity_gradient(np: Any, x: Any, y: Any, side: str, eps: float) -> Any:
    return cosine_slope(np, x, y, eps)


def _distance_gradient(np: Any, x: Any, y: Any, side: str, eps: float) -> Any:
    return -cosine_slope(np, x, y, eps) + 0.0


def _total(np: Any, x: Any) -> Any:
    from gradcalc.numerics.vectors import total

    return total(np, x)[..., None]


class _Overlap(NamedTuple):
    """A fraction missed / whole, both times 2^unit, and their derivatives times 2^turn."""

    missed: Any
    kept: Any
    whole: Any
    missed_slope: Any
    kept_slope: Any
    unit: Any
    turn: Any

    @property
    def loss(self) -> Any:
        """missed / whole."""
        return (self.missed / self.whole)[..., 0]

    def gradient(self, np: Any) -> Any:
        """With whole = kept + missed: (missed' kept - missed kept') / whole^2."""
        kept, missed = self.kept * _LIFT / self.whole, self.missed * _LIFT / self.whole
        return self.over_whole(np, self.missed_slope * kept - self.kept_slope * missed, self.unit - self.turn - 100)

    def over_whole(self, np: Any, x: Any, exponent: Any) -> Any:
        """x 2^exponent / whole, where nothing but the result may underflow or overflow."""
        mantissa, own = np.frexp(self.whole)
        return np.ldexp(x / mantissa, exponent - own)

    def by_smooth(self, np: Any) -> Any:
        """-missed / whole^2."""
        mantissa, own = np.frexp(self.whole)
        return -np.ldexp(self.missed / mantissa / mantissa, self.unit - 2 * own)[..., 0]


def _raising(np: Any, *parts: Any) -> Any:
    """The exponent that brings the largest of all parts near 2^500: products with what is below 1 keep their digits."""
    largest = np.max(np.broadcast_arrays(*(np.absolute(part).max(axis=-1, keepdims=True) for part in parts)), axis=0)
    return _HIGH - np.where(largest == 0, 0, np.frexp(largest)[1])


def _unshared(np: Any, x: Any, y: Any, one: Any = 1.0) -> Any:
    """The terms of sum x (1 - y), (..., 2n), where 1 and y may be counted in units of their own."""
    from gradcalc.numerics.vectors import product_error, two_sum

    rest, lost = two_sum(one, -y)
    products = x * rest
    return np.concatenate([products, product_error(x, rest, products) + x * lost], axis=-1)


class _Tversky(NamedTuple):
    """K = sum x y + smooth, what is falsely there, M = alpha sum x (1 - y) + beta sum (1 - x) y, and K + M."""

    kept: Wide
    false_positives: Wide
    false_negatives: Wide
    missed: Wide
    whole: Wide


def _tversky_parts(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> _Tversky:
    from gradcalc.numerics import wide
    from gradcalc.numerics.vectors import product_error

    up_x, up_y = _raising(np, x), _raising(np, y)
    high_x, high_y = np.ldexp(x, up_x), np.ldexp(y, up_y)
    both = high_x * y
    both = np.concatenate([both, product_error(high_x, y, both)], axis=-1)
    kept = wide.plus(np, wide.total(np, both, -up_x), wide.number(np, smooth))
    of_x = wide.total(np, _unshared(np, high_x, y), -up_x)
    of_y = wide.total(np, _unshared(np, high_y, x), -up_y)
    weights = wide.number(np, alpha), wide.number(np, beta)
    missed = wide.plus(np, wide.times(np, weights[0], of_x), wide.times(np, weights[1], of_y))
    return _Tversky(kept, of_x, of_y, missed, wide.plus(np, kept, missed))


def _per_whole(np: Any, part: Wide, at: _Tversky) -> Wide:
    """part K / (K + M)^2."""
    from gradcalc.numerics import wide

    return wide.over(np, wide.times(np, part, wide.over(np, at.kept, at.whole)), at.whole)


def _tversky(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    from gradcalc.numerics import wide

    at = _tversky_parts(np, x, y, alpha, beta, smooth)
    return wide.over(np, at.missed, at.whole).rounded(np)[..., 0]


def _tversky_gradient(np: Any, x: Any, y: Any, side: str, alpha: float, beta: float, smooth: float) -> Any:
    """((1 - y) alpha K - y (beta K + M)) / (K + M)^2 = (1 - y) rise - y fall, both for all entries the same."""
    from gradcalc.numerics import wide
    from gradcalc.numerics.vectors import scaled

    at = _tversky_parts(np, x, y, alpha, beta, smooth)
    rise, of_beta = (_per_whole(np, wide.number(np, weight), at) for weight in (alpha, beta))
    fall = wide.plus(np, of_beta, wide.over(np, wide.over(np, at.missed, at.whole), at.whole))
    (rest, rest_unit), (part, part_unit) = scaled(np, 1.0 - y), scaled(np, y)
    rise, fall = (_unless_nothing(np, *of) for of in ((rise, rest), (fall, part)))
    unit = np.maximum(rise.exponent + rest_unit, fall.exponent + part_unit)
    high_rise, high_fall = rise.shifted(np, unit - rest_unit)[0], fall.shifted(np, unit - part_unit)[0]
    return np.ldexp(rest * high_rise - part * high_fall, unit)


def _unless_nothing(np: Any, factor: Wide, of: Any) -> Wide:
    """A factor with the exponent of 0 where all that it multiplies is 0."""
    from gradcalc.numerics.wide import NOTHING

    nothing = (of == 0).all(axis=-1, keepdims=True)
    return factor._replace(exponent=np.where(nothing, NOTHING, factor.exponent))


def _tversky_by_target(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    return _tversky_gradient(np, y, x, "default", beta, alpha, smooth)


def _tversky_by_alpha(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    at = _tversky_parts(np, x, y, alpha, beta, smooth)
    return _per_whole(np, at.false_positives, at).rounded(np)[..., 0]


def _tversky_by_beta(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    at = _tversky_parts(np, x, y, alpha, beta, smooth)
    return _per_whole(np, at.false_negatives, at).rounded(np)[..., 0]


def _tversky_by_smooth(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    from gradcalc.numerics import wide

    at = _tversky_parts(np, x, y, alpha, beta, smooth)
    return -wide.over(np, wide.over(np, at.missed, at.whole), at.whole).rounded(np)[..., 0] + 0.0


def _dice_parts(np: Any, x: Any, y: Any, smooth: float, squared: bool) -> _Overlap:
    """missed = sum (x + y - 2 x y), or sum (x - y)^2, of x and y times powers of 2 that let no product overflow."""
    from gradcalc.numerics.vectors import product_error, two_sum

    if squared:
        up = _raising(np, x, y, np.array([math.sqrt(smooth)])) - _HIGH + 400
        x, y, smooth = np.ldexp(x, up), np.ldexp(y, up), np.ldexp(smooth, 2 * up)
        gap, lost = two_sum(x, -y)
        terms = np.concatenate([gap * gap, product_error(gap, gap, gap * gap), 2.0 * gap * lost], axis=-1)
        both = np.concatenate([x, y], axis=-1)
        missed, whole = _total(np, terms), dot(np, both, both) + smooth
        return _Overlap(missed, 2.0 * dot(np, x, y) + smooth, whole, 2.0 * gap, 2.0 * y, 2 * up, up)
    low = np.minimum(_raising(np, x, y) - _HIGH + 200, 0)
    up = np.where(low < 0, low, _raising(np, x, y, np.array([smooth])))
    x, y, one, smooth = np.ldexp(x, up), np.ldexp(y, low), np.ldexp(1.0, low), np.ldexp(np.ldexp(smooth, up), low)
    high_y, low_x = np.ldexp(y, up - low), np.ldexp(x, low - up)
    missed = _total(np, np.concatenate([_unshared(np, x, y, one), _unshared(np, high_y, low_x, one)], axis=-1))
    whole = _total(np, np.concatenate([x * one, high_y * one], axis=-1)) + smooth
    return _Overlap(missed, 2.0 * dot(np, x, y) + smooth, whole, one - 2.0 * y, 2.0 * y, up + low, low)


def _dice(np: Any, x: Any, y: Any, smooth: float, squared: bool) -> Any:
    return _dice_parts(np, x, y, smooth, squared).loss


def _dice_gradient(np: Any, x: Any, y: Any, side: str, smooth: float, squared: bool) -> Any:
    """Without squares whole' is 1, and the same is (kept / whole - 2 y) / whole."""
    at = _dice_parts(np, x, y, smooth, squared)
    if squared:
        return at.gradient(np)
    mantissa, own = np.frexp(at.whole)
    share = np.ldexp(at.kept / mantissa, at.turn + 100 - own)
    return at.over_whole(np, share - _LIFT * at.kept_slope, at.unit - at.turn - 100)


def _dice_by_smooth(np: Any, x: Any, y: Any, smooth: float, squared: bool) -> Any:
    return _dice_parts(np, x, y, smooth, squared).by_smooth(np)


_EPS = Param("eps", 0.0, "lengths count at least that", NOT_NEGATIVE)
_SMOOTH = "is added above and below the fraction"

ENTRIES = (
    VectorLoss(
        name="cosine_similarity",
        aliases=("cosine",),
        title="Cosine similarity",
        image="[-1, 1]",
        params=(_EPS,),
        formula="sum(a * y) / (sqrt(sum(a^2)) * sqrt(sum(y^2)))",
        variants={
            "eps": "sum(a * y) / (max(norm(a), eps) * max(norm(y), eps))",
        },
        derivative_formula="(y / norm(y) - C * a / norm(a)) / norm(a) with C = sum(a * y) / (norm(a) * norm(y))",
        takes="values",
        value=cosine,
        gradient=_similarity_gradient,
        by_target=lambda np, x, y, eps: cosine_slope(np, y, x, eps),
        additive=False,
        notes=(
            "Keras' loss is minus this: --scale -1",
            "PyTorch has eps=1e-8, Keras 1e-7; a vector of zeros has no direction, and gives NaN without eps",
            "of zeros JAX and optax have NaN too, and Keras the value 0 with the gradient NaN",
        ),
        libraries={
            "PyTorch": "F.cosine_similarity",
            "optax.losses": "cosine_similarity",
            "Keras": "-cosine_similarity",
        },
        source="PyTorch cosine_similarity, optax cosine_similarity",
    ),
    VectorLoss(
        name="cosine_distance",
        title="Cosine distance",
        image="[0, 2]",
        params=(_EPS,),
        formula="1 - sum(a * y) / (sqrt(sum(a^2)) * sqrt(sum(y^2)))",
        variants={
            "eps": "1 - sum(a * y) / (max(norm(a), eps) * max(norm(y), eps))",
        },
        derivative_formula="(C * a / norm(a) - y / norm(y)) / norm(a) with C = sum(a * y) / (norm(a) * norm(y))",
        takes="values",
        value=cosine_gap,
        gradient=_distance_gradient,
        by_target=lambda np, x, y, eps: _distance_gradient(np, y, x, "default", eps),
        additive=False,
        notes=("a vector of zeros has no direction, and gives NaN without eps",),
        libraries={"optax.losses": "cosine_distance"},
        source="optax cosine_distance",
    ),
    VectorLoss(
        name="tversky",
        aliases=("tversky_loss",),
        title="Tversky loss",
        image="[0, 1]",
        params=(
            Param(
                "alpha",
                0.5,
                "weight of false positives a * (1 - y)",
                NOT_NEGATIVE,
                derivative=_tversky_by_alpha,
            ),
            Param(
                "beta",
                0.5,
                "weight of false negatives (1 - a) * y",
                NOT_NEGATIVE,
                derivative=_tversky_by_beta,
            ),
            Param("smooth", 0.0, _SMOOTH, NOT_NEGATIVE, derivative=_tversky_by_smooth),
        ),
        formula="1 - (sum(a * y) + smooth)"
        " / (sum(a * y) + alpha * sum(a * (1 - y)) + beta * sum((1 - a) * y) + smooth)",
        derivative_formula="((alpha * (1 - y) - beta * y) * K - M * y) / (K + M)^2 with K = sum(a * y) + smooth,"
        " M = alpha * sum(a * (1 - y)) + beta * sum((1 - a) * y)",
        takes="values",
        value=_tversky,
        gradient=_tversky_gradient,
        by_target=_tversky_by_target,
        domain=UNIT,
        target_domain=UNIT,
        additive=False,
        notes=(
            "optax: alpha of false positives, as here; Keras: alpha of false negatives, so exchange alpha and beta",
            "optax has smooth=1 and takes logits; Keras adds 1e-7 below the fraction alone",
        ),
        libraries={"optax.losses": "dice_loss(alpha, beta)", "Keras": "tversky(alpha=beta, beta=alpha)"},
        source="Salehi, Erdogmus & Gholipour 2017",
        sample=(0.01, 0.99),
    ),
    VectorLoss(
        name="dice",
        aliases=("dice_loss",),
        title="Dice loss",
        image="(-inf, 1]; [0, 1] of numbers in [0, 1]",
        params=(
            Param("smooth", 0.0, _SMOOTH, NOT_NEGATIVE, derivative=_dice_by_smooth),
            Param("squared", False, "squares below the fraction: sum(a^2) + sum(y^2)"),
        ),
        formula="1 - (2 * sum(a * y) + smooth) / (sum(a) + sum(y) + smooth)",
        variants={
            "squared": "1 - (2 * sum(a * y) + smooth) / (sum(a^2) + sum(y^2) + smooth)",
        },
        derivative_formula="((1 - 2 * y) * K - 2 * M * y) / (K + M)^2 with K = 2 * sum(a * y) + smooth,"
        " M = sum(a * (1 - y)) + sum((1 - a) * y)",
        takes="values",
        value=_dice,
        gradient=_dice_gradient,
        by_target=lambda np, x, y, smooth, squared: _dice_gradient(np, y, x, "default", smooth, squared),
        domain=NOT_NEGATIVE,
        target_domain=NOT_NEGATIVE,
        additive=False,
        notes=(
            "tversky with alpha = beta = 1/2 and half the smoothing",
            "optax adds smooth to half of either part, so that its smooth=1 is smooth=2 here;"
            " it takes logits, and dice_loss the mean over classes, each by itself",
            "Keras adds 1e-7 below the fraction alone; Flux has smooth=1, squared",
            "with squared the derivative by target was measured up to 4.5 ulp off: the rounding of three sums",
        ),
        libraries={"optax.losses": "binary_dice_loss, dice_loss", "Keras": "dice"},
        source="Milletari, Navab & Ahmadi 2016",
        sample=(0.01, 0.99),
    ),
)
