"""Small nets as specs, and `backprop` of them by the real command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from commands import in_process

MAZUR: dict[str, Any] = {
    "input": [0.05, 0.1],
    "target": [0.01, 0.99],
    "loss": "half_square",
    "learning_rate": 0.5,
    "layers": [
        {"name": "hidden", "activation": "sigmoid", "weights": [[0.15, 0.25], [0.2, 0.3]], "bias": [0.35, 0.35]},
        {"name": "output", "activation": "sigmoid", "weights": [[0.4, 0.5], [0.45, 0.55]], "bias": [0.6, 0.6]},
    ],
}
CHAIN: dict[str, Any] = {
    "input": [1.5],
    "target": [1],
    "loss": "half_square",
    "layers": [
        {"activation": "sigmoid", "weights": [[0.8]], "bias": [0.1]},
        {"activation": "tanh", "weights": [[-0.5]], "bias": 0.2},
    ],
}


def large() -> dict[str, Any]:
    return {
        "input": [[0.1] * 30] * 5,
        "target_classes": [0, 1, 2, 0, 1],
        "loss": "cross_entropy",
        "layers": [
            {"name": "wide", "units": 40, "activation": "relu", "weights": {"init": "he_normal", "seed": 1}},
            {"name": "out", "units": 3, "activation": "softmax", "weights": {"init": "he_normal", "seed": 2}},
        ],
    }


def written(folder: Path, spec: dict[str, Any]) -> str:
    path = folder / "net.json"
    path.write_text(json.dumps(spec))
    return str(path)


def printed(*words: str) -> str:
    outcome = in_process("backprop", *words)
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out


def printed_spec(spec: dict[str, Any], *words: str) -> str:
    outcome = in_process("backprop", "-", *words, stdin=json.dumps(spec))
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out
