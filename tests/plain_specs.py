"""Specs of plain nets by the conventions drawn for them, and quantities of their answers brought back."""

from __future__ import annotations

from typing import Any

import numpy as np

from plain_losses import LOSSES
from plain_network import Layer, Net


def spec(net: Net) -> dict[str, Any]:
    """The net as a spec."""
    found: dict[str, Any] = {
        "data": "columns" if net.columns else "rows",
        "reduction": net.reduction,
        "average": net.average,
        "input": _examples(net, net.x),
        "loss": {"name": net.loss, "scale": net.scale, **net.parameters},
        "layers": [_layer(layer) for layer in net.layers],
    }
    if net.weight is not None:
        weight = net.weight if net.weight.ndim == 1 else _examples(net, net.weight)
        found["loss"]["with"] = {"weight": np.asarray(weight).tolist()}
    if LOSSES[net.loss].targets == "classes":
        found["target_classes"] = net.y.argmax(axis=1).tolist()
    else:
        found["target"] = _examples(net, net.y)
    if net.penalties:
        found["regularization"] = net.penalties
    return found


def _examples(net: Net, rows: Any) -> Any:
    """Rows as the spec writes them."""
    if net.flat:
        return rows[0].tolist()
    return (rows.T if net.columns else rows).tolist()


def _layer(layer: Layer) -> dict[str, Any]:
    W = layer.W
    found: dict[str, Any] = {"layout": layer.layout}
    if layer.bias_form == "first":
        W = np.vstack([layer.b, W])
        found["bias"] = "first"
    elif layer.b is not None:
        shape = {"flat": (-1,), "row": (1, -1), "column": (-1, 1), "shared": ()}[layer.bias_form]
        found["bias"] = layer.b.reshape(shape).tolist()
    found["weights"] = (W.T if layer.layout == "out_in" else W).tolist()
    if layer.activation is not None:
        parameters = {name: np.asarray(value).tolist() for name, value in layer.parameters.items()}
        found["activation"] = {"name": layer.activation, **parameters} if parameters else layer.activation
    return found


def rows(net: Net, written: Any) -> Any:
    """Numbers of examples (x, z, a and their derivatives) as rows again, after a look at their shape."""
    numbers = np.asarray(written)
    if net.flat:
        assert numbers.ndim == 1
        return numbers[None]
    assert numbers.ndim == 2
    return numbers.T if net.columns else numbers


def gradients(layer: Layer, answer: dict[str, Any]) -> dict[str, Any]:
    """dW (inputs, units), and db in the shape of our b, from the layer of an answer."""
    dW = np.asarray(answer["dW"])
    if layer.layout == "out_in":
        dW = dW.T
    if layer.bias_form == "first":
        assert "db" not in answer
        return {"W": dW[1:], "b": dW[0]}
    if layer.b is None:
        assert "db" not in answer
        return {"W": dW}
    shape = {"flat": (-1,), "row": (1, -1), "column": (-1, 1), "shared": ()}[layer.bias_form]
    db = np.asarray(answer["db"])
    assert db.shape == layer.b.reshape(shape).shape
    return {"W": dW, "b": db.reshape(layer.b.shape)}
