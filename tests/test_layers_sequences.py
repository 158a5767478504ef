"""Recurrent layers, attention and embedding against their formulas written out, derivatives by complex steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import plain_sequences as plain
from gradcalc.backpropagation import BackpropResult, backprop
from gradcalc.errors import SpecError
from gradcalc.layers import find
from gradcalc.report.symbols import symbols
from gradcalc.spec import load
from gradcalc.spec.document import parse_value
from plain_sequences import Arrays, complex_gradients

N, T, FEATURES, UNITS = 2, 3, 2, 2
TOLERANCE = 1e-12

#: How many blocks Wx has, and which quantities each layer has of its own.
GATES = {"rnn": 1, "lstm": 4, "gru": 3}
OWN = {"rnn": "zh", "lstm": "zifogch", "gru": "zrumnh"}


def drawn(seed: int, **shapes: tuple[int, ...]) -> Arrays:
    random = np.random.default_rng(seed)
    return {name: random.standard_normal(shape) for name, shape in shapes.items()}


def answered(arrays: Arrays, layer: dict[str, Any], upstream: Any, x: Any = None) -> BackpropResult:
    """The program's answer for one layer named l."""
    spec = {"upstream": upstream.tolist(), "layers": [{"name": "l", **layer}]}
    return backprop({"input": (arrays["x"] if x is None else x).tolist(), **spec})


def assert_close(found: Any, wanted: Any, name: str) -> None:
    wanted = np.asarray(wanted).real
    assert found.shape == wanted.shape, name
    np.testing.assert_allclose(found, wanted, rtol=0, atol=TOLERANCE * max(1.0, np.abs(wanted).max()), err_msg=name)


def softmax(z: Any) -> Any:
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


Reference = Callable[..., Arrays]

RECURRENT: dict[str, tuple[Reference, dict[str, Any], dict[str, Any]]] = {
    "rnn": (plain.rnn, {"type": "rnn"}, {"f": np.tanh}),
    "rnn, another function, out_in, the last state": (
        plain.rnn,
        {"type": "rnn", "activation": "sigmoid", "layout": "out_in", "return_sequences": False},
        {"f": plain.sigmoid, "last": True},
    ),
    "lstm": (plain.lstm, {"type": "lstm"}, {"order": "ifog"}),
    "lstm, PyTorch's order and layout": (
        plain.lstm,
        {"type": "lstm", "gate_order": "i,f,g,o", "layout": "out_in"},
        {"order": "ifgo"},
    ),
    "lstm, another order, a function behind the last state": (
        plain.lstm,
        {"type": "lstm", "gate_order": ["c", "o", "f", "i"], "return_sequences": False, "activation": "softmax"},
        {"order": "gofi", "last": True, "behind": softmax},
    ),
    "gru": (plain.gru, {"type": "gru"}, {"order": "rzn", "reset": "after"}),
    "gru, Keras's order": (
        plain.gru,
        {"type": "gru", "gate_order": "z,r,h", "reset": "after"},
        {"order": "zrn", "reset": "after"},
    ),
    "gru, reset before, out_in": (
        plain.gru,
        {"type": "gru", "reset": "before", "layout": "out_in", "gate_order": "nzr"},
        {"order": "nzr", "reset": "before"},
    ),
    "gru, the update gate takes the new, a function behind": (
        plain.gru,
        {"type": "gru", "reset": "before", "update": "new", "return_sequences": False, "activation": "sigmoid"},
        {"order": "rzn", "reset": "before", "update": "new", "last": True, "behind": plain.sigmoid},
    ),
}


