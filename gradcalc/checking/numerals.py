"""Numbers as an answer file has them: nested lists to arrays, and how exactly each was written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from gradcalc.errors import quoted
from gradcalc.shapes import Array
from gradcalc.spec.limits import MAX_DEPTH
from gradcalc.spec.places import Mark

#: Texts that stand for numbers JSON does not have.
_NOT_FINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": -float("inf")}

_DECIMAL = re.compile(r"[-+]?[0-9]*(?P<point>\.(?P<decimals>[0-9]*))?(?:[eE](?P<exponent>[-+]?[0-9]{1,4}))?")

#: What people write for numbers and no reader of YAML or JSON takes: 0,25, 1/3, and (0.1, 0.2) or 0.1 0.2.
_COMMA = re.compile(r"([-+]?[0-9]+),([0-9]+)")
_FRACTION = re.compile(r"([-+]?[0-9]{1,15}) ?/ ?([0-9]{1,15})")
_SEVERAL = re.compile(r"[0-9.][\]),]*[\s,]+[\[(]*[-+.0-9]")

#: numpy's own bound.
_MOST_AXES = 32


class Fault(Exception):  # noqa: N818  # it never leaves this package: a Given carries its words
    """Why a value is not an array of numbers; `place` is the index of the culprit, written [0][1]."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.place = f"{place} " if place else ""


def array_of(value: Any) -> Array:
    """A number or nested lists as an array of floats. Fault where something in it is none, or rows differ."""
    if isinstance(value, list):
        shape = _shape(value)
        numbers: list[float] = []
        _collect(value, shape, "", numbers)
        return np.array(numbers, dtype=np.float64).reshape(shape)
    return np.asarray(_number(value, ""))


def _shape(value: Any) -> tuple[int, ...]:
    """The shape the first entries of the nested lists have."""
    shape: list[int] = []
    while isinstance(value, list):
        if not value:
            raise Fault("is an empty list")
        shape.append(len(value))
        value = value[0]
        if len(shape) > min(_MOST_AXES, MAX_DEPTH):
            raise Fault("is nested too deep")
    return tuple(shape)


def _collect(value: list[Any], shape: tuple[int, ...], place: str, numbers: list[float]) -> None:
    """All numbers in order; every list must be as long as the first of its depth."""
    if len(value) != shape[0]:
        raise Fault(f"has {len(value)} where the first row has {shape[0]}", place)
    if len(shape) > 1:
        for i, row in enumerate(value):
            if not isinstance(row, list):
                raise Fault("is a single number among rows", f"{place}[{i}]")
            _collect(row, shape[1:], f"{place}[{i}]", numbers)
    elif set(map(type, value)) <= {int, float}:
        numbers += value
    else:
        numbers += [_number(item, f"{place}[{i}]") for i, item in enumerate(value)]


def _number(value: Any, place: str) -> float:
    if isinstance(value, bool):
        raise Fault(f"is {str(value).lower()}, not a number", place)
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if value is None:
        raise Fault("is empty", place)
    if isinstance(value, list):
        raise Fault("is a list among single numbers", place)
    if isinstance(value, Mapping):
        raise Fault("is a mapping, not numbers", place)
    raise Fault(f"is the text {quoted(str(value))}, not a number{_how_to_write(str(value).strip())}", place)


def _how_to_write(text: str) -> str:
    """How a text that people mean as numbers is written, after a semicolon; empty where nothing is known."""
    if text and _DECIMAL.fullmatch(text):
        return "; take away the quotes"
    comma = _COMMA.fullmatch(text)
    if comma:
        return f"; with a point it is {comma[1]}.{comma[2]}"
    fraction = _FRACTION.fullmatch(text)
    if fraction and float(fraction[2]):
        return f"; written out it is {float(fraction[1]) / float(fraction[2]):.10g}"
    return "; a list of numbers is written [0.1, 0.2]" if _SEVERAL.search(text) else ""


def half_units(marks: Iterable[Mark], text: str) -> Any:
    """The text's value with half a unit of the last written digit in each number's place."""
    top: list[Any] = []
    opened: list[Any] = [top]
    keys: list[str] = []
    for kind, value, start, end in marks:
        if kind == "key":
            keys.append(str(value))
            continue
        if kind == "end":
            opened.pop()
            continue
        made: Any = half_unit(text[start:end]) if kind == "scalar" else {} if kind == "map" else []
        owner = opened[-1]
        if isinstance(owner, dict):
            owner[keys.pop()] = made
        else:
            owner.append(made)
        if kind != "scalar":
            opened.append(made)
    return top[0]


def half_unit(text: str) -> float:
    """Half a unit of a decimal number's last digit: 0.005 for 0.30. A whole number is taken to be exact: 0."""
    match = _DECIMAL.fullmatch(text.strip())
    if match is None or match["point"] is None:
        return _of_exponent(match["exponent"]) if match and match["exponent"] else 0.0
    return float(f"5e{int(match['exponent'] or 0) - len(match['decimals']) - 1}")


def _of_exponent(exponent: str) -> float:
    """1e-3 has the one digit before its exponent."""
    return float(f"5e{int(exponent) - 1}")
