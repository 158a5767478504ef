"""Layers made from the keys of a spec, for tests that call them without a network."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.layers.base import Layer, Quantities
from gradcalc.spec import load


def made(type_: str, keys: dict[str, Any], *inputs: Any, dtype: str = "float64") -> Layer:
    """The layer of that type for a batch of such inputs; arrays among the keys are written out. Errors: SpecError."""
    names = [f"in{i}" for i in range(len(inputs))]
    written = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in keys.items()}
    layer = {"name": "it", "type": type_, **written, **({"inputs": names} if len(inputs) > 1 else {})}
    lists = [np.asarray(one).tolist() for one in inputs]
    given = dict(zip(names, lists, strict=True)) if len(inputs) > 1 else lists[0]
    return load({"input": given, "dtype": dtype, "layers": [layer]}).problem.layers[0]


def both_ways(layer: Layer, *inputs: Any, da: Any = None) -> Quantities:
    """All quantities of a forward and a backward pass; `da` is ones where none is given."""
    with np.errstate(all="ignore"):
        step = layer.forward(*inputs)
        return {**step.quantities, **step.back(np.ones_like(step.a) if da is None else np.asarray(da), None)}
