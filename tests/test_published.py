"""Numbers that others have published: every one of them, through the command, to its printed digits."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest

from commands import as_process, in_process, json_lines, json_value
from gradcalc.functions import find
from published_cases import (
    CASES,
    FOLDER,
    activation_lines,
    assembled,
    assert_agrees,
    loss_lines,
    multiplier,
    of_kind,
    ours,
    parameters,
    question,
    scaling,
)

LOSSES = [name for name in of_kind("function") if CASES[name]["function"]["role"] == "loss"]
ACTIVATIONS = [name for name in of_kind("function") if CASES[name]["function"]["role"] == "activation"]

#: Their targets 0.5, 1.5 and 2 are no labels, which a hinge has to have.
NO_LABELS = ("flux-hinge", "flux-squared-hinge")

#: What a case calls a quantity of an activation's output, and eval.
OF_ACTIVATION = {"value": "value", "derivative": "derivative", "grad.x": "vjp"}


def asked(case: dict[str, Any], *options: str, lines: list[dict[str, Any]]) -> list[Any]:
    """The points that the command answers."""
    put = question(case, *options, lines=lines)
    return json_lines(in_process(*put.words, stdin=put.stdin))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name: str) -> None:
    case = CASES[name]
    points = asked(case, lines=activation_lines(case))
    for quantity, expected in case["expected"].items():
        if quantity == "grad.weight":
            slopes = asked(case, "--wrt", "alpha", lines=activation_lines(case))
            assert_agrees(assembled(case, [point["vjp"] for point in slopes]), expected)
        else:
            key = OF_ACTIVATION[quantity]
            assert_agrees(assembled(case, [point[key] for point in points]), expected)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in NO_LABELS])
def test_loss(name: str) -> None:
    case, lines = CASES[name], loss_lines(CASES[name])
    for quantity, expected in case["expected"].items():
        if quantity.startswith("per_"):
            values = np.reshape([point["value"] for point in asked(case, lines=lines)], np.shape(expected["value"]))
            assert_agrees(values * ours(case).factor, expected)
        elif quantity == "loss":
            points = asked(case, *scaling(case), lines=lines)
            assert_agrees(sum(point["value"] for point in points), expected)
        else:
            variable = quantity.removeprefix("grad.")
            options = ["--wrt", "target"] if variable == "target" else []
            points = asked(case, *scaling(case), *options, lines=lines)
            derivatives = [point["derivative"] for point in points]
            assert_agrees(np.reshape(derivatives, np.shape(case["inputs"]["prediction"])), expected)


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in NO_LABELS])
def test_loss_of_a_net_without_layers(name: str) -> None:
    """The same losses in a spec: `layers: []` puts them on the input itself."""
    case = CASES[name]
    result = json_value(in_process("backprop", "-", "--format", "json", stdin=spec_of_loss(case)))
    if "loss" in case["expected"]:
        assert_agrees(result["loss"], case["expected"]["loss"])
    if "grad.prediction" in case["expected"]:
        assert_agrees(result["da0"], case["expected"]["grad.prediction"])


def spec_of_loss(case: dict[str, Any]) -> str:
    """A spec, in JSON, whose network has no layers."""
    function = case["function"]
    prediction, target = case["inputs"]["prediction"], case["inputs"]["target"]
    classes = np.ndim(target) < np.ndim(prediction)
    reduction = {"none": "sum", "elements": "mean", "batch": "batch_mean"}[function["divide_by"]]
    loss = {"name": ours(case).name, "reduction": reduction, "scale": multiplier(case), **parameters(case)}
    return json.dumps(
        {"input": prediction, "target_classes" if classes else "target": target, "loss": loss, "layers": []}
    )


@pytest.mark.parametrize("name", NO_LABELS)
def test_hinge_of_targets_that_are_no_labels(name: str) -> None:
    """They are refused; as a formula of any y the loss has the published number."""
    case = CASES[name]
    put = question(case, *scaling(case), lines=loss_lines(case))
    refused = in_process(*put.words, stdin=put.stdin)
    assert refused.code == 2
    assert "target must be -1 or 1" in refused.err
    formula = find(ours(case).name).formula
    numbers = [str(x) for x in case["inputs"]["prediction"]]
    given = ["--formula", formula, *numbers, "-y", ",".join(map(str, case["inputs"]["target"]))]
    answer = json_value(in_process("eval", *given, *scaling(case), "--format", "json"))
    assert_agrees(answer["points"][0]["value"], case["expected"]["loss"])


@pytest.mark.parametrize("name", of_kind("network"))
def test_network(name: str) -> None:
    case = CASES[name]
    spec = FOLDER / "specs" / f"{name}.yaml"
    last = "channels_last" in spec.read_text("utf-8")
    Answer(case, json_value(in_process("backprop", str(spec), "--format", "json")), channels_last=last).hold()


@pytest.mark.parametrize("name", ["mazur-2-2-2", "ng-l2-backprop"])
def test_network_as_a_process(name: str) -> None:
    text = (FOLDER / "specs" / f"{name}.yaml").read_text("utf-8")
    Answer(CASES[name], json_value(as_process("backprop", "-", "--format", "json", stdin=text))).hold()


def test_function_as_a_process() -> None:
    case = CASES["dfdx-softmax-1d"]
    put = question(case, lines=activation_lines(case))
    (point,) = json_lines(as_process(*put.words, stdin=put.stdin))
    assert_agrees(point["vjp"], case["expected"]["grad.x"])


def test_every_function_of_the_collection_is_here() -> None:
    """The README names them, source by source."""
    text = (FOLDER / "README.md").read_text("utf-8").partition("## Function cases")[2]
    lines = re.findall(r"^- `(\w+)`: ((?:.|\n  )*)", text, re.M)
    named = [f"{source}-{case.strip(',')}" for source, cases in lines for case in cases.split()]
    assert sorted(named) == sorted(of_kind("function"))


def test_every_network_has_its_spec() -> None:
    assert {path.stem for path in (FOLDER / "specs").iterdir()} == set(of_kind("network"))


class Answer:
    """The JSON result of a network's spec, read in the layout of its case: rows, and W as the case has it."""

    def __init__(self, case: dict[str, Any], result: dict[str, Any], *, channels_last: bool = False) -> None:
        self.case, self.result, self.channels_last = case, result, channels_last
        self.layers = {layer["name"]: layer for layer in result["layers"]}
        self.conventions = result["conventions"]

    def hold(self) -> None:
        """Every published quantity agrees."""
        expected = self.case["expected"]
        for name, numbers in expected.get("forward", {}).items():
            assert_agrees(self.output(name, ""), numbers)
        if "loss" in expected:
            assert_agrees(self.result["loss"], expected["loss"])
        for address, numbers in expected.get("grads", {}).items():
            name, _, quantity = address.partition(".")
            found = self.output(name, "d") if quantity in ("", "out") else self.parameter(name, quantity, "d{}")
            divided = quantity in ("weight", "bias") and self.conventions["average"] == "parameters"
            assert_agrees(found, numbers, multiplier=1.0 if divided else None)
        for address, numbers in expected.get("updated", {}).items():
            name, _, quantity = address.partition(".")
            assert_agrees(self.parameter(name, quantity, "{}_new"), numbers)

    def output(self, name: str, prefix: str) -> Any:
        """What a layer of the case puts out (z where it has one), or dL by it, a batch with the channels second.

        An activation of the case's has the a of the dense layer before it; h.cell is the cell of h after the last step.
        """
        if name.endswith(".cell"):
            return np.asarray(self.layers[name.removesuffix(".cell")]["c"])[:, -1]
        if name == "input":
            numbers = np.asarray(self.result["layers"][0]["dx"])
        elif name in self.layers:
            layer = self.layers[name]
            behind_z = "z" in layer and "h" not in layer  # a recurrent layer puts out its states
            numbers = np.asarray(layer[f"{prefix}z"] if behind_z else layer[f"{prefix}a"])
        else:
            position = [layer["name"] for layer in self.case["layers"]].index(name)
            numbers = np.asarray(self.layers[self.case["layers"][position - 1]["name"]][f"{prefix}a"])
        if self.channels_last:
            numbers = np.moveaxis(numbers, -1, 1)
        if self.conventions["data"] == "columns":
            return numbers.T
        return numbers.reshape(*(1,) * (np.ndim(self.case["input"]) - numbers.ndim), *numbers.shape)

    def parameter(self, name: str, quantity: str, letter: str) -> Any:
        """A layer's W or b by the letter's pattern, W in the layout of the case, b flat and no longer in W."""
        layer, theirs = self.layers[name], self.case_layer(name)
        W = np.asarray(layer[letter.format("W")])
        folded = "b" not in layer and theirs["bias"] is not None
        if folded:  # the first column, where it is in W here
            assert self.conventions["layout"] == "out_in"
            bias, W = W[:, 0], W[:, 1:]
        elif quantity == "bias":
            bias = np.atleast_1d(layer[letter.format("b")]).reshape(-1)
        if quantity == "bias":
            return bias
        wanted = np.shape(theirs["weight"])
        if W.ndim == 1 or len(wanted) > 2:
            return W.reshape(wanted)
        return W.T if self.conventions["layout"] != theirs["weight_layout"] else W

    def case_layer(self, name: str) -> dict[str, Any]:
        return next(layer for layer in self.case["layers"] if layer["name"] == name)
