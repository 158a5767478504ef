"""Every preset of conventions against its course's own code: straight-line NumPy in the course's letters and layout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradcalc.backpropagation import BackpropResult, backprop
from gradcalc.conventions import CONVENTIONS, OPTIONS

Array = Any
SPECS = Path(__file__).parent / "published" / "specs"

random = np.random.default_rng(6390)
X = random.standard_normal((4, 3))  # four examples of three features, in rows
V1, V2 = random.standard_normal((3, 2)), random.standard_normal((2, 3))
C1, C2 = random.standard_normal(2), random.standard_normal(3)
TARGETS = random.standard_normal((4, 3))
CLASSES = np.array([2, 0, 1, 2])
ONE_HOT = np.eye(3)[CLASSES]
LABELS = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 0.0]])

Preset = Callable[[], None]
PRESETS: dict[str, Preset] = {}


def preset(name: str) -> Callable[[Preset], Preset]:
    """The derivation that holds this preset."""

    def remember(check: Preset) -> Preset:
        PRESETS[name] = check
        return check

    return remember


def solved(convention: str, *, layers: list[dict[str, Any]], **keys: Any) -> BackpropResult:
    """The answer to a spec of arrays."""
    return backprop(plain({"convention": convention, "layers": layers, **keys}))


def plain(value: Any) -> Any:
    """Arrays as lists."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def agree(answer: BackpropResult, loss: float, **quantities: Array) -> None:
    """The loss and the quantities, each in the very shape in which the course has it."""
    assert answer.loss == pytest.approx(loss, rel=1e-12)
    for address, expected in quantities.items():
        found = answer.quantity(address)
        assert found.shape == np.shape(expected), address
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13, err_msg=address)


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-z))


def softmax(z: Array, axis: int) -> Array:
    return np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True)


@pytest.mark.parametrize("name", [convention.name for convention in CONVENTIONS])
def test_preset(name: str) -> None:
    PRESETS[name]()


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.name)
def test_explicit_keys_win(convention: Any) -> None:
    for option in OPTIONS:
        for choice in option.choices:
            if option.name != "bias":  # W would need another shape
                spec = {"convention": convention.name, "bias": "separate", option.name: choice, "input": [[1.0]]}
                assert backprop({**spec, "layers": []}).conventions[option.name] == choice


def test_presets_that_hold_published_numbers() -> None:
    lines = [line for path in SPECS.iterdir() for line in path.read_text("utf-8").splitlines()]
    used = {line.split()[1] for line in lines if line.startswith("convention:")}
    assert used >= {"cs231n", "deeplearning-ai", "coursera-ml", "udl", "cmu-11785-f22"}


@preset("default")
def _() -> None:
    """z = x W + b; the loss is summed over the outputs, then the mean over the examples is taken."""
    z1 = X @ V1 + C1
    a1 = np.tanh(z1)
    a2 = a1 @ V2 + C2
    da2 = (a2 - TARGETS) / 4
    dz1 = da2 @ V2.T * (1 - a1**2)
    agree(
        solved("default", input=X, target=TARGETS, loss="half_square", layers=[
            {"weights": V1, "bias": C1, "activation": "tanh"}, {"weights": V2, "bias": C2}]),
        ((a2 - TARGETS) ** 2 / 2).sum(axis=1).mean(),
        da2=da2, dW2=a1.T @ da2, db2=da2.sum(axis=0), dz1=dz1, dW1=X.T @ dz1, db1=dz1.sum(axis=0), da0=dz1 @ V1.T,
    )  # fmt: skip


@preset("mit-6390")
def _() -> None:
    """Columns, Z = W^T A + W0, losses summed over the examples, and ReLU'(0) = 1: one Z is exactly 0 here."""
    x, W, W0 = np.array([[1.0, 2.0], [-1.0, 1.0]]), np.array([[1.0, 3.0], [1.0, -1.0]]), np.array([[0.0], [-1.0]])
    V, V0, Y = V2, C2.reshape(-1, 1), ONE_HOT[:2].T
    Z1 = W.T @ x + W0
    assert Z1[0, 0] == 0
    A1 = np.maximum(0, Z1)
    A2 = softmax(V.T @ A1 + V0, axis=0)
    dLdZ2 = A2 - Y
    dLdA1 = V @ dLdZ2
    dLdZ1 = dLdA1 * (Z1 >= 0)
    agree(
        solved("mit-6390", input=x, target=Y, loss="nllm", layers=[
            {"weights": W, "bias": W0, "activation": "relu"}, {"weights": V, "bias": V0, "activation": "softmax"}]),
        -np.sum(Y * np.log(A2)),
        dZ2=dLdZ2, dW2=A1 @ dLdZ2.T, db2=dLdZ2.sum(axis=1, keepdims=True), da1=dLdA1, dZ1=dLdZ1,
        dW1=x @ dLdZ1.T, db1=dLdZ1.sum(axis=1, keepdims=True), da0=W @ dLdZ1,
    )  # fmt: skip


