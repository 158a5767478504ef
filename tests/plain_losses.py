"""The losses of nets in plain NumPy: the first of them written here, the others by the values of their own kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradcalc.functions import entries
from gradcalc.functions.entry import ElementwiseLoss, VectorLoss
from gradcalc.numerics import arrays
from plain_activations import Array, log_softmax, softplus


def _multiclass_margin(a: Array, y: Array, p: float, margin: float) -> Array:
    excess = np.maximum(0.0, margin - (y * a).sum(axis=-1, keepdims=True) + a) ** p
    return ((1 - y) * excess).sum(axis=-1)


def _smoothed(y: Array, s: float) -> Array:
    return (1 - s) * y + s / y.shape[-1]


class Loss(NamedTuple):
    """A loss of outputs a and targets y, both (..., N, n): terms (..., N, n), or (..., N) where an example has one.

    `ends` are activations that give the outputs it takes; `targets` says which targets to draw; `weighed` that w, of
    the same shape as y, multiplies each term, or each class's part.
    """

    terms: Callable[..., Array]
    targets: str = "any"
    ends: tuple[str, ...] = ()
    parameters: tuple[dict[str, Any], ...] = ({},)
    weighed: bool = True


WRITTEN = {
    "squared_error": Loss(lambda a, y, w: w * (a - y) ** 2),
    "half_squared_error": Loss(lambda a, y, w: w * (a - y) ** 2 / 2),
    "absolute_error": Loss(lambda a, y, w: w * np.abs(a - y)),
    "mean_squared_error": Loss(lambda a, y, w: (w * (a - y) ** 2).mean(axis=-1)),
    "mean_half_squared_error": Loss(lambda a, y, w: (w * (a - y) ** 2).mean(axis=-1) / 2),
    "sum_half_squared_error": Loss(lambda a, y, w: (w * (a - y) ** 2).sum(axis=-1) / 2),
    "mean_absolute_error": Loss(lambda a, y, w: (w * np.abs(a - y)).mean(axis=-1)),
    "binary_cross_entropy": Loss(
        lambda a, y, w, label_smoothing=0.0: (
            -w
            * (
                ((1 - label_smoothing) * y + label_smoothing / 2) * np.log(a)
                + (1 - (1 - label_smoothing) * y - label_smoothing / 2) * np.log(1 - a)
            )
        ),
        targets="probabilities",
        ends=("sigmoid", "softmax"),
        parameters=({}, {"label_smoothing": 0.2}),
    ),
    "bce_with_logits": Loss(
        lambda a, y, w, label_smoothing=0.0, pos_weight=1.0: (
            w
            * (
                (1 - (1 - label_smoothing) * y - label_smoothing / 2) * softplus(a)
                + pos_weight * ((1 - label_smoothing) * y + label_smoothing / 2) * softplus(-a)
            )
        ),
        targets="probabilities",
        parameters=({}, {"label_smoothing": 0.2}, {"pos_weight": 3.0}),
    ),
    "cross_entropy": Loss(
        lambda a, y, w, normalize=False: (
            -(w * y * np.log(a / a.sum(axis=-1, keepdims=True) if normalize else a)).sum(axis=-1)
        ),
        targets="distributions",
        ends=("softmax", "sigmoid"),
        parameters=({}, {"normalize": True}),
    ),
    "softmax_cross_entropy": Loss(
        lambda a, y, w, label_smoothing=0.0, temperature=1.0: (
            -(w * _smoothed(y, label_smoothing) * log_softmax(a / temperature)).sum(axis=-1)
        ),
        targets="distributions",
        parameters=({}, {"label_smoothing": 0.2}, {"temperature": 2.5}),
    ),
    "hinge": Loss(lambda a, y, w: w * np.maximum(0.0, 1.0 - a * y), targets="signs"),
    "svm_loss": Loss(
        lambda a, y, w, p=1.0, margin=1.0: (w * y).sum(axis=-1) * _multiclass_margin(a, y, p, margin),
        targets="classes",
        parameters=({}, {"p": 2.0, "margin": 0.7}),
    ),
}


def _by_its_value(entry: ElementwiseLoss | VectorLoss) -> Loss:
    """A loss whose value test_accuracy holds to a formula: of outputs and targets inside its domains."""
    parameters = entry.parameters({})
    free = -1e3 in entry.inputs(parameters) and 1e3 in entry.inputs(parameters)
    return Loss(
        _elementwise(entry) if isinstance(entry, ElementwiseLoss) else _of_vectors(entry),
        targets=_targets(entry, parameters),
        ends=() if free else ("sigmoid", "softmax"),
        weighed=isinstance(entry, ElementwiseLoss),
    )


def _elementwise(entry: ElementwiseLoss) -> Callable[[Array, Array, Array], Array]:
    given = entry.parameters({}).values()
    return lambda a, y, w: w * entry.value(arrays, a, y, *given)


def _of_vectors(entry: VectorLoss) -> Callable[[Array, Array, Array], Array]:
    given = entry.parameters({}).values()
    return lambda a, y, w: entry.value(np, a, y.argmax(axis=-1) if entry.takes == "class" else y, *given)


def _targets(entry: ElementwiseLoss | VectorLoss, parameters: dict[str, Any]) -> str:
    """Which targets to draw for it."""
    if isinstance(entry, VectorLoss) and entry.takes != "values":
        return {"class": "classes", "distribution": "distributions"}[entry.takes]
    domain = entry.targets(parameters) if isinstance(entry, ElementwiseLoss) else entry.target_domain
    if domain.members is not None:
        return "signs" if -1.0 in domain else "bits"
    return "any" if -1e3 in domain else "positive" if 1e3 in domain else "probabilities"


LOSSES = WRITTEN | {
    entry.name: _by_its_value(entry)
    for entry in entries()
    if isinstance(entry, ElementwiseLoss | VectorLoss) and entry.name not in WRITTEN and not entry.further
}
