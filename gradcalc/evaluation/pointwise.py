"""Elementwise functions: runs of numbers through the scalar kernels, column by column. No NumPy is loaded."""

from __future__ import annotations

from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.errors import InputError, UsageError
from gradcalc.evaluation.further import missing, told_apart
from gradcalc.evaluation.kinks import pick, settle, spread
from gradcalc.evaluation.question import check_target
from gradcalc.evaluation.reading import flat
from gradcalc.evaluation.reduction import parts_needed, reduced
from gradcalc.functions.entry import ANY, ElementwiseLoss
from gradcalc.numerics import scalar
from gradcalc.results import Points

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gradcalc.errors import GradcalcError, Place
    from gradcalc.evaluation.question import Question
    from gradcalc.evaluation.reading import Whole
    from gradcalc.evaluation.series import Series
    from gradcalc.functions.entry import Domain, Entry, Kernel


class Numbers(NamedTuple):
    """A run of inputs, each a point by itself, and where the i-th of them stands."""

    values: list[float]
    where: Callable[[int], Place | None] = lambda _: None


class Given(NamedTuple):
    """What goes with a run of inputs: in each column one number for all, or a list with one for each."""

    target: Any
    further: dict[str, Any]
    parameters: list[Any]
    upstream: Any
    factor: Any

    def behind_target(self) -> list[Any]:
        """What follows the target in a kernel's arguments."""
        return [*self.further.values(), *self.parameters]

    def arguments(self) -> list[Any]:
        """What follows the input in a kernel's arguments."""
        return self.behind_target() if self.target is None else [self.target, *self.behind_target()]

    def first(self, count: int) -> Given:
        """What goes with the first `count` of the inputs."""

        def cut(column: Any) -> Any:
            return column[:count] if isinstance(column, list) else column

        further = {name: cut(column) for name, column in self.further.items()}
        parameters = [cut(p) for p in self.parameters]
        return Given(cut(self.target), further, parameters, cut(self.upstream), cut(self.factor))


def answer(question: Question, run: Numbers) -> Iterator[Points]:
    """The points of a run. At one that cannot be answered: those before it, and then the error with its place."""
    inputs, error = _servable(question, run.values)
    given = _from_series(question, len(inputs))
    bad = _first_bad(question, inputs, given.target)
    if bad:
        index, error = bad
        inputs, given = inputs[:index], given.first(index)
    if inputs:
        yield block(question, inputs, given, _names(question, given))
    if error:
        error.place = run.where(len(inputs))
        raise error


def _servable(question: Question, inputs: list[float]) -> tuple[list[float], GradcalcError | None]:
    """The inputs that find a target, a weight and so on of their own, and the error for the first that does not."""
    for series in _series(question):
        if len(inputs) > series.left():
            return inputs[: int(series.left())], series.exhausted()
    return inputs, None


def _series(question: Question) -> list[Series]:
    """What has to go with every input, the scarcest first."""
    others = (*question.further.values(), *question.per_unit.values())
    found = (question.targets, question.upstream, question.weights, *others)
    return sorted((series for series in found if series), key=lambda series: series.left())


def _from_series(question: Question, count: int) -> Given:
    """What the question holds for the next `count` inputs."""
    weight = question.weights.take(count) if question.weights else 1.0
    target = question.targets.take(count) if question.targets else None
    parameters = dict(question.parameters)
    parameters.update({name: series.take(count) for name, series in question.per_unit.items()})
    upstream = question.upstream.take(count) if question.upstream else None
    further = {name: series.take(count) for name, series in question.further.items()}
    factor = _times(weight, question.scale)
    return Given(
        _needed(question.entry, target), _all_of(question.entry, further), list(parameters.values()), upstream, factor
    )


def _all_of(entry: Entry, further: dict[str, Any]) -> dict[str, Any]:
    """The further inputs in their order, every one of which must be there."""
    for one in entry.further:
        if further.get(one.name) is None:
            raise missing(entry, one.name)
    return {one.name: further[one.name] for one in entry.further}


def _needed(entry: Entry, target: Any) -> Any:
    if target is None and entry.kind == "loss":
        raise UsageError(f"{entry.name} needs a target", hint="give one with --target (-y)")
    return target


def _first_bad(question: Question, inputs: list[float], target: Any) -> tuple[int, GradcalcError] | None:
    """The first input outside the function's domain, or with a target outside its own, and the error for it."""
    entry = question.entry
    domain = entry.inputs(question.parameters)
    targets = entry.targets(question.parameters) if isinstance(entry, ElementwiseLoss) else ANY
    if domain is ANY and targets is ANY:
        return None
    for i, z in enumerate(inputs):
        if z not in domain:
            return i, outside(entry, domain, z)
        y = pick(target, i)
        if targets is not ANY and y not in targets:
            return i, InputError(f"{entry.name}: the target must be {targets.text}, not {y:g}")
    return None


def outside(entry: Entry, domain: Domain, z: float, where: str = "") -> InputError:
    """The error for an input outside the function's domain; it names the same loss on logits, if there is one."""
    what = "prediction" if entry.kind == "loss" else "input"
    logits = getattr(entry, "logits", "")
    hint = f"for logits there is {logits}" if logits else ""
    return InputError(f"{entry.name}: the {what}{where} must be {domain.text}, not {z:g}", hint=hint)


