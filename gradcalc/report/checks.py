"""What `check` tells people: each file's answers in a table, the mistakes in sentences, and who passed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from gradcalc.checking.records import CheckResult, Item
from gradcalc.errors import listed, printable
from gradcalc.results import Block, Cell, Formula, Line, Report, Section, Table, Text

#: Of the quantities that were not given so many are named.
_MISSING_SHOWN = 8


def check_report(results: Sequence[CheckResult], *, summary: bool = False) -> Report:
    """One file in full; of several those with something wrong, then the table of all."""
    if len(results) == 1 and not summary:
        return list(_file(results[0]))
    blocks: list[Block] = []
    for result in results:
        if not result.passed and not summary:
            blocks += [Section(printable(result.file)), *_file(result)]
    return [*blocks, *([] if summary or not blocks else [Section("Summary")]), summary_table(results), _total(results)]


def _file(result: CheckResult) -> Iterator[Block]:
    if result.error:
        first, *excerpt = result.error.splitlines()
        yield Text([first])
        if excerpt:
            yield Formula(excerpt)
        return
    if any(item.worst_index is not None for item in result.items):
        yield items_table(result)
    remarks = [_remark(item) for item in result.items if item.problem or item.note]
    if remarks:
        yield Text(remarks)
    yield Text(sentences(result))


def _remark(item: Item) -> str:
    said = f"{printable(item.quantity)}: {item.problem or item.note}"
    return said if said.endswith(("?", "...")) else f"{said}."


def sentences(result: CheckResult) -> list[Line]:
    """What was found, where to look, and what was not given."""
    said: list[Line] = [verdict(result)]
    for finding in result.diagnosis:
        also = f" Also possible, with the same numbers: {listed(finding.also, 'or')}." if finding.also else ""
        said.append(f"{finding.mistake}: {finding.sentence}{also}")
    said += [_where_to_look(result)] if result.first_wrong else []
    if result.missing:
        more = len(result.missing) - _MISSING_SHOWN
        rest = f" and {more} more" if more > 0 else ""
        said.append(f"Not given, so not checked: {', '.join(result.missing[:_MISSING_SHOWN])}{rest}.")
    return said


def _where_to_look(result: CheckResult) -> str:
    """The first wrong quantities that no mistake explains."""
    places = [f"{name} on the way {way}" for way, name in result.first_wrong]
    left = "The rest fits" if result.diagnosis else "This fits"
    return f"{left} no known mistake. The first wrong quantity is {', and '.join(places)}: look there."


def verdict(result: CheckResult) -> str:
    """One file in a few words."""
    count = len(result.items)
    if result.error:
        return "cannot be read"
    if result.passed:
        return "All is right: 1 quantity." if count == 1 else f"All {count} quantities are right."
    right = count - result.failed
    return (
        f"{right} of {count} quantit{'y' if count == 1 else 'ies'} {'is' if right == 1 or count == 1 else 'are'} right."
    )


def items_table(result: CheckResult) -> Table:
    """One row an answer that could be compared: right or not, and where it is furthest off."""
    columns = ["quantity", "", "worst", "expected", "got", "abs error", "rel error"]
    shown = [item for item in result.items if item.worst_index is not None]
    times = Counter(item.quantity for item in shown)
    return Table("", columns, [_row(item, times[item.quantity] > 1) for item in shown], digits=(3, 6))


def _row(item: Item, again: bool) -> list[Cell]:
    """The row of an answer; one to a quantity that is given `again` is told by the name the file has for it."""
    name = f"{item.quantity} ({printable(item.name)})" if again and item.name != item.quantity else item.quantity
    index = "".join(f"[{i}]" for i in item.worst_index or ())
    apart = [item.expected, item.got, item.max_abs_error, item.max_rel_error]
    return [name, "ok" if item.ok else "wrong", index or None, *apart]


def summary_table(results: Sequence[CheckResult]) -> Table:
    """Who passed: a row a file."""
    rows: list[list[Cell]] = []
    for result in results:
        found = ", ".join(dict.fromkeys(f"{one.mistake} ({one.layer or one.quantity})" for one in result.diagnosis))
        word = "cannot be read" if result.error else "passed" if result.passed else "failed"
        count = len(result.items)
        right = None if result.error else f"{count - result.failed} of {count}"
        rows.append([printable(result.file), word, right, found or None])
    return Table("", ["file", "result", "right", "mistakes"], rows)


def _total(results: Sequence[CheckResult]) -> Text:
    passed = sum(result.passed for result in results)
    return Text([f"{passed} of {len(results)} files passed."])
