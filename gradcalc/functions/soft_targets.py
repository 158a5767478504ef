"""What is left of softmax where it all but cancels with the targets: in sums of two floats, for the rows it happens in.

With f_j = 1 - e^gap_j, their sum F, and T = sum y the sum of e^gap over a row of n is S = n - F, and
S (T p_j - y_j) = (T - n y_j) - T f_j + y_j F, in which small gaps keep all their digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcalc.numerics import doubled
from gradcalc.numerics.cancelling import FARTHEST, fallen_pair
from gradcalc.numerics.doubled import Pair
from gradcalc.numerics.softened import Softened
from gradcalc.numerics.vectors import full_total

Left = Callable[[Pair, Any], Any]

#: So little of the terms; above, their rounding is nothing that training sees, and time counts.
LITTLE = 2.0**-10


def where_cancelled(
    np: Any, found: Any, push: Any, soft: Softened, y: Any, left: Left, *, little: float = LITTLE
) -> Any:
    """`found` = push - pull, but of rows in which less than `little` is left of them left(-gaps, targets).

    Where gaps are in units of their own, or so wide that the sums here would lose the faintest, it stays as it is.
    """
    if found.dtype != float or not isinstance(soft.unit, float) or not found.size:
        return found
    at_top = np.absolute(np.take_along_axis(found, soft.top, axis=-1))
    if not (at_top < little * max(push.max(), -push.min())).any():
        return found
    size = np.maximum(found.max(axis=-1), -found.min(axis=-1))
    hard = (size < little * np.absolute(push).max(axis=-1)) & (soft.gap.min(axis=-1) > -FARTHEST)
    if hard.any():
        rows = -soft.gap[hard], -soft.gap_low[hard]
        found[hard] = left(rows, np.broadcast_to(y, found.shape)[hard])
    return found


def smoothed(np: Any, y: Any, label_smoothing: float) -> Pair:
    """(1 - s) y + s / n."""
    from gradcalc.numerics import arrays

    if label_smoothing == 0.0:
        return y, 0.0 * y
    own = doubled.times(arrays, doubled.added(arrays, 1.0, -label_smoothing), (y, 0.0))
    return doubled.plus(arrays, own, doubled.over(arrays, (label_smoothing, 0.0), (1.0 * y.shape[-1], 0.0)))


def softmax_less_targets(np: Any, r: Pair, y: Pair) -> Any:
    """T p_j - y_j."""
    from gradcalc.numerics import arrays

    fall, gap, moved = _pieces(np, r, y)
    whole = doubled.plus(arrays, gap, doubled.minus(arrays, moved, doubled.times(arrays, _total(np, y), fall)))
    return whole[0] / _sum(np, fall)[0]


def poly_less_targets(np: Any, r: Pair, targets: Any, epsilon: float) -> Any:
    """T p_j - y_j + epsilon p_j (sum_i y_i p_i - y_j)."""
    from gradcalc.numerics import arrays

    y = (targets, 0.0 * targets)
    fall, gap, moved = _pieces(np, r, y)
    whole = _sum(np, fall)
    p = doubled.over(arrays, doubled.minus(arrays, (1.0, 0.0), fall), whole)
    plain = doubled.plus(arrays, gap, doubled.minus(arrays, moved, doubled.times(arrays, _total(np, y), fall)))
    of_y = _total(np, doubled.times(arrays, y, fall))
    more = doubled.times(arrays, p, doubled.plus(arrays, gap, doubled.minus(arrays, moved, of_y)))
    return doubled.plus(arrays, plain, doubled.times(arrays, (epsilon, 0.0), more))[0] / whole[0]


def _pieces(np: Any, r: Pair, y: Pair) -> tuple[Pair, Pair, Pair]:
    """f_j, T - n y_j and y_j F."""
    from gradcalc.numerics import arrays

    fall = _fallen(np, r)
    gap = doubled.minus(arrays, _total(np, y), doubled.times(arrays, (1.0 * y[0].shape[-1], 0.0), y))
    return fall, gap, doubled.times(arrays, y, _total(np, fall))


def _fallen(np: Any, r: Pair) -> Pair:
    """1 - e^-r."""
    from gradcalc.numerics import arrays

    return doubled.plus(arrays, fallen_pair(np, r[0]), (r[1] * np.exp(-r[0]), 0.0))


def _total(np: Any, x: Pair) -> Pair:
    """The sum over the last axis, (..., 1)."""
    from gradcalc.numerics import arrays

    high, low = full_total(np, x[0])
    return doubled.plus(arrays, (high[..., None], low[..., None]), (x[1].sum(axis=-1, keepdims=True), 0.0))


def _sum(np: Any, fall: Pair) -> Pair:
    """S = n - F."""
    from gradcalc.numerics import arrays

    return doubled.minus(arrays, (1.0 * fall[0].shape[-1], 0.0), _total(np, fall))
