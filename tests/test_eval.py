"""The eval command and call, for every function in every format, then known numbers."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import Any

import pytest

from commands import in_process, json_lines, json_value
from gradcalc import entries, evaluate
from gradcalc.functions.entry import SIDES, Elementwise, ElementwiseLoss, Entry, Norm, VectorActivation, VectorLoss
from gradcalc.render import FORMATS

PROBABILITIES = ["0.25", "0.25", "0.5"]


def words(entry: Entry) -> list[str]:
    """Arguments of eval that suit the function."""
    if isinstance(entry, Elementwise):
        return [entry.name, "-1.5", "0.25"]
    if isinstance(entry, ElementwiseLoss):
        return [entry.name, "0.25", "0.5", "-y", "1"]
    if isinstance(entry, VectorLoss):
        return [entry.name, *PROBABILITIES, *(["-y", "1"] if entry.takes == "values" else ["--target-class", "1"])]
    return [entry.name, *PROBABILITIES]


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
    keys = ["input", *(["target"] if entry.kind == "loss" else []), "value", "derivative"]
    for point in answer["points"]:
        assert [key for key in point if key != "at_kink"] == keys
        assert shape(point["input"]) == (() if elementwise(entry) else (3,))
        expected = (3, 3) if isinstance(entry, VectorActivation) else shape(point["input"])
        assert shape(point["derivative"]) == expected


@each_function
@pytest.mark.parametrize("name", [*FORMATS])
def test_every_format_prints_every_function(entry: Entry, name: str) -> None:
    outcome = in_process("eval", *words(entry), "--format", name, "--digits", "4")
    assert outcome.code == 0 and outcome.out.isascii() and outcome.out.endswith("\n")
    assert all(line == line.rstrip() for line in outcome.out.splitlines())
    assert f"{0.25}" in outcome.out


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
    elif entry.kind == "loss":
        target = {"target": 1}
    assert evaluate(entry.name, numbers, **target).to_dict() == printed


@each_function
def test_a_line_of_jsonl_is_one_point(entry: Entry) -> None:
    outcome = in_process("eval", *words(entry), "--format", "json")
    given = [{k: p[k] for k in ("input", "target") if k in p} for p in json_value(outcome)["points"]]
    if isinstance(entry, VectorLoss) and entry.takes == "class":
        given = [{"input": point["input"], "target_class": point["target"]} for point in given]
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
            expected = [sum(g * d for g, d in zip((1, -2, 3), column, strict=True)) for column in columns]
        elif elementwise(entry):
            expected = -2 * point["derivative"]
        else:
            expected = [-2 * d for d in point["derivative"]]
        assert point["vjp"] == pytest.approx(expected, rel=1e-12, abs=1e-14)


def upstream(entry: Entry) -> list[str]:
    return ["-u", "1,-2,3"] if isinstance(entry, VectorActivation) else ["-u", "-2"]


@each_function
def test_the_second_derivative_is_that_of_the_first(entry: Entry) -> None:
    if not elementwise(entry):
        return
    z, h = 0.3, 1e-6
    target = ["-y", "1"] if entry.kind == "loss" else []
    question = ["eval", entry.name, f"{z - h}", f"{z}", f"{z + h}", *target, "--order", "2", "--format", "json"]
    before, point, after = json_value(in_process(*question))["points"]
    slope = (after["derivative"] - before["derivative"]) / (2 * h)
    assert point["second_derivative"] == pytest.approx(slope, rel=1e-6, abs=1e-6)


@each_function
def test_every_trained_parameter_and_target_can_be_differentiated_by(entry: Entry) -> None:
    h = 1e-6
    for param in entry.params:
        if param.derivative is None:
            continue
        question = ["eval", *words(entry), "--wrt", param.name, "--format", "json", "-p"]
        near = [p for p in (param.default, param.default - h, param.default + h) if p in param.domain]
        answers = [json_value(in_process(*question, f"{param.name}={p}"))["points"] for p in near]
        for at, *others in zip(*answers, strict=True):
            below, above = ([at, *others])[-2:]
            assert at["wrt"] == param.name
            slope = (above["value"] - below["value"]) / (h * (len(near) - 1))
            assert at["derivative"] == pytest.approx(slope, rel=1e-4, abs=1e-5)


@each_function
def test_a_parameter_is_taken_by_every_name_and_stands_in_the_answer(entry: Entry) -> None:
    for param in entry.params:
        for name in (param.name, *param.aliases):
            value = str(param.choices[-1] if param.choices else param.default).lower()
            answer = json_value(in_process("eval", *words(entry), "-p", f"{name}={value}", "--format", "json"))
            assert str(answer["parameters"][param.name]).lower() == value


@each_function
def test_nan_in_is_nan_out(entry: Entry) -> None:
    if isinstance(entry, Norm | VectorActivation | VectorLoss):
        name, _, *rest = words(entry)
        (point,) = json_lines(in_process("eval", name, "nan", *rest, "--format", "jsonl"))
        assert point["value"] == "NaN" or "NaN" in point["value"]
    else:
        target = ["-y", "1"] if entry.kind == "loss" else []
        outcome = in_process("eval", entry.name, "nan", *target, "--order", "2", "--format", "jsonl")
        (point,) = json_lines(outcome)
        assert [point[name] for name in ("value", "derivative", "second_derivative")] == ["NaN"] * 3


# --- kinks ---


def kinks() -> list[Any]:
    """Every kink of every elementwise function, with a target for which it lies in the domain."""
    found = []
    for entry in entries():
        if isinstance(entry, Elementwise | ElementwiseLoss):
            target = (1.0,) if isinstance(entry, ElementwiseLoss) else ()
            given = tuple(0.1 if param.default is None else param.default for param in entry.params)
            found += [pytest.param(entry, kink, target, given, id=f"{entry.name}, {kink.when}") for kink in entry.kinks]
    return found


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("entry", "kink", "target", "parameters"), kinks())
def test_at_a_kink_the_rule_decides_and_is_said(entry: Any, kink: Any, target: Any, parameters: Any, side: Any) -> None:
    arguments = (*target, *parameters)
    options = [f"-y{y}" for y in target]
    for param, value in zip(entry.params, parameters, strict=True):
        options += ["-p", f"{param.name}={value}"]
    question = ["eval", entry.name, repr(float(kink.at(*arguments))), *options, "--kink", side]
    (point,) = json_lines(in_process(*question, "--format", "jsonl"))
    left, right = kink.left(*arguments), kink.right(*arguments)
    chosen = {"left": left, "right": right, "midpoint": (left + right) / 2, "undefined": "NaN"}
    if side in chosen:
        assert point["derivative"] == pytest.approx(chosen[side]) if side != "undefined" else chosen[side]
    else:
        assert entry.derivative.__name__ and min(left, right) <= point["derivative"] <= max(left, right)
    assert point.get("at_kink") is (True if left != right or kink.jump else None)
    told = in_process(*question).out.splitlines()[-1]
    assert told.startswith(f"{'jump' if kink.jump else 'kink'} at {kink.when}: ") and told.endswith("(--kink)")
    assert "kink at" not in in_process(*question, "--only", "derivative").out


def test_a_kink_is_told_once_and_without_a_kink_nothing_is_told() -> None:
    table = in_process("eval", "relu", "0", "-0", "1", "0").out
    assert table.count("kink at z = 0: left 0, right 1, shown 0 (--kink)") == 1
    assert "kink" not in in_process("eval", "leaky_relu", "0", "-p", "alpha=1").out
    assert "kink" not in in_process("eval", "relu", "1").out


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


# --- known numbers, option by option ---


def points(*arguments: str, stdin: str = "") -> list[Any]:
    """The points eval prints."""
    return json_lines(in_process("eval", *arguments, "--format", "jsonl", stdin=stdin))


def test_targets_go_with_their_predictions() -> None:
    assert [p["value"] for p in points("square", "1", "2", "3", "-y", "1")] == [0, 1, 4]
    assert [p["value"] for p in points("square", "1", "2", "3", "-y", "1", "-y", "0,3")] == [0, 4, 0]
    assert [p["value"] for p in points("mse", "1,2", "3,4", "-y", "1,2", "-y", "3,2")] == [0, 2]
    assert [p["target"] for p in points("mse", "1,2", "3,4", "-y", "1")] == [[1, 1], [1, 1]]
    assert [p["target"] for p in points("svm", "1,2", "3,4", "--target-class", "1", "--target-class", "0")] == [1, 0]
    assert points("svm", "1,2", "-y", "0,1")[0]["target"] == 1
    assert "not both" in in_process("eval", "mse", "1,2", "-y", "1", "-y", "1,2").err


def test_a_class_is_its_one_hot_distribution() -> None:
    for name in ("cross_entropy", "softmax_cross_entropy"):
        by_class = points(name, *PROBABILITIES, "--target-class", "2")
        assert by_class == points(name, *PROBABILITIES, "-y", "[0, 0, 1]")
        assert by_class[0]["target"] == [0, 0, 1]


def test_scale_multiplies_everything_a_loss_gives() -> None:
    (plain,) = points("square", "3", "-y", "1", "--order", "2", "-u", "5")
    (scaled,) = points("square", "3", "-y", "1", "--order", "2", "-u", "5", "--scale", "-0.5")
    for name in ("value", "derivative", "second_derivative", "vjp"):
        assert scaled[name] == -0.5 * plain[name]
    assert points("mse", "3,5", "-y", "1", "--scale", "2")[0]["derivative"] == [4, 8]


def test_a_reduction_is_one_point() -> None:
    (mean,) = points("square", "1", "2", "4", "-y", "1", "--reduction", "mean", "-u", "3")
    assert mean == {
        "input": [1, 2, 4],
        "target": [1, 1, 1],
        "value": pytest.approx(10 / 3),
        "derivative": pytest.approx([0, 2 / 3, 2]),
        "upstream": 3,
        "vjp": pytest.approx([0, 2, 6]),
    }
    (total,) = points("square", "-", "-y", "1", "--reduction", "sum", "--order", "2", stdin="1 2\n4")
    assert (total["value"], total["derivative"], total["second_derivative"]) == (10, [0, 2, 6], [2, 2, 2])
    by_line = points(
        "square", "-", "--reduction", "sum", stdin='{"input": [1, 2], "target": 0}\n{"input": [3], "target": 0}'
    )
    assert [p["value"] for p in by_line] == [5, 9]
    assert "no inputs to take the mean of" in in_process("eval", "square", "-", "-y", "1", "--reduction", "mean").err
    (smooth,) = points("nll", "0.5", "0.25", "-y", "1", "--reduction", "sum", "--wrt", "label_smoothing")
    assert smooth["derivative"] == pytest.approx(-math.log(3) / 2)


def test_weights_multiply_elements_classes_and_examples() -> None:
    assert [p["value"] for p in points("square", "1", "2", "-y", "0", "--with", "weight=2,3")] == [2, 12]
    (mse,) = points("mse", "1", "2", "-y", "0", "--with", "weight=2,3")
    assert (mse["value"], mse["derivative"]) == (pytest.approx(7), [2, 6])
    (half,) = points("half_sse", "1", "2", "-y", "0", "--with", "weight=2,3", "--only", "value")
    assert half == {"value": pytest.approx(7)}
    (entropy,) = points("ce", "0.5", "0.5", "-y", "0.5,0.5", "--with", "weight=2,4")
    assert (entropy["value"], entropy["derivative"]) == (pytest.approx(3 * math.log(2)), [-2, -4])
    (svm,) = points("svm", "1", "2", "--target-class", "0", "--with", "weight=5,7")
    assert (svm["value"], svm["derivative"]) == (10, [-5, 5])
    (line,) = points("square", "-", "-y", "0", stdin='{"input": [1, 2], "with": {"weight": [2, 3]}}')
    assert line["value"] == [2, 12]


def test_a_parameter_may_be_one_per_input() -> None:
    found = points("prelu", "-1", "-2", "-p", "alpha=0.1,0.5")
    assert [p["derivative"] for p in found] == [0.1, 0.5]
    (line,) = points("prelu", "-", "-p", "alpha=[0.1, 0.5]", stdin='{"input": [-1, -2]}')
    assert line["value"] == [-0.1, -1]
    assert "alpha: 2 values, but 1 input" in in_process("eval", "prelu", "-1", "-p", "alpha=0.1,0.5").err


def test_lists_of_an_elementwise_function_keep_their_nesting() -> None:
    (point,) = points("square", "-", stdin='{"input": [[1, 2], [3]], "target": 1, "upstream": [[1, 2], [3]]}')
    assert point["derivative"] == [[0, 2], [4]] and point["vjp"] == [[0, 4], [12]]


def test_vectors_come_from_arguments_lines_or_the_whole_stream() -> None:
    rows = [p["input"] for p in points("softmax", "1", "2", "3")]
    assert rows == [[1, 2, 3]] == [p["input"] for p in points("softmax", "[1 2 3]")]
    assert rows == [p["input"] for p in points("softmax", "--linspace", "1", "3", "3")]
    assert rows == [p["input"] for p in points("softmax", "-", stdin="\n1 2,3\n\n")]
    assert rows == [p["input"] for p in points("softmax", "-", "--vector", stdin="1\n2\n3\n")]
    assert [p["input"] for p in points("softmax", "-", stdin="1 2\n[3, 4, 5]\n")] == [[1, 2], [3, 4, 5]]


def test_warnings_are_given_once() -> None:
    outcome = in_process("eval", "softmax", "-", stdin="1\n2\n3\n")
    assert outcome.code == 0
    assert outcome.err == "gradcalc: warning: softmax takes a vector: a single number is a vector of one\n"
    outcome = in_process("eval", "ce", "-", "--target-class", "0", stdin="0.5 0.2\n0.1 0.2\n0.5 0.5\n")
    assert outcome.err.startswith("gradcalc: warning: ") and outcome.err.count("sum to 1") == 1
    assert in_process("eval", "ce", "0.333", "0.333", "0.333", "--target-class", "0").err == ""
    with pytest.warns(UserWarning, match="a single number"):
        evaluate("softmax", 1)


def test_infinities_are_words_in_json_and_are_read_back() -> None:
    (point,) = points("identity", "-", stdin='{"input": ["-Infinity", "NaN", "Infinity"]}')
    assert point["value"] == ["-Infinity", "NaN", "Infinity"]
    answer = json_value(in_process("eval", "lp_norm", "3", "-4", "-p", "p=inf", "--format", "json"))
    assert answer["parameters"]["p"] == "Infinity" and answer["points"][0]["derivative"] == [0, -1]


# --- how it looks ---


def test_only_prints_bare_numbers() -> None:
    def only(*arguments: str) -> str:
        return in_process("eval", *arguments).out

    assert only("sigmoid", "0", "--only", "derivative") == "0.25\n"
    assert only("sigmoid", "0", "--only", "derivative", "--digits", "4") == "0.2500\n"
    assert only("relu", "-1", "2", "--only", "value,derivative") == "0 0\n2 1\n"
    assert only("softmax", "0", "0", "--only", "derivative") == "0.25 -0.25\n-0.25 0.25\n"
    assert (
        only("softmax", "0", "0", "--only", "value,derivative", "--digits", "2") == "0.50 0.50 0.25 -0.25 -0.25 0.25\n"
    )
    assert json.loads(only("relu", "2", "--only", "value", "--format", "jsonl")) == {"value": 2}
    assert only("relu", "2", "--only", "derivative,value", "--format", "csv") == "derivative,value\n1,2\n"


def test_csv_and_tsv_have_a_header_and_a_line_for_each_point() -> None:
    for name, separator in (("csv", ","), ("tsv", "\t")):
        text = in_process("eval", "ce", "0.5,0.5", "1,0", "--target-class", "0", "--format", name).out
        header, *rows = csv.reader(io.StringIO(text), delimiter=separator)
        assert header == ["input", "target", "value", "derivative"]
        assert [json.loads(row[0]) for row in rows] == [[0.5, 0.5], [1, 0]]
        assert float(rows[0][2]) == pytest.approx(math.log(2))


def test_digits_round_in_every_format() -> None:
    for name in FORMATS:
        text = in_process("eval", "sigmoid", "1", "--digits", "3", "--format", name).out
        assert "0.731" in text and "0.7310" not in text
    full = in_process("eval", "sigmoid", "1", "--only", "value").out
    assert float(full) == json_value(in_process("eval", "sigmoid", "1", "--format", "json"))["points"][0]["value"]


def test_a_table_says_its_formula_and_stays_narrow() -> None:
    table = in_process("eval", "leaky_relu", "-1", "2", "-p", "alpha=0.1").out
    assert table.splitlines() == [
        "leaky_relu with alpha = 0.1",
        "f(z) = z if z > 0 else alpha * z",
        "f'(z) = 1 if z > 0 else alpha",
        "",
        "input  value  derivative",
        "-1     -0.1   0.1",
        "2      2      1",
    ]
    wide = in_process("eval", "softmax", *map(str, range(12)))
    head, *blocks = wide.out.split("\n\n")
    assert len(blocks) == 4 and max(len(line) for block in blocks for line in block.splitlines()) <= 60
    assert all(block.startswith("input ") for block in blocks) and head.startswith("softmax\n")


def test_a_table_of_a_loss_says_what_was_applied() -> None:
    table = in_process(
        "eval", "square", "1", "2", "-y", "0", "--scale", "0.5", "--reduction", "mean", "--wrt", "target"
    ).out
    for line in ("L(a, y) = (a - y)^2", "the derivative is by target", "times 0.5", "the mean over all predictions"):
        assert line in table.splitlines()


# --- the call ---


def test_the_call_takes_numbers_lists_vectors_and_points() -> None:
    assert [p.value for p in evaluate("relu", 2).points] == [2]
    assert [p.value for p in evaluate("relu", (2, -1)).points] == [2, 0]
    assert [p.value for p in evaluate("relu", [[2, -1], 3]).points] == [[2, 0], 3]
    assert [p.value for p in evaluate("mse", [[1, 2], [3, 4]], target=[[1, 2], [1, 2]]).points] == [0, 4]
    assert evaluate("softmax", {"input": [0, 0], "upstream": [1, 0]}).points[0].vjp == [0.25, -0.25]
    assert evaluate("relu", [0, 1], kink="right").kinks[0].shown == 1
    numpy = pytest.importorskip("numpy")
    assert [p.value for p in evaluate("relu", numpy.array([1.5, -2])).points] == [1.5, 0]
