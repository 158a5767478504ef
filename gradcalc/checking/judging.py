"""Answers put beside the right numbers: which quantity each name means, how it was written, and what is off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from gradcalc.checking.answers import Given
from gradcalc.checking.comparing import Distance, Tolerance, compared, distance
from gradcalc.checking.layouts import EXAMPLES, TRANSPOSED, WEIGHTS, Reading, Unfolded, readings, text, unfolded
from gradcalc.checking.lookup import Lookup, Meant, Place
from gradcalc.checking.records import Item
from gradcalc.errors import GradcalcError
from gradcalc.shapes import Array


class Judged(NamedTuple):
    """One answer and the quantity it is held against, or what stands at `place` in it.

    `got` is the answer as it was written, `reading` how it was read and `apart` what that gave; both are None where
    its shape is none of the quantity's. `alternatives` are other readings that would do;
    `refusal` says why one that would do was not taken.
    """

    given: Given
    address: str
    layer: str
    letter: str
    place: Place
    got: Array
    expected: Array
    reading: Reading | None
    apart: Distance | None
    alternatives: tuple[tuple[Reading, Distance], ...] = ()
    refusal: str = ""

    @property
    def right(self) -> bool:
        """Whether all its numbers are near enough."""
        return self.apart is not None and bool(self.apart.near.all())


def judge(lookup: Lookup, given: Sequence[Given], tolerance: Tolerance) -> tuple[list[Item], list[Judged]]:
    """Items for the answers that mean nothing or cannot be read, and all others judged."""
    broken: list[Item] = []
    found: list[Judged] = []
    for one in given:
        try:
            meant = list(_meant(lookup, one, tolerance))
            if _with_own_bias(lookup, meant, given):
                meant = [judged(one, lookup.find(one.name), tolerance)]
        except GradcalcError as error:
            broken.append(Item(one.name, one.name, False, problem=str(error), compared=False))
            continue
        if one.shape:
            broken.append(_misshapen(meant[0], one.shape))
        elif one.numbers is None:
            address = meant[0].address
            broken.append(Item(address, one.name, False, problem=one.problem, compared=False))
        else:
            found += meant
    return broken, _settled(found)


def item_of(judged: Judged) -> Item:
    """What became of one answer."""
    reading = judged.reading
    if reading is None or judged.apart is None:
        return _misshapen(judged, judged.got.shape)
    return compared(judged.given.name, judged.address, reading.numbers, judged.expected, judged.apart, reading.said)


def _misshapen(judged: Judged, shape: tuple[int, ...]) -> Item:
    """An answer of that shape, which is none of the quantity's."""
    size = int(judged.expected.size)
    own, right = text(shape), text(judged.expected.shape)
    shapes = f"shape {own}, but it should be {right}" if shape else f"{own} where shape {right} belongs"
    return Item(judged.address, judged.given.name, False, wrong=size, size=size, problem=judged.refusal or shapes)


def refused(judged: Judged) -> Judged:
    """An answer in another layout as one of the wrong shape; all others as they are."""
    if judged.reading is None or not judged.reading.layout:
        return judged
    right = "right numbers, but " if judged.right else ""
    return judged._replace(reading=None, apart=None, refusal=f"{right}{judged.reading.said} (--strict-shape)")


def _with_own_bias(lookup: Lookup, found: list[Judged], given: Sequence[Given]) -> bool:
    """Whether the bias that seems to stand among weights, none of which are right, has an answer of its own."""
    if len(found) == 1 or any(map(_agreeing, found)):
        return False
    others = []
    for other in given:
        with suppress(GradcalcError):
            others.append(lookup.find(other.name).address)
    return found[1].address in others


def _meant(lookup: Lookup, given: Given, tolerance: Tolerance) -> Iterator[Judged]:
    """The quantity that an answer means; two where weights hold the bias too. Errors: UsageError."""
    meant = lookup.find(given.name)
    got = given.numbers
    if got is not None and meant.letter in WEIGHTS and not meant.place and got.shape != meant.expected.shape:
        split = _with_bias(lookup, given, got, tolerance) or _without_bias(lookup, given, got, tolerance)
        if split:
            yield from split
            return
    yield judged(given, meant, tolerance)


