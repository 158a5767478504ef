"""The kernels run in mpmath, where nothing is rounded: what is left of their error, and what rounding adds to it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from gradcalc.functions import entries
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Entry
from references import mp_arrays, mp_numbers
from references.measure import Quantity, Setting, quantities, settings
from references.ulps import PROMISE, apart, error_of, unit_of

#: What series cut off and constants that are floats may cost a kernel, in ulp.
UNROUNDED = 1.0

#: Of the inputs that test_accuracy tries every so-manieth is tried here; special ones come in sixes. Every setting
#: begins with another one, and where there are many of them each tries fewer.
STEP = 7
MANY = 3
SHORT = 5  # entries of a vector


def cases(entry: Entry) -> Iterator[tuple[Setting, Quantity]]:
    """Every setting and quantity, with some of the points."""
    found = list(settings(entry))
    step = STEP * (1 + len(found) // MANY)
    for start, setting in enumerate(found):
        pairs = [*zip(setting.points, setting.exact, strict=True)]
        if not isinstance(entry, Elementwise | ElementwiseLoss):
            pairs = [pair for pair in pairs if len(pair[0][0]) <= SHORT]
        pairs = [
            pair
            for pair in pairs[start % min(step, len(pairs) or 1) :: step]
            if not _at_kink(entry, pair[0], setting.parameters)
        ]
        points, exact = [point for point, _ in pairs], [exact for _, exact in pairs]
        yield from itertools.product([setting._replace(points=points, exact=exact)] if pairs else [], quantities(entry))


def _at_kink(entry: Entry, point: tuple[Any, ...], parameters: list[Any]) -> bool:
    """Whether a number is at a kink, whose place is rounded in floats."""
    kinks = entry.kinks if isinstance(entry, Elementwise | ElementwiseLoss) else ()
    return any(kink.at(*point[1:], *parameters) == point[0] for kink in kinks)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_kernel_without_rounding_is_its_formula(entry: Entry) -> None:
    """The kernel in mpmath is beside its formula, and the kernel in floats is beside that, on both number systems."""
    single = isinstance(entry, Elementwise | ElementwiseLoss)
    for setting, quantity in cases(entry):
        if single:
            unrounded = [quantity.kernel(mp_numbers, *exact) for exact in setting.exact]
            found = [setting.on_math(quantity), setting.on_arrays(quantity)]
        else:
            count = len(setting.parameters)
            unrounded = [
                mp_arrays.run(quantity.kernel, exact[: len(exact) - count], setting.parameters, entry.rank)
                for exact in setting.exact
            ]
            found = [setting.on_vectors(quantity)]
        for i, (exact, ideal) in enumerate(zip(setting.exact, unrounded, strict=True)):
            truth = quantity.formula(*exact)
            where = (entry.name, quantity.name, setting.given, setting.points[i])
            assert error_of(ideal, truth) <= UNROUNDED, where
            for numbers in found:
                assert apart(numbers[i], ideal, unit_of(truth)) <= PROMISE, where
