"""The loss ntxent of a batch of ordinary numbers, in twice the precision: a hundred times as fast as in decimals."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.numerics import doubled
from gradcalc.numerics import doubled_matrices as matrices
from gradcalc.numerics.doubled import Pair

_LEAST_ROWS = 8  # of fewer, decimals are fast enough
_ORDINARY = 1e60  # entries of at most that size, or that small
_COLDEST = 0.007  # a temperature by which no exponential comes near underflow
_LOST = 2.0**-57  # of the largest number of a result may be lost


class Similar(NamedTuple):
    """Directions and lengths of the rows by powers of two, similarities and dL / d similarity, and the exponents.

    `ratio` is sum_k e^((s_ik - s_ij) / T) for pairs of one label, else 0.
    """

    directions: Pair
    lengths: Pair
    similarity: Pair
    ratio: Any
    slopes: Pair
    pairs: int
    exponent: Any
    temperature: float

    def value(self, np: Any) -> Any:
        """The loss."""
        from gradcalc.numerics.vectors import total

        return total(np, np.log1p(self.ratio).ravel()) / self.pairs

    def gradient(self, np: Any) -> Any:
        """With g = dL/du: (g - u (u.g)) / length; None where that cancels too far."""
        from gradcalc.numerics import arrays, powers

        both = matrices.transposed_added(self.slopes)
        g = matrices.product(np, both, self.directions)
        along = powers.summed(np, doubled.times(arrays, self.directions, g))
        across = doubled.minus(arrays, g, doubled.times(arrays, self.directions, along))
        found = np.ldexp(across[0] / self.lengths[0], -self.exponent)
        terms = np.absolute(both[0]).max(axis=1, keepdims=True) * len(both[0])
        lost = np.ldexp(terms / self.lengths[0], -self.exponent).max() * matrices.ERROR
        return found if lost <= _LOST * np.absolute(found).max() else None

    def by_temperature(self, np: Any) -> Any:
        """-(sum dL/ds s) / T; None where that cancels too far."""
        from gradcalc.numerics import arrays, powers

        terms = doubled.times(arrays, self.slopes, self.similarity)
        whole = powers.summed(np, tuple(part.reshape(1, -1) for part in terms))
        found = -whole[0][0, 0] / self.temperature
        lost = np.absolute(terms[0]).sum() / self.temperature * matrices.ERROR * len(terms[0])
        return found if lost <= _LOST * abs(found) else None


def similar(np: Any, x: Any, masks: tuple[Any, Any], temperature: float, eps: float) -> Similar | None:
    """What value and slopes are made of; None for a batch that is small, or not ordinary."""
    from gradcalc.numerics import arrays, powers

    size = np.absolute(x)
    largest = size.max(axis=1, keepdims=True)
    if len(x) < _LEAST_ROWS or temperature < _COLDEST or not is_ordinary(np, x) or not (largest > 2.0 * eps).all():
        return None
    exponent = np.frexp(largest)[1]
    x = np.ldexp(x, -exponent)
    lengths = doubled.root(arrays, powers.summed(np, doubled.multiplied(arrays, x, x)))
    directions = doubled.over(arrays, (x, 0.0 * x), lengths)
    similarity = matrices.product(np, directions, (directions[0].T, directions[1].T))
    ratio, slopes, pairs = _slopes(np, similarity, masks, temperature)
    return Similar(directions, lengths, similarity, ratio, slopes, pairs, exponent, temperature)


def is_ordinary(np: Any, x: Any) -> bool:
    """Whether all entries are of a size whose squares and products have all their digits."""
    size = np.absolute(x)
    return bool(((size <= _ORDINARY) & ((size >= 1.0 / _ORDINARY) | (size == 0.0))).all())


def _slopes(np: Any, s: Pair, masks: tuple[Any, Any], temperature: float) -> tuple[Any, Pair, int]:
    """The ratios, dL/ds, and the number of pairs with one label."""
    from gradcalc.numerics import arrays

    positive, negative = masks
    pairs = int(positive.sum())
    e = matrices.exponential(np, doubled.over(arrays, doubled.plus(arrays, s, (-1.0, 0.0)), (temperature, 0.0)))
    rest = matrices.rows_total(np, e, negative)
    shares = doubled.over(arrays, (1.0, 0.0), doubled.plus(arrays, e, rest))
    of_others = doubled.times(arrays, e, matrices.rows_total(np, shares, positive))
    pull = doubled.times(arrays, shares, (-rest[0], -rest[1]))
    both = tuple(np.where(positive, a, np.where(negative, b, 0.0)) for a, b in zip(pull, of_others, strict=True))
    scale = doubled.multiplied(arrays, temperature, 1.0 * pairs)
    ratio = np.where(positive, rest[0] / e[0], 0.0)
    return ratio, doubled.over(arrays, both, scale), pairs
