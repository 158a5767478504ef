"""Losses of the scores of classes: multiclass margins, perceptron, sparsemax, and several labels at once."""

from __future__ import annotations

import math
from functools import wraps
from typing import Any

from gradcalc.functions.classes import nan_of
from gradcalc.functions.entry import UNIT, Kernel, KinkText, Param, VectorLoss
from gradcalc.functions.margin import (
    POWER,
    ZERO_OR_ONE,
    svm_at_kink,
    svm_by_margin,
    svm_by_margin_right,
    svm_by_p,
    svm_excess,
    svm_gradient,
    svm_value,
)
from gradcalc.functions.sparse_shares import gaps, sparse_probabilities
from gradcalc.numerics.careful import softplus

TIES = Param("ties", "split", "who gets the slope where several tie for a maximum", choices=("first", "split"))


def shares(np: Any, tied: Any, ties: str) -> Any:
    """How the slope 1 of a maximum is given to those who tie for it."""
    if ties == "split":
        return tied / np.maximum(tied.sum(axis=-1, keepdims=True), 1)
    return 1.0 * (tied & (np.cumsum(tied, axis=-1) == 1))


def _one_hot(np: Any, x: Any, y: Any) -> Any:
    return 1.0 * (np.arange(x.shape[-1]) == y[..., None])


def _by_classes(kernel: Kernel) -> Kernel:
    """The same, divided by the number of classes: before the sum where that overflows."""

    def run(np: Any, x: Any, *rest: Any) -> Any:
        found = kernel(np, x, *rest) / x.shape[-1]
        overflows = np.isinf(found)
        return np.where(overflows, kernel(np, x, *rest, 1.0 / x.shape[-1]), found) if overflows.any() else found

    return run


def _multiclass_hinge(np: Any, x: Any, y: Any, ties: str) -> Any:
    return np.maximum(svm_excess(np, x, y, 1.0).max(axis=-1), 0.0) + nan_of(np, x)[..., 0]


def _multiclass_hinge_gradient(np: Any, x: Any, y: Any, side: str, ties: str) -> Any:
    """Who reaches max_i (x_i + [i != y]), compared without rounding; less the class."""
    own = _one_hot(np, x, y)
    rivals = np.where(own > 0, -np.inf, x)
    largest = rivals.max(axis=-1, keepdims=True)
    excess = svm_excess(np, x, y, 1.0).max(axis=-1, keepdims=True)
    tied = ((excess >= 0) & (rivals == largest) & (largest > -np.inf)) | ((excess <= 0) & (own > 0))
    return shares(np, tied, ties) - own + nan_of(np, x)


def _perceptron(np: Any, x: Any, y: Any, ties: str) -> Any:
    own = np.take_along_axis(x, y[..., None], axis=-1)
    largest = x.max(axis=-1, keepdims=True)
    return np.where(own == largest, 0.0 * nan_of(np, x), largest - own)[..., 0]


def _perceptron_gradient(np: Any, x: Any, y: Any, side: str, ties: str) -> Any:
    tied = x == x.max(axis=-1, keepdims=True)
    return shares(np, tied, ties) - _one_hot(np, x, y) + nan_of(np, x)


def _rivals(np: Any, x: Any, y: Any) -> Any:
    """(1 - y_i) x_i."""
    return np.where(y == 1, 0.0 * nan_of(np, x), (1.0 - y) * x)


def _categorical_margin(np: Any, x: Any, y: Any) -> Any:
    """1 + max_i (1 - y_i) x_i - sum y_i x_i, (..., 1), with one rounding in all."""
    from gradcalc.numerics.vectors import product_error, total

    largest = _rivals(np, x, y).max(axis=-1, keepdims=True)
    products = np.where((y == 0) & (x == x), 0.0, y * x)
    lost = product_error(y, x, products)
    lost = np.where(np.isfinite(lost), lost, 0.0)
    terms = np.concatenate([np.ones_like(largest), largest, -products, -lost], axis=-1)
    found = total(np, terms)[..., None]
    unsure = np.absolute(found) <= 1e-9 * np.absolute(terms).max(axis=-1, keepdims=True)
    for *row, _ in np.argwhere(unsure).tolist():  # its sign says whether the margin is met
        found[tuple(row)] = 4.0 * math.fsum((terms[tuple(row)] / 4.0).tolist())
    return found


def _categorical_hinge(np: Any, x: Any, y: Any, ties: str) -> Any:
    return np.maximum(_categorical_margin(np, x, y), 0.0)[..., 0]


