"""Wrong numbers that others have really published: each is refused, and its mistake named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import in_process

ENTRIES: dict[str, Any] = {
    entry["id"]: entry
    for entry in json.loads((Path(__file__).parent / "published" / "wrong" / "answers.json").read_text())["entries"]
}

Case = Callable[[dict[str, Any]], tuple[dict[str, Any], str]]


def summed_gradient(loss: Any) -> Case:
    """The sum of a loss's gradient by its predictions: that of one bias which all of them share."""

    def case(problem: dict[str, Any]) -> tuple[dict[str, Any], str]:
        width = np.shape(problem["prediction"])[-1]
        layers = [{"weights": np.eye(width).tolist(), "bias": 0}]
        given = {"input": problem["prediction"], "target": problem["target"], "reduction": "sum"}
        return {**given, "loss": loss, "layers": layers}, "db1"

    return case


def slope(problem: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """f' of an activation."""
    layers = [{"name": "f", "type": "activation", "activation": {"name": problem["activation"], "alpha": 1}}]
    return {"input": problem["x"], "upstream": [1] * len(problem["x"]), "layers": layers}, "f.f_prime"


def on_probabilities(problem: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A loss of the input itself."""
    given = {"input": problem["prediction"], "target_classes": problem["target"]}
    return {**given, "loss": "cross_entropy", "layers": []}, "loss"


#: How each problem is put to `check`, and the mistake that it is.
CASES: dict[str, tuple[Case, str]] = {
    "mlpack-log-cosh-sign": (summed_gradient({"name": "log_cosh", "a": 2}), "sign_flipped"),
    "mlpack-celu-slope-at-output": (slope, "derivative_at_output"),
    "burn-double-softmax": (on_probabilities, "softmax_applied_twice"),
    "mlpack-hinge-negatives": (summed_gradient("hinge"), "margin_tested_wrong"),
}


def checked(folder: Path, spec: dict[str, Any], answers: dict[str, Any], rtol: float) -> tuple[int, Any]:
    (folder / "net.json").write_text(json.dumps(spec))
    (folder / "answers.json").write_text(json.dumps(answers))
    names = [str(folder / name) for name in ("net.json", "answers.json")]
    outcome = in_process("check", *names, "--rtol", repr(rtol), "--format", "json")
    return outcome.code, json.loads(outcome.out)


@pytest.mark.parametrize("name", CASES)
def test_a_published_wrong_answer_is_refused_and_its_mistake_named(name: str, tmp_path: Path) -> None:
    entry = ENTRIES[name]
    case, mistake = CASES[name]
    spec, quantity = case(entry["problem"])
    rtol = min(entry["relative_tolerance_of_published"], 1e-5)
    code, found = checked(tmp_path, spec, {quantity: entry["published_wrong"]}, rtol)
    assert code == 1
    assert [one["mistake"] for one in found["diagnosis"]] == [mistake], found
    code, found = checked(tmp_path, spec, {quantity: entry["correct"]}, rtol)
    assert (code, found["diagnosis"]) == (0, [])
