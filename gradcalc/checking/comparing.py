"""Numbers beside numbers: how far they may be apart, where they are furthest, and what that makes of an answer."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradcalc.checking.records import Item
from gradcalc.shapes import Array


class Tolerance(NamedTuple):
    """|got - expected| may be atol + rtol * |expected|, and half a unit of the last digit where digits count."""

    rtol: float = 1e-5
    atol: float = 1e-8

    def of(self, expected: Array, halves: Array | None = None) -> Array:
        """The distance allowed at each number; where the expected one is infinite, none."""
        size = np.abs(expected)
        if not np.isfinite(size).all():
            size = np.where(np.isfinite(size), size, 0.0)
        allowed = self.atol + self.rtol * size
        # the widening keeps 0.285 a right way to write 0.28500000000000003 - 0.0005
        return np.asarray(allowed if halves is None else allowed + halves * (1 + 1e-9))


class Distance(NamedTuple):
    """Entry by entry: how far apart, and whether that is near enough."""

    error: Array
    near: Array
    allowed: Array


def distance(got: Array, expected: Array, tolerance: Tolerance, halves: Array | None = None) -> Distance:
    """Distances of arrays of one shape. Infinities agree with themselves, and so does NaN where NaN is right."""
    with np.errstate(all="ignore"):
        allowed = tolerance.of(expected, halves)
        error = np.asarray(np.abs(got - expected))
        if not np.isfinite(error).all():
            same = (got == expected) | (np.isnan(got) & np.isnan(expected))
            error = np.where(same, 0.0, error)
        return Distance(error, np.asarray(error <= allowed), allowed)


def compared(name: str, quantity: str, got: Array, expected: Array, apart: Distance, note: str = "") -> Item:
    """The item of two arrays of one shape, with the entry that is furthest off in terms of what is allowed."""
    with np.errstate(all="ignore"):
        relative = np.where(apart.error == 0, 0.0, apart.error / np.abs(expected))
    flat = int(np.argmax(_excess(apart)))
    worst = tuple(int(i) for i in np.unravel_index(flat, expected.shape))
    wrong = int(apart.near.size - np.count_nonzero(apart.near))
    return Item(
        quantity,
        name,
        wrong == 0,
        _largest(apart.error),
        _largest(relative),
        worst,
        float(expected[worst]),
        float(got[worst]),
        wrong,
        int(expected.size),
        note,
        _not_finite(got, expected),
    )


def _excess(apart: Distance) -> Array:
    """How many times what is allowed each entry is off; NaN is further off than anything."""
    with np.errstate(all="ignore"):
        found = apart.error / np.maximum(apart.allowed, np.finfo(float).tiny)
    return np.where(np.isnan(found), np.inf, found)


def _largest(errors: Array) -> float:
    """The largest entry, NaN where one is NaN: an error that cannot be measured is the worst."""
    return float(errors.max()) if errors.size else 0.0


def _not_finite(got: Array, expected: Array) -> str:
    """Says NaN or infinities where the right number is finite."""
    bad = ~np.isfinite(got) & np.isfinite(expected)
    count = int(np.count_nonzero(bad))
    if not count:
        return ""
    index = tuple(int(i) for i in np.argwhere(bad)[0]) if got.ndim else ()
    where = "".join(f"[{i}]" for i in index)
    word = {True: "NaN", False: "infinite"}[bool(np.isnan(got[index]))]
    others = f", and {count - 1} more {'is' if count == 2 else 'are'} not finite" if count > 1 else ""
    return f"{where} is {word}".strip() + others
