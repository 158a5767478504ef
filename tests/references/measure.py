"""The error of every kernel in units in the last place, on both number systems, against the references."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from mpmath import isinf, isnan, mag, mpf

import references
from gradcalc.errors import InputError
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Entry, VectorActivation, VectorLoss, VectorToScalar
from gradcalc.numerics import arrays, scalar
from references import inputs
from references.reference import Formula

OVERFLOW = mpf(2) ** 1024
POINTS = 60


class Error(NamedTuple):
    """The error of one number or array: how large, of what, and where."""

    ulps: float
    quantity: str
    where: str


def ulp(x: Any) -> Any:
    """The distance of floats at x, at least the smallest subnormal."""
    return mpf(2) ** max(mag(x) - 53, -1074) if x else mpf(2) ** -1074


def ulps(got: float, truth: Any, unit: Any) -> float:
    """|got - truth| in units; where the truth is beyond float64, only the infinity of its sign has no error."""
    if got != got or isnan(truth):
        return 0.0 if got != got and isnan(truth) else float("inf")
    if abs(got) == float("inf") or abs(truth) >= OVERFLOW:
        reached = (got > 0) == (truth > 0) and min(abs(mpf(got)), abs(truth)) >= OVERFLOW - 4 * ulp(OVERFLOW / 2)
        return 0.0 if reached else float("inf")
    return float(abs(mpf(got) - truth) / unit)


def error_of(got: Any, truth: Any) -> float:
    """The error of one number, whose truth may be terms to be added, or of an array by its largest entry."""
    if isinstance(truth, list):
        flat = list(_flattened(truth))
        largest = max((abs(_whole(t)[1]) for t in flat), default=mpf(0))
        unit = ulp(min(largest, OVERFLOW / 2))
        numbers = np.ravel(got).tolist()
        assert len(numbers) == len(flat)
        return max(ulps(g, _whole(t)[0], unit) for g, t in zip(numbers, flat, strict=True))
    whole, largest = _whole(truth)
    return ulps(float(got), whole, ulp(min(largest, OVERFLOW / 2)))


def _whole(truth: Any) -> tuple[Any, Any]:
    """A sum and its largest term."""
    if not isinstance(truth, tuple):
        return mpf(truth), abs(mpf(truth))
    total = sum(truth, mpf(0))
    finite = [abs(term) for term in truth if not isinf(term)]
    return total, max([abs(total) if not isinf(total) else mpf(0), *finite])


def _flattened(rows: list[Any]) -> Iterator[Any]:
    for row in rows:
        if isinstance(row, list):
            yield from _flattened(row)
        else:
            yield row


def _exact(value: Any) -> Any:
    """A parameter or input as the references want it: what is hashable can be kept from one quantity to the next."""
    if isinstance(value, list):
        return tuple(map(_exact, value))
    return mpf(value) if isinstance(value, float) else value


def measure(entry: Entry) -> Iterator[Error]:
    """Every error of a function: its quantities at all inputs, for all settings of its reference."""
    reference = references.of(entry.name)
    for given in reference.parameters:
        parameters = list(entry.parameters(given).values())
        for quantity, kernel, formula in _quantities(entry):
            yield from _measured(entry, f"{quantity} {dict(given) or ''}".strip(), kernel, formula, parameters, given)


def _quantities(entry: Entry) -> Iterator[tuple[str, Callable[..., Any], Formula]]:
    """What a function has: name, kernel (xp, inputs..., parameters...) and formula of each."""
    reference = references.of(entry.name)
    yield "value", entry.value, reference.value  # type: ignore[attr-defined]  # all kinds have one
    if isinstance(entry, Elementwise | ElementwiseLoss):
        yield "derivative", entry.derivative, reference.derivative
        assert reference.second is not None
        yield "second", entry.second, reference.second
    elif isinstance(entry, VectorActivation):
        yield "jacobian", entry.jacobian, reference.derivative
    elif isinstance(entry, VectorToScalar):
        yield "gradient", lambda xp, x, *p: entry.gradient(xp, x, "default", *p), reference.derivative
    elif isinstance(entry, VectorLoss):
        yield "gradient", lambda xp, x, y, *p: entry.gradient(xp, x, y, "default", *p), reference.derivative
    by_target = getattr(entry, "by_target", None)
    if by_target is not None:
        assert reference.by_target is not None
        yield "by target", by_target, reference.by_target
    for param in entry.params:
        if param.derivative is not None:
            yield f"by {param.name}", param.derivative, reference.by_parameter[param.name]


def points(entry: Entry, given: Any) -> list[tuple[Any, ...]]:
    """The inputs to try: (x,) or (x, y)."""
    if isinstance(entry, Elementwise):
        return [(x,) for x in inputs.numbers(entry.domain, POINTS, entry.name)]
    if isinstance(entry, ElementwiseLoss):
        parameters = entry.parameters(given)
        return list(inputs.pairs(entry.inputs(parameters), entry.targets(parameters), POINTS, entry.name))
    vectors = inputs.vectors(entry.domain, entry.name)
    if isinstance(entry, VectorLoss):
        return [(x, y) for x in vectors for y in inputs.targets_of(x, entry.takes, entry.target_domain, entry.name)]
    if isinstance(entry, VectorActivation):
        vectors = [fitting(entry, x) for x in vectors if len(x) <= 50]
    return [(x,) for x in vectors if x]


def fitting(entry: Entry, x: list[float]) -> list[float]:
    """A vector of a length the function takes: without its last entry where that is one too many."""
    try:
        if isinstance(entry, VectorActivation):
            entry.outputs(len(x))
    except InputError:
        return x[:-1]
    return x


def _measured(
    entry: Entry, quantity: str, kernel: Any, formula: Formula, parameters: list[Any], given: Any
) -> Iterator[Error]:
    tried = points(entry, given)
    exact = [_exact(value) for value in parameters]
    truths = [formula(*map(_exact, point), *exact) for point in tried]
    if isinstance(entry, Elementwise | ElementwiseLoss):
        columns = [np.array(column) for column in zip(*tried, strict=True)]
        with np.errstate(all="ignore"):
            got = kernel(arrays, *columns, *parameters)
        found = [("math", kernel(scalar, *point, *parameters)) for point in tried]
        found += [("numpy", number) for number in got.tolist()]
    else:
        with np.errstate(all="ignore"):
            found = [("numpy", kernel(np, *map(np.array, point), *parameters)) for point in tried]
    for (system, got), point, truth in zip(found, itertools.cycle(tried), itertools.cycle(truths), strict=False):
        yield Error(error_of(got, truth), f"{quantity} ({system})", f"at {point!r:.200}: {got!r:.200}")
