"""A layer whose activation gives fewer numbers than it takes: glu in specs."""

from __future__ import annotations

import numpy as np
import pytest
import yaml

from commands import in_process
from gradcalc.backpropagation import backprop

SPEC = """
input: [[1.0, 2.0], [0.5, -1.0]]
target: [[0.1], [0.2]]
loss: half_square
layers:
  - {name: gated, weights: WEIGHTS, bias: false, activation: ACTIVATION}
  - {name: out, weights: [[1.0], [2.0]], bias: [0.1]}
"""
FOUR = "[[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, -0.7, 0.8]]"


def spec(weights: str, activation: str) -> str:
    return SPEC.replace("WEIGHTS", weights).replace("ACTIVATION", activation)


def test_glu_halves_the_units() -> None:
    hidden, out = backprop(yaml.safe_load(spec(FOUR, "glu"))).to_dict()["layers"]
    z = np.array(hidden["z"])
    gate = 1 / (1 + np.exp(-z[:, 2:]))
    assert np.shape(hidden["f_prime"]) == (2, 2, 4)
    np.testing.assert_allclose(hidden["a"], z[:, :2] * gate, rtol=1e-14)
    da = np.array(out["dz"]) @ np.array(out["W"]).T
    expected = np.hstack([da * gate, da * z[:, :2] * gate * (1 - gate)])
    np.testing.assert_allclose(hidden["dz"], expected, rtol=1e-13)
    np.testing.assert_allclose(hidden["dW"], np.array(hidden["x"]).T @ expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("weights", "activation", "message"),
    [
        ("[[0.1, 0.2, 0.3], [0.5, 0.6, -0.7]]", "glu", "layer gated: glu takes two halves of the same length"),
        (FOUR, "logsumexp", "logsumexp gives one number for all units, not one for each"),
    ],
)
def test_what_no_layer_can_have_is_refused_with_its_place(weights: str, activation: str, message: str) -> None:
    outcome = in_process("backprop", "-", stdin=spec(weights, activation))
    assert outcome.code == 2
    assert message in outcome.err
    assert ":6:" in outcome.err
