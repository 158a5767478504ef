"""What graders are told: a suite of tests for each file of answers, a test for each quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

Outcome = Literal["passed", "failed", "error"]


class Test(NamedTuple):
    """One answer: `error` is one that could not be compared, and `text` says why, or what was accepted.

    `wrong` of `size` numbers differ; at `worst_index` they are furthest apart. `mistakes` are those made in this
    quantity. Points are shared among those that are `counted`.
    """

    name: str
    outcome: Outcome
    text: str = ""
    worst_index: tuple[int, ...] | None = None
    expected: float | None = None
    got: float | None = None
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    wrong: int = 0
    size: int = 0
    mistakes: Sequence[str] = ()
    counted: bool = True


class Suite(NamedTuple):
    """One file: its answers, and what there is to say of the whole, a sentence each."""

    name: str
    tests: Sequence[Test]
    remarks: Sequence[str]

    def count(self, outcome: Outcome) -> int:
        """How many tests ended so."""
        return sum(test.outcome == outcome for test in self.tests)
