"""Suites as TAP 14, the text protocol of test harnesses: a line a test, and a YAML block below what failed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from gradcalc.errors import printable
from gradcalc.render.grading import lines, message
from gradcalc.render.numbers import json_number
from gradcalc.suites import Suite, Test


def tap_text(suites: Sequence[Suite], digits: int | None = None) -> str:
    """One suite's tests by themselves; several as subtests, one for each file."""
    found = _tests(suites[0], digits) if len(suites) == 1 else _subtests(suites, digits)
    return "".join(f"{line}\n" for line in ("TAP version 14", *found))


def _subtests(suites: Sequence[Suite], digits: int | None) -> Iterator[str]:
    yield f"1..{len(suites)}"
    for number, suite in enumerate(suites, 1):
        yield f"# Subtest: {_escaped(suite.name)}"
        yield from (f"    {line}" for line in _tests(suite, digits))
        yield f"{_word(suite.count('passed') == len(suite.tests))} {number} - {_escaped(suite.name)}"


def _tests(suite: Suite, digits: int | None) -> Iterator[str]:
    yield f"1..{len(suite.tests)}"
    for number, test in enumerate(suite.tests, 1):
        yield f"{_word(test.outcome == 'passed')} {number} - {_escaped(test.name)}"
        if test.outcome != "passed" or test.text:
            yield from _diagnostics(test, digits)
    for remark in suite.remarks:
        yield f"# {printable(remark)}"


def _word(right: bool) -> str:
    return "ok" if right else "not ok"


def _escaped(text: str) -> str:
    """A description: a bare # would begin a directive such as # SKIP."""
    return printable(text).replace("\\", "\\\\").replace("#", "\\#")


def _diagnostics(test: Test, digits: int | None) -> Iterator[str]:
    """The YAML block; texts and lists are written as JSON, which YAML includes."""
    yield "  ---"
    for key, value in _fields(test, digits).items():
        yield f"  {key}: {json.dumps(value)}"
    yield "  ..."


def _fields(test: Test, digits: int | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"message": message(test, digits)}
    if test.outcome != "passed":
        fields["severity"] = "error" if test.outcome == "error" else "fail"
    if test.worst_index is not None:
        fields["index"] = list(test.worst_index)
    measured = ("expected", "got", "max_abs_error", "max_rel_error")
    numbers = {name: getattr(test, name) for name in measured}
    fields |= {name: json_number(x, digits) for name, x in numbers.items() if x is not None}
    fields |= {"mistakes": list(test.mistakes)} if test.mistakes else {}
    return fields | ({"details": lines(test.text)} if "\n" in test.text else {})
