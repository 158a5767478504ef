"""Losses of a pair: which of two numbers is larger, and how far two vectors point the same way."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import NOT_NEGATIVE, Domain, ElementwiseLoss, Input, Kink, KinkText, Param
from gradcalc.functions.joint import SIGN, JointLoss
from gradcalc.numerics.careful import chosen, constant
from gradcalc.numerics.doubled import added, distance, plus
from gradcalc.numerics.vectors import two_sum

# --- margin_ranking: h = margin - y (a - other) ---


def _room(xp: Any, x: Any, y: Any, other: Any, margin: float) -> tuple[Any, Any]:
    """c h, rounded once so that it is 0 where h is, and c, which is below 1 where a - other overflows."""
    d = distance(xp, x, other)
    low = xp.where(d.high < 0, -d.low, d.low)
    high, rest = plus(xp, added(xp, margin * d.c, -y * d.high), (0.0 * d.c, -y * low))
    return high + rest, d.c


def _ranking(xp: Any, x: Any, y: Any, other: Any, margin: float) -> Any:
    room, c = _room(xp, x, y, other, margin)
    return xp.where(room <= 0, 0.0, room) / c


def _where_active(xp: Any, room: Any, slope: Any) -> Any:
    """The slope where h >= 0, at the kink too; NaN where h is."""
    return xp.where(room >= 0, slope, constant(xp, 0.0, room))


def _ranking_slope(xp: Any, x: Any, y: Any, other: Any, margin: float) -> Any:
    return _where_active(xp, _room(xp, x, y, other, margin)[0], -y)


def _ranking_by_other(xp: Any, x: Any, y: Any, other: Any, margin: float) -> Any:
    return _where_active(xp, _room(xp, x, y, other, margin)[0], y)


def _ranking_by_margin(xp: Any, x: Any, y: Any, other: Any, margin: float) -> Any:
    """1 where h >= 0: the slope from the right."""
    return _where_active(xp, _room(xp, x, y, other, margin)[0], 1.0)


def _ranking_by_margin_left(xp: Any, x: Any, y: Any, other: Any, margin: float) -> Any:
    room, _ = _room(xp, x, y, other, margin)
    return xp.where(room > 0, 1.0, constant(xp, 0.0, room))


def _met(base: Any, step: Any) -> Any:
    """base + step where that is a float: else no float lies on the kink."""
    whole, lost = two_sum(base, step)
    return chosen(lost == 0, whole, float("nan"))


_RANKING_KINKS = (
    Kink(
        at=lambda y, other, margin: _met(other, y * margin),
        left=lambda y, other, margin: (-1.0 - y) / 2.0,
        right=lambda y, other, margin: (1.0 - y) / 2.0,
        default="active",
        when="y * (a - other) = margin",
        text=KinkText(
            "y * (a - other) = margin", left="-1 for y = 1, else 0", right="1 for y = -1, else 0", default="-y"
        ),
    ),
)

_RANKING_OTHER_KINKS = (
    Kink(
        at=lambda x, y, margin: _met(x, -y * margin),
        left=lambda x, y, margin: (y - 1.0) / 2.0,
        right=lambda x, y, margin: (y + 1.0) / 2.0,
        default="active",
        when="y * (a - other) = margin",
    ),
)

# --- cosine_embedding ---


def _embedding(np: Any, x: Any, y: Any, other: Any, margin: float, eps: float) -> Any:
    from gradcalc.numerics.angles import cosine_beyond, cosine_gap

    apart = cosine_beyond(np, x, other, eps, margin)
    return np.where(y > 0, cosine_gap(np, x, other, eps, added=True), np.where(apart < 0, 0.0, apart))


def _hinged(np: Any, y: Any, apart: Any, slope: Any, side: str) -> Any:
    """-slope for y = 1, slope for y = -1 where cos >= margin; where they are equal one side of it is 0."""
    apart = apart[..., None]
    at = {"left": np.minimum(slope, 0.0), "right": np.maximum(slope, 0.0)}.get(side, slope)
    away = np.where(apart > 0, slope, np.where(apart == 0, at, 0.0 * apart))
    return np.where(np.asarray(y)[..., None] > 0, -slope, away) + 0.0


def _embedding_gradient(np: Any, x: Any, y: Any, other: Any, side: str, margin: float, eps: float) -> Any:
    from gradcalc.numerics.angles import cosine_beyond, cosine_slope

    apart = cosine_beyond(np, x, other, eps, margin)
    return _hinged(np, y, apart, cosine_slope(np, x, other, eps, added=True), side)


def _embedding_by_other(np: Any, x: Any, y: Any, other: Any, side: str, margin: float, eps: float) -> Any:
    return _embedding_gradient(np, other, y, x, side, margin, eps)


def _embedding_by_margin(np: Any, x: Any, y: Any, other: Any, margin: float, eps: float) -> Any:
    """-1 where C >= margin: the slope from the left."""
    from gradcalc.numerics.angles import cosine_beyond

    apart = cosine_beyond(np, x, other, eps, margin)
    return np.where((y < 0) & (apart >= 0), -1.0, 0.0 * apart)


def _embedding_by_margin_right(np: Any, x: Any, y: Any, other: Any, margin: float, eps: float) -> Any:
    from gradcalc.numerics.angles import cosine_beyond

    apart = cosine_beyond(np, x, other, eps, margin)
    return np.where((y < 0) & (apart > 0), -1.0, 0.0 * apart)


_COSINE_MARGIN = Domain("from -1 to 1", -1.0, 1.0)

ENTRIES = (
    ElementwiseLoss(
        name="margin_ranking",
        aliases=("margin_ranking_loss", "ranking"),
        title="Margin ranking loss",
        params=(
            Param(
                "margin",
                0.0,
                "by how much the right one must lead",
                derivative=_ranking_by_margin,
                one_sided=(_ranking_by_margin_left, _ranking_by_margin),
                kinks=(KinkText("margin = y * (a - other), in margin", left="0", right="1", default="1"),),
            ),
        ),
        further=(
            Input(
                "other",
                "what the input is ranked against",
                "one number for each input",
                aliases=("x2", "input2"),
                derivative=_ranking_by_other,
                kinks=_RANKING_OTHER_KINKS,
            ),
        ),
        formula="max(0, margin - y * (a - other))",
        derivative_formula="-y if margin - y * (a - other) >= 0 else 0",
        value=_ranking,
        derivative=_ranking_slope,
        second=lambda xp, x, y, other, margin: constant(xp, 0.0, x - other),
        by_target=None,
        target_domain=SIGN,
        kinks=_RANKING_KINKS,
        notes=(
            "y = 1 says that a should be the larger, y = -1 that other should",
            "where the margin is exactly met the active branch is taken, as in PyTorch; --kink tells otherwise",
            "PyTorch takes the mean over all pairs: --reduction mean",
        ),
        libraries={"PyTorch": "F.margin_ranking_loss"},
        source="PyTorch margin_ranking_loss",
    ),
    JointLoss(
        name="cosine_embedding",
        aliases=("cosine_embedding_loss",),
        title="Cosine embedding loss",
        image="[0, 2]",
        params=(
            Param(
                "margin",
                0.0,
                "how alike a pair with y = -1 may be",
                _COSINE_MARGIN,
                derivative=_embedding_by_margin,
                one_sided=(_embedding_by_margin, _embedding_by_margin_right),
            ),
            Param("eps", 0.0, "is added to both squared lengths", NOT_NEGATIVE),
        ),
        further=(
            Input(
                "other",
                "the second vector of the pair",
                "as long as the input",
                aliases=("x2", "input2"),
                derivative=_embedding_by_other,
            ),
        ),
        formula="1 - C if y == 1 else max(0, C - margin)"
        " with C = sum(a * other) / sqrt((sum(a^2) + eps) * (sum(other^2) + eps))",
        derivative_formula="0 if y == -1 and C < margin else y * (C * a / A - other / B) / A"
        " with A = sqrt(sum(a^2) + eps), B = sqrt(sum(other^2) + eps), C = sum(a * other) / (A * B)",
        takes="sign",
        value=_embedding,
        gradient=_embedding_gradient,
        kinks=(KinkText("C = margin for y = -1, with g = dC/da[i]", left="min(g, 0)", right="max(g, 0)", default="g"),),
        notes=(
            "y = 1 for a pair that is alike, -1 for one that is not",
            "where C = margin the active branch is taken, as in PyTorch",
            "PyTorch has eps=1e-12, and takes the mean over the pairs; a vector of zeros has no direction, and gives"
            " NaN without eps",
        ),
        libraries={"PyTorch": "F.cosine_embedding_loss"},
        source="PyTorch cosine_embedding_loss",
    ),
)
