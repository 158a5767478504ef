"""The cosine of one pair of vectors and its slopes in decimals: where floats would cancel, underflow or overflow.

Each takes two vectors of decimals, and what counts as their lengths.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from gradcalc.numerics.digits import ONE, ZERO

_NAN, _SMALLEST = Decimal("NaN"), Decimal("5e-324")


class Lengths(NamedTuple):
    """What counts as a vector's length: `raised` to eps at least, or with eps `added` to its square."""

    eps: Decimal
    added: bool

    def of(self, square: Decimal) -> Decimal:
        """The length of a vector with this square."""
        return (square + self.eps).sqrt() if self.added else max(square.sqrt(), self.eps)

    def share(self, dot: Decimal, square: Decimal) -> Decimal:
        """How much of a vector is taken from what it is multiplied with in the slope by it."""
        if self.added:
            return dot / (square + self.eps)
        return ZERO if square < self.eps * self.eps else dot / square


def cosine(x: Any, y: Any, lengths: Lengths) -> Decimal:
    """x.y by both lengths; NaN where one is 0."""
    both = lengths.of((x * x).sum()) * lengths.of((y * y).sum())
    return (x * y).sum() / both if both else _NAN


def gap(x: Any, y: Any, lengths: Lengths) -> Decimal:
    """1 - cosine."""
    return ONE - cosine(x, y, lengths)


def slope(x: Any, y: Any, lengths: Lengths) -> Any:
    """The cosine's derivative by x."""
    square = (x * x).sum()
    both = lengths.of(square) * lengths.of((y * y).sum())
    return (y - lengths.share((x * y).sum(), square) * x) / both if both else 0 * x * y + _NAN


def beyond(x: Any, y: Any, lengths: Lengths, margin: Decimal) -> Decimal:
    """cosine - margin, 0 only where the cosine rounded is the margin, as its sign decides."""
    found = cosine(x, y, lengths)
    if not found - margin or (margin and float(found) == float(margin)):
        return ZERO
    return max(abs(found - margin), _SMALLEST).copy_sign(found - margin)
