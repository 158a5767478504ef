"""Networks that are no chain: several uses of one output, several inputs, shared parameters, and outputs in steps."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import in_process
from gradcalc.backpropagation import BackpropResult, backprop
from gradcalc.errors import GradcalcError
from gradcalc.shapes import Array

STEP = 1e-5

RELU = {"type": "activation", "activation": "relu"}


def dense(name: str, width: int, units: int, seed: int, **more: Any) -> dict[str, Any]:
    draw = np.random.default_rng(seed)
    weights, bias = draw.normal(size=(width, units)).tolist(), draw.normal(size=units).tolist()
    return {"name": name, "units": units, "activation": "tanh", "weights": weights, "bias": bias, **more}


#: Everything at once: two inputs, weights shared in two layouts, an output used three times, and twice by one layer.
GRAPH: dict[str, Any] = {
    "input": {"left": [[1.0, 2.0], [0.5, -0.3]], "right": [[0.4, -1.0], [0.2, 0.9]]},
    "target": [[1.0, 0.5], [0.0, -0.5]],
    "loss": {"name": "huber", "delta": 0.7},
    "regularization": {"norm": "l2_squared", "strength": 0.1, "biases": True},
    "layers": [
        dense("one", 2, 2, 1, inputs="left"),
        {"name": "two", "activation": "sigmoid", "weights": {"same_as": "one"}, "bias": {"same_as": "one"},
         "layout": "out_in", "inputs": ["right"]},
        {"name": "product", "type": "multiply", "inputs": ["one", "two", "one"]},
        {"name": "both", "type": "concat", "inputs": ["one", "two", "product"]},
        dense("mix", 6, 2, 3),
        {"name": "out", "type": "add", "inputs": ["mix", "one", "left"]},
    ],
}  # fmt: skip


def at(spec: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        spec = spec[part]
    return spec


def slopes(spec: dict[str, Any], path: tuple[str | int, ...]) -> Array:
    """The loss's slope by every number that stands at `path`."""
    numbers = np.asarray(at(spec, path), dtype=float)
    found = np.empty(numbers.shape)
    for index in np.ndindex(numbers.shape):
        losses = []
        for step in (STEP, -STEP):
            moved = copy.deepcopy(spec)
            changed = numbers.copy()
            changed[index] += step
            at(moved, path[:-1])[path[-1]] = changed.tolist()
            losses.append(backprop(moved).loss)
        found[index] = (losses[0] - losses[1]) / (2 * STEP)
    return found


@pytest.fixture(scope="module")
def graph() -> BackpropResult:
    return backprop(GRAPH)


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("left.da", ("input", "left")),
        ("right.da", ("input", "right")),
        ("one.dW", ("layers", 0, "weights")),
        ("one.db", ("layers", 0, "bias")),
        ("two.dW", ("layers", 0, "weights")),
        ("mix.dW", ("layers", 4, "weights")),
        ("mix.db", ("layers", 4, "bias")),
    ],
)
def test_the_derivatives_of_a_graph_are_slopes_of_its_loss(
    graph: BackpropResult, address: str, path: tuple[str | int, ...]
) -> None:
    np.testing.assert_allclose(graph.quantity(address), slopes(GRAPH, path), rtol=1e-7, atol=1e-9)


def test_an_output_used_by_several_layers_has_the_sum_of_what_they_send_back(graph: BackpropResult) -> None:
    sent = [graph.quantity(f"one.da_terms.{name}") for name in ("product", "both", "out")]
    np.testing.assert_allclose(sum(sent), graph.quantity("one.da"), rtol=1e-14)
    np.testing.assert_array_equal(sent[0], graph.quantity("product.dx[0]") + graph.quantity("product.dx[2]"))
    np.testing.assert_array_equal(sent[2], graph.quantity("out.dx[1]"))
    np.testing.assert_array_equal(graph.quantity("mix.da"), graph.quantity("out.dx[0]"))
    assert "da_terms" not in str(list(graph.layers[4].quantities))
    np.testing.assert_array_equal(graph.quantity("left.da_terms.out"), graph.quantity("out.dx[2]"))


