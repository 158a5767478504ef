"""Specs with one or two parts changed at random: an answer or one of our errors, never anything else."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from gradcalc.backpropagation import backprop
from gradcalc.errors import GradcalcError
from gradcalc.spec.document import document_of

NETS: list[dict[str, Any]] = [
    {
        "convention": "cs231n",
        "kink": "left",
        "classes_from": 0,
        "input": [[1.0, -2.0], [0.0, 3.0]],
        "target_classes": [1, 0],
        "loss": {"name": "softmax_cross_entropy", "label_smoothing": 0.1, "scale": 2.0, "with": {"weight": [1.0, 2.0]}},
        "regularization": [{"norm": "lp", "p": 3.0, "strength": 0.1, "per_example": True, "biases": False}],
        "learning_rate": 0.1,
        "steps": 2,
        "dtype": "float32",
        "layers": [
            {"name": "a", "units": 2, "weights": [[1.0, 2.0], [3.0, 4.0]], "bias": [[1.0, 2.0]], "activation": "prelu"},
            {"type": "activation", "activation": {"name": "leaky_relu", "alpha": 0.1, "kink": "right"}},
            {"weights": {"init": "uniform", "seed": 1, "scale": 0.5}, "units": 2, "bias": 0.5, "layout": "out_in"},
        ],
    },
    {
        "data": "columns",
        "average": "parameters",
        "reduction": "mean",
        "input": [[1.0], [2.0]],
        "target": [[0.5]],
        "loss": "bce",
        "layers": [{"weights": [0.1, 0.2, 0.3], "bias": "first", "activation": "sigmoid"}],
    },
    {"input": 2.0, "upstream": 1.0, "layers": [{"weights": 3.0, "bias": False, "activation": "softmax"}]},
]

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e300, -1e300, 1e-320, 10**30, float("inf"), float("nan"), "", "x",
    "relu", "softmax", "lp_norm", "svm", "hinge", "mse", "loss", "a", "0.5", "first", "sum", "\x1b[31m", [], {}, [[]],
    [1.0], [1, 2], [[1, 2], [3, 4]], [[1], [2]], [1, [2]], [[1, 2], [3]], ["x"], [None], {"name": "relu"},
    {"init": "zeros"}, {"file": "x.npy"}, {"file": "/etc/passwd"}, {"name": "bce", "clip": 0.1}, [[[1]]], {"": 1},
    [True], [1e300, -1e300],
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every part."""
    found = [path] if path else []
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(part, (*path, key))
    return found


def changed(spec: dict[str, Any], random: np.random.Generator) -> dict[str, Any]:
    """The spec with a part replaced, removed, or added under another's key."""
    spec = copy.deepcopy(spec)
    for _ in range(int(random.integers(1, 3))):
        paths = places(spec)
        *above, last = paths[int(random.integers(len(paths)))]
        owner: Any = spec
        for key in above:
            owner = owner[key]
        if random.integers(6) == 0:
            del owner[last]
        else:
            owner[last] = copy.deepcopy(VALUES[int(random.integers(len(VALUES)))])
    return spec


@pytest.mark.parametrize("seed", range(6))
def test_changed_specs(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(200):
        spec = changed(NETS[int(random.integers(len(NETS)))], random)
        try:
            answer = backprop(document_of(spec))
            answer.to_dict()
        except GradcalcError as error:
            assert error.message
            assert str(error).isprintable() or "\n" in str(error)