@pytest.mark.parametrize("name", RECURRENT)
@pytest.mark.parametrize("start", ["each", "shared"])
def test_recurrent_layer(name: str, start: str) -> None:
    reference, keys, options = RECURRENT[name]
    type_ = keys["type"]
    columns, state = GATES[type_] * UNITS, (N, UNITS) if start == "each" else (UNITS,)
    arrays = drawn(
        len(name), x=(N, T, FEATURES), Wx=(FEATURES, columns), Wh=(UNITS, columns), b=(columns,), bh=(columns,),
        h0=state, **({"c0": state} if type_ == "lstm" else {}),
    )  # fmt: skip
    out_in = keys.get("layout") == "out_in"
    written = {q: arrays[q].T.tolist() if out_in and q in ("Wx", "Wh") else arrays[q].tolist() for q in arrays}
    given = {q: written[q] for q in written if q not in ("x", "b", "bh")}
    truth = reference(arrays, **options)
    g = np.random.default_rng(1).standard_normal(truth["a"].shape)
    answer = answered(arrays, {**keys, **given, "bias": written["b"], "recurrent_bias": written["bh"]}, g)
    for letter in (*OWN[type_], "a"):
        if letter in truth:  # gru's z is not kept as a whole
            assert_close(answer.quantity(f"l.{letter}"), truth[letter], letter)
    plus = {f"plus {q}": np.zeros((N, T, columns if q == "z" else UNITS)) for q in OWN[type_]}
    gradients = complex_gradients(lambda moved: (reference(moved, **options)["a"] * g).sum(), {**arrays, **plus})
    for letter, wanted in gradients.items():
        found = answer.quantity(f"l.d{letter.removeprefix('plus ')}")
        assert_close(found.T if out_in and letter in ("Wx", "Wh") else found, wanted, f"d{letter}")


def test_states_that_are_not_given_are_zeros_of_each_example() -> None:
    arrays = drawn(0, x=(N, T, FEATURES), Wx=(FEATURES, 8), Wh=(UNITS, 8), g=(N, T, UNITS))
    keys = {"type": "lstm", "Wx": arrays["Wx"].tolist(), "Wh": arrays["Wh"].tolist()}
    zeros = [[0.0] * UNITS] * N
    without = answered(arrays, keys, arrays["g"])
    given = answered(arrays, {**keys, "h0": zeros, "c0": zeros}, arrays["g"])
    for quantity in ("a", "h0", "c0", "dh0", "dc0", "dWx", "dWh", "dx"):
        np.testing.assert_array_equal(without.quantity(f"l.{quantity}"), given.quantity(f"l.{quantity}"), quantity)
    assert without.problem.layers[0].parameters.keys() == {"Wx", "Wh"}


MASK = [[1, 0, 1], [0, 0, 0], [1, 1, 1]]