def test_the_derivative_of_a_shared_parameter_is_the_sum_of_its_shares_and_the_penalty_once(
    graph: BackpropResult,
) -> None:
    W, terms = graph.quantity("one.W"), [graph.quantity(f"one.dW_terms.{name}") for name in ("one", "two")]
    np.testing.assert_array_equal(graph.quantity("two.W"), W)
    np.testing.assert_allclose(graph.quantity("one.dW"), sum(terms) + 0.2 * W, rtol=1e-13)
    np.testing.assert_array_equal(graph.quantity("two.dW"), graph.quantity("one.dW"))
    arrays = [graph.quantity(name) for name in ("one.W", "one.b", "mix.W", "mix.b")]
    assert graph.loss_terms["regularization"] == pytest.approx(0.1 * sum((array**2).sum() for array in arrays))


def test_a_step_keeps_shared_parameters_the_same() -> None:
    found = backprop({**GRAPH, "learning_rate": 0.1, "steps": 3, "average": "parameters"})
    for letter in ("W", "b"):
        np.testing.assert_array_equal(found.quantity(f"one.{letter}_new"), found.quantity(f"two.{letter}_new"))
    assert found.loss_history == sorted(found.loss_history, reverse=True)


def test_a_share_of_a_share_is_the_first_owners() -> None:
    layers = [dense("a", 2, 2, 1), *({"name": b, "weights": {"same_as": a}} for a, b in ("ab", "bc"))]
    spec: dict[str, Any] = {"input": [1, 2], "target": [0, 0], "loss": "half_square", "layers": layers}
    found = backprop(spec)
    np.testing.assert_allclose(found.quantity("c.dW"), slopes(spec, ("layers", 0, "weights")), rtol=1e-7)
    assert [name for name in found.layers[0].quantities if name.startswith("dW_terms")] == [
        "dW_terms.a", "dW_terms.b", "dW_terms.c",
    ]  # fmt: skip
    assert not [name for name in found.layers[1].quantities if "terms" in name]


def test_a_graph_that_is_a_chain_is_that_chain() -> None:
    chain = {"input": [[1.0, 2.0]], "target": [[0.5]], "loss": "half_square",
             "layers": [dense("a", 2, 3, 1), dense("b", 3, 1, 2), {"name": "c", **RELU}]}  # fmt: skip
    named = copy.deepcopy(chain)
    for layer, inputs in zip(named["layers"], ("input", "a", ["b"]), strict=True):
        layer["inputs"] = inputs
    assert json.dumps(backprop(named).to_dict()) == json.dumps(backprop(chain).to_dict())


def test_one_input_used_twice_has_its_own_derivative() -> None:
    layers = [dense("h", 2, 2, 1), {"name": "out", "type": "add", "inputs": ["h", "input"]}]
    found = backprop({"input": [1, 2], "upstream": [1, -1], "layers": layers})
    assert found.quantity("a0").tolist() == [1, 2]
    np.testing.assert_allclose(found.quantity("da0"), found.quantity("h.dx") + np.array([1, -1]), rtol=1e-15)
    np.testing.assert_array_equal(found.quantity("input.da_terms.out"), [1, -1])


def test_what_is_several_arrays_is_a_list_or_mapping_in_json(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(GRAPH))
    outcome = in_process("backprop", str(path), "--format", "json", "--save", str(tmp_path / "all.npz"))
    found = json.loads(outcome.out)
    one, _, product, *_ = found["layers"]
    assert [np.shape(x) for x in product["x"]] == [(2, 2)] * 3
    assert list(one["da_terms"]) == ["product", "both", "out"]
    assert list(one["dW_terms"]) == ["one", "two"]
    assert list(found["inputs"]) == ["left", "right"]
    assert found["inputs"]["left"]["a"] == GRAPH["input"]["left"]
    saved = np.load(tmp_path / "all.npz")
    np.testing.assert_array_equal(saved["product.dx[1]"], product["dx"][1])
    line = in_process("backprop", str(path), "--only", "product.dx[1][0]").out
    assert [float(number) for number in line.split()] == pytest.approx(product["dx"][1][0], rel=1e-12)
    rows = in_process("backprop", str(path), "--format", "csv").out
    assert "\nproduct,dx,[1][0][1]," in rows
    assert "\none,da_terms.out,[0][0]," in rows
    table = in_process("backprop", str(path)).out
    assert "product.dx[0] + product.dx[2] + both.dx[0] + out.dx[1]" in " ".join(table.split())


