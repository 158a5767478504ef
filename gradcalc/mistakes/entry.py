"""What a mistake declares: its name, its sentence, an example, and how it changes the right computation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from gradcalc.layers.base import Layer
from gradcalc.layers.dense import Dense
from gradcalc.mistakes.tape import INPUTS, WHOLE, Change, Run, Tape
from gradcalc.network import Problem


class Way(NamedTuple):
    """One way to make a mistake: where, in which quantity, and the changed rules. `said` fills in the sentence.

    `kind` is the same for the same way in another layer; ways of the same kind in all layers are tried together.
    `layers` says in how many it is made at once: what is made in fewer is plainer.
    """

    kind: str
    position: int
    quantity: str
    changes: tuple[Change, ...]
    said: tuple[tuple[str, str], ...] = ()
    layers: int = 1


class Case:
    """A problem as the ways of a mistake see it: the right run and short cuts into it."""

    def __init__(self, tape: Tape) -> None:
        self.problem: Problem = tape.problem
        self.right: Run = tape.right
        self.layers: list[Layer] = tape.layers

    @property
    def examples(self) -> int:
        """How many there are."""
        return len(self.problem.x)

    @property
    def counted(self) -> int:
        """What N is in a mean over the examples."""
        return self.problem.counted

    @property
    def outputs(self) -> int:
        """How many numbers the network gives for one example."""
        return int(self.right.output[0].size)

    def dense(self) -> Iterator[int]:
        """The dense layers, last first, where there is a backward pass."""
        for position in self.backward():
            if isinstance(self.layers[position], Dense):
                yield position

    @property
    def passes_back(self) -> bool:
        """Whether there is a backward pass at all."""
        return self.right.start is not None

    def backward(self) -> Iterator[int]:
        """The layers that have a backward pass, last first."""
        if self.passes_back:
            yield from reversed(range(len(self.layers)))

    def having(self, letter: str) -> Iterator[int]:
        """The layers with that quantity, last first."""
        for position in reversed(range(len(self.layers))):
            if letter in self.right.quantities(position):
                yield position

    def name(self, position: int) -> str:
        """The layer's or input's name; empty for what belongs to none."""
        if position <= INPUTS:
            return self.problem.inputs[INPUTS - position]
        return "" if position == WHOLE else self.layers[position].name


class Mistake(NamedTuple):
    """A known mistake. `sentence` has fields: {quantity}, {layer}, and what `said` of its ways fills in.

    `example` is the mistake as a student writes it, beside what is right.
    """

    name: str
    title: str
    sentence: str
    example: str
    ways: Callable[[Case], Iterable[Way]]

    @property
    def pattern(self) -> str:
        """The sentence with <fields> for what differs from case to case."""
        return re.sub(r"\{(\w+)\}", r"<\1>", self.sentence)

    def sentence_of(self, case: Case, way: Way) -> str:
        """The sentence with the numbers and names of one way."""
        layer = case.name(way.position)
        quantity = f"{layer}.{way.quantity}" if layer else way.quantity
        return self.sentence.format(quantity=quantity, layer=layer or "the loss", **dict(way.said))


def replaced(stage: str, position: int, letter: str, value: Callable[[Run, int, Any], Any]) -> Change:
    """The change of one quantity among those of a stage: value(run, position, quantities) is its new one."""

    def rule(run: Run, at: int, quantities: Any) -> Any:
        return {**quantities, letter: value(run, at, quantities)}

    return Change(stage, position, rule)
