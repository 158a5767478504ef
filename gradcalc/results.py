"""Plain records every answer is made of: tables and texts, without formatting; only `render` makes them look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

#: A table's cell: a number is formatted by `render`, text stands as it is, None is an empty cell.
Cell = float | int | str | None


class Table(NamedTuple):
    """A titled table. `rows` hold one cell per column; `wrap` lets a wide table continue below itself,
    repeating its first column."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wrap: bool = False


class Text(NamedTuple):
    """A paragraph or a formula on lines of its own."""

    lines: Sequence[str]


#: What a command prints for people: tables and texts in order.
Report = Sequence[Table | Text]
