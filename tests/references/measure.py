"""The error of every kernel in units in the last place, on both number systems, against the references."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf
from typing import Any, NamedTuple

import numpy as np
from mpmath import mpf

import references
from gradcalc.errors import InputError
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Entry, VectorActivation, VectorLoss, VectorToScalar
from gradcalc.functions.joint import JointLoss
from gradcalc.numerics import arrays, scalar
from references import inputs
from references.reference import Formula
from references.ulps import PROMISE, error_of

POINTS = 60
LONG = 100  # entries: a vector of so many is tried with one target,
VERY_LONG = 500  # and one of so many with the first setting only


class Error(NamedTuple):
    """The error of one number or array: how large, of what, on which number system, and where."""

    ulps: float
    quantity: str
    system: str
    where: str


class Quantity(NamedTuple):
    """What a function has: its name, kernel (xp, inputs..., parameters...) and formula."""

    name: str
    kernel: Callable[..., Any]
    formula: Formula


class Setting(NamedTuple):
    """Parameters and the inputs to try them at, as the program takes them and exactly, as the references do."""

    given: Any
    parameters: list[Any]
    points: list[tuple[Any, ...]]
    exact: list[tuple[Any, ...]]

    def truths(self, quantity: Quantity) -> list[Any]:
        """What the reference says at each point: the truth of every number system."""
        return [quantity.formula(*arguments) for arguments in self.exact]

    def on_math(self, quantity: Quantity) -> list[float]:
        """The kernel's numbers at the points, one by one."""
        return [quantity.kernel(scalar, *point, *self.parameters) for point in self.points]

    def on_arrays(self, quantity: Quantity) -> list[float]:
        """The kernel's numbers at the points, all at once."""
        columns = [np.array(column) for column in zip(*self.points, strict=True)]
        with np.errstate(all="ignore"):
            return list(quantity.kernel(arrays, *columns, *self.parameters).tolist())

    def on_vectors(self, quantity: Quantity) -> list[Any]:
        """The arrays or numbers that a kernel for vectors makes of each point."""
        with np.errstate(all="ignore"):
            return [quantity.kernel(np, *map(np.array, point), *self.parameters) for point in self.points]


def settings(entry: Entry) -> Iterator[Setting]:
    """All settings of an entry's reference, with their points."""
    reference = references.of(entry.name)
    for given in reference.parameters:
        yield setting_of(entry, given, points(entry, given))
    for given, point in reference.hard:
        yield setting_of(entry, given, [point])


def setting_of(entry: Entry, given: Any, tried: list[tuple[Any, ...]]) -> Setting:
    """Parameters as a user gives them, with the points to try them at."""
    parameters = list(entry.parameters(given).values())
    last = list(map(exactly, parameters))
    return Setting(given, parameters, tried, [(*map(exactly, point), *last) for point in tried])


def exactly(value: Any) -> Any:
    """A parameter or input as the references want it: what is hashable can be kept from one quantity to the next."""
    if isinstance(value, list):
        return tuple(map(exactly, value))
    return mpf(value) if isinstance(value, float) else value


def measure(entry: Entry) -> Iterator[Error]:
    """The errors of a function: the largest of each quantity at all inputs, for every setting of its reference."""
    for setting in settings(entry):
        yield from measure_at(entry, setting)


def measure_at(entry: Entry, setting: Setting) -> Iterator[Error]:
    """The largest error of each quantity on each number system, for one setting."""
    for quantity in quantities(entry):
        truths = setting.truths(quantity)
        if isinstance(entry, Elementwise | ElementwiseLoss):
            found = {"math": setting.on_math(quantity), "numpy": setting.on_arrays(quantity)}
        else:
            found = {"numpy": setting.on_vectors(quantity)}
        for system, numbers in found.items():
            errors = list(map(error_of, numbers, truths))
            assert len(numbers) == len(errors) == len(setting.points)
            at = errors.index(max(errors))
            yield Error(errors[at], quantity.name, system, _where(setting, at, numbers[at], errors[at]))


