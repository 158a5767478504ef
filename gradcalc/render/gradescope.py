"""Suites as Gradescope's results.json. Students see it, so that it does not name the right numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from gradcalc.render.grading import lines, message
from gradcalc.suites import Suite, Test

#: Scores are sums of shares such as 10/3: what lies behind these decimals is rounding.
_DECIMALS = 6


def gradescope_text(suites: Sequence[Suite], points: float, digits: int | None = None) -> str:
    """The document: `points` are shared equally among the files, and in each among the quantities that count."""
    named, share = len(suites) > 1, points / len(suites)
    tests = [test for suite in suites for test in _tests(suite, share, digits, named=named)]
    score = sum(share * _right(suite) for suite in suites)
    output = "\n\n".join(_output(suite, named=named) for suite in suites)
    found = {"score": round(score, _DECIMALS), "output": output, "tests": tests}
    return json.dumps(found, indent=2, allow_nan=False) + "\n"


def _right(suite: Suite) -> float:
    """The share of a file that is right."""
    counted = [test for test in suite.tests if test.counted]
    return sum(test.outcome == "passed" for test in counted) / max(len(counted), 1)


def _tests(suite: Suite, share: float, digits: int | None, *, named: bool) -> list[dict[str, Any]]:
    most = share / max(sum(test.counted for test in suite.tests), 1)
    before = f"{suite.name}: " if named else ""
    return [_test(test, before, most if test.counted else 0.0, digits) for test in suite.tests]


def _test(test: Test, before: str, most: float, digits: int | None) -> dict[str, Any]:
    passed = test.outcome == "passed"
    return {
        "name": lines(before + test.name),
        "score": round(most, _DECIMALS) if passed else 0.0,
        "max_score": round(most, _DECIMALS),
        "status": "passed" if passed else "failed",
        "output": message(test, digits, told=False) or "right",
    }


def _output(suite: Suite, *, named: bool) -> str:
    remarks = lines("\n".join(suite.remarks))
    return f"{lines(suite.name)}\n{remarks}" if named else remarks
