"""Standardization: a vector less its mean, over its standard deviation."""

from __future__ import annotations

import math
from typing import Any

from gradcalc.functions.entry import NOT_NEGATIVE, Param, VectorActivation


class _Spread:
    """x less its mean as deviation 2^own, and sigma^2 = var + eps as square 4^exponent; (..., n) and (..., 1)."""

    __slots__ = ("deviation", "exponent", "own", "square")

    def __init__(self, deviation: Any, own: Any, square: Any, exponent: Any) -> None:
        self.deviation, self.own, self.square, self.exponent = deviation, own, square, exponent

    def z(self, np: Any) -> Any:
        """The standardized vector."""
        return np.ldexp(self.deviation / np.sqrt(self.square), self.own - self.exponent)


_LEAST = -5000  # an exponent below those of all floats and their squares
_ENDLESS = 5000  # and one above


def _spread(np: Any, x: Any, eps: float, closely: bool = False) -> _Spread:
    """Counted in a power of 2 near sigma, so that no square overflows, and none that matters underflows.

    Only closely is it the spread of the deviations before they are rounded: in their ratios that rounding cancels.
    """
    from gradcalc.numerics import arrays, doubled
    from gradcalc.numerics.vectors import product_error, total

    x, endless = _reached(np, x)
    deviation, low, own = _deviations(np, x)
    eps_mantissa, eps_own = math.frexp(eps)
    half = (eps_own + 1) // 2 if eps else _LEAST
    exponent = np.maximum(own, np.where(endless, _LEAST, half)).astype(np.intc)
    share = np.where(endless, 0.0, np.ldexp(eps_mantissa, np.maximum(eps_own - 2 * exponent, _LEAST)))
    near = np.ldexp(deviation, own - exponent)
    squares = near * near
    rest = product_error(near, near, squares)
    if closely:
        rest += 2.0 * near * np.ldexp(low, own - exponent)
    terms = np.concatenate([squares, rest], axis=-1)
    whole = total(np, terms)[..., None]
    lost = total(np, np.concatenate([terms, -whole], axis=-1))[..., None]
    mean = doubled.over(arrays, (whole, lost), (float(x.shape[-1]), 0.0))
    square, _ = doubled.plus(arrays, mean, (share, 0.0))
    beyond = np.where(endless, _ENDLESS, 0).astype(np.intc)
    return _Spread(deviation, own + beyond, square, exponent + beyond)


def _deviations(np: Any, x: Any) -> tuple[Any, Any, Any]:
    """x less its mean, scaled so that the largest is in [1/2, 1), its rounding, and the exponents taken out, (..., 1).

    The mean is rounded; what that leaves is the mean of the differences, and is taken off as well.
    """
    from gradcalc.numerics.vectors import scaled, total, two_sum

    x, exponent = scaled(np, x)
    n = x.shape[-1]
    high, low = two_sum(x, -total(np, x)[..., None] / n)
    left = (total(np, high) + total(np, low))[..., None] / n
    deviation, lost = two_sum(high, low - left)
    deviation, further = scaled(np, deviation)
    nothing = (deviation == 0).all(axis=-1, keepdims=True)  # however large the entries are
    own = np.where(nothing, _LEAST, exponent + further).astype(np.intc)
    return deviation, np.ldexp(lost, -further), own


def _reached(np: Any, x: Any) -> tuple[Any, Any]:
    """`x`, and in the place of a single infinite entry the limit, in which the others are 0 beside it."""
    infinite = np.isinf(x)
    single = (infinite.sum(axis=-1, keepdims=True) == 1) & ~np.isnan(x).any(axis=-1, keepdims=True)
    return np.where(single, np.where(infinite, np.sign(x), 0.0), x), single


def _standardize(np: Any, x: Any, eps: float) -> Any:
    return _spread(np, x, eps).z(np)