@pytest.mark.parametrize(
    ("address", "said"), [("product.x", "product.x[0], product.x[1]"), ("one.da_terms", "one.da_terms.both")]
)
def test_several_arrays_are_asked_for_one_by_one(graph: BackpropResult, address: str, said: str) -> None:
    with pytest.raises(GradcalcError, match="is several arrays") as caught:
        graph.quantity(address)
    assert said in caught.value.hint


def test_a_saturated_output_gets_a_minus_y_through_a_layer_that_changes_nothing() -> None:
    """But not where another layer takes the output too: there is no shorter way."""
    layers: list[dict[str, Any]] = [
        {"name": "h", "units": 2, "activation": "softmax", "weights": [[900.0, 0.0], [0.0, 0.0]]},
        {"name": "same", "type": "activation", "activation": "identity", "inputs": "h"},
    ]
    spec = {"input": [[1.0, 0.0]], "target": [[0.0, 1.0]], "loss": "cross_entropy"}
    found = backprop({**spec, "layers": layers})
    assert found.loss == 900
    assert found.quantity("h.dz").tolist() == [[1, -1]]
    both = [*layers, {"name": "out", "type": "multiply", "inputs": ["h", "same"]}]
    assert backprop({**spec, "loss": "half_square", "layers": both}).quantity("h.da_terms.same").shape == (1, 2)


# Addresses


CONV = {
    "input": [[[1, 2, 0], [0, 1, 3], [2, 1, 1]]],
    "layers": [
        {"name": "conv", "type": "conv2d", "weights": [[[[1, 0], [0, -1]]]], "bias": [0.5], "activation": "relu"},
        {"type": "max_pool2d", "kernel": 2, "stride": 1},
        {"type": "reshape", "shape": [1, 1]},
        {"name": "seq", "type": "rnn", "Wx": [[0.5, 1]], "Wh": [[0.1, 0.2], [0.3, 0.4]]},
    ],
    "upstream": [[1, 2]],
}


@pytest.mark.parametrize(
    ("short", "address"),
    [
        ("W1", "conv.W"), ("dW1", "conv.dW"), ("z1", "conv.z"), ("a1", "layer3.a"), ("db1", "conv.db"),
        ("Wx2", "seq.Wx"), ("dWh2", "seq.dWh"), ("a2", "seq.a"), ("a0", "conv.x"), ("DA0", "conv.dx"),
    ],
)  # fmt: skip
def test_short_addresses_count_the_layers_that_have_weights(short: str, address: str) -> None:
    found = backprop(CONV)
    assert str(found.locate(short)) == address
    np.testing.assert_array_equal(found.quantity(short), found.quantity(address))


@pytest.mark.parametrize(
    ("setting", "address", "value"),
    [
        ("conv.W[0][0][1][1]=2", "conv.W[0][0][1]", [0, 2]),
        ("W1[0][0][1][1]=2", "W1[0][0][1]", [0, 2]),
        ("Wx2[0][1]=7", "seq.Wx", [[0.5, 7]]),
        ("seq.Wh[1][0]=-1", "Wh2[1]", [-1, 0.4]),
        ("input[0][0][2]=5", "a0[0][0]", [1, 2, 5]),
    ],
)
def test_an_entry_of_any_array_is_set_from_the_shell(setting: str, address: str, value: Any) -> None:
    assert backprop(CONV, sets=[setting]).quantity(address).tolist() == value


def test_an_entry_of_a_shared_parameter_is_set_at_its_owner() -> None:
    with pytest.raises(GradcalcError, match=r"weights of layer two is one\.W"):
        backprop(GRAPH, sets=["two.W[0][0]=1"])
    assert backprop(GRAPH, sets=["one.W[0][0]=1", "left[0][1]=4"]).quantity("two.W")[0, 0] == 1


# Which axes are examples


SEQUENCE = {"type": "rnn", "units": 2, "Wx": {"init": "normal"}, "Wh": {"init": "normal", "seed": 1}}