ATTENTION: dict[str, tuple[dict[str, tuple[int, ...]], dict[str, Any]]] = {
    "self": ({"x": (N, T, 4)}, {}),
    "heads, causal": ({"x": (N, T, 4)}, {"heads": 2, "mask": "causal"}),
    "projections, a mask that hides all from one": (
        {"x": (N, 3, 2), "Wq": (2, 4), "bq": (4,), "Wk": (2, 4), "bk": (4,), "Wv": (2, 6), "bv": (6,), "Wo": (6, 3)},
        {"heads": 2, "mask": MASK, "layout": "out_in"},
    ),
    "keys and values apart from queries": ({"x[0]": (N, 2, 3), "x[1]": (N, T, 3), "bo": (3,)}, {"scale": 0.3}),
    "a mask for each example": (
        {"x[0]": (N, 3, 2), "x[1]": (N, 3, 4), "x[2]": (N, 3, 3), "Wk": (4, 2)},
        {"mask": [MASK, [[1, 1, 0]] * 3]},
    ),
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention(name: str) -> None:
    shapes, keys = ATTENTION[name]
    arrays = drawn(len(name), **shapes)
    inputs = [q for q in arrays if q.startswith("x")]
    queries, others, heads = shapes[inputs[0]][1], shapes[inputs[-1]][1], keys.get("heads", 1)
    scale = keys.get("scale", (shapes.get("Wq", shapes[inputs[0]])[-1] / heads) ** -0.5)
    mask = keys.get("mask", "none")
    seen = np.tri(queries, others) if mask == "causal" else np.ones((queries, others)) if mask == "none" else mask
    seen = np.broadcast_to(np.asarray(seen, dtype=bool), (N, queries, others))
    options = {"heads": heads, "mask": seen, "scale": scale}
    truth = plain.attention(arrays, **options)
    g = np.random.default_rng(1).standard_normal(truth["a"].shape)
    out_in = keys.get("layout") == "out_in"
    given = {q: arrays[q].T.tolist() if out_in and q[0] == "W" else arrays[q].tolist() for q in arrays if q[0] != "x"}
    layer = {"name": "l", "type": "attention", **given, **keys}
    if len(inputs) > 1:
        layer["inputs"] = [f"in{i}" for i in range(len(inputs))]
    numbers = {f"in{i}": arrays[q].tolist() for i, q in enumerate(inputs)} if len(inputs) > 1 else arrays["x"].tolist()
    answer = backprop({"input": numbers, "upstream": g.tolist(), "layers": [layer]})
    for letter, wanted in truth.items():
        assert_close(answer.quantity(f"l.{letter}"), without_one_head(wanted, heads), letter)
    plus = {f"plus {q}": np.zeros(array.shape) for q, array in truth.items() if q != "a"}
    gradients = complex_gradients(lambda moved: (plain.attention(moved, **options)["a"] * g).sum(), {**arrays, **plus})
    for letter, wanted in gradients.items():
        found = answer.quantity(f"l.d{letter.removeprefix('plus ')}")
        truth_shown = without_one_head(wanted, heads) if letter.startswith("plus ") else wanted
        assert_close(found.T if out_in and letter[0] == "W" else found, truth_shown, f"d{letter}")


def without_one_head(array: Any, heads: int) -> Any:
    """(N, 1, T, S) as (N, T, S): one head alone is shown without an axis of heads."""
    return array[:, 0] if heads == 1 and array.ndim == 4 else array


def test_false_and_true_are_0_and_1_in_a_mask() -> None:
    numbers, truths = (
        backprop({"input": [[1], [2]], "layers": [{"name": "l", "type": "attention", "mask": mask}]}).quantity("l.a")
        for mask in ([[1, 0], [1, 1]], [[True, False], [True, True]])
    )
    np.testing.assert_array_equal(numbers, truths)


def test_gates_may_stand_apart() -> None:
    keys = {"type": "lstm", "Wx": [[1, 2, 3, 4]], "Wh": [[4, 3, 2, 1]]}
    apart, joined = (
        backprop({"input": [[1], [2]], "layers": [{"name": "l", **keys, "gate_order": order}]}).quantity("l.a")
        for order in ("f i g, o", "figo")
    )
    np.testing.assert_array_equal(apart, joined)


def test_a_saturated_gate_has_its_derivative_to_all_digits() -> None:
    """1 - sigmoid(40) and 1 - tanh(20)^2 would be 0."""
    keys = {"type": "lstm", "Wx": [[40, 0.5, 0.5, 20]], "Wh": [[0, 0, 0, 0]], "c0": [0.3]}
    answer = backprop({"input": [[1]], "upstream": [[1]], "layers": [{"name": "l", **keys}]})
    i, _, o, g = (float(answer.quantity(f"l.{gate}").item()) for gate in "ifog")
    dc = o * (1 - np.tanh(float(answer.quantity("l.c").item())) ** 2)
    wanted = [dc * g * np.exp(-40), dc * i * 4 * np.exp(-40)]
    np.testing.assert_allclose(answer.quantity("l.dz")[0][[0, 3]], wanted, rtol=1e-13)


def test_embedding_adds_up_the_uses_of_a_row() -> None:
    W, g = np.arange(12.0).reshape(4, 3), np.arange(18.0).reshape(2, 3, 3)
    x = [[0, 2, 0], [2, 2, 3]]
    answer = answered({}, {"type": "embedding", "weights": W.tolist()}, g, np.array(x))
    np.testing.assert_array_equal(answer.quantity("l.a"), W[np.array(x)])
    dW = np.zeros_like(W)
    for example, row in enumerate(x):
        for place, word in enumerate(row):
            dW[word] += g[example, place]
    np.testing.assert_array_equal(answer.quantity("l.dW"), dW)
    assert "dx" not in answer.to_dict()["layers"][0]


@pytest.mark.parametrize("type_", ["rnn", "lstm", "gru", "attention", "embedding"])
def test_one_example_has_no_axis_of_examples_and_parameters_have_none(type_: str) -> None:
    """The layer's own example in the manual, beside the same as a batch of one."""
    spec: Any = parse_value(find(type_).example, "example")
    one = backprop(spec)
    batch = backprop({**spec, **{key: [spec[key]] for key in ("input", "target", "upstream") if key in spec}})
    written = batch.problem.layers[0].parameters
    for letter, array in one.layers[0].quantities.items():
        wanted = batch.layers[0].quantities[letter]
        alone = letter not in written and letter.removeprefix("d") not in written
        np.testing.assert_allclose(array, wanted[0] if alone else wanted, rtol=1e-15, err_msg=letter)
        if letter.removeprefix("d") in written:
            assert array.shape == written[letter.removeprefix("d")].shape


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"type": "rnn", "Wx": 1, "Wh": 1, "activation": "relu"}, {"z": "x[t] Wx + h[t-1] Wh", "h": "relu(z)"}),
        (
            {"type": "lstm", "Wx": [[1]] * 4, "Wh": [[1]] * 4, "layout": "out_in", "bias": 0, "recurrent_bias": 1},
            {"z": "x[t] Wx^T + h[t-1] Wh^T + b + bh", "dx": "dL/dz Wx", "dWx": "sum of (dL/dz[t])^T x[t]"},
        ),
        (
            {"type": "gru", "Wx": [1] * 3, "Wh": [[1] * 3], "reset": "before", "update": "new", "activation": "relu"},
            {"m": "r * h[t-1]", "h": "(1 - u) * h[t-1] + u * n", "dn": "dL/dh * u", "a": "relu(h)"},
        ),
        (
            {"type": "attention", "Wq": [[1], [2]], "Wk": [[1], [3]], "layout": "out_in", "inputs": ["left", "right"]},
            {"q": "x[0] Wq^T", "v": "x[1]", "dx[1]": "dL/dk Wk + dL/dv", "dWk": "(dL/dk)^T x[1]", "a": "context"},
        ),
    ],
)
def test_symbols_follow_the_layer_s_keys(layer: dict[str, Any], said: dict[str, str]) -> None:
    numbers = [[1], [2]]
    both = {"left": numbers, "right": numbers} if "inputs" in layer else numbers
    problem = load({"input": both, "layers": [layer]}).problem
    found = symbols(problem, 0)
    assert {letter: found[letter] for letter in said} == said


