"""The range on a function's card: values lie in it, and those of an activation come near both its ends."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from gradcalc.functions import entries
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Entry
from gradcalc.numerics import scalar
from references import inputs, measure

INTERVAL = re.compile(r"[\[(](.+?), (.+?)[\])](?=$|[;, ])")


def ends(entry: Entry) -> tuple[float, float] | None:
    """The ends of the interval that the range begins with, under the default parameters; None where it is a set."""
    found = INTERVAL.match(entry.image)
    if not found:
        return None
    known = {name: math.inf if value is None else value for name, value in entry.parameters({}).items()}
    low, high = (eval(end, {"inf": math.inf, "sqrt": math.sqrt, "n": 1001, **known}) for end in found.groups())
    return low, high


def values(entry: Entry) -> list[float]:
    """The function at inputs of all sizes."""
    if isinstance(entry, Elementwise):
        points = [(x,) for x in (*inputs.numbers(entry.domain, 20, "range"), *np.linspace(-3, 3, 121).tolist())]
        tried = [point for point in points if point[0] in entry.domain]
        return [entry.value(scalar, *point, *entry.parameters({}).values()) for point in tried]
    setting = measure.setting_of(entry, {}, measure.points(entry, {}))
    quantity = next(measure.quantities(entry))
    found = setting.on_math(quantity) if isinstance(entry, ElementwiseLoss) else setting.on_vectors(quantity)
    return [number for part in found for number in np.ravel(part).tolist()]


@pytest.mark.parametrize(
    "entry", [e for e in entries() if e.name not in {"ntxent", "circle", "ctc"}], ids=lambda e: e.name
)
def test_values_lie_in_the_range(entry: Entry) -> None:
    assert entry.image
    found = ends(entry)
    if found is None:
        return
    low, high = found
    numbers = [number for number in values(entry) if not math.isnan(number)]
    assert low - 1e-6 <= min(numbers) and max(numbers) <= high + 1e-6
    if isinstance(entry, Elementwise):
        assert min(numbers) <= max(low + 1e-3, -1e3) and max(numbers) >= min(high - 1e-3, 1e3)


def test_every_activation_says_its_range() -> None:
    assert [entry.name for entry in entries() if entry.kind == "activation" and not entry.image] == []