def _categorical_parts(np: Any, x: Any, y: Any, ties: str) -> tuple[Any, Any]:
    """The slope by the margin, half of it at an exactly met one that is split; and the shares of the maximum."""
    margin = _categorical_margin(np, x, y)
    at_margin = 0.5 if ties == "split" else 0.0
    active = np.where(margin > 0, 1.0, np.where(margin == 0, at_margin, 0.0 * margin))
    return active, shares(np, _largest_rivals(np, x, y), ties)


def _largest_rivals(np: Any, x: Any, y: Any) -> Any:
    """Who reaches the maximum of (1 - y_i) x_i: the exact products tell some apart that are equal when rounded."""
    rivals = _rivals(np, x, y)
    tied = rivals == rivals.max(axis=-1, keepdims=True)
    unsure = tied & (y != 0) & (y != 1) & np.isfinite(rivals) & (tied.sum(axis=-1, keepdims=True) > 1)
    for place in map(tuple, np.argwhere(unsure.any(axis=-1)).tolist()):
        tied[place] = _exactly_largest(np, tied[place], np.broadcast_to(x, tied.shape)[place], y[place])
    return tied


def _exactly_largest(np: Any, tied: Any, x: Any, y: Any) -> Any:
    """Of some entries of one vector, those of which (1 - y_i) x_i is largest before any rounding."""
    from fractions import Fraction

    exact = {i: (1 - Fraction(float(y[i]))) * Fraction(float(x[i])) for i in np.flatnonzero(tied).tolist()}
    largest = max(exact.values())
    return np.array([exact.get(i) == largest for i in range(len(x))])


def _categorical_hinge_gradient(np: Any, x: Any, y: Any, side: str, ties: str) -> Any:
    """(1 - y_j) for who reaches the maximum, less y_j."""
    from gradcalc.numerics.vectors import product_error, two_sum

    active, share = _categorical_parts(np, x, y, ties)
    product = y * share
    lost = product_error(y, share, product)
    high, low = two_sum(share, -y)
    slope = (high - product) + (low - lost)
    return np.where(active == 0, 0.0, active * slope) + nan_of(np, x)


def _categorical_hinge_by_target(np: Any, x: Any, y: Any, ties: str) -> Any:
    """-x_j, and once more for who reaches the maximum."""
    active, share = _categorical_parts(np, x, y, ties)
    return np.where(active == 0, 0.0, -(active * (1.0 + share)) * x) + nan_of(np, x)


def _arrays() -> Any:
    from gradcalc.numerics import arrays

    return arrays


def _multiclass_sparsemax(np: Any, x: Any, y: Any) -> Any:
    """|p - e_y|^2 / 2, and how far the class is below the threshold."""
    from gradcalc.numerics.vectors import total

    p, (share, share_low), largest = sparse_probabilities(np, x)
    own = _one_hot(np, x, y)
    rest = total(np, np.where(own > 0, 0.0, p))[..., None]
    distance = np.where(own > 0, rest, p)
    gap, low = gaps(np, np.take_along_axis(x, y[..., None], axis=-1), largest)
    below = np.maximum(-((gap + share) + (low + share_low)), 0.0)
    return 0.5 * total(np, distance * distance) + below[..., 0] + nan_of(np, x)[..., 0]


def _multiclass_sparsemax_gradient(np: Any, x: Any, y: Any, side: str) -> Any:
    """p - e_y, in the class less what the others have."""
    from gradcalc.numerics.vectors import total

    p, _, _ = sparse_probabilities(np, x)
    own = _one_hot(np, x, y)
    rest = total(np, np.where(own > 0, 0.0, p))[..., None]
    return np.where(own > 0, -rest, p) + nan_of(np, x)


def _pair_margins(np: Any, x: Any, y: Any) -> Any:
    """1 - (x_j - x_i) for each label j (rows) and each other class i (columns), with one rounding in all."""
    from gradcalc.numerics.vectors import finite_or_zero, two_sum

    gap, low = two_sum(x[y == 0][None, :], -x[y == 1][:, None])
    excess, lost = two_sum(gap, 1.0)
    return excess + finite_or_zero(np, low + lost)


def _in_rows(kernel: Kernel) -> Kernel:
    """The kernel (np, x, y, ...) for one vector after the other: it makes a square matrix of each."""

    @wraps(kernel)
    def run(np: Any, x: Any, y: Any, *rest: Any) -> Any:
        if x.ndim == 1:
            return kernel(np, x, y, *rest)
        return np.stack([run(np, *row, *rest) for row in zip(x, np.broadcast_to(y, x.shape), strict=True)])

    return run