def whole(question: Question, point: Whole) -> Points:
    """One point given whole: a number, or lists whose every number is an input; its answers have the same shape."""
    inputs = flat(point.input)
    given = _of_its_own(question, point, len(inputs))
    bad = _first_bad(question, inputs, given.target)
    if bad:
        raise bad[1]
    found = block(question, inputs, given, _names(question, given))
    if question.reduction != "none":
        found = reduced(question, [found], given.upstream)
        found = Points({name: column[0] for name, column in found.columns.items()}, found.at_kink, found.kinks)
    columns = {name: [_shaped_like(point.input, column)] for name, column in found.columns.items()}
    return Points(columns, found.at_kink and [any(found.at_kink)], found.kinks)


def _names(question: Question, given: Given) -> list[str]:
    """The columns to work out."""
    if question.reduction != "none":
        return parts_needed(question)
    return question.columns(upstream=given.upstream is not None)


def _of_its_own(question: Question, point: Whole, count: int) -> Given:
    """What the point brings itself, and what the question holds for all."""
    check_target(question.entry, point.target, point.target_class)

    def column(own: Any, series: Series | None, name: str) -> Any:
        values = flat(own) if isinstance(own, list) else own
        if values is None and series:
            values = [series.next() for _ in range(count)]
        if isinstance(values, list) and len(values) != count:
            given = f"{len(values)} value{'s' * (len(values) != 1)}"
            inputs = f"{count} input{'s' * (count != 1)}"
            raise InputError(f"{name}: {given} for {inputs}", hint="give one for all, or one each")
        return values

    entry, more = question.entry, told_apart(question.entry, point.extra)
    weight = column(more.weight, question.weights, "weight")
    own = {name: entry.param(name).read(value, entry.name) for name, value in more.parameters.items()}
    parameters = [column(value, None, name) for name, value in {**question.parameters, **own}.items()]
    names = [one.name for one in entry.further]
    further = {name: column(more.inputs.get(name), question.further.get(name), name) for name in names}
    return Given(
        _needed(entry, column(point.target, question.targets, "target")),
        _all_of(entry, further),
        parameters,
        column(point.upstream, question.upstream, "upstream"),
        _times(1.0 if weight is None else weight, question.scale),
    )


def block(question: Question, inputs: list[float], given: Given, names: list[str]) -> Points:
    """The named quantities of these inputs, column by column."""
    entry: Any = question.entry
    found: dict[str, list[Any]] = {"input": inputs, "target": spread(given.target, len(inputs))}
    found.update({name: spread(column, len(inputs)) for name, column in given.further.items()})
    if "value" in names:
        found["value"] = _mapped(entry.value, inputs, given)
    met = {}
    if {"derivative", "second_derivative", "vjp"}.intersection(names):
        slopes = found["derivative"] = _mapped(_derivative(question), inputs, given)
        met = settle(question, inputs, given, slopes)
    if "second_derivative" in names:
        curvatures = found["second_derivative"] = _mapped(entry.second, inputs, given)
        for i in met:  # where the derivative jumps it has no derivative
            curvatures[i] = scalar.nan
    if "upstream" in names or "vjp" in names:
        found["upstream"] = spread(_upstream(given), len(inputs))
    if "vjp" in names:
        found["vjp"] = [g * d + 0.0 for g, d in zip(found["upstream"], found["derivative"], strict=True)]
    at_kink = [i in met for i in range(len(inputs))] if met else None
    return Points({name: found[name] for name in names}, at_kink, tuple(dict.fromkeys(met.values())))


def _upstream(given: Given) -> Any:
    if given.upstream is None:
        raise UsageError("no upstream gradient is given", hint="give one with --upstream (-u)")
    return given.upstream


def _derivative(question: Question) -> Kernel:
    """The derivative's kernel, by whatever is asked."""
    entry: Any = question.entry
    kernel = entry.by_target if question.wrt == "target" else entry.derivative
    if question.by_further:
        kernel = question.by_further.derivative
    if question.param:
        kernel = question.param.derivative
    assert kernel is not None  # Question has checked it
    return kernel  # type: ignore[no-any-return]  # read from an entry of either class


def _mapped(kernel: Kernel, inputs: list[float], given: Given) -> list[float]:
    """The kernel's number for every input, times the factor. (Adding 0 makes -0 a plain 0.)"""
    arguments = (a if isinstance(a, list) else repeat(a) for a in given.arguments())
    values = list(map(kernel, repeat(scalar), inputs, *arguments))
    if given.factor == 1.0:
        return values
    return [c * v + 0.0 for c, v in zip(spread(given.factor, len(values)), values, strict=True)]


def _times(column: Any, factor: float) -> Any:
    return [x * factor for x in column] if isinstance(column, list) else column * factor


def _shaped_like(nested: Any, column: Any) -> Any:
    """A column of answers in the nesting of the inputs; one number stays one."""
    return _shaped(nested, iter(column)) if isinstance(column, list) else column


def _shaped(nested: Any, numbers: Iterator[float]) -> Any:
    return [_shaped(part, numbers) for part in nested] if isinstance(nested, list) else next(numbers)
