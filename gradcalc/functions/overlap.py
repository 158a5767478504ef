"""Losses of how well two vectors overlap: cosine similarity and distance, Tversky and Dice."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, UNIT, Param, VectorLoss

_NEXT = 1.0 + 1e-15
_RAISED = 300  # an exponent that keeps what is divided by eps from underflow
_LIFT = 2.0**100  # products of shares keep their digits
_NEAR = 1e-8  # from here on the rounding of the cosine's second part counts
_NOTHING = 2.0**-900  # beside eps
_PARALLEL = 1e-14  # below that square of a sine the crosswise products are taken one by one


class _Angle(NamedTuple):
    """x and y scaled by powers of 2, their lengths (..., 1), the cosine, and x's exponent."""

    x: Any
    y: Any
    x_length: Any
    y_length: Any
    cosine: Any
    x_exponent: Any

    def short(self, np: Any) -> Any:
        """Whether a length has been raised to eps: that of x, and that of y."""
        return self.x_length > _length(np, self.x) * _NEXT, self.y_length > _length(np, self.y) * _NEXT


def _dot(np: Any, x: Any, y: Any) -> Any:
    """sum x y, as if in twice the precision; (..., 1)."""
    from gradcalc.numerics.vectors import product_error, total

    products = x * y
    lost = product_error(x, y, products)
    return total(np, np.concatenate([products, lost], axis=-1))[..., None]


def _length(np: Any, x: Any) -> Any:
    return np.sqrt(_dot(np, x, x))


def _scaled(np: Any, x: Any, eps: float) -> tuple[Any, Any]:
    """x by its largest entry, or by eps where that is far above."""
    least = np.frexp(eps)[1] - 200 if eps else -2000
    exponent = np.maximum(np.frexp(np.absolute(x).max(axis=-1, keepdims=True))[1], least)
    return np.ldexp(x * 1.0, -exponent), exponent


def _angle(np: Any, x: Any, y: Any, eps: float) -> _Angle:
    """Lengths are at least eps."""
    x, x_exponent = _scaled(np, x, eps)
    y, y_exponent = _scaled(np, y, eps)
    x_length = np.maximum(_length(np, x), np.ldexp(eps, -x_exponent))
    y_length = np.maximum(_length(np, y), np.ldexp(eps, -y_exponent))
    return _Angle(x, y, x_length, y_length, _dot(np, x, y) / x_length / y_length, x_exponent)


def _crosswise(np: Any, x: Any, y: Any, i: int) -> Any:
    """x_j y_i - x_i y_j for all j, where both products may be equal but for their roundings."""
    from gradcalc.numerics.vectors import product_error

    first, second = x * y[..., i : i + 1], x[..., i : i + 1] * y
    lost = product_error(x, y[..., i : i + 1], first) - product_error(x[..., i : i + 1], y, second)
    return (first - second) + lost


def _across(np: Any, x: Any, y: Any) -> Any:
    """The part of y that stands across x, (..., n), both scaled: y less its part along x, taken away twice."""
    from gradcalc.numerics.vectors import product_error

    square = _dot(np, x, x)
    share = _dot(np, x, y) / square
    along = share * x
    across = (y - along) - product_error(share + 0.0 * x, x, along)
    across = across - (_dot(np, x, across) / square) * x
    near = (_dot(np, across, across) < _PARALLEL * _dot(np, y, y))[..., 0]
    if near.any():
        across[near] = _across_by_pairs(np, x[near], y[near]) / square[near]
    return across


def _across_by_pairs(np: Any, x: Any, y: Any) -> Any:
    """sum_j x_j (x_j y_i - x_i y_j), Lagrange's way: exact also where x and y are almost parallel."""
    columns = [_dot(np, x, _crosswise(np, x, y, i)) for i in range(x.shape[-1])]
    return np.concatenate(columns, axis=-1)


def cosine(np: Any, x: Any, y: Any, eps: float) -> Any:
    """The cosine similarity (...)."""
    return _angle(np, x, y, eps).cosine[..., 0]


