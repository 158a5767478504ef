"""The plainest mistakes that explain somebody's numbers: one, several at once, or one for a part of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gradcalc.checking.comparing import Tolerance
from gradcalc.checking.diagnosing import Answers, Candidate, Table
from gradcalc.checking.evidence import Flags
from gradcalc.checking.judging import Judged
from gradcalc.checking.records import Finding
from gradcalc.shapes import Array

#: Numbers that agree by chance would agree in so many bits less; below it nobody is accused.
_NEEDED = 12.0

#: A further mistake is looked for among more possibilities, and needs more to speak for it.
_NEEDED_AGAIN = 16.0

#: So many mistakes may have been made at once.
_MOST_AT_ONCE = 3

#: So many beginnings are followed up.
_FOLLOWED = 8


class Explanation(NamedTuple):
    """Findings, and the wrong answers that they leave open."""

    findings: tuple[Finding, ...]
    open: tuple[Judged, ...] = ()


class _Made(NamedTuple):
    """Mistakes made together, which answers that changes, and which of all are what they then would be."""

    ones: tuple[Candidate, ...]
    changed: Flags
    fit: Flags


def explain(table: Table, judged: Sequence[Judged], tolerance: Tolerance) -> Explanation:
    """The plainest explanation of what is wrong; one without findings where no mistake gives these numbers."""
    answers = Answers(table, judged, tolerance)
    if not answers.wrong.any():
        return Explanation(())
    found = _single(answers)
    if found is None and table.of_last_pass < len(table.candidates):
        answers = answers.with_every_step()
        found = _single(answers)
    return found or _several(answers) or _part(answers) or Explanation((), tuple(answers.listed(answers.wrong)))


def _single(answers: Answers) -> Explanation | None:
    """One mistake that gives all the numbers."""
    rows = np.flatnonzero(answers.fit.all(axis=1) & (_evidence(answers) >= _NEEDED))
    return _plainest(answers, rows) if len(rows) else None


def _evidence(answers: Answers) -> Array:
    """What speaks for each mistake by itself."""
    found: Array = (answers.changed & answers.fit) @ answers.bits
    return found


def _plainest(answers: Answers, rows: Array, left: tuple[Judged, ...] = ()) -> Explanation:
    """The plainest of these mistakes, which give the same numbers."""
    ordered = sorted((answers.table.candidates[row] for row in rows), key=answers.plainness)
    names = dict.fromkeys(one.mistake.name for one in ordered if one.mistake is not ordered[0].mistake)
    return Explanation(_findings(answers.table, ordered[:1], [tuple(names)]), left)


def _findings(table: Table, ones: Sequence[Candidate], also: Sequence[tuple[str, ...]]) -> tuple[Finding, ...]:
    """A finding for each layer in which a mistake was made."""
    pairs = zip(ones, also, strict=True)
    return tuple(table.finding(one, way, others) for one, others in pairs for way in one.ways)


def _several(answers: Answers) -> Explanation | None:
    """Mistakes that give the numbers together: each next one explains the first answer that is still open."""
    beginnings = made = _beginnings(answers)
    for _ in range(_MOST_AT_ONCE - 1):
        longer: list[_Made] = []
        for begun in made:
            tried = _longer(answers, begun)
            whole = [one for one in tried if one.fit.all()]
            if whole:
                return _plainest_of(answers, whole, beginnings)
            longer += tried[:_FOLLOWED]
        made = longer[:_FOLLOWED]
    return None


def _plainest_of(answers: Answers, whole: Sequence[_Made], beginnings: Sequence[_Made]) -> Explanation:
    """The plainest of several explanations that differ in the last mistake; then in the first."""
    last = min(whole, key=lambda made: answers.plainness(made.ones[-1]))
    firsts = [
        one
        for begun in beginnings
        for one in begun.ones
        if one is last.ones[0] or _together(answers, (one, *last.ones[1:])).fit.all()
    ]
    first = min(firsts, key=answers.plainness)
    ones = (first, *last.ones[1:])
    alike = [firsts, *([one] for one in ones[1:-1]), [made.ones[-1] for made in whole]]
    also = [_others(one, others) for one, others in zip(ones, alike, strict=True)]
    return Explanation(_findings(answers.table, ones, also))


def _others(one: Candidate, alike: Sequence[Candidate]) -> tuple[str, ...]:
    """The other mistakes that would do in the place of one."""
    return tuple(dict.fromkeys(other.mistake.name for other in alike if other.mistake is not one.mistake))


def _beginnings(answers: Answers) -> list[_Made]:
    """The mistakes that give the first wrong answer and all before it, those with the most to say for them first."""
    first = int(np.argmax(answers.wrong))
    rows = np.flatnonzero(answers.changed[:, first] & answers.fit[:, : first + 1].all(axis=1))
    evidence = _evidence(answers)
    candidates = answers.table.candidates
    rows = np.array(sorted(rows, key=lambda row: (-evidence[row], answers.plainness(candidates[row]))), dtype=int)
    return [_Made((candidates[row],), answers.changed[row], answers.fit[row]) for row in rows[:_FOLLOWED]]


def _longer(answers: Answers, made: _Made) -> list[_Made]:
    """These mistakes and one more, that gives the first answer still open and has enough to say for it."""
    rest = answers.open(made.fit)
    if rest is None:
        return []  # one mistake gives it all, but chance could too
    known = answers.evidence(made.changed, made.fit)
    # what changes that answer, and none before it
    rows = np.flatnonzero(answers.changed[:, rest] & ~answers.changed[:, :rest].any(axis=1))
    together = ((*made.ones, answers.table.candidates[row]) for row in rows)
    tried = (_together(answers, ones) for ones in together if _give(answers, ones, answers.answers[rest]))
    return [
        one
        for one in tried
        if one.fit[: rest + 1].all() and answers.evidence(one.changed, one.fit) >= known + _NEEDED_AGAIN
    ]


def _together(answers: Answers, ones: tuple[Candidate, ...]) -> _Made:
    return _Made(ones, *answers.table.fit_of(answers.answers, ones, answers.tolerance))


def _give(answers: Answers, ones: tuple[Candidate, ...], answer: Judged) -> bool:
    """Whether mistakes made together give one answer: seldom, and sooner known than of all answers."""
    return bool(answers.table.fit_of([answer], ones, answers.tolerance)[1].all())


def _part(answers: Answers) -> Explanation | None:
    """The mistake that gives most of the wrong numbers and leaves every right one right."""
    consistent = (answers.fit | answers.wrong).all(axis=1)
    evidence = np.where(consistent, _evidence(answers), 0.0)
    most = float(evidence.max(initial=0.0))
    if most < _NEEDED_AGAIN:
        return None
    row = int(np.argmax(evidence))
    return _plainest(
        answers, np.flatnonzero(evidence >= most - 1e-9), tuple(answers.listed(answers.wrong & ~answers.fit[row]))
    )
