"""What a plain word means by YAML 1.2's core schema: null, true, false or a number; all else is text."""

from __future__ import annotations

import re

Scalar = str | int | float | bool | None

_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
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
    if text[:1] in _NUMBER_STARTS and text not in _WORDS:
        return _number(text)
    return _WORDS.get(text, text)


def _number(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        return decimal_integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _OCTAL.fullmatch(text):
        return _based_integer(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return _based_integer(text[2:], 16)
    return text


def decimal_integer(text: str) -> int | float:
    """An integer; a float where it has more digits than surely fit 64 bits."""
    return int(text) if len(text) <= _INTEGER_DIGITS else float(text)


def _based_integer(digits: str, base: int) -> int | float:
    value = int(digits, base)  # linear in the digits: both bases are powers of two
    if value.bit_length() < 64:
        return value
    return float(value) if value.bit_length() <= 1023 else float("inf")
