"""A stream of text as inputs, piece by piece as it arrives: memory stays flat and nobody waits for the end."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gradcalc.errors import GradcalcError, InputError, Place
from gradcalc.evaluation.matrices import rows_of
from gradcalc.evaluation.pointwise import Numbers
from gradcalc.evaluation.reading import (
    STRAY_COMMA,
    TOKEN,
    NotANumberError,
    Whole,
    read_number,
    read_numbers,
    read_point,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

#: How much is read at once, at most; less when less has arrived.
PIECE = 1 << 16

#: Up to here a long line of numbers can be answered before its end is there.
_BEFORE_LAST_TOKEN = r"[\s,](?=[^\s,]+[\s,]*\Z)"


class Piece:
    """Some whole lines of a stream, or numbers of one long line, and where they begin."""

    __slots__ = ("line", "source", "text")

    def __init__(self, text: str, line: int, source: str) -> None:
        self.text, self.line, self.source = text, line, source

    def place_of(self, index: int) -> Place | None:
        """Where the number of that index stands."""
        for i, token in enumerate(re.finditer(TOKEN, self.text)):
            if i == index:
                start = self.text.rfind("\n", 0, token.start()) + 1
                line = self.text[start:].partition("\n")[0]
                row = self.line + self.text.count("\n", 0, start)
                return Place(self.source, row, token.start() - start + 1, line, len(token[0]))
        return None


def pieces(stream: BufferedReader, name: str, *, split_lines: bool, pause: Callable[[], None]) -> Iterator[Piece]:
    """The stream's text in pieces; `pause` is called before each wait for more.

    `split_lines` says that a line's numbers need not be seen together.
    """
    decoder: Any = None
    rest, line = "", 1
    while True:
        pause()
        data = _read(stream, name)
        decoder = decoder or codecs.getincrementaldecoder(_encoding(data))()
        try:
            rest += decoder.decode(data, final=not data)
        except UnicodeDecodeError:
            place = Place(name, line + rest.count("\n"))
            raise InputError(f"{name} is not text in UTF-8", place=place, hint=_of_numpy(data)) from None
        end = len(rest) if not data else _cut(rest, split_lines)
        if end:
            text, rest = rest[:end], rest[end:]
            yield Piece(text, line, name)
            line += text.count("\n")
        if not data:
            return


def _read(stream: BufferedReader, name: str) -> bytes:
    try:
        return stream.read1(PIECE)
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from None


def _of_numpy(start: bytes) -> str:
    """What to do with a file that begins as NumPy's arrays do."""
    return "numpy.savetxt writes an array as text" if start.startswith((b"\x93NUMPY", b"PK\x03\x04")) else ""


def _encoding(start: bytes) -> str:
    """UTF-8, unless the first bytes say UTF-16, as some shells write it."""
    return "utf-16" if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _cut(text: str, split_lines: bool) -> int:
    """Where the last line that is not known to be complete begins; a long one is cut before its last number."""
    end = text.rfind("\n") + 1
    if not end and split_lines and len(text) >= PIECE and "{" not in text and "[" not in text:
        start = len(text) - PIECE // 2
        last = re.search(_BEFORE_LAST_TOKEN, text[start:])
        return start + last.end() if last else 0
    return end


def points(found: Iterator[Piece]) -> Iterator[Numbers | Whole]:
    """The inputs of an elementwise function: every number by itself, every JSON object a whole point."""
    for piece in found:
        values = _quickly(piece.text)
        if values is None:
            yield from _line_by_line(piece)
        elif values:
            yield Numbers(values, piece.place_of)


def _quickly(text: str) -> list[float] | None:
    """All numbers of a piece, if it holds nothing else."""
    if not text.isascii() or "_" in text or ("," in text and re.search(STRAY_COMMA, text)):
        return None
    try:
        return list(map(float, text.replace(",", " ").split()))
    except ValueError:
        return None


def _line_by_line(piece: Piece) -> Iterator[Numbers | Whole]:
    """A piece with objects, brackets or errors in it; a line's numbers before an error are inputs still."""
    for line in _lines(piece):
        try:
            item = _read_line(line)
        except NotANumberError as error:
            before = _up_to(error, line)
            if before:
                yield Numbers(before, line.place_of)
            raise
        yield item if isinstance(item, Whole) else Numbers(item, line.place_of)


def _up_to(error: NotANumberError, line: Piece) -> list[float]:
    """A line's numbers before the one that is none."""
    found: list[float] = []
    with suppress(NotANumberError):
        for token in re.finditer(TOKEN, line.text[: error.column]):
            found.append(read_number(token[0]))
    return found


def vectors(found: Iterator[Piece]) -> Iterator[Whole]:
    """The inputs of a vector function: every line a vector, every JSON object a whole point."""
    for piece in found:
        for line in _lines(piece):
            item = _read_line(line)
            yield item if isinstance(item, Whole) else Whole(item, place=Place(line.source, line.line))


def matrices(found: Iterator[Piece]) -> Iterator[Whole]:
    """The inputs of a function of a matrix: lines are rows, up to a blank one; objects and brackets are whole ones."""
    rows: list[list[float]] = []
    place: Place | None = None
    for line in _every_line(found):
        item = _read_matrix_line(line)
        if isinstance(item, Whole) or not item:
            if rows:
                yield Whole(rows, place=place)
            rows = []
        if isinstance(item, Whole):
            yield item
        elif item:
            place = place if rows else Place(line.source, line.line)
            rows.append(item)
    if rows:
        yield Whole(rows, place=place)


def _every_line(found: Iterator[Piece]) -> Iterator[Piece]:
    """Each line, blank ones too."""
    for piece in found:
        for i, text in enumerate(piece.text.removesuffix("\n").split("\n")):
            yield Piece(text, piece.line + i, piece.source)


def _read_matrix_line(line: Piece) -> Whole | list[float]:
    """A row, no numbers for a blank line, or what is a whole input by itself."""
    try:
        rows = rows_of(line.text) if not line.text.lstrip().startswith("{") else None
    except GradcalcError as error:
        error.place = Place(line.source, line.line)
        raise
    if rows is not None:
        return Whole(rows, place=Place(line.source, line.line))
    return _read_line(line) if line.text.strip() else []


def one_vector(found: Iterator[Piece]) -> list[float]:
    """All numbers of a stream."""
    values: list[float] = []
    for piece in found:
        quick = _quickly(piece.text)
        if quick is not None:
            values.extend(quick)
            continue
        for line in _lines(piece):
            item = _read_line(line)
            if isinstance(item, Whole):
                raise InputError("a whole point cannot be part of a vector", place=Place(line.source, line.line))
            values.extend(item)
    return values


def _lines(piece: Piece) -> Iterator[Piece]:
    """Each line that is not blank."""
    for i, text in enumerate(piece.text.split("\n")):
        if text.strip():
            yield Piece(text, piece.line + i, piece.source)


def _read_line(line: Piece) -> Whole | list[float]:
    """A line's numbers, or its point; errors know where they stand."""
    try:
        if line.text.lstrip().startswith("{"):
            return read_point(line.text)._replace(place=Place(line.source, line.line))
        return read_numbers(line.text)[0]
    except NotANumberError as error:
        error.place = Place(line.source, line.line, error.column + 1, line.text, error.width)
        raise
    except GradcalcError as error:
        error.place = Place(line.source, line.line)
        raise