LSTM = {"type": "lstm", "Wx": {"init": "normal"}, "Wh": {"init": "normal"}, "units": 2}


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({**LSTM, "gate_order": "i,f,o"}, "gate_order of layer l must have each of i, f, o, g once, not 'i,f,o'"),
        ({**LSTM, "h0": [1, 2, 3]}, r"h0 of layer l must have the shape \(2,\), or \(1, 2\) with a row"),
        ({"type": "rnn", "Wx": {"init": "normal"}, "Wh": {"init": "normal"}}, "needs units"),
        ({"type": "rnn", "Wx": [[1, 2]], "Wh": [[1, 2]]}, r"its Wh \(units, units\) must have the shape"),
        ({"type": "gru", "Wx": [[1] * 6], "Wh": [[1] * 2] * 6}, r"\(units, 3 \* units\) must have the shape \(2, 6\)"),
        ({"type": "rnn", "Wx": [[1]], "Wh": [[1]], "activation": "softmax"}, "on one number at each step"),
        ({"type": "gru", "Wx": [[1, 2, 3]], "Wh": [[1, 2, 3]], "reset": "never"}, "reset"),
        ({"type": "gru", "Wx": [[1, 2, 3]], "Wh": [[1, 2, 3]], "bias": [1, 2]}, "bias of layer l has the shape"),
        ({"type": "attention", "heads": 2}, "which do not divide the 1 numbers of a query"),
        ({"type": "attention", "Wq": [[1, 2]]}, "a query has 2 numbers and a key 1"),
        ({"type": "attention", "mask": [[1, 0]]}, r"mask of layer l must have the shape \(2, 2\)"),
        ({"type": "attention", "mask": [[1, 0.5], [1, 1]]}, "not 0.5"),
        ({"type": "attention", "mask": "casual"}, "causal"),
        ({"type": "attention", "biases": [1, 2]}, "write bq"),
    ],
)
def test_what_does_not_fit_is_named(layer: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        backprop({"input": [[1], [2]], "layers": [{"name": "l", **layer}]})


@pytest.mark.parametrize(("x", "said"), [([0, 3], r"\[1\] of example 0 is 3"), ([0.5], "is 0.5"), ([-1], "is -1")])
def test_a_word_that_is_not_in_the_table(x: list[float], said: str) -> None:
    with pytest.raises(SpecError, match=f"3 rows takes whole numbers from 0 to 2, but .*{said}"):
        backprop({"input": x, "layers": [{"name": "l", "type": "embedding", "weights": [[1, 2], [3, 4], [5, 6]]}]})
