"""Nested answers as JSON that people can read too: a row of numbers is a line, and what is short stays on one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from gradcalc.render.numbers import json_number

#: Lists and objects up to this many characters stay on one line.
_SHORT = 88


def json_text(value: Any, digits: int | None = None, indent: int | None = 0) -> str:
    """Dicts, lists, text and numbers as strict JSON; everything on one line where `indent` is None."""
    if isinstance(value, dict):
        return "".join(json_pieces(value, digits, indent))
    if isinstance(value, list | tuple):
        row = _row(value) if digits is None else None
        if row is not None:
            return row
        inner = _deeper(indent)
        numbers = all(not isinstance(item, list | tuple | dict) for item in value)
        return _enclosed("[]", [json_text(item, digits, inner) for item in value], indent, rows=numbers)
    if isinstance(value, float):
        value = json_number(value, digits)
    return json.dumps(value)


def json_pieces(value: Any, digits: int | None = None, indent: int | None = 0) -> Iterator[str]:
    """The text of `json_text` in pieces, none longer than an item of a dict.

    An item may be a function that makes it: then only one of them is in memory at a time.
    """
    if callable(value):
        value = value()
    inner = _deeper(indent)
    if isinstance(value, dict):
        named = ((f"{json.dumps(key)}: ", item) for key, item in value.items())
        yield from _enclosed_pieces("{}", ((name, json_pieces(item, digits, inner)) for name, item in named), indent)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        yield from _enclosed_pieces("[]", (("", json_pieces(item, digits, inner)) for item in value), indent)
    else:
        yield json_text(value, digits, indent)


def _enclosed_pieces(brackets: str, items: Iterable[tuple[str, Iterator[str]]], indent: int | None) -> Iterator[str]:
    """Named items between brackets: on one line if all are short, which is known when the first is not."""
    held: list[str] = []  # while one line may do
    lines = False
    blank = " " * (indent or 0)
    yield brackets[0]
    for number, (name, pieces) in enumerate(items):
        if indent is None:
            yield (", " if number else "") + name
            yield from pieces
        elif lines:
            yield f",\n{blank}  {name}"
            yield from pieces
        else:
            held.append(name + "".join(pieces))
            lines = "\n" in held[-1] or sum(map(len, held)) + 2 * len(held) > _SHORT
            if lines:
                yield f"\n{blank}  " + f",\n{blank}  ".join(held)
    if lines:
        yield f"\n{blank}{brackets[1]}"
    else:
        yield ", ".join(held if indent is not None else []) + brackets[1]


def _row(values: Any) -> str | None:
    """A list of finite floats in full, quickly; None for any other."""
    if not all(type(value) is float for value in values):
        return None
    text = f"[{', '.join(map(repr, values))}]"
    return None if "n" in text else text  # inf and nan have an n


def _deeper(indent: int | None) -> int | None:
    return None if indent is None else indent + 2


def _enclosed(brackets: str, items: list[str], indent: int | None, *, rows: bool) -> str:
    """Items between brackets, on one line if they are a row of numbers or short."""
    line = brackets[0] + ", ".join(items) + brackets[1]
    if indent is None or rows or ("\n" not in line and len(line) <= _SHORT):
        return line
    blank = " " * indent
    inside = ",\n".join(f"{blank}  {item}" for item in items)
    return f"{brackets[0]}\n{inside}\n{blank}{brackets[1]}"
