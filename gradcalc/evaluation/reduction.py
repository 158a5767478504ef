"""Elementwise losses of many predictions as one point: their sum or mean, and its derivative by each."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Any

from gradcalc.errors import InputError, UsageError
from gradcalc.evaluation.kinks import told
from gradcalc.results import Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcalc.evaluation.question import Question


def parts_needed(question: Question) -> list[str]:
    """The columns a reduction is made of."""
    second = ["second_derivative"] if question.order == 2 else []
    further = [one.name for one in question.entry.further]
    return ["input", *further, "target", "value", "derivative", *second]


def reduced(question: Question, parts: Sequence[Points], upstream: Any) -> Points:
    """One point of all the parts' points."""
    joined = {name: [x for part in parts for x in part.columns[name]] for name in parts_needed(question)}
    count = len(joined["input"])
    if not count:
        raise InputError(f"no inputs to take the {question.reduction} of")
    divisor = count if question.reduction == "mean" else 1
    found: dict[str, Any] = {name: [x / divisor for x in joined[name]] for name in joined}
    given = ["input", "target", *(one.name for one in question.entry.further)]
    found.update({name: joined[name] for name in given}, value=_share(joined["value"], divisor))
    if question.param and question.wrt not in question.per_unit:
        found["derivative"] = _share(joined["derivative"], divisor)  # of one number, by one number
    names = question.columns(upstream=upstream is not None)
    if "upstream" in names or "vjp" in names:
        found.update(_pulled_back(found["derivative"], upstream))
    kinks = [
        told(kink._replace(left=kink.left / divisor, right=kink.right / divisor, shown=kink.shown / divisor))
        for part in parts
        for kink in part.kinks
    ]
    at_kink = [True] if kinks else None
    return Points({name: [found[name]] for name in names}, at_kink, tuple(dict.fromkeys(kinks)))


def _pulled_back(derivative: Any, upstream: Any) -> dict[str, Any]:
    """The upstream gradient of the one reduced number, and its product with the derivative."""
    if upstream is None:
        raise UsageError("no upstream gradient is given", hint="give one with --upstream (-u)")
    if isinstance(upstream, list):
        raise InputError("a reduced loss is one number, and so is its upstream gradient")
    product = [upstream * d + 0.0 for d in derivative] if isinstance(derivative, list) else upstream * derivative + 0.0
    return {"upstream": upstream, "vjp": product}


def _share(numbers: list[float], divisor: int) -> float:
    """The exactly rounded sum, divided; where the sum overflows, that of numbers so small that theirs does not."""
    try:
        return fsum(numbers) / divisor
    except OverflowError:
        scale = 2.0 ** -len(numbers).bit_length()
        return _share([scale * x for x in numbers], divisor) / scale
    except ValueError:  # infinities of both signs
        return sum(numbers) / divisor
