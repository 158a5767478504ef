"""Building blocks for vectors (NumPy, last axis) that carry what rounding would lose.

Shapes: x (..., n). What is one number per vector has shape (..., 1), but for `total`, which gives (...).
"""

from __future__ import annotations

from typing import Any

SPLITTER = 134217729.0  # 2^27 + 1 cuts a float into two halves of 26 bits (Dekker)
OVERFLOWS = 2.0**1020  # differences of entries above may overflow: they are taken of a quarter


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b rounded, and what the rounding lost (Knuth); the loss is NaN where the sum is not finite."""
    s = a + b
    b_seen = s - a
    lost = s - b_seen
    lost = a - lost
    lost += b - b_seen
    return s, lost


def product_error(a: Any, b: Any, product: Any) -> Any:
    """a * b - product exactly, for product = a * b rounded (Dekker); NaN where the halves overflow."""
    a_high = SPLITTER * a - (SPLITTER * a - a)
    b_high = SPLITTER * b - (SPLITTER * b - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)


def finite_or_zero(np: Any, x: Any) -> Any:
    """`x` with 0 for what is not finite. Most arrays are finite throughout, so that is looked at first."""
    finite = np.isfinite(x)
    return x if finite.all() else np.where(finite, x, 0.0)


def quarter_if_huge(np: Any, largest: Any) -> Any:
    """1/4 for vectors whose largest absolute entry is so large that differences may overflow, else 1."""
    return np.where((largest > OVERFLOWS) & (largest < np.inf), 0.25, 1.0)


def scaled(np: Any, x: Any) -> tuple[Any, Any]:
    """X / 2^exponent with its largest absolute entry in [1/2, 1), and the exponents (..., 1)."""
    exponent = np.frexp(np.absolute(x).max(axis=-1, keepdims=True))[1]
    return np.ldexp(x, -exponent), exponent


def lifted(np: Any, x: Any) -> tuple[Any, Any]:
    """As `scaled`, but nothing is made smaller: a subnormal entry would lose digits."""
    exponent = np.minimum(np.frexp(np.absolute(x).max(axis=-1, keepdims=True))[1], 0)
    return np.ldexp(x, -exponent), exponent


def total(np: Any, x: Any, bound: float | None = None) -> Any:
    """Sum over the last axis, (...), as if added in twice the precision; `bound` is the largest entry, if known."""
    found = np.add(*_sums(np, x, bound))
    finite = np.isfinite(found)
    return found if finite.all() else np.where(finite, found, x.sum(axis=-1))


def full_total(np: Any, x: Any) -> tuple[Any, Any]:
    """The sum over the last axis of numbers that are finite, and what its rounding lost."""
    return two_sum(*_sums(np, x))


def _sums(np: Any, x: Any, bound: float | None = None) -> tuple[Any, Any]:
    """Two sums that make up that of the last axis, the first of them exact.

    Adding and taking away a large power of two cuts each entry into a multiple of one tiny number, of which
    all sums are exact, and a rest too small for its rounding to matter.
    """
    largest = np.absolute(x).max(axis=-1, keepdims=True) if bound is None else bound
    exponent = np.minimum(np.frexp(largest)[1] + x.shape[-1].bit_length() + 1, 1023)
    anchor = np.ldexp(1.0, exponent)
    high = x + anchor
    high -= anchor
    first = high.sum(axis=-1)
    np.subtract(x, high, out=high)
    return first, high.sum(axis=-1)


def without(np: Any, x: Any, index: Any) -> Any:
    """`x` with 0 at one place of each vector; index is (..., 1)."""
    rest = x.copy()
    np.put_along_axis(rest, index, 0.0, axis=-1)
    return rest


def others(np: Any, x: Any) -> tuple[Any, Any]:
    """For entries >= 0: their sum (..., 1), and for each entry the sum of all others (..., n).

    sum - x would cancel where one entry outweighs the rest, so that the largest entry's others are added up.
    """
    top = x.argmax(axis=-1)[..., None]
    rest = total(np, without(np, x, top))[..., None]
    whole = np.take_along_axis(x, top, axis=-1) + rest
    remaining = whole - x
    np.put_along_axis(remaining, top, rest, axis=-1)
    return whole, remaining
