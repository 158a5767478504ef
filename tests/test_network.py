"""Nets as they run: steps, precision, activation layers, addresses, the chain product, and what a loss cannot take."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dense_specs import W_OUT, W, layer_of, net
from gradcalc.backpropagation import backprop
from gradcalc.errors import GradcalcError, InputError, UsageError
from gradcalc.layers.activation import Activation
from gradcalc.report import report
from gradcalc.shapes import Array

# --- steps, precision, layers ---


def test_a_step_of_gradient_descent() -> None:
    found = layer_of(net({"weights": W, "bias": [1, 2, 3]}, target=[1, 1, 1], learning_rate=0.1))
    for letter in ("W", "b"):
        np.testing.assert_allclose(
            found[f"{letter}_new"], np.subtract(found[letter], 0.1 * np.array(found[f"d{letter}"])), rtol=1e-15
        )


def test_steps_show_the_last_pass_and_every_loss() -> None:
    spec = net({"weights": W, "activation": "tanh"}, {"weights": [[1], [2], [3]]}, target=[1], learning_rate=0.01)
    losses, current = [], spec
    for _ in range(3):
        answer = backprop(current)
        losses.append(answer.loss)
        layers = [{**layer, "weights": answer.quantity(f"W{i}_new")} for i, layer in enumerate(current["layers"], 1)]
        current = {**current, "layers": layers}
    together = backprop({**spec, "steps": 3})
    assert together.loss_history == losses
    assert together.loss == losses[-1]
    np.testing.assert_array_equal(together.quantity("W1_new"), answer.quantity("W1_new"))
    np.testing.assert_array_equal(together.quantity("W1"), answer.quantity("W1"))
    assert together.loss_history[2] < together.loss_history[0]


def test_prelu_is_trained() -> None:
    activation = {"name": "prelu", "alpha": [0.1, 0.2, 0.3]}
    found = layer_of(net({"weights": W, "activation": activation}, target=[1, 1, 1], learning_rate=0.5))
    z, da = np.array(found["z"]), np.array(found["da"])
    np.testing.assert_allclose(found["dalpha"], np.minimum(z, 0) * da)
    np.testing.assert_allclose(found["alpha_new"], np.array([0.1, 0.2, 0.3]) - 0.5 * np.minimum(z, 0) * da)


def test_float32_stays_float32_and_prints_as_such() -> None:
    layers = [
        {"weights": W, "bias": [0.1, 0.1, 0.1], "activation": "sigmoid"},
        {"weights": W_OUT, "activation": "softmax"},
    ]
    spec = net(*layers, target=[0, 1], loss="nllm", dtype="float32", learning_rate=0.1)
    answer, double = backprop(spec), backprop({**spec, "dtype": "float64"})
    for layer in answer.layers:
        for name, numbers in layer.quantities.items():
            assert numbers.dtype == np.float32, name
            np.testing.assert_allclose(numbers, double.quantity(f"{layer.name}.{name}"), rtol=1e-4, atol=1e-7)
    assert answer.to_dict()["layers"][0]["W"] == W


def test_an_activation_layer_stands_behind_its_weights() -> None:
    joined = backprop(net({"weights": W, "activation": "softmax"}, target=[1, 0, 0]))
    apart = backprop(net({"weights": W}, {"type": "activation", "activation": "softmax"}, target=[1, 0, 0]))
    for address in ("loss", "W1", "z1", "a1", "da1", "f_prime1", "dW1", "dz1", "da0"):
        np.testing.assert_allclose(apart.quantity(address), joined.quantity(address), rtol=1e-15, err_msg=address)
    found = apart.to_dict()["layers"][1]
    assert set(found) == {"name", "type", "activation", "x", "f_prime", "a", "da", "dx"}


@pytest.mark.parametrize("activation", ["tanh", "relu", "softmax", None])
@pytest.mark.parametrize("data", [[1.0, 2.0], [[1.0, 2.0], [-3.0, 0.5]]])
def test_a_forward_pass_has_the_derivatives_that_need_no_loss(activation: str | None, data: list[object]) -> None:
    layer = {"weights": W, **({"activation": activation} if activation else {})}
    layers = [layer, {"type": "activation", "activation": "leaky_relu"}]
    alone, whole = (backprop(net(*layers, input=data, **keys)) for keys in (
        {}, {"upstream": np.ones((*np.shape(data)[:-1], 3)).tolist()},
    ))  # fmt: skip
    for found, expected in zip(alone.layers, whole.layers, strict=True):
        assert not {"da", "dz", "dW", "dx"} & set(found.quantities)
        np.testing.assert_array_equal(found.quantities["f_prime"], expected.quantities["f_prime"])
    tables = [str(block) for block in report(alone)]
    assert sum("f_prime" in table for table in tables) == 2


def test_a_slope_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Activation] = []
    slope = Activation.slope

    def counted(self: Activation, z: Array) -> Array:
        calls.append(self)
        return slope(self, z)

    monkeypatch.setattr(Activation, "slope", counted)
    layers: list[dict[str, Any]] = [
        {"weights": W, "activation": "tanh"},
        {"type": "activation", "activation": "softmax"},
    ]
    backprop(net(*layers, target=[0, 0, 1]))
    assert len(calls) == 2
    backprop(net(*layers))
    assert len(calls) == 4


@pytest.mark.parametrize("extra", [{}, {"learning_rate": 0.1}, {"learning_rate": 0.1, "steps": 3}])
def test_the_history_ends_with_the_loss(extra: dict[str, float]) -> None:
    answer = backprop(net({"weights": W}, target=[0, 0, 1], **extra))
    assert answer.to_dict()["loss_history"] == answer.loss_history
    assert len(answer.loss_history) == extra.get("steps", 1)
    assert answer.loss_history[-1] == answer.loss


@pytest.mark.parametrize("keys", [{}, {"target": [1.0, 2.0], "loss": "square"}])
def test_the_penalties_part_is_a_float(keys: dict[str, object]) -> None:
    answer = backprop({"input": [1, 2], "regularization": {"norm": "l1", "strength": 1}, "layers": [], **keys})
    assert type(answer.loss_terms["regularization"]) is float


def test_the_jacobian_of_a_large_layer_is_made_when_asked_for() -> None:
    n = 70
    answer = backprop({"input": list(range(n)), "target_classes": 1, "loss": "ce", "layers": [
        {"name": "out", "type": "activation", "activation": "softmax"}]})  # fmt: skip
    assert "f_prime" not in answer.to_dict()["layers"][0]
    a = answer.quantity("out.a")
    np.testing.assert_allclose(answer.quantity("out.f_prime"), np.diag(a) - np.outer(a, a), atol=1e-15)


# --- addresses ---


def test_addresses_short_and_long_with_indexes_in_any_case() -> None:
    hidden = {"name": "hidden", "weights": W, "bias": [1, 2, 3], "activation": "tanh"}
    answer = backprop(net(hidden, {"weights": W_OUT}, target=[0, 0], learning_rate=1))
    for short, long in {
        "W1": "hidden.W", "dW1": "hidden.dW", "b1": "hidden.b", "z2": "layer2.z", "a0": "hidden.x", "da0": "hidden.dx",
        "dZ1": "hidden.dz", "DW2": "layer2.dW", "A1": "hidden.a", "W1_new": "hidden.W_new", "Hidden.DW": "hidden.dW",
        "f_prime1": "hidden.f_prime",
    }.items():  # fmt: skip
        np.testing.assert_array_equal(answer.quantity(short), answer.quantity(long), err_msg=short)
    assert answer.quantity("hidden.W[0][2]") == -0.3
    assert answer.quantity("W1[1]").tolist() == W[1]
    assert answer.quantity("LOSS") == answer.loss


def test_case_matters_where_something_else_could_be_meant() -> None:
    answer = backprop(net({"name": "h", "weights": W}, {"name": "H", "weights": W_OUT}, target=[0, 0]))
    assert answer.quantity("h.z").size == 3
    assert answer.quantity("H.z").size == 2


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hiden.dW", "there is no quantity 'hiden.dW'; did you mean hidden.dW"),
        ("hidden.W[5]", r"hidden.W\[5\]: the index is outside its shape \(2, 3\)"),
        ("hidden.W[0][0][0]", "the index is outside its shape"),
        ("W3", "there is no quantity 'W3'; there are hidden.x, hidden.W"),
        ("hidden.W[", "is not a quantity's address"),
        ("", "'' is not a quantity's address"),
    ],
)
def test_wrong_addresses(address: str, message: str) -> None:
    answer = backprop(net({"name": "hidden", "weights": W}, target=[0, 0, 0]))
    with pytest.raises(UsageError, match=message):
        answer.quantity(address)


# --- chain of one unit per layer ---


def test_the_chain_product_factor_by_factor() -> None:
    layers = [{"weights": w, "bias": 0.1, "activation": "tanh"} for w in (0.5, -1.5, 2.0)]
    answer = backprop({"input": 0.7, "target": 0.2, "loss": "half_square", "layers": layers})
    assert [product.weight for product in answer.chain] == ["W1", "b1", "W2", "b2", "W3", "b3"]
    labels = [label for label, _ in answer.chain[0].factors]
    assert labels == ["dL/da3", "f'(z3)", "W3", "f'(z2)", "W2", "f'(z1)", "a0"]
    for product in answer.chain:
        assert product.product == pytest.approx(float(answer.quantity(f"d{product.weight}")), rel=1e-14)
        assert product.product == pytest.approx(float(np.prod([value for _, value in product.factors])), rel=1e-14)


CHAINS: dict[str, dict[str, Any]] = {
    "in_out": {"layers": [{"weights": [[0.5], [-2]], "bias": [0.1], "activation": "tanh"}]},
    "out_in": {"layout": "out_in", "layers": [{"weights": [[0.5, -2]], "bias": [[0.1]]}, {"weights": [[3]]}]},
    "flat": {"layers": [{"weights": [0.5, -2], "activation": "sigmoid"}, {"weights": [3], "bias": 1.0}]},
    "folded": {"layers": [
        {"weights": [[1], [0.5], [-2]], "bias": "first", "activation": "tanh"},
        {"weights": [[1], [3]], "bias": "first"},
    ]},
    "folded out_in": {"layout": "out_in", "bias": "first", "layers": [{"weights": [[1, 2, 3]]}, {"weights": [[4, 5]]}]},
    "folded flat": {"bias": "first", "layers": [{"weights": [1, 2, 3], "activation": "tanh"}, {"weights": [4, 5]}]},
    "one example in a batch": {"input": [[0.3, 0.4]], "target": [[1.0]], "layers": [{"weights": [[0.5], [-2]]}]},
    "columns": {"data": "columns", "input": [[0.3], [0.4]], "target": [[1.0]], "layers": [{"weights": [[0.5], [-2]]}]},
    "number": {"input": 0.3, "layers": [{"weights": 0.5, "bias": 1, "activation": "tanh"}, {"weights": 2}]},
    "layers of functions": {"input": 0.3, "layers": [
        {"type": "activation", "activation": "tanh"}, {"weights": 0.5, "activation": "sigmoid"},
        {"type": "activation", "activation": "relu"}, {"weights": 2}, {"type": "activation", "activation": "tanh"},
    ]},
    "saturated": {"input": 1.0, "loss": "bce", "layers": [
        {"weights": -800.0, "activation": "sigmoid"}, {"type": "activation", "activation": "identity"},
    ]},
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_a_chains_labels_are_addresses(name: str) -> None:
    """Each product is the derivative at its weight's address, each factor the number at its own."""
    answer = backprop({"input": [0.3, 0.4], "target": 1.0, "loss": "half_square", **CHAINS[name]})
    parameters = sum(answer.quantity(f"{layer.name}.{q}").size for layer in answer.layers for q in ("dW", "db")
                     if q in layer.quantities)  # fmt: skip
    assert len(answer.chain) == len({product.weight for product in answer.chain}) == parameters
    for product in answer.chain:
        derivative = answer.quantity(f"d{product.weight}")
        assert derivative.size == 1
        assert product.product == pytest.approx(float(derivative.item()), rel=1e-14)
        for label, value in product.factors:
            address = label.removeprefix("dL/")
            if label.startswith("f'("):
                names = [layer.name for layer in answer.layers]
                at = names.index(answer.locate(label[3:-1]).layer)
                address = f"{names[at + (answer.layers[at].activation is None)]}.f_prime"
            assert label == "1" or answer.quantity(address).item() == value, label


