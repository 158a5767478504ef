"""Sparsemax: the nearest probabilities to a vector, most of which are 0."""

from __future__ import annotations

import math
from typing import Any

from gradcalc.functions.entry import Param, VectorActivation


class _Support:
    """Which entries lie above the threshold tau, and which exactly on it; (..., n)."""

    __slots__ = ("above", "on")

    def __init__(self, above: Any, on: Any) -> None:
        self.above, self.on = above, on


def support(np: Any, z: Any) -> _Support:
    """z_k is above tau where 1 + k z_k exceeds the sum of the k largest, z_k being the last of them."""
    ordered = -np.sort(-z, axis=-1)
    excess = _excesses(np, ordered)
    count = (excess > 0).sum(axis=-1, keepdims=True)
    least = np.take_along_axis(ordered, np.maximum(count - 1, 0), axis=-1)
    following = np.minimum(count, z.shape[-1] - 1)
    tied = np.take_along_axis(excess, following, axis=-1) == 0
    return _Support(z >= least, tied & (z == np.take_along_axis(ordered, following, axis=-1)))


def _excesses(np: Any, ordered: Any) -> Any:
    """1 + k z_k - (z_1 + ... + z_k) for z in falling order; where rounding could turn its sign, as exact."""
    gap = ordered - ordered[..., :1]
    k = np.arange(1.0, ordered.shape[-1] + 1.0)
    excess = 1.0 + k * gap - np.cumsum(gap, axis=-1)
    for place in np.argwhere(np.absolute(excess) < _UNSURE * k * k).tolist():
        *row, last = place
        largest = ordered[tuple(row)][: last + 1].tolist()
        excess[tuple(place)] = math.fsum([1.0, *(largest[-1:] * (last + 1)), *(-entry for entry in largest)])
    return excess


_UNSURE = 1e-15


def _sparsemax(np: Any, z: Any, ties: str) -> Any:
    """max(z - tau, 0), counted from the largest entry: 1 - sum of the gaps above is shared out equally."""
    from gradcalc.numerics.vectors import finite_or_zero, total, two_sum

    z = _reached(np, z)
    above = support(np, z).above
    gap, low = two_sum(z, -z.max(axis=-1, keepdims=True))
    gap, low = np.where(above, gap, 0.0), np.where(above, finite_or_zero(np, low), 0.0)
    left = (1.0 - total(np, gap) - total(np, low))[..., None]
    share = left / above.sum(axis=-1, keepdims=True)
    return np.where(above, np.maximum(gap + (share + low), 0.0), _nothing(np, z))


def _reached(np: Any, z: Any) -> Any:
    """`z`, and in the place of a single infinite entry the limit, in which it has all the weight."""
    infinite = z == np.inf
    single = infinite.sum(axis=-1, keepdims=True) == 1
    return np.where(single & ~np.isnan(z).any(axis=-1, keepdims=True), np.where(infinite, 0.0, -np.inf), z)


def _nothing(np: Any, z: Any) -> Any:
    """0, or NaN in vectors that have no limit; (..., 1)."""
    largest = z.max(axis=-1, keepdims=True)
    return np.where(np.isfinite(largest), 0.0, np.nan)


def _masks(np: Any, z: Any, ties: str) -> list[tuple[Any, Any]]:
    """The supports whose Jacobians are averaged, as s (..., n) and their size k (..., 1)."""
    z = _reached(np, z)
    found = support(np, z)
    supports = [found.above, found.above | found.on] if ties == "split" else [found.above]
    broken = _nothing(np, z)
    return [(s + broken, s.sum(axis=-1, keepdims=True)) for s in supports]


def _jacobian(np: Any, z: Any, ties: str) -> Any:
    """diag(s) - s s^T / k."""
    i = np.arange(z.shape[-1])
    found = []
    for s, k in _masks(np, z, ties):
        matrix = -s[..., :, None] * (s / k)[..., None, :]
        matrix[..., i, i] += s
        found.append(matrix + 0.0)
    return sum(found) / len(found)


def _vjp(np: Any, z: Any, upstream: Any, ties: str) -> Any:
    """s (g - the mean of g over the support)."""
    from gradcalc.numerics.vectors import total

    found = [s * (upstream - total(np, s * upstream)[..., None] / k) for s, k in _masks(np, z, ties)]
    return sum(found) / len(found)


ENTRIES = (
    VectorActivation(
        name="sparsemax",
        aliases=("projection_simplex",),
        title="Sparsemax",
        image="[0, 1], with the sum 1",
        params=(
            Param(
                "ties",
                "first",
                "an entry exactly at the threshold is outside (first), or counts half (split)",
                choices=("first", "split"),
            ),
        ),
        formula="max(z - tau, 0) with tau = max(i, (sum(j, z[j] if z[j] >= z[i] else 0) - 1) / sum(j, z[j] >= z[i]))",
        derivative_formula="J[i][j] = s[i] * ((1 if i == j else 0) - s[j] / sum(s))"
        " with s = (1 if sparsemax(z) > 0 else 0)",
        value=_sparsemax,
        jacobian=_jacobian,
        vjp=_vjp,
        libraries={"JAX": "optax.projections.projection_simplex", "Keras": "sparsemax (wrong)"},
        notes=(
            "where an entry equals tau exactly there is a kink: see ties",
            "Keras' sparsemax is wrong: [1, 2, 1.5] gives [0, 0, 0] there and [0, 0.75, 0.25] here",
            "one infinite entry takes all the weight; several have no limit and give NaN",
        ),
        source="Martins & Astudillo 2016",
    ),
)
