"""Text to numbers: one number, several in brackets, or a whole point as a JSON object."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from gradcalc.errors import InputError, Place, UsageError, near, quoted

#: One number's text: what stands between blanks, commas and square brackets; round ones hold a formula together.
#: (Patterns are compiled at first use.)
TOKEN = r"(?:\((?:[^()\n]|\([^()\n]*\))*\)|[^\s,\[\]])+"

#: A comma that has no number before it.
STRAY_COMMA = r"(?m)(?:^|,)[^\S\n]*,"

#: So deep may lists stand in lists.
_DEEPEST = 32

#: What a point may say of itself.
POINT_KEYS = ("input", "target", "target_class", "upstream", "with")


class Whole(NamedTuple):
    """A point that is given whole: its input and whatever else belongs to it alone."""

    input: Any
    target: Any = None
    target_class: Any = None
    upstream: Any = None
    extra: dict[str, Any] | None = None
    place: Place | None = None


class NotANumberError(InputError):
    """Text where a number should be; `column` counts from 0 in the text that was read."""

    def __init__(self, text: str, column: int = 0) -> None:
        super().__init__(f"not a number: {quoted(text)}", hint=_likely(text))
        self.column, self.width = column, max(1, len(text))


def _likely(text: str) -> str:
    """What would be right in place of `text`, for the slips people make."""
    if "\u2212" in text or "\u2013" in text:
        return "the minus sign of a number is '-'"
    if "_" in text:
        return "write the digits without '_'"
    if re.match(r"[-+]{2,}[.\d]", text):
        return "one sign will do"
    return "numbers look like 2, -0.5, 1e-3, inf or nan"


def read_number(text: str) -> float:
    """One number as people and JSON write it: ASCII digits, no underscores; NaN and Infinity in any case.

    It may be a constant formula, as long as it shows that it is one: ln(3), 1/3, pi.
    """
    try:
        if "_" in text or not text.isascii():
            raise ValueError
        return float(text)
    except ValueError:
        return _constant(text)


def _constant(text: str) -> float:
    """The value of a constant formula; NotANumberError for all else, with what is wrong in a formula."""
    if not re.search(r"[a-z0-9][()*/^]|\(", text) and text not in ("pi", "e"):
        raise NotANumberError(text)
    from gradcalc.formula.constants import constant  # late: most numbers are plain
    from gradcalc.formula.tokens import FormulaError

    try:
        return constant(text)
    except FormulaError as fault:
        error = NotANumberError(text)
        error.message, error.hint = f"{error.message}: {fault.message}", fault.hint
        if fault.place and fault.place.column:
            error.column, error.width = fault.place.column - 1, fault.place.width
        raise error from None


def read_numbers(text: str) -> tuple[list[float], bool]:
    """The numbers of one line or argument, and whether they form a vector: several numbers, or brackets."""
    if "," not in text and "[" not in text and "]" not in text and len(text.split()) == 1:
        return [read_token(text.strip(), len(text) - len(text.lstrip()))], False
    body, start = _without_brackets(text)
    stray = re.search(STRAY_COMMA, body)
    if stray:
        raise _missing(body[: stray.end() - 1], start + stray.end() - 1)
    found = [read_token(token[0], start + token.start()) for token in re.finditer(TOKEN, body)]
    return found, start > 0 or len(found) != 1


def _missing(before: str, column: int) -> NotANumberError:
    """The error for a comma with no number before it."""
    error = NotANumberError(",", column)
    error.message = f"number {len(re.findall(TOKEN, before)) + 1} is missing"
    error.hint = "a comma has a number before it"
    return error


def read_token(token: str, column: int) -> float:
    """One number of a longer text; an error knows its column."""
    try:
        return read_number(token)
    except NotANumberError as error:
        error.column += column
        raise


def _without_brackets(text: str) -> tuple[str, int]:
    """What stands inside one pair of brackets, if there is one, and where that begins."""
    stripped = text.strip()
    start = 0
    if stripped.startswith("[") and stripped.endswith("]") and len(stripped) > 1:
        start = text.index("[") + 1
        text = text[start : text.rindex("]")]
    bracket = re.search(r"[][]", text)
    if bracket:
        error = NotANumberError(bracket[0], start + bracket.start())
        error.hint = "a vector has one pair of brackets: [1, 2, 3]"
        raise error
    return text, start


def read_point(text: str) -> Whole:
    """A point from a JSON object's text."""
    return point_from(_load(text))


def point_from(found: dict[str, Any]) -> Whole:
    """A point from its object; UsageError and InputError say what is wrong with it."""
    for key in found:
        if key not in POINT_KEYS:
            known = "a point has input, target or target_class, upstream and with"
            raise UsageError(f"a point has no {quoted(key)}", hint=near(key, POINT_KEYS) or known)
    if "input" not in found:
        raise InputError("a point needs an input", hint='for example {"input": 0.5}')
    extra = found.get("with", {})
    if not isinstance(extra, dict):
        raise InputError(f"with must be an object, not {_said(extra)}", hint='for example {"weight": 2}')
    own = {name: numbers(value, name) for name, value in found.items() if name != "with"}
    return Whole(**own, extra={name: numbers(value, name) for name, value in extra.items()})


def _load(text: str) -> dict[str, Any]:
    """A JSON object whose numbers are floats, without repeated keys."""
    import json

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise InputError(f"the key {quoted(key)} is given twice")
            found[key] = value
        return found

    try:
        return dict(json.loads(text, object_pairs_hook=once, parse_int=float))
    except json.JSONDecodeError as error:
        raise InputError(f"not a JSON object: {error.msg} at column {error.colno}") from None
    except RecursionError:
        raise InputError("not a point: nested too deeply") from None


def numbers(value: Any, name: str, depth: int = 0) -> Any:
    """A number, or lists of numbers, as floats; the words NaN, Infinity and -Infinity are numbers too."""
    if isinstance(value, list | tuple):
        if depth > _DEEPEST:
            raise InputError(f"{name} is nested more than {_DEEPEST} deep")
        return [numbers(part, name, depth + 1) for part in value]
    if isinstance(value, float):
        return value
    if isinstance(value, str):
        return _word(value, name)
    if hasattr(value, "tolist"):  # an array or number of NumPy's
        return numbers(value.tolist(), name, depth)
    if isinstance(value, bool) or not hasattr(value, "__float__"):
        raise InputError(f"{name} must be a number or a list of numbers, not {_said(value)}")
    try:
        return float(value)
    except OverflowError:
        raise InputError(f"{name} is a whole number too large for a float") from None


def _word(text: str, name: str) -> float:
    """A number written as a word; its column in a longer text is not known."""
    try:
        return read_number(text)
    except NotANumberError as error:
        raise InputError(f"{error.message} in {name}", hint=error.hint) from None


def _said(value: Any) -> str:
    """What is no number, in the words of JSON; what has parts of its own may be long and deep, and is not shown."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else "a list"
    return quoted(value)


def flat(nested: Any) -> list[float]:
    """The numbers of a number or of nested lists, in order."""
    if not isinstance(nested, list):
        return [nested]
    return [number for part in nested for number in flat(part)]
