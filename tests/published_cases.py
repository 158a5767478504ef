"""Published cases: their numbers, the rule by which they pass, and function cases put as questions to `eval`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gradcalc.functions import find
from gradcalc.functions.entry import Elementwise, ElementwiseLoss

FOLDER = Path(__file__).parent / "published"

Case = dict[str, Any]

CASES: dict[str, Case] = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}

#: Names that a case uses for a function where ours is another.
OUR_NAMES = {
    "binary_cross_entropy_logits": "bce_with_logits",
    "multiclass_hinge": "svm_loss",
}
OUR_PARAMETERS = {"normalize_rows": "normalize"}


def of_kind(kind: str) -> list[str]:
    """The cases of that kind."""
    return [name for name, case in CASES.items() if case["kind"] == kind]


def assert_agrees(mine: Any, expected: dict[str, Any], *, multiplier: float | None = None) -> None:
    """The rule of the collection: |mine * m - value| <= atol + rtol * |value|, m the published multiplier."""
    factor = expected.get("published_multiplier", 1.0) if multiplier is None else multiplier
    value = np.asarray(expected["value"], dtype=float)
    found = np.asarray(mine, dtype=float)
    if "at" in expected:
        found = found[tuple(slice(None) if i == "all" else i for i in expected["at"])]
    assert found.shape == value.shape
    assert (np.abs(found * factor - value) <= expected["atol"] + expected["rtol"] * np.abs(value)).all(), found


class Question(NamedTuple):
    """What `eval` is asked: words of the command line, and JSON lines on its standard input."""

    words: list[str]
    lines: list[dict[str, Any]]

    @property
    def stdin(self) -> str:
        return "".join(json.dumps(line) + "\n" for line in self.lines)


def question(case: Case, *options: str, lines: list[dict[str, Any]]) -> Question:
    """`eval` of a case's function with its parameters and kink."""
    words = ["eval", our_name(case), "-", "--format", "jsonl", *options]
    for name, value in case["function"]["params"].items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value).lower()
        words += ["-p", f"{OUR_PARAMETERS.get(name, name)}={text}"]
    for side in case.get("kinks", {}).values():
        words += ["--kink", side.split()[0]]
    return Question(words, lines)


def our_name(case: Case) -> str:
    """The function's name here."""
    name = case["function"]["name"]
    return OUR_NAMES.get(name, name)


def is_elementwise(case: Case) -> bool:
    """Whether every number of the case is an input by itself."""
    return isinstance(find(our_name(case)), Elementwise | ElementwiseLoss)


def activation_lines(case: Case) -> list[dict[str, Any]]:
    """The inputs and upstream gradients of an activation, a vector (or all of its numbers) a line."""
    given = {"x": "input", "upstream": "upstream"}
    arrays = {given[name]: np.asarray(value, dtype=float) for name, value in case["inputs"].items()}
    arrays = {name: _vectors(case, array) for name, array in arrays.items()}
    return [{name: array[i].tolist() for name, array in arrays.items()} for i in range(len(arrays["input"]))]


def assembled(case: Case, answers: list[Any]) -> Any:
    """The answers to the lines in the case's own shape."""
    shape = np.shape(case["inputs"]["x"])
    found = np.asarray(answers)
    return found.T if _columns(case) else found.reshape(shape)


def _vectors(case: Case, array: Any) -> Any:
    if is_elementwise(case) and not isinstance(case["function"]["params"].get("weight"), list):
        return array[None]
    return array.T if _columns(case) else np.atleast_2d(array)


def _columns(case: Case) -> bool:
    return bool(case["function"].get("axis") == 0)


def loss_lines(case: Case) -> list[dict[str, Any]]:
    """The predictions and targets of a loss: all at once where it is elementwise, else an example a line."""
    prediction, target = case["inputs"]["prediction"], case["inputs"]["target"]
    if is_elementwise(case):
        return [{"input": prediction, "target": target}]
    classes = np.ndim(target) < np.ndim(prediction)
    key = "target_class" if classes else "target"
    return [{"input": x, key: y} for x, y in zip(prediction, target, strict=True)]


def divisor(case: Case) -> int:
    """What the sum over all elements is divided by."""
    prediction = np.asarray(case["inputs"]["prediction"])
    return {"none": 1, "elements": prediction.size, "batch": len(prediction)}[case["function"]["divide_by"]]


def scaling(case: Case) -> list[str]:
    """The options that turn the losses of elements or examples into the case's one loss."""
    multiplier = case["function"]["multiplier"]
    by = case["function"]["divide_by"]
    if is_elementwise(case) and by != "batch":
        return ["--reduction", {"elements": "mean", "none": "sum"}[by], "--scale", repr(multiplier)]
    reduction = ["--reduction", "sum"] if is_elementwise(case) else []
    return [*reduction, "--scale", repr(multiplier / divisor(case))]
