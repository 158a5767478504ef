"""An evaluation's points as a table for people: columns for numbers, blocks for vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.render.folding import folded
from gradcalc.render.numbers import column_texts, value_texts
from gradcalc.render.points import PointsText
from gradcalc.render.points_people import DIGITS, WIDEST, heading_lines, kink_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gradcalc.results import Heading, KinkMet, Points

_GAP = "  "

#: No line of a formula is longer, whatever the terminal's width: the same question prints the same bytes.
_WIDTH = 80

#: How wide a block of vectors may be before it goes on below itself: narrow terminals are to show it too.
_BLOCK_WIDTH = 60


class PointsTable(PointsText):
    """Columns under their names, as wide as the first numbers need, or as any may need where more will come."""

    written = False

    def __init__(self, heading: Heading, digits: int | None, *, measured: bool) -> None:
        super().__init__(heading, digits)
        self.measured = measured
        self.line = ""

    def begin(self) -> str:
        """The function and its formula."""
        return "".join(f"{part}\n" for line in heading_lines(self.heading) for part in folded(line, _WIDTH))

    def part(self, points: Points) -> str:
        """Some points."""
        columns = self.columns(points)
        self.written = True
        if any(isinstance(column[0], list) for column in columns):
            self.line = ""
            return "".join(f"\n{block}" for block in map(self.block, zip(*columns, strict=True)))
        texts = [
            column_texts(column, self.digits, signed_zeros=False) if column[0] is not None else [""] * points.size
            for column in columns
        ]
        head = "" if self.line else self.header(texts)
        return head + "".join([(self.line % row).rstrip() + "\n" for row in zip(*texts, strict=True)])

    def header(self, texts: list[list[str]]) -> str:
        """The names of the columns; it settles how wide they are."""
        names = self.heading.columns
        any_number = WIDEST if self.digits is None else self.digits + len("-.e-308")
        if self.measured:
            widths = [max(map(len, (name, *column))) for name, column in zip(names, texts, strict=True)]
        else:
            widths = [max(len(name), any_number) for name in names]
        self.line = _GAP.join(f"%-{width}s" for width in widths)
        return "\n" + (self.line % tuple(names)).rstrip() + "\n"

    def block(self, values: Sequence[Any]) -> str:
        """One point with vectors: its quantities below one another, in bands of columns if they are too wide."""
        shown = [(name, self.rows(value)) for name, value in zip(self.heading.columns, values, strict=True)]
        label = max(len(name) for name, _ in shown)
        wide = [row for _, rows in shown for row in rows if len(row) > 1]
        cell = max((len(text) for row in wide for text in row), default=0)
        count = max((len(row) for row in wide), default=1)
        band = max(1, (_BLOCK_WIDTH - label) // (cell + len(_GAP)))
        bands = [self.band(shown, label, cell, start, band) for start in range(0, count, band)]
        return "\n".join(bands)

    def rows(self, value: Any) -> list[list[str]]:
        """One quantity as rows of text; numbers that stand side by side get fewer digits."""
        digits = self.digits if self.digits or not isinstance(value, list) else DIGITS
        return value_texts(value, digits) if value is not None else []

    @staticmethod
    def band(shown: list[tuple[str, list[list[str]]]], label: int, cell: int, start: int, size: int) -> str:
        """Some columns of a block; what is one number stands in the first band only."""
        lines = []
        for name, rows in shown:
            for i, row in enumerate(rows):
                if start < len(row):
                    cells = _GAP.join(text.ljust(cell) for text in row[start : start + size])
                    lines.append(f"{(name if i == 0 else '').ljust(label)}{_GAP}{cells}".rstrip() + "\n")
        return "".join(lines)

    def end(self, kinks: Sequence[KinkMet]) -> str:
        """The kinks some points lie on; the header still, where there were no points."""
        if not self.written:
            return self.header([[] for _ in self.heading.columns])
        return "".join(f"\n{line}" for line in kink_lines(kinks, self.digits)) + ("\n" if kinks else "")
