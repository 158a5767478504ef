"""Numbers as text: the only place where a float becomes characters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def number_text(x: float, digits: int | None = None, *, keep_zeros: bool = False) -> str:
    """`x` with `digits` significant digits, or, without `digits`, the shortest text that reads back as the same float.

    `keep_zeros` keeps trailing zeros of a rounded number (0.2350). Not-finite numbers are nan, inf and -inf.
    """
    if x != x:
        return "nan"
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    if digits is None:
        text = repr(float(x))
        return text[:-2] if text.endswith(".0") else text
    text = format(x, f"#.{digits}g" if keep_zeros else f".{digits}g")
    # '#' leaves a bare point where all digits stand before it ("100." or "1.e+05")
    return text.replace(".e", "e").removesuffix(".")


def json_number(x: float, digits: int | None = None) -> float | int | str:
    """`x` as strict JSON has it: a number, or the string "NaN", "Infinity" or "-Infinity"."""
    if x != x:
        return "NaN"
    if math.isinf(x):
        return "Infinity" if x > 0 else "-Infinity"
    return float(x) if digits is None else float(format(x, f".{digits}g"))


def column_texts(
    values: Sequence[float], digits: int | None = None, *, keep_zeros: bool = False, signed_zeros: bool = True
) -> list[str]:
    """Many numbers as `number_text` writes each; the sign of a zero is noise to people."""
    if not signed_zeros:
        values = [x + 0.0 for x in values]
    if digits is None:
        return [text[:-2] if text.endswith(".0") else text for text in map(repr, values)]
    return [number_text(x, digits, keep_zeros=keep_zeros) for x in values]


def value_texts(value: Any, digits: int | None = None, *, keep_zeros: bool = False) -> list[list[str]]:
    """A number, vector or matrix as rows of texts for people; deeper nesting becomes more rows."""
    if isinstance(value, list) and any(isinstance(part, list) for part in value):
        return [row for part in value for row in value_texts(part, digits, keep_zeros=keep_zeros)]
    numbers = value if isinstance(value, list) else [value]
    return [column_texts(numbers, digits, keep_zeros=keep_zeros, signed_zeros=False)]
