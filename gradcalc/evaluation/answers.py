"""Answers to a question for a sequence of inputs, piece by piece, so that a stream of any length can be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcalc.errors import GradcalcError
from gradcalc.evaluation import pointwise
from gradcalc.evaluation.reading import Whole
from gradcalc.evaluation.reduction import reduced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcalc.evaluation.pointwise import Numbers
    from gradcalc.evaluation.question import Question
    from gradcalc.results import Points


def answer(question: Question, items: Iterable[Numbers | Whole]) -> Iterator[Points]:
    """The answers to runs of numbers and whole points, piece by piece; an error says where its input stood.

    A reduction takes all runs of numbers together and every whole point by itself.
    """
    pending: list[Points] = []
    wholes = 0
    for item in items:
        if isinstance(item, Whole):
            wholes += 1
            yield _whole(question, item)
        elif question.reduction == "none":
            yield from pointwise.answer(question, item)
        else:
            pending.extend(pointwise.answer(question, item))
    if question.reduction != "none" and (pending or not wholes):
        yield reduced(question, pending, question.upstream and question.upstream.next())
    question.finish()


def _whole(question: Question, point: Whole) -> Points:
    try:
        if question.elementwise:
            return pointwise.whole(question, point)._replace(place=point.place)
        if question.joint:
            from gradcalc.evaluation import joint

            return joint.answer(question, point)._replace(place=point.place)
        from gradcalc.evaluation import vectors

        return vectors.answer(question, point)._replace(place=point.place)
    except GradcalcError as error:
        error.place = error.place or point.place
        raise
