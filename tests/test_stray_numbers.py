"""A number behind the value of an option is an input: where it may be meant as one more value, a warning says so."""

from __future__ import annotations

import pytest

from commands import in_process

MISLEADING = [
    ("square 1 2 -y 3 4", "the 4 behind -y 3 is one more input, not a second target: that would be -y 3,4"),
    ("square 1 2 -y3 -4", "the -4 behind -y3 is one more input, not a second target: that would be -y3,-4"),
    ("square 1 --target=1/3 inf", "the inf behind --target=1/3 is one more input"),
    ("mse 1 2 --target 3 ln(2) 5", "the ln(2) behind --target 3 is one more input"),
    ("cross_entropy 0.5 0.25 --target-class 1 0.25", "not a second class: that would be --target-class 1,0.25"),
    ("relu 1 -u 2 3", "not a second upstream gradient: that would be -u 2,3"),
    ("hinge 0.5 --with weight=1 2 -y 1", "not a second value: that would be --with weight=1,2"),
    ("--formula (a-y)^2 1 -y 2 3", "the 3 behind -y 2 is one more input"),
]
CLEAR = [
    "square 1 2 4 -y 3",
    "square -y 3 1 2 4",
    "square -y 3 1 --only value 2",
    "square 1 2 -y 3,4",
    "square 1 2 -y 3,4,5 3",
    "square 1 -y 3 2 -y 4",
    "square 1 -y 3 --linspace 0 1 2",
    "square 1 -y 3 -",
    'square 1 -y 3 {"input":1}',
    "leaky_relu 1 -p alpha=1 2",
    "relu 1 -u 2 --kink left 3",
    "--formula (a-y)^2 -y 2 3",
]


@pytest.mark.parametrize(("line", "said"), MISLEADING)
def test_what_may_be_meant_as_one_more_value_is_told(line: str, said: str) -> None:
    outcome = in_process("eval", *line.split())
    assert outcome.code == 0
    assert outcome.err.count("warning") == 1
    assert said in outcome.err


@pytest.mark.parametrize("line", CLEAR)
def test_what_can_be_nothing_else_is_not_told(line: str) -> None:
    outcome = in_process("eval", *line.split())
    assert (outcome.code, outcome.err) == (0, "")
