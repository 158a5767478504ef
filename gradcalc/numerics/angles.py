"""The angle between two vectors (NumPy, last axis): its cosine, 1 minus it, and their slopes, without cancellation.

A length counts at least eps; or, where eps is `added`, it is the root of the sum of squares and eps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gradcalc.numerics import decimal_angles
from gradcalc.numerics.doubled import Pair

_NEARLY_PARALLEL = 1e-5  # of the square of a sine
_NEARLY_EQUAL = 1e-9
_SMALL, _LARGE = 1e-120, 1e120  # of entries whose products need no care
_LONGER = 100.0  # times eps


class _Angle(NamedTuple):
    """X and y by powers of 2, the sums of their products and of their squares, |x| |y|, and the exponent of x.

    What eps adds to the squares is in them, and by itself in `more`; the pairs are (..., 1).
    """

    x: Any
    y: Any
    dot: Pair
    square: Pair
    more: Any
    lengths: Pair
    exponent: Any

    @property
    def cosine(self) -> Pair:
        """The cosine, and what its rounding lost."""
        from gradcalc.numerics import arrays, doubled

        return doubled.over(arrays, self.dot, self.lengths)


def dot(np: Any, x: Any, y: Any) -> Any:
    """sum x y, as if in twice the precision; (..., 1)."""
    from gradcalc.numerics.vectors import product_error, total

    products = x * y
    lost = product_error(x, y, products)
    return total(np, np.concatenate([products, lost], axis=-1))[..., None]


def _fulldot(np: Any, x: Any, y: Any) -> Pair:
    """sum x y and what its rounding lost; (..., 1) each."""
    from gradcalc.numerics.vectors import product_error, total

    products = x * y
    terms = np.concatenate([products, product_error(x, y, products)], axis=-1)
    whole = total(np, terms)[..., None]
    return whole, total(np, np.concatenate([terms, -whole], axis=-1))[..., None]


def _angle(np: Any, x: Any, y: Any, eps: float) -> _Angle:
    """For vectors that floats can do, with eps added to the squares."""
    from gradcalc.numerics import arrays, doubled
    from gradcalc.numerics.vectors import scaled

    (x, x_exponent), (y, y_exponent) = scaled(np, x * 1.0), scaled(np, y * 1.0)
    more, other = (np.ldexp(eps, -2 * exponent) for exponent in (x_exponent, y_exponent))
    square, of_other = (
        doubled.plus(arrays, _fulldot(np, v, v), (part, 0.0 * part)) for v, part in ((x, more), (y, other))
    )
    lengths = doubled.root(arrays, doubled.times(arrays, square, of_other))
    return _Angle(x, y, _fulldot(np, x, y), square, more, lengths, x_exponent)


def _hard(np: Any, x: Any, y: Any, eps: float, added: bool) -> Any:
    """Which pairs (...) floats cannot do: of tiny or huge entries, almost parallel, or short beside eps."""
    extreme = np.zeros(x.shape[:-1], dtype=bool)
    shortest = np.inf
    for size in (np.absolute(x), np.absolute(y)):
        extreme |= ((size > 0) & ((size < _SMALL) | (size > _LARGE))).any(axis=-1)
        shortest = np.minimum(shortest, size.max(axis=-1))
    if eps:
        least = np.sqrt(eps) if added else eps
        extreme |= (shortest < _LONGER * least) | bool(least < _SMALL)
    cosine = _angle(np, x, y, 0.0).cosine[0][..., 0]
    known = np.isfinite(x).all(axis=-1) & np.isfinite(y).all(axis=-1)
    return known & (extreme | (shortest == 0) | (1.0 - cosine * cosine < _NEARLY_PARALLEL))


def _settled(
    np: Any, compute: Callable[..., Any], found: Any, x: Any, y: Any, eps: float, *, added: bool, also: Any = False
) -> Any:
    """What was found, with the hard pairs, and others of a mask, worked out in decimals."""
    from gradcalc.numerics.digits import exactly, in_rows

    x, y = np.broadcast_arrays(x, y)
    hard = _hard(np, x, y, eps, added) | also
    lengths = decimal_angles.Lengths(exactly(np, [eps])[0], added)
    return in_rows(np, hard, found, lambda x, y, _: compute(x, y, lengths), x, y, eps)


def cosine(np: Any, x: Any, y: Any, eps: float) -> Any:
    """The cosine similarity (...)."""
    found = _angle(np, x, y, 0.0).cosine[0][..., 0]
    return _settled(np, decimal_angles.cosine, found, x, y, eps, added=False)


def cosine_gap(np: Any, x: Any, y: Any, eps: float, *, added: bool = False) -> Any:
    """1 - cosine, (...)."""
    from gradcalc.numerics import arrays, doubled

    high, low = _angle(np, x, y, eps if added else 0.0).cosine
    gap, lost = doubled.added(arrays, np.ones_like(high), -high)
    return _settled(np, decimal_angles.gap, (gap + (lost - low))[..., 0], x, y, eps, added=added)


def cosine_beyond(np: Any, x: Any, y: Any, eps: float, margin: float) -> Any:
    """cosine - margin, (...), 0 only where the cosine rounded is the margin; with eps added."""
    from gradcalc.numerics import arrays, doubled
    from gradcalc.numerics.digits import exactly

    (least,) = exactly(np, [margin])
    high, low = _angle(np, x, y, eps).cosine
    beyond, lost = doubled.added(arrays, high, -margin)
    found = (beyond + (lost + low))[..., 0]
    near = np.absolute(found) < _NEARLY_EQUAL

    def compute(x: Any, y: Any, lengths: decimal_angles.Lengths) -> Any:
        return decimal_angles.beyond(x, y, lengths, least)

    return _settled(np, compute, found, x, y, eps, added=True, also=near)


def cosine_slope(np: Any, x: Any, y: Any, eps: float, *, added: bool = False) -> Any:
    """The slope of the cosine by x: y - x (x.y) / (|x|^2 + eps), over both lengths.

    That is across + along eps / (|x|^2 + eps), two parts at a right angle, with along = x (x.y) / |x|^2.
    """
    at = _angle(np, x, y, eps if added else 0.0)
    along = at.x * (at.dot[0] / (at.square[0] - at.more)) * (at.more / at.square[0])
    found = np.ldexp((_across(np, at.x, at.y) + along) / at.lengths[0], -at.exponent)
    return _settled(np, decimal_angles.slope, found, x, y, eps, added=added)


def _across(np: Any, x: Any, y: Any) -> Any:
    """The part of y that stands across x, (..., n), both scaled: y less its part along x, taken away twice."""
    from gradcalc.numerics.vectors import product_error

    square = dot(np, x, x)
    share = dot(np, x, y) / square
    along = share * x
    across = (y - along) - product_error(share + 0.0 * x, x, along)
    return across - (dot(np, x, across) / square) * x
