"""The target of a loss of a whole example: numbers, a distribution or a class, with its weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.errors import InputError, UsageError, quoted
from gradcalc.evaluation.further import told_apart
from gradcalc.evaluation.question import check_target, takes_classes
from gradcalc.functions.entry import VectorLoss

if TYPE_CHECKING:
    from gradcalc.evaluation.question import Question
    from gradcalc.evaluation.reading import Whole


class Target(NamedTuple):
    """A target as it is shown and as the kernel takes it, and what the loss is multiplied by.

    `weights` belong to the elements of a sum, `class_weights` to the entries of a distribution (they are in
    `kernel` already, and so is label smoothing, which comes before them: then `smoothed`); the weight of a single
    class is part of `factor`.
    """

    shown: Any
    kernel: Any
    factor: float
    weights: Any = None
    class_weights: Any = None
    smoothed: bool = False


def read_target(np: Any, question: Question, point: Whole, x: Any) -> Target | None:
    """The target of a point, its own or the question's; None for what is no loss."""
    entry = question.entry
    check_target(entry, point.target, point.target_class)
    if not isinstance(entry, VectorLoss):
        told_apart(entry, point.extra)
        return None
    y = _given(np, question, point, entry, len(x))
    own = told_apart(entry, point.extra).weight
    weight = question.weights.next() if own is None and question.weights else own
    if weight is None:
        return Target(y, y if entry.takes != "class" else np.asarray(y), question.scale)
    weight = fitted(np, weight, len(x), "weight")
    if entry.takes == "values":
        return Target(y, y, question.scale, weights=weight)
    if entry.takes == "distribution":
        return _weighted_classes(question, y, weight)
    own = 0.0 if y == question.parameters.get("ignore_index") else float(weight[y])
    return Target(y, np.asarray(y), question.scale * own)


def _weighted_classes(question: Question, y: Any, weight: Any) -> Target:
    """The terms of the sum over classes, as PyTorch has them: targets are smoothed first, then weighted."""
    smoothing = question.parameters.get("label_smoothing", 0.0)
    if smoothing and question.param is not None and question.param.name == "label_smoothing":
        raise UsageError("there is no derivative by label_smoothing where classes have weights")
    smooth = (1.0 - smoothing) * y + smoothing / len(y) if smoothing else y
    by_target = (1.0 - smoothing) * weight
    return Target(y, smooth * weight, question.scale, class_weights=by_target, smoothed=bool(smoothing))


def _given(np: Any, question: Question, point: Whole, entry: VectorLoss, n: int) -> Any:
    """The target without its weights: a vector, or the number of a class."""
    if point.target is None and (point.target_class is not None or (question.classes and not question.targets)):
        k = question.classes.next() if point.target_class is None and question.classes else point.target_class
        if k is not None and k == question.parameters.get("ignore_index"):
            return int(k)
        return _of_class(np, entry, read_class(k, n, may_be_ignored="ignore_index" in question.parameters), n)
    value = question.targets.next() if point.target is None and question.targets else point.target
    if value is None:
        options = "--target (-y) or --target-class" if takes_classes(entry) else "--target (-y)"
        raise UsageError(f"{entry.name} needs a target", hint=f"give one with {options}")
    if takes_classes(entry) and not isinstance(value, list):
        raise UsageError(
            f"{entry.name}: the target is a distribution over the {n} classes, not the number {value:g}",
            hint="for the number of a class use --target-class",
        )
    y = fitted(np, value, n, "target")
    if entry.target_domain.outside(np, y).any():
        bad = y[entry.target_domain.outside(np, y)][0]
        raise InputError(f"{entry.name}: the target must be {entry.target_domain.text}, not {bad:g}")
    return y if entry.takes != "class" else _class_of(np, entry, y)


def _of_class(np: Any, entry: VectorLoss, k: int, n: int) -> Any:
    """A class as the loss takes it: itself, or the distribution that is 1 there."""
    if entry.takes == "class":
        return k
    y = np.zeros(n)
    y[k] = 1.0
    return y


def _class_of(np: Any, entry: VectorLoss, y: Any) -> int:
    """The class a vector of zeros and a one names."""
    if np.count_nonzero(y) != 1 or y.max() != 1.0:
        raise InputError(f"{entry.name}: the target is a class: a vector of zeros and one 1, or --target-class")
    return int(y.argmax())


def read_class(k: Any, n: int, *, may_be_ignored: bool = False) -> int:
    """The number of a class among `n`, from 0; an error says how to ignore a class below 0 where that may be asked."""
    if isinstance(k, list) or k != k or k in (float("inf"), -float("inf")) or k != int(k):
        raise InputError(
            f"a target class is a whole number, not {k:g}"
            if not isinstance(k, list)
            else "a target class is one number"
        )
    if not 0 <= k < n:
        ignore = f"; -p ignore_index={k:g} makes it count nothing" if may_be_ignored and k < 0 else ""
        raise InputError(f"there is no class {k:g} among {n}", hint=f"they count from 0 to {n - 1}{ignore}")
    return int(k)


def vector(np: Any, value: Any, name: str) -> Any:
    """A vector from a list of numbers, or from one number."""
    values = value if isinstance(value, list) else [value]
    if not values:
        raise InputError(f"{name} is an empty vector")
    if any(isinstance(part, list) or part is None for part in values):
        raise InputError(f"{name} must be one list of numbers, not {quoted(value)}")
    return np.array(values, dtype=float)


def fitted(np: Any, value: Any, n: int, name: str) -> Any:
    """A vector as long as the input; one number stands for all."""
    if not isinstance(value, list):
        return np.full(n, float(value))
    found = vector(np, value, f"the {name}")
    if len(found) != n:
        raise InputError(f"the {name} has {len(found)} number{'s' * (len(found) > 1)} for an input of {n}")
    return found
