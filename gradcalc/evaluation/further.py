"""What --with and a point's "with" give: a function's further inputs, parameters of each prediction, and weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.errors import UsageError, listed, near, quoted
from gradcalc.evaluation.reading import flat, numbers
from gradcalc.functions.entry import VectorLoss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcalc.functions.entry import Entry, Param


class Further(NamedTuple):
    """Further inputs by what they are; `parameters` are those of a loss that are one for each prediction."""

    parameters: dict[str, object]
    inputs: dict[str, Any]
    weight: Any = None


def told_apart(entry: Entry, with_: Mapping[str, Any] | None) -> Further:
    """The further inputs that were given, checked by name. UsageError for one that the function does not take."""
    found = Further({}, {})
    for name, value in (with_ or {}).items():
        if entry.kind != "loss":
            article = "an" if entry.kind == "activation" else "a"
            raise UsageError(f"{entry.name} is {article} {entry.kind} and takes no further inputs")
        declared = entry.further_input(name)
        if declared:
            if declared.name in found.inputs:
                raise UsageError(f"{entry.name}: {declared.name} is given twice")
            found.inputs[declared.name] = numbers(value, name)
        elif name in {param.name for param in per_prediction(entry)}:
            column = flat(numbers(value, name))
            found.parameters[name] = column if len(column) > 1 else column[0]
        elif name == "weight" and takes_weights(entry):
            found = found._replace(weight=value)
        else:
            raise _unknown(entry, name)
    return found


def per_prediction(entry: Entry) -> list[Param]:
    """A loss's parameters that may be one number for each prediction, such as a variance."""
    return [param for param in entry.params if param.per_unit] if entry.kind == "loss" else []


def takes_weights(entry: Entry) -> bool:
    """Whether the terms of a loss can have weights: those of single predictions, of classes, and of sums."""
    return entry.kind == "loss" and (entry.rank == 0 or (isinstance(entry, VectorLoss) and entry.additive))


def _unknown(entry: Entry, name: str) -> UsageError:
    if name == "weight":
        hint = "write it into the formula, or use --scale" if entry.name == "formula" else "--scale multiplies a loss"
        return UsageError(f"{entry.name} takes no weight", hint=hint)
    known = [*(one.name for one in entry.further), *(param.name for param in per_prediction(entry))]
    known += ["weight"] * takes_weights(entry)
    hint = near(name, known) or (f"it takes {listed(known)}" if known else "it takes no further inputs")
    return UsageError(f"{entry.name} takes no {quoted(name)}", hint=hint)


def joined(entry: Entry, parameters: Mapping[str, object] | None, more: Mapping[str, object]) -> dict[str, object]:
    """Parameters from both places; UsageError where one is given twice."""
    for name in parameters or {}:
        if entry.param(name).name in more:
            raise UsageError(f"{entry.name}: {entry.param(name).name} is given as a parameter and with --with")
    return {**(parameters or {}), **more}


def missing(entry: Entry, name: str) -> UsageError:
    """The error for a further input that nobody gave."""
    one = entry.further_input(name)
    assert one is not None  # it is one that the function declares
    return UsageError(f"{entry.name} needs {one.name}, {one.doc}", hint=f"give it with --with {one.name}=VALUES")
