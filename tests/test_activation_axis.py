"""Softmax and its like along any axis of an example."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradcalc
from gradcalc.errors import SpecError

X = np.random.default_rng(3).normal(0, 2, (2, 2, 4, 3))
G = np.random.default_rng(4).normal(0, 1, (2, 2, 4, 3))


def run(name: str, axis: int | None, x: Any, upstream: Any, **keys: Any) -> Any:
    function = {"name": name, **({} if axis is None else {"axis": axis}), **keys}
    layers = [{"type": "activation", "activation": function}]
    return gradcalc.backprop({"input": x.tolist(), "upstream": upstream.tolist(), "layers": layers})


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax", "standardize", "glu"])
def test_it_is_the_last_axis_of_a_turned_example(name: str, axis: int) -> None:
    along = axis % 3 + 1
    x, upstream = np.delete(X, 0, along) if name == "glu" and along == 3 else X, G
    upstream = np.take(G, range(x.shape[along] // 2), along) if name == "glu" else np.broadcast_to(G, x.shape)
    got = run(name, axis, x, upstream)
    turned = run(name, None, np.moveaxis(x, along, -1), np.moveaxis(upstream, along, -1))
    for quantity in ("layer1.a", "layer1.dx"):
        expected = np.moveaxis(turned.quantity(quantity), -1, along)
        np.testing.assert_array_equal(got.quantity(quantity), expected)
    np.testing.assert_array_equal(got.quantity("layer1.f_prime"), turned.quantity("layer1.f_prime"))


def test_a_dense_layer_on_rows_and_a_convolution_have_an_axis_too() -> None:
    spec = {
        "input": [[[0.5, -1.0], [2.0, 0.25]]],
        "target": [[[1.0, 0.0], [0.0, 1.0]]],
        "loss": "cross_entropy",
        "layers": [{"weights": [[1.0, 0.5], [-0.5, 1.0]], "activation": {"name": "softmax", "axis": 0}}],
    }
    assert gradcalc.gradcheck(spec).passed
    np.testing.assert_allclose(gradcalc.backprop(spec).quantity("layer1.a").sum(axis=1), 1.0, rtol=1e-15)
    kernels = {"type": "conv2d", "weights": [[[[1.0]]], [[[-2.0]]]]}
    kernels |= {"activation": {"name": "softmax", "axis": 0}}
    net = gradcalc.backprop({"input": [[[[0.5, -1.0], [2.0, 0.25]]]], "layers": [kernels]})
    np.testing.assert_allclose(net.quantity("layer1.a").sum(axis=1), 1.0, rtol=1e-15)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ({"name": "softmax", "axis": 3}, r"layer layer1 has no axis 3: its function takes \(2, 4, 3\)"),
        ({"name": "softmax", "axis": 0.5}, "axis must be a whole number"),
        ({"name": "relu", "axis": 0}, "relu has no parameter 'axis'"),
    ],
)
def test_an_axis_there_is_not_is_refused(function: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        gradcalc.backprop({"input": X.tolist(), "layers": [{"type": "activation", "activation": function}]})
