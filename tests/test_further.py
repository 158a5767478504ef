"""Further inputs: the second vector of a pair, the third of three, by options, in streams and from Python."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from commands import in_process, json_lines, json_value
from further_inputs import further_of, options_of, target_of
from gradcalc import entries, evaluate
from gradcalc.errors import UsageError
from gradcalc.functions.entry import Entry
from gradcalc.functions.joint import JointLoss

WITH_FURTHER = [entry for entry in entries() if entry.further]
JOINT = [entry for entry in entries() if isinstance(entry, JointLoss)]
ROWS = {1: [0.3, -0.8, 0.45], 2: [[0.6, -0.8, 0.1], [0.28, 0.9, -0.3], [-0.7, 0.6, 0.2]]}

each_with_further = pytest.mark.parametrize("entry", WITH_FURTHER, ids=lambda entry: entry.name)


def _value(entry: Entry, x: Any, further: Any, parameters: Any = None) -> float:
    target = target_of(entry) if isinstance(entry, JointLoss) else -1.0
    answer = evaluate(entry.name, x, target=target, with_=further, parameters=parameters, only=["value"])
    return float(answer.points[0].value)


def _difference(value: Any, at: Any) -> Any:
    """Central differences of fourth order of a function of a nested list, by each of its numbers."""
    at, h = np.array(at, dtype=float), 1e-3
    found = np.zeros(at.shape)
    for place in np.ndindex(at.shape):
        step = np.zeros(at.shape)
        step[place] = h
        near, far = (value((at + k * step).tolist()) - value((at - k * step).tolist()) for k in (1, 2))
        found[place] = (8 * near - far) / (12 * h)
    return found


def _settings() -> list[Any]:
    """Each loss with its defaults, and with each flag and word by itself."""
    found = []
    for entry in JOINT:
        flags = [{param.name: True} for param in entry.params if param.default is False]
        words = [{param.name: choice} for param in entry.params for choice in param.choices if choice != param.default]
        found += [pytest.param(entry, given, id=f"{entry.name} {given or ''}") for given in ({}, *flags, *words)]
    return found


@pytest.mark.parametrize(("entry", "given"), _settings())
def test_derivatives_are_those_of_the_value(entry: JointLoss, given: dict[str, Any]) -> None:
    further, x, target = further_of(entry), ROWS[entry.rank], target_of(entry)

    def slope(wrt: str | None) -> Any:
        answer = evaluate(entry.name, x, target=target, with_=further, wrt=wrt, parameters=given)
        return answer.points[0].derivative

    expected = _difference(lambda at: _value(entry, at, further, given), x)
    np.testing.assert_allclose(slope(None), expected, rtol=1e-7, atol=1e-8)
    for name, vector in further.items():
        expected = _difference(lambda at, name=name: _value(entry, x, {**further, name: at}, given), vector)
        np.testing.assert_allclose(slope(name), expected, rtol=1e-7, atol=1e-8)


@each_with_further
def test_a_further_input_has_all_its_names_and_stands_in_the_answer(entry: Entry) -> None:
    expected = in_process("eval", *_words(entry), *options_of(entry), "--format", "json").out
    for one in entry.further:
        for alias in one.aliases:
            options = [word.replace(f"{one.name}=", f"{alias}=") for word in options_of(entry)]
            assert in_process("eval", *_words(entry), *options, "--format", "json").out == expected
    for name, value in further_of(entry).items():
        assert json.loads(expected)["points"][0][name] == value
        bare = in_process("eval", *_words(entry), *options_of(entry), "--only", name).out.split()
        assert [float(word) for word in bare] == np.ravel(value).tolist()


def _words(entry: Entry) -> list[str]:
    return [entry.name, "0.25", *(["-y", "1"] if entry.rank == 0 else ["0.5", "1"])]


@each_with_further
def test_a_further_input_that_is_missing_or_of_no_use_is_named(entry: Entry) -> None:
    without = in_process("eval", *_words(entry), *(["-y", "1"] if entry.name == "cosine_embedding" else []))
    assert without.code == 2
    name = entry.further[0].name
    assert f"{entry.name} needs {name}, " in without.err
    assert f"--with {name}=VALUES" in without.err
    wrong = in_process("eval", *_words(entry), "--with", f"{name}x=1")
    assert wrong.code == 2
    assert f"did you mean {name}?" in wrong.err
    twice = in_process("eval", *_words(entry), "--with", f"{name}=1", "--with", f"{name.upper()}=2")
    assert f"{name} is given twice" in twice.err


def test_each_input_may_have_a_further_input_of_its_own() -> None:
    points = evaluate("margin_ranking", [1, 2, 3], target=[1, -1, 1], with_={"other": [0, 2, 5]}).points
    assert [(point.value, point.derivative) for point in points] == [(0, 0), (0, 1), (2, -1)]
    pairs = evaluate("pairwise_distance", [[3, 0], [0, 4]], with_={"other": [[0, 4], [0, 0]]}, parameters={"eps": 0})
    assert [point.value for point in pairs.points] == [5, 4]
    words = ["pairwise_distance", "3,0", "0,4", "--with", "other=[[0,4],[0,0]]", "-p", "eps=0", "--only", "value"]
    assert in_process("eval", *words).out == "5\n4\n"
    short = in_process("eval", "margin_ranking", "1", "2", "3", "--with", "other=1,2", "-y", "1")
    assert short.code == 2
    assert "other: 2 values, but more inputs than that" in short.err
    assert "the positive has 3 numbers for an input of 2" in _error("triplet_margin", "1,2", "--with", "positive=1,2,3")


def _error(*words: str) -> str:
    outcome = in_process("eval", *words)
    assert outcome.code == 2
    return outcome.err


def test_a_line_of_a_stream_brings_its_own() -> None:
    lines = '{"input": [0, 0], "with": {"positive": [3, 4], "negative": [6, 0]}}\n1 1\n'
    words = ["triplet_margin", "-", "--with", "positive=1,1", "--with", "negative=1,3", "-p", "eps=0", "-p", "margin=2"]
    first, second = json_lines(in_process("eval", *words, "--format", "jsonl", stdin=lines))
    assert (first["value"], first["derivative"]) == (1, [0.4, -0.8])
    assert (second["positive"], second["value"], second["at_kink"]) == ([1, 1], 0, True)
    mean = in_process("eval", "margin_ranking", "1", "3", "--with", "other=2", "-y", "1", "--reduction", "mean")
    assert "0.5" in mean.out
    whole = '{"input": [1, 3], "target": 1, "with": {"other": [2, 5]}}'
    (point,) = json_lines(in_process("eval", "margin_ranking", whole, "--wrt", "other", "--format", "jsonl"))
    assert (point["other"], point["derivative"], point["wrt"]) == ([2, 5], [1, 1], "other")


def test_the_second_of_a_pair_may_be_called_its_target() -> None:
    by_target = json_value(in_process("eval", "pairwise_distance", "1", "2", "-y", "4,6", "--format", "json"))
    by_name = json_value(in_process("eval", "pairwise_distance", "1", "2", "--with", "other=4,6", "--format", "json"))
    assert by_target == by_name
    assert "is given with --with and as the target" in _error("pairwise_distance", "1", "-y", "2", "--with", "other=3")
    assert "takes no target, but positive and negative" in _error("triplet_margin", "1", "-y", "2")
    with pytest.raises(UsageError, match="is a norm and takes no further inputs"):
        evaluate("lp_norm", [1, 2], with_={"other": 1})


#: At a kink: the function, its input, the rest, by what, and left, right and default, as PyTorch has it.
KINKS: list[tuple[str, Any, dict[str, Any], str | None, Any, Any, Any]] = [
    ("triplet_margin", [0, 0], {"with_": {"positive": [3, 4], "negative": [6, 0]}, "parameters": {"eps": 0}},
     None, [0, -0.8], [0.4, 0], [0.4, -0.8]),
    ("triplet_margin", [0, 0], {"with_": {"positive": [3, 4], "negative": [6, 0]}, "parameters": {"eps": 0}},
     "negative", [-1, 0], [0, 0], [-1, 0]),
    ("triplet_margin", [0, 0],
     {"with_": {"positive": [6, 0], "negative": [3, 4]}, "parameters": {"eps": 0, "swap": True}},
     None, [-1, 0], [-0.4, 0.8], [-0.7, 0.4]),
    ("triplet_margin", [0, 0],
     {"with_": {"positive": [6, 0], "negative": [3, 4]}, "parameters": {"eps": 0, "swap": True}},
     "positive", [0.4, 0], [1, 0.8], [0.7, 0.4]),
    ("pairwise_distance", [1, 2], {"target": [1, 2], "parameters": {"eps": 0}}, None, [-1, -1], [1, 1], [0, 0]),
    ("pairwise_distance", [1, 2], {"target": [1, 5], "parameters": {"eps": 0, "p": 1}},
     "other", [-1, 1], [1, 1], [0, 1]),
    ("triplet_margin", [0, 0], {"with_": {"positive": [3, 4], "negative": [6, 0]}, "parameters": {"eps": 0}},
     "margin", 0, 1, 1),
    ("cosine_embedding", [3, 4], {"with_": {"other": [5, 0]}, "target": -1, "parameters": {"margin": 0.6}},
     "margin", -1, 0, -1),
    ("cosine_embedding", [3, 4], {"with_": {"other": [5, 0]}, "target": -1, "parameters": {"margin": 0.6}},
     None, [0, -0.096], [0.128, 0], [0.128, -0.096]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "rest", "wrt", "left", "right", "default"), KINKS)
def test_kinks_have_both_their_sides(
    name: str, x: Any, rest: dict[str, Any], wrt: str | None, left: Any, right: Any, default: Any
) -> None:
    for side, expected in (("left", left), ("right", right), ("default", default)):
        answer = evaluate(name, x, wrt=wrt, kink=side, **rest)
        assert answer.points[0].derivative == pytest.approx(expected, rel=1e-14, abs=1e-15)
        assert answer.points[0].at_kink
        assert all(kink.when.startswith((f"{wrt or 'a'}[", "margin = ")) for kink in answer.kinks)


@pytest.mark.parametrize(("y", "sides"), [(1, (-1, 0, -1)), (-1, (0, 1, 1))])
def test_a_margin_exactly_met_is_a_kink_in_both_numbers(y: float, sides: tuple[float, ...]) -> None:
    for wrt, sign in ((None, 1), ("other", -1)):
        for side, slope in zip(("left", "right", "default"), sides, strict=True):
            answer = evaluate(
                "margin_ranking", 2 + y, target=y, with_={"other": 2}, parameters={"margin": 1}, wrt=wrt, kink=side
            )
            mirrored = {"left": sides[1], "right": sides[0], "default": sides[2]}[side]
            assert answer.points[0].derivative == (slope if sign > 0 else -mirrored)
            assert answer.points[0].at_kink


# Measured in PyTorch 2.13, but for eps_to=sum, which is optax.
KNOWN = [
    ("triplet_margin", [0, 0], {"with_": {"positive": [0.1, 0.1], "negative": [1, 0]}}, 0.14142094202324723),
    ("triplet_margin", [0, 0], {"with_": {"positive": [0.1, 0.1], "negative": [1, 0]}, "parameters": {"eps_to": "sum"}},
     0.1414243917),
    ("pairwise_distance", [1e200, 0], {"target": [0, 1e200]}, 1.4142135623730951e200),
    ("cosine_embedding", [1, 0], {"with_": {"other": [1, 1]}, "target": 1}, 0.2928932188134524),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "rest", "value"), KNOWN)
def test_known_numbers(name: str, x: Any, rest: dict[str, Any], value: float) -> None:
    assert evaluate(name, x, **rest).points[0].value == pytest.approx(value, rel=1e-9)
