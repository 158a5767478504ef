"""Binary losses of a score: squared hinge, perceptron, sparsemax, logistic and embedding margins."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import UNIT, ElementwiseLoss, Kink, KinkText, Param
from gradcalc.functions.margin import LABELS, MINUS_OR_PLUS_ONE, ZERO_OR_ONE, as_sign
from gradcalc.numerics.careful import chosen, constant, softplus
from gradcalc.numerics.doubled import Pair, multiplied
from gradcalc.numerics.split import decays


def _per_label(labels: str) -> float:
    """d sign / d target."""
    return 2.0 if labels == "01" else 1.0


def _room(xp: Any, x: Any, y: Any, labels: str) -> Any:
    """max(0, 1 - x y)."""
    room = 1.0 - x * as_sign(y, labels)
    return xp.where(room <= 0, 0.0, room)


def _squared_hinge(xp: Any, x: Any, y: Any, labels: str) -> Any:
    room = _room(xp, x, y, labels)
    return room * room


def _squared_hinge_second(xp: Any, x: Any, y: Any, labels: str) -> Any:
    product = x * as_sign(y, labels)
    return xp.where(product < 1, 2.0, constant(xp, 0.0, product))


def _squared_hinge_by_target(xp: Any, x: Any, y: Any, labels: str) -> Any:
    room = _room(xp, x, y, labels)
    return xp.where(room == 0, 0.0, (-2.0 * _per_label(labels)) * x * room)


def _perceptron(xp: Any, x: Any, y: Any, labels: str) -> Any:
    product = x * as_sign(y, labels)
    return xp.where(product < 0, -product, constant(xp, 0.0, product))


def _where_wrong(xp: Any, product: Any, slope: Any) -> Any:
    return xp.where(product < 0, slope, constant(xp, 0.0, product))


def _perceptron_slope(xp: Any, x: Any, y: Any, labels: str) -> Any:
    sign = as_sign(y, labels)
    return _where_wrong(xp, x * sign, -sign)


def _perceptron_by_target(xp: Any, x: Any, y: Any, labels: str) -> Any:
    return _where_wrong(xp, x * as_sign(y, labels), -_per_label(labels) * x)


def _sparse_plus(xp: Any, x: Any) -> Any:
    """0 below -1, x above 1, (x + 1)^2 / 4 between."""
    return xp.where(x <= -1, 0.0, xp.where(x >= 1, x, 0.25 * (x + 1.0) * (x + 1.0)))


def _sparsemax(xp: Any, x: Any, y: Any) -> Any:
    above = xp.where(y == 1, 0.0, (1.0 - y) * _sparse_plus(xp, x))
    return above + xp.where(y == 0, 0.0, y * _sparse_plus(xp, -x))


def _sparsemax_slope(xp: Any, x: Any, y: Any) -> Any:
    """(x + (1 - 2 y)) / 2 between, with what rounding took from 1 - 2 y: from the sum it takes nothing that is seen."""
    gap = 1.0 - 2.0 * y
    lost = (1.0 - gap) - 2.0 * y
    between = 0.5 * ((x + gap) + lost)
    return xp.where(x <= -1, -y, xp.where(x >= 1, 1.0 - y, between)) + 0.0


def _sparsemax_second(xp: Any, x: Any, y: Any) -> Any:
    return xp.where(xp.absolute(x) < 1, constant(xp, 0.5, y), constant(xp, 0.0, x))


def _negative_product(xp: Any, x: Any, y: Any) -> Pair:
    """-x y; 0 for a target 0."""
    high, low = multiplied(xp, -x, y)
    return xp.where((y == 0) & (x == x), 0.0, high), xp.where(y == 0, 0.0, low)


def _soft_margin(xp: Any, x: Any, y: Any) -> Any:
    t, low = _negative_product(xp, x, y)
    size = xp.absolute(t)
    tail = xp.log1p(decays(xp, 1.0, size, xp.where(t < 0, -low, low)))
    return xp.where(t < 0, tail, softplus(xp, t) + low)


def _pulled(xp: Any, factor: Any, t: Pair) -> Any:
    """factor * sigmoid(t)."""
    high, low = t
    size = xp.absolute(high)
    share = factor / (1.0 + xp.exp(-size))
    return xp.where(high < 0, decays(xp, share, size, -low), share)


def _soft_margin_second(xp: Any, x: Any, y: Any) -> Any:
    """y^2 sigmoid'(-x y); of a y whose square may overflow or underflow each factor has half of the exponential."""
    t, low = _negative_product(xp, x, y)
    size, low = xp.absolute(t), xp.where(t < 0, -low, low)
    u = xp.exp(-size)
    over = 1.0 + u * (2.0 + u)
    half, middle = decays(xp, y, 0.5 * size, 0.5 * low), (xp.absolute(y) < 1e150) & (xp.absolute(y) > 1e-150)
    return xp.where(middle, decays(xp, y * (y / over), size, low), half * (half / over))


def _embedding(xp: Any, x: Any, y: Any, margin: float, labels: str) -> Any:
    room = margin - x
    return xp.where(as_sign(y, labels) > 0, x, xp.where(room <= 0, 0.0, room)) + 0.0 * y


def _embedding_slope(xp: Any, x: Any, y: Any, margin: float, labels: str) -> Any:
    push = xp.where(x <= margin, constant(xp, -1.0, y), xp.where(x > margin, constant(xp, 0.0, y), x))
    return xp.where(as_sign(y, labels) > 0, constant(xp, 1.0, x), push)


def _embedding_by_margin(xp: Any, x: Any, y: Any, margin: float, labels: str) -> Any:
    """1 where the unlike are too near; from the right where they are at the margin."""
    return xp.where((as_sign(y, labels) < 0) & (x <= margin), 1.0, constant(xp, 0.0, x))


