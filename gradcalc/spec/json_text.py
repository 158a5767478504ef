"""JSON text to plain values, as strictly as YAML is read: by the standard library, within our limits.

json itself gives no positions and takes what a spec may not hold (NaN, a key twice), so a tokenizer walks the
text a second time, and only when an error needs a place.
"""

from __future__ import annotations

import json
import re
from functools import partial
from typing import TYPE_CHECKING

from gradcalc.errors import SpecError, quoted
from gradcalc.spec.limits import (
    LARGE_HINT,
    MAX_DEPTH,
    MAX_KEYS,
    MAX_NODES,
    TOO_DEEP,
    TOO_MANY,
    too_many_keys,
)
from gradcalc.spec.places import Mark, Span
from gradcalc.spec.scalars import decimal_integer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

_STRUCTURE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_BLANKS = re.compile(r"[ \t\n\r]*")
_LONG_INTEGER = re.compile(r"[0-9]{19}")
_WORD = re.compile(r"[^\s,:\[\]{}\"]*")
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")

_VALUES = "numbers are written 0.5 or -1e-3, text in double quotes, else true, false, null"
_KEY = 'JSON keys are written "key": value'
#: How json's complaints begin, what we say, and the hint.
_SAYINGS = (
    ("Unterminated string", "this quote is never closed", ""),
    ("Invalid \\", "an escape that JSON does not know", "a backslash itself is written \\\\"),
    ("Extra data", "the JSON ends before this", "a spec is one JSON object"),
    ("Illegal trailing comma", "this ',' is one too many", ""),
    ("Expecting property name", "a key in double quotes is missing here", _KEY),
    ("Expecting ':'", "a ':' is missing before this", _KEY),
    ("Expecting ','", "a ',' is missing before this", ""),
)


class _KeyFaultError(Exception):
    """A key stands twice in one object, or there are too many; the tokenizer finds where."""


def read_json(text: str, source: str, *, max_keys: int = MAX_KEYS, finite: bool = True) -> object:
    """The value of a JSON text. SpecError with place where it is not strict JSON or past our limits.

    Without `finite` a bare NaN or Infinity, which many programs write, is the number.
    """
    _check_size(text, source)
    _check_depth(text, source)
    # the hook costs a call per integer: only where one of them may not fit
    parse_int = decimal_integer if _LONG_INTEGER.search(text) else None
    mapping = partial(_mapping, max_keys)
    constant = _refuse_constant if finite else None
    try:
        return json.loads(text, object_pairs_hook=mapping, parse_constant=constant, parse_int=parse_int)
    except _KeyFaultError:
        raise _key_fault(text, source, max_keys) from None
    except json.JSONDecodeError as error:
        raise _syntax_fault(error.msg, error.pos, text, source) from None
    except _NotFiniteError as error:
        raise _not_finite(str(error), text, source) from None


def json_marks(text: str) -> Iterator[Mark]:
    """Every key, scalar and collection with its offsets. The text is JSON as far as it is walked."""
    scalars = json.JSONDecoder(parse_int=decimal_integer)
    awaits_key: list[bool | None] = []  # per open collection; None for a list
    position = 0
    while (position := _after_blanks(text, position)) < len(text):
        char, start = text[position], position
        position += 1
        if char in "{[":
            yield Mark("map" if char == "{" else "list", None, start, position)
            awaits_key.append(True if char == "{" else None)
        elif char in "}]":
            awaits_key.pop()
            yield Mark("end", None, start, position)
        elif char == ":":
            awaits_key[-1] = False
        elif char == ",":
            awaits_key[-1] = None if awaits_key[-1] is None else True
        else:
            value, position = scalars.raw_decode(text, start)
            yield Mark("key" if awaits_key and awaits_key[-1] else "scalar", value, start, position)


def _after_blanks(text: str, position: int) -> int:
    match = _BLANKS.match(text, position)
    return match.end() if match else position


