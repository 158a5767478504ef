"""The loss of a network: from the last output and the targets to one number, and its derivative by each output."""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from gradcalc.errors import InputError
from gradcalc.functions import find
from gradcalc.functions.entry import SIDES, ElementwiseLoss, Kink, Side, VectorLoss, choose, settled
from gradcalc.layers.activation import Activation
from gradcalc.numerics import arrays as xp
from gradcalc.shapes import Array

#: A loss on probabilities and the activation that makes them: together they are a loss on logits, and dL/dz is a - y.
LINKS = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}

#: The class of an example that the loss ignores.
IGNORED = -1


class LossGradient(NamedTuple):
    """The loss, its derivative by the output (N, n), and by the last pre-activation where that is known better."""

    loss: float
    da: Array
    dz: Array | None


class Objective:
    """A loss bound to its parameters, targets and scaling.

    `target` is (N, n), or integer classes (N,) for losses that take classes, IGNORED among them; `weight`, (n,) or
    (N, n), multiplies each term, or each class; `divide` says whether da carries the 1/N of a mean (else the
    parameters' gradients do). `values` are the parameters as the user gave them.

    Outputs may have more axes, (N, time, classes): losses on classes or distributions act along the last one and give
    a term for each (example, time), all others take an example's numbers as one row. Inside, all of them are rows, and
    so are parameters that are one for each element. `counted` is how many examples have a term that is not ignored.
    """

    def __init__(
        self,
        entry: ElementwiseLoss | VectorLoss,
        values: dict[str, Any],
        target: Array,
        *,
        kink: Side = "default",
        reduction: str = "batch_mean",
        scale: float = 1.0,
        weight: Array | None = None,
        divide: bool = True,
    ) -> None:
        self.entry, self.values, self.target, self.kink = entry, values, target, kink
        self.reduction, self.scale, self.weight, self.divide = reduction, scale, weight, divide
        self.by_step = isinstance(entry, VectorLoss) and entry.takes != "values"
        self.counted, self._counted_terms = self._count()
        self._given, self._target = values, self.rows(target) if target.dtype.kind == "f" else target.reshape(-1)
        if values.get("ignore_index") is not None:
            self._given = {**values, "ignore_index": IGNORED}
        #: What the loss's functions take beside the output, which they take as rows.
        self.arguments = (self._target, *self._given.values())
        self._factors: Array | None = weight if weight is None or weight.ndim == 1 else self.rows(weight)
        if self._factors is not None and isinstance(entry, VectorLoss):
            self._weigh(entry, self._factors)

    def rows(self, array: Array) -> Array:
        """Outputs, targets or weights (N, ...) as the rows of which each has a term of the loss, or one an element."""
        if array.ndim == 2:
            return array
        return array.reshape(-1, array.shape[-1]) if self.by_step else array.reshape(len(array), -1)

    def _count(self) -> tuple[int, int]:
        """How many examples have a term that is not ignored, and how many such terms there are."""
        count, target = len(self.target), self.target
        if not self.by_step:
            return count, target.size if isinstance(self.entry, ElementwiseLoss) else count
        counts = target != IGNORED if target.dtype.kind == "i" else np.ones(target.shape[:-1], dtype=bool)
        by_example = counts.reshape(count, -1)
        return int(by_example.any(axis=1).sum()), int(by_example.sum())

    @property
    def ignored(self) -> int:
        """How many terms are ignored."""
        return int(np.count_nonzero(self.target == IGNORED)) if self.values.get("ignore_index") is not None else 0

    @property
    def shown_target(self) -> Array:
        """The target with the user's own label where an example is ignored."""
        label = self.values.get("ignore_index")
        return self.target if label is None else np.where(self.target == IGNORED, int(label), self.target)

    def _weigh(self, entry: VectorLoss, weight: Array) -> None:
        """Weights of classes: of one class, those of its examples; of a distribution, those of its target's entries."""
        if entry.takes == "class":
            by_class = np.broadcast_to(weight, (len(self._target), weight.shape[-1]))
            self._factors = np.take_along_axis(by_class, self._target[:, None], axis=1)
        elif entry.takes == "distribution":
            self._target, self._factors = self._class_weighted(weight), None

    def _class_weighted(self, weight: Array) -> Array:
        """The target times its classes' weights: the terms of the sum over classes. Smoothing comes before."""
        smoothing, target = self.values.get("label_smoothing", 0.0), self._target
        if smoothing:
            self._given = {**self.values, "label_smoothing": 0.0}
            target = (1.0 - smoothing) * target + smoothing / target.shape[1]
        return target * weight

    def __call__(self, a: Array, activation: Activation | None, z: Array | None) -> LossGradient:
        """The loss at output a = activation(z), both None where there is no activation. Errors: InputError."""
        self._check(a)
        if activation is not None and z is not None and self._linked(activation):
            loss, da, dz = self._from_logits(self.rows(z))
            return LossGradient(loss, da.reshape(a.shape), None if dz is None else dz.reshape(z.shape))
        rows = self.rows(a)
        terms = self._terms(self.entry, self._given, rows)
        gradient = self._scaled(self._gradient(self.entry, self._given, rows), rows)
        return LossGradient(self._reduced(terms), gradient.reshape(a.shape), None)

    def terms(self, a: Array, activation: Activation | None, z: Array | None) -> Array:
        """What the loss sums: each element's loss (N, n), or each example's (N,), without reduction and scale."""
        with np.errstate(all="ignore"):
            if activation is not None and z is not None and self._linked(activation):
                found = self._terms(*self._on_logits, self.rows(z))
            else:
                found = self._terms(self.entry, self._given, self.rows(a))
        if isinstance(self.entry, ElementwiseLoss):
            return found.reshape(a.shape)
        return found.reshape(a.shape[:-1]) if self.by_step else found

    def _check(self, a: Array) -> None:
        domain = self.entry.inputs(self.values)
        outside = np.argwhere(domain.outside(np, a))
        if len(outside):
            example, *unit = map(int, outside[0])
            output = unit[0] if len(unit) == 1 else "".join(f"[{i}]" for i in unit)
            other = f"use {self.entry.logits} on outputs without sigmoid or softmax" if self.entry.logits else ""
            raise InputError(
                f"{self.entry.name} takes predictions {domain.text}, but output {output} of example "
                f"{example} is {a[tuple(outside[0])]:.6g}",
                hint=other,
                path=("loss",),
            )

    def _linked(self, activation: Activation) -> bool:
        along_classes = not activation.vector or activation.axis == -1
        same = LINKS.get(self.entry.name) == activation.entry.name
        return same and along_classes and self.values.get("clip") is None

    def _from_logits(self, z: Array) -> LossGradient:
        """The same loss and derivatives from z: finite and right also where a is saturated at 0 or 1."""
        logits, values = self._on_logits
        loss = self._reduced(self._terms(logits, values, z))
        dz = self._scaled(self._gradient(logits, values, z), z)
        by_a = self._binary_by_a(z) if self.entry.name == "binary_cross_entropy" else self._classes_by_a(z, logits)
        return LossGradient(loss, self._scaled(by_a, z), dz)

    @cached_property
    def _on_logits(self) -> tuple[ElementwiseLoss | VectorLoss, dict[str, Any]]:
        """This loss as one on logits, with its parameters there."""
        logits = find(self.entry.logits)
        assert isinstance(logits, ElementwiseLoss | VectorLoss)
        return logits, logits.parameters({k: v for k, v in self.values.items() if k == "label_smoothing"})

    def _binary_by_a(self, z: Array) -> Array:
        """-y/a + (1-y)/(1-a) with 1/a = 1 + e^-z and 1/(1-a) = 1 + e^z."""
        y = self._target + self.values["label_smoothing"] * (0.5 - self._target)
        positive = np.where(y == 0, 0.0, -y * (1 + np.exp(-z)))
        return self._weighted(positive + np.where(y == 1, 0.0, (1 - y) * (1 + np.exp(z))))

    def _classes_by_a(self, z: Array, logits: ElementwiseLoss | VectorLoss) -> Array:
        """-y/a with 1/a from the logarithm of softmax; by_target of the loss on logits is -log softmax(z)."""
        assert logits.by_target is not None
        minus_log = logits.by_target(np, z, self._target, *logits.parameters({}).values())
        found = np.where(self._target == 0, 0.0, -self._target * np.exp(minus_log))
        return found + self._target.sum(axis=-1, keepdims=True) if self.values.get("normalize") else found

    def _terms(self, entry: ElementwiseLoss | VectorLoss, values: dict[str, Any], x: Array) -> Array:
        """Each element's or each example's loss."""
        if isinstance(entry, ElementwiseLoss):
            return self._weighted(np.asarray(entry.value(xp, x, self._target, *values.values())))
        if self._factors is not None and entry.takes == "values":
            return self._sum_of_weighted(entry, values, x)
        terms = np.asarray(entry.value(np, x, self._target, *values.values()))
        return terms if self._factors is None else terms * self._factors[:, 0]

    def _sum_of_weighted(self, entry: VectorLoss, values: dict[str, Any], x: Array) -> Array:
        """A loss that is a sum or a mean over an example's elements, each times its weight."""
        one = np.ones((1, x.shape[1]))
        whole, alone = (float(entry.value(np, v, 0 * v, *values.values())[0]) for v in (one, one[:, :1]))
        elements = entry.value(np, x[..., None], self._target[..., None], *values.values())
        return np.asarray(self._weighted(elements).sum(axis=1) * (whole / alone / x.shape[1]))

    def _gradient(self, entry: ElementwiseLoss | VectorLoss, values: dict[str, Any], x: Array) -> Array:
        """The derivative of each term by its inputs, (N, n), with the user's choice at kinks."""
        args = (self._target, *values.values())
        if isinstance(entry, ElementwiseLoss):
            found = np.asarray(entry.derivative(xp, x, *args))
            if entry.one_sided and self.kink != "default":
                found = settled(np, entry.one_sided("a")(xp, x, *args), self.kink, found)
            for kink in entry.kinks if self.kink != "default" else ():
                found = self._at_kink(found, kink, x, args)
        else:
            found = self._vector_gradient(entry, x, args)
        return self._weighted(found)

    def _at_kink(self, found: Array, kink: Kink, x: Array, args: tuple[Any, ...]) -> Array:
        return np.where(x == kink.at(*args), np.asarray(kink.shown(self.kink, *args), dtype=x.dtype), found)

    def _vector_gradient(self, entry: VectorLoss, x: Array, args: tuple[Any, ...]) -> Array:
        y, *values = args
        side = self.kink
        if side in ("default", "left", "right") or entry.at_kink is None:
            return np.asarray(entry.gradient(np, x, y, side if entry.at_kink else "default", *values))
        assert side in SIDES
        left, right = (entry.gradient(np, x, y, one, *values) for one in ("left", "right"))
        return np.asarray(np.where(entry.at_kink(np, x, y, *values), choose(side, left, right), left))

    def _weighted(self, terms: Array) -> Array:
        return terms if self._factors is None else terms * self._factors

    @property
    def divisor(self) -> int:
        """What the sum of all terms is divided by."""
        return {"sum": 1, "mean": self._counted_terms}.get(self.reduction, self.counted)

    @property
    def gradient_divisor(self) -> float:
        """What each term's gradient is divided by: unless the parameters carry the 1/N of a mean, the same."""
        return self.divisor if self.divide or self.reduction == "sum" else self.divisor / self.counted

    def _reduced(self, terms: Array) -> float:
        return float(np.sum(terms, dtype=np.float64)) * self.scale / self.divisor

    def _scaled(self, gradient: Array, x: Array) -> Array:
        """Each term's gradient with the scale and what it is divided by."""
        factor, divisor = self.scale, self.gradient_divisor
        if factor != 1.0:
            gradient = gradient * factor
        if divisor != 1:
            gradient = gradient / divisor
        return gradient.astype(x.dtype, copy=False)
