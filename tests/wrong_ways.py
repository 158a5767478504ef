"""Random nets computed in straight lines of NumPy, right or with one mistake planted: what students would hand in."""

from __future__ import annotations

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
    W = [random.standard_normal((n, m)) for n, m in zip(sizes, sizes[1:], strict=False)]
    b = [random.standard_normal(m) for m in sizes[1:]]
    return Net(W, b, hidden, x, y, loss, 0.25, float(random.choice([0.0, 0.3])))


#: Mistakes of a layer, and those of the whole net, which are made at its output.
IN_LAYERS = (
    "sign_flipped da", "sign_flipped dz", "sign_flipped dW", "sign_flipped db", "constant_factor dz",
    "constant_factor dW", "not_averaged_over_batch dW", "not_averaged_over_batch", "averaged_over_batch_twice",
    "transposed", "missing_activation_derivative", "derivative_at_output", "derivative_of_output_as_input",
    "bias_not_summed rows", "bias_not_summed first", "bias_summed_over_units", "preactivation_used dW",
    "preactivation_used", "weights_updated_first", "weights_not_transposed_back", "sum_over_outputs_missing",
    "gradient_of_other_layer", "new_weights_given", "regularization_missing", "regularization_factor",
    "regularization_on_bias", "softmax_elementwise", "bias_missing", "weights_given",
)  # fmt: skip
OF_THE_NET = (
    "sign_flipped loss", "sign_flipped y - a", "constant_factor loss", "constant_factor half", "log_base",
    "log_base loss", "wrong_loss", "softmax_applied_twice", "softmax_applied_twice loss",
    "target_and_prediction_swapped", "not_averaged_over_batch loss", "regularization_missing loss",
)  # fmt: skip


def answers(net: Net, mistake: str = "", at: int = -1) -> dict[str, Array] | None:
    """Every quantity under one mistake, made in the layer `at`; None where the net has no place for it."""
    found: dict[str, Array] = {}
    name = mistake.partition(" ")[0]
    N, last = len(net.x), len(net.W) - 1
    a = net.x
    z_before = None
    for i, (W, b, f) in enumerate(zip(net.W, net.b, net.f, strict=True)):
        here = i == at
        x = a
        if mistake == "preactivation_used" and here:
            if z_before is None:
                return None
            x = z_before
        z = x @ W if mistake == "bias_missing" and here else x @ W + b
        a = softmax(z) if f == "softmax" else FUNCTIONS[f][0](z)
        if mistake == "softmax_applied_twice" and i == last:
            if f != "softmax":
                return None
            a = softmax(a)
        found |= {f"x{i}": x, f"z{i + 1}": z, f"a{i + 1}": a}
        z_before = z
    start = _loss(net, mistake, a, found[f"z{last + 1}"])
    if start is None:
        return None
    found["loss"], da, dz_known = start
    for i in reversed(range(len(net.W))):
        here = i == at
        W, b, f, z, x, a = net.W[i], net.b[i], net.f[i], found[f"z{i + 1}"], found[f"x{i}"], found[f"a{i + 1}"]
        if mistake == "sign_flipped da" and here:
            da, dz_known = -da, None if dz_known is None else -dz_known
        if f == "softmax":
            once = softmax(z)
            dz = once * (da - (da * once).sum(axis=1, keepdims=True))
        else:
            dz = da * FUNCTIONS[f][1](z)
        if dz_known is not None:
            dz = dz_known
        if here and name == "missing_activation_derivative":
            dz = da
        if here and name == "softmax_elementwise":
            if f != "softmax":
                return None
            dz = da * a * (1 - a)
        if here and name == "derivative_at_output":
            if f == "softmax":
                s = softmax(a)
                dz = s * (da - (da * s).sum(axis=1, keepdims=True))
            else:
                dz = da * FUNCTIONS[f][1](a)
        if here and name == "derivative_of_output_as_input":
            if f == "softmax" or FUNCTIONS[f][2] is None:
                return None
            dz = da * FUNCTIONS[f][2](z)
        if here and mistake == "sign_flipped dz":
            dz = -dz
        if here and mistake == "constant_factor dz":
            dz = 2 * dz
        dz_known = None
        used = x
        if here and mistake == "preactivation_used dW":
            if i == 0:
                return None
            used = found[f"z{i}"]
        dW, db = used.T @ dz, dz.sum(axis=0)
        if here and name == "not_averaged_over_batch":
            dW = dW * N
            db = db if mistake.endswith("dW") else db * N
        if here and name == "averaged_over_batch_twice":
            dW, db = dW / N, db / N
        penalty = 0.0 if here and mistake == "regularization_missing" else net.strength
        penalty *= 2 if here and name == "regularization_factor" else 1
        dW = dW + penalty * W
        if here and mistake == "regularization_on_bias":
            db = db + net.strength * b
        if here and mistake == "sign_flipped dW":
            dW = -dW
        if here and mistake == "sign_flipped db":
            db = -db
        if here and mistake == "constant_factor dW":
            dW = dW / 2
        if here and mistake == "bias_summed_over_units":
            db = np.full_like(db, db.sum())
        if here and mistake == "bias_not_summed first":
            db = dz[0]
        W_new, b_new = W - net.rate * dW, b - net.rate * db
        dx = dz @ W.T
        if here and name == "weights_updated_first":
            if i == 0:
                return None
            dx = dz @ W_new.T
        if here and name == "weights_not_transposed_back":
            if W.shape[0] != W.shape[1]:
                return None
            dx = dz @ W
        if here and name == "sum_over_outputs_missing":
            dx = dz[:, :1] * W[:, 0]
        found |= {f"da{i + 1}": da, f"dz{i + 1}": dz, f"dW{i + 1}": dW, f"db{i + 1}": db}
        found |= {f"dx{i + 1}": dx, f"W{i + 1}_new": W_new, f"b{i + 1}_new": b_new}
        if here and mistake == "bias_not_summed rows":
            found[f"db{i + 1}"] = dz
        if here and mistake == "transposed":
            found[f"dW{i + 1}"] = dW.T
        if here and mistake == "new_weights_given":
            found |= {f"dW{i + 1}": W_new, f"db{i + 1}": b_new}
        if here and mistake == "weights_given":
            found |= {f"dW{i + 1}": W, f"db{i + 1}": b}
        da = dx
    if mistake == "gradient_of_other_layer":
        others = [j for j in range(len(net.W)) if j != at and net.W[j].shape == net.W[at].shape]
        if not others:
            return None
        found[f"dW{at + 1}"] = found[f"dW{others[0] + 1}"]
    return {key: value for key, value in found.items() if key[0] != "x"}


