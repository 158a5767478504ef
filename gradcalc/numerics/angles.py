"""The angle between two vectors (NumPy, last axis): its cosine, 1 minus it, and their slopes, without cancellation."""

from __future__ import annotations

from typing import Any, NamedTuple

_NEXT = 1.0 + 1e-15
_RAISED = 300  # an exponent that keeps what is divided by eps from underflow
_NEAR = 1e-12  # below it the rounding of the cosine's second part counts
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


def dot(np: Any, x: Any, y: Any) -> Any:
    """sum x y, as if in twice the precision; (..., 1)."""
    from gradcalc.numerics.vectors import product_error, total

    products = x * y
    lost = product_error(x, y, products)
    return total(np, np.concatenate([products, lost], axis=-1))[..., None]


def _length(np: Any, x: Any) -> Any:
    return np.sqrt(dot(np, x, x))


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
    return _Angle(x, y, x_length, y_length, dot(np, x, y) / x_length / y_length, x_exponent)


def _crosswise(x: Any, y: Any, i: int) -> Any:
    """x_j y_i - x_i y_j for all j, where both products may be equal but for their roundings."""
    from gradcalc.numerics.vectors import product_error

    first, second = x * y[..., i : i + 1], x[..., i : i + 1] * y
    lost = product_error(x, y[..., i : i + 1], first) - product_error(x[..., i : i + 1], y, second)
    return (first - second) + lost


def _across(np: Any, x: Any, y: Any) -> Any:
    """The part of y that stands across x, (..., n), both scaled: y less its part along x, taken away twice."""
    from gradcalc.numerics.vectors import product_error

    square = dot(np, x, x)
    share = dot(np, x, y) / square
    along = share * x
    across = (y - along) - product_error(share + 0.0 * x, x, along)
    across = across - (dot(np, x, across) / square) * x
    near = (dot(np, across, across) < _PARALLEL * dot(np, y, y))[..., 0]
    if near.any():
        across[near] = _across_by_pairs(np, x[near], y[near]) / square[near]
    return across


def _across_by_pairs(np: Any, x: Any, y: Any) -> Any:
    """sum_j x_j (x_j y_i - x_i y_j), Lagrange's way: exact also where x and y are almost parallel."""
    columns = [dot(np, x, _crosswise(x, y, i)) for i in range(x.shape[-1])]
    return np.concatenate(columns, axis=-1)


def cosine(np: Any, x: Any, y: Any, eps: float) -> Any:
    """The cosine similarity (...)."""
    return _angle(np, x, y, eps).cosine[..., 0]


def similarity_gradient(np: Any, x: Any, y: Any, eps: float) -> Any:
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
    x_eps, square = np.ldexp(eps, -2 * x_exponent), dot(np, x, x)
    parts = [(_fulldot(np, v, v), np.ldexp(eps, -2 * unit)) for v, unit in ((x, x_exponent), (y_part, y_unit))]
    squares = [doubled.plus(arrays, whole, (more, 0.0 * more)) for whole, more in parts]
    lengths, _ = doubled.root(arrays, doubled.times(arrays, *squares))
    along = x * (dot(np, x, full) / square) * (x_eps / (square + x_eps))
    slope = np.where(square < _NOTHING, full + 0.0 * x, _across(np, x, full) + along)
    return np.ldexp(np.ldexp(slope, y_exponent - y_unit + _RAISED) / lengths, -x_exponent - _RAISED)


def _fulldot(np: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """sum x y and what its rounding lost; (..., 1) each."""
    from gradcalc.numerics.vectors import product_error, total

    products = x * y
    terms = np.concatenate([products, product_error(x, y, products)], axis=-1)
    whole = total(np, terms)[..., None]
    return whole, total(np, np.concatenate([terms, -whole], axis=-1))[..., None]


def _full_cosine(np: Any, at: _Angle) -> tuple[Any, Any]:
    """The cosine and what its rounding lost; (..., 1) each."""
    from gradcalc.numerics import arrays, doubled

    x_short, y_short = at.short(np)
    parts = [
        (_fulldot(np, v, v), length, short)
        for v, length, short in ((at.x, at.x_length, x_short), (at.y, at.y_length, y_short))
    ]
    squares = [
        tuple(
            np.where(short, eps, own)
            for own, eps in zip(square, doubled.multiplied(arrays, length, length), strict=True)
        )
        for square, length, short in parts
    ]
    lengths = doubled.root(arrays, doubled.times(arrays, *squares))
    return doubled.over(arrays, _fulldot(np, at.x, at.y), lengths)


def full_cosine(np: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """The cosine (...), and what its rounding lost."""
    high, low = _full_cosine(np, _angle(np, x, y, 0.0))
    return high[..., 0], low[..., 0]


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
    full = _full_gap(np, at)
    near = (full < _NEAR) & ~(x_short | y_short)
    if near.any():
        at = at._replace(x=at.x + 0.0 * at.y, y=at.y + 0.0 * at.x)
        rows = near[..., 0]
        full[near] = _gap_by_pairs(np, at.x[rows], at.y[rows], at.cosine[near][..., None])[..., 0]
    return full[..., 0]


def _gap_by_pairs(np: Any, x: Any, y: Any, cosine: Any) -> Any:
    """sum_{i < j} (x_i y_j - x_j y_i)^2 / (|x|^2 |y|^2 (1 + cos)), Lagrange's way."""
    from gradcalc.numerics import arrays, doubled
    from gradcalc.numerics.vectors import scaled

    columns, exponent = scaled(np, np.concatenate([_crosswise(x, y, i) for i in range(x.shape[-1])], axis=-1))
    lengths, low = doubled.times(arrays, _fulldot(np, x, x), _fulldot(np, y, y))
    return np.ldexp(dot(np, columns, columns) / (2.0 * (1.0 + cosine)) / (lengths + low), 2 * exponent)
