"""What a function cannot be differentiated by, and why: targets that are labels, parameters that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.errors import UsageError, listed
from gradcalc.functions.entry import ElementwiseLoss, VectorLoss

if TYPE_CHECKING:
    from gradcalc.functions.entry import Entry, Param


def no_target(entry: Entry, real: list[str]) -> UsageError:
    """The error of a function that has no derivative by its target; `real` is what it has derivatives by."""
    hint = f"it can be {listed(real, 'or')}" if real else ""
    return UsageError(f"{entry.name} has no derivative by its target{_reason(entry)}", hint=hint)


def _reason(entry: Entry) -> str:
    """Why, for losses whose targets are classes or labels."""
    if isinstance(entry, VectorLoss) and entry.takes == "class":
        return ": it is the number of a class"
    if isinstance(entry, ElementwiseLoss | VectorLoss) and entry.target_domain.members:
        return f": it is a label, {listed([f'{label:g}' for label in entry.target_domain.members], 'or')}"
    return ": it takes none" if entry.kind != "loss" else ""


def check_there(entry: Entry, param: Param | None, parameters: dict[str, Any]) -> None:
    """UsageError for a parameter that can be left out and is: the function does not depend on it then."""
    if param is not None and parameters[param.name] is None:
        hint = f"give it a number: -p {param.name}=0.25"
        raise UsageError(f"{entry.name} has no derivative by {param.name} while that is none", hint=hint)
