"""Further inputs and targets to try functions with that take more than an input and a plain target."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import Entry
from gradcalc.functions.joint import JointLoss

_VECTORS = ([0.75, -0.5, 0.125], [-0.25, 0.5, 1.5])
_TARGETS = {"": None, "sign": -1.0, "labels": [0.0, 0.0, 1.0], "sequence": [1.0]}


def further_of(entry: Entry) -> dict[str, Any]:
    """A value for each further input: a number for all inputs, or a vector of three."""
    if entry.rank == 0:
        return {one.name: 0.125 for one in entry.further}
    return {one.name: vector for one, vector in zip(entry.further, _VECTORS, strict=False)}


def target_of(entry: JointLoss) -> Any:
    """A target; None for a loss that takes none. Labels suit three rows."""
    return _TARGETS[entry.takes]


def options_of(entry: Entry) -> list[str]:
    """All of it as options of eval."""
    words = [word for name, value in further_of(entry).items() for word in ("--with", f"{name}={_text(value)}")]
    target = target_of(entry) if isinstance(entry, JointLoss) else None
    return words if target is None else [*words, "-y", _text(target)]


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
