"""Suites as JUnit's XML, which Jenkins, GitHub and GitLab show: a testsuite for each file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcalc.errors import printable
from gradcalc.render.grading import lines, message, number, place
from gradcalc.suites import Suite, Test


def junit_text(suites: Sequence[Suite], digits: int | None = None) -> str:
    """The whole document. No times and dates: the same answers give the same bytes."""
    body = "".join(f"{line}\n" for suite in suites for line in _suite(suite, digits))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {_totals("check", suites)}>\n{body}</testsuites>\n'


def _totals(name: str, suites: Sequence[Suite]) -> str:
    """A name, and how many tests ended how."""
    tests = sum(len(suite.tests) for suite in suites)
    failures = sum(suite.count("failed") for suite in suites)
    errors = sum(suite.count("error") for suite in suites)
    return f'name={_quoted(name)} tests="{tests}" failures="{failures}" errors="{errors}" time="0"'


def _suite(suite: Suite, digits: int | None) -> Iterator[str]:
    yield f'  <testsuite {_totals(suite.name, [suite])} skipped="0">'
    for test in suite.tests:
        yield from _case(suite, test, digits)
    yield f"    <system-out>{_text(lines(chr(10).join(suite.remarks)))}</system-out>"
    yield "  </testsuite>"


def _case(suite: Suite, test: Test, digits: int | None) -> Iterator[str]:
    start = f'    <testcase classname={_quoted(suite.name)} name={_quoted(test.name)} time="0"'
    if test.outcome == "passed":
        yield f"{start}>{_accepted(test)}</testcase>" if test.text else f"{start}/>"
        return
    tag = "error" if test.outcome == "error" else "failure"
    kind = " ".join(test.mistakes) or ("unusable" if tag == "error" else "wrong")
    about = f"type={_quoted(kind)} message={_quoted(message(test, digits))}"
    yield f"{start}>"
    yield f"      <{tag} {about}>{_text(_details(test, digits))}</{tag}>"
    yield "    </testcase>"


def _accepted(test: Test) -> str:
    return f"<system-out>{_text(lines(test.text))}</system-out>"


def _details(test: Test, digits: int | None) -> str:
    """What the message has no room for: the size of the errors, and an excerpt of what cannot be read."""
    found = [lines(test.text)] if test.text else []
    if test.max_abs_error is not None and test.max_rel_error is not None:
        errors = f"{number(test.max_abs_error, digits)}, relative {number(test.max_rel_error, digits)}"
        found.append(f"worst at {test.name}{place(test)}; largest error {errors}")
    return "\n".join(found)


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _quoted(text: str) -> str:
    return '"{}"'.format(_text(printable(text)).replace('"', "&quot;"))
