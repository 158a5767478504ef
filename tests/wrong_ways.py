"""Random nets computed in straight lines of NumPy, right or with one mistake planted: what students would hand in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

Array = Any


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


#: Each function with its slope f'(z), and its slope written in terms of the output where it has one.
FUNCTIONS: dict[str, tuple[Any, Any, Any]] = {
    "sigmoid": (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)), lambda a: a * (1 - a)),
    "tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda a: 1 - a**2),
    "relu": (lambda z: np.maximum(z, 0), lambda z: (z > 0) * 1.0, None),
    "softplus": (lambda z: np.log(1 + np.exp(z)), sigmoid, lambda a: 1 - np.exp(-a)),
    "elu": (
        lambda z: np.where(z > 0, z, np.expm1(z)), lambda z: np.where(z > 0, 1.0, np.exp(z)),
        lambda a: np.where(a > 0, 1.0, a + 1),
    ),
    "leaky_relu": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1.0, 0.01), None),
    "softsign": (lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2, lambda a: (1 - abs(a)) ** 2),
    "identity": (lambda z: z, np.ones_like, None),
}  # fmt: skip


class Net(NamedTuple):
    """A net of dense layers on a batch: rows are examples, W is (inputs, units)."""

    W: list[Array]
    b: list[Array]
    f: list[str]
    x: Array
    y: Array
    loss: str
    rate: float
    strength: float

    def spec(self) -> dict[str, Any]:
        """What `check` is told."""
        layers = [
            {"activation": f, "weights": W.tolist(), "bias": b.tolist()}
            for W, b, f in zip(self.W, self.b, self.f, strict=True)
        ]
        given = {"input": self.x.tolist(), "target": self.y.tolist(), "loss": self.loss}
        penalty = [{"norm": "half_l2_squared", "strength": self.strength}] if self.strength else []
        return {**given, "learning_rate": self.rate, "layers": layers, "regularization": penalty}


def draw(random: np.random.Generator, depth: int) -> Net:
    """A net of that many layers."""
    sizes = [int(n) for n in random.integers(2, 5, depth + 1)]
    if depth > 1 and random.integers(2):
        sizes = [sizes[0]] * (depth + 1)  # square weights, for what can go wrong only there
    loss = str(random.choice(["half_squared_error", "squared_error", "binary_cross_entropy", "cross_entropy"]))
    last = {"binary_cross_entropy": "sigmoid", "cross_entropy": "softmax"}.get(loss)
    hidden = [str(f) for f in random.choice(list(FUNCTIONS)[:-1], depth)]
    if last:
        hidden[-1] = last
    elif random.integers(4) == 0:
        hidden[-1] = "softmax"
    count = int(random.integers(1, 5))
    y = random.random((count, sizes[-1]))
    if loss == "cross_entropy":
        y = np.eye(sizes[-1])[random.integers(0, sizes[-1], count)]
    x = random.standard_normal((count, sizes[0]))
    W = [random.standard_normal((n, m)) for n, m in pairwise(sizes)]
    b = [random.standard_normal(m) for m in sizes[1:]]
    return Net(W, b, hidden, x, y, loss, 0.25, float(random.choice([0.0, 0.3])))


#: Mistakes of a layer, and those of the whole net, which are made at its output.
IN_LAYERS = (
    "sign_flipped da", "sign_flipped dz", "sign_flipped dW", "sign_flipped db", "constant_factor dz",
    "constant_factor dW", "not_averaged_over_batch dW", "not_averaged_over_batch", "averaged_over_batch_twice",
    "transposed", "missing_activation_derivative", "derivative_at_output", "derivative_of_output_as_input",
    "bias_not_summed rows", "bias_not_summed first", "bias_summed_over_units", "preactivation_used dW",
    "preactivation_used", "weights_updated_first", "weights_not_transposed_back", "sum_over_outputs_missing",
    "gradient_of_other_layer", "gradient_of_other_layer both", "new_weights_given", "regularization_missing",
    "regularization_factor", "regularization_on_bias", "softmax_elementwise", "bias_missing", "weights_given",
    "weights_not_summed",
)  # fmt: skip
OF_THE_NET = (
    "sign_flipped loss", "sign_flipped y - a", "constant_factor loss", "constant_factor half", "log_base",
    "log_base loss", "wrong_loss", "softmax_applied_twice", "softmax_applied_twice loss",
    "target_and_prediction_swapped", "not_averaged_over_batch loss", "regularization_missing loss",
    "not_averaged_over_batch loss alone",
)  # fmt: skip


class Impossible(Exception):  # noqa: N818  # no error: a net in which that mistake cannot be made
    """The net has no place for that mistake."""


#: What is planted: a mistake by layer, -1 for the whole net.
Planted = Mapping[int, str]


def answers(net: Net, planted: Planted) -> dict[str, Array]:
    """Every quantity under these mistakes. Errors: Impossible."""
    found = _forward(net, planted)
    last = len(net.W)
    found["loss"], da = _loss(net, planted.get(-1, ""), found[f"a{last}"])
    for i in reversed(range(last)):
        found |= _back(net, found, i, planted.get(i, ""), da)
        da = found[f"dx{i + 1}"]
    for i, mistake in planted.items():
        _written(net, found, i, mistake)
    return {key: value for key, value in found.items() if key[0] != "x"}


def _forward(net: Net, planted: Planted) -> dict[str, Array]:
    found: dict[str, Array] = {"a0": net.x}
    for i, (W, b, f) in enumerate(zip(net.W, net.b, net.f, strict=True)):
        mistake = planted.get(i, "")
        if mistake.startswith("preactivation_used") and i == 0:
            raise Impossible
        x = found[f"z{i}"] if mistake == "preactivation_used" else found[f"a{i}"]
        z = x @ W if mistake == "bias_missing" else x @ W + b
        a = softmax(z) if f == "softmax" else FUNCTIONS[f][0](z)
        if planted.get(-1) == "softmax_applied_twice" and i == len(net.W) - 1:
            a = softmax(a)
        found |= {f"x{i + 1}": x, f"z{i + 1}": z, f"a{i + 1}": a}
    return {key: value for key, value in found.items() if key != "a0"}


def _back(net: Net, found: Mapping[str, Array], i: int, mistake: str, da: Array) -> dict[str, Array]:
    """One layer's way back."""
    da = -da if mistake == "sign_flipped da" else da
    W, b, x = net.W[i], net.b[i], found[f"x{i + 1}"]
    dz = _dz(net.f[i], found[f"z{i + 1}"], found[f"a{i + 1}"], da, mistake)
    used = found[f"z{i}"] if mistake == "preactivation_used dW" else x
    dW, db = _of_parameters(net, i, used, dz, mistake)
    W_new, b_new = W - net.rate * dW, b - net.rate * db
    dx = dz @ W.T
    if mistake == "weights_updated_first":
        if i == 0:
            raise Impossible
        dx = dz @ W_new.T
    if mistake == "weights_not_transposed_back":
        if W.shape[0] != W.shape[1]:
            raise Impossible
        dx = dz @ W
    if mistake == "sum_over_outputs_missing":
        dx = dz[:, :1] * W[:, 0]
    named = {"da": da, "dz": dz, "dW": dW, "db": db, "dx": dx}
    return {f"{name}{i + 1}": q for name, q in named.items()} | {f"W{i + 1}_new": W_new, f"b{i + 1}_new": b_new}