def judged(given: Given, meant: Meant, tolerance: Tolerance) -> Judged:
    """The answer under its best reading: the first that is right, else the one with the most right numbers."""
    got = np.asarray(0.0) if given.numbers is None else given.numbers
    expected, letter = meant.expected, meant.letter
    own = meant.address, meant.layer, letter, meant.place, got, expected
    tried = [
        (reading, distance(reading.numbers, expected, tolerance, reading.halves))
        for reading in readings(got, given.halves, expected.shape, letter)
    ]
    if not tried:
        return Judged(given, *own, None, None)
    usual = [one for one in tried if not (one[0].layout == TRANSPOSED and tried[0][0].layout == "")]
    best = max(usual, key=lambda one: int(np.count_nonzero(one[1].near)))
    return Judged(given, *own, *best, tuple(one for one in tried if one is not best))


def _with_bias(lookup: Lookup, given: Given, got: Array, tolerance: Tolerance) -> list[Judged]:
    """Weights with the bias among them, as both quantities, by the way that fits best; none where that cannot be."""
    weights = lookup.find(given.name)
    try:
        bias = lookup.find(weights.address.replace(f".{weights.letter}", f".{weights.letter.replace('W', 'b')}"))
    except GradcalcError:
        return []
    shape = weights.expected.shape
    ways = list(unfolded(got, shape))
    halves = list(unfolded(given.halves, shape)) if given.halves is not None else [None] * len(ways)
    pairs = [
        [
            _said(judged(part, meant, tolerance), way.said)
            for part, meant in zip(_parts(given, way, half), (weights, bias), strict=True)
        ]
        for way, half in zip(ways, halves, strict=True)
    ]
    return max(pairs, key=lambda pair: sum(_agreeing(one) for one in pair), default=[])


def _without_bias(lookup: Lookup, given: Given, got: Array, tolerance: Tolerance) -> list[Judged]:
    """Weights alone where the spec has the bias among them."""
    meant = lookup.find(given.name)
    place = lookup.folded(meant.layer, bias=False)
    if place is None or got.size != meant.expected[place].size:
        return []
    found = judged(given, meant._replace(place=place, expected=meant.expected[place]), tolerance)
    return [_said(found, "weights without the bias that the spec keeps among them")]


def _parts(given: Given, way: Unfolded, half: Unfolded | None) -> tuple[Given, Given]:
    """The weights and the bias as answers of their own."""
    weights = given._replace(numbers=way.weights, halves=half.weights if half else None)
    return weights, given._replace(numbers=way.bias, halves=half.bias if half else None)


def _agreeing(one: Judged) -> int:
    return 0 if one.apart is None else int(np.count_nonzero(one.apart.near))


def _said(one: Judged, said: str) -> Judged:
    """The answer with another word on how it was written."""
    return one if one.reading is None else one._replace(reading=one.reading._replace(layout="bias", said=said))


def _settled(found: list[Judged]) -> list[Judged]:
    """Transposed answers by the company they keep: a layout is meant for all answers of a kind, or for none."""
    for letters in (WEIGHTS, EXAMPLES):
        group = [one for one in found if one.letter in letters and one.reading is not None]
        plain = [one for one in group if _layout(one) == "" and one.right and _is_oblong(one)]
        proven = [one for one in group if _layout(one) == TRANSPOSED and one.right]
        if proven and not plain:
            found = [_exchanged(one) if one.letter in letters else one for one in found]
        elif proven:
            found = [_refused(one) if one.letter in letters and _layout(one) == TRANSPOSED else one for one in found]
    return found


def _layout(one: Judged) -> str:
    return one.reading.layout if one.reading else "none"


def _is_oblong(one: Judged) -> bool:
    return one.expected.ndim == 2 and one.expected.shape[0] != one.expected.shape[1] and min(one.expected.shape) > 1


def _exchanged(one: Judged) -> Judged:
    """A square answer read transposed, where that makes it right."""
    for reading, apart in one.alternatives:
        if reading.layout == TRANSPOSED and not one.right and apart.near.all():
            return one._replace(reading=reading, apart=apart)
    return one


def _refused(one: Judged) -> Judged:
    """A transposed answer among others that are not: its shape is wrong."""
    said = f"shape {text(one.got.shape)} for {text(one.expected.shape)}: transposed, unlike the other answers"
    return one._replace(reading=None, apart=None, refusal=said)
