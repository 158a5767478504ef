"""Published cases: their numbers, the rule by which they pass, and function cases put as questions to `eval`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gradcalc.functions import find
from gradcalc.functions.entry import Elementwise, ElementwiseLoss

FOLDER = Path(__file__).parent / "published"

Case = dict[str, Any]

CASES: dict[str, Case] = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.json"))}

NOTHING: Mapping[str, Any] = {}


class Ours(NamedTuple):
    """How a function of the collection is had here.

    `names` are the parameters whose names differ, `always` those that the collection takes for granted; its loss is
    `factor` times the one here.
    """

    name: str
    names: Mapping[str, str] = NOTHING
    always: Mapping[str, Any] = NOTHING
    factor: float = 1.0


#: The functions that are the same here by name and parameters.
SAME = (
    "sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "celu", "silu", "mish", "softplus", "softsign",
    "log_sigmoid", "hardswish", "hardtanh", "thresholded_relu", "softmax", "softmin", "log_softmax", "glu",
    "squared_error", "absolute_error", "huber", "smooth_l1", "log_cosh", "binary_cross_entropy",
    "softmax_cross_entropy", "kl_div", "hinge", "squared_hinge", "soft_margin",
)  # fmt: skip

#: Every function of the collection, with the parameters that choose between two functions here.
OURS = {
    **{name: Ours(name) for name in SAME},
    "prelu": Ours("prelu", {"weight": "alpha"}),
    "gelu approximate=none": Ours("gelu"),
    "absolute_percentage_error": Ours("mape", factor=0.01),
    "squared_log_error": Ours("msle"),
    "binary_cross_entropy_logits": Ours("bce_with_logits"),
    "cross_entropy": Ours("cross_entropy", {"normalize_rows": "normalize"}),
    "multiclass_hinge": Ours("svm_loss"),
    "poisson_nll log_input=false": Ours("poisson"),
    "dice": Ours("dice", always={"squared": True}),
}

#: Parameters of the collection whose value says which function it is.
CHOOSING = ("approximate", "log_input")


def ours(case: Case) -> Ours:
    """The line of `OURS` for a case's function; KeyError where there is none."""
    function = case["function"]
    chosen = [f"{name}={_text(function['params'][name])}" for name in CHOOSING if name in function["params"]]
    return OURS[" ".join([function["name"], *chosen])]


def parameters(case: Case) -> dict[str, Any]:
    """The parameters of a case's function by the names they have here."""
    here, given = ours(case), case["function"]["params"]
    return {**here.always, **{here.names.get(key, key): given[key] for key in given if key not in CHOOSING}}


def _text(value: Any) -> str:
    """A parameter's value as a word of the command line."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value).lower()


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
    words = ["eval", ours(case).name, "-", "--format", "jsonl", *options]
    for name, value in parameters(case).items():
        words += ["-p", f"{name}={_text(value)}"]
    for side in case.get("kinks", {}).values():
        words += ["--kink", side.split()[0]]
    return Question(words, lines)


def is_elementwise(case: Case) -> bool:
    """Whether every number of the case is an input by itself."""
    return isinstance(find(ours(case).name), Elementwise | ElementwiseLoss)


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
    return found.T if _columns(case) else found.reshape((*shape[:-1], -1) if shape else ())


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
    if np.ndim(prediction) == 1:
        return [{"input": prediction, key: target}]
    return [{"input": x, key: y} for x, y in zip(prediction, target, strict=True)]


def multiplier(case: Case) -> float:
    """What the sum over all elements is multiplied by, in terms of the function here."""
    return float(case["function"]["multiplier"] * ours(case).factor)


def divisor(case: Case) -> int:
    """What the sum over all elements is divided by."""
    prediction = np.asarray(case["inputs"]["prediction"])
    return {"none": 1, "elements": prediction.size, "batch": len(prediction)}[case["function"]["divide_by"]]


def scaling(case: Case) -> list[str]:
    """The options that turn the losses of elements or examples into the case's one loss."""
    by = case["function"]["divide_by"]
    if is_elementwise(case) and by != "batch":
        return ["--reduction", {"elements": "mean", "none": "sum"}[by], "--scale", repr(multiplier(case))]
    reduction = ["--reduction", "sum"] if is_elementwise(case) else []
    return [*reduction, "--scale", repr(multiplier(case) / divisor(case))]
