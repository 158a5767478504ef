"""Numbers as arguments: in any position, with any sign, and what is none is refused with its place."""

from __future__ import annotations

import math
from itertools import permutations

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import in_process
from gradcalc.cli.numbers import Command

#: Words that stand for one number.
NUMBERS = {
    "-1": -1.0,
    "-1e-3": -1e-3,
    "-1E+5": -1e5,
    "-.5": -0.5,
    "-5.": -5.0,
    "+3": 3.0,
    "-0": -0.0,
    "-inf": -math.inf,
    "-Infinity": -math.inf,
    "-INF": -math.inf,
    "Infinity": math.inf,
    "-nan": math.nan,
    "NaN": math.nan,
    "[-2]": -2.0,
    " -7 ": -7.0,
}

#: Words that hold several.
SEVERAL = {
    "-1,2": [-1, 2],
    "[-1, 2]": [-1, 2],
    "-1 -2": [-1, -2],
    "[ 1. -2. ]": [1, -2],
    "-1e5,-inf,": [-1e5, -math.inf],
}

#: Words that somebody means as a number and that are none, with what the error points to.
MALFORMED = {
    "-5x": "'-5x'",
    "1e": "'1e'",
    "-1e-": "'-1e-'",
    "--5": "'--5'",
    "1_000": "'1_000'",
    "-1_0": "'-1_0'",
    "0x10": "'0x10'",
    "-0x10": "'-0x10'",
    "\u0661": "'\u0661'",
    "\u22125": "'\u22125'",
    "1,,2": "number 2 is missing",
    ",1": "number 1 is missing",
    "[1": "'['",
    "1]": "']'",
    "[[1, 2]]": "'['",
    "": "no number",
    "[]": "no number",
}


def inputs(*words: str) -> list[float]:
    """The inputs eval reads from a command line."""
    outcome = in_process("eval", "--format", "csv", "--only", "input", *words)
    assert outcome.code == 0, outcome.err
    return [float(text) for text in outcome.out.split()[1:]]


def same(found: list[float], expected: list[float]) -> bool:
    """Equality that takes NaN for itself."""
    return repr(found) == repr(list(map(float, expected)))


@pytest.mark.parametrize("word", NUMBERS)
def test_a_number_is_read_in_every_position(word: str) -> None:
    for order in permutations([("identity",), (word,), ("--digits", "17")]):
        words = [w for part in order for w in part]
        if words.index("identity") < words.index(word):
            assert same(inputs(*words), [NUMBERS[word]]), words
    assert same(inputs("identity", "--", word), [NUMBERS[word]])
    assert same(inputs("identity", word, "--", word), [NUMBERS[word]] * 2)
    assert same(inputs("identity", "1", word, "--kink=left", word), [1, NUMBERS[word], NUMBERS[word]])


@pytest.mark.parametrize("word", SEVERAL)
def test_one_argument_holds_several_numbers(word: str) -> None:
    assert same(inputs("identity", word, "-3"), [*SEVERAL[word], -3])


@pytest.mark.parametrize("word", NUMBERS)
@pytest.mark.parametrize("option", ["-u{}", "-u {}", "--upstream={}", "--upstream {}"])
def test_an_option_takes_any_number(option: str, word: str) -> None:
    words = [part.format(word) for part in option.split(" ")]
    outcome = in_process("eval", "identity", *words, "1", "--only", "upstream", "--format", "tsv")
    assert (outcome.code, repr(float(outcome.out.split()[1]))) == (0, repr(NUMBERS[word])), outcome.err


def test_options_take_several_numbers() -> None:
    assert inputs("identity", "--linspace", "-6", "6", "13") == list(range(-6, 7))
    assert inputs("identity", "--linspace", "6", "-6", "3") == [6, 0, -6]
    assert inputs("identity", "--linspace", "1", "2", "1") == [1]
    outcome = in_process("eval", "square", "-1", "-1", "-y", "-1,0", "--only", "target")
    assert outcome.out.split() == ["-1", "0"]


@pytest.mark.parametrize("word", MALFORMED)
def test_what_is_no_number_is_refused_with_its_place(word: str) -> None:
    for words, place in ((["relu", "1", word], "INPUT 2"), (["relu", word, "--kink", "left"], "INPUT 1")):
        outcome = in_process("eval", *words)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith(f"gradcalc: error: {place}: ") and MALFORMED[word] in outcome.err
        assert outcome.err.count("\n") == 1
    outcome = in_process("eval", "relu", "1", "-u", word)
    assert outcome.code == 2 and outcome.err.startswith("gradcalc: error: --upstream: ")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=4), st.sampled_from([repr, "{:.17e}".format, "{:+}".format]))
def test_every_float_is_read_as_it_is_written(numbers: list[float], write: object) -> None:
    words = [write(x) for x in numbers]  # type: ignore[operator]  # the strategy gives callables
    assert same(inputs("identity", *words), [float(word) for word in words])


def test_unknown_options_stay_unknown_options() -> None:
    for word in ("-x", "-e", "--infinite", "-infinite", "--nano"):
        outcome = in_process("eval", "relu", "1", word)
        assert outcome.code == 2 and "there is no option" in outcome.err, word


def test_every_command_takes_negative_numbers() -> None:
    @click.command(cls=Command)
    @click.argument("words", nargs=-1)
    @click.option("--pair", nargs=2, multiple=True)
    @click.option("--flag", is_flag=True)
    def command(words: tuple[str, ...], pair: tuple[tuple[str, str], ...], flag: bool) -> None:
        seen.append((words, pair, flag))

    seen: list[object] = []
    command.main(["-1", "--pair", "-2", "-.3", "--flag", "-inf", "--pair", "x", "-4"], standalone_mode=False)
    assert seen == [(("-1", "-inf"), (("-2", "-.3"), ("x", "-4")), True)]
