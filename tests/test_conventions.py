"""What a spec's conventions promise: shapes, kinks, classes, saturation, what starts the way back, and scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dense_specs import W_OUT, W, layer_of, net
from gradcalc.backpropagation import BackpropResult, backprop
from gradcalc.errors import UsageError

BACKWARD = {"da", "dz", "dW", "db", "dx"}


# --- shapes ---


def test_a_flat_input_keeps_everything_flat() -> None:
    found = layer_of(net({"weights": W, "bias": [1, 2, 3], "activation": "tanh"}, target=[1, 1, 1]))
    for quantity, size in {"x": 2, "z": 3, "a": 3, "f_prime": 3, "da": 3, "dz": 3, "dx": 2, "db": 3}.items():
        assert np.shape(found[quantity]) == (size,), quantity
    assert np.shape(found["dW"]) == (2, 3)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("data", ["rows", "columns"])
def test_a_batch_stays_nested(count: int, data: str) -> None:
    def examples(n: int) -> Any:
        return np.ones((count, n) if data == "rows" else (n, count))

    spec = net({"weights": W, "activation": "tanh"}, input=examples(2), target=examples(3), data=data)
    found = layer_of(spec)
    for quantity in ("z", "a", "f_prime", "da", "dz"):
        assert np.shape(found[quantity]) == examples(3).shape
    assert np.shape(found["dx"]) == examples(2).shape


def test_a_flat_target_for_one_unit_is_one_number_per_example() -> None:
    spec = net({"weights": [[1.0], [1.0]]}, input=[[1, 2], [3, 4]], target=[2.0, 8.0])
    nested = net({"weights": [[1.0], [1.0]]}, input=[[1, 2], [3, 4]], target=[[2.0], [8.0]])
    assert backprop(spec).to_dict() == backprop(nested).to_dict()
    columns = net({"weights": [[1.0], [1.0]]}, input=[[1, 3], [2, 4]], target=[2.0, 8.0], data="columns")
    assert layer_of(columns)["da"] == [[0.5, -0.5]]


def test_one_number_will_do_where_there_is_one() -> None:
    found = layer_of({"input": 2, "target": 1, "loss": "square", "layers": [{"weights": 3, "bias": 1}]})
    assert found["W"] == 3.0
    assert (found["x"], found["z"]) == ([2.0], [7.0])
    assert (found["dW"], found["db"], found["dx"]) == (24.0, 12.0, [36.0])


@pytest.mark.parametrize("layout", ["in_out", "out_in"])
def test_a_flat_w_where_inputs_or_units_are_one(layout: str) -> None:
    to_one = layer_of(net({"weights": [3, 4]}, target=[1], layout=layout))
    assert to_one["z"] == [11.0]
    assert to_one["dW"] == [10.0, 20.0]
    from_one = layer_of(net({"weights": [3, 4]}, input=[2], target=[1, 1], layout=layout))
    assert from_one["z"] == [6.0, 8.0]
    assert from_one["dW"] == [10.0, 14.0]


@pytest.mark.parametrize(
    ("bias", "gradient"),
    [
        ([1, 1, 1], [1.1, 0.0, 0.9]),
        ([[1, 1, 1]], [[1.1, 0.0, 0.9]]),
        ([[1], [1], [1]], [[1.1], [0.0], [0.9]]),
        (1, 2.0),
    ],
    ids=["flat", "row", "column", "shared"],
)
def test_db_keeps_the_shape_of_the_bias(bias: Any, gradient: Any) -> None:
    found = layer_of(net({"weights": W, "bias": bias}, input=[1, 1], target=[0.4, 0.7, 0.4]))
    assert np.shape(found["db"]) == np.shape(bias)
    np.testing.assert_allclose(found["db"], gradient, atol=1e-12)


def test_a_shared_bias_is_moved_by_the_sum() -> None:
    found = layer_of(net({"weights": W, "bias": 0.5}, target=[0, 0, 0], learning_rate=0.1))
    assert found["db"] == pytest.approx(sum(found["dz"]))
    assert found["b_new"] == pytest.approx(0.5 - 0.1 * found["db"])


def test_a_bias_in_the_weights_has_its_gradient_there() -> None:
    apart = layer_of(net({"weights": W, "bias": [1, 2, 3]}, target=[1, 1, 1], learning_rate=1))
    rows = layer_of(net({"weights": [[1, 2, 3], *W], "bias": "first"}, target=[1, 1, 1], learning_rate=1))
    assert "b" not in rows
    assert "db" not in rows
    assert rows["dW"] == [apart["db"], *apart["dW"]]
    assert rows["W_new"] == [apart["b_new"], *apart["W_new"]]
    columns = net({"weights": np.transpose([[1, 2, 3], *W])}, target=[1, 1, 1], layout="out_in", bias="first")
    assert np.transpose(layer_of(columns)["dW"]).tolist() == rows["dW"]
    one = net({"weights": [0.5, 3, 4], "bias": "first"}, target=[1])
    assert layer_of(one)["z"] == [11.5]
    assert layer_of(one)["dW"] == [10.5, 10.5, 21.0]


@pytest.mark.parametrize("none", [False, None])
def test_no_bias(none: Any) -> None:
    found = layer_of(net({"weights": W, "bias": none}, target=[0, 0, 0]))
    assert not {"b", "db"} & set(found)
    presets = {"convention": "coursera-ml"}
    if none is False:  # says so against a preset too
        assert "b" not in layer_of(net({"weights": W_OUT, "bias": False}, target=[0, 0, 0], **presets))


def test_a_layer_may_have_its_own_layout() -> None:
    spec = net({"weights": W_OUT, "layout": "out_in"}, {"weights": [[1], [1], [1]]}, target=[0])
    assert np.shape(layer_of(spec)["dW"]) == (3, 2)
    assert np.shape(layer_of(spec, 1)["dW"]) == (3, 1)


# --- kinks ---


@pytest.mark.parametrize(
    ("kink", "slope"),
    [("default", 0.0), ("left", 0.0), ("right", 1.0), ("midpoint", 0.5), ("undefined", np.nan)],
)
def test_kinks_of_activations(kink: str, slope: float) -> None:
    spec = net({"weights": [[1], [-0.5]], "activation": "relu"}, target=[2.0], kink=kink)
    np.testing.assert_equal(layer_of(spec)["f_prime"], [slope])
    np.testing.assert_equal(layer_of(spec)["dz"], [-2.0 * slope])


def test_a_function_has_its_own_kink() -> None:
    own = {"name": "relu", "kink": "right"}
    spec = net({"weights": [[1], [-0.5]], "activation": own}, {"weights": 0.0, "activation": "relu"}, target=[1.0])
    assert layer_of(spec)["f_prime"] == [1.0]
    assert layer_of(spec, 1)["f_prime"] == [0.0]


@pytest.mark.parametrize(
    ("loss", "target", "sides"),
    [
        ("absolute", [3.0], {"default": 0.0, "left": -1.0, "right": 1.0, "midpoint": 0.0}),
        ("mae", [3.0], {"default": 0.0, "left": -1.0, "right": 1.0, "midpoint": 0.0}),
    ],
)
def test_kinks_of_losses(loss: str, target: list[float], sides: dict[str, float]) -> None:
    for kink, slope in sides.items():
        assert layer_of(net({"weights": [[1], [1]]}, target=target, loss=loss, kink=kink))["da"] == [slope]
        own = {"name": loss, "kink": kink}
        assert layer_of(net({"weights": [[1], [1]]}, target=target, loss=own))["da"] == [slope]


@pytest.mark.parametrize(("kink", "slope"), [("default", 0.0), ("left", -1.0), ("right", 1.0), ("undefined", np.nan)])
def test_kinks_of_penalties(kink: str, slope: float) -> None:
    spec = net(
        {"weights": [[0.0], [2.0]]},
        target=[4.0],
        kink=kink,
        regularization=[{"norm": "l1", "strength": 1.0}],
    )
    np.testing.assert_equal(layer_of(spec)["dW"], [[slope], [1.0]])


def test_kinks_of_a_margin() -> None:
    spec = {"input": [2.0, 1.0, 0.0], "target_classes": 0, "loss": "svm", "layers": []}
    assert backprop(spec).quantity("da0").tolist() == [0.0, 0.0, 0.0]
    assert backprop({**spec, "kink": "right"}).quantity("da0").tolist() == [0.0, 1.0, 0.0]
    assert backprop({**spec, "kink": "left"}).quantity("da0").tolist() == [-1.0, 0.0, 0.0]


# --- classes ---


@pytest.mark.parametrize(
    ("loss", "activation"),
    [("softmax_cross_entropy", None), ("cross_entropy", "softmax"), ("bce", "sigmoid"), ("svm", None)],
)
def test_classes_are_one_hot_targets(loss: str, activation: str | None) -> None:
    layer = {"weights": W, "activation": activation}
    batch = [[1, 2], [0, 1]]
    one_hot = backprop(net(layer, input=batch, target=[[0, 0, 1], [1, 0, 0]], loss=loss)).to_dict()
    assert backprop(net(layer, input=batch, target_classes=[2, 0], loss=loss)).to_dict() == one_hot
    from_one = net(layer, input=batch, target_classes=[3, 1], loss=loss, classes_from=1)
    assert backprop(from_one).to_dict() == one_hot


def test_one_class_for_one_example_and_two_classes_for_one_output() -> None:
    single = net({"weights": W}, target_classes=2, loss="softmax_cross_entropy")
    assert backprop(single).to_dict() == backprop({**single, "target_classes": [2]}).to_dict()
    binary = net({"weights": [[1], [1]], "activation": "sigmoid"}, target_classes=1, loss="bce")
    assert backprop(binary).loss == pytest.approx(np.log1p(np.exp(-3.0)))


# --- saturation ---


@pytest.mark.parametrize("logit", [800.0, -800.0])
@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_saturated_sigmoid(logit: float, target: float) -> None:
    answer = backprop(net({"weights": [[logit], [0]], "activation": "sigmoid"}, target=[target], loss="bce"))
    a = 1.0 if logit > 0 else 0.0
    assert answer.loss == (0.0 if a == target else 800.0)
    assert answer.quantity("dz1").tolist() == [a - target]
    assert np.isinf(answer.quantity("da1")[0]) == (a != target)  # the truth is +-e^800, beyond float64
    assert answer.quantity("dW1").tolist() == [[a - target], [2 * (a - target)]]


def test_a_saturated_softmax() -> None:
    spec = net(
        {"weights": np.eye(3)[:2].tolist(), "bias": [800, -802, 0], "activation": "softmax"},
        target_classes=1,
        loss="nllm",
    )
    answer = backprop(spec)
    assert answer.loss == 1601.0
    assert answer.quantity("dz1").tolist() == [1.0, -1.0, 0.0]
    right = backprop({**spec, "target_classes": 0})
    assert right.loss == 0.0
    assert right.quantity("da1").tolist() == [-1.0, 0.0, 0.0]
    assert right.quantity("dz1").tolist() == [0.0, 0.0, 0.0]


def test_moderate_saturation_keeps_its_digits() -> None:
    answer = backprop(net({"weights": [[40], [0]], "activation": "sigmoid"}, target=[1.0], loss="bce"))
    assert answer.loss == pytest.approx(4.248354255291589e-18, rel=1e-14)
    assert answer.quantity("dz1")[0] == pytest.approx(-4.248354255291589e-18, rel=1e-14)


def test_a_saturated_unit_before_another_loss_passes_nothing_on() -> None:
    found = layer_of(net({"weights": [[800], [0]], "activation": "sigmoid"}, target=[0.25]))
    assert (found["a"], found["f_prime"], found["dz"]) == ([1.0], [0.0], [0.0])


def test_an_activation_layer_before_its_loss_is_linked_too() -> None:
    spec = net({"weights": [[800], [0]]}, {"type": "activation", "activation": "sigmoid"}, target=[0.0], loss="bce")
    assert backprop(spec).loss == 800.0
    assert backprop(spec).quantity("layer1.dz").tolist() == [1.0]


# --- what starts the way back ---


def test_an_upstream_gradient_takes_the_place_of_the_loss() -> None:
    answer = backprop(net({"weights": W, "activation": "tanh"}, upstream=[1.0, 0.0, 2.0])).to_dict()
    assert answer["loss"] is None
    assert answer["layers"][0]["da"] == [1.0, 0.0, 2.0]
    assert answer["loss_history"] == []


def test_an_upstream_gradient_with_averaged_parameters() -> None:
    keys: dict[str, Any] = {"input": [[1, 0], [0, 1]], "upstream": [[2, 0, 0], [0, 4, 0]]}
    assert layer_of(net({"weights": W}, **keys))["dW"] == [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0]]
    averaged = layer_of(net({"weights": W}, **keys, average="parameters"))
    assert averaged["dW"] == [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    assert averaged["da"] == keys["upstream"]


def test_a_forward_pass_alone_has_no_backward_keys() -> None:
    answer = backprop(net({"weights": W, "bias": [0, 0, 0], "activation": "softmax"}))
    assert answer.loss is None
    assert not BACKWARD & set(answer.to_dict()["layers"][0])
    assert answer.to_dict()["loss_history"] == []
    for address in ("loss", "da0", "dW1"):
        with pytest.raises(UsageError):
            answer.quantity(address)


def test_no_layers_put_the_loss_on_the_input() -> None:
    answer = backprop({"input": [3.0, 4.0], "target": [1.0, 1.0], "loss": "half_square", "layers": []})
    assert answer.loss == 6.5
    assert answer.quantity("A0").tolist() == [3.0, 4.0]
    assert answer.quantity("da0").tolist() == [2.0, 3.0]
    assert answer.to_dict()["layers"] == []
    forward = backprop({"input": [3.0, 4.0], "layers": []})
    with pytest.raises(UsageError, match="no quantity 'da0'"):
        forward.quantity("da0")


# --- scaling ---

BATCH = {"input": [[1, 2], [3, 4]], "target": [[1, 1, 1], [0, 0, 0]]}


@pytest.mark.parametrize(
    ("loss", "divisors"),
    [
        ("half_square", {"sum": 1, "batch_mean": 2, "mean": 6}),  # elements
        ("half_sse", {"sum": 1, "batch_mean": 2, "mean": 2}),  # one number per example
    ],
)
def test_reductions(loss: str, divisors: dict[str, int]) -> None:
    whole = backprop(net({"weights": W}, **BATCH, loss=loss, reduction="sum"))
    assert whole.loss is not None
    for reduction, divisor in divisors.items():
        for spec in ({"reduction": reduction, "loss": loss}, {"loss": {"name": loss, "reduction": reduction}}):
            answer = backprop(net({"weights": W}, **BATCH, **spec))
            assert answer.loss == pytest.approx(whole.loss / divisor)
            np.testing.assert_allclose(answer.quantity("dW1"), whole.quantity("dW1") / divisor)
            np.testing.assert_allclose(answer.quantity("da1"), whole.quantity("da1") / divisor)
            assert answer.conventions["reduction"] == reduction


@pytest.mark.parametrize(("reduction", "factor"), [("batch_mean", 2.0), ("mean", 2.0), ("sum", 1.0)])
def test_where_the_mean_sits(reduction: str, factor: float) -> None:
    spec = net({"weights": W, "bias": [0, 0, 0], "activation": "tanh"}, **BATCH, reduction=reduction)
    loss, parameters = (backprop({**spec, "average": average}) for average in ("loss", "parameters"))
    assert loss.loss == parameters.loss
    for quantity in ("dW1", "db1"):
        np.testing.assert_allclose(parameters.quantity(quantity), loss.quantity(quantity), rtol=1e-14)
    for quantity in ("da1", "dz1", "da0"):
        np.testing.assert_allclose(parameters.quantity(quantity), factor * loss.quantity(quantity), rtol=1e-14)


def test_scale_multiplies_the_data_alone() -> None:
    penalties = {"regularization": [{"norm": "l2_squared", "strength": 0.5}]}
    plain, scaled = (
        backprop(net({"weights": W}, **BATCH, **penalties, loss={"name": "square", "scale": scale}))
        for scale in (1.0, 0.5)
    )
    assert scaled.loss_terms["regularization"] == plain.loss_terms["regularization"]
    assert plain.loss_terms["data"] is not None
    assert scaled.loss_terms["data"] == plain.loss_terms["data"] / 2
    np.testing.assert_array_equal(scaled.quantity("da1"), plain.quantity("da1") / 2)


def test_penalties_per_example_and_on_biases() -> None:
    def penalised(**keys: Any) -> BackpropResult:
        penalty = {"norm": "half_l2_squared", "strength": 3.0, **keys}
        return backprop(net({"weights": W, "bias": [1, 2, 3]}, **BATCH, regularization=[penalty]))

    without = backprop(net({"weights": W, "bias": [1, 2, 3]}, **BATCH))
    for keys, divisor, biases in (({}, 1, 0), ({"per_example": True}, 2, 0), ({"biases": True}, 1, 1)):
        answer = penalised(**keys)
        squares = np.square(W).sum() + biases * 14.0
        assert answer.loss_terms["regularization"] == pytest.approx(1.5 * squares / divisor)
        np.testing.assert_allclose(answer.quantity("dW1"), without.quantity("dW1") + 3.0 / divisor * np.array(W))
        np.testing.assert_allclose(answer.quantity("db1"), without.quantity("db1") + 3.0 * biases * np.array([1, 2, 3]))
