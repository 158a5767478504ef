"""The circle loss of a batch of ordinary numbers, in twice the precision: a hundred times as fast as in decimals."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.ntxent_in_floats import is_ordinary
from gradcalc.numerics import doubled
from gradcalc.numerics import doubled_matrices as matrices
from gradcalc.numerics.doubled import Pair

_LEAST_ROWS = 8  # of fewer, decimals are fast enough
_LONGEST = 1e3  # entries
_AT_KINK = 1e-20
_STEEPEST, _FAINTEST = 1e6, -500.0  # exponents
_LOST = 2.0**-57  # of the largest number of a result may be lost


class Circled(NamedTuple):
    """Of pairs the gap 1 - s, the exponents w and their shares of slope; of rows those that count, and their losses.

    `shares` are d log(1 + P N) / dw over the number of rows, 0 where a row does not count.
    """

    x: Any
    gap: Pair
    pulls: Any
    active: Any
    w: Pair
    shares: Pair
    losses: Any
    gamma: float
    margin: float

    def value(self, np: Any) -> Any:
        """The loss."""
        from gradcalc.numerics.vectors import total

        return total(np, self.losses) / len(self.losses)

    def gradient(self, np: Any) -> Any:
        """sum_b (dL/ds_ab + dL/ds_ba) x_b; None where that cancels too far."""
        from gradcalc.numerics import arrays

        less = doubled.plus(arrays, self.gap, (-1.0, 0.0))
        moving = self.active & (self.gap[0] > 0)
        by_w = doubled.times(arrays, self.shares, (-2.0 * self.gamma, 0.0))
        grown = doubled.times(arrays, by_w, _either(np, self.pulls, self.gap, less))
        slopes = _either(np, moving, grown, (0.0, 0.0))
        found = matrices.product(np, matrices.transposed_added(slopes), (self.x, 0.0 * self.x))[0]
        terms = np.where(moving, np.absolute(by_w[0]) * (1.0 + np.absolute(self.gap[0])), 0.0).max()
        lost = 2.0 * terms * np.absolute(self.x).max() * len(self.x) * self.x.shape[1] * matrices.ERROR
        return found if lost <= _LOST * np.absolute(found).max() else None

    def by_gamma(self, np: Any) -> Any:
        """sum dL/dw w / gamma; None where that cancels too far."""
        from gradcalc.numerics import arrays, powers

        terms = doubled.times(arrays, self.shares, self.w)
        found = powers.summed(np, tuple(part.reshape(1, -1) for part in terms))[0][0, 0] / self.gamma
        lost = np.absolute(terms[0]).sum() * len(self.x) * matrices.ERROR / self.gamma
        return found if lost <= _LOST * abs(found) else None

    def by_margin(self, np: Any) -> Any:
        """Of either factor that is not 0 the slope is -2 m."""
        from gradcalc.numerics.vectors import total

        counted = np.where(self.active, self.shares[0], 0.0).ravel()
        return total(np, counted) * self.gamma * (-2.0 * self.margin)


def circled(np: Any, x: Any, masks: tuple[Any, Any], gamma: float, margin: float) -> Circled | None:
    """What value and slopes are made of; None for a batch that is small, not ordinary, or at a kink."""
    from gradcalc.numerics import arrays

    pulls, pushes = masks
    if len(x) < _LEAST_ROWS or not is_ordinary(np, x) or np.absolute(x).max() > _LONGEST:
        return None
    s = matrices.product(np, (x, 0.0 * x), (x.T, 0.0 * x.T))
    gap = doubled.minus(arrays, (1.0, 0.0), s)
    d = _either(np, gap[0] > 0, gap, (0.0, 0.0))
    m = margin, 0.0
    one_less = doubled.minus(arrays, (1.0, 0.0), d)
    first, second = doubled.plus(arrays, d, m), doubled.minus(arrays, d, m)
    third, fourth = doubled.plus(arrays, one_less, m), doubled.minus(arrays, one_less, m)
    near, far = _either(np, pulls, first, third), _either(np, pulls, second, fourth)
    if (np.minimum(np.absolute(gap[0]), np.absolute(near[0]))[pulls | pushes] < _AT_KINK).any():
        return None
    active = (near[0] > 0) & (pulls | pushes)
    grown = doubled.times(arrays, doubled.times(arrays, near, far), (gamma, 0.0))
    w = _either(np, active, grown, (0.0, 0.0))
    if not np.absolute(w[0]).max() < _STEEPEST:
        return None
    found = _shares(np, w, pulls, pushes)
    return None if found is None else Circled(x, gap, pulls, active, w, *found, gamma, margin)


def _shares(np: Any, w: Pair, pulls: Any, pushes: Any) -> tuple[Pair, Any] | None:
    """d log(1 + P N) / dw over the number of rows, and the losses of the rows; None where all are too faint."""
    from gradcalc.numerics import arrays

    counts = pulls.any(axis=1, keepdims=True) & pushes.any(axis=1, keepdims=True)
    (pull, of_pull, high), (push, of_push, low) = _softened(np, w, pulls), _softened(np, w, pushes)
    exponent, sums = doubled.plus(arrays, high, low), doubled.times(arrays, of_pull, of_push)
    if (exponent[0][counts] < _FAINTEST).any():
        return None
    above, one = exponent[0] > 0, (1.0, 0.0)
    falling = matrices.exponential(np, tuple(np.where(above, -part, part) for part in exponent))
    small = _either(np, above, doubled.over(arrays, falling, sums), doubled.times(arrays, falling, sums))
    pushed = doubled.over(arrays, _either(np, above, one, small), doubled.plus(arrays, one, small))
    losses = np.where(above, exponent[0] + np.log(sums[0]), 0.0) + np.log1p(small[0])
    weights = _either(np, pulls, doubled.over(arrays, pull, of_pull), doubled.over(arrays, push, of_push))
    shares = doubled.over(arrays, doubled.times(arrays, weights, pushed), (1.0 * len(counts), 0.0))
    return _either(np, counts, shares, (0.0, 0.0)), np.where(counts, losses, 0.0)[:, 0]


def _either(np: Any, which: Any, a: Pair, b: Pair) -> Pair:
    return np.where(which, a[0], b[0]), np.where(which, a[1], b[1])


def _softened(np: Any, w: Pair, among: Any) -> tuple[Pair, Pair, Pair]:
    """The powers e^(w - top) of the entries of a mask, their sums in rows, 1 of none, and top, the largest w."""
    from gradcalc.numerics import arrays

    index = np.where(among, w[0], -np.inf).argmax(axis=1)[:, None]
    top = np.take_along_axis(w[0], index, axis=1), np.take_along_axis(w[1], index, axis=1)
    below = _either(np, among, doubled.minus(arrays, w, top), (0.0, 0.0))
    e = _either(np, among, matrices.exponential(np, below), (0.0, 0.0))
    return e, _either(np, among.any(axis=1, keepdims=True), matrices.rows_total(np, e, among), (1.0, 0.0)), top
