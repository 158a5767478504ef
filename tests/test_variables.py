"""What one can differentiate by, over all functions: where there is no derivative the error says why."""

from __future__ import annotations

import pytest

from commands import in_process, json_value
from gradcalc.functions import entries
from gradcalc.functions.entry import ElementwiseLoss, Entry, Param, VectorLoss
from gradcalc.functions.unsaid import unsaid

LOSSES = [
    entry
    for entry in entries()
    if isinstance(entry, ElementwiseLoss | VectorLoss) and not getattr(entry, "further", ())
]
LEFT_OUT = [
    (entry, param) for entry in entries() for param in entry.params if param.derivative and param.default is None
]


def asked(entry: Entry, *options: str) -> list[str]:
    """The words that ask for a function of 0.25 or of a vector; a loss has the target 1 or class 0."""
    of_vector = isinstance(entry, VectorLoss)
    words = ["eval", entry.name, "[0.25, 0.75]" if of_vector else "0.25", "--format", "json", *options]
    if isinstance(entry, VectorLoss) and entry.takes == "class":
        return [*words, "--target-class", "0"]
    return [*words, "-y", "1,0" if of_vector else "1"] if entry.kind == "loss" else words


@pytest.mark.parametrize("entry", [loss for loss in LOSSES if loss.by_target is None], ids=lambda loss: loss.name)
def test_a_label_or_class_has_no_derivative_and_the_error_says_so(entry: Entry) -> None:
    outcome = in_process(*asked(entry, "--wrt", "target"))
    assert outcome.code == 2
    assert f"{entry.name} has no derivative by its target: it is " in outcome.err
    assert ("class" if getattr(entry, "takes", "") == "class" else "label") in outcome.err


@pytest.mark.parametrize("entry", [loss for loss in LOSSES if loss.by_target], ids=lambda loss: loss.name)
def test_every_real_target_has_a_derivative(entry: Entry) -> None:
    (point,) = json_value(in_process(*asked(entry, "--wrt", "target")))["points"]
    assert isinstance(point["derivative"], list) == isinstance(point["input"], list)


@pytest.mark.parametrize(("entry", "param"), LEFT_OUT, ids=lambda one: one.name)
def test_a_parameter_that_is_left_out_has_no_derivative(entry: Entry, param: Entry) -> None:
    outcome = in_process(*asked(entry, "--wrt", param.name))
    assert outcome.code == 2
    assert f"no derivative by {param.name} while that is none; give it a number" in outcome.err
    given = asked(entry, "--wrt", param.name, "-p", f"{param.name}=0.5")
    assert json_value(in_process(*given))["points"][0]["derivative"] >= 0


def other_value(param: Param) -> str:
    """A value that is not the default one."""
    if isinstance(param.default, bool):
        return str(not param.default).lower()
    return next(
        (choice for choice in param.choices if choice != param.default), "0.25" if 0.25 in param.domain else "7"
    )


UNNAMED = [(e, p) for e in LOSSES for p in e.params if unsaid(e, {q.name: 0 for q in e.params}).get(p.name)]


@pytest.mark.parametrize(("entry", "param"), UNNAMED, ids=lambda one: one.name)
def test_what_the_formula_does_not_say_of_a_parameter_is_said(entry: Entry, param: Param) -> None:
    """Where it is not as it is by default, or always: the formula alone would be misread."""
    value = other_value(param)
    words = [word for word in asked(entry, "-p", f"{param.name}={value}") if word not in ("--format", "json")]
    plain = [word for word in words if word not in ("-p", f"{param.name}={value}")]
    said, by_default = (" ".join(in_process(*some).out.split()) for some in (words, plain))  # headings are folded
    assert f"{param.name} = {value}: {param.doc}" in said
    assert (param.doc in by_default) == bool(unsaid(entry, entry.parameters({})).get(param.name))
