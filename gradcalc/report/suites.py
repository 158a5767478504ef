"""What `check` tells graders: its results as suites of tests."""

from __future__ import annotations

from collections.abc import Sequence

from gradcalc.checking.records import CheckResult, Item
from gradcalc.report.checks import sentences
from gradcalc.suites import Suite, Test


def suites(results: Sequence[CheckResult]) -> list[Suite]:
    """A suite for each file; one that cannot be read has a single test, which is an error."""
    return [_suite(result) for result in results]


def _suite(result: CheckResult) -> Suite:
    if result.error:
        return Suite(result.file, [Test("answers", "error", result.error)], ["The answers cannot be read."])
    return Suite(result.file, [_test(item, result) for item in result.items], [str(line) for line in sentences(result)])


def _test(item: Item, result: CheckResult) -> Test:
    mistakes = [one.mistake for one in result.diagnosis if one.quantity == item.quantity]
    return Test(
        item.quantity,
        "passed" if item.ok else "failed" if item.compared else "error",
        item.problem or item.note,
        item.worst_index,
        item.expected,
        item.got,
        item.max_abs_error,
        item.max_rel_error,
        item.wrong,
        item.size,
        [] if item.ok else mistakes,
        item.wanted,
    )