def _loss(net: Net, mistake: str, a: Array, z: Array) -> tuple[float, Array, Array | None] | None:
    """The loss, its gradient by the output, and dz where it is formed as a - y."""
    y, N = net.y, len(net.x)
    name = mistake.partition(" ")[0]
    dz = None
    if net.loss == "half_squared_error":
        loss, da = ((a - y) ** 2).sum() / 2 / N, (a - y) / N
    elif net.loss == "squared_error":
        loss, da = ((a - y) ** 2).sum() / N, 2 * (a - y) / N
    elif net.loss == "binary_cross_entropy":
        loss = -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum() / N
        da = (a - y) / (a * (1 - a)) / N
    else:
        loss, da = -(y * np.log(a)).sum() / N, -y / a / N
    if name == "wrong_loss":
        other = (a - y) / N if net.loss != "half_squared_error" else (a - y) / (a * (1 - a)) / N
        if net.loss == "squared_error" or not ((a > 0) & (a < 1)).all():
            return None
        loss, da = (((a - y) ** 2).sum() / 2 / N, other) if net.loss != "half_squared_error" else (
            -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum() / N, other,
        )  # fmt: skip
    if name == "log_base":
        if net.loss not in ("binary_cross_entropy", "cross_entropy"):
            return None
        loss = loss / np.log(2)
        da = da if mistake.endswith("loss") else da / np.log(2)
    if name == "softmax_applied_twice" and net.loss != "cross_entropy":
        return None
    if mistake == "softmax_applied_twice loss":  # probabilities into a loss that takes logits
        again = softmax(a)
        loss, da = -(y * np.log(again)).sum() / N, (again - y) / N
    if name == "target_and_prediction_swapped":
        if net.loss != "binary_cross_entropy":
            return None
        loss = -(a * np.log(y) + (1 - a) * np.log(1 - y)).sum() / N
        da = (y - a) / (y * (1 - y)) / N
    if mistake == "constant_factor half":
        loss, da = loss / 2, da / 2
    if mistake == "sign_flipped y - a":
        da = -da
    if mistake == "not_averaged_over_batch loss":
        loss, da = loss * N, da * N
    penalty = net.strength / 2 * sum((W**2).sum() for W in net.W)
    loss = loss + (0.0 if mistake == "regularization_missing loss" else penalty)
    factor = {"sign_flipped loss": -1, "constant_factor loss": 2}.get(mistake, 1)
    return float(loss * factor), da, dz