def _dz(f: str, z: Array, a: Array, da: Array, mistake: str) -> Array:
    """dL/dz."""
    if mistake == "missing_activation_derivative":
        return da
    if mistake == "softmax_elementwise":
        if f != "softmax":
            raise Impossible
        return da * a * (1 - a)
    if mistake == "derivative_at_output":
        return _through(f, a, da)
    if mistake == "derivative_of_output_as_input":
        if f == "softmax" or FUNCTIONS[f][2] is None:
            raise Impossible
        return da * FUNCTIONS[f][2](z)
    return _through(f, z, da) * {"sign_flipped dz": -1, "constant_factor dz": 2}.get(mistake, 1)


def _through(f: str, z: Array, da: Array) -> Array:
    if f == "softmax":
        s = softmax(z)
        return s * (da - (da * s).sum(axis=1, keepdims=True))
    return da * FUNCTIONS[f][1](z)


def _of_parameters(net: Net, i: int, x: Array, dz: Array, mistake: str) -> tuple[Array, Array]:
    """dW and db."""
    N = len(net.x)
    dW, db = x.T @ dz, dz.sum(axis=0)
    dW = dW * {"not_averaged_over_batch dW": N, "not_averaged_over_batch": N, "averaged_over_batch_twice": 1 / N}.get(
        mistake, 1
    )
    db = db * {"not_averaged_over_batch": N, "averaged_over_batch_twice": 1 / N}.get(mistake, 1)
    if mistake == "weights_not_summed":
        dW = x[:1].T @ dz[:1]
    dW = dW + net.strength * net.W[i] * {"regularization_missing": 0, "regularization_factor": 2}.get(mistake, 1)
    if mistake == "regularization_on_bias":
        db = db + net.strength * net.b[i]
    if mistake == "bias_summed_over_units":
        db = np.full_like(db, db.sum())
    if mistake == "bias_not_summed first":
        db = dz[0]
    dW = dW * {"sign_flipped dW": -1, "constant_factor dW": 0.5}.get(mistake, 1)
    return dW, -db if mistake == "sign_flipped db" else db