@_in_rows
def _multilabel_margin(np: Any, x: Any, y: Any) -> Any:
    from gradcalc.numerics.vectors import total

    room = np.append(np.maximum(_pair_margins(np, x, y), 0.0), 0.0)
    scale = 2.0**-60 if room.max() > 1e290 else 1.0
    return total(np, room * scale) / len(x) / scale + nan_of(np, x)[0]


@_in_rows
def _multilabel_margin_gradient(np: Any, x: Any, y: Any, side: str) -> Any:
    """Each margin that is not met pushes its label up and its other class down."""
    room, gradient = _pair_margins(np, x, y), np.zeros(len(x))
    rising = np.where(room == 0, side == "right", room > 0).sum(axis=0)
    falling = np.where(room == 0, side == "left", room > 0).sum(axis=1)
    gradient[y == 0] += rising
    gradient[y == 1] -= falling
    return gradient / len(x) + nan_of(np, x)


@_in_rows
def _multilabel_margin_at_kink(np: Any, x: Any, y: Any) -> Any:
    met, found = _pair_margins(np, x, y) == 0, np.zeros(len(x), dtype=bool)
    found[y == 0], found[y == 1] = met.any(axis=0), met.any(axis=1)
    return found


def _multilabel_soft_margin(np: Any, x: Any, y: Any) -> Any:
    from gradcalc.numerics.vectors import total

    xp = _arrays()
    above = np.where(y == 1, 0.0, (1.0 - y) * softplus(xp, x))
    terms = above + np.where(y == 0, 0.0, y * softplus(xp, -x))
    scale = np.where(np.absolute(terms).max(axis=-1, keepdims=True) > 1e300, 2.0**-20, 1.0)
    return total(np, terms * scale) / x.shape[-1] / scale[..., 0]


def _multilabel_soft_margin_gradient(np: Any, x: Any, y: Any, side: str) -> Any:
    u = np.exp(-np.absolute(x))
    numerator = np.where(x >= 0, (1.0 - y) - y * u, (1.0 - y) * u - y)
    return numerator / (1.0 + u) / x.shape[-1]


