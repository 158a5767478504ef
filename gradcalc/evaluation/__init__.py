"""The `evaluate` call: value and derivative of a function at given inputs, as typed records and contract JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.errors import GradcalcError, InputError
from gradcalc.evaluation import pointwise
from gradcalc.evaluation.pointwise import Numbers
from gradcalc.evaluation.question import Question
from gradcalc.evaluation.reading import Whole, numbers, point_from
from gradcalc.evaluation.reduction import reduced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcalc.results import KinkMet, Points


class Point(NamedTuple):
    """One point's answers: numbers, lists where it is a vector, lists of lists where that is a Jacobian."""

    input: Any = None
    target: Any = None
    value: Any = None
    derivative: Any = None
    second_derivative: Any = None
    upstream: Any = None
    vjp: Any = None
    at_kink: bool = False


class Evaluation(NamedTuple):
    """The answer: what was asked, every point, and the kinks some points lie on."""

    question: Question
    points: tuple[Point, ...]
    kinks: tuple[KinkMet, ...]

    def to_dict(self) -> dict[str, Any]:
        """The answer as `eval --format json` prints it."""
        question = self.question
        wrt = {"wrt": question.wrt} if question.wrt else {}
        return {
            "function": question.entry.name,
            "kind": question.entry.kind,
            "parameters": _strict(question.parameters),
            "kink": question.kink,
            "points": [
                {
                    name: _strict(value)
                    for name, value in point._asdict().items()
                    if value is not None and value is not False
                }
                | wrt
                for point in self.points
            ],
        }


def evaluate(function: str, inputs: Any, **asked: Any) -> Evaluation:
    """Value and derivative of a function, by name or alias, at inputs.

    Inputs are a number, or a list of numbers: points each (elementwise functions) or one vector (vector functions).
    A list of lists is a list of vectors; a dict is a whole point: {"input": ..., "target": ..., "upstream": ...}.
    What else may be asked is what `Question` takes: parameters, target, target_class, with_, wrt, reduction,
    scale, upstream, kink, order, only, warn.

    >>> evaluate("relu", [-1, 2]).points[1].derivative
    1.0
    """
    question = Question(function, **asked)
    parts = list(answer(question, items(question, inputs)))
    kinks = tuple(dict.fromkeys(kink for part in parts for kink in part.kinks))
    return Evaluation(question, tuple(point for part in parts for point in _points(part)), kinks)


def items(question: Question, inputs: Any) -> list[Numbers | Whole]:
    """Numbers, lists of them and whole points as what a question is answered for."""
    if isinstance(inputs, dict):
        return [point_from(inputs)]
    if isinstance(inputs, list | tuple) and any(isinstance(part, dict | list | tuple) for part in inputs):
        return [item for part in inputs for item in _part(question, part)]
    found = numbers(inputs, "the input")
    if found is None or found == []:
        raise InputError(f"{question.entry.name} needs an input")
    if isinstance(found, list) and any(isinstance(part, list) for part in found):
        return items(question, found)
    if question.elementwise:
        return [Numbers(found if isinstance(found, list) else [found])]
    return [Whole(found)]


def _part(question: Question, part: Any) -> list[Numbers | Whole]:
    """One of several inputs, some of which are vectors or whole points."""
    if isinstance(part, dict):
        return [point_from(part)]
    found = numbers(part, "the input")
    return [Numbers([found])] if question.elementwise and isinstance(found, float) else [Whole(found)]


def answer(question: Question, items: Iterable[Numbers | Whole]) -> Iterator[Points]:
    """The answers to runs of numbers and whole points, piece by piece; an error says where its input stood.

    A reduction takes all runs of numbers together and every whole point by itself.
    """
    pending: list[Points] = []
    wholes = 0
    for item in items:
        if isinstance(item, Whole):
            wholes += 1
            yield _whole(question, item)
        elif question.reduction == "none":
            yield from pointwise.answer(question, item)
        else:
            pending.extend(pointwise.answer(question, item))
    if question.reduction != "none" and (pending or not wholes):
        yield reduced(question, pending, question.upstream and question.upstream.next())
    question.finish()


def _whole(question: Question, point: Whole) -> Points:
    try:
        if question.elementwise:
            return pointwise.whole(question, point)
        from gradcalc.evaluation import vectors

        return vectors.answer(question, point)
    except GradcalcError as error:
        error.place = error.place or point.place
        raise


def _points(part: Points) -> Iterator[Point]:
    """A part's columns as points."""
    at_kink = part.at_kink or [False] * part.size
    for i in range(part.size):
        yield Point(**{name: column[i] for name, column in part.columns.items()}, at_kink=at_kink[i])


def _strict(value: Any) -> Any:
    """A value as strict JSON has it: numbers that are not finite are words."""
    if isinstance(value, dict):
        return {name: _strict(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_strict(part) for part in value]
    if isinstance(value, float) and value - value != 0.0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value
