"""Kinks in eval: the user's rule decides every one, and the table says so."""

from __future__ import annotations

import math
from typing import Any

import pytest

from commands import in_process, json_lines
from further_inputs import further_of, options_of
from gradcalc import entries
from gradcalc.functions.entry import SIDES, Elementwise, ElementwiseLoss, Kink


def kinks() -> list[Any]:
    """Every kink of every elementwise function, with a target for which it lies in the domain."""
    found = []
    for entry in entries():
        if isinstance(entry, Elementwise | ElementwiseLoss):
            given: tuple[Any, ...] = tuple(0.1 if param.default is None else param.default for param in entry.params)
            given = (*further_of(entry).values(), *given)
            targets = [(1.0,), (-1.0,)] if isinstance(entry, ElementwiseLoss) else [()]
            for kink in entry.kinks:
                there = [target for target in targets if is_there(kink, (*target, *given))]
                case = f"{entry.name}, {kink.when}"
                found += [pytest.param(entry, kink, target, given, id=case) for target in there[:1]]
    return found


def is_there(kink: Kink, arguments: tuple[Any, ...]) -> bool:
    """Whether these parameters (a loss's target before them) make the kink."""
    jumps = kink.jump or kink.left(*arguments) != kink.right(*arguments)
    return jumps and not math.isnan(kink.at(*arguments))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("entry", "kink", "target", "parameters"), kinks())
def test_at_a_kink_the_rule_decides_and_is_said(entry: Any, kink: Any, target: Any, parameters: Any, side: Any) -> None:
    arguments = (*target, *parameters)
    options = [f"-y{y}" for y in target]
    options += options_of(entry)
    for param, value in zip(entry.params, parameters[len(entry.further) :], strict=True):
        options += ["-p", f"{param.name}={value}"]
    question = ["eval", entry.name, repr(float(kink.at(*arguments))), *options, "--kink", side]
    (point,) = json_lines(in_process(*question, "--format", "jsonl"))
    left, right = kink.left(*arguments), kink.right(*arguments)
    chosen = {"left": left, "right": right, "midpoint": (left + right) / 2, "undefined": "NaN"}
    if side in chosen:
        assert point["derivative"] == pytest.approx(chosen[side]) if side != "undefined" else chosen[side]
    else:
        assert entry.derivative.__name__ and min(left, right, 0) <= point["derivative"] <= max(left, right)
    assert point.get("at_kink") is (True if left != right or kink.jump else None)
    told = in_process(*question).out.splitlines()[-1]
    assert told.startswith(f"{'jump' if kink.jump else 'kink'} at {kink.when}: ") and told.endswith("(--kink)")
    assert "kink at" not in in_process(*question, "--only", "derivative").out


def test_a_kink_is_told_once_and_without_a_kink_nothing_is_told() -> None:
    table = in_process("eval", "relu", "0", "-0", "1", "0").out
    assert table.count("kink at z = 0: left 0, right 1, shown 0 (--kink)") == 1
    assert "kink" not in in_process("eval", "leaky_relu", "0", "-p", "alpha=1").out
    assert "kink" not in in_process("eval", "relu", "1").out


@pytest.mark.parametrize("side", SIDES)
def test_at_a_kink_there_is_no_second_derivative(side: str) -> None:
    for function, numbers, seconds in (
        (["relu"], ["0", "2"], ["NaN", 0]),
        (["step"], ["0", "2"], ["NaN", 0]),
        (["absolute", "-y", "3"], ["3", "2"], ["NaN", 0]),
        (["leaky_relu", "-p", "alpha=1"], ["0", "2"], [0, 0]),
    ):
        for only in ([], ["--only", "second_derivative"]):
            question = ["eval", *function, *numbers, "--order", "2", "--kink", side, *only, "--format", "jsonl"]
            assert [point["second_derivative"] for point in json_lines(in_process(*question))] == seconds


def test_at_infinity_there_is_no_kink() -> None:
    question = ["eval", "absolute", "inf", "-y", "inf", "--kink", "right", "--format", "jsonl"]
    for by_target in ([], ["--wrt", "target"]):
        (point,) = json_lines(in_process(*question, *by_target))
        assert (point["derivative"], "at_kink" in point) == ("NaN", False)


def test_an_undefined_kink_is_told_once_too() -> None:
    for question in (["relu", "0", "0"], ["absolute", "1", "1", "-y", "1", "--reduction", "mean"]):
        assert in_process("eval", *question, "--kink", "undefined").out.count("shown nan (--kink)") == 1
    text = "\n".join(["0"] * 30_000)
    assert in_process("eval", "relu", "-", "--kink", "undefined", stdin=text).out.count("kink at") == 1
    assert in_process("eval", "lp_norm", "0,0", "0,0", "--kink", "undefined").out.count("kink at") == 2


def test_kinks_of_losses_are_scaled_and_weighted_as_the_derivative_is() -> None:
    for wrt in ([], ["--wrt", "target"]):
        question = ["mae", "1", "2", "-y", "1,2", "--scale", "4", "--with", "weight=1,3", "--kink", "right", *wrt]
        (point,) = json_lines(in_process("eval", *question, "--format", "jsonl"))
        assert point["derivative"] == [2, 6]
        assert "left -6, right 6, shown 6 (--kink)" in in_process("eval", *question).out
    told = in_process("eval", "absolute", "1", "2", "-y", "1", "--scale", "4", "--reduction", "mean").out
    assert "kink at a = y: left -2, right 2, shown 0 (--kink)" in told


