"""The activations in plain NumPy, as a textbook has them: what nets in the tests are computed with."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def log_softmax(z: Array) -> Array:
    return z - z.max(axis=-1, keepdims=True) - np.log(np.exp(z - z.max(axis=-1, keepdims=True)).sum(-1, keepdims=True))


def softplus(z: Array) -> Array:
    return np.logaddexp(0.0, z)


def sigmoid(z: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-z))


def leaky(z: Array, alpha: Array) -> Array:
    return np.maximum(z, 0.0) + alpha * np.minimum(z, 0.0)


def elu(z: Array, alpha: float) -> Array:
    return np.maximum(z, 0.0) + alpha * np.expm1(np.minimum(z, 0.0))


def normal(z: Array) -> Array:
    return 0.5 * np.vectorize(math.erfc, otypes=[float])(-z / math.sqrt(2.0))


def erf(z: Array) -> Array:
    return np.vectorize(math.erf, otypes=[float])(z)


def sparsemax(z: Array) -> Array:
    """The threshold by trying every size of the support."""
    ordered = -np.sort(-z, axis=-1)
    tau = ((np.cumsum(ordered, axis=-1) - 1.0) / np.arange(1.0, z.shape[-1] + 1.0)).max(axis=-1, keepdims=True)
    return np.maximum(z - tau, 0.0)


def standardized(z: Array) -> Array:
    return (z - z.mean(axis=-1, keepdims=True)) / np.sqrt(z.var(axis=-1, keepdims=True) + 1e-5)


ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "identity": lambda z: z,
    "step": lambda z, at_zero=1.0: (z > 0) * 1.0,
    "sign": np.sign,
    "relu": lambda z: np.maximum(z, 0.0),
    "relu6": lambda z: np.clip(z, 0.0, 6.0),
    "relu_general": lambda z, negative_slope=0.0, max_value=np.inf: np.minimum(leaky(z, negative_slope), max_value),
    "leaky_relu": lambda z, alpha=0.01: leaky(z, alpha),
    "prelu": lambda z, alpha=0.25: leaky(z, alpha),
    "rrelu": lambda z: leaky(z, 11 / 48),
    "threshold": lambda z, theta=0.0, value=0.0: np.where(z > theta, z, value),
    "elu": lambda z, alpha=1.0: elu(z, alpha),
    "celu": lambda z, alpha=1.0: np.maximum(z, 0.0) + alpha * np.expm1(np.minimum(z, 0.0) / alpha),
    "selu": lambda z: 1.0507009873554805 * elu(z, 1.6732632423543772),
    "sigmoid": sigmoid,
    "tanh": np.tanh,
    "log_sigmoid": lambda z: -softplus(-z),
    "hard_sigmoid": lambda z: np.clip((z + 3) / 6, 0.0, 1.0),
    "hard_sigmoid_onnx": lambda z: np.clip(0.2 * z + 0.5, 0.0, 1.0),
    "hard_tanh": lambda z: np.clip(z, -1.0, 1.0),
    "hard_silu": lambda z: z * np.clip(z + 3, 0.0, 6.0) / 6,
    "sparse_sigmoid": lambda z: np.clip((z + 1) / 2, 0.0, 1.0),
    "sparse_plus": lambda z: np.where(z < 1, np.maximum(z + 1, 0.0) ** 2 / 4, z),
    "gelu": lambda z: z * normal(z),
    "gelu_tanh": lambda z: z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2,
    "silu": lambda z, beta=1.0: z * sigmoid(beta * z),
    "quick_gelu": lambda z: z * sigmoid(1.702 * z),
    "mish": lambda z: z * np.tanh(softplus(z)),
    "softplus": lambda z, beta=1.0: softplus(beta * z) / beta,
    "squareplus": lambda z, b=4.0: (z + np.sqrt(z * z + b)) / 2,
    "softsign": lambda z: z / (1 + np.abs(z)),
    "tanhshrink": lambda z: z - np.tanh(z),
    "softshrink": lambda z: np.sign(z) * np.maximum(np.abs(z) - 0.5, 0.0),
    "hardshrink": lambda z: np.where(np.abs(z) > 0.5, z, 0.0),
    "exponential": np.exp,
    "erf": erf,
    "ndtr": normal,
    "log_ndtr": lambda z: np.log(normal(z)),
    "softmax": softmax,
    "softmin": lambda z: softmax(-z),
    "log_softmax": log_softmax,
    "sparsemax": sparsemax,
    "standardize": standardized,
}