def _check_size(text: str, source: str) -> None:
    """Refuse too many values, by what separates and opens them."""
    if text.count(",") + text.count("[") + text.count("{") >= MAX_NODES:
        raise SpecError(TOO_MANY, hint=LARGE_HINT, place=Span(0, 1).place(text, source))


def _check_depth(text: str, source: str) -> None:
    """Refuse deep nesting before json recurses into it: one pass over the brackets outside strings."""
    depth, in_string = 0, False
    for match in _STRUCTURE.finditer(text):
        char = match[0]
        if char == '"':
            in_string = not in_string
        elif in_string or len(char) > 1:
            continue
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise SpecError(TOO_DEEP, place=Span(*match.span()).place(text, source))
        else:
            depth -= 1


class _NotFiniteError(Exception):
    """NaN or Infinity, which JSON does not have."""


def _mapping(max_keys: int, pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs) or len(found) > max_keys:
        raise _KeyFaultError
    return found


def _refuse_constant(word: str) -> NoReturn:
    raise _NotFiniteError(word)


def _not_finite(word: str, text: str, source: str) -> SpecError:
    """The error for a bare NaN or Infinity, at the first there is."""
    for mark in json_marks(text):
        if mark.kind == "scalar" and text[mark.start : mark.end] in _NOT_FINITE:
            place = Span(mark.start, mark.end).place(text, source)
            hint = "the numbers of a spec are finite"
            if word == "Infinity":
                hint += ', but a parameter such as p can be "Infinity", in quotes'
            return SpecError(f"{word} is no JSON number", hint=hint, place=place)
    raise AssertionError("json met a constant that the tokenizer did not")


def _key_fault(text: str, source: str, max_keys: int) -> SpecError:
    """The error for the first key that stands twice, or is one too many."""
    keys: list[dict[object, Span]] = []
    for kind, value, start, end in json_marks(text):
        if kind == "end":
            keys.pop()
        elif kind in ("map", "list"):
            keys.append({})
        elif kind == "key":
            if value in keys[-1]:
                first = keys[-1][value].place(text, source).line
                message = f"key {quoted(value)} is given twice, first in line {first}"
                return SpecError(message, hint="remove one of them", place=Span(start, end).place(text, source))
            if len(keys[-1]) == max_keys:
                return SpecError(too_many_keys(max_keys), place=Span(start, end).place(text, source))
            keys[-1][value] = Span(start, end)
    raise AssertionError("json met a key that the tokenizer did not")


def _syntax_fault(complaint: str, position: int, text: str, source: str) -> SpecError:
    """json's complaint in our words, at its place."""
    if not complaint.startswith("Invalid control character"):
        position = _after_blanks(text, position)
    if complaint.startswith("Expecting") and text[position : position + 1] in ("]", "}"):
        before = len(text[:position].rstrip()) - 1
        if text[before] == ",":  # Python 3.13 points there itself
            complaint, position = "Illegal trailing comma", before
    message, hint = _in_our_words(complaint, position, text)
    word = _WORD.match(text, position)
    span = Span(min(position, len(text.rstrip())), max(position + 1, word.end() if word else 0))
    return SpecError(message, hint=hint, place=span.place(text, source))


def _in_our_words(complaint: str, position: int, text: str) -> tuple[str, str]:
    """Message and hint: first by what stands there, then by what json expected."""
    here = text[position : position + 1]
    if not here:
        return "the JSON ends too early", "a bracket, brace or value is missing at the end"
    if complaint.startswith("Invalid control character"):
        if here == "\n":
            return "the line ends inside a string", "a quote is missing, or a line feed is meant: \\n"
        return "a string cannot hold control characters", "write them as escapes: \\t"
    if here == "'":
        return "JSON strings stand in double quotes", ""
    if here == "#" or text.startswith(("//", "/*"), position):
        return "JSON has no comments", "a .yaml spec may have them, after #"
    for start, message, hint in _SAYINGS:
        if complaint.startswith(start):
            return message, hint
    return "this is no JSON value", _VALUES
