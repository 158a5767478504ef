"""What a check says: one item per answer, findings about mistakes, and the result of a whole file."""

from __future__ import annotations

from typing import Any, NamedTuple


class Item(NamedTuple):
    """One answer beside the right numbers. `quantity` is its full address, `name` what the file calls it.

    `expected` and `got` stand at `worst_index`; they are None where nothing could be compared, and `problem` says why.
    `note` says what was accepted though it was written otherwise. `wrong` of `size` numbers differ.
    One that cannot be used, and was not asked for either, is not `wanted`.
    """

    quantity: str
    name: str
    ok: bool
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    worst_index: tuple[int, ...] | None = None
    expected: float | None = None
    got: float | None = None
    wrong: int = 0
    size: int = 0
    note: str = ""
    problem: str = ""
    compared: bool = True
    wanted: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The item under the contract's keys; `name`, `note` and `problem` where there is something to say."""
        found: dict[str, Any] = {
            "quantity": self.quantity,
            "ok": self.ok,
            "max_abs_error": self.max_abs_error,
            "max_rel_error": self.max_rel_error,
            "worst_index": None if self.worst_index is None else list(self.worst_index),
            "expected": self.expected,
            "got": self.got,
        }
        said = {"name": self.name if self.name != self.quantity else "", "note": self.note, "problem": self.problem}
        return {**found, **{key: text for key, text in said.items() if text}}


class Finding(NamedTuple):
    """A mistake that gives exactly the numbers of the answers, where it was made; `also` give the same numbers."""

    mistake: str
    quantity: str
    layer: str
    sentence: str
    also: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The finding under the contract's keys."""
        return {
            "mistake": self.mistake,
            "quantity": self.quantity,
            "layer": self.layer,
            "sentence": self.sentence,
            "also": list(self.also),
        }


class CheckResult(NamedTuple):
    """What became of one file of answers. `error` says why it could not be read at all.

    `missing` are the quantities that were not given, and so not compared. `first_wrong` names the first wrong
    quantity on the way forward and the first on the way back, where there are such.
    """

    file: str
    items: tuple[Item, ...] = ()
    diagnosis: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    first_wrong: tuple[tuple[str, str], ...] = ()
    error: str = ""

    @property
    def compared(self) -> int:
        """How many answers were held against the right numbers."""
        return sum(item.compared for item in self.items)

    @property
    def failed(self) -> int:
        """How many answers are not right, those that could not be compared among them."""
        return sum(not item.ok for item in self.items)

    @property
    def passed(self) -> bool:
        """Whether every answer is right."""
        return not self.error and self.failed == 0

    @property
    def exit_code(self) -> int:
        """0 all agree, 1 some differ, 2 the file, or an answer in it, cannot be used."""
        if self.error or any(not item.compared for item in self.items):
            return 2
        return 0 if self.passed else 1

    def to_dict(self, *, named: bool = False) -> dict[str, Any]:
        """The result under the contract's keys; `file` leads where there are several."""
        found: dict[str, Any] = {"file": self.file} if named else {}
        found |= {"passed": self.passed, "compared": self.compared, "failed": self.failed}
        found["items"] = [item.to_dict() for item in self.items]
        found["diagnosis"] = [finding.to_dict() for finding in self.diagnosis]
        found["first_wrong"] = dict(self.first_wrong)
        found["missing"] = list(self.missing)
        return {**found, "error": self.error} if self.error else found
