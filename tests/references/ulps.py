"""Errors in units in the last place (ulp): of a number by its truth, of an array by its largest entry."""

from __future__ import annotations

from collections.abc import Iterator
from math import frexp
from typing import Any

import numpy as np
from mpmath import mpf

#: What every number is held to, in ulp.
PROMISE = 4.0

#: Units are powers of two, of which only the exponents are kept: the smallest subnormal's and the largest float's.
_SMALLEST, _LARGEST = -1074, 971
_OVERFLOW = mpf(2) ** 1024

#: Differences are taken of whole numbers of 2^-30 units, which is a good deal faster than of mpfs.
_FINER = 30


def error_of(got: Any, truth: Any) -> float:
    """The error of one number, whose truth may be terms to be added, or of an array by its largest entry."""
    if not isinstance(truth, list):
        return ulps(float(got), _whole(truth), unit_of(truth))
    flat, numbers = list(_flattened(truth)), np.ravel(got).tolist()
    assert len(numbers) == len(flat)
    unit = max(map(unit_of, flat), default=_SMALLEST)
    return max(ulps(g, _whole(t), unit) for g, t in zip(numbers, flat, strict=True))


def unit_of(truth: Any) -> int:
    """The exponent of the unit: the ulp of a number, or of a sum's largest term, at least the smallest subnormal."""
    terms = (*truth, _whole(truth)) if isinstance(truth, tuple) else (truth,)
    return min(max(_SMALLEST, *(_magnitude(mpf(term)) - 53 for term in terms)), _LARGEST)


def ulps(got: float, truth: Any, unit: int) -> float:
    """|got - truth| in units; where the truth is beyond float64, only the infinity of its sign has no error."""
    if got != got or truth != truth:
        return 0.0 if got != got and truth != truth else float("inf")
    if abs(got) == float("inf") or abs(truth) >= _OVERFLOW:
        reached = (got > 0) == (truth > 0) and min(abs(mpf(got)), abs(truth)) >= _OVERFLOW - 4 * mpf(2) ** _LARGEST
        return 0.0 if reached else float("inf")
    sign, mantissa, exponent, _ = truth._mpf_
    fraction, power = frexp(got)
    mine = _shifted(int(fraction * 2.0**53), power - 53 - unit + _FINER)
    away = abs(mine - _shifted(-mantissa if sign else mantissa, exponent - unit + _FINER))
    return away / 2**_FINER if away.bit_length() < 1000 else float("inf")


def _shifted(number: int, places: int) -> int:
    return int(number << places if places >= 0 else number >> -places)


def _magnitude(x: Any) -> int:
    """The exponent of the power of two above |x|; that of what is not finite does not count."""
    _, mantissa, exponent, bits = x._mpf_
    return exponent + bits if mantissa else _SMALLEST


def _whole(truth: Any) -> Any:
    return sum(truth, mpf(0)) if isinstance(truth, tuple) else mpf(truth)


def _flattened(rows: list[Any]) -> Iterator[Any]:
    for row in rows:
        if isinstance(row, list):
            yield from _flattened(row)
        else:
            yield row