def test_the_chain_of_a_saturated_net_has_numbers() -> None:
    spec = {"input": 1.0, "target": 1, "loss": "bce", "layers": [{"weights": -800.0, "activation": "sigmoid"}]}
    (product,) = backprop(spec).chain
    assert product.factors == [("dL/dz1", -1.0), ("a0", 1.0)]
    assert product.product == -1.0


@pytest.mark.parametrize("after", [1, 2])
@pytest.mark.parametrize(
    ("loss", "activation", "target", "weights"),
    [
        ("bce", "sigmoid", [1], [[-800.0], [0.0]]),
        ("ce", "softmax", [1, 0], [[-800.0, 800.0], [0.0, 0.0]]),
    ],
)
def test_layers_that_change_nothing_stand_between_no_activation_and_its_loss(
    after: int, loss: str, activation: str, target: list[float], weights: list[list[float]]
) -> None:
    identity = {"type": "activation", "activation": "identity"}
    dense = {"weights": weights, "bias": 0.0, "activation": activation}
    alone = backprop(net(dense, target=target, loss=loss))
    followed = backprop(net(dense, *[identity] * after, target=target, loss=loss))
    assert alone.loss is not None and 0 < alone.loss < np.inf
    assert followed.loss == alone.loss
    for quantity, numbers in alone.layers[0].quantities.items():
        np.testing.assert_array_equal(followed.quantity(f"layer1.{quantity}"), numbers, err_msg=quantity)
    apart = backprop(net({"weights": weights}, {"type": "activation", "activation": activation}, identity,
        target=target, loss=loss))  # fmt: skip
    np.testing.assert_array_equal(apart.quantity("dW1"), alone.quantity("dW1"))
    assert apart.loss == alone.loss
    assert f"With {activation} dL/dz comes to a - y" in str(list(report(followed)))


