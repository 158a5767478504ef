"""The eval command and call, for every function in every format."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from commands import in_process, json_lines, json_value
from further_inputs import further_of, options_of, target_of
from gradcalc import entries, evaluate
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Entry, VectorActivation, VectorLoss
from gradcalc.functions.joint import JointLoss
from gradcalc.render import FORMATS

PROBABILITIES = ["0.25", "0.25", "0.5"]
ROWS = ["0.25,0.25,0.5", "0.5,-0.25,0.1", "0.125,0.3,-0.75"]


def words(entry: Entry) -> list[str]:
    """Arguments of eval that suit the function."""
    if isinstance(entry, Elementwise):
        return [entry.name, "-1.5" if entry.sample[0] <= -1.5 else "0.75", "0.25"]
    if isinstance(entry, ElementwiseLoss):
        return [entry.name, "0.25", "0.5", "-y", "1", *options_of(entry)]
    if isinstance(entry, JointLoss):
        return [entry.name, *(ROWS if entry.rank == 2 else PROBABILITIES), *options_of(entry)]
    if isinstance(entry, VectorLoss):
        return [entry.name, *PROBABILITIES, *(["-y", "1"] if entry.takes == "values" else ["--target-class", "1"])]
    return [entry.name, *PROBABILITIES, *(["-0.75"] if isinstance(entry, VectorActivation) else [])]


def elementwise(entry: Entry) -> bool:
    return isinstance(entry, Elementwise | ElementwiseLoss)


def shape(value: Any) -> tuple[int, ...]:
    return (len(value), *shape(value[0])) if isinstance(value, list) else ()


each_function = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)


# --- every function ---


@each_function
def test_json_keeps_the_contract(entry: Entry) -> None:
    answer = json_value(in_process("eval", *words(entry), "--format", "json"))
    assert list(answer) == ["function", "kind", "parameters", "kink", "points"]
    assert (answer["function"], answer["kind"], answer["kink"]) == (entry.name, entry.kind, "default")
    assert list(answer["parameters"]) == [param.name for param in entry.params]
    assert len(answer["points"]) == (2 if elementwise(entry) else 1)
    further = [one.name for one in entry.further]
    keys = ["input", *further, *(["target"] if entry.has_target else []), "value", "derivative"]
    for point in answer["points"]:
        assert [key for key in point if key != "at_kink"] == keys
        vector = isinstance(entry, VectorActivation)
        assert shape(point["input"]) == ((4,) if vector else (3,) * entry.rank)
        expected = (entry.outputs(4), 4) if isinstance(entry, VectorActivation) else shape(point["input"])
        assert shape(point["derivative"]) == expected


@each_function
def test_every_format_prints_every_function(entry: Entry) -> None:
    for name in FORMATS:
        outcome = in_process("eval", *words(entry), "--format", name, "--digits", "4")
        assert outcome.code == 0 and outcome.out.isascii() and outcome.out.endswith("\n"), name
        assert all(line == line.rstrip() for line in outcome.out.splitlines()), name
        assert f"{0.25}" in outcome.out, name


@each_function
def test_aliases_are_the_same_function(entry: Entry) -> None:
    name, *rest = words(entry)
    expected = in_process("eval", name, *rest, "--format", "json").out
    for alias in (*entry.aliases, entry.name.upper(), entry.name.replace("_", "-")):
        assert in_process("eval", alias, *rest, "--format", "json").out == expected


@each_function
def test_the_call_gives_what_the_command_prints(entry: Entry) -> None:
    printed = json_value(in_process("eval", *words(entry), "--format", "json"))
    numbers = [point["input"] for point in printed["points"]]
    target: dict[str, Any] = {}
    if isinstance(entry, VectorLoss) and entry.takes != "values":
        target = {"target_class": 1}
    elif isinstance(entry, JointLoss):
        target = {"target": target_of(entry)}
    elif entry.kind == "loss":
        target = {"target": 1}
    assert evaluate(entry.name, numbers, with_=further_of(entry), **target).to_dict() == printed


@each_function
def test_a_line_of_jsonl_is_one_point(entry: Entry) -> None:
    outcome = in_process("eval", *words(entry), "--format", "json")
    given = [{k: p[k] for k in ("input", "target") if k in p} for p in json_value(outcome)["points"]]
    if isinstance(entry, VectorLoss) and entry.takes == "class":
        given = [{"input": point["input"], "target_class": point["target"]} for point in given]
    if entry.further:
        given = [{**point, "with": further_of(entry)} for point in given]
    lines = "\n".join(map(json.dumps, given))
    assert (
        json_lines(in_process("eval", entry.name, "-", "--format", "jsonl", stdin=lines))
        == (json_value(outcome)["points"])
    )


@each_function
def test_upstream_is_the_derivative_times_it(entry: Entry) -> None:
    for point in json_value(in_process("eval", *words(entry), *upstream(entry), "--format", "json"))["points"]:
        if isinstance(entry, VectorActivation):
            columns = zip(*point["derivative"], strict=True)
            given = UPSTREAM[: entry.outputs(4)]
            expected = [sum(g * d for g, d in zip(given, column, strict=True)) for column in columns]
        elif elementwise(entry):
            expected = -2 * point["derivative"]
        else:
            expected = -2 * np.array(point["derivative"])
        np.testing.assert_allclose(point["vjp"], expected, rtol=1e-12, atol=1e-14)


UPSTREAM = (1, -2, 3, 0.5)


def upstream(entry: Entry) -> list[str]:
    if isinstance(entry, VectorActivation):
        return ["-u", ",".join(map(str, UPSTREAM[: entry.outputs(4)]))]
    return ["-u", "-2"]


@each_function
def test_the_second_derivative_is_that_of_the_first(entry: Entry) -> None:
    if not elementwise(entry):
        return
    z, h = 0.3, 1e-6
    target = ["-y", "1", *options_of(entry)] if entry.kind == "loss" else []
    question = ["eval", entry.name, f"{z - h}", f"{z}", f"{z + h}", *target, "--order", "2", "--format", "json"]
    before, point, after = json_value(in_process(*question))["points"]
    slope = (after["derivative"] - before["derivative"]) / (2 * h)
    assert point["second_derivative"] == pytest.approx(slope, rel=1e-6, abs=1e-6)


@each_function
def test_every_trained_parameter_and_target_can_be_differentiated_by(entry: Entry) -> None:
    h = 1e-6
    for param in entry.params:
        if param.derivative is None or param.default is None:
            continue
        question = ["eval", *words(entry), "--wrt", param.name, "--format", "json", "-p"]
        near = [p for p in (param.default, param.default - h, param.default + h) if p in param.domain]
        answers = [json_value(in_process(*question, f"{param.name}={p}")) for p in near]
        assert all(answer["wrt"] == param.name for answer in answers)
        answers = [answer["points"] for answer in answers]
        for at, *others in zip(*answers, strict=True):
            below, above = ([at, *others])[-2:]
            assert at["wrt"] == param.name
            slope = np.subtract(above["value"], below["value"]) / (h * (len(near) - 1))
            np.testing.assert_allclose(at["derivative"], slope, rtol=1e-4, atol=1e-5)


@each_function
def test_a_parameter_is_taken_by_every_name_and_stands_in_the_answer(entry: Entry) -> None:
    for param in entry.params:
        for name in (param.name, *param.aliases):
            value = str(param.choices[-1] if param.choices else param.default).lower()
            answer = json_value(in_process("eval", *words(entry), "-p", f"{name}={value}", "--format", "json"))
            assert str(answer["parameters"][param.name]).lower() == value


@each_function
def test_nan_in_is_nan_out(entry: Entry) -> None:
    if entry.rank:
        name, first, *rest = words(entry)
        (point,) = json_lines(in_process("eval", name, f"nan{first[4:]}", *rest, "--format", "jsonl"))
        assert point["value"] == "NaN" or "NaN" in point["value"]
    else:
        target = ["-y", "1", *options_of(entry)] if entry.kind == "loss" else []
        outcome = in_process("eval", entry.name, "nan", *target, "--order", "2", "--format", "jsonl")
        (point,) = json_lines(outcome)
        assert [point[name] for name in ("value", "derivative", "second_derivative")] == ["NaN"] * 3


# --- the call ---


def test_the_call_takes_numbers_lists_vectors_and_points() -> None:
    assert [p.value for p in evaluate("relu", 2).points] == [2]
    assert [p.value for p in evaluate("relu", (2, -1)).points] == [2, 0]
    assert [p.value for p in evaluate("relu", [[2, -1], 3]).points] == [[2, 0], 3]
    assert [p.value for p in evaluate("mse", [[1, 2], [3, 4]], target=[[1, 2], [1, 2]]).points] == [0, 4]
    assert evaluate("softmax", {"input": [0, 0], "upstream": [1, 0]}).points[0].vjp == [0.25, -0.25]
    assert evaluate("relu", [0, 1], kink="right").kinks[0].shown == 1
    assert [p.value for p in evaluate("relu", np.array([1.5, -2])).points] == [1.5, 0]
