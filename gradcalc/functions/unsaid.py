"""What a formula leaves unsaid: parameters that change the function and do not stand in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcalc.functions.entry import Entry


def unsaid(entry: Entry, values: Mapping[str, Any]) -> dict[str, str]:
    """The meaning of each parameter that the formula does not name, unless it is as it is by default.

    One that is called like the prediction stands in the formula by another name, which is always said.
    """
    return {
        param.name: param.doc
        for param in entry.params
        if (entry.kind == "loss" and param.name == "a")
        or (_differs(values[param.name], param.default) and not re.search(rf"\b{param.name}\b", entry.formula))
    }


def _differs(value: Any, default: Any) -> bool:
    """Whether a parameter is not as it is by default; an array, one number for each unit, never is."""
    return bool(getattr(value, "ndim", 0)) or value != default
