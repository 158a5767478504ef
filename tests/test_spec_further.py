"""Further inputs of a loss in a spec: its numbers are those of eval, example by example."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from commands import in_process, json_value
from gradcalc import evaluate

ROWS = [[0.6, -0.8], [0.28, 0.9], [-0.7, 0.6]]
OTHERS = [[1.0, 1.5], [0.5, -1.0], [0.25, 2.0]]


def spec(loss: Any, **keys: Any) -> str:
    """A net whose output is its input."""
    layers = [{"weights": [[1, 0], [0, 1]]}]
    return json.dumps({"input": ROWS, "loss": loss, **keys, "layers": layers})


def run(loss: Any, **keys: Any) -> Any:
    return json_value(in_process("backprop", "-", "--format", "json", stdin=spec(loss, **keys)))


CASES: list[tuple[str, dict[str, Any], dict[str, Any], list[Any]]] = [
    ("margin_ranking", {"other": OTHERS}, {"margin": 0.5}, [[1, -1], [-1, 1], [1, 1]]),
    ("cosine_embedding", {"other": OTHERS}, {"margin": 0.1}, [1, -1, 1]),
    ("triplet_margin", {"positive": OTHERS, "negative": OTHERS[::-1]}, {"swap": True}, []),
    ("triplet_margin", {"positive": OTHERS, "negative": [[0.5, 0.25]] * 3}, {"margin": 2, "p": 3}, []),
    ("pairwise_distance", {"other": OTHERS}, {}, []),
]


@pytest.mark.parametrize(("name", "further", "parameters", "target"), CASES)
@pytest.mark.parametrize("reduction", ["batch_mean", "sum"])
def test_a_loss_has_eval_s_numbers(name: str, further: Any, parameters: Any, target: Any, reduction: str) -> None:
    given = {"target": target} if target else {}
    found = run({"name": name, "with": further, "reduction": reduction, **parameters}, **given)
    rows = [
        evaluate(
            name,
            {"input": row, "with": {key: rows[i] for key, rows in further.items()}}
            | ({"target": target[i]} if target else {}),
            parameters=parameters,
        ).points[0]
        for i, row in enumerate(ROWS)
    ]
    divisor = 3 if reduction == "batch_mean" else 1
    assert found["loss"] == pytest.approx(sum(np.sum(point.value) for point in rows) / divisor, rel=1e-14)
    np.testing.assert_allclose(found["layers"][-1]["da"], np.array([p.derivative for p in rows]) / divisor, rtol=1e-13)


def test_one_row_serves_every_example_and_a_target_may_be_the_other() -> None:
    flat = run({"name": "triplet_margin", "with": {"positive": OTHERS, "negative": [0.5, 0.25]}})
    full = run({"name": "triplet_margin", "with": {"positive": OTHERS, "negative": [[0.5, 0.25]] * 3}})
    assert flat == full
    named = run({"name": "pairwise_distance", "with": {"x2": OTHERS}})
    assert run("pairwise_distance", target=OTHERS) == named


def test_a_variance_may_be_given_for_each_output() -> None:
    variance = [[0.5, 2.0], [1.0, 0.25], [3.0, 1.5]]
    found = run({"name": "gaussian_nll", "with": {"var": variance}}, target=OTHERS)
    rows = [evaluate("gaussian_nll", {"input": x, "target": y, "with": {"var": v}}).points[0]
            for x, y, v in zip(ROWS, OTHERS, variance, strict=True)]  # fmt: skip
    assert found["loss"] == pytest.approx(sum(sum(point.value) for point in rows) / 3, rel=1e-14)


@pytest.mark.parametrize(
    ("given", "words"),
    [({"var": [0.5, 2.0]}, "one per unit (2)"), ({"with": {"var": [[0.5, 2.0]] * 3}}, "one for each output")],
)
def test_a_variance_of_several_numbers_is_told_in_words(given: Any, words: str) -> None:
    told = in_process("backprop", "-", stdin=spec({"name": "gaussian_nll", **given}, target=OTHERS))
    assert f"The loss is gaussian_nll with var = {words}, eps = 1e-06." in told.out


@pytest.mark.parametrize("side", ["left", "right", "midpoint", "default"])
def test_kinks_go_by_the_spec_s_choice(side: str) -> None:
    for name, further, keys in (
        ("pairwise_distance", {"other": ROWS}, {}),
        ("margin_ranking", {"other": ROWS}, {"target": [[1, -1]] * 3}),
    ):
        parameters = {"eps": 0} if name == "pairwise_distance" else {}
        da = run({"name": name, "with": further, "kink": side, "reduction": "sum", **parameters}, **keys)
        point = {"input": ROWS[0], "with": {"other": ROWS[0]}} | ({"target": [1, -1]} if keys else {})
        expected = evaluate(name, point, parameters=parameters, kink=side).points[0].derivative
        assert da["layers"][-1]["da"] == [expected] * 3
    told = in_process(
        "backprop", "-", stdin=spec({"name": "margin_ranking", "with": {"other": ROWS}}, target=[[1, 1]] * 3)
    )
    assert "6 numbers of the output stand on a kink of margin_ranking" in told.out


@pytest.mark.parametrize(
    ("loss", "keys", "told"),
    [
        ("triplet_margin", {}, "triplet_margin needs positive, the vector that should be near"),
        ({"name": "triplet_margin", "with": {"positve": OTHERS}}, {}, "did you mean positive?"),
        ("triplet_margin", {"target": OTHERS}, "triplet_margin takes no target, but positive and negative"),
        ({"name": "margin_ranking", "with": {"other": [1, 2, 3]}}, {"target": OTHERS}, "other has 3 numbers"),
        ({"name": "margin_ranking", "with": {"other": OTHERS}}, {}, "loss without a target"),
        ({"name": "margin_ranking", "with": {"other": OTHERS}}, {"target": OTHERS}, "takes targets -1 or 1"),
        ({"name": "cosine_embedding", "with": {"other": OTHERS}}, {"target": [1, -1]}, "one for each example"),
        ({"name": "cosine_embedding", "with": {"other": OTHERS}}, {"target": [1, -1, 3]}, "takes targets -1 or 1"),
        ({"name": "cosine_embedding", "with": {"other": OTHERS}}, {"target_classes": [1, 0, 1]}, "takes no classes"),
        ({"name": "pairwise_distance", "with": {"other": OTHERS, "weight": 2}}, {}, "with has no key 'weight'"),
        ({"name": "gaussian_nll", "with": {"var": [-1, 2]}}, {"target": OTHERS}, "var must be"),
        ("ntxent", {"target_classes": [0, 0, 1]}, "ntxent is one number of a whole batch"),
        ("ctc", {"target": [1, 0, 1]}, "ctc is one number of a whole sequence"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(loss: Any, keys: dict[str, Any], told: str) -> None:
    outcome = in_process("backprop", "-", stdin=spec(loss, **keys))
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err
    assert "<stdin>:1:" in outcome.err


def test_a_loss_without_a_target_shows_none() -> None:
    words = spec({"name": "pairwise_distance", "with": {"other": OTHERS}})
    table = in_process("backprop", "-", stdin=words).out
    loss = table[table.index("Loss\n====") : table.index("Backward pass")]
    assert "target" not in loss
    assert "y[0]" not in loss


# --- outputs of several axes ---

GRID = [[[0.6, -0.8], [0.28, 0.9]], [[-0.7, 0.6], [0.1, 0.4]]]
OTHER_GRID = [[[1.0, 1.5], [0.5, -1.0]], [[0.25, 2.0], [0.3, 0.2]]]


@pytest.mark.parametrize(
    ("loss", "further", "keys"),
    [
        ("pairwise_distance", {"other": OTHER_GRID}, {}),
        ("triplet_margin", {"positive": OTHER_GRID, "negative": OTHER_GRID[::-1]}, {}),
        ("margin_ranking", {"other": OTHER_GRID}, {"target": [[[1, -1], [-1, 1]]] * 2}),
        ("cosine_embedding", {"other": OTHER_GRID}, {"target": [1, -1]}),
        ("gaussian_nll", {"var": np.abs(OTHER_GRID).tolist()}, {"target": OTHER_GRID}),
    ],
)
@pytest.mark.parametrize("reduction", ["batch_mean", "mean"])
def test_an_output_of_several_axes_is_one_row_of_numbers(loss: str, further: Any, keys: Any, reduction: str) -> None:
    def flat(grid: Any) -> Any:
        return np.reshape(grid, (2, -1)).tolist() if np.ndim(grid) > 1 else grid

    def solved(numbers: Any, beside: Any, given: Any) -> Any:
        spec = {"input": numbers, "layers": [{"type": "activation", "activation": "linear"}], **given}
        spec["loss"] = {"name": loss, "with": beside, "reduction": reduction}
        outcome = in_process("backprop", "-", "--format", "json", stdin=json.dumps(spec))
        assert in_process("backprop", "-", stdin=json.dumps(spec)).code == 0
        return json_value(outcome)

    found = solved(GRID, further, keys)
    rows = solved(flat(GRID), {n: flat(v) for n, v in further.items()}, {n: flat(v) for n, v in keys.items()})
    assert found["loss"] == pytest.approx(rows["loss"], rel=1e-14)
    np.testing.assert_allclose(found["layers"][0]["da"], np.reshape(rows["layers"][0]["da"], (2, 2, 2)), rtol=1e-14)
    one = {name: np.broadcast_to(value[0], np.shape(value)).tolist() for name, value in further.items()}
    assert solved(GRID, {name: value[0] for name, value in further.items()}, keys) == solved(GRID, one, keys)


def test_a_further_input_of_the_wrong_shape_names_the_right_one() -> None:
    spec = {"input": GRID, "loss": {"name": "pairwise_distance", "with": {"other": [1, 2, 3]}}, "layers": []}
    told = in_process("backprop", "-", stdin=json.dumps(spec))
    assert told.code == 2
    assert "other has the shape (3,), but 2 examples with outputs (2, 2) need the shape (2, 2, 2)" in told.err
