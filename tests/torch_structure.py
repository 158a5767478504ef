"""Layers of numbers that stand alone beside PyTorch: dense, functions, tables, other shapes, several inputs in one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from torch_settings import Draw, Setting, Tensors, choice, torch, whole

#: Functions behind a dense layer, or alone; the empty name is none.
ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "": lambda z: z,
    "relu": torch.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softplus": torch.nn.functional.softplus,
    "gelu": torch.nn.functional.gelu,
    "softmax": lambda z: torch.softmax(z, -1),
    "log_softmax": lambda z: torch.log_softmax(z, -1),
}


def dense(random: np.random.Generator) -> Setting:
    """In both layouts, over one axis or row by row over several, with a bias or without, and with a function."""
    x = random.standard_normal(whole(random, 1, 4, int(random.integers(2, 5))))
    name, out_in = choice(random, *ACTIVATIONS), bool(random.integers(2))
    W = random.standard_normal((int(random.integers(1, 5)), x.shape[-1]))
    keys: dict[str, Any] = {"weights": W if out_in else W.T, "layout": "out_in" if out_in else "in_out"}
    keys |= {"bias": random.standard_normal(len(W))} if random.integers(2) else {}
    keys |= {"activation": name} if name else {}

    def output(t: Tensors) -> Any:
        return ACTIVATIONS[name](torch.nn.functional.linear(t["x"], t["W"] if out_in else t["W"].T, t.get("b")))

    return Setting("dense", keys, [x], output)


def activation(random: np.random.Generator) -> Setting:
    """Functions of a number and of vectors, and one with a parameter for each unit or for each channel."""
    shape = whole(random, 2, 4, int(random.integers(2, 5)))
    x, name = random.standard_normal(shape), choice(random, *ACTIVATIONS, "prelu")
    if name == "prelu":
        alpha = random.standard_normal(shape[1 if len(shape) > 3 else -1])
        along = [-1, *[1] * (2 if len(shape) > 3 else 0)]
        keys = {"activation": {"name": name, "alpha": alpha.tolist()}}
        return Setting(
            "activation", keys, [x], lambda t: torch.where(t["x"] > 0, t["x"], t["alpha"].reshape(along) * t["x"])
        )
    keys = {"activation": name or "identity"}
    return Setting("activation", keys, [x], lambda t: ACTIVATIONS[name](t["x"]))


def dropout(random: np.random.Generator) -> Setting:
    """With a mask of one's own, PyTorch's being drawn by its own generator: its rule, x * mask / (1 - p)."""
    x, p = random.standard_normal(whole(random, 1, 4, int(random.integers(2, 5)))), float(random.uniform(0, 0.9))
    mask = random.integers(0, 2, x.shape)
    if random.integers(2):
        return Setting("dropout", {"p": p, "mask": mask}, [x], lambda t: t["x"] * torch.tensor(mask) / (1 - p))
    dropped = torch.nn.functional.dropout
    return Setting("dropout", {"p": p, "mode": "eval"}, [x], lambda t: dropped(t["x"], p, training=False))


def flatten(random: np.random.Generator) -> Setting:
    x = random.standard_normal(whole(random, 1, 4, int(random.integers(2, 5))))
    return Setting("flatten", {}, [x], lambda t: t["x"].flatten(1))


def reshape(random: np.random.Generator) -> Setting:
    """To the lengths in another order, one of them left to be found every other time."""
    x = random.standard_normal(whole(random, 1, 4, int(random.integers(2, 5))))
    shape = random.permutation(x.shape[1:]).tolist()
    shape[0] = -1 if random.integers(2) else shape[0]
    return Setting("reshape", {"shape": shape}, [x], lambda t: t["x"].reshape(len(x), *shape))


def transpose(random: np.random.Generator) -> Setting:
    x = random.standard_normal(whole(random, 1, 4, int(random.integers(3, 5))))
    axes = random.permutation(x.ndim - 1).tolist()
    return Setting("transpose", {"axes": axes}, [x], lambda t: t["x"].permute(0, *(1 + axis for axis in axes)))


def merged(type_: str, joined: Callable[[list[Any]], Any]) -> Draw:
    """Two to four inputs of one shape, with zeros among them."""

    def draw(random: np.random.Generator) -> Setting:
        shape = whole(random, 1, 4, int(random.integers(2, 5)))
        inputs = [np.round(random.standard_normal(shape), 1) for _ in range(random.integers(2, 5))]
        return Setting(type_, {}, inputs, lambda t: joined([t[f"x[{i}]"] for i in range(len(inputs))]))

    return draw


def concat(random: np.random.Generator) -> Setting:
    """Two to four inputs of different lengths along any axis but the examples', counted from either end."""
    shape = list(whole(random, 1, 4, int(random.integers(2, 5))))
    axis = int(random.integers(1, len(shape)))
    lengths = random.integers(1, 4, random.integers(2, 5)).tolist()
    inputs = [random.standard_normal((*shape[:axis], length, *shape[axis + 1 :])) for length in lengths]
    keys = {"axis": axis - 1 if random.integers(2) else axis - len(shape)}
    return Setting("concat", keys, inputs, lambda t: torch.cat([t[f"x[{i}]"] for i in range(len(inputs))], axis))


def embedding(random: np.random.Generator) -> Setting:
    rows, units, examples, steps = whole(random, 1, 5, 4)
    x, W = random.integers(0, rows, (examples, steps)), random.standard_normal((rows, units))
    return Setting("embedding", {"weights": W}, [x], lambda t: torch.nn.functional.embedding(t["x"], t["W"]))


STRUCTURE: dict[str, Draw] = {
    "dense": dense,
    "activation": activation,
    "dropout": dropout,
    "flatten": flatten,
    "reshape": reshape,
    "transpose": transpose,
    "add": merged("add", sum),
    "multiply": merged("multiply", math.prod),
    "concat": concat,
    "embedding": embedding,
}