@preset("cs231n")
def _() -> None:
    """Assignment 2: dscores /= N, and 0.5 * reg * sum(W * W)."""
    reg, N = 0.3, 4
    hidden = np.maximum(0, X @ V1 + C1)
    probs = softmax(hidden @ V2 + C2, axis=1)
    data_loss = -np.log(probs[range(N), CLASSES]).sum() / N
    dscores = probs.copy()
    dscores[range(N), CLASSES] -= 1
    dscores /= N
    dhidden = dscores @ V2.T
    dhidden[hidden <= 0] = 0
    agree(
        solved("cs231n", input=X, target_classes=CLASSES, loss="softmax_cross_entropy",
               regularization=[{"norm": "half_l2_squared", "strength": reg}],
               layers=[{"weights": V1, "bias": C1, "activation": "relu"}, {"weights": V2, "bias": C2}]),
        data_loss + 0.5 * reg * (V1 * V1).sum() + 0.5 * reg * (V2 * V2).sum(),
        da2=dscores, dW2=hidden.T @ dscores + reg * V2, db2=dscores.sum(axis=0),
        dz1=dhidden, dW1=X.T @ dhidden + reg * V1, db1=dhidden.sum(axis=0), da0=dhidden @ V1.T,
    )  # fmt: skip


@preset("deeplearning-ai")
def _() -> None:
    """Course 1, week 3: dZ stays per example, 1/m stands in dW and db; course 2's lambda/(2m)."""
    lambd, m = 0.7, 4
    A0, Y, W1, W2, b1, b2 = X.T, LABELS.T, V1.T, V2.T, C1.reshape(-1, 1), C2.reshape(-1, 1)
    A1 = np.tanh(W1 @ A0 + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    cost = -1 / m * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    dZ2 = A2 - Y
    dA1 = W2.T @ dZ2
    dZ1 = dA1 * (1 - A1**2)
    agree(
        solved("deeplearning-ai", input=A0, target=Y, loss="bce",
               regularization=[{"norm": "half_l2_squared", "strength": lambd, "per_example": True}],
               layers=[{"weights": W1, "bias": b1, "activation": "tanh"},
                       {"weights": W2, "bias": b2, "activation": "sigmoid"}]),
        cost + lambd / (2 * m) * (np.sum(W1**2) + np.sum(W2**2)),
        dA2=-(Y / A2 - (1 - Y) / (1 - A2)), dZ2=dZ2, dA1=dA1, dZ1=dZ1, dA0=W1.T @ dZ1,
        dW2=1 / m * dZ2 @ A1.T + lambd / m * W2, db2=1 / m * np.sum(dZ2, axis=1, keepdims=True),
        dW1=1 / m * dZ1 @ A0.T + lambd / m * W1, db1=1 / m * np.sum(dZ1, axis=1, keepdims=True),
    )  # fmt: skip


@preset("coursera-ml")
def _() -> None:
    """Exercise 4: [ones(m, 1) X] * Theta', labels from 1, the first column of Theta not penalised."""
    lambd, m = 3.0, 4
    Theta1, Theta2 = np.column_stack([C1, V1.T]), np.column_stack([C2, V2.T])
    a1 = np.column_stack([np.ones(m), X])
    a2 = np.column_stack([np.ones(m), sigmoid(a1 @ Theta1.T)])
    h = sigmoid(a2 @ Theta2.T)
    J = np.sum(-ONE_HOT * np.log(h) - (1 - ONE_HOT) * np.log(1 - h)) / m
    J += lambd / (2 * m) * (np.sum(Theta1[:, 1:] ** 2) + np.sum(Theta2[:, 1:] ** 2))
    delta3 = h - ONE_HOT
    delta2 = (delta3 @ Theta2)[:, 1:] * a2[:, 1:] * (1 - a2[:, 1:])
    Theta1_grad, Theta2_grad = delta2.T @ a1 / m, delta3.T @ a2 / m
    Theta1_grad[:, 1:] += lambd / m * Theta1[:, 1:]
    Theta2_grad[:, 1:] += lambd / m * Theta2[:, 1:]
    agree(
        solved("coursera-ml", input=X, target_classes=CLASSES + 1, loss="bce",
               regularization=[{"norm": "half_l2_squared", "strength": lambd, "per_example": True}],
               layers=[{"weights": Theta1, "activation": "sigmoid"}, {"weights": Theta2, "activation": "sigmoid"}]),
        J, dz2=delta3, dz1=delta2, dW1=Theta1_grad, dW2=Theta2_grad,
    )  # fmt: skip


@preset("nielsen")
def _() -> None:
    """Chapter 2, example by example: C = 1/(2n) sum ||y - a||^2, and nabla_w is divided by n in the update alone."""
    n, eta = 4, 3.0
    w1, w2, b1, b2 = V1.T, V2.T, C1.reshape(-1, 1), C2.reshape(-1, 1)
    cost, nabla = 0.0, [np.zeros_like(p) for p in (w1, b1, w2, b2)]
    deltas = []
    for x, y in zip(X, LABELS, strict=True):
        a0, y = x.reshape(-1, 1), y.reshape(-1, 1)
        a1 = sigmoid(w1 @ a0 + b1)
        a2 = sigmoid(w2 @ a1 + b2)
        cost += np.sum((y - a2) ** 2) / (2 * n)
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = w2.T @ delta2 * a1 * (1 - a1)
        deltas.append(delta1)
        for total, part in zip(nabla, (delta1 @ a0.T, delta1, delta2 @ a1.T, delta2), strict=True):
            total += part
    agree(
        solved("nielsen", input=X.T, target=LABELS.T, loss="half_square", learning_rate=eta,
               layers=[{"weights": w1, "bias": b1, "activation": "sigmoid"},
                       {"weights": w2, "bias": b2, "activation": "sigmoid"}]),
        cost, dz1=np.hstack(deltas), dW1=nabla[0] / n, db1=nabla[1] / n, dW2=nabla[2] / n, db2=nabla[3] / n,
        W1_new=w1 - eta / n * nabla[0], b2_new=b2 - eta / n * nabla[3],
    )  # fmt: skip


@preset("udl")
def _() -> None:
    """Chapter 7: plain squares summed, and the indicator f > 0, which is 0 at the kink: one f is exactly 0 here."""
    x, y = np.array([[1.0, 2.0]]), np.array([[0.5, -1.0]])
    Omega0, beta0 = np.array([[1.0], [2.0]]), np.array([[-1.0], [0.5]])
    Omega1, beta1 = np.array([[0.7, -0.3]]), np.array([[0.2]])
    f0 = beta0 + Omega0 @ x
    assert f0[0, 0] == 0
    h1 = np.maximum(f0, 0)
    f1 = beta1 + Omega1 @ h1
    dl_df1 = 2 * (f1 - y)
    dl_dh1 = Omega1.T @ dl_df1
    dl_df0 = (f0 > 0) * dl_dh1
    agree(
        solved("udl", input=x, target=y, loss="square", layers=[
            {"weights": Omega0, "bias": beta0, "activation": "relu"}, {"weights": Omega1, "bias": beta1}]),
        np.sum((f1 - y) ** 2),
        dz2=dl_df1, db2=dl_df1.sum(axis=1, keepdims=True), dW2=dl_df1 @ h1.T, da1=dl_dh1,
        dz1=dl_df0, db1=dl_df0.sum(axis=1, keepdims=True), dW1=dl_df0 @ x.T, da0=Omega0.T @ dl_df0,
    )  # fmt: skip


@preset("cmu-11785")
def _() -> None:
    """Homework 1 from Fall 2023: MSE = sse / (N C) and dLdA = 2 (A - Y) / (N C); Linear has no 1/N."""
    N, C = TARGETS.shape
    W1, W2, b1, b2 = V1.T, V2.T, C1.reshape(-1, 1), C2.reshape(-1, 1)
    ones = np.ones((N, 1))
    A1 = np.maximum(0, X @ W1.T + ones @ b1.T)
    A2 = A1 @ W2.T + ones @ b2.T
    dLdA2 = 2 * (A2 - TARGETS) / (N * C)
    dLdA1 = dLdA2 @ W2
    dLdZ1 = dLdA1 * (A1 > 0)
    agree(
        solved("cmu-11785", input=X, target=TARGETS, loss="square", layers=[
            {"weights": W1, "bias": b1, "activation": "relu"}, {"weights": W2, "bias": b2}]),
        np.sum((A2 - TARGETS) ** 2) / (N * C),
        dA2=dLdA2, dW2=dLdA2.T @ A1, db2=dLdA2.T @ ones, dA1=dLdA1, dZ1=dLdZ1, dW1=dLdZ1.T @ X, db1=dLdZ1.T @ ones,
        dA0=dLdZ1 @ W1,
    )  # fmt: skip


@preset("cmu-11785-f22")
def _() -> None:
    """Homework 1 of Fall 2022: cross-entropy's dLdA is softmax - Y unscaled; Linear divides dLdW and dLdb by N."""
    N = 4
    W1, W2, b1, b2 = V1.T, V2.T, C1.reshape(-1, 1), C2.reshape(-1, 1)
    ones = np.ones((N, 1))
    A1 = sigmoid(X @ W1.T + ones @ b1.T)
    A2 = A1 @ W2.T + ones @ b2.T
    dLdA2 = softmax(A2, axis=1) - ONE_HOT
    dLdZ1 = dLdA2 @ W2 * (A1 - A1 * A1)
    agree(
        solved("cmu-11785-f22", input=X, target=ONE_HOT, loss="softmax_cross_entropy", layers=[
            {"weights": W1, "bias": b1, "activation": "sigmoid"}, {"weights": W2, "bias": b2}]),
        np.sum(-ONE_HOT * np.log(softmax(A2, axis=1))) / N,
        dA2=dLdA2, dW2=dLdA2.T @ A1 / N, db2=dLdA2.T @ ones / N, dZ1=dLdZ1, dW1=dLdZ1.T @ X / N,
        db1=dLdZ1.T @ ones / N, dA0=dLdZ1 @ W1,
    )  # fmt: skip


@preset("pytorch")
def _() -> None:
    """nn.Linear and nn.MSELoss(): the mean is over all elements."""
    W1, W2 = V1.T, V2.T
    h = np.maximum(X @ W1.T + C1, 0)
    out = h @ W2.T + C2
    grad_out = 2 * (out - TARGETS) / TARGETS.size
    grad_z = grad_out @ W2 * (h > 0)
    agree(
        pytorch_net("square", TARGETS),
        ((out - TARGETS) ** 2).mean(),
        da2=grad_out, dW2=grad_out.T @ h, db2=grad_out.sum(axis=0), dW1=grad_z.T @ X, db1=grad_z.sum(axis=0),
        da0=grad_z @ W1,
    )  # fmt: skip


def pytorch_net(loss: str, target: Array, convention: str = "pytorch") -> BackpropResult:
    """A net as PyTorch has it: W is (out, in), b is flat."""
    return solved(
        convention, input=X, loss=loss, **({"target_classes": target} if target.ndim == 1 else {"target": target}),
        layers=[{"weights": V1.T, "bias": C1, "activation": "relu"}, {"weights": V2.T, "bias": C2}],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "theirs", "target"),
    [
        ("square", "mse_loss", TARGETS),
        ("absolute", "l1_loss", TARGETS),
        ("bce_with_logits", "binary_cross_entropy_with_logits", LABELS),
        ("softmax_cross_entropy", "cross_entropy", CLASSES),
    ],
)
def test_pytorch_itself(loss: str, theirs: str, target: Array) -> None:
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(array, requires_grad=True) for array in (X, V1.T.copy(), C1, V2.T.copy(), C2)]
    x, W1, b1, W2, b2 = tensors
    linear = torch.nn.functional.linear
    found = getattr(torch.nn.functional, theirs)(linear(torch.relu(linear(x, W1, b1)), W2, b2), torch.tensor(target))
    found.backward()
    gradients = {name: t.grad.numpy() for name, t in zip(("da0", "dW1", "db1", "dW2", "db2"), tensors, strict=True)}
    agree(pytorch_net(loss, target), found.item(), **gradients)


@preset("keras")
def _() -> None:
    """Dense(units) keeps its kernel (inputs, units); the loss is the mean over the last axis, then over the batch."""
    out = np.tanh(X @ V1 + C1) @ V2 + C2
    per_example = np.mean(np.abs(out - TARGETS), axis=-1)
    gradient = np.sign(out - TARGETS) / 3 / 4
    layers = [{"weights": V1, "bias": C1, "activation": "tanh"}, {"weights": V2, "bias": C2}]
    hidden = np.tanh(X @ V1 + C1)
    for loss in ("absolute", "mae"):
        agree(
            solved("keras", input=X, target=TARGETS, loss=loss, layers=layers),
            per_example.mean(),
            da2=gradient, dW2=hidden.T @ gradient, db2=gradient.sum(axis=0),
            dW1=X.T @ (gradient @ V2.T * (1 - hidden**2)),
        )  # fmt: skip
    probabilities = softmax(out, axis=1)
    agree(
        solved("keras", input=X, target=ONE_HOT, loss="categorical_cross_entropy",
               layers=[layers[0], {**layers[1], "activation": "softmax"}]),
        -np.log(probabilities[range(4), CLASSES]).mean(),
        dz2=(probabilities - ONE_HOT) / 4,
    )  # fmt: skip
