"""What the formats for graders share: each test in a sentence, as one line of plain text."""

from __future__ import annotations

from gradcalc.errors import printable
from gradcalc.render.numbers import number_text
from gradcalc.suites import Test

#: Significant digits where none are asked for.
_DIGITS = 9


def number(x: float, digits: int | None) -> str:
    """A number within a sentence."""
    return number_text(x + 0.0, digits or _DIGITS)


def lines(text: str) -> str:
    """Text of any origin without control characters, its lines kept."""
    return "\n".join(printable(line) for line in text.splitlines())


def message(test: Test, digits: int | None, *, told: bool = True) -> str:
    """What is wrong with an answer, or what was accepted; `told` names the right number."""
    parts = [] if test.outcome == "passed" or test.expected is None else [_apart(test, digits, told=told)]
    parts += [test.text.splitlines()[0]] if test.text else []
    parts += [f"mistake: {', '.join(test.mistakes)}"] if test.mistakes else []
    return printable("; ".join(parts))


def place(test: Test) -> str:
    """The index of the worst number: [0][1], or nothing where there is just one."""
    return "".join(f"[{i}]" for i in test.worst_index or ())


def _apart(test: Test, digits: int | None, *, told: bool) -> str:
    """How many numbers differ, and the worst of them."""
    assert test.expected is not None
    assert test.got is not None
    where = f"{test.wrong} of {test.size} numbers differ, most at {place(test)}: " if test.size > 1 else ""
    got = number(test.got, digits)
    if told:
        return f"{where}expected {number(test.expected, digits)}, got {got}"
    return f"{where}{got} is not right"
