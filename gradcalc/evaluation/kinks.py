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
    from gradcalc.functions.entry import Kernel, Kink, Param


def settle(question: Question, inputs: list[float], given: Given, slopes: list[float]) -> dict[int, KinkMet]:
    """Put the derivative of the user's rule into `slopes` at every kink; the kinks met, by position."""
    met: dict[int, KinkMet] = {}
    main = "a" if question.entry.kind == "loss" else "z"
    letter = {None: main, "target": "y"}.get(question.wrt, question.wrt)
    sides = _sided(question, letter)
    if sides:
        columns = {main: inputs, **({} if given.target is None else {"y": given.target}), **given.further}
        columns.update(zip(question.parameters, given.parameters, strict=True))
        return _anywhere(question, sides, (main, letter), columns, given.factor, slopes)
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


def _sided(question: Question, letter: Any) -> Kernel | None:
    """The (left, right, jump) at any point, where there is no list of kinks: a formula's, or those in a parameter."""
    entry, param = question.entry, question.param
    if getattr(entry, "one_sided", None):
        return entry.one_sided(letter)  # type: ignore[attr-defined, no-any-return]  # an elementwise function
    if param is None or param.one_sided is None:
        return None
    (left, right), jumps = param.one_sided, param.jumps
    return lambda xp, *given: (left(xp, *given), right(xp, *given), jumps is not None and jumps(xp, *given))


def _anywhere(
    question: Question,
    sides: Kernel,
    letters: tuple[str, Any],
    columns: dict[str, Any],
    factor: Any,
    slopes: list[float],
) -> dict[int, KinkMet]:
    """The same for kinks that are not listed: both one-sided derivatives at every input. None is at infinity."""
    (main, letter), met = letters, dict[int, KinkMet]()
    for i in range(len(slopes)):
        given = {name: pick(column, i) for name, column in columns.items()}
        left, right, jump = sides(scalar, *given.values())
        at, place = given[letter], given[main]
        if (left == right and not jump) or left != left or right != right or at - at != 0.0 or place - place != 0.0:
            continue
        c = pick(factor, i)
        left, right = c * left, c * right
        shown = slopes[i] if question.kink == "default" else choose(question.kink, left, right) + 0.0
        met[i] = told(KinkMet(f"{letter} = {at:g}", left, right, shown, jump))
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
