"""Specs of small nets, and a layer of the answer to one."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.backpropagation import backprop

W = [[0.1, 0.2, -0.3], [0.4, -0.5, 0.6]]
W_OUT = np.transpose(W).tolist()


def layer_of(spec: dict[str, Any], position: int = 0) -> dict[str, Any]:
    """A layer of the answer to a spec."""
    found: dict[str, Any] = backprop(spec).to_dict()["layers"][position]
    return found


def net(*layers: dict[str, Any], **keys: Any) -> dict[str, Any]:
    """A spec of these layers, with a loss where a target is given."""
    spec = {"input": [1.0, 2.0], "layers": list(layers), **keys}
    return {"loss": "half_square", **spec} if "target" in spec else spec