@pytest.mark.parametrize(
    ("shape", "layers", "flat", "gives"),
    [
        ((3,), [dense("d", 3, 2, 0)], True, (2,)),
        ((4, 3), [dense("d", 3, 2, 0)], False, (4, 2)),
        ((5, 4, 3), [dense("d", 3, 2, 0)], False, (5, 4, 2)),
        ((4, 3), [SEQUENCE], True, (4, 2)),
        ((4, 3), [RELU, SEQUENCE], True, (4, 2)),
        ((5, 4, 3), [RELU, SEQUENCE], False, (5, 4, 2)),
        ((4, 6), [{"type": "flatten"}, {"type": "reshape", "shape": [2, 3]}, SEQUENCE], False, (4, 2, 2)),
        ((2, 4, 4), [{"type": "max_pool2d", "kernel": 2}], True, (2, 2, 2)),
        ((4, 4), [{"type": "max_pool2d", "kernel": 2}], True, (1, 2, 2)),
        ((3, 2, 4, 4), [{"type": "max_pool2d", "kernel": 2}], False, (3, 2, 2, 2)),
        ((4, 4), [{"type": "max_pool2d", "kernel": 2, "data_format": "channels_last"}], True, (2, 2, 1)),
    ],
)
def test_the_layers_decide_what_one_example_is(
    shape: tuple[int, ...], layers: list[dict[str, Any]], flat: bool, gives: tuple[int, ...]
) -> None:
    x = np.random.default_rng(0).normal(size=shape)
    found = backprop({"input": x.tolist(), "layers": layers})
    assert found.problem.examples.flat == flat
    assert found.layers[-1].quantities["a"].shape == gives
    one = found.layers[0].quantities["x"]
    np.testing.assert_array_equal(one.reshape(shape), x)
    ones = backprop({"input": x.tolist(), "layers": layers, "upstream": np.ones(gives).tolist()})
    assert ones.layers[0].quantities["dx"].shape == one.shape


def test_only_rows_of_numbers_stand_in_columns() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    spec = {"data": "columns", "input": x.tolist(), "layers": [SEQUENCE, {"type": "flatten"}]}
    found = backprop(spec)
    assert found.quantity("layer1.x").shape == (2, 3, 4)
    assert found.quantity("layer2.a").shape == (6, 2)


# Losses over steps


OUTPUTS = np.random.default_rng(4).normal(size=(2, 3, 4))
CLASSES = np.array([[0, 3, 1], [2, 2, 0]])


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize(("reduction", "divisor"), [("sum", 1), ("batch_mean", 2), ("mean", 6)])
def test_a_loss_of_classes_has_a_term_for_each_step(name: str, reduction: str, divisor: int) -> None:
    softmax = {"type": "activation", "activation": "softmax"}
    layers = [dense("d", 4, 4, 0, activation=None), *([softmax] if name == "cross_entropy" else [])]
    spec = {
        "input": OUTPUTS.tolist(),
        "target_classes": CLASSES.tolist(),
        "loss": {"name": name, "reduction": reduction},
    }
    found = backprop({**spec, "layers": layers})
    z = found.quantity("d.a")
    p = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    terms = -np.log(np.take_along_axis(p, CLASSES[..., None], axis=-1))
    assert found.loss == pytest.approx(terms.sum() / divisor, rel=1e-13)
    np.testing.assert_allclose(found.quantity("d.da"), (p - np.eye(4)[CLASSES]) / divisor, rtol=1e-12, atol=1e-15)
    parameters = backprop({**spec, "layers": layers, "average": "parameters"})
    np.testing.assert_allclose(parameters.quantity("d.dW"), found.quantity("d.dW"), rtol=1e-12)


@pytest.mark.parametrize(("reduction", "divisor"), [("sum", 1), ("batch_mean", 2), ("mean", 24)])
def test_a_loss_of_numbers_sums_over_all_outputs_of_an_example(reduction: str, divisor: int) -> None:
    y = OUTPUTS[:, ::-1]
    spec = {"input": OUTPUTS.tolist(), "target": y.tolist(), "layers": [{**RELU, "activation": "identity"}]}
    found = backprop({**spec, "loss": {"name": "half_square", "reduction": reduction}})
    assert found.loss == pytest.approx(((OUTPUTS - y) ** 2).sum() / 2 / divisor, rel=1e-13)
    np.testing.assert_allclose(found.quantity("a0"), OUTPUTS)
    np.testing.assert_allclose(found.quantity("da0"), (OUTPUTS - y) / divisor, rtol=1e-13)


def test_a_loss_of_a_whole_example_takes_all_its_outputs_as_one_row() -> None:
    y = OUTPUTS[:, ::-1]
    spec = {"input": OUTPUTS.tolist(), "target": y.tolist(), "loss": "mse", "layers": []}
    assert backprop(spec).loss == pytest.approx(((OUTPUTS - y) ** 2).mean(), rel=1e-13)