def test_a_kink_in_a_parameter_follows_the_rule_too() -> None:
    question = ["eval", "svm", "1", "0", "-2", "--target-class", "0", "--scale", "2", "--wrt", "margin"]
    for side, slope in (("default", 0), ("left", 0), ("right", 2), ("midpoint", 1), ("undefined", "NaN")):
        (point,) = json_lines(in_process(*question, "--kink", side, "--format", "jsonl"))
        assert (point["derivative"], point["at_kink"]) == (slope, True)
    assert "kink at margin = 1: left 0, right 2, shown 2 (--kink)" in in_process(*question, "--kink", "right").out
    (beside,) = json_lines(in_process(*question, "-p", "margin=1.5", "--kink", "right", "--format", "jsonl"))
    assert (beside["derivative"], "at_kink" in beside) == (2, False)


INF = float("inf")

#: Kinks said in words: the question, the place of the kink, which of the card's kinks it is, what is known there.
SAID: list[tuple[list[str], int, int, dict[str, object]]] = [
    (["mae", "1", "2", "-y", "1,0"], 0, 0, {"n": 2}),
    (["lp_norm", "0", "3", "-p", "p=1"], 0, 0, {}),
    (["lp_norm", "0", "3", "-p", "p=0.5"], 0, 1, {"inf": INF}),
    (["lp_norm", "0", "0", "-p", "p=3"], 1, 2, {}),
    (["ce", "0.25", "0.75", "-y", "0.3,0.7", "-p", "clip=0.25"], 0, 0, {"y": [0.3, 0.7], "i": 0, "clip": 0.25}),
    (["ce", "0.25", "0.75", "-y", "0.3,0.7", "-p", "clip=0.25"], 1, 1, {"y": [0.3, 0.7], "i": 1, "clip": 0.25}),
    (["svm", "1", "0", "0", "--target-class", "0"], 1, 0, {}),
    (["svm", "1", "0", "0", "--target-class", "0"], 0, 1, {"k": 2}),
    (["svm", "1", "0", "0", "--target-class", "0", "--wrt", "margin"], 0, 2, {"k": 2}),
    (["bce", "0.25", "-y", "0.3", "-p", "clip=0.25"], 0, 0, {"y": 0.3, "clip": 0.25}),
    (["bce", "0.75", "-y", "0.3", "-p", "clip=0.25"], 0, 1, {"y": 0.3, "clip": 0.25}),
]


@pytest.mark.parametrize("side", ["left", "right", "default"])
@pytest.mark.parametrize(("question", "place", "index", "known"), SAID, ids=str)
def test_a_card_says_the_slopes_that_eval_shows(
    question: list[str], place: int, index: int, known: dict[str, object], side: str
) -> None:
    (record,) = json_lines(in_process("show", question[0], "--format", "jsonl"))
    (point,) = json_lines(in_process("eval", *question, "--kink", side, "--format", "jsonl"))
    shown = point["derivative"][place] if isinstance(point["derivative"], list) else point["derivative"]
    assert float(shown) == pytest.approx(eval(record["kinks"][index][side], {}, known))
    assert point["at_kink"] is True


def test_the_parameter_rules_in_a_tie_and_the_table_says_so() -> None:
    question = ["eval", "lp_norm", "3", "-3", "1", "-p", "p=inf", "--kink", "right"]
    told = "tie at z[0], z[1]: ties = split decides (-p ties=first or split), not --kink"
    assert in_process(*question).out.splitlines()[-1] == told
    assert "ties = first decides" in in_process(*question, "-p", "ties=first", "--format", "latex").out
    (point,) = json_lines(in_process(*question, "--format", "jsonl"))
    assert (point["derivative"], "at_kink" in point) == ([0.5, -0.5, 0], False)
    for beside in (["p=3", "3", "-3"], ["p=inf", "3", "-2"], ["p=inf", "0", "0"], ["p=inf", "nan", "nan"]):
        assert "tie at" not in in_process("eval", "lp_norm", "-p", *beside).out


def test_many_kinks_are_told_of_in_few_lines() -> None:
    numbers = [str(n) for n in range(40)]
    told = in_process("eval", "mae", *numbers, "-y", ",".join(numbers)).out.splitlines()
    assert sum(line.startswith("kink at") for line in told) == 10 and told[-1] == "and more kinks"


def test_kinks_of_vectors_are_one_sided_in_each_entry() -> None:
    shown = {}
    for side in SIDES:
        outcome = in_process("eval", "lp_norm", "0", "-3", "-p", "p=1", "--kink", side, "--format", "jsonl")
        (point,) = json_lines(outcome)
        shown[side] = point["derivative"]
        assert point["at_kink"] is True
    assert shown == {
        "default": [0, -1],
        "left": [-1, -1],
        "right": [1, -1],
        "midpoint": [0, -1],
        "undefined": ["NaN", -1],
    }
    table = in_process("eval", "mae", "1", "2", "-y", "1,0", "--kink", "right").out
    assert "kink at a[0] = 1: left -0.5, right 0.5, shown 0.5 (--kink)" in table
    outcome = in_process(
        "eval", "mae", "1", "2", "-y", "1,0", "--kink", "right", "--wrt", "target", "--format", "jsonl"
    )
    assert json_lines(outcome)[0]["derivative"] == [0.5, -0.5]
