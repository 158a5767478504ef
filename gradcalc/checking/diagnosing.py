"""Which known mistakes give exactly somebody's wrong numbers: every mistake is made on purpose and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gradcalc.checking.comparing import Tolerance
from gradcalc.checking.evidence import Flags, Key, Predictions, bits, fit_of, fits, same
from gradcalc.checking.judging import Judged
from gradcalc.checking.records import Finding
from gradcalc.errors import GradcalcError
from gradcalc.mistakes import MISTAKES
from gradcalc.mistakes.entry import Case, Mistake, Way
from gradcalc.mistakes.tape import Change, Tape, changes_training
from gradcalc.network import Problem
from gradcalc.shapes import Array

Shown = Mapping[Key, Array]

#: The numbers of all mistakes together that are kept for the next file; of larger nets they are made anew for each.
_KEPT = 20_000_000

#: Where a spec has many steps, mistakes are made in all of them as far as so many passes reach.
_MOST_PASSES = 20_000


class Candidate(NamedTuple):
    """A mistake made in one way, or in the same way in several layers; in every step, or in the last pass alone."""

    rank: int
    mistake: Mistake
    ways: tuple[Way, ...]
    every_step: bool = False

    @property
    def changes(self) -> tuple[Change, ...]:
        """All changed rules."""
        return tuple(change for way in self.ways for change in way.changes)


class Table:
    """The mistakes of one problem, each made once: what they change, and whether that gives somebody's answers."""

    def __init__(self, problem: Problem) -> None:
        self._tape = Tape(problem)
        self.case = Case(self._tape)
        self.right: Shown = self._tape.right.shown()
        order = _Order.of(self.right, self._tape)
        self.order = {key: place for place, key in enumerate((*order.forward, *order.back))}
        self._forward = len(order.forward)
        with np.errstate(all="ignore"):
            self.candidates = [
                Candidate(rank, mistake, ways)
                for rank, mistake in enumerate(MISTAKES)
                for ways in _alone_and_everywhere(mistake.ways(self.case), self._tape.right.last)
            ]
        self.of_last_pass = len(self.candidates)
        if problem.steps > 1:
            self.candidates += _in_every_step(self.candidates, _MOST_PASSES // problem.steps)
        self._small = sum(array.size for array in self.right.values()) * len(self.candidates) <= _KEPT

    @cached_property
    def _predictions(self) -> dict[Key, Predictions]:
        """Every quantity as the mistakes that change it give it, made in the last pass alone."""
        return self._predicted(self.candidates[: self.of_last_pass])

    @cached_property
    def _predictions_of_steps(self) -> dict[Key, Predictions]:
        """The same of those made in every step."""
        return self._predicted(self.candidates[self.of_last_pass :])

    def _predicted(self, candidates: Sequence[Candidate]) -> dict[Key, Predictions]:
        found: dict[Key, list[tuple[int, Array]]] = {}
        for row, candidate in enumerate(candidates):
            for key, array in self._shown([candidate], None).items():
                if not same(array, self.right.get(key)):
                    found.setdefault(key, []).append((row, array))
        return {key: Predictions(given) for key, given in found.items()}

    def _shown(self, ones: Iterable[Candidate], asked: set[Key] | None) -> Shown:
        """The quantities when these mistakes are made; none where nothing can be computed."""
        last, every = list[Change](), list[Change]()
        for one in ones:
            (every if one.every_step else last).extend(one.changes)
        with np.errstate(all="ignore"):
            try:
                return self._tape.run(last, every).shown(asked)
            except GradcalcError:
                return {}

    def fit(self, answers: Sequence[Judged], tolerance: Tolerance, *, every_step: bool = False) -> tuple[Flags, Flags]:
        """For every mistake (row) which answers (column) it changes, and which of all are what they then would be.

        The mistakes are those of the last pass, or else those of `every_step`.
        """
        candidates = self.candidates[self.of_last_pass :] if every_step else self.candidates[: self.of_last_pass]
        if not self._small:
            rows = [self.fit_of(answers, [one], tolerance) for one in candidates]
            return np.array([changed for changed, _ in rows]), np.array([fit for _, fit in rows])
        known = self._predictions_of_steps if every_step else self._predictions
        changed = np.zeros((len(answers), len(candidates)), dtype=bool)
        fit = np.repeat([[answer.right] for answer in answers], len(candidates), axis=1)
        for i, answer in enumerate(answers):
            predictions = known.get((answer.layer, answer.letter))
            if predictions is not None:
                predictions.compare(answer, tolerance, changed[i], fit[i])
        return changed.T, fit.T

    def fit_of(self, answers: Sequence[Judged], ones: Iterable[Candidate], tolerance: Tolerance) -> tuple[Flags, Flags]:
        """The same of mistakes that are made together."""
        shown = self._shown(ones, {(answer.layer, answer.letter) for answer in answers})
        return fit_of(answers, shown, self.right, tolerance)

    def place(self, answer: Judged) -> int:
        """When an answer's quantity is computed."""
        return self.order.get((answer.layer, answer.letter), 0)

    def finding(self, one: Candidate, way: Way, also: tuple[str, ...]) -> Finding:
        """One way of a mistake in a sentence."""
        layer = self.case.name(way.position)
        quantity = f"{layer}.{way.quantity}" if layer else way.quantity
        return Finding(one.mistake.name, quantity, layer, one.mistake.sentence_of(self.case, way), also)

    def first_wrong(self, wrong: Iterable[Judged]) -> tuple[tuple[str, str], ...]:
        """The first of these answers on the way forward, and the first on the way back."""
        found: dict[str, tuple[int, str]] = {}
        for one in wrong:
            way = "forward" if self.place(one) < self._forward else "back"
            if way not in found or self.place(one) < found[way][0]:
                found[way] = (self.place(one), one.address)
        return tuple((way, found[way][1]) for way in ("forward", "back") if way in found)


class Answers:
    """One student's answers in the order of the computation, held against every mistake of a table."""

    def __init__(self, table: Table, judged: Sequence[Judged], tolerance: Tolerance) -> None:
        self.table, self.tolerance = table, tolerance
        self.answers = sorted(judged, key=table.place)
        self.wrong = np.array([not answer.right for answer in self.answers])
        self.bits = np.array([self._bits(answer) for answer in self.answers])
        self.changed, self.fit = table.fit(self.answers, tolerance)

    def with_every_step(self) -> Answers:
        """The same answers held against the mistakes that are made in every step too."""
        found = copy(self)
        more = self.table.fit(self.answers, self.tolerance, every_step=True)
        found.changed, found.fit = (np.vstack(pair) for pair in zip((self.changed, self.fit), more, strict=True))
        return found

    def _bits(self, answer: Judged) -> float:
        """What a wrong answer can say; new parameters that are the old ones, perhaps by rounding, say nothing."""
        old = answer.layer, answer.letter.removesuffix("_new")
        unmoved = old[1] != answer.letter and fits(answer, self.table.right[old], self.tolerance)
        return 0.0 if answer.right or unmoved else bits(answer)

    def evidence(self, changed: Flags, fit: Flags) -> float:
        """How much speaks for changes: the bits in which wrong numbers agree with what they then would be."""
        return float(self.bits[changed & fit].sum())

    def open(self, fit: Flags) -> int | None:
        """The first answer that is not what it would be; None where all are."""
        return None if fit.all() else int(np.argmin(fit))

    def listed(self, flags: Flags) -> list[Judged]:
        """The answers that are marked."""
        return [answer for answer, marked in zip(self.answers, flags, strict=True) if marked]

    @cached_property
    def wrong_keys(self) -> set[Key]:
        """The quantities that are wrong."""
        return {(answer.layer, answer.letter) for answer in self.listed(self.wrong)}

    def plainness(self, one: Candidate) -> tuple[int, int, int, int]:
        """Made in few layers before made in many, then by rank; then first in a quantity that is given, and wrong."""
        key = (self.table.case.name(one.ways[0].position), one.ways[0].quantity)
        given = key in self.wrong_keys
        return (
            sum(way.layers for way in one.ways),
            one.rank,
            0 if given else 1,
            self.table.order.get(key, 0) if given else 0,
        )


def _alone_and_everywhere(ways: Iterable[Way], last: int) -> Iterator[tuple[Way, ...]]:
    """Each way by itself, then those of one kind in several layers together, or in all but the `last`."""
    kinds: dict[str, list[Way]] = {}
    for way in ways:
        kinds.setdefault(way.kind, []).append(way)
        yield (way,)
    for alike in kinds.values():
        if len({way.position for way in alike}) == len(alike) > 1:
            yield tuple(alike)
            hidden = tuple(way for way in alike if way.position != last)
            if 1 < len(hidden) < len(alike):
                yield hidden


def _in_every_step(candidates: Sequence[Candidate], most: int) -> list[Candidate]:
    """Those that change what is learned, made in every step; of too many, the first ways of each mistake."""
    nth, found = Counter[int](), list[tuple[int, Candidate]]()
    for one in candidates:
        if changes_training(one.changes):
            found.append((nth[one.rank], one._replace(every_step=True)))
            nth[one.rank] += 1
    return [one for _, one in sorted(found, key=lambda pair: pair[0])[:most]]


class _Order(NamedTuple):
    """All quantities in the order of the computation: forward, the loss, back, and the new parameters."""

    forward: list[Key]
    back: list[Key]

    @classmethod
    def of(cls, shown: Shown, tape: Tape) -> _Order:
        """The order of these quantities; a layer's stand in its own."""
        names = [layer.name for layer in tape.layers]
        by_layer: dict[str, list[Key]] = {}
        for key in shown:
            by_layer.setdefault(key[0], []).append(key)
        forward, back, moved = list[Key](), list[Key](), list[Key]()
        for name in [*(name for name in by_layer if name and name not in names), *names]:
            own = [key for key in by_layer[name] if not key[1].endswith("_new")]
            made = own.index((name, "a")) + 1
            forward += own[:made]
            back = own[made:] + back
            moved += [key for key in by_layer[name] if key[1].endswith("_new")]
        whole = by_layer.get("", [])
        forward += [key for key in whole if key[1] != "da0"]
        return cls(forward, [*(key for key in whole if key[1] == "da0"), *back, *moved])