def _similarity_gradient(np: Any, x: Any, y: Any, side: str, eps: float) -> Any:
    """across / (|x| |y|); where |x| is below eps, y / (eps |y|)."""
    from gradcalc.numerics.vectors import scaled

    at = _angle(np, x, y, eps)
    full, exponent = scaled(np, at.y)
    across = np.ldexp(_across(np, at.x, full), exponent + _RAISED)
    slope = np.where(at.short(np)[0], np.ldexp(at.y, _RAISED), across)
    return np.ldexp(slope / at.y_length / at.x_length, -at.x_exponent - _RAISED)


def cosine_slope(np: Any, x: Any, y: Any, eps: float) -> Any:
    """The slope of x.y / sqrt((|x|^2 + eps) (|y|^2 + eps)) by x, times s = sqrt((|x|^2 + eps) (|y|^2 + eps)).

    y - x (x.y) / (|x|^2 + eps) = across + along eps / (|x|^2 + eps), at a right angle; along = x (x.y) / |x|^2.
    """
    from gradcalc.numerics import arrays, doubled
    from gradcalc.numerics.vectors import scaled

    root = float(np.sqrt(eps))
    (x, x_exponent), (y_part, y_unit), (full, y_exponent) = _scaled(np, x, root), _scaled(np, y, root), scaled(np, y)
    x_eps, square = np.ldexp(eps, -2 * x_exponent), _dot(np, x, x)
    parts = [(_full_dot(np, v, v), np.ldexp(eps, -2 * unit)) for v, unit in ((x, x_exponent), (y_part, y_unit))]
    squares = [doubled.plus(arrays, whole, (more, 0.0 * more)) for whole, more in parts]
    lengths, _ = doubled.root(arrays, doubled.times(arrays, *squares))
    along = x * (_dot(np, x, full) / square) * (x_eps / (square + x_eps))
    slope = np.where(square < _NOTHING, full + 0.0 * x, _across(np, x, full) + along)
    return np.ldexp(np.ldexp(slope, y_exponent - y_unit + _RAISED) / lengths, -x_exponent - _RAISED)


