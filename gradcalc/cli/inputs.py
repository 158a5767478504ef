"""The inputs of a function from the command line: INPUTs, --linspace, --input, and streams among them."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TextIO, cast

from gradcalc.cli.words import Word, one_number, read_object, read_rows, read_word
from gradcalc.errors import InputError, UsageError, quoted
from gradcalc.evaluation import grid, stream
from gradcalc.evaluation.pointwise import Numbers
from gradcalc.evaluation.reading import Whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from gradcalc.evaluation.question import Question
    from gradcalc.evaluation.stream import Piece

#: Up to so many evenly spaced inputs are worked out before the first is printed.
_FEW = 1000

#: No vector of evenly spaced numbers is longer.
_LONGEST = 10_000_000


class Stream(NamedTuple):
    """A stream to read when its turn comes: "-" is standard input."""

    name: str


class Grid(NamedTuple):
    """Evenly spaced numbers."""

    start: float
    stop: float
    size: int


class Rows(NamedTuple):
    """A matrix, or vectors, in brackets of their own, and where they stood."""

    rows: list[list[float]]
    where: str


Part = Word | Whole | Stream | Grid | Rows


class Inputs:
    """All inputs of one command line, checked but not yet read from streams."""

    def __init__(
        self, words: tuple[str, ...], linspace: tuple[str, str, str] | None, files: tuple[str, ...], as_vector: bool
    ) -> None:
        self.as_vector = as_vector
        self.given: list[Part] = [_grid(*linspace)] if linspace else []
        self.given += [_read(word, f"INPUT {i}") for i, word in enumerate(words, 1)]
        self.given += map(Stream, files)
        if sum(part == Stream("-") for part in self.given) > 1:
            raise UsageError("standard input (-) can be read only once")

    def few(self) -> bool:
        """Whether all are there, and few, so that they can be answered before anything is printed."""
        return not any(isinstance(part, Stream) or (isinstance(part, Grid) and part.size > _FEW) for part in self.given)

    def items(self, question: Question, out: TextIO) -> Iterator[Numbers | Whole]:
        """What the question is answered for, in order; `out` is flushed before each wait for a stream."""
        if not self.given:
            name = question.entry.name
            example = f"gradcalc eval {name} {('0.5', '1 2 3', '1,2,3 4,5,6')[question.entry.rank]}"
            raise UsageError(f"{name} needs an input", hint=f"for example: {example}, or - for standard input")
        if question.elementwise:
            if self.as_vector:
                raise UsageError(
                    f"--vector is for functions of a vector: {question.entry.name} takes each number alone"
                )
            return self._points(out)
        if question.entry.rank == 2:
            return self._matrices(question.entry.name, out)
        return iter([Whole(self._all_numbers(out))]) if self.as_vector else self._vectors(out)

    def _points(self, out: TextIO) -> Iterator[Numbers | Whole]:
        """Every number by itself; numbers next to one another are answered together."""
        run: list[float] = []
        for part in self.given:
            if isinstance(part, Whole | Stream | Grid):
                if run:
                    yield Numbers(run)
                run = []
            if isinstance(part, Whole):
                yield part
            elif isinstance(part, Stream):
                with _pieces(part.name, out, split_lines=True) as pieces:
                    yield from stream.points(pieces)
            elif isinstance(part, Grid):
                yield from map(Numbers, grid.spaced(*part))
            else:
                run += _numbers(part)
        if run:
            yield Numbers(run)

    def _vectors(self, out: TextIO) -> Iterator[Whole]:
        """Single numbers form one vector; words of several numbers, objects and lines are vectors by themselves."""
        several = [part for part in self.given if _stands_alone(part)]
        single = [x for part in self.given if not _stands_alone(part) for x in _numbers(part)]
        if single and several:
            raise UsageError(
                "single numbers form one vector, and cannot stand beside vectors or a stream",
                hint="write each vector as one INPUT: 1,2,3",
            )
        if single:
            yield Whole(single)
        for part in several:
            if isinstance(part, Stream):
                with _pieces(part.name, out, split_lines=False) as pieces:
                    yield from stream.vectors(pieces)
            elif isinstance(part, Rows):
                yield from map(Whole, part.rows)
            else:
                yield part if isinstance(part, Whole) else Whole(_numbers(part))

    def _matrices(self, name: str, out: TextIO) -> Iterator[Whole]:
        """Words of several numbers are rows of one matrix; objects, brackets in brackets and streams are whole ones."""
        rows: list[list[float]] = []
        for part in self.given:
            if self.as_vector or isinstance(part, Grid) or not _stands_alone(part):
                raise UsageError(f"{name} takes a matrix", hint="write each row as one INPUT: 1,2,3 4,5,6")
            if isinstance(part, Word):
                rows.append(part.numbers)
                continue
            if rows:
                yield Whole(rows)
            rows = []
            if isinstance(part, Stream):
                with _pieces(part.name, out, split_lines=False) as pieces:
                    yield from stream.matrices(pieces)
            else:
                yield Whole(part.rows) if isinstance(part, Rows) else part
        if rows:
            yield Whole(rows)

    def _all_numbers(self, out: TextIO) -> list[float]:
        """Everything as one vector."""
        found: list[float] = []
        for part in self.given:
            if isinstance(part, Whole):
                raise UsageError("a whole point cannot be part of a vector")
            if isinstance(part, Stream):
                with _pieces(part.name, out, split_lines=True) as pieces:
                    found += stream.one_vector(pieces)
            else:
                found += _numbers(part)
        return found


def _read(text: str, where: str) -> Part:
    if text == "-":
        return Stream("-")
    if text.lstrip().startswith("{"):
        return read_object(text, where)
    rows = read_rows(text, where)
    return read_word(text, where) if rows is None else Rows(rows, where)


def _grid(start: str, stop: str, count: str) -> Grid:
    number = one_number(count, "--linspace NUM")
    if not (1 <= number <= 2**53 and number == int(number)):
        raise UsageError(f"--linspace: NUM must be a whole number of at least 1, not {quoted(count)}")
    found = Grid(one_number(start, "--linspace START"), one_number(stop, "--linspace STOP"), int(number))
    if not all(x - x == 0.0 for x in found):
        raise UsageError("--linspace: START and STOP must be finite")
    return found


def _stands_alone(part: Part) -> bool:
    """Whether a part makes vectors by itself, where single numbers make one together."""
    return isinstance(part, Whole | Stream | Rows) or (isinstance(part, Word) and part.is_vector)


def _numbers(part: Part) -> list[float]:
    """The numbers of a word or a grid."""
    if isinstance(part, Grid):
        if part.size > _LONGEST:
            raise UsageError(f"--linspace: a vector of {part.size} numbers is too long (at most {_LONGEST})")
        return [x for run in grid.spaced(*part) for x in run]
    if isinstance(part, Rows):
        message = f"{part.where}: not a number: '['"
        raise UsageError(message, hint="a list of numbers has one pair of brackets: [1, 2, 3]")
    assert isinstance(part, Word)  # whole points and streams are no plain numbers
    return part.numbers


@contextmanager
def _pieces(name: str, out: TextIO, *, split_lines: bool) -> Iterator[Iterator[Piece]]:
    """A file's or standard input's text, piece by piece."""
    if name == "-":
        yield stream.pieces(_standard_input(), "<stdin>", split_lines=split_lines, pause=out.flush)
        return
    try:
        file = open(name, "rb")  # noqa: PTH123, SIM115  # pathlib costs start-up time; closed below
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"cannot read {quoted(name)}: {reason}") from None
    with file:
        yield stream.pieces(file, name, split_lines=split_lines, pause=out.flush)


def _standard_input() -> BufferedReader:
    if sys.stdin is None:
        raise InputError("standard input is closed")
    return cast("BufferedReader", sys.stdin.buffer)  # typeshed knows only what every binary file has
