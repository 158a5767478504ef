"""Errors in units in the last place (ulp): of a number by its truth, of an array by its largest entry."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from math import inf
from typing import Any

import numpy as np
from mpmath import fsum, mpf
from mpmath.libmp import from_float

_Raw = tuple[int, Any, int, int]

#: What every number is held to, in ulp.
PROMISE = 4.0

#: Units are powers of two, of which only the exponents are kept: the smallest subnormal's and the largest float's.
_SMALLEST, _LARGEST = -1074, 971
_BITS = 53
_OVERFLOW = mpf(2) ** 1024

#: Differences are taken of whole numbers of 2^-30 units, which is a good deal faster than of mpfs.
_FINER = 30


def error_of(got: Any, truth: Any) -> float:
    """The error of one number, whose truth may be terms to be added, or of an array by its largest entry."""
    if isinstance(truth, mpf) and isinstance(got, float):
        return ulps(got, truth, min(_magnitude(truth), _LARGEST + _BITS) - _BITS)
    entries = list(_flattened(truth))
    whole = [_whole(entry) for entry in entries]
    return apart(got, whole, _unit(entries, whole))


def unit_of(truth: Any) -> int:
    """The exponent of the unit: the ulp of the largest number, or term of a sum, at least the smallest subnormal."""
    entries = list(_flattened(truth))
    return _unit(entries, [_whole(entry) for entry in entries])


def _unit(entries: list[Any], whole: list[Any]) -> int:
    """That of a truth's entries, some of which are terms, and of what each comes to."""
    terms = [term for entry in entries if isinstance(entry, tuple) for term in entry]
    return min(max(map(_magnitude, whole + terms), default=_SMALLEST + _BITS), _LARGEST + _BITS) - _BITS


def apart(got: Any, expected: Any, unit: int) -> float:
    """How far two numbers or arrays are apart, in units."""
    numbers, others = _listed(got), _listed(expected)
    assert len(numbers) == len(others)
    return max(map(ulps, numbers, others, repeat(unit)), default=0.0)


def ulps(got: Any, truth: Any, unit: int) -> float:
    """|got - truth| in units; where the truth is beyond float64, only the infinity of its sign has no error."""
    one, other = _raw(got), _raw(truth)
    if _is_ordinary(one) and _is_ordinary(other):
        away = abs(_in_units(one, unit) - _in_units(other, unit))
        return away / 2**_FINER if away.bit_length() < 1000 else inf
    got, truth = mpf(got), mpf(truth)
    if got != got or truth != truth:
        return 0.0 if got != got and truth != truth else inf
    reached = (got > 0) == (truth > 0) and min(abs(got), abs(truth)) >= _OVERFLOW - 4 * mpf(2) ** _LARGEST
    return 0.0 if reached else inf


def _listed(numbers: Any) -> list[Any]:
    if isinstance(numbers, list):
        return numbers
    return [numbers] if isinstance(numbers, float) else list(np.ravel(numbers).tolist())


def _raw(x: Any) -> _Raw:
    """A number's sign, mantissa, exponent and bits, as mpmath has them; a mantissa of 0 is 0, or not finite."""
    found: _Raw = from_float(x) if isinstance(x, float) else x._mpf_ if hasattr(x, "_mpf_") else mpf(x)._mpf_
    return found


def _is_ordinary(raw: _Raw) -> bool:
    """Finite, and below where float64 overflows."""
    _, mantissa, exponent, bits = raw
    return exponent + bits <= _LARGEST + _BITS if mantissa else not exponent


def _in_units(raw: _Raw, unit: int) -> int:
    """A finite number in 2^-30 units, cut off."""
    sign, mantissa, exponent, _ = raw
    places = exponent - unit + _FINER
    size = int(mantissa << places if places >= 0 else mantissa >> -places)
    return -size if sign else size


def _magnitude(x: Any) -> int:
    """The exponent of the power of two above |x|, at least that of the smallest normal; what is not finite has none."""
    _, mantissa, exponent, bits = _raw(x)
    return max(exponent + bits, _SMALLEST + _BITS) if mantissa else _SMALLEST + _BITS


def _whole(truth: Any) -> Any:
    return fsum(truth) if isinstance(truth, tuple) else truth


def _flattened(truth: Any) -> Iterator[Any]:
    if isinstance(truth, list):
        for entry in truth:
            yield from _flattened(entry)
    else:
        yield truth
