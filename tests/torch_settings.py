"""Random settings of layers beside PyTorch: what one is, and what draws its parts; without PyTorch they are skipped.

A setting has the keys of a layer and its inputs, and says how PyTorch computes the output from the tensors of the
inputs (x, or x[0], x[1], ...) and of the layer's parameters by their letters, in the shapes of the spec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed: layers are not compared with it")
torch.set_num_threads(1)  # threads that wait for one another take longer than these small arrays

Array = np.ndarray[Any, Any]
Tensors = dict[str, Any]


class Setting(NamedTuple):
    """One layer of ours with its inputs, and PyTorch's way to its output."""

    type: str
    keys: dict[str, Any]
    inputs: list[Array]
    output: Callable[[Tensors], Any]


#: What draws the settings of a layer.
Draw = Callable[[np.random.Generator], Setting]


def choice(random: np.random.Generator, *names: str) -> str:
    """One of them."""
    return names[int(random.integers(len(names)))]


def whole(random: np.random.Generator, low: int, high: int, count: int) -> tuple[int, ...]:
    """So many whole numbers, both ends included."""
    return tuple(random.integers(low, high + 1, count).tolist())


def channels_last(random: np.random.Generator, x: Array, keys: dict[str, Any]) -> tuple[Array, Callable[[Any], Any]]:
    """x with its channels last every other time, the key for it, and what turns PyTorch's output the same way."""
    if random.integers(2):
        keys["data_format"] = "channels_last"
        return np.moveaxis(x, 1, -1), lambda output: output.movedim(1, -1)
    return x, lambda output: output


def channels_first(keys: dict[str, Any], x: Any) -> Any:
    """The tensor x as PyTorch takes it."""
    return x.movedim(-1, 1) if "data_format" in keys else x
