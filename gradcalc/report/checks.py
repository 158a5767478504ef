"""What `check` tells people: each file's answers in a table, the mistakes in sentences, and who passed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcalc.checking.records import CheckResult, Item
from gradcalc.results import Block, Cell, Line, Report, Section, Table, Text

#: Of the quantities that were not given so many are named.
_MISSING_SHOWN = 12


def check_report(results: Sequence[CheckResult], *, summary: bool = False) -> Report:
    """One file in full; of several those with something wrong, then the table of all."""
    if len(results) == 1 and not summary:
        return list(_file(results[0]))
    blocks: list[Block] = []
    for result in results:
        if not result.passed and not summary:
            blocks += [Section(result.file), *_file(result)]
    return [*blocks, *([] if summary or not blocks else [Section("Summary")]), summary_table(results), _total(results)]


def _file(result: CheckResult) -> Iterator[Block]:
    if result.error:
        yield Text([result.error])
        return
    if result.items:
        yield items_table(result)
    said = _sentences(result)
    if said:
        yield Text(said)


def _sentences(result: CheckResult) -> list[Line]:
    """What was found, where to look, and what was not given."""
    said: list[Line] = [verdict(result)]
    for finding in result.diagnosis:
        also = f" (the same numbers: {', '.join(finding.also)})" if finding.also else ""
        said.append(f"{finding.mistake}: {finding.sentence}{also}")
    said += [f"The first wrong quantity on the way {way} is {name}." for way, name in result.first_wrong]
    if result.missing:
        more = len(result.missing) - _MISSING_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        said.append(f"Not given, so not checked: {', '.join(result.missing[:_MISSING_SHOWN])}{rest}.")
    return said


def verdict(result: CheckResult) -> str:
    """One file in a few words."""
    count = len(result.items)
    if result.error:
        return "cannot be read"
    if result.passed:
        return f"{'All' if count > 1 else 'The'} {count} quantit{'ies are' if count > 1 else 'y is'} right."
    return f"{result.failed} of {count} quantit{'ies' if count > 1 else 'y'} not right."


def items_table(result: CheckResult) -> Table:
    """One row an answer: right or wrong, where it is worst, and what is said about it."""
    notes = any(item.note or item.problem for item in result.items)
    columns = ["quantity", "", "worst at", "expected", "got", "abs error", "rel error", *(["remark"] if notes else [])]
    rows: list[list[Cell]] = [_row(item)[: len(columns)] for item in result.items]
    return Table("", columns, rows, digits=(4, 9))


def _row(item: Item) -> list[Cell]:
    known = item.worst_index is not None
    index = "".join(f"[{i}]" for i in item.worst_index or ())
    word = "ok" if item.ok else "wrong" if item.compared and item.problem != "is missing" else "?"
    apart: list[Cell] = [item.expected, item.got, item.max_abs_error, item.max_rel_error] if known else [None] * 4
    shown = item.name if item.name == item.quantity else f"{item.quantity} ({item.name})"
    return [shown, word, index if known else None, *apart, item.problem or item.note or None]


def summary_table(results: Sequence[CheckResult]) -> Table:
    """Who passed: a row a file."""
    rows: list[list[Cell]] = []
    for result in results:
        found = ", ".join(dict.fromkeys(f"{one.mistake} ({one.layer or one.quantity})" for one in result.diagnosis))
        word = "cannot be read" if result.error else "passed" if result.passed else "failed"
        rows.append([result.file, word, len(result.items) - result.failed, len(result.items), found or None])
    return Table("", ["file", "result", "right", "of", "mistakes"], rows)


def _total(results: Sequence[CheckResult]) -> Text:
    passed = sum(result.passed for result in results)
    return Text([f"{passed} of {len(results)} files passed."])
