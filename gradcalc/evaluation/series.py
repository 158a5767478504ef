"""What goes with the inputs, point by point: one for all, or one for each."""

from __future__ import annotations

from typing import Any

from gradcalc.errors import InputError

_EITHER = "give one for all inputs, or one for each"


class Series:
    """Targets, upstream gradients, weights or parameters in the inputs' order; a single one serves every input."""

    __slots__ = ("name", "used", "values")

    def __init__(self, name: str, values: list[Any]) -> None:
        if not values:
            raise InputError(f"no {name} given")
        self.name, self.values, self.used = name, values, 0

    def left(self) -> float:
        """How many more inputs it can serve."""
        return len(self.values) - self.used if len(self.values) > 1 else float("inf")

    def take(self, count: int) -> Any:
        """The single value, or a list with the next `count`."""
        if len(self.values) == 1:
            return self.values[0]
        start, self.used = self.used, self.used + count
        return self.values[start : self.used]

    def next(self) -> Any:
        """What serves one more input; InputError where nothing is left."""
        if self.left() < 1:
            raise self.exhausted()
        taken = self.take(1)
        return taken if len(self.values) == 1 else taken[0]

    def exhausted(self) -> InputError:
        """The error for an input that has nothing of its own left."""
        return InputError(f"{self.name}: {len(self.values)} values, but more inputs than that", hint=_EITHER)

    def finish(self) -> None:
        """Every value must have been used; InputError where there were fewer inputs."""
        if len(self.values) > 1 and self.used < len(self.values):
            inputs = f"{self.used} input{'s' * (self.used != 1)}"
            raise InputError(f"{self.name}: {len(self.values)} values, but {inputs}", hint=_EITHER)
