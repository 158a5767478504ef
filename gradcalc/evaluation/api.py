"""The `evaluate` call: value and derivative of a function at given inputs, as typed records and contract JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.errors import InputError
from gradcalc.evaluation.answers import answer
from gradcalc.evaluation.pointwise import Numbers
from gradcalc.evaluation.question import Question
from gradcalc.evaluation.reading import Whole, numbers, point_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gradcalc.results import KinkMet, Points


class Point(NamedTuple):
    """One point's answers: numbers, lists where it is a vector, lists of lists where that is a Jacobian.

    `further` has its further inputs by name.
    """

    input: Any = None
    further: Mapping[str, Any] | None = None
    target: Any = None
    value: Any = None
    derivative: Any = None
    second_derivative: Any = None
    upstream: Any = None
    vjp: Any = None
    at_kink: bool = False

    def named(self) -> Iterator[tuple[str, Any]]:
        """Everything that may be said of it, by name, each further input under its own."""
        for name, value in self._asdict().items():
            yield from (self.further or {}).items() if name == "further" else ((name, value),)


class Evaluation(NamedTuple):
    """The answer: what was asked, every point, and the kinks some points lie on."""

    question: Question
    points: tuple[Point, ...]
    kinks: tuple[KinkMet, ...]

    def to_dict(self) -> dict[str, Any]:
        """The answer as `eval --format json` prints it."""
        question = self.question
        wrt = {"wrt": question.wrt} if question.wrt else {}
        formula = {"formula": question.entry.formula} if question.entry.name == "formula" else {}
        return {
            "function": question.entry.name,
            "kind": question.entry.kind,
            "parameters": _strict(question.parameters),
            "kink": question.kink,
            **wrt,
            **formula,
            "points": [
                {name: _strict(value) for name, value in point.named() if value is not None and value is not False}
                | wrt
                for point in self.points
            ],
        }


def evaluate(
    function: str,
    inputs: Any,
    *,
    formula: str | None = None,
    parameters: Mapping[str, object] | None = None,
    target: Any = None,
    target_class: Any = None,
    with_: Mapping[str, Any] | None = None,
    wrt: str | None = None,
    reduction: str = "none",
    scale: float = 1.0,
    upstream: Any = None,
    kink: str = "default",
    order: int = 1,
    only: Iterable[str] | None = None,
) -> Evaluation:
    """Value and derivative of a function, by name or alias, at inputs; what is asked has the names `eval` uses.

    Inputs are a number, or a list of numbers: points each (elementwise functions) or one vector (vector functions).
    A list of lists is a list of vectors, or one matrix for a function of a matrix; a dict is a whole point:
    {"input": ..., "target": ..., "upstream": ...}.
    A `formula` takes the function's place: evaluate("", 0.5, formula="z * tanh(z)").
    `target`, `target_class`, `upstream` and `with_` hold one for all inputs, or a list with one for each.

    >>> evaluate("relu", [-1, 2]).points[1].derivative
    1.0
    """
    question = Question(
        function, formula=formula, parameters=parameters,
        target=target, target_class=target_class, with_=with_, wrt=wrt,
        reduction=reduction, scale=scale, upstream=upstream, kink=kink, order=order, only=only,
    )  # fmt: skip
    parts = list(answer(question, items(question, inputs)))
    kinks = tuple(dict.fromkeys(kink for part in parts for kink in part.kinks))
    return Evaluation(question, tuple(point for part in parts for point in _points(part)), kinks)


def items(question: Question, inputs: Any) -> list[Numbers | Whole]:
    """Numbers, lists of them and whole points as what a question is answered for."""
    if isinstance(inputs, dict):
        return [point_from(inputs)]
    if question.entry.rank == 2:
        return _matrices(question, inputs)
    if isinstance(inputs, list | tuple) and any(isinstance(part, dict | list | tuple) for part in inputs):
        return [item for part in inputs for item in _part(question, part)]
    found = None if inputs is None else numbers(inputs, "the input")
    if found is None or found == []:
        raise InputError(f"{question.entry.name} needs an input")
    if isinstance(found, list) and any(isinstance(part, list) for part in found):
        return items(question, found)
    if question.elementwise:
        return [Numbers(found if isinstance(found, list) else [found])]
    return [Whole(found)]


def _matrices(question: Question, inputs: Any) -> list[Numbers | Whole]:
    """A matrix as a list of rows, or a list of matrices and whole points."""
    parts = inputs if isinstance(inputs, list | tuple) else [inputs]
    if any(isinstance(part, dict) for part in parts):
        return [item for part in parts for item in items(question, part)]
    found = numbers(inputs, "the input")
    if not isinstance(found, list) or not found:
        raise InputError(f"{question.entry.name} needs a matrix as its input, a list of rows")
    several = all(isinstance(part, list) and part and isinstance(part[0], list) for part in found)
    return [Whole(part) for part in found] if several else [Whole(found)]


def _part(question: Question, part: Any) -> list[Numbers | Whole]:
    """One of several inputs, some of which are vectors or whole points."""
    if isinstance(part, dict):
        return [point_from(part)]
    found = numbers(part, "the input")
    return [Numbers([found])] if question.elementwise and isinstance(found, float) else [Whole(found)]


def _points(part: Points) -> Iterator[Point]:
    """A part's columns as points."""
    at_kink = part.at_kink or [False] * part.size
    for i in range(part.size):
        named = {name: column[i] for name, column in part.columns.items()}
        further = {name: named.pop(name) for name in part.columns if name not in Point._fields}
        yield Point(**named, further=further or None, at_kink=at_kink[i])


def _strict(value: Any) -> Any:
    """A value as strict JSON has it: numbers that are not finite are words."""
    if isinstance(value, dict):
        return {name: _strict(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_strict(part) for part in value]
    if isinstance(value, float) and value - value != 0.0:
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return value
