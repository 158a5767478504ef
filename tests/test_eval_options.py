"""eval's options, one by one, against known numbers."""

from __future__ import annotations

import math
from typing import Any

import pytest

from commands import in_process, json_lines, json_value
from gradcalc import evaluate

PROBABILITIES = ["0.25", "0.25", "0.5"]


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
    (by_target,) = points("ce", "0.5", "0.25", "-y", "1,0", "--with", "weight=2,4", "--wrt", "target")
    assert by_target["derivative"] == pytest.approx([2 * math.log(2), 8 * math.log(2)])
    (svm,) = points("svm", "1", "2", "--target-class", "0", "--with", "weight=5,7")
    assert (svm["value"], svm["derivative"]) == (10, [-5, 5])
    (line,) = points("square", "-", "-y", "0", stdin='{"input": [1, 2], "with": {"weight": [2, 3]}}')
    assert line["value"] == [2, 12]


@pytest.mark.parametrize(
    ("words", "mean"),
    [
        (["square", "1e154", "1.2e154"], 1.22e308),
        (["absolute", "1e308", "1.5e308"], 1.25e308),
        (["absolute", "1.7e308", "1.7e308", "1.7e308"], 1.7e308),
        (["absolute", "inf", "1e308", "1e308"], math.inf),
    ],
    ids=str,
)
def test_a_mean_is_finite_where_the_sum_is_not(words: list[str], mean: float) -> None:
    (point,) = points(*words, "-y", "0", "--reduction", "mean")
    assert float(point["value"]) == pytest.approx(mean, rel=1e-15)
    (point,) = points(*words, "-y", "0", "--reduction", "sum")
    assert point["value"] == "Infinity"


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


def test_what_is_too_large_is_refused_before_it_is_made() -> None:
    jacobian = in_process("eval", "softmax", "--linspace", "0", "1", "100000")
    assert jacobian.code == 2 and "the Jacobian of 100000 inputs has 10000000000 numbers" in jacobian.err
    long = in_process("eval", "softmax", "--linspace", "0", "1", "100000", "--only", "value", "--format", "json")
    assert len(json_value(long)["points"][0]["value"]) == 100_000
    assert "too long" in in_process("eval", "softmax", "--linspace", "0", "1", "1e12").err
    for depth in (50, 900, 100_000):
        deep = in_process("eval", "relu", "-", stdin='{"input": ' + "[" * depth + "1" + "]" * depth + "}")
        assert deep.code == 2 and "deep" in deep.err and len(deep.err) < 300


def test_warnings_are_given_once() -> None:
    outcome = in_process("eval", "softmax", "-", stdin="1\n2\n3\n")
    assert (outcome.code, outcome.err.count("\n")) == (0, 1)
    assert outcome.err.startswith(
        "gradcalc: warning: softmax takes a vector, and a single number makes one of length 1"
    )
    outcome = in_process("eval", "ce", "-", "--target-class", "0", stdin="0.5 0.2\n0.1 0.2\n0.5 0.5\n")
    assert outcome.err.startswith("gradcalc: warning: ") and outcome.err.count("sum to 1") == 1
    assert in_process("eval", "ce", "0.333", "0.333", "0.333", "--target-class", "0").err == ""
    for loss in ("ce", "softmax_cross_entropy"):
        outcome = in_process("eval", loss, "0.5", "0.5", "-y", "1,1")
        assert outcome.code == 0 and outcome.err.count("\n") == 1
        assert "takes probabilities as its target, and those given do not sum to 1 but to 2" in outcome.err
    with pytest.warns(UserWarning, match="a single number"):
        evaluate("softmax", 1)


def test_infinities_are_words_in_json_and_are_read_back() -> None:
    (point,) = points("identity", "-", stdin='{"input": ["-Infinity", "NaN", "Infinity"]}')
    assert point["value"] == ["-Infinity", "NaN", "Infinity"]
    answer = json_value(in_process("eval", "lp_norm", "3", "-4", "-p", "p=inf", "--format", "json"))
    assert answer["parameters"]["p"] == "Infinity" and answer["points"][0]["derivative"] == [0, -1]
