"""Examples that a loss ignores: they count as if they were not there, but for their rows in what is printed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from commands import in_process, json_value

IGNORED, LABELS = 1, [2, -100, 0]
X = [[0.5, -1.0, 2.0], [1.0, 2.0, 3.0], [0.1, 0.2, 0.3]]
W = [[0.1, 0.2, 0.3], [0.4, 0.5, -0.6], [0.7, 0.8, 0.9]]


def spec(rows: list[int], labels: list[int], loss: dict[str, Any], keys: dict[str, Any]) -> str:
    """A layer under a loss on the given rows of X."""
    loss = {"name": "sparse_softmax_cross_entropy", **loss}
    given = {"input": [X[i] for i in rows], "target_classes": [labels[i] for i in rows], "loss": loss}
    return json.dumps({**given, "layers": [{"weights": W, "bias": [0.1, 0.2, 0.3]}], **keys})


def solved(text: str) -> Any:
    return json_value(in_process("backprop", "-", "--format", "json", stdin=text))


@pytest.mark.parametrize("name", ["sparse_softmax_cross_entropy", "nll_loss"])
@pytest.mark.parametrize(
    ("loss", "keys"),
    [
        ({}, {}),
        ({"reduction": "mean"}, {}),
        ({"reduction": "sum", "scale": 3.0}, {}),
        ({"with": {"weight": [0.5, 2.0, 3.0]}}, {}),
        ({}, {"average": "parameters"}),
        ({}, {"classes_from": 1}),
    ],
    ids=str,
)
def test_ignored_examples_count_as_if_they_were_not_there(
    name: str, loss: dict[str, Any], keys: dict[str, Any]
) -> None:
    first = keys.get("classes_from", 0)
    labels = [label + first if label >= 0 else label for label in LABELS]
    loss = {"name": name, "ignore_index": -100, **loss}
    with_it = solved(spec([0, 1, 2], labels, loss, keys))
    without = solved(spec([0, 2], labels, loss, keys))
    assert with_it["loss"] == pytest.approx(without["loss"], rel=1e-14)
    (layer,), (fewer,) = with_it["layers"], without["layers"]
    for quantity in ("dW", "db"):
        np.testing.assert_allclose(layer[quantity], fewer[quantity], rtol=1e-14)
    for quantity in ("da", "dz", "dx"):
        assert layer[quantity][IGNORED] == [0.0, 0.0, 0.0]
        np.testing.assert_allclose(np.delete(layer[quantity], IGNORED, 0), fewer[quantity], rtol=1e-14)


@pytest.mark.parametrize("first", [0, 1])
def test_a_class_may_be_what_is_ignored(first: int) -> None:
    """The label is compared as the user writes it, wherever classes begin."""
    labels = [first + 2, first + 1, first]
    got = solved(spec([0, 1, 2], labels, {"ignore_index": first + 1}, {"classes_from": first}))
    da = got["layers"][0]["da"]
    assert [any(row) for row in da] == [True, False, True]
    one_hot = {"input": X, "target": np.eye(3)[[2, 1, 0]].tolist(), "classes_from": first}
    loss = {"name": "sparse_softmax_cross_entropy", "ignore_index": first + 1}
    again = solved(json.dumps({**one_hot, "loss": loss, "layers": [{"weights": W, "bias": [0.1, 0.2, 0.3]}]}))
    assert again["layers"][0]["da"] == da


def test_the_report_says_it() -> None:
    out = in_process("backprop", "-", stdin=spec([0, 1, 2], LABELS, {"ignore_index": -100}, {})).out
    text = " ".join(out.split())
    assert "Of the 3 examples 1 is ignored: its loss and derivatives are 0, and the mean is over the other 2." in text
    assert "L = 1/2 * sum over the examples" in text
    assert "y target 2 -100 0" in text


def test_a_mean_over_no_example_is_refused() -> None:
    ignoring = {"ignore_index": -100}
    refused = in_process("backprop", "-", stdin=spec([1], LABELS, ignoring, {}))
    assert refused.code == 2
    assert "every example is ignored" in refused.err
    assert solved(spec([1], LABELS, {**ignoring, "reduction": "sum"}, {}))["loss"] == 0


def test_a_label_that_nobody_ignores_is_no_class() -> None:
    refused = in_process("backprop", "-", stdin=spec([0, 1, 2], LABELS, {}, {}))
    assert refused.code == 2
    assert "-100 is not a class: whole numbers from 0 to 2" in refused.err
    assert "ignore_index: -100" in refused.err
    refused = in_process("eval", "nll_loss", "-1", "-2", "--target-class", "-100")
    assert refused.code == 2 and "-p ignore_index=-100" in refused.err
    assert "ignore_index" not in in_process("eval", "svm_loss", "1", "2", "--target-class", "-1").err


# --- losses with a term for each step ---

STEPS = [[X[0], X[1]], [X[2], X[0]]]


def steps(labels: list[list[int]], **loss: Any) -> Any:
    """A layer over examples of two steps each, under a loss with a label for each step."""
    loss = {"name": "sparse_softmax_cross_entropy", "ignore_index": -100, **loss}
    return {"input": STEPS, "target_classes": labels, "loss": loss, "layers": [{"weights": W, "bias": [0.1, 0.2, 0.3]}]}


def each(example: int, step: int, label: int, weight: list[float]) -> Any:
    """The numbers of one step alone, as if it were an example."""
    loss = {"name": "sparse_softmax_cross_entropy", "with": {"weight": weight}}
    layers = [{"weights": W, "bias": [0.1, 0.2, 0.3]}]
    return solved(json.dumps({"input": STEPS[example][step], "target_classes": label, "loss": loss, "layers": layers}))


@pytest.mark.parametrize("average", ["loss", "parameters"])
@pytest.mark.parametrize(("reduction", "divisor"), [("sum", 1), ("mean", 3), ("batch_mean", 2)])
def test_ignored_steps_count_as_if_they_were_not_there(reduction: str, divisor: int, average: str) -> None:
    weight = [0.5, 2.0, 3.0]
    spec = steps([[2, -100], [0, 1]], reduction=reduction, **{"with": {"weight": weight}})
    found = solved(json.dumps({**spec, "average": average}))
    parts = [each(*one, weight) for one in ((0, 0, 2), (1, 0, 0), (1, 1, 1))]
    assert found["loss"] == pytest.approx(sum(one["loss"] for one in parts) / divisor, rel=1e-14)
    (layer,) = found["layers"]
    for quantity in ("dW", "db"):
        expected = sum(np.array(one["layers"][0][quantity]) for one in parts) / divisor
        np.testing.assert_allclose(layer[quantity], expected, rtol=1e-13)
    assert layer["dx"][0][1] == [0.0, 0.0, 0.0]
    per_step = divisor / 2 if average == "parameters" and reduction != "sum" else divisor
    np.testing.assert_allclose(layer["dx"][0][0], np.array(parts[0]["layers"][0]["dx"]) / per_step, rtol=1e-13)


@pytest.mark.parametrize(
    ("labels", "reduction", "said"),
    [
        ([[2, -100], [0, 1]], "mean", "Of the 4 steps 1 is ignored: its loss and derivatives are 0, and the mean is "
         "over the other 3."),
        ([[-100, -100], [0, -100]], "batch_mean", "Of the 4 steps 3 are ignored: their loss and derivatives are 0, and "
         "the mean is over the examples with a step left, 1."),
        ([[-100, -100], [-100, -100]], "sum", "Of the 4 steps 4 are ignored: their loss and derivatives are 0."),
    ],
)  # fmt: skip
def test_the_report_says_it_of_steps(labels: list[list[int]], reduction: str, said: str) -> None:
    out = in_process("backprop", "-", stdin=json.dumps(steps(labels, reduction=reduction))).out
    assert said in " ".join(out.split())


def test_an_example_whose_every_step_is_ignored_is_no_example_of_a_mean() -> None:
    found = solved(json.dumps(steps([[-100, -100], [0, 1]])))
    one = [each(1, 0, 0, [1.0]), each(1, 1, 1, [1.0])]
    assert found["loss"] == pytest.approx(sum(part["loss"] for part in one), rel=1e-14)
    assert in_process("backprop", "-", stdin=json.dumps(steps([[-100, -100]] * 2))).code == 2
