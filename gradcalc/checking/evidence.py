"""Whether an answer equals what a mistake would give, and how much that says: chance agrees in few bits only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gradcalc.checking.comparing import Tolerance, distance
from gradcalc.checking.judging import Judged
from gradcalc.shapes import Array

Key = tuple[str, str]
Flags = npt.NDArray[np.bool_]

#: No number says more than that of itself.
_MOST_BITS = 30.0

#: A zero is met more easily than any other number.
_ZERO_BITS = 4.0

#: Arrays of more numbers are looked at in a few places first.
_MANY = 1000


class Predictions:
    """One quantity as each of many mistakes would give it: those of one shape in one array, the others by themselves.

    `rows` are the mistakes that change it.
    """

    def __init__(self, given: Iterable[tuple[int, Array]]) -> None:
        shapes: dict[tuple[int, ...], list[tuple[int, Array]]] = {}
        for row, array in given:
            shapes.setdefault(array.shape, []).append((row, array))
        self._groups = [
            (np.array([row for row, _ in same]), np.stack([array for _, array in same])) for same in shapes.values()
        ]

    def compare(self, answer: Judged, tolerance: Tolerance, changed: Flags, fit: Flags) -> None:
        """Marks in `changed` the mistakes that change this answer, and in `fit` whether to what it is."""
        for rows, stack in self._groups:
            changed[rows] = True
            fit[rows] = _fits(answer, stack, tolerance)


def fits(answer: Judged, predicted: Array, tolerance: Tolerance) -> bool:
    """Whether the answer is the predicted quantity, as it was read or as it was written."""
    return bool(_fits(answer, predicted[None], tolerance)[0])


def _fits(answer: Judged, stack: Array, tolerance: Tolerance) -> Flags:
    """The same for many predictions of one shape, one behind the other."""
    nowhere = np.zeros(len(stack), dtype=bool)
    place = answer.place
    outside = (i >= n for i, n in zip(place, stack.shape[1:], strict=False) if isinstance(i, int))
    if len(place) >= stack.ndim or any(outside):
        return nowhere
    index: tuple[slice | int, ...] = (slice(None), *place)
    part = np.asarray(stack[index])
    found = _form(answer, part.shape[1:])
    if found is None:
        return nowhere
    got, halves = found
    if got.size > _MANY:  # a few entries tell most apart, in less time
        few = _few(got.shape)
        of_all: tuple[slice, ...] = (slice(None), *few)
        if not _near(got[few], part[of_all], tolerance, None if halves is None else halves[few]).any():
            return nowhere
    return _near(got, part, tolerance, halves)


def _near(got: Array, stack: Array, tolerance: Tolerance, halves: Array | None) -> Flags:
    near = distance(got[None], stack, tolerance, None if halves is None else halves[None]).near
    return np.asarray(near.reshape(len(stack), -1).all(axis=1))


def _few(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """An index of at most some dozens of entries, all over an array."""
    return tuple(slice(None, None, -(-n // 6)) for n in shape)


def _form(answer: Judged, shape: tuple[int, ...]) -> tuple[Array, Array | None] | None:
    """The answer in that shape, as it was read or written; None if it cannot be brought there."""
    reading = answer.reading
    if reading is not None and reading.numbers.shape == shape:
        return reading.numbers, reading.halves
    got, halves = answer.got, answer.given.halves
    if [n for n in got.shape if n != 1] != [n for n in shape if n != 1]:
        return None
    return got.reshape(shape), None if halves is None or halves.size != got.size else halves.reshape(shape)


def fit_of(
    answers: Sequence[Judged], shown: Mapping[Key, Array], right: Mapping[Key, Array], tolerance: Tolerance
) -> tuple[Flags, Flags]:
    """Which answers some mistakes change, and which of all are what they then would be."""
    changed = np.zeros(len(answers), dtype=bool)
    fit = np.array([answer.right for answer in answers])
    for i, answer in enumerate(answers):
        key = (answer.layer, answer.letter)
        if key in shown and not same(shown[key], right.get(key)):
            changed[i], fit[i] = True, fits(answer, shown[key], tolerance)
    return changed, fit


def same(one: Array, other: Array | None) -> bool:
    """Whether two arrays hold the same numbers; at once where they are one array, or views of the same memory."""
    if one is other:
        return True
    if other is None or one.shape != other.shape:
        return False
    if one.size > _MANY:
        mine, yours = one.__array_interface__, other.__array_interface__
        if mine["data"] == yours["data"] and one.strides == other.strides:
            return True
        few = _few(one.shape)
        if not _equal(one[few], other[few]):
            return False
    return _equal(one, other)


def _equal(one: Array, other: Array) -> bool:
    """Whether all numbers of arrays of one shape are equal, NaN to NaN."""
    equal = one == other
    return bool(equal.all() or (equal | ((one != one) & (other != other))).all())


def bits(answer: Judged) -> float:
    """How exactly the wrong numbers of an answer are told from the right ones, each different number once.

    Nothing but zeros says nothing: the answer may be empty, or small and rounded.
    """
    if not answer.got.any():
        return 0.0
    if answer.reading is None or answer.apart is None:
        values = np.unique(answer.got.ravel()[:_MANY])
        return _ZERO_BITS * float(np.count_nonzero(values == 0)) + _MOST_BITS / 2 * float(np.count_nonzero(values))
    wrong = ~answer.apart.near
    got = answer.reading.numbers[wrong]
    if not got.size:
        return 0.0
    allowed = np.maximum(answer.apart.allowed[wrong], np.finfo(float).tiny)
    with np.errstate(all="ignore"):
        each = np.clip(np.log2(answer.apart.error[wrong] / allowed), 0.0, _MOST_BITS)
    values, places = np.unique(got, return_index=True)
    told = float(each[places][np.isfinite(values) & (values != 0)].sum())
    zeros = np.minimum(each[got == 0], _ZERO_BITS)
    return told + float(zeros.sum())
