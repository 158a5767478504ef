"""An evaluation's points as a Markdown, LaTeX or HTML table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.render.markup import MARKUPS
from gradcalc.render.numbers import column_texts, value_texts
from gradcalc.render.points import PointsText
from gradcalc.render.points_people import DIGITS, WIDEST, heading_lines, kink_lines
from gradcalc.results import Formula, Table, Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gradcalc.results import Block, Heading, KinkMet, Points


#: Stands for any cell of a stream's table.
_ANY_CELL = "x" * WIDEST


class PointsMarkup(PointsText):
    """Points in one table, whose rows are written as they come, in columns as wide as any number may need."""

    def __init__(self, heading: Heading, digits: int | None, format_name: str) -> None:
        super().__init__(heading, digits)
        self.format_name = format_name
        self.row = self.foot = ""

    def begin(self) -> str:
        """The formula and the head of the table; what comes for each point, and at the end, is kept."""
        text = self.report([(_ANY_CELL,) * len(self.heading.columns)])
        start = text.rindex("\n", 0, text.index(_ANY_CELL)) + 1
        end = text.index("\n", start) + 1
        self.row = text[start:end].replace("%", "%%").replace(_ANY_CELL, f"%-{WIDEST}s")
        self.foot = text[end:]
        return text[:start]

    def part(self, points: Points) -> str:
        """A row for each point."""
        mended = MARKUPS[self.format_name].row
        return "".join([mended(self.row % cells) for cells in self.rows(points)])

    def rows(self, points: Points) -> Iterable[tuple[str, ...]]:
        """The cells of each point."""
        return zip(*map(self.texts, self.columns(points)), strict=True)

    def texts(self, column: list[Any]) -> list[str]:
        """One quantity's cells."""
        if column[0] is None or isinstance(column[0], list):
            return [self.cell(value) for value in column]
        return column_texts(column, self.digits, signed_zeros=False)

    def cell(self, value: Any) -> str:
        """A vector or matrix in brackets."""
        if value is None:
            return ""
        if isinstance(value, list):
            return f"[{', '.join(map(self.cell, value))}]"
        return value_texts(value, self.digits or DIGITS)[0][0]

    def end(self, kinks: Sequence[KinkMet]) -> str:
        """The end of the table, and the kinks."""
        from gradcalc.render.tables import report_text

        return self.foot + (f"\n{report_text([self.told(kinks)], self.format_name)}" if kinks else "")

    def report(self, rows: Sequence[tuple[str, ...]], kinks: Sequence[KinkMet] = ()) -> str:
        """The formula, a table of these rows, and the kinks."""
        from gradcalc.render.tables import report_text

        blocks: list[Block] = [Formula(heading_lines(self.heading)), Table("", self.heading.columns, rows)]
        return report_text([*blocks, self.told(kinks)] if kinks else blocks, self.format_name)

    def told(self, kinks: Sequence[KinkMet]) -> Text:
        """The kinks as sentences."""
        return Text(kink_lines(kinks, self.digits))


class MeasuredMarkup(PointsMarkup):
    """All points in one table, which is written when the last is there: its columns are as wide as they need be."""

    def __init__(self, heading: Heading, digits: int | None, format_name: str) -> None:
        super().__init__(heading, digits, format_name)
        self.collected: list[tuple[str, ...]] = []

    def begin(self) -> str:
        """Nothing yet."""
        return ""

    def part(self, points: Points) -> str:
        """Nothing yet."""
        self.collected += self.rows(points)
        return ""

    def end(self, kinks: Sequence[KinkMet]) -> str:
        """Everything."""
        return self.report(self.collected, kinks)
