"""The probabilities of sparsemax and its threshold, with what rounding takes from them."""

from __future__ import annotations

from typing import Any

from gradcalc.numerics import doubled


def sparse_probabilities(np: Any, x: Any) -> tuple[Any, Any, Any]:
    """sparsemax(x), its threshold as the largest entry minus tau and what that rounds off, and the largest."""
    from gradcalc.functions.sparsemax import support
    from gradcalc.numerics import arrays

    x = x * 1.0
    above = support(np, x).above
    largest = x.max(axis=-1, keepdims=True)
    gap, low = gaps(np, np.where(above, x, largest), largest)
    count = above.sum(axis=-1, keepdims=True)
    whole = _pair_total(np, gap, low)
    left = doubled.minus(arrays, (np.ones_like(largest), 0.0), whole)
    share = doubled.over(arrays, left, (1.0 * count, 0.0))
    p, _ = doubled.plus(arrays, (gap, low), share)
    return np.where(above, np.maximum(p, 0.0), 0.0), share, largest


def gaps(np: Any, x: Any, largest: Any) -> tuple[Any, Any]:
    """x - largest, and what rounding took from it."""
    from gradcalc.numerics.vectors import finite_or_zero, two_sum

    gap, low = two_sum(x, -largest)
    return gap, finite_or_zero(np, low)


def _pair_total(np: Any, high: Any, low: Any) -> tuple[Any, Any]:
    """The sum of both, and what its rounding lost; (..., 1) each."""
    from gradcalc.numerics.vectors import total

    terms = np.concatenate([high, low], axis=-1)
    whole = total(np, terms)[..., None]
    return whole, total(np, np.concatenate([terms, -whole], axis=-1))[..., None]
