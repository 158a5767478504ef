"""An evaluation's points as a Markdown, LaTeX or HTML table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.render.numbers import column_texts, value_texts
from gradcalc.render.points import PointsText
from gradcalc.render.points_people import DIGITS, heading_lines, kink_lines
from gradcalc.results import Formula, Table, Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcalc.results import Block, Heading, KinkMet, Points


class PointsMarkup(PointsText):
    """All points in one table, which is written when the last is there: its columns are measured."""

    def __init__(self, heading: Heading, digits: int | None, format_name: str) -> None:
        super().__init__(heading, digits)
        self.format_name = format_name
        self.collected: list[tuple[str, ...]] = []

    def part(self, points: Points) -> str:
        """Nothing yet."""
        self.collected += zip(*map(self.texts, self.columns(points)), strict=True)
        return ""

    def texts(self, column: list[Any]) -> list[str]:
        """One quantity's cells."""
        if column[0] is None or isinstance(column[0], list):
            return [self.cell(value) for value in column]
        return column_texts(column, self.digits)

    def cell(self, value: Any) -> str:
        """A vector or matrix in brackets."""
        if value is None:
            return ""
        if isinstance(value, list):
            return f"[{', '.join(map(self.cell, value))}]"
        return value_texts(value, self.digits or DIGITS)[0][0]

    def end(self, kinks: Sequence[KinkMet]) -> str:
        """Everything."""
        from gradcalc.render.tables import report_text

        report: list[Block] = [Formula(heading_lines(self.heading)), Table("", self.heading.columns, self.collected)]
        if kinks:
            report.append(Text(kink_lines(kinks, self.digits)))
        return report_text(report, self.format_name)
