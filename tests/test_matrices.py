"""Functions of a matrix: batches of embeddings and sequences, from arguments, files, streams and Python."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import in_process, json_lines, json_value
from gradcalc import evaluate
from gradcalc.evaluation.matrices import rows_of

LOGITS = [[1.0, 2.0, 0.0], [0.0, 3.0, 1.0]]
WORDS = ["1,2,0", "0,3,1"]


def value(name: str, x: Any, target: Any, **parameters: Any) -> float:
    return float(evaluate(name, x, target=target, parameters=parameters, only=["value"]).points[0].value)


def gradient(name: str, x: Any, target: Any, **parameters: Any) -> Any:
    return np.array(evaluate(name, x, target=target, parameters=parameters).points[0].derivative)


# --- matrices as they are written ---


@pytest.mark.parametrize(
    "words",
    [WORDS, ["[1, 2, 0]", "[0 3 1]"], ["[[1,2,0],[0,3,1]]"], ["[1,2,0], [0,3,1]"], ["[[1 2 0]\n [0 3 1]]"],
     ['{"input": [[1,2,0],[0,3,1]]}'], ["1,ln(e^2),0", "0,3,1"]],
)  # fmt: skip
def test_a_matrix_is_rows_or_brackets_or_an_object(words: list[str]) -> None:
    answer = json_value(in_process("eval", "ctc", *words, "-y", "1", "--format", "json"))
    assert [point["input"] for point in answer["points"]] == [LOGITS]
    assert np.shape(answer["points"][0]["derivative"]) == (2, 3)


@pytest.mark.parametrize(
    ("text", "rows"),
    [("[[1,2],[3,4]]", [[1, 2], [3, 4]]), ("[1 2][-inf nan]", [[1, 2], [-math.inf, math.nan]]), ("[[1]]", [[1]]),
     ("[1, 2]", None), ("1, 2", None), ("", None)],
)  # fmt: skip
def test_rows_are_read_from_nested_brackets(text: str, rows: Any) -> None:
    assert repr(rows_of(text)) == repr(rows and [[float(x) for x in row] for row in rows])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["[[1,2],[3"], "do not match"),
        (["[[1,2],,[3,4]]"], "do not match"),
        (["[[[1,2]]]"], "do not match"),
        (["[[1,2],[]]"], "a row of a matrix is empty"),
        (["1,2", "3"], "ctc takes a matrix; write each row as one INPUT"),
        (["1", "2"], "ctc takes a matrix; write each row as one INPUT"),
        (["1,2", "--vector"], "ctc takes a matrix"),
        (["--linspace", "0", "1", "3"], "ctc takes a matrix"),
        (["1,2,3", "1,2"], "row 0 has 3 and row 1 has 2"),
        ([], "for example: gradcalc eval ctc 1,2,3 4,5,6"),
        (["[[1,2],[3,x]]"], "not a number: 'x'"),
    ],
)
def test_what_is_no_matrix_is_told(words: list[str], told: str) -> None:
    outcome = in_process("eval", "ctc", *words, "-y", "1")
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_a_stream_has_matrices_between_blank_lines(tmp_path: Path) -> None:
    text = '1 2 0\n0,3,1\n\n\n[[1,2,0],[0,3,1]]\n1 2 0\n0 3 1\n{"input": [[1,2,0],[0,3,1]], "target": []}\n2 1 0'
    points = json_lines(in_process("eval", "ctc", "-", "-y", "1", "--format", "jsonl", stdin=text))
    assert [point["input"] for point in points] == [LOGITS] * 4 + [[[2, 1, 0]]]
    assert [point["target"] for point in points] == [[1], [1], [1], [], [1]]
    path = tmp_path / "batches.txt"
    path.write_text(text)
    found = in_process("eval", "ctc", "--input", str(path), "-y", "1", "--format", "jsonl").out
    assert [json.loads(line) for line in found.splitlines()] == points
    labels = in_process(
        "eval", "ctc", "-", "-y", "[1]", "-y", "2,1", "--only", "target", stdin="1 2 0\n0 3 1\n\n1 2 3\n1 1 1"
    )
    assert labels.out == "1\n2 1\n"


def test_an_error_in_a_stream_names_the_line_after_what_came_before() -> None:
    outcome = in_process("eval", "ctc", "-", "-y", "1", "--only", "value", stdin="1 2\n3 1\n\n3 4\n1\n")
    assert outcome.code == 2 and len(outcome.out.splitlines()) == 1
    assert "<stdin>:4: the rows of a matrix have one length" in outcome.err
    assert "<stdin>:2:3: not a number: 'x'" in in_process("eval", "ctc", "-", "-y", "1", stdin="1 2\n3 x\n").err
    assert "<stdin>:1: the brackets" in in_process("eval", "ctc", "-", "-y", "1", stdin="[[1,2],[3\n").err


def test_nested_brackets_are_vectors_to_a_function_of_vectors_and_none_to_one_of_numbers() -> None:
    assert in_process("eval", "mse", "[[1,2],[3,4]]", "-y", "1,2", "--only", "value").out == "0\n4\n"
    assert "INPUT 1: not a number: '['" in in_process("eval", "relu", "[[1,-2],[3,4]]").err
    assert "no target given" in in_process("eval", "square", "1", "-y", "[]").err
    assert "the target is an empty vector" in in_process("eval", "mse", "1", "2", "-y", "[]").err


def test_the_call_takes_one_matrix_or_several() -> None:
    one = evaluate("ctc", np.array(LOGITS), target=[1]).points
    several = evaluate("ctc", [LOGITS, LOGITS], target=[[1], []]).points
    whole = evaluate("ctc", [{"input": LOGITS, "target": [1]}, {"input": LOGITS, "target": []}]).points
    assert one[0] == several[0] == whole[0]
    assert several[1] == whole[1]


def test_a_matrix_s_derivative_is_rows_in_every_format_for_people() -> None:
    rows = in_process("eval", "ctc", *WORDS, "-y", "1", "--only", "derivative", "--digits", "3").out
    assert rows == "-0.0148 -0.0753 0.0900\n0.00689 -0.121 0.114\n"
    assert (
        "[[-0.014768, -0.0752626, 0.0900306], ["
        in in_process("eval", "ctc", *WORDS, "-y", "1", "--format", "latex").out
    )
    table = in_process("eval", "ctc", *WORDS, "-y", "1").out
    assert "derivative  -0.014768   -0.0752626  0.0900306\n            0.00689104  -0.121086   0.114195\n" in table


# --- labels ---


@pytest.mark.parametrize(
    ("name", "target", "told"),
    [
        ("ctc", "0", "ctc: 0 is the blank, and no label"),
        ("ctc", "3", "there is no class 3 among 3"),
        ("ctc", "1.5", "a label is a whole number, not 1.5"),
        ("ctc", "nan", "a label is a whole number, not nan"),
        ("ntxent", "0", "1 label for 2 rows"),
        ("ntxent", "0,1", "no two labels are the same"),
        ("circle", "1,2,3", "3 labels for 2 rows"),
    ],
)
def test_labels_that_do_not_fit_are_told(name: str, target: str, told: str) -> None:
    outcome = in_process("eval", name, *WORDS, "-y", target)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_a_target_is_needed_and_classes_are_none() -> None:
    assert "ctc needs a target; give one with --target" in in_process("eval", "ctc", *WORDS).err
    assert "takes numbers as its target" in in_process("eval", "ctc", *WORDS, "--target-class", "1").err
    assert (
        "the blank is class 7, but a row has 3 logits" in in_process("eval", "ctc", *WORDS, "-y1", "-p", "blank=7").err
    )
    assert "blank must be a whole number, at least 0" in in_process("eval", "ctc", *WORDS, "-y1", "-p", "blank=0.5").err


def test_only_which_labels_are_the_same_counts() -> None:
    x = [[0.6, -0.8], [0.28, 0.9], [-0.7, 0.6], [0.1, 0.4]]
    for name in ("ntxent", "circle"):
        np.testing.assert_array_equal(gradient(name, x, [0, 0, 1, 1]), gradient(name, x, [7, 7, -2, -2]))
        order = [2, 0, 3, 1]
        moved = gradient(name, [x[i] for i in order], [[0, 0, 1, 1][i] for i in order])
        np.testing.assert_allclose(moved, gradient(name, x, [0, 0, 1, 1])[order], rtol=1e-14)


# --- what the losses are ---


def test_ntxent_by_hand_and_by_the_direction_alone() -> None:
    x = [[1.0, 0.0], [0.0, 2.0], [0.0, -3.0]]
    assert value("ntxent", x, [0, 0, 1], temperature=1) == pytest.approx(
        (math.log(2) + math.log1p(math.exp(-1))) / 2, rel=1e-15
    )
    longer = [[1e200, 0.0], [0.0, 1e-200], [0.0, -3.0]]
    assert value("ntxent", longer, [0, 0, 1], temperature=1) == value("ntxent", x, [0, 0, 1], temperature=1)
    assert np.abs((gradient("ntxent", x, [0, 0, 1]) * x).sum(axis=1)).max() == 0  # no slope along a row
    assert value("ntxent", x, [0, 0, 0]) == 0


def test_circle_by_hand_and_with_rows_that_have_no_pair() -> None:
    x = [[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    exponents = [2 * (0.84 + (0.9 * 0.1)), 2 * (0.84 + (0.9 * 0.1))]  # d = 1 of the pair, 1/2 of the others
    expected = sum(math.log1p(math.exp(a)) for a in exponents) / 3
    assert value("circle", x, [0, 0, 1], gamma=2) == pytest.approx(expected, rel=1e-14)
    assert value("circle", x, [0, 1, 2]) == value("circle", x, [0, 0, 0]) == 0
    assert not gradient("circle", x, [0, 1, 2]).any()


def test_the_distance_0_of_circle_is_a_kink_halved_as_in_keras() -> None:
    x, labels = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [0, 1, 0]
    sides = {side: evaluate("circle", x, target=labels, kink=side).points[0] for side in ("left", "right", "default")}
    left, right, default = (np.array(sides[side].derivative) for side in ("left", "right", "default"))
    assert sides["default"].at_kink
    assert left[0][0] > 0 == right[0][0]
    np.testing.assert_allclose(default, (left + right) / 2, rtol=1e-15)
    h = 1e-7
    lower = [[1.0 - h, 0.0], *x[1:]]
    slope = (value("circle", x, labels) - value("circle", lower, labels)) / h
    assert left[0][0] == pytest.approx(slope, rel=1e-4)


def test_ctc_is_the_sum_over_the_alignments() -> None:
    even = [[0.0] * 3] * 2
    # of the 9 outputs of two times these spell the target: 1: 01 10 11, 12: 12, none: 00
    for target, count in (([1], 3), ([1, 2], 1), ([], 1)):
        assert value("ctc", even, target) == pytest.approx(-math.log(count / 9), rel=1e-15)
    assert value("ctc", [[0.0, 40.0]], [1]) == pytest.approx(math.exp(-40), rel=1e-15)
    assert value("ctc", [[2.0, 0.0, 1.0]], [0], blank=2) == value("ctc", [[1.0, 2.0, 0.0]], [1])
    np.testing.assert_allclose(gradient("ctc", LOGITS, [1]).sum(axis=1), 0, atol=1e-16)
    assert value("ctc", [[3.0], [-1e300]], []) == 0  # one class alone: the blank
    assert not gradient("ctc", [[3.0], [-1e300]], []).any()


def test_a_target_too_long_has_the_loss_inf_and_no_derivative() -> None:
    for target in ([1, 2, 1], [1, 1]):
        assert value("ctc", LOGITS, target) == math.inf
        assert np.isnan(gradient("ctc", LOGITS, target)).all()
        assert value("ctc", LOGITS, target, zero_infinity=True) == 0
        assert not gradient("ctc", LOGITS, target, zero_infinity=True).any()


def test_infinite_logits_reach_their_limits() -> None:
    inf = math.inf
    assert value("ctc", [[-inf, 0.0]], [1]) == 0
    assert value("ctc", [[0.0, inf]], [1]) == 0
    assert value("ctc", [[0.0, -inf]], [1]) == inf
    for row in ([inf, inf], [-inf, -inf], [math.nan, 0.0]):
        assert math.isnan(value("ctc", [row], [1]))
        assert np.isnan(gradient("ctc", [row], [1])).all()
    assert value("ctc", [[1.7e308, -1.7e308]], [1]) == inf
    assert value("ctc", [[1e308, 0.0]], [1]) == 1e308


BATCH = [[0.6, -0.8, 0.1], [0.28, 0.9, -0.3], [-0.7, 0.6, 0.2]]

# Measured in PyTorch 2.13; ntxent and circle by their formulas, differentiated there.
KNOWN: list[tuple[str, Any, Any, float, Any]] = [
    ("ctc", [[0.5, -0.25, 1.0], [2.0, 0.125, -1.0], [0.0, 0.75, 0.25]], [1, 2], 2.856067973920213,
     [[0.11316317225277, -0.6414152958608577, 0.5282521236080877],
      [0.19281927811555793, -0.17766814277136853, -0.015151135344189407],
      [0.20246873109140964, 0.48102426325336944, -0.6834929943447791]]),
    ("ntxent", BATCH, [0, 0, 1], 6.3595375443331505,
     [[-4.539506238737675, -3.1833098281822196, 1.7705588069682814],
      [-11.529202167805078, 4.508655446039165, 2.765377648166093],
      [3.8479044411793057, 5.411959890440686, -2.768214127194487]]),
    ("circle", BATCH, [0, 0, 1], 122.82943999999998,
     [[-47.24906666666667, -151.872, 50.624], [-111.85066666666667, 144.08533333333332, -13.845333333333333],
      [4.241066666666667, 13.631999999999998, -4.544]]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "x", "target", "loss", "slopes"), KNOWN)
def test_known_numbers(name: str, x: Any, target: Any, loss: float, slopes: Any) -> None:
    assert value(name, x, target) == pytest.approx(loss, rel=1e-13)
    np.testing.assert_allclose(gradient(name, x, target), slopes, rtol=1e-12)
