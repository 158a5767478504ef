"""Right numbers that were rounded: told from wrong ones, so that nobody looks for a mistake there."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradcalc.checking.comparing import Tolerance, distance
from gradcalc.checking.judging import Judged
from gradcalc.shapes import Array

#: Numbers are looked at with so many decimals; with more, rounding is within any tolerance that is not meant so.
_DECIMALS = range(1, 9)

#: What is rounded to is a rounded number itself but for this share of its last digit.
_SLACK = 1e-6


def rounded(judged: Sequence[Judged]) -> dict[int, int]:
    """Which answers are wrong by rounding alone, by their place, and how many decimals they have.

    All of a file have as many; at least one number among them must have two digits or more.
    """
    open_ = [i for i, one in enumerate(judged) if _may_be(one)]
    for decimals in _DECIMALS if open_ else ():
        alike = [i for i in open_ if _is_rounded(judged[i], decimals)]
        if any(_two_digits(judged[i].got, decimals) for i in alike):
            return dict.fromkeys(alike, decimals)
    return {}


def as_right(one: Judged, decimals: int, tolerance: Tolerance) -> Judged:
    """The answer as it is judged by the digits it has."""
    assert one.reading is not None
    halves = np.full(one.expected.shape, 0.5 * 10.0**-decimals)
    reading = one.reading._replace(halves=halves)
    return one._replace(reading=reading, apart=distance(reading.numbers, one.expected, tolerance, halves))


def said(decimals: int) -> str:
    """What a rounded answer is told."""
    return f"rounded to {decimals} decimal{'s' * (decimals > 1)}, too few to be right (--digits-given takes them)"


def _may_be(one: Judged) -> bool:
    return not one.right and one.reading is not None and one.reading.halves is None


def _is_rounded(one: Judged, decimals: int) -> bool:
    assert one.reading is not None
    with np.errstate(all="ignore"):
        apart = abs(one.reading.numbers - np.round(one.expected, decimals))
    return bool((apart <= _SLACK * 10.0**-decimals).all())


def _two_digits(got: Array, decimals: int) -> bool:
    return bool(abs(got).max(initial=0.0) * 10.0**decimals >= 10 - _SLACK)
