"""Evenly spaced inputs, in runs, so that any number of them needs little memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcalc.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

#: So many are made at once.
RUN = 4096


def spaced(start: float, stop: float, count: int) -> Iterator[list[float]]:
    """`count` numbers from `start` to `stop`, both included."""
    if not (start - start == 0.0 and stop - stop == 0.0):
        raise InputError("evenly spaced inputs lie between finite numbers")
    last = max(count - 1, 1)
    for first in range(0, count, RUN):
        yield [_between(start, stop, i, last) for i in range(first, min(first + RUN, count))]


def _between(start: float, stop: float, i: int, last: int) -> float:
    """The i-th of `last` steps. Whole numbers stay whole; where the products overflow, shares are taken first."""
    product = (start * (last - i) + stop * i) / last
    return product if product - product == 0.0 else start * ((last - i) / last) + stop * (i / last)
