"""Kinks of elementwise functions: where inputs lie on one, the derivative the user's rule takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.functions.entry import choose
from gradcalc.numerics import scalar
from gradcalc.numerics.scalar import nan
from gradcalc.results import KinkMet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gradcalc.evaluation.pointwise import Given
    from gradcalc.evaluation.question import Question
    from gradcalc.functions.entry import Kink, Param


def settle(question: Question, inputs: list[float], given: Given, slopes: list[float]) -> dict[int, KinkMet]:
    """Put the derivative of the user's rule into `slopes` at every kink; the kinks met, by position."""
    met: dict[int, KinkMet] = {}
    if getattr(question.entry, "one_sided", None):
        return _anywhere(question, inputs, given.target, given.parameters, given.factor, slopes)
    kinks, variable, others = _declared(question, inputs, given)
    for kink in kinks:
        for i in _positions(kink, variable, others):
            arguments = [pick(other, i) for other in others]
            left, right = kink.left(*arguments), kink.right(*arguments)
            if left == right and not kink.jump:
                continue
            c = pick(given.factor, i)
            shown = c * kink.shown(question.kink, *arguments) + 0.0
            met[i] = told(KinkMet(kink.when, c * left, c * right, shown, kink.jump))
            slopes[i] = shown
    return met


def _anywhere(
    question: Question, inputs: list[float], target: Any, parameters: list[Any], factor: Any, slopes: list[float]
) -> dict[int, KinkMet]:
    """The same for a function whose kinks cannot be listed: both one-sided derivatives at every input."""
    entry: Any = question.entry
    main = "a" if entry.kind == "loss" else "z"
    letter = {None: main, "target": "y"}.get(question.wrt, question.wrt)
    sides = entry.one_sided(letter)
    columns = [inputs, *([] if target is None else [target]), *parameters]
    names = [main, *([] if target is None else ["y"]), *question.parameters]
    met: dict[int, KinkMet] = {}
    for i in range(len(inputs)):
        given = [pick(column, i) for column in columns]
        left, right, jump = sides(scalar, *given)
        if (left == right and not jump) or left != left or right != right:
            continue
        c = pick(factor, i)
        left, right = c * left, c * right
        shown = slopes[i] if question.kink == "default" else choose(question.kink, left, right) + 0.0
        when = f"{letter} = {given[names.index(str(letter))]:g}"
        met[i] = told(KinkMet(when, left, right, shown, jump))
        slopes[i] = shown
    return met


def by_parameter(
    question: Question, param: Param, slope_of: Callable[[Any], Any], isfinite: Callable[[Any], Any]
) -> tuple[Any, KinkMet | None]:
    """The derivative by a parameter, with the user's rule applied where its one-sided ones differ, and that kink."""
    slope = slope_of(param.derivative)
    if param.one_sided is None:
        return slope, None
    left, right = (float(slope_of(kernel)) for kernel in param.one_sided)
    if left == right or not isfinite(left + right):
        return slope, None
    if question.kink != "default":
        slope = choose(question.kink, left, right)
    when = f"{param.name} = {question.parameters[param.name]:g}"
    return slope, told(KinkMet(when, left, right, float(slope)))


def told(kink: KinkMet) -> KinkMet:
    """A kink as it is told of: its NaN is always the same one, for otherwise no two kinks were equal."""
    return kink if kink.shown == kink.shown else kink._replace(shown=nan)


def _declared(question: Question, inputs: list[float], given: Given) -> tuple[Sequence[Kink], list[float], list[Any]]:
    """The kinks in the variable one differentiates by, its values, and what the kinks' functions take."""
    entry: Any = question.entry
    if question.wrt == "target":
        return entry.target_kinks, spread(given.target, len(inputs)), [inputs, *given.behind_target()]
    if question.by_further:
        name = question.by_further.name
        others = [column for other, column in given.further.items() if other != name]
        variable = spread(given.further[name], len(inputs))
        return question.by_further.kinks, variable, [inputs, given.target, *others, *given.parameters]
    if question.wrt is not None:
        return (), inputs, []
    return entry.kinks, inputs, given.arguments()


def _positions(kink: Kink, variable: list[float], others: list[Any]) -> list[int]:
    """Where the variable lies on the kink; none is at infinity."""
    if any(isinstance(other, list) for other in others):
        on_kink = [i for i, z in enumerate(variable) if z == kink.at(*(pick(other, i) for other in others))]
        return [i for i in on_kink if variable[i] - variable[i] == 0.0]
    at = kink.at(*others)
    return [i for i, z in enumerate(variable) if z == at] if at in variable and at - at == 0.0 else []


def pick(column: Any, i: int) -> Any:
    """The i-th of a column, which is one number for all or a list."""
    return column[i] if isinstance(column, list) else column


def spread(column: Any, count: int) -> list[float]:
    """A column as a list."""
    return column if isinstance(column, list) else [column] * count