def _embedding_by_margin_left(xp: Any, x: Any, y: Any, margin: float, labels: str) -> Any:
    return xp.where((as_sign(y, labels) < 0) & (x < margin), 1.0, constant(xp, 0.0, x))


ENTRIES = (
    ElementwiseLoss(
        name="squared_hinge",
        aliases=("squared_hinge_loss",),
        title="Squared hinge loss",
        params=(LABELS,),
        formula="max(0, 1 - a * y)^2",
        variants={
            "labels": "max(0, 1 - a * (2 * y - 1))^2",
        },
        derivative_formula="-2 * y * max(0, 1 - a * y)",
        value=_squared_hinge,
        derivative=lambda xp, x, y, labels: -2.0 * as_sign(y, labels) * _room(xp, x, y, labels) + 0.0,
        second=_squared_hinge_second,
        by_target=_squared_hinge_by_target,
        target_domain=MINUS_OR_PLUS_ONE,
        targets_by_choice={"01": ZERO_OR_ONE},
        notes=("Keras turns the labels 0 and 1 into -1 and 1 by itself: -p labels=01",),
        libraries={"Keras": "squared_hinge"},
        source="Keras squared_hinge",
        sample=(-3.0, 3.0),
    ),
    ElementwiseLoss(
        name="perceptron",
        aliases=("perceptron_loss",),
        title="Perceptron loss",
        params=(LABELS,),
        formula="max(0, -a * y)",
        variants={
            "labels": "max(0, -a * (2 * y - 1))",
        },
        derivative_formula="-y if a * y < 0 else 0",
        value=_perceptron,
        derivative=_perceptron_slope,
        second=lambda xp, x, y, labels: constant(xp, 0.0, x * y),
        by_target=_perceptron_by_target,
        target_domain=MINUS_OR_PLUS_ONE,
        targets_by_choice={"01": ZERO_OR_ONE},
        kinks=(
            Kink(
                at=lambda y, labels: 0.0,
                left=lambda y, labels: (-1.0 - as_sign(y, labels)) / 2.0,
                right=lambda y, labels: (1.0 - as_sign(y, labels)) / 2.0,
                default="zero",
                when="a = 0",
            ),
        ),
        notes=("at a = 0 the inactive branch is taken; JAX takes the mean of both slopes (--kink midpoint)",),
        libraries={"optax.losses": "perceptron_loss"},
        source="Rosenblatt 1958; optax perceptron_loss",
        sample=(-3.0, 3.0),
    ),
    ElementwiseLoss(
        name="binary_sparsemax",
        aliases=("sparsemax_loss", "binary_sparsemax_loss"),
        title="Binary sparsemax loss",
        formula="(0 if a <= -1 else a if a >= 1 else (a + 1)^2 / 4) - a * y",
        derivative_formula="min(max((a + 1) / 2, 0), 1) - y",
        value=_sparsemax,
        derivative=_sparsemax_slope,
        second=_sparsemax_second,
        by_target=lambda xp, x, y: -x + 0.0 * y,
        target_domain=UNIT,
        notes=("at a = -1 and a = 1 the second derivative does not exist; 0 is shown",),
        libraries={"optax.losses": "sparsemax_loss"},
        source="Blondel, Martins & Niculae 2020; optax sparsemax_loss",
        sample=(-3.0, 3.0),
    ),
    ElementwiseLoss(
        name="soft_margin",
        aliases=("soft_margin_loss", "logistic_loss"),
        title="Soft margin loss",
        formula="log(1 + exp(-a * y))",
        derivative_formula="-y / (1 + exp(a * y))",
        value=_soft_margin,
        derivative=lambda xp, x, y: _pulled(xp, -y, _negative_product(xp, x, y)),
        second=_soft_margin_second,
        by_target=lambda xp, x, y: _pulled(xp, -x, _negative_product(xp, x, y)),
        notes=("with targets -1 and 1 it is bce_with_logits with targets 0 and 1",),
        libraries={"PyTorch": "F.soft_margin_loss"},
        source="PyTorch soft_margin_loss",
    ),
    ElementwiseLoss(
        name="hinge_embedding",
        aliases=("hinge_embedding_loss",),
        title="Hinge embedding loss",
        image="(-inf, inf); [0, inf) of distances",
        params=(
            Param(
                "margin",
                1.0,
                "how far the unlike should be",
                derivative=_embedding_by_margin,
                one_sided=(_embedding_by_margin_left, _embedding_by_margin),
                kinks=(KinkText("margin = a for y = -1, in margin", left="0", right="1", default="1"),),
            ),
            LABELS,
        ),
        formula="a if y == 1 else max(0, margin - a)",
        variants={
            "labels": "a if y == 1 else max(0, margin - a)",
        },
        derivative_formula="1 if y == 1 else -1 if a <= margin else 0",
        value=_embedding,
        derivative=_embedding_slope,
        second=lambda xp, x, y, margin, labels: constant(xp, 0.0, x + y),
        by_target=None,
        target_domain=MINUS_OR_PLUS_ONE,
        targets_by_choice={"01": ZERO_OR_ONE},
        kinks=(
            Kink(
                at=lambda y, margin, labels: margin,
                left=lambda y, margin, labels: as_sign(y, labels),
                right=lambda y, margin, labels: chosen(as_sign(y, labels) > 0, 1.0, 0.0),
                default="left",
                when="a = margin (for y = -1)",
            ),
        ),
        notes=("where a = margin the active branch is taken, as in PyTorch",),
        libraries={"PyTorch": "F.hinge_embedding_loss"},
        source="PyTorch hinge_embedding_loss",
        sample=(-3.0, 3.0),
    ),
)
