"""What people are told around an evaluation's points: the formula that was used, and the kinks that were met."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.render.numbers import number_text, value_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcalc.results import Heading, KinkMet

#: Significant digits where numbers stand side by side, and in sentences.
DIGITS = 6

#: The longest float that identifies itself is -2.2250738585072014e-308.
WIDEST = 24

#: So many different kinks are told of.
_MOST_KINKS = 10


def heading_lines(heading: Heading) -> list[str]:
    """The function, its formula and its derivative, with everything conventional that was applied."""
    values = [f"{name} = {_value(value)}" for name, value in heading.parameters.items() if value is not None]
    with_values = f" with {', '.join(values)}" if values else ""
    function, derivative = (heading.signature, "dL/da") if heading.kind == "loss" else ("f(z)", "f'(z)")
    lines = [heading.function + with_values, f"{function} = {heading.formula}"]
    if heading.wrt:
        lines.append(f"the derivative is by {heading.wrt}")
    elif heading.derivative_formula.startswith(("J[", "J^T")):
        lines.append(heading.derivative_formula)
    elif heading.derivative_formula:
        lines.append(f"{derivative} = {heading.derivative_formula}")
    lines += [f"{name} = {_value(heading.parameters[name])}: {meaning}" for name, meaning in heading.unsaid.items()]
    if heading.scale != 1.0:
        lines.append(f"times {number_text(heading.scale)}")
    if heading.reduction != "none":
        lines.append(f"the {heading.reduction} over all predictions")
    return lines


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    return ",".join(value_texts(value)[0])


def kink_lines(kinks: Sequence[KinkMet], digits: int | None) -> list[str]:
    """A sentence for each kink that was met."""
    lines = [_kink(kink, digits or DIGITS) for kink in kinks[:_MOST_KINKS]]
    if len(kinks) > _MOST_KINKS:
        lines.append("and more kinks")
    return lines


def _kink(kink: KinkMet, digits: int) -> str:
    if kink.ties:
        return f"tie at {kink.when}: ties = {kink.ties} decides (-p ties=first or split), not --kink"
    left, right, shown = (number_text(x + 0.0, digits) for x in (kink.left, kink.right, kink.shown))
    if kink.jump:
        return f"jump at {kink.when}: slope left {left}, right {right}, shown {shown} (--kink)"
    return f"kink at {kink.when}: left {left}, right {right}, shown {shown} (--kink)"
