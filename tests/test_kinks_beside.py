"""Right beside a kink the derivative is the one declared for that side, jumps and every variable included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pytest

import references
from further_inputs import further_of
from gradcalc.functions import entries
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Kernel, Kink
from gradcalc.numerics import scalar

#: How far from a kink, of its size: a slope there differs less from the kink's than is compared.
NEAR = 2.0**-46


class Case(NamedTuple):
    """The derivative by one variable, its kinks, and all that the function takes, the variable at `position`."""

    name: str
    variable: str
    derivative: Kernel
    kinks: Sequence[Kink]
    taken: list[Any]
    position: int

    def at(self, point: float) -> float:
        """The derivative at a value of the variable."""
        return float(self.derivative(scalar, *self.taken[: self.position], point, *self.taken[self.position + 1 :]))

    @property
    def others(self) -> list[Any]:
        """All but the variable."""
        return self.taken[: self.position] + self.taken[self.position + 1 :]


def _cases() -> Iterator[Case]:
    for entry in entries():
        for given in references.of(entry.name).parameters if isinstance(entry, Elementwise | ElementwiseLoss) else ():
            parameters = entry.parameters(given)
            if isinstance(entry, Elementwise):
                yield Case(entry.name, "z", entry.derivative, entry.kinks, [0.0, *parameters.values()], 0)
            elif isinstance(entry, ElementwiseLoss):
                targets = entry.targets(parameters).members or (0.3, 1.0)
                predictions = [x for x in (1.0, -1.0) if x in entry.domain]
                for taken in (
                    [x, y, *further_of(entry).values(), *parameters.values()] for x in predictions for y in targets
                ):
                    yield from _of_loss(entry, taken)


def _of_loss(entry: ElementwiseLoss, taken: list[Any]) -> Iterator[Case]:
    yield Case(entry.name, "a", entry.derivative, entry.kinks, taken, 0)
    if entry.by_target and entry.target_kinks:
        yield Case(entry.name, "y", entry.by_target, entry.target_kinks, taken, 1)
    for position, further in enumerate(entry.further, 2):
        yield Case(entry.name, further.name, further.derivative, further.kinks, taken, position)


CASES = {f"{case.name} by {case.variable}, {case.others}": case for case in _cases() if case.kinks}


@pytest.mark.parametrize("name", CASES)
def test_beside_a_kink_the_derivative_is_that_of_the_side(name: str) -> None:
    case = CASES[name]
    for kink in case.kinks:
        at = kink.at(*case.others)
        if at != at:
            continue
        step = NEAR * (abs(at) or 1.0)
        beside = (case.at(at - step), case.at(at + step))
        assert beside == pytest.approx((kink.left(*case.others), kink.right(*case.others)), rel=1e-6, abs=1e-6)
        assert case.at(at) == kink.shown("default", *case.others)
