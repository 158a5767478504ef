"""The list of functions: every family's entries, found by name or alias."""

from __future__ import annotations

from gradcalc.errors import UsageError, near, quoted, simplified
from gradcalc.functions import (
    binary,
    binary_margin,
    categorical,
    counts,
    exponential,
    gated,
    hard,
    margin,
    norm,
    pooled,
    rectified,
    regression,
    relative,
    relu,
    robust,
    shrink,
    sigmoid,
    smooth,
    sparsemax,
    special,
    standardize,
    vector,
)
from gradcalc.functions.entry import Entry

FAMILIES = (
    relu, rectified, hard, sigmoid, gated, smooth, shrink, exponential, special, vector, pooled,
    sparsemax, standardize, norm,
    regression, binary, categorical, margin, robust, relative, binary_margin, counts,
)  # fmt: skip

_by_name: dict[str, Entry] = {}


def entries() -> tuple[Entry, ...]:
    """Every function there is, family by family."""
    return tuple(entry for family in FAMILIES for entry in family.ENTRIES)


def find(name: str) -> Entry:
    """The function of that name or alias, without regard to case, dashes and underscores.

    UsageError with near names where there is none.
    """
    if not _by_name:
        _by_name.update({simplified(known): entry for entry in entries() for known in (entry.name, *entry.aliases)})
    entry = _by_name.get(simplified(name))
    if entry is not None:
        return entry
    known = [known for entry in entries() for known in (entry.name, *entry.aliases)]
    raise UsageError(
        f"there is no function {quoted(name)}",
        hint=near(name, known) or "'gradcalc list functions' names them all",
    )