# --- outputs a loss cannot take ---


def test_an_output_outside_the_domain_names_the_loss_on_logits() -> None:
    with pytest.raises(InputError) as refused:
        backprop(net({"weights": W}, target=[0, 0, 1], loss="nllm"))
    assert "cross_entropy takes predictions in [0, 1]" in str(refused.value)
    assert "softmax_cross_entropy" in refused.value.hint


def test_nothing_is_warned_about_on_the_way() -> None:
    """Overflow on the way is part of the answer (warnings are errors in this suite)."""
    answer = backprop(net({"weights": [[1e200], [1e200]]}, {"weights": 1e200}, target=[0]))
    assert answer.loss == np.inf
    with pytest.raises(GradcalcError):
        backprop(net({"weights": [[np.inf], [0]]}, target=[0]))


# --- a fully connected layer by itself ---


@pytest.mark.parametrize("unit", range(3))
def test_the_derivatives_of_a_fully_connected_layer(unit: int) -> None:
    """o = W^T x + b: do/dx = W^T, do_k/dW has x in column k, do_k/db_k = 1."""
    one = np.eye(3)[unit]
    found = layer_of(net({"weights": W, "bias": [1, 2, 3]}, upstream=one.tolist()))
    np.testing.assert_allclose(found["z"], np.transpose(W) @ [1, 2] + [1, 2, 3], rtol=1e-15)
    assert found["f_prime"] == [1.0, 1.0, 1.0]
    assert found["dx"] == np.transpose(W)[unit].tolist()
    assert found["dW"] == np.outer([1.0, 2.0], one).tolist()
    assert found["db"] == one.tolist()
