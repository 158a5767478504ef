"""What a plain word means by YAML 1.2's core schema: null, true, false or a number; all else is text."""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED = {8: re.compile(r"0o([0-7]+)"), 16: re.compile(r"0x([0-9a-fA-F]+)")}
_NUMBER_STARTS = frozenset("0123456789+-.")
_WORDS: dict[str, Scalar] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    ".nan": float("nan"), ".NaN": float("nan"), ".NAN": float("nan"),
}  # fmt: skip

#: Integers with more digits than this become floats, as they do not fit 64 bits.
_INTEGER_DIGITS = 18


def plain_scalar(text: str) -> Scalar:
    """The value of an unquoted YAML scalar."""
    if text[:1] in _NUMBER_STARTS:
        if _NUMBER.fullmatch(text):
            return decimal_integer(text) if text.lstrip("+-").isdigit() else float(text)
        for base, pattern in _BASED.items():
            if match := pattern.fullmatch(text):
                return fitting(int(match[1], base))  # linear in the digits: both bases are powers of 2
    return _WORDS.get(text, text)


def decimal_integer(text: str) -> int | float:
    """An integer; a float where it has more digits than surely fit 64 bits."""
    return int(text) if len(text.lstrip("+-")) <= _INTEGER_DIGITS else float(text)


def fitting(value: int) -> int | float:
    """An integer itself where 64 bits hold it, else the float nearest to it."""
    if value.bit_length() < 64:
        return value
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else -float("inf")
