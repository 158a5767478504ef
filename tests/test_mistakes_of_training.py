"""Mistakes in specs of many steps: made in every step, so that training goes elsewhere, or in the last pass alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradcalc.checking.answers import given_of
from gradcalc.checking.api import load_checker

Array = Any

X, Y = np.array([[0.3, -1.2], [1.0, 0.4], [0.5, 0.6]]), np.array([[1.0], [0.5], [-1.0]])
W1, B1, W2, B2 = np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([0.1, 0.2]), np.array([[0.7], [-0.8]]), np.array([0.3])
STEPS, RATE = 12, 0.2

SPEC = {
    "input": X.tolist(), "target": Y.tolist(), "loss": "half_square", "learning_rate": RATE, "steps": STEPS,
    "layers": [
        {"name": "h", "activation": "tanh", "weights": W1.tolist(), "bias": B1.tolist()},
        {"name": "o", "weights": W2.tolist(), "bias": B2.tolist()},
    ],
}  # fmt: skip

#: How a pass goes wrong: gradients from those that are right, a1 and dz1 as f' leaves it out.
Wrong = Callable[[dict[str, Array], Array, Array], dict[str, Array]]

WRONG: dict[str, Wrong] = {
    "missing_activation_derivative h": lambda right, _, da1: {**right, "dW1": X.T @ da1, "db1": da1.sum(axis=0)},
    "not_averaged_over_batch h": lambda right, *_: {**right, "dW1": 3 * right["dW1"], "db1": 3 * right["db1"]},
    "bias_not_summed o": lambda right, *_: {**right, "db2": right["dz2"][0]},
    "weights_not_summed o": lambda right, a1, _: {**right, "dW2": a1[:1].T @ right["dz2"][:1]},
}


def trained(wrong: Wrong | None, *, from_step: int) -> dict[str, Array]:
    """The quantities of the last pass; wrong in that step and the later ones."""
    W, b, V, c = W1, B1, W2, B2
    for step in range(STEPS):
        a1 = np.tanh(X @ W + b)
        z2 = a1 @ V + c
        dz2 = (z2 - Y) / len(X)
        da1 = dz2 @ V.T
        dz1 = da1 * (1 - a1**2)
        found = {"dz2": dz2, "dW2": a1.T @ dz2, "db2": dz2.sum(axis=0), "dW1": X.T @ dz1, "db1": dz1.sum(axis=0)}
        if wrong is not None and step >= from_step:
            found = wrong(found, a1, da1)
        W, b, V, c = (q - RATE * found[d] for q, d in ((W, "dW1"), (b, "db1"), (V, "dW2"), (c, "db2")))
        found |= {"z1": np.arctanh(a1), "loss": ((z2 - Y) ** 2).sum() / 2 / len(X)}
        found |= {"W1_new": W, "b1_new": b, "W2_new": V, "b2_new": c}
    return found


def test_a_right_training_passes() -> None:
    assert load_checker(SPEC, {}).check(given_of(trained(None, from_step=0))).passed


@pytest.mark.parametrize("from_step", [0, STEPS - 1], ids=["every step", "last pass"])
def test_a_mistake_is_named_where_it_was_made(from_step: int) -> None:
    checker = load_checker(SPEC, {})
    for name, wrong in WRONG.items():
        mistake, layer = name.split()
        numbers = trained(wrong, from_step=from_step)
        for given in (numbers, {key: numbers[key] for key in ("dW1", "db1", "dW2", "db2")}):
            result = checker.check(given_of(given))
            found = [(one.mistake, one.layer) for one in result.diagnosis]
            assert found == [(mistake, layer)], (name, result)
    assert not checker.check(given_of({"loss": 0.123, "dW1": W1 * 1.7})).diagnosis
