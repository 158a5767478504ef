"""Nested answers as JSON that people can read too: a row of numbers is a line, and what is short stays on one."""

from __future__ import annotations

import json
from typing import Any

from gradcalc.render.numbers import json_number

#: Lists and objects up to this many characters stay on one line.
_SHORT = 88


def json_text(value: Any, digits: int | None = None, indent: int | None = 0) -> str:
    """Dicts, lists, text and numbers as strict JSON; everything on one line where `indent` is None."""
    if isinstance(value, dict):
        inner = _deeper(indent)
        items = [f"{json.dumps(key)}: {json_text(item, digits, inner)}" for key, item in value.items()]
        return _enclosed("{}", items, indent, rows=False)
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
