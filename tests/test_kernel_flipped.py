"""A convolution that turns its kernel, computed in straight lines, is named kernel_flipped wherever it was turned."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from gradcalc.checking.answers import given_of
from gradcalc.checking.api import load_checker

Array = Any


def places(size: tuple[int, ...], kernel: tuple[int, ...]) -> Any:
    """Every place of a kernel: its index in the output, and the slices of the input below it."""
    for at in product(*(range(n - k + 1) for n, k in zip(size, kernel, strict=True))):
        yield at, tuple(slice(i, i + k) for i, k in zip(at, kernel, strict=True))


def correlated(x: Array, W: Array, b: Array) -> Array:
    """z[n, u] is the sum of W[u] * x[n] at every place, plus b[u]."""
    kernel = W.shape[2:]
    z = np.zeros((len(x), len(W), *(n - k + 1 for n, k in zip(x.shape[2:], kernel, strict=True))))
    for n, u in product(range(len(x)), range(len(W))):
        for at, below in places(x.shape[2:], kernel):
            z[(n, u, *at)] = (W[u] * x[(n, slice(None), *below)]).sum() + b[u]
    return z


def gradients(x: Array, W: Array, dz: Array) -> tuple[Array, Array]:
    """dW and dx of the sums above."""
    dW, dx = np.zeros_like(W), np.zeros_like(x)
    for n, u in product(range(len(x)), range(len(W))):
        for at, below in places(x.shape[2:], W.shape[2:]):
            dW[u] += dz[(n, u, *at)] * x[(n, slice(None), *below)]
            dx[(n, slice(None), *below)] += dz[(n, u, *at)] * W[u]
    return dW, dx


def turned(W: Array) -> Array:
    """Along all axes of the kernel."""
    return W[..., ::-1] if W.ndim == 3 else W[..., ::-1, ::-1]


def handed_in(x: Array, W: Array, b: Array, way: str) -> dict[str, Array]:
    """What a student has of tanh of a convolution and half the squared sum of its outputs, with the kernel turned."""
    used = turned(W) if way in ("forward", "convolution") else W
    z = correlated(x, used, b)
    a = np.tanh(z)
    dz = a / len(x) * (1 - a**2)
    dW, dx = gradients(x, used, dz)
    if way in ("convolution", "dW"):
        dW = turned(dW)
    if way == "dx":
        dx = gradients(x, turned(W), dz)[1]
    db = dz.sum(axis=(0, *range(2, dz.ndim)))
    loss = np.sum(a**2) / 2 / len(x)
    return {"conv.z": z, "conv.a": a, "loss": loss, "conv.dz": dz, "conv.dW": dW, "conv.db": db, "conv.dx": dx}


@pytest.mark.parametrize("way", ["right", "forward", "convolution", "dW", "dx"])
@pytest.mark.parametrize(("kind", "size", "kernel"), [("conv1d", (6,), (3,)), ("conv2d", (5, 4), (3, 2))])
def test_a_turned_kernel_is_named(kind: str, size: tuple[int, ...], kernel: tuple[int, ...], way: str) -> None:
    random = np.random.default_rng(len(size))
    x, W, b = random.normal(size=(2, 2, *size)), random.normal(size=(3, 2, *kernel)), random.normal(size=3)
    layer = {"name": "conv", "type": kind, "activation": "tanh", "weights": W.tolist(), "bias": b.tolist()}
    found = handed_in(x, W, b, way)
    target = np.zeros_like(found["conv.a"]).tolist()
    checker = load_checker({"input": x.tolist(), "layers": [layer], "target": target, "loss": "half_square"}, {})
    result = checker.check(given_of(found))
    if way == "right":
        assert result.passed
        return
    first = {"forward": "z", "convolution": "z"}.get(way, way)
    assert [(one.mistake, one.quantity) for one in result.diagnosis] == [("kernel_flipped", f"conv.{first}")]
    assert not result.first_wrong
