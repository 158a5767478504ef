"""Losses of distances between vectors: that of a pair, and whether one of two is nearer by a margin."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, Input, KinkText, Param
from gradcalc.functions.joint import JointLoss
from gradcalc.functions.norm import norm_by_p, norm_gradient, norm_value

_OTHER_SIDE = {"left": "right", "right": "left", "default": "default"}
_TIES = "split"  # as PyTorch has it


class _Distance(NamedTuple):
    """unit * (x - y + eps) with what its rounding lost, and the power; `more` entries stand behind those of x and y."""

    high: Any
    low: Any
    p: float
    more: int = 0

    def value(self, np: Any) -> Any:
        """The norm, (...)."""
        return norm_value(np, self.high, self.p, _TIES, self.low)

    def by_first(self, np: Any, side: str) -> Any:
        """The derivative by x."""
        found = norm_gradient(np, self.high, side, self.p, _TIES, self.low)
        return found[..., : found.shape[-1] - self.more]

    def by_second(self, np: Any, side: str) -> Any:
        """The derivative by y, whose left is the right of x."""
        return -self.by_first(np, _OTHER_SIDE[side])


def _unit(np: Any, *arrays: Any) -> Any:
    """1/4 where differences may overflow, else 1; (..., 1)."""
    from gradcalc.numerics.vectors import quarter_if_huge

    largest = np.absolute(arrays[0])
    for array in arrays[1:]:
        largest = np.maximum(largest, np.absolute(array))
    return quarter_if_huge(np, largest.max(axis=-1, keepdims=True))


def _distance(np: Any, x: Any, y: Any, unit: Any, p: float, eps: float) -> _Distance:
    from gradcalc.numerics.vectors import finite_or_zero, two_sum

    gap, lost = two_sum(x * unit, -y * unit)
    moved, more = two_sum(gap, eps * unit)
    high, low = two_sum(moved, finite_or_zero(np, lost) + finite_or_zero(np, more))
    return _Distance(high, finite_or_zero(np, low), p)


# --- pairwise_distance ---


def _pair(np: Any, x: Any, y: Any, p: float, eps: float) -> tuple[_Distance, Any]:
    unit = _unit(np, x, y)
    return _distance(np, x, y, unit, p, eps), unit[..., 0]


def _pairwise(np: Any, x: Any, other: Any, p: float, eps: float) -> Any:
    pair, unit = _pair(np, x, other, p, eps)
    return pair.value(np) / unit


def _pairwise_gradient(np: Any, x: Any, other: Any, side: str, p: float, eps: float) -> Any:
    return _pair(np, x, other, p, eps)[0].by_first(np, side) + 0.0


def _pairwise_by_other(np: Any, x: Any, other: Any, side: str, p: float, eps: float) -> Any:
    return _pair(np, x, other, p, eps)[0].by_second(np, side) + 0.0


def _pairwise_by_p(np: Any, x: Any, other: Any, p: float, eps: float) -> Any:
    pair, unit = _pair(np, x, other, p, eps)
    return norm_by_p(np, pair.high, p, _TIES, pair.low) / unit


# --- triplet_margin: h = d(a, positive) - d_n + margin ---


class _Triplet(NamedTuple):
    """The distances from anchor to positive, to negative, and, to swap, from positive to negative; unit * h."""

    near: _Distance
    far: _Distance
    across: _Distance | None
    room: Any  # (...)
    unit: Any  # (...)
    balance: Any  # far - across, (..., 1)

    def inner(self, np: Any, letter: str, side: str) -> Any:
        """The slope of h by the anchor, the positive or the negative."""
        zero = 0.0 * self.far.by_first(np, side)
        near = {"a": self.near.by_first, "positive": self.near.by_second}.get(letter)
        far = {"a": self.far.by_first, "negative": self.far.by_second}.get(letter)
        rise, fall = (part(np, side) if part else zero for part in (near, far))
        if self.across is None:
            return rise - fall
        part = {"positive": self.across.by_first, "negative": self.across.by_second}.get(letter)
        swapped = part(np, side) if part else zero
        both = {"left": np.maximum(fall, swapped), "right": np.minimum(fall, swapped)}.get(side, (fall + swapped) / 2)
        return rise - np.where(self.balance > 0, swapped, np.where(self.balance < 0, fall, both))

    def slope(self, np: Any, letter: str, side: str) -> Any:
        """The slope of max(0, h); at h = 0 by default that of h, as in PyTorch."""
        found, room = self.inner(np, letter, side), self.room[..., None]
        at_zero = {"left": np.minimum(found, 0.0), "right": np.maximum(found, 0.0)}.get(side, found)
        return np.where(room > 0, found, np.where(room == 0, at_zero, 0.0 * room)) + 0.0


def _triplet(
    np: Any, x: Any, positive: Any, negative: Any, margin: float, p: float, eps: float, swap: bool, eps_to: str
) -> _Triplet:
    unit = _unit(np, x, positive, negative)
    pairs = [(x, positive), (x, negative), (positive, negative)]
    found = [_between(np, *pair, unit, p, eps, eps_to) for pair in pairs[: 3 if swap else 2]]
    near, far, *swapped = (one.value(np) for one in found)
    balance = far - swapped[0] if swap else 0.0 * far
    nearest = np.minimum(far, swapped[0]) if swap else far
    room = _sum_of_three(near, -nearest, margin * unit[..., 0])
    return _Triplet(found[0], found[1], found[2] if swap else None, room, unit[..., 0], balance[..., None])


def _between(np: Any, x: Any, y: Any, unit: Any, p: float, eps: float, eps_to: str) -> _Distance:
    """The distance, with eps added to each difference, or to the sum of powers as the power of one more entry."""
    if eps_to == "difference":
        return _distance(np, x, y, unit, p, eps)
    pair = _distance(np, x, y, unit, p, 0.0)
    more = [part * unit + 0.0 * pair.high[..., :1] for part in _root(eps, p)]
    high, low = (np.concatenate(parts, axis=-1) for parts in zip((pair.high, pair.low), more, strict=True))
    return _Distance(high, low, p, 1)


def _root(eps: float, p: float) -> tuple[float, float]:
    """eps^(1/p), and what rounding took from it: as an entry of the norm it counts p times; 0 for p = inf."""
    if not eps or p == float("inf"):
        return 0.0, 0.0
    from decimal import Decimal

    from gradcalc.numerics.digits import ENOUGH, digits

    with digits(ENOUGH):
        exact = Decimal(eps) ** (1 / Decimal(p))
        return float(exact), float(exact - Decimal(float(exact)))


def _sum_of_three(a: Any, b: Any, c: Any) -> Any:
    from gradcalc.numerics.vectors import two_sum

    whole, lost = two_sum(a, b)
    whole, more = two_sum(whole, c)
    corrected = whole + (lost + more)
    return corrected + 0.0 * whole if (whole - whole == 0).all() else whole


def _triplet_value(np: Any, x: Any, positive: Any, negative: Any, *parameters: Any) -> Any:
    found = _triplet(np, x, positive, negative, *parameters)
    return np.where(found.room <= 0, 0.0, found.room) / found.unit


def _triplet_slope(letter: str) -> Any:
    def slope(np: Any, x: Any, positive: Any, negative: Any, side: str, *parameters: Any) -> Any:
        return _triplet(np, x, positive, negative, *parameters).slope(np, letter, side)

    return slope


def _triplet_by_margin(np: Any, x: Any, positive: Any, negative: Any, *parameters: Any) -> Any:
    """1 where h >= 0: the slope from the right."""
    room = _triplet(np, x, positive, negative, *parameters).room
    return np.where(room >= 0, 1.0, 0.0 * room)


def _triplet_by_margin_left(np: Any, x: Any, positive: Any, negative: Any, *parameters: Any) -> Any:
    room = _triplet(np, x, positive, negative, *parameters).room
    return np.where(room > 0, 1.0, 0.0 * room)


_AS_LONG = "as long as the input"
_NORM_KINKS = (
    KinkText("all differences are 0, for every p", left="-1", right="1", default="0"),
    KinkText("a difference is 0 for p = 1", left="-1", right="1", default="0"),
)

ENTRIES = (
    JointLoss(
        name="pairwise_distance",
        aliases=("pair_distance",),
        title="Distance of two vectors by the L_p norm",
        params=(
            Param("p", 2.0, "the power; inf is the largest absolute difference", POSITIVE, derivative=_pairwise_by_p),
            Param("eps", 1e-6, "is added to every difference"),
        ),
        further=(
            Input(
                "other",
                "the vector the distance is to",
                _AS_LONG,
                aliases=("x2",),
                derivative=_pairwise_by_other,
                may_be_target=True,
            ),
        ),
        formula="norm(a - other + eps, p)",
        derivative_formula="sign(d) * (abs(d) / norm(d, p))^(p - 1) with d = a - other + eps",
        value=_pairwise,
        gradient=_pairwise_gradient,
        kinks=_NORM_KINKS,
        notes=(
            "eps is added to every difference, and not only where one is 0, as in PyTorch; -p eps=0 gives the distance",
            "where all differences are 0 the gradient shown is 0, as in PyTorch",
            "several largest differences share the slope for p = inf",
        ),
        libraries={"PyTorch": "F.pairwise_distance"},
        source="PyTorch pairwise_distance",
    ),
    JointLoss(
        name="triplet_margin",
        aliases=("triplet_margin_loss", "triplet"),
        title="Triplet margin loss",
        params=(
            Param(
                "margin",
                1.0,
                "how much farther the negative must be",
                derivative=_triplet_by_margin,
                one_sided=(_triplet_by_margin_left, _triplet_by_margin),
            ),
            Param("p", 2.0, "the power of the norm", POSITIVE, aliases=("norm_degree",)),
            Param("eps", 1e-6, "is added to every difference, or as eps_to says", NOT_NEGATIVE),
            Param("swap", False, "the positive's distance to the negative counts where it is the smaller"),
            Param(
                "eps_to",
                "difference",
                "what eps is added to: every difference, or the sum of powers",
                choices=("difference", "sum"),
            ),
        ),
        further=(
            Input("positive", "the vector that should be near", _AS_LONG, derivative=_triplet_slope("positive")),
            Input("negative", "the vector that should be far", _AS_LONG, derivative=_triplet_slope("negative")),
        ),
        formula="max(0, norm(a - positive + eps, p) - norm(a - negative + eps, p) + margin)",
        variants={
            "swap": "max(0, norm(a - positive + eps, p) - min(norm(a - negative + eps, p), norm(positive -"
            " negative + eps, p)) + margin)",
            "eps_to": "max(0, (sum(abs(a - positive)^p) + eps)^(1/p) - (sum(abs(a - negative)^p) + eps)^(1/p) +"
            " margin)",
        },
        derivative_formula="sign(u) * (abs(u) / norm(u, p))^(p - 1) - sign(v) * (abs(v) / norm(v, p))^(p - 1)"
        " if norm(u, p) - norm(v, p) + margin >= 0 else 0 with u = a - positive + eps, v = a - negative + eps",
        value=_triplet_value,
        gradient=_triplet_slope("a"),
        kinks=(
            *_NORM_KINKS,
            KinkText(
                "the margin is exactly met, with g the slope of the bracket",
                left="min(g, 0)",
                right="max(g, 0)",
                default="g",
            ),
            KinkText(
                "swap, and both distances to the negative are equal, with slopes g and h",
                left="max(g, h)",
                right="min(g, h)",
                default="(g + h) / 2",
            ),
        ),
        notes=(
            "a is the anchor",
            "for a p so small that both distances are beyond the largest float (0.0015 for 3 entries) there is NaN",
            "where the margin is exactly met the active branch is taken, as in PyTorch; where the distances and the"
            " margin cancel to within 4 ulp of the largest, their rounding may decide which branch that is",
            "optax adds eps to the sum of powers and has no swap: -p eps_to=sum",
            "PyTorch takes the mean over the triplets, optax none",
        ),
        libraries={"PyTorch": "F.triplet_margin_loss", "optax.losses": "triplet_margin_loss"},
        source="Balntas, Riba, Ponsa & Mikolajczyk 2016",
    ),
)
