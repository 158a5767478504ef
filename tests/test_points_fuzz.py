"""Points that are any JSON at all: an answer or one of our errors, never anything else."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commands import in_process
from gradcalc import evaluate
from gradcalc.errors import GradcalcError

NUMBERS = st.one_of(st.floats(0, 1), st.sampled_from([0.0, -0.0, 1, 2, -3, 1.5, 1e308, "Infinity", "NaN", 5e-324]))
LEAVES = st.one_of(NUMBERS, st.none(), st.booleans(), st.integers(), st.text(max_size=3))
ANYTHING = st.recursive(
    LEAVES, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=2), part, max_size=2)
)
VALUES = st.one_of(
    NUMBERS, st.lists(NUMBERS, max_size=3), st.lists(st.lists(NUMBERS, max_size=3), max_size=3), ANYTHING
)
OPTIONAL = {
    "target": VALUES,
    "target_class": VALUES,
    "upstream": VALUES,
    "with": st.one_of(st.fixed_dictionaries({"weight": VALUES}), ANYTHING),
}
POINTS = st.one_of(
    st.fixed_dictionaries({"input": VALUES}, optional=OPTIONAL),
    *(st.fixed_dictionaries({"input": VALUES, key: OPTIONAL[key], "upstream": VALUES}) for key in OPTIONAL),
)

#: Every kind of function, some with options that change the way taken.
QUESTIONS: dict[str, dict[str, Any]] = {
    "sigmoid": {"order": 2},
    "prelu": {"parameters": {"alpha": [0.1, 0.2]}},
    "absolute_error": {"reduction": "mean", "kink": "right"},
    "binary_cross_entropy": {"wrt": "target", "parameters": {"label_smoothing": 0.1}},
    "softmax": {},
    "lp_norm": {"parameters": {"p": 1}, "kink": "undefined"},
    "mean_absolute_error": {"wrt": "target"},
    "cross_entropy": {"parameters": {"clip": 0.1}},
    "softmax_cross_entropy": {"parameters": {"label_smoothing": 0.1}},
    "svm_loss": {"wrt": "margin", "kink": "right"},
}


@pytest.mark.parametrize("function", QUESTIONS)
def test_any_point_is_answered_or_refused(function: str) -> None:
    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(POINTS)
    def ask(point: dict[str, Any]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                json.dumps(evaluate(function, point, **QUESTIONS[function]).to_dict(), allow_nan=False)
            except GradcalcError as error:
                assert error.exit_code == 2 and "None" not in str(error) and "True" not in str(error)

    ask()


NOT_NULL = "must be a number or a list of numbers, not null"

REFUSED = [
    ("sigmoid", '{"input": null}', f"input {NOT_NULL}"),
    ("sigmoid", '{"input": [1, null]}', f"input {NOT_NULL}"),
    ("sigmoid", '{"input": 1, "upstream": null}', f"upstream {NOT_NULL}"),
    ("sigmoid", '{"input": 1, "upstream": [null]}', f"upstream {NOT_NULL}"),
    ("square", '{"input": 1, "target": [null]}', f"target {NOT_NULL}"),
    ("square", '{"input": 1, "target": 1, "with": {"weight": null}}', f"weight {NOT_NULL}"),
    ("square", '{"input": 1, "target": 1, "with": null}', "with must be an object, not null"),
    ("sigmoid", '{"input": true}', "input must be a number or a list of numbers, not true"),
    ("sigmoid", '{"input": 1, "target": 1}', "sigmoid is an activation and takes no target"),
    ("sigmoid", '{"input": 1, "target_class": 1}', "sigmoid is an activation and takes no target"),
    ("softmax", '{"input": [1, 2], "target": 1}', "softmax is an activation and takes no target"),
    ("square", '{"input": 1, "target_class": 1}', "squared_error takes numbers as its target, not a class"),
    ("sigmoid", '{"input": 1, "input": 2}', "the key 'input' is given twice"),
    ("square", '{"input": "abc", "target": 1}', "not a number: 'abc' in input; numbers look like"),
    ("square", '{"input": 1, "target": "x"}', "not a number: 'x' in target; numbers look like"),
    ("square", '{"input": 1, "target": 1, "with": {"weight": "x"}}', "not a number: 'x' in weight; numbers look like"),
]


@pytest.mark.parametrize(("function", "point", "said"), REFUSED, ids=[point for _, point, _ in REFUSED])
def test_what_is_wrong_with_a_point_is_said_with_its_place(function: str, point: str, said: str) -> None:
    streamed = in_process("eval", function, "-", "--format", "jsonl", stdin=point)
    given_as_argument = in_process("eval", function, point)
    assert (streamed.code, given_as_argument.code) == (2, 2)
    assert streamed.err.startswith(f"gradcalc: error: <stdin>:1: {said}")
    assert given_as_argument.err.startswith(f"gradcalc: error: INPUT 1: {said}")