def _where(setting: Setting, at: int, got: Any, ulps: float) -> str:
    """The point with its parameters and what was got, cut short where there is no need to look."""
    point, set_to = setting.points[at], f" with {dict(setting.given)}" if setting.given else ""
    return f"at {f'{point!r}' if ulps > PROMISE else f'{point!r:.200}'}{set_to}: {got!r:.200}"


def quantities(entry: Entry) -> Iterator[Quantity]:
    """All that a function has."""
    reference = references.of(entry.name)
    yield Quantity("value", entry.value, reference.value)  # type: ignore[attr-defined]  # all kinds have one
    if isinstance(entry, Elementwise | ElementwiseLoss):
        yield Quantity("derivative", entry.derivative, reference.derivative)
        assert reference.second is not None
        yield Quantity("second", entry.second, reference.second)
    elif isinstance(entry, VectorActivation):
        yield Quantity("jacobian", entry.jacobian, reference.derivative)
    elif isinstance(entry, VectorToScalar):
        yield Quantity("gradient", lambda xp, x, *p: entry.gradient(xp, x, "default", *p), reference.derivative)
    elif isinstance(entry, VectorLoss):
        yield Quantity("gradient", lambda xp, x, y, *p: entry.gradient(xp, x, y, "default", *p), reference.derivative)
    elif isinstance(entry, JointLoss):
        yield Quantity("gradient", _by_default(entry.gradient, len(entry.params)), reference.derivative)
    for one in entry.further:
        kernel = _by_default(one.derivative, len(entry.params)) if isinstance(entry, JointLoss) else one.derivative
        yield Quantity(f"by {one.name}", kernel, reference.by_input[one.name])
    by_target = getattr(entry, "by_target", None)
    if by_target is not None:
        assert reference.by_target is not None
        yield Quantity("by target", by_target, reference.by_target)
    for param in entry.params:
        if param.derivative is not None:
            yield Quantity(f"by {param.name}", param.derivative, reference.by_parameter[param.name])


def _by_default(kernel: Callable[..., Any], parameters: int) -> Callable[..., Any]:
    """A kernel with its `side` before the parameters, for the default side."""
    return lambda *given: kernel(*given[: len(given) - parameters], "default", *given[len(given) - parameters :])


def points(entry: Entry, given: Any) -> list[tuple[Any, ...]]:
    """The inputs to try: (x,), (x, y), or what a function with further inputs takes."""
    own = references.of(entry.name).points
    if own is not None:
        return own()
    if isinstance(entry, Elementwise):
        return [(x,) for x in inputs.numbers(entry.domain, POINTS, entry.name)]
    if isinstance(entry, ElementwiseLoss):
        parameters = entry.parameters(given)
        return list(inputs.pairs(entry.inputs(parameters), entry.targets(parameters), POINTS, entry.name))
    most = inf if given == references.of(entry.name).parameters[0] else VERY_LONG
    vectors = [x for x in inputs.vectors(entry.domain, entry.name) if len(x) <= most]
    if isinstance(entry, VectorLoss):
        return [(x, y) for x in vectors for y in _targets(entry, x)]
    if isinstance(entry, VectorActivation):
        vectors = [fitting(entry, x) for x in vectors if len(x) <= 50]
    return [(x,) for x in vectors if x]


def _targets(entry: VectorLoss, x: list[float]) -> list[Any]:
    """The targets to try with a vector; with a long one only that of the most terms."""
    found = list(inputs.targets_of(x, entry.takes, entry.target_domain, entry.name))
    return found if len(x) < LONG else [max(found, key=np.count_nonzero)]


def fitting(entry: Entry, x: list[float]) -> list[float]:
    """A vector of a length the function takes: without its last entry where that is one too many."""
    try:
        if isinstance(entry, VectorActivation):
            entry.outputs(len(x))
    except InputError:
        return x[:-1]
    return x
