"""What `gradcheck` tells people: each quantity beside its differences, remarks on kinks, and whether all agree."""

from __future__ import annotations

from collections.abc import Iterator

from gradcalc.differencing.quantities import ALIKE
from gradcalc.differencing.records import GradcheckResult, GradItem
from gradcalc.results import Block, Cell, Line, Report, Table, Text


def gradcheck_report(result: GradcheckResult) -> Report:
    """The table of worst entries, then what it comes to."""
    return [*_table(result), Text([*_remarks(result), *_sentences(result)])]


def _table(result: GradcheckResult) -> Iterator[Block]:
    if not result.items:
        return
    points = any(item.input is not None for item in result.items)
    indexed = any(item.worst_index for item in result.items)
    columns = ["quantity", *(["input"] if points else []), "", *(["worst"] if indexed else [])]
    columns += ["ours", "numeric", "relative error"]
    yield Table("", columns, [_row(item, points=points, indexed=indexed) for item in result.items], digits=(4, 9))


def _row(item: GradItem, *, points: bool, indexed: bool) -> list[Cell]:
    index = "".join(f"[{i}]" for i in item.worst_index)
    where: list[Cell] = [item.input] if points else []
    worst: list[Cell] = [index or None] if indexed else []
    shown = [item.ours, item.numeric, _error(item)]
    return [item.quantity, *where, "ok" if item.ok else "differs", *worst, *shown]


def _error(item: GradItem) -> str | None:
    """The relative error in a few digits; what is rounding is only said to be small."""
    if not item.compared:
        return None
    return f"{item.max_rel_error:.2g}" if not item.max_rel_error < ALIKE else f"< {ALIKE:.0e}".replace("e-0", "e-")


def _remarks(result: GradcheckResult) -> Iterator[Line]:
    for item in result.items:
        if item.note:
            yield f"{item.quantity}: {item.note}."


def _sentences(result: GradcheckResult) -> Iterator[Line]:
    """Whether all agree, by which measure, and what was left out."""
    count, without = result.compared, len(result.items) - result.compared
    agreeing = count - result.failed
    every = "The derivative agrees" if count == 1 else f"All {count} derivatives agree"
    some = f"{agreeing} of {count} derivative{'s' * (count > 1)} agree{'s' * (agreeing == 1)}"
    if count:
        yield f"{some if result.failed else every} with differences."
    if without:
        yield f"At {without} point{'s' * (without > 1)} there is no derivative that differences could give."
    numbers = sum(item.compared for item in result.items)
    compared = f"{numbers} number{'s' * (numbers != 1)} compared"
    yield f"{compared}: relative tolerance ", result.rtol, ", absolute ", result.atol, "."
    if result.dtype == "float32":
        yield "The net is float32, which gives 6 or 7 digits; its differences are taken in float64."
    if result.samples is not None:
        total = sum(item.size for item in result.items)
        drawn = f"{result.samples} of each quantity, the largest among them"
        yield f"A sample of the {total} numbers there are: {drawn} (--samples, --seed {result.seed})."