def _written(net: Net, found: dict[str, Array], i: int, mistake: str) -> None:
    """What goes wrong when the numbers are written down."""
    dW, db = f"dW{i + 1}", f"db{i + 1}"
    if mistake == "bias_not_summed rows":
        found[db] = found[f"dz{i + 1}"]
    if mistake == "transposed":
        found[dW] = found[dW].T
    if mistake == "new_weights_given":
        found |= {dW: found[f"W{i + 1}_new"], db: found[f"b{i + 1}_new"]}
    if mistake == "weights_given":
        found |= {dW: net.W[i], db: net.b[i]}
    if mistake.startswith("gradient_of_other_layer"):
        others = [j for j in range(len(net.W)) if j != i and net.W[j].shape == net.W[i].shape]
        if not others:
            raise Impossible
        found[dW] = found[f"dW{others[0] + 1}"]
        if mistake.endswith("both"):
            found[db] = found[f"db{others[0] + 1}"]


def _loss(net: Net, mistake: str, a: Array) -> tuple[float, Array]:
    """The loss with its penalty, and its gradient by the output."""
    y, N = net.y, len(net.x)
    name = mistake.partition(" ")[0]
    kind = net.loss
    logs = kind in ("binary_cross_entropy", "cross_entropy")
    if (name == "log_base" and not logs) or (name == "softmax_applied_twice" and kind != "cross_entropy"):
        raise Impossible
    if name == "target_and_prediction_swapped" and kind != "binary_cross_entropy":
        raise Impossible
    if name == "wrong_loss":
        kind = {"half_squared_error": "binary_cross_entropy"}.get(kind, "half_squared_error")
        if net.loss == "squared_error" or not ((a > 0) & (a < 1)).all():
            raise Impossible
    loss, da = _data_loss(kind, a, y)
    if mistake == "softmax_applied_twice loss":  # probabilities into a loss that takes logits
        loss, da = _data_loss("cross_entropy", softmax(a), y)[0], softmax(a) - y
    if name == "target_and_prediction_swapped":
        loss, da = _data_loss(kind, y, a)
    factor = {
        "constant_factor half": 0.5, "not_averaged_over_batch loss": N, "log_base": 1 / np.log(2),
    }.get(mistake, 1)  # fmt: skip
    loss, da = loss * factor / N, da * factor / N
    if mistake == "not_averaged_over_batch loss alone":
        loss = loss * N
    if mistake == "log_base loss":
        loss = loss / np.log(2)
    penalty = 0 if mistake == "regularization_missing loss" else net.strength / 2 * sum((W**2).sum() for W in net.W)
    total = (loss + penalty) * {"sign_flipped loss": -1, "constant_factor loss": 2}.get(mistake, 1)
    return float(total), -da if mistake == "sign_flipped y - a" else da


def _data_loss(kind: str, a: Array, y: Array) -> tuple[float, Array]:
    """The sum over the examples, and its gradient."""
    if kind == "half_squared_error":
        return ((a - y) ** 2).sum() / 2, a - y
    if kind == "squared_error":
        return ((a - y) ** 2).sum(), 2 * (a - y)
    if kind == "binary_cross_entropy":
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(), (a - y) / (a * (1 - a))
    return -np.where(y > 0, y * np.log(a), 0.0).sum(), -y / a
