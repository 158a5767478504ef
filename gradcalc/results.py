"""Plain records every answer is made of: sections, tables, texts and formulas; only `render` makes them look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gradcalc.errors import Place

#: A table's cell: a float is formatted by `render`, whole numbers and text stand as they are, None is an empty cell.
Cell = float | int | str | None


class Section(NamedTuple):
    """The title of a part of a report."""

    title: str


class Table(NamedTuple):
    """A titled table with one cell per column in each row.

    A table too wide continues below itself, repeating its first column: at once with `wrap`, else when folding its
    texts does not suffice. `digits` are the fewest and the most significant digits, as many as the width allows.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    wrap: bool = False
    digits: tuple[int, int] = (6, 9)


#: A line of text, or its parts: numbers among them are formatted by `render`, then all are joined.
Line = str | tuple[str | float | int, ...]


class Text(NamedTuple):
    """Running text, a sentence or two a line."""

    lines: Sequence[Line]


class Formula(NamedTuple):
    """Formulas, one a line, which keep their blanks."""

    lines: Sequence[Line]


Block = Section | Table | Text | Formula

#: What a command prints for people, in order.
Report = Sequence[Block]


class KinkMet(NamedTuple):
    """A kink some point lies on: where it is, both one-sided derivatives, and the one that was taken.

    `ties` is the rule that decides, and no side, where several entries tie for a maximum.
    """

    when: str
    left: float
    right: float
    shown: float
    jump: bool = False
    ties: str = ""


class Points(NamedTuple):
    """Some points of an evaluation, column by column.

    Every column has one entry per point: a number, a list (a vector) or a list of lists (a Jacobian).
    `at_kink` is None where no point lies on a kink; `place` is where a point that was given whole stands.
    """

    columns: dict[str, list[Any]]
    at_kink: Sequence[bool] | None = None
    kinks: Sequence[KinkMet] = ()
    place: Place | None = None

    @property
    def size(self) -> int:
        """How many points there are."""
        return len(next(iter(self.columns.values())))


class Heading(NamedTuple):
    """What an evaluation's points are points of; `unsaid` explains the parameters that the formula does not name."""

    function: str
    kind: str
    signature: str
    parameters: dict[str, Any]
    unsaid: Mapping[str, str]
    kink: str
    wrt: str | None
    formula: str
    derivative_formula: str
    reduction: str
    scale: float
    columns: Sequence[str]
