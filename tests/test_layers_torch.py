"""Every layer beside PyTorch's, for random settings in float64: to 1e-10, the output and all gradients.

A row of ROWS draws the keys of a layer and its inputs, and says how PyTorch computes the output from the tensors of
the inputs (x, or x[0], x[1], ...) and of the layer's parameters by their letters, in the shapes of the spec.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

from made_layers import both_ways, made

torch = pytest.importorskip("torch", reason="PyTorch is not installed: layers are not compared with it")

TRIALS = 25
TOLERANCE = 1e-10

Array = np.ndarray[Any, Any]
Tensors = dict[str, Any]


class Setting(NamedTuple):
    """One layer of ours with its inputs, and PyTorch's way to its output."""

    type: str
    keys: dict[str, Any]
    inputs: list[Array]
    output: Callable[[Tensors], Any]


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


def conv(rank: int) -> Callable[[np.random.Generator], Setting]:
    def draw(random: np.random.Generator) -> Setting:
        groups, kernel = int(random.integers(1, 4)), whole(random, 1, 3, rank)
        dilation, stride, padding = (whole(random, low, 3, rank) for low in (1, 1, 0))
        size = [int(d * (k - 1) + 1 + random.integers(0, 5)) for k, d in zip(kernel, dilation, strict=True)]
        channels, units = (groups * int(random.integers(1, 4)) for _ in range(2))
        x = random.standard_normal((int(random.integers(1, 5)), channels, *size))
        keys = {
            "weights": random.standard_normal((units, channels // groups, *kernel)),
            "bias": random.standard_normal(units),
            "stride": list(stride),
            "dilation": list(dilation),
            "padding": list(padding),
            "groups": groups,
        }
        if random.integers(3) == 0:
            keys |= {"stride": 1, "padding": "same"}
            stride, padding = (1,) * rank, "same"
        x, turned = channels_last(random, x, keys)
        theirs = getattr(torch.nn.functional, f"conv{rank}d")
        return Setting(
            f"conv{rank}d",
            keys,
            [x],
            lambda t: turned(
                theirs(channels_first(keys, t["x"]), t["W"], t["b"], stride, padding, dilation, groups),
            ),
        )

    return draw


def pooled(random: np.random.Generator, rank: int) -> tuple[dict[str, Any], Array]:
    """The keys of a pooling layer that PyTorch takes too, and an input."""
    kernel, stride = whole(random, 1, 3, rank), whole(random, 1, 3, rank)
    padding = [int(random.integers(0, k // 2 + 1)) for k in kernel]
    size = [int(2 * (k - 1) + 1 + random.integers(0, 5)) for k in kernel]
    x = random.standard_normal((int(random.integers(1, 5)), int(random.integers(1, 4)), *size))
    return {"kernel": list(kernel), "stride": list(stride), "padding": padding}, x


def max_pool(rank: int) -> Callable[[np.random.Generator], Setting]:
    def draw(random: np.random.Generator) -> Setting:
        keys, x = pooled(random, rank)
        asked = (keys["kernel"], keys["stride"], keys["padding"])
        keys["dilation"] = dilation = list(whole(random, 1, 2, rank))
        if random.integers(2):
            x = np.round(x)  # with ties
        x, turned = channels_last(random, x, keys)
        theirs = getattr(torch.nn.functional, f"max_pool{rank}d")
        return Setting(
            f"max_pool{rank}d",
            keys,
            [x],
            lambda t: turned(theirs(channels_first(keys, t["x"]), *asked, dilation=dilation)),
        )

    return draw


def avg_pool(rank: int) -> Callable[[np.random.Generator], Setting]:
    def draw(random: np.random.Generator) -> Setting:
        keys, x = pooled(random, rank)
        asked = (keys["kernel"], keys["stride"], keys["padding"])
        keys["count_include_pad"] = count = bool(random.integers(2))
        x, turned = channels_last(random, x, keys)
        theirs = getattr(torch.nn.functional, f"avg_pool{rank}d")
        return Setting(
            f"avg_pool{rank}d",
            keys,
            [x],
            lambda t: turned(theirs(channels_first(keys, t["x"]), *asked, count_include_pad=count)),
        )

    return draw


def global_pool(name: str) -> Callable[[np.random.Generator], Setting]:
    def draw(random: np.random.Generator) -> Setting:
        keys: dict[str, Any] = {}
        x, _ = channels_last(random, random.standard_normal(whole(random, 1, 5, 4)), keys)
        reduced = {"avg": lambda x: x.mean((2, 3)), "max": lambda x: x.flatten(2).max(2).values}[name]
        return Setting(f"global_{name}_pool", keys, [x], lambda t: reduced(channels_first(keys, t["x"])))

    return draw


ROWS: dict[str, Callable[[np.random.Generator], Setting]] = {
    "conv1d": conv(1),
    "conv2d": conv(2),
    "max_pool1d": max_pool(1),
    "max_pool2d": max_pool(2),
    "avg_pool1d": avg_pool(1),
    "avg_pool2d": avg_pool(2),
    "global_avg_pool": global_pool("avg"),
    "global_max_pool": global_pool("max"),
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch tells that it copies
@pytest.mark.parametrize("row", ROWS)
def test_output_and_gradients_are_pytorch_s(row: str) -> None:
    worst = 0.0
    for seed in range(TRIALS):
        setting = ROWS[row](np.random.default_rng(seed))
        for name, (ours, theirs) in compared(setting, np.random.default_rng(seed + TRIALS)).items():
            assert ours.shape == theirs.shape, f"{name} of {setting}"
            error = float((np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max(initial=0.0))
            assert error <= TOLERANCE, f"{name} of {setting}: {error}"
            worst = max(worst, error)
    print(f"{row}: {TRIALS} settings, largest difference {worst:.1e}")


def compared(setting: Setting, random: np.random.Generator) -> dict[str, tuple[Array, Array]]:
    """The output and every gradient, ours and theirs."""
    layer = made(setting.type, setting.keys, *setting.inputs)
    letters = ["x"] if len(setting.inputs) == 1 else [f"x[{i}]" for i in range(len(setting.inputs))]
    arrays = {**layer.as_written(layer.parameters), **dict(zip(letters, setting.inputs, strict=True))}
    tensors = {
        name: torch.tensor(array, requires_grad=np.asarray(array).dtype.kind == "f") for name, array in arrays.items()
    }
    output = setting.output(tensors)
    da = random.standard_normal(tuple(output.shape))
    output.backward(torch.tensor(da))
    ours = layer.as_written(both_ways(layer, *setting.inputs, da=da))
    theirs = {f"d{name}": tensor.grad.numpy() for name, tensor in tensors.items() if tensor.grad is not None}
    theirs["a"] = output.detach().numpy()
    return {name: (ours[name], array) for name, array in theirs.items()}
