"""Mistakes in the loss: another loss, another logarithm, target and prediction exchanged, a wrong margin."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from gradcalc.errors import InputError
from gradcalc.functions import find
from gradcalc.functions.bound import BoundJoint
from gradcalc.functions.entry import ElementwiseLoss, VectorLoss
from gradcalc.mistakes.entry import Case, Mistake, Way
from gradcalc.mistakes.tape import WHOLE, Change, Run, Start
from gradcalc.objective import LossGradient, Objective
from gradcalc.shapes import Array

#: Losses that are taken for one another, the commonest first.
_OFTEN_TAKEN = (
    "half_squared_error", "squared_error", "mean_squared_error", "mean_half_squared_error", "absolute_error",
    "mean_absolute_error", "binary_cross_entropy", "cross_entropy", "softmax_cross_entropy", "bce_with_logits",
    "huber", "hinge",
)  # fmt: skip

_BASES = (2.0, 10.0)

#: What losses of classes take.
CLASSES = ("class", "distribution")


def loss_entry(name: str) -> ElementwiseLoss | VectorLoss:
    """The loss of that name."""
    entry = find(name)
    assert isinstance(entry, ElementwiseLoss | VectorLoss)
    return entry


def with_loss(objective: Objective, name: str, a: Array) -> Objective:
    """The same target and scaling under another loss. Errors: InputError where the target is of another kind."""
    entry = loss_entry(name)
    target = objective.target
    classes = isinstance(entry, VectorLoss) and entry.takes == "class"
    if target.dtype.kind == "i" and not classes:
        target = np.eye(a.shape[-1], dtype=a.dtype)[target]
    elif target.dtype.kind == "f" and classes:
        target = target.argmax(axis=-1)
    weight = (
        objective.weight if isinstance(entry, ElementwiseLoss) == isinstance(objective.entry, ElementwiseLoss) else None
    )
    values = {name: value for name, value in objective.values.items() if any(p.name == name for p in entry.params)}
    return Objective(
        entry, entry.parameters(values), target, kink=objective.kink, reduction=objective.reduction,
        scale=objective.scale, weight=weight, divide=objective.divide,
    )  # fmt: skip


def start_ways(
    case: Case, kind: str, made: Callable[[Run], LossGradient], said: tuple[tuple[str, str], ...] = ()
) -> Iterator[Way]:
    """A wrong loss with its gradient, the gradient alone, and the loss alone."""
    letter = "da" if case.layers else "da0"
    last = len(case.layers) - 1

    def both(run: Run, _at: int, _start: Start) -> Start:
        return Start(*made(run))

    def gradient(run: Run, _at: int, start: Start) -> Start:
        return Start(start.loss, *made(run)[1:])

    def loss(run: Run, _at: int, start: Start) -> Start:
        return start._replace(loss=made(run).loss)

    yield Way(kind, WHOLE, "loss", (Change("start", WHOLE, both),), said)
    yield Way(f"{kind} gradient", last, letter, (Change("start", WHOLE, gradient),), said)
    yield Way(f"{kind} loss", WHOLE, "loss", (Change("start", WHOLE, loss),), said)


def _under(objective: Objective) -> Callable[[Run], LossGradient]:
    return lambda run: run.judged(objective)


def _wrong_loss(case: Case) -> Iterator[Way]:
    objective = case.problem.objective
    if objective is None or not objective.entry.has_target:
        return
    for name in _OFTEN_TAKEN:
        if name == objective.entry.name or not _takes(name, objective):
            continue
        other = with_loss(objective, name, case.right.output)
        yield from start_ways(case, name, _under(other), (("loss", name),))


def _takes(name: str, objective: Objective) -> bool:
    """Whether the target can be one of that loss."""
    entry = loss_entry(name)
    if objective.target.dtype.kind == "i":  # where examples are ignored, no other kind of target says so
        return isinstance(entry, VectorLoss) and entry.takes in (("class",) if objective.ignored else CLASSES)
    domain = entry.targets(entry.parameters({})) if isinstance(entry, ElementwiseLoss) else entry.target_domain
    return not bool(np.any(domain.outside(np, objective.target)))


def _log_base(case: Case) -> Iterator[Way]:
    objective = case.problem.objective
    if objective is None or "log" not in objective.entry.formula:
        return
    for base in _BASES:
        factor = 1 / np.log(base)

        def scaled(_run: Run, _at: int, start: Start, factor: float = factor) -> Start:
            dz = None if start.dz is None else start.dz * factor
            return Start(None if start.loss is None else start.loss * factor, start.da * factor, dz)

        def loss(_run: Run, _at: int, start: Start, factor: float = factor) -> Start:
            return start._replace(loss=None if start.loss is None else start.loss * factor)

        said = (("base", f"{base:g}"),)
        yield Way(f"{base:g} loss", WHOLE, "loss", (Change("start", WHOLE, loss),), said)
        yield Way(f"{base:g}", WHOLE, "loss", (Change("start", WHOLE, scaled),), said)


def _swapped(case: Case) -> Iterator[Way]:
    """The loss of the target, with the output as what is aimed at."""
    objective = case.problem.objective
    if objective is None or objective.target.dtype.kind != "f" or isinstance(objective.entry, BoundJoint):
        return

    def made(run: Run) -> LossGradient:
        a = run.output
        if not np.isfinite(a).all():
            raise InputError("the output is not finite")
        turned = Objective(
            objective.entry, objective.values, a, kink=objective.kink, reduction=objective.reduction,
            scale=objective.scale, weight=objective.weight, divide=objective.divide,
        )  # fmt: skip
        return turned(objective.target, None, None)

    yield from start_ways(case, "swapped", made)


def _margin(case: Case) -> Iterator[Way]:
    """hinge: prediction < 1/target for target * prediction < 1, which is never met where the target is -1."""
    objective = case.problem.objective
    if objective is None or objective.entry.name != "hinge":
        return

    def gradient(run: Run, _at: int, start: Start) -> Start:
        a, y = run.output, objective.target
        signs = np.where(y > 0, 1.0, -1.0)
        size = np.abs(Start(*run.judged(_always_active(objective, signs))).da)
        return Start(start.loss, np.where(a < 1 / signs, -signs * size, 0.0), None)

    yield Way("margin", len(case.layers) - 1, "da" if case.layers else "da0", (Change("start", WHOLE, gradient),))


def _always_active(objective: Objective, signs: Array) -> Objective:
    """A loss whose slope is everywhere that of an active margin: the absolute error beyond all outputs."""
    return with_loss(_with_target(objective, signs * 1e300), "absolute_error", signs)


def _with_target(objective: Objective, target: Array) -> Objective:
    return Objective(
        objective.entry, objective.values, target, kink=objective.kink, reduction=objective.reduction,
        scale=objective.scale, weight=objective.weight, divide=objective.divide,
    )  # fmt: skip


WRONG_LOSS = Mistake(
    "wrong_loss",
    "another loss than the one asked for",
    "{quantity} belongs to the loss {loss}, which is not the one asked for.",
    "da = (a - y) / (a (1 - a)) of cross-entropy where the loss is a squared error",
    _wrong_loss,
)
LOG_BASE = Mistake(
    "log_base",
    "a logarithm to another base",
    "{quantity} takes logarithms to base {base} where the natural logarithm belongs.",
    "L = -log10(p) instead of -ln(p)",
    _log_base,
)
SWAPPED = Mistake(
    "target_and_prediction_swapped",
    "target and prediction exchanged",
    "{quantity} has target and prediction exchanged: L(y, a) for L(a, y).",
    "-sum(a log y) instead of -sum(y log a)",
    _swapped,
)
MARGIN = Mistake(
    "margin_tested_wrong",
    "hinge's margin tested without the sign of the target",
    "{quantity} tests the margin as a < 1/y: where the target is -1 that is not a y < 1.",
    "where(a < 1 / y, -y, 0) instead of where(a * y < 1, -y, 0)",
    _margin,
)
