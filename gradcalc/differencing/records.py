"""What `gradcheck` says: one item per quantity, and the result of all."""

from __future__ import annotations

from typing import Any, NamedTuple


class GradItem(NamedTuple):
    """A derivative beside the differences. `ours` and `numeric` stand at `worst_index`, where they are furthest apart.

    Of its `size` numbers `compared` were: not those at kinks, and of a large net a sample. `input` is where a
    function's derivative was taken, if that is one number. `note` tells of kinks and of the borders of domains.
    """

    quantity: str
    ok: bool
    max_abs_error: float
    max_rel_error: float
    worst_index: tuple[int, ...]
    ours: float
    numeric: float
    compared: int
    size: int
    note: str = ""
    input: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The item with lists for tuples; `input` where there is one."""
        found = {**self._asdict(), "worst_index": list(self.worst_index)}
        return found if self.input is not None else {name: x for name, x in found.items() if name != "input"}


class GradcheckResult(NamedTuple):
    """All items. `samples` were compared of each quantity, where not all numbers were, drawn by `seed`."""

    items: tuple[GradItem, ...]
    rtol: float
    atol: float
    dtype: str = "float64"
    samples: int | None = None
    seed: int = 0

    @property
    def compared(self) -> int:
        """How many quantities were held against differences: not those that have no derivative here."""
        return sum(item.compared > 0 or not item.ok for item in self.items)

    @property
    def failed(self) -> int:
        """How many do not agree."""
        return sum(not item.ok for item in self.items)

    @property
    def passed(self) -> bool:
        """Whether all agree."""
        return self.failed == 0

    def to_dict(self) -> dict[str, Any]:
        """The result as `gradcheck --format json` prints it."""
        return {
            "passed": self.passed,
            "compared": self.compared,
            "failed": self.failed,
            "rtol": self.rtol,
            "atol": self.atol,
            "dtype": self.dtype,
            "samples": self.samples,
            "seed": None if self.samples is None else self.seed,
            "items": [item.to_dict() for item in self.items],
        }
