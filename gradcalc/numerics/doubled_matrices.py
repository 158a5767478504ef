"""Matrix products in twice the precision: cut into parts of so few bits that the products of parts are exact.

The parts are multiplied by NumPy's own product (Ozaki's way), so that a large matrix takes hardly longer than its size.
"""

from __future__ import annotations

from typing import Any

from gradcalc.numerics import doubled
from gradcalc.numerics.doubled import Pair

_BITS = 110  # of each factor's largest entry of a row or column

#: The error of a product, by the size of its largest term: 2^-110 for each cut, and a rounding for each partial sum.
ERROR = 2.0**-98


def product(np: Any, a: Pair, b: Pair) -> Pair:
    """The matrix a @ b of matrices (m, n) and (n, k)."""
    from gradcalc.numerics import arrays

    bits = (53 - a[0].shape[1].bit_length()) // 2
    count = -(-_BITS // bits)
    left, right = _parts(np, a, bits, count, 1), _parts(np, b, bits, count, 0)
    found = np.zeros((len(a[0]), b[0].shape[1])), 0.0
    for order in range(count - 1, -1, -1):  # the smallest first
        for i in range(order + 1):
            found = doubled.plus(arrays, found, (left[i] @ right[order - i], 0.0))
    return found


def _parts(np: Any, x: Pair, bits: int, count: int, axis: int) -> list[Any]:
    """Matrices that add up to x, each with few bits by the largest entry along the axis."""
    from gradcalc.numerics.vectors import two_sum

    high, low = x
    exponent = np.frexp(np.absolute(high).max(axis=axis, keepdims=True))[1]
    found = []
    for k in range(1, count + 1):
        part = np.ldexp(np.rint(np.ldexp(high, k * bits - exponent)), exponent - k * bits)
        high, low = two_sum(high - part, low)
        found.append(part)
    return found


def rows_total(np: Any, x: Pair, among: Any) -> Pair:
    """The sum of each row's entries of a mask, (m, 1)."""
    from gradcalc.numerics import powers

    return powers.summed(np, tuple(np.where(among, part, 0.0) for part in x))


def transposed_added(x: Pair) -> Pair:
    """The matrix x + x^T."""
    from gradcalc.numerics import arrays

    return doubled.plus(arrays, x, (x[0].T, x[1].T))


def exponential(np: Any, x: Pair) -> Pair:
    """e^x, 0 where that underflows."""
    from gradcalc.numerics import powers

    (high, low), exponent = powers.exponential(np, x)
    return np.ldexp(high, exponent), np.ldexp(low, exponent)
