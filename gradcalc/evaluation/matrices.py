"""A matrix as people and JSON write it, row by row in brackets."""

from __future__ import annotations

import re

from gradcalc.errors import InputError
from gradcalc.evaluation.reading import read_numbers

#: One bracket within another, or one pair behind another.
_NESTED = r"\[[^][]*\[|\][\s,]*\["

_ROW = r"\[[^][]*\]"

_HINT = "a matrix is written [[1, 2], [3, 4]]"


def rows_of(text: str) -> list[list[float]] | None:
    """The rows of [[1, 2], [3, 4]], or of [1, 2], [3, 4]; None for text that is no matrix."""
    if not re.search(_NESTED, text):
        return None
    body = text.strip()
    if re.match(r"\[\s*\[", body) and body.endswith("]"):
        body = body[1:-1]
    if re.sub(_ROW, " ", body).strip(" \t\n,") or re.search(r",\s*(,|$)|^\s*,", re.sub(_ROW, "0", body)):
        raise InputError("the brackets and commas of a matrix do not match", hint=_HINT)
    rows = [read_numbers(row)[0] for row in re.findall(_ROW, body)]
    if not all(rows):
        raise InputError("a row of a matrix is empty", hint=_HINT)
    return rows
