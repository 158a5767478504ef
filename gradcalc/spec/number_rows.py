"""Rows of numbers as text (.csv, .tsv, .txt): one example a line, strictly as many numbers in each."""

from __future__ import annotations

import io
import re
from array import array
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import numpy as np

from gradcalc.errors import InputError, quoted
from gradcalc.spec.decoding import encoding_of

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Characters of a line; its cells take some sixty bytes each while they are read.
_LONGEST_LINE = 10_000_000
_CELL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?(?:nan|inf|infinity)", re.IGNORECASE)


def read_rows(stream: BinaryIO, shown: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The numbers as (rows, columns), also where there is one row or one column; closes the stream.

    Cells are separated by commas, semicolons, tabs or blanks, as the first line shows. A first line without
    any number is a header; blank lines and lines that begin with # are passed over. Bytes that are no text
    become escapes, which no number has.
    """
    start = stream.read(4)
    stream.seek(0)
    with io.TextIOWrapper(stream, encoding=encoding_of(start), errors="backslashreplace") as text:
        numbers, columns = _collect(text, shown)
    if not numbers:
        raise InputError(f"{shown} holds no numbers", hint="write one row of numbers a line")
    return np.frombuffer(numbers, np.float64).reshape(-1, columns)


def _collect(text: TextIO, shown: str) -> tuple[array[float], int]:
    """All numbers one after another, and how many there are in each row."""
    numbers, columns, first, header = array("d"), 0, 0, 0
    separator: str | None = None
    for line_number, line in _lines(text, shown):
        if not columns:
            separator = next((mark for mark in ("\t", ";", ",") if mark in line), None)
            if not header and _is_header(line, separator):
                header = line_number
                continue
        row = _row(line, separator, f"{shown}:{line_number}")
        if not columns:
            columns, first = len(row), line_number
        if len(row) != columns:
            raise InputError(
                f"{shown}:{line_number}: this row has {_count(len(row))}, but line {first} has {columns}",
                hint="rows are as long as one another",
            )
        numbers.extend(row)
    return numbers, columns


def _lines(text: TextIO, shown: str) -> Iterator[tuple[int, str]]:
    """Lines that hold something, numbered."""
    for number, line in enumerate(iter(lambda: text.readline(_LONGEST_LINE), ""), 1):
        if len(line) == _LONGEST_LINE:
            raise InputError(
                f"{shown}:{number}: this line is too long", hint="numpy.save makes a file for large arrays"
            )
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, line.rstrip("\r\n")


def _cells(line: str, separator: str | None) -> list[str]:
    """The cells' text, without blanks around and one pair of quotes."""
    cells = [cell.strip() for cell in line.split(separator)]
    return [cell[1:-1].strip() if len(cell) > 1 and cell[0] == cell[-1] == '"' else cell for cell in cells]


def _is_header(line: str, separator: str | None) -> bool:
    cells = _cells(line, separator)
    return any(cells) and not any(_CELL.fullmatch(cell) or _NOT_FINITE.fullmatch(cell) for cell in cells)


def _row(line: str, separator: str | None, place: str) -> list[float]:
    cells = _cells(line, separator)
    for position, cell in enumerate(cells):
        if not _CELL.fullmatch(cell):
            raise _bad_cell(line, separator, position, cell, place)
    return [float(cell) for cell in cells]


def _bad_cell(line: str, separator: str | None, position: int, cell: str, place: str) -> InputError:
    """The error for a cell that is no finite number, with its column in the line."""
    starts = [match.start() for match in re.finditer(r"\S+", line)] if separator is None else [0]
    if separator is not None:
        for part in line.split(separator):
            starts.append(starts[-1] + len(part) + 1)
    text = line[starts[position] :]
    place = f"{place}:{starts[position] + len(text) - len(text.lstrip(' ')) + 1}"
    if not cell:
        return InputError(f"{place}: cell {position + 1} is empty", hint="every cell holds a number")
    if _NOT_FINITE.fullmatch(cell):
        return InputError(f"{place}: cell {position + 1} is {cell}, not a finite number")
    hint = "write decimals with a point: 0.5" if re.fullmatch(r"[-+]?[0-9]+,[0-9]+", cell) else ""
    return InputError(f"{place}: cell {position + 1} is {quoted(cell)}, not a number", hint=hint)


def _count(cells: int) -> str:
    return f"{cells} number{'' if cells == 1 else 's'}"