ENTRIES = (
    VectorLoss(
        name="multi_margin",
        aliases=("multi_margin_loss",),
        title="Multiclass margin loss",
        params=(
            Param("p", 1.0, "power of each excess", POWER, derivative=_by_classes(svm_by_p)),
            Param(
                "margin",
                1.0,
                "how far the class must lead",
                derivative=_by_classes(svm_by_margin),
                one_sided=(_by_classes(svm_by_margin), _by_classes(svm_by_margin_right)),
            ),
        ),
        formula="sum((1 - y) * max(0, margin - sum(y * a) + a)^p) / n",
        derivative_formula="((1 - y) * g - y * sum((1 - y) * g)) / n"
        " with M = margin - sum(y * a) + a, g = (p * M^(p - 1) if M > 0 else 0)",
        takes="class",
        value=_by_classes(svm_value),
        gradient=_by_classes(svm_gradient),
        by_target=None,
        at_kink=svm_at_kink,
        kinks=(
            KinkText("M[i] = 0 for p = 1, in a[i]", left="0", right="1 / n", default="0"),
            KinkText("k rivals have M = 0 for p = 1, in a of the class", left="-k / n", right="0", default="0"),
            KinkText("k rivals have M = 0 for p = 1, in margin", left="0", right="k / n", default="0"),
        ),
        notes=(
            "y is 1 for the class and 0 for its rivals",
            "svm_loss divided by the number of classes; optax and Keras take the largest excess: multiclass_hinge",
            "where a margin is exactly met the inactive branch is taken, as in PyTorch",
        ),
        libraries={"PyTorch": "F.multi_margin_loss"},
        source="PyTorch multi_margin_loss",
    ),
    VectorLoss(
        name="multiclass_hinge",
        aliases=("crammer_singer", "multiclass_hinge_loss"),
        title="Multiclass hinge loss (Crammer-Singer)",
        params=(TIES,),
        formula="max(a + 1 - y) - sum(y * a)",
        derivative_formula="(M == max(M)) / sum(M == max(M)) - y with M = a + 1 - y",
        takes="class",
        value=_multiclass_hinge,
        gradient=_multiclass_hinge_gradient,
        by_target=None,
        notes=(
            "y is 1 for the class and 0 for its rivals",
            "ties, a margin exactly met among them, split the slope as in JAX; -p ties=first gives it to the first",
        ),
        libraries={"optax.losses": "multiclass_hinge_loss"},
        source="Crammer & Singer 2001; optax multiclass_hinge_loss",
    ),
    VectorLoss(
        name="categorical_hinge",
        title="Categorical hinge loss",
        params=(TIES,),
        formula="max(0, max((1 - y) * a) - sum(y * a) + 1)",
        derivative_formula="(1 - y) * (M == max(M)) / sum(M == max(M)) - y if max(M) - sum(y * a) + 1 > 0 else 0"
        " with M = (1 - y) * a",
        takes="distribution",
        value=_categorical_hinge,
        gradient=_categorical_hinge_gradient,
        by_target=_categorical_hinge_by_target,
        additive=False,
        notes=(
            "the maximum has the 0 of the class itself in it: it is not multiclass_hinge where all rivals are below 0",
            "ties, a margin exactly met among them, split the slope as Keras on JAX does",
        ),
        libraries={"Keras": "categorical_hinge"},
        source="Keras categorical_hinge",
    ),
    VectorLoss(
        name="multiclass_perceptron",
        aliases=("multiclass_perceptron_loss",),
        title="Multiclass perceptron loss",
        params=(TIES,),
        formula="max(a) - sum(y * a)",
        derivative_formula="(a == max(a)) / sum(a == max(a)) - y",
        takes="class",
        value=_perceptron,
        gradient=_perceptron_gradient,
        by_target=None,
        notes=("y is 1 for the class and 0 for its rivals", "ties split the slope as in JAX"),
        libraries={"optax.losses": "multiclass_perceptron_loss"},
        source="optax multiclass_perceptron_loss",
    ),
    VectorLoss(
        name="multiclass_sparsemax",
        aliases=("multiclass_sparsemax_loss",),
        title="Multiclass sparsemax loss",
        formula="sum(p * (a - sum(y * a))) + (1 - sum(p^2)) / 2 with p = sparsemax(a)",
        derivative_formula="sparsemax(a) - y",
        takes="class",
        value=_multiclass_sparsemax,
        gradient=_multiclass_sparsemax_gradient,
        by_target=None,
        notes=("y is 1 for the class and 0 for its rivals",),
        libraries={"optax.losses": "multiclass_sparsemax_loss"},
        source="Martins & Astudillo 2016; optax multiclass_sparsemax_loss",
    ),
    VectorLoss(
        name="multilabel_margin",
        aliases=("multilabel_margin_loss",),
        title="Margin loss of several labels",
        formula="sum(i, j, y[j] * (1 - y[i]) * max(0, 1 - (a[j] - a[i]))) / n",
        derivative_formula="((1 - y) * sum(j, y[j] * (a[j] - a < 1)) - y * sum(j, (1 - y[j]) * (a - a[j] < 1))) / n",
        takes="values",
        value=_multilabel_margin,
        gradient=_multilabel_margin_gradient,
        by_target=None,
        at_kink=_multilabel_margin_at_kink,
        kinks=(
            KinkText("a[j] - a[i] = 1 for k classes i, in a[j] of a label", left="-k / n", right="0", default="0"),
            KinkText("a[j] - a[i] = 1 for k labels j, in a[i] of another class", left="0", right="k / n", default="0"),
        ),
        target_domain=ZERO_OR_ONE,
        additive=False,
        notes=(
            "the target is 1 for each label and 0 for the other classes; PyTorch lists the labels, then -1",
            "where a margin is exactly met the inactive branch is taken",
        ),
        libraries={"PyTorch": "F.multilabel_margin_loss"},
        source="PyTorch multilabel_margin_loss",
    ),
    VectorLoss(
        name="multilabel_soft_margin",
        aliases=("multilabel_soft_margin_loss",),
        title="Mean binary cross-entropy of the logits of several labels",
        formula="mean((1 - y) * log(1 + exp(a)) + y * log(1 + exp(-a)))",
        derivative_formula="(sigmoid(a) - y) / n",
        takes="values",
        value=_multilabel_soft_margin,
        gradient=_multilabel_soft_margin_gradient,
        by_target=lambda np, x, y: -x / x.shape[-1] + 0.0 * y,
        target_domain=UNIT,
        notes=("the mean of bce_with_logits over the classes",),
        libraries={"PyTorch": "F.multilabel_soft_margin_loss"},
        source="PyTorch multilabel_soft_margin_loss",
    ),
)