def _full_dot(np: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """sum x y and what its rounding lost; (..., 1) each."""
    from gradcalc.numerics.vectors import product_error, total

    products = x * y
    terms = np.concatenate([products, product_error(x, y, products)], axis=-1)
    whole = total(np, terms)[..., None]
    return whole, total(np, np.concatenate([terms, -whole], axis=-1))[..., None]


def _full_cosine(np: Any, at: _Angle) -> tuple[Any, Any]:
    """The cosine and what its rounding lost; (..., 1) each."""
    from gradcalc.numerics import arrays, doubled

    lengths = doubled.root(arrays, doubled.times(arrays, _full_dot(np, at.x, at.x), _full_dot(np, at.y, at.y)))
    return doubled.over(arrays, _full_dot(np, at.x, at.y), lengths)


def exact_cosine(np: Any, x: Any, y: Any) -> Any:
    """The cosine (...), rounded once."""
    high, low = _full_cosine(np, _angle(np, x, y, 0.0))
    return (high + low)[..., 0]


def _full_gap(np: Any, at: _Angle) -> Any:
    """1 - cos, the cosine not rounded before; (..., 1)."""
    from gradcalc.numerics import arrays, doubled

    high, low = _full_cosine(np, at)
    gap, lost = doubled.added(arrays, np.ones_like(high), -high)
    return gap + (lost - low)


def cosine_gap(np: Any, x: Any, y: Any, eps: float) -> Any:
    """1 - cos; where that cancels |across|^2 / (|y|^2 (1 + cos))."""
    at = _angle(np, x, y, eps)
    x_short, y_short = at.short(np)
    across = _across(np, at.x, at.y)
    near = _dot(np, across, across) / (_dot(np, at.y, at.y) * (1.0 + at.cosine))
    full = _full_gap(np, at)
    return np.where(x_short | y_short, 1.0 - at.cosine, np.where(full < _NEAR, near, full))[..., 0]


def _distance_gradient(np: Any, x: Any, y: Any, side: str, eps: float) -> Any:
    return -_similarity_gradient(np, x, y, side, eps) + 0.0


def _total(np: Any, x: Any) -> Any:
    from gradcalc.numerics.vectors import total

    return total(np, x)[..., None]


class _Overlap(NamedTuple):
    """A fraction missed / whole, both times root^2, and their derivatives, times root^2 / factor.

    `lift` keeps the digits of quotients that would be subnormal.
    """

    missed: Any
    kept: Any
    whole: Any
    missed_slope: Any
    kept_slope: Any
    root: Any
    factor: Any
    lift: float

    @property
    def loss(self) -> Any:
        """missed / whole."""
        return (self.missed / self.whole)[..., 0]

    def gradient(self, np: Any) -> Any:
        """With whole = kept + missed: (missed' kept - missed kept') / whole^2."""
        kept, missed = self.kept * self.lift / self.whole, self.missed * self.lift / self.whole
        slope = self.missed_slope * kept - self.kept_slope * missed
        small = (self.whole < self.factor * 1e-200) | (self.lift == 1.0)
        return np.where(small, slope / self.whole * self.factor, slope * (self.factor / self.whole)) / self.lift

    def by_smooth(self) -> Any:
        """-missed / whole^2."""
        return -(self.missed / self.whole * self.root * (self.root / self.whole))[..., 0]


def _tversky_parts(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> _Overlap:
    lifted = x * _LIFT
    false = np.concatenate([alpha * lifted * (1.0 - y), beta * (1.0 - x) * (y * _LIFT)], axis=-1)
    missed, kept = _total(np, false), _total(np, lifted * y) + smooth * _LIFT
    return _Overlap(missed, kept, kept + missed, alpha * (1.0 - y) - beta * y, y, 2.0**50, _LIFT, _LIFT)


def _tversky(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    return _tversky_parts(np, x, y, alpha, beta, smooth).loss


def _tversky_gradient(np: Any, x: Any, y: Any, side: str, alpha: float, beta: float, smooth: float) -> Any:
    return _tversky_parts(np, x, y, alpha, beta, smooth).gradient(np)


def _tversky_by_target(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    return _tversky_parts(np, y, x, beta, alpha, smooth).gradient(np)


def _tversky_by_weight(np: Any, x: Any, y: Any, at: _Overlap) -> Any:
    """d / d weight of the terms x (1 - y)."""
    false = _total(np, x * _LIFT * (1.0 - y))
    return (false * (at.kept / at.whole) / at.whole)[..., 0]


def _tversky_by_smooth(np: Any, x: Any, y: Any, alpha: float, beta: float, smooth: float) -> Any:
    return _tversky_parts(np, x, y, alpha, beta, smooth).by_smooth()


def _dice_parts(np: Any, x: Any, y: Any, smooth: float, squared: bool) -> _Overlap:
    """missed = sum (x (1 - y) + y (1 - x)), or sum (x - y)^2; of numbers so large that they overflow, scaled."""
    largest = np.maximum(np.absolute(x), np.absolute(y)).max(axis=-1, keepdims=True)
    one = np.where(largest > 2.0**200, np.ldexp(1.0, 200 - np.frexp(largest)[1]), 1.0)
    x, y, smooth = x * one, y * one, smooth * one * one
    kept = 2.0 * _total(np, x * y) + smooth
    if squared:
        missed, whole = _total(np, (x - y) * (x - y)), _total(np, np.concatenate([x * x, y * y], axis=-1)) + smooth
        return _Overlap(missed, kept, whole, 2.0 * (x - y), 2.0 * y, one, one, 1.0)
    missed = _total(np, np.concatenate([x * (one - y), y * (one - x)], axis=-1))
    whole = _total(np, np.concatenate([x * one, y * one], axis=-1)) + smooth
    return _Overlap(missed, kept, whole, one - 2.0 * y, 2.0 * y, one, one, 1.0)


def _dice(np: Any, x: Any, y: Any, smooth: float, squared: bool) -> Any:
    return _dice_parts(np, x, y, smooth, squared).loss


def _dice_gradient(np: Any, x: Any, y: Any, side: str, smooth: float, squared: bool) -> Any:
    """Without squares whole' is 1, and the same is (kept / whole - 2 y) / whole."""
    at = _dice_parts(np, x, y, smooth, squared)
    if squared:
        return at.gradient(np)
    return (at.root * (at.kept / at.whole) - at.kept_slope) * (at.root / at.whole)


def _dice_by_smooth(np: Any, x: Any, y: Any, smooth: float, squared: bool) -> Any:
    return _dice_parts(np, x, y, smooth, squared).by_smooth()


_EPS = Param("eps", 0.0, "lengths count at least that", NOT_NEGATIVE)
_SMOOTH = "is added above and below the fraction"

ENTRIES = (
    VectorLoss(
        name="cosine_similarity",
        aliases=("cosine",),
        title="Cosine similarity",
        params=(_EPS,),
        formula="sum(a * y) / (sqrt(sum(a^2)) * sqrt(sum(y^2)))",
        variants={
            "eps": "sum(a * y) / (max(norm(a), eps) * max(norm(y), eps))",
        },
        derivative_formula="(y / |y| - cos * a / |a|) / |a| with cos = cosine_similarity",
        takes="values",
        value=cosine,
        gradient=_similarity_gradient,
        by_target=lambda np, x, y, eps: _similarity_gradient(np, y, x, "default", eps),
        additive=False,
        notes=(
            "Keras' loss is minus this: --scale -1",
            "PyTorch has eps=1e-8, Keras 1e-7; a vector of zeros has no direction, and gives NaN without eps",
            "of zeros JAX and optax have NaN too, and Keras the value 0 with the gradient NaN",
        ),
        libraries={"PyTorch": "cosine_similarity", "optax": "cosine_similarity", "Keras": "-cosine_similarity"},
        source="PyTorch cosine_similarity, optax cosine_similarity",
    ),
    VectorLoss(
        name="cosine_distance",
        title="Cosine distance",
        params=(_EPS,),
        formula="1 - sum(a * y) / (sqrt(sum(a^2)) * sqrt(sum(y^2)))",
        variants={
            "eps": "1 - sum(a * y) / (max(norm(a), eps) * max(norm(y), eps))",
        },
        derivative_formula="(cos * a / |a| - y / |y|) / |a| with cos = cosine_similarity",
        takes="values",
        value=cosine_gap,
        gradient=_distance_gradient,
        by_target=lambda np, x, y, eps: _distance_gradient(np, y, x, "default", eps),
        additive=False,
        notes=("a vector of zeros has no direction, and gives NaN without eps",),
        libraries={"optax": "cosine_distance"},
        source="optax cosine_distance",
    ),
    VectorLoss(
        name="tversky",
        aliases=("tversky_loss",),
        title="Tversky loss",
        params=(
            Param(
                "alpha",
                0.5,
                "weight of false positives a * (1 - y)",
                NOT_NEGATIVE,
                derivative=lambda np, x, y, a, b, s: _tversky_by_weight(np, x, y, _tversky_parts(np, x, y, a, b, s)),
            ),
            Param(
                "beta",
                0.5,
                "weight of false negatives (1 - a) * y",
                NOT_NEGATIVE,
                derivative=lambda np, x, y, a, b, s: _tversky_by_weight(np, y, x, _tversky_parts(np, x, y, a, b, s)),
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
            "optax has smooth=1; Keras adds 1e-7 below the fraction alone",
        ),
        libraries={"optax": "tversky_loss", "Keras": "tversky"},
        source="Salehi, Erdogmus & Gholipour 2017",
        sample=(0.01, 0.99),
    ),
    VectorLoss(
        name="dice",
        aliases=("dice_loss",),
        title="Dice loss",
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
            "optax' smooth=1 is smooth=2 here; Keras adds 1e-7 below the fraction alone; Flux has smooth=1, squared",
        ),
        libraries={"optax": "dice_loss", "Keras": "dice"},
        source="Milletari, Navab & Ahmadi 2016",
        sample=(0.01, 0.99),
    ),
)