def _jacobian(np: Any, x: Any, eps: float) -> Any:
    """(delta_ij - 1/n - z_i z_j / n) / sigma."""
    spread, n = _spread(np, x, eps), x.shape[-1]
    if n == 2:
        return _of_two(np, x, spread, eps)[..., None] * np.array([[1.0, -1.0], [-1.0, 1.0]])
    deviation, far = spread.deviation, 2 * (spread.own - spread.exponent)[..., None]
    products = deviation[..., :, None] * deviation[..., None, :] / spread.square[..., None]
    matrix = np.eye(n) - (1.0 + np.ldexp(products, far)) / n
    return _over_sigma(np, matrix, spread.square[..., None], spread.exponent[..., None])


def _vjp(np: Any, x: Any, upstream: Any, eps: float) -> Any:
    """(g - mean g - z mean(g z)) / sigma."""
    from gradcalc.numerics.vectors import total

    spread, n = _spread(np, x, eps), x.shape[-1]
    if n == 2:
        return _of_two(np, x, spread, eps) * (upstream - upstream[..., ::-1])
    z = spread.z(np)
    mean = total(np, upstream)[..., None] / n
    slope = total(np, upstream * z)[..., None] / n
    return _over_sigma(np, (upstream - mean) - z * slope, spread.square, spread.exponent)


def _of_two(np: Any, x: Any, spread: _Spread, eps: float) -> Any:
    """eps / (2 sigma^3), (..., 1): what is left of the slope of one of two entries, where the rest cancels out."""
    from gradcalc.numerics import arrays, doubled
    from gradcalc.numerics.vectors import scaled

    x, endless = _reached(np, x)
    x, shift = scaled(np, x)
    gap = doubled.added(arrays, x[..., :1], -x[..., 1:])
    mantissa, own = math.frexp(eps)
    share = np.ldexp(mantissa, np.maximum(own - 2 * spread.exponent, _LEAST))
    half = tuple(np.ldexp(part, shift - 1 - spread.exponent) for part in gap)
    square = doubled.plus(arrays, doubled.times(arrays, half, half), (share, 0.0))
    cube = doubled.times(arrays, square, doubled.root(arrays, square))
    found = sum(doubled.over(arrays, (0.5 * mantissa, 0.0), cube))
    return np.where(endless, 0.0, np.ldexp(found, own - 3 * spread.exponent))


def _over_sigma(np: Any, x: Any, square: Any, exponent: Any) -> Any:
    return np.ldexp(x / np.sqrt(square), -exponent)


def _by_eps(np: Any, x: Any, eps: float) -> Any:
    """-z / (2 sigma^2)."""
    spread = _spread(np, x, eps, closely=True)
    slope = -0.5 * spread.deviation / np.sqrt(spread.square) / spread.square
    return np.ldexp(slope, spread.own - 3 * spread.exponent)


ENTRIES = (
    VectorActivation(
        name="standardize",
        aliases=("layer_norm", "layer_normalization"),
        title="Standardization: mean 0, variance 1",
        image="[-sqrt(n - 1), sqrt(n - 1)], with the mean 0",
        params=(Param("eps", 1e-5, "added to the variance", NOT_NEGATIVE, aliases=("epsilon",), derivative=_by_eps),),
        formula="(z - mean(z)) / sqrt(mean((z - mean(z))^2) + eps)",
        derivative_formula=(
            "J[i][j] = ((1 if i == j else 0) - 1 / n - a[i] * a[j] / n) / sqrt(mean((z - mean(z))^2) + eps)"
            " with a = standardize(z)"
        ),
        value=_standardize,
        jacobian=_jacobian,
        vjp=_vjp,
        libraries={
            "PyTorch": "F.layer_norm",
            "JAX": "nn.standardize",
            "Keras": "layers.LayerNormalization",
            "ONNX": "LayerNormalization",
        },
        notes=(
            "the variance is the population's, with 1 / n",
            "eps is 1e-5 in PyTorch and JAX and 1e-3 in Keras; equal entries with eps = 0 give NaN",
        ),
        source="Ba, Kiros & Hinton 2016; JAX standardize",
    ),
)
