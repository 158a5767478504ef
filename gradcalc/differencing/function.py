"""The derivatives of a single function beside differences, point by point."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from gradcalc.differencing.quantities import Quantity, Spot, Variable
from gradcalc.errors import GradcalcError, InputError
from gradcalc.evaluation.answers import answer
from gradcalc.evaluation.pointwise import Numbers
from gradcalc.evaluation.question import Question
from gradcalc.evaluation.reading import Whole, flat
from gradcalc.functions.entry import VectorActivation
from gradcalc.numerics.differences import Array

#: Longer vectors have too many derivatives to take one by one.
_LONGEST = 1000


class Point(NamedTuple):
    """One input and everything that belongs to it; `parameters` are the function's, by name.

    `extra` has its further inputs and its weight.
    """

    input: Any
    target: Any
    target_class: Any
    extra: dict[str, Any]
    parameters: dict[str, Any]


def quantities(question: Question, items: Iterable[Numbers | Whole], formula: str | None) -> Iterator[Quantity]:
    """The derivative at each point, as what differences can check; a number's input is its `at`. Errors: InputError."""
    points = list(_points(question, items))
    question.finish()
    for number, point in enumerate(points):
        name = "derivative" if len(points) == 1 else f"points[{number}].derivative"
        yield _quantity(_Function(question, point, formula), name)


def _points(question: Question, items: Iterable[Numbers | Whole]) -> Iterator[Point]:
    """Every input by itself, with its own target, weight and parameters."""
    for one in items:
        if isinstance(one, Numbers):
            for number in one.values:
                yield _with_its_own(question, Whole(number))
        elif question.elementwise and isinstance(one.input, list):
            yield from (_with_its_own(question, part) for part in _parts(question, one))
        else:
            yield _with_its_own(question, one)


def _parts(question: Question, whole: Whole) -> Iterator[Whole]:
    """The numbers of a point of an elementwise function, each a point."""
    inputs = flat(whole.input)
    targets = _each("target", whole.target, len(inputs))
    extra = {
        name: _each(name, value, len(inputs)) if question.entry.further_input(name) else [value] * len(inputs)
        for name, value in (whole.extra or {}).items()
    }
    for i, number in enumerate(inputs):
        yield Whole(number, targets[i], extra={name: values[i] for name, values in extra.items()})


def _each(name: str, value: Any, count: int) -> list[Any]:
    """What belongs to each of so many inputs, where one is given for all or one for each."""
    found = flat(value) if isinstance(value, list) else [value] * count
    if len(found) != count:
        raise InputError(f"{name}: {len(found)} values for {count} inputs", hint="give one for all, or one each")
    return found


def _with_its_own(question: Question, whole: Whole) -> Point:
    _check_finite(whole.input)
    target, target_class = whole.target, whole.target_class
    if target is None and target_class is None:
        target = question.targets.next() if question.targets else None
        target_class = question.classes.next() if question.classes and target is None else None
    extra = dict(whole.extra or {})
    given = {one.name for one in map(question.entry.further_input, extra) if one}
    extra |= {name: series.next() for name, series in question.further.items() if series and name not in given}
    if question.weights and "weight" not in extra:
        extra["weight"] = question.weights.next()
    own = {name: series.next() for name, series in question.per_unit.items()} if question.elementwise else {}
    return Point(whole.input, target, target_class, extra, {**question.parameters, **own})


def _check_finite(value: Any) -> None:
    numbers = flat(value) if isinstance(value, list) else [value]
    if not all(x - x == 0.0 for x in numbers):
        raise InputError("differences can be taken only at finite numbers")
    if len(numbers) > _LONGEST:
        raise InputError(f"differences by {len(numbers)} inputs take too long", hint=f"at most {_LONGEST}")


class _Function:
    """The function at a point, each of whose numbers can be moved."""

    def __init__(self, question: Question, point: Point, formula: str | None) -> None:
        self.question, self.point, self.formula = question, point, formula

    def ours(self) -> Array:
        """The derivative as eval gives it."""
        return self._answered(self.point, "derivative", self.question.warn)

    def outputs(self, index: int | None, x: float) -> Array:
        """The value with one number replaced: the variable itself, or its entry; NaN where there is none."""
        try:
            return self._answered(self._moved(index, x), "value", lambda _: None)
        except GradcalcError:
            return np.full(self._answered(self.point, "value", lambda _: None).shape, np.nan)

    def variable(self) -> Any:
        """What one differentiates by: a number, a list of them or a matrix."""
        if self.question.wrt is None:
            return self.point.input
        if self.question.by_further:
            return self._answered(self.point, self.question.by_further.name, lambda _: None).tolist()
        if self.question.param:
            return self.point.parameters[self.question.param.name]
        return self._target()

    def _target(self) -> Any:
        """The target as numbers: one for each of the inputs, where one was given for all."""
        return self._answered(self.point, "target", lambda _: None).tolist()

    def _moved(self, index: int | None, x: float) -> Point:
        numbers = np.array(self.variable(), dtype=np.float64)
        numbers.flat[index or 0] = x
        moved = numbers.tolist()
        if self.question.wrt is None:
            return self.point._replace(input=moved)
        further = self.question.by_further
        if further:
            others = {n: v for n, v in self.point.extra.items() if self.question.entry.further_input(n) is not further}
            return self.point._replace(extra={**others, further.name: moved})
        if self.question.param:
            return self.point._replace(parameters={**self.point.parameters, self.question.param.name: moved})
        return self.point._replace(target=moved, target_class=None)

    def _answered(self, point: Point, quantity: str, warn: Any) -> Array:
        asked = self.question
        one = Question(
            "" if self.formula is not None else asked.entry.name,
            formula=self.formula,
            parameters=point.parameters,
            wrt=asked.wrt if quantity == "derivative" else None,
            kink=asked.kink,
            only=[quantity],
            warn=warn,
        )
        whole = Whole(point.input, point.target, point.target_class, None, point.extra)
        (found,) = answer(one, [whole])
        return np.asarray(found.columns[quantity][0], dtype=np.float64)


def _quantity(function: _Function, name: str) -> Quantity:
    """The derivative, and the variable behind each of its entries or columns."""
    ours, variable = function.ours(), function.variable()
    if variable is None:
        wrt = function.question.wrt
        raise InputError(f"{wrt} is not set, so that there are no differences by it", hint=f"give it with -p {wrt}=...")
    _check_finite(variable)
    several = isinstance(variable, list)
    jacobian = several and isinstance(function.question.entry, VectorActivation)
    shape, numbers = np.shape(variable), flat(variable)

    def pick(position: int) -> Variable:
        index = tuple(int(i) for i in np.unravel_index(position, shape)) if several else ()
        place: Spot = (slice(None), *index) if jacobian else index
        outputs = partial(function.outputs, position if several else None)
        return Variable(place, float(numbers[position]), outputs)

    alone = function.point.input if not isinstance(function.point.input, list) else None
    return Quantity(name, ours, len(numbers), pick, alone)
