"""An evaluation's points as text for programs and for shells, part by part as they come."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from gradcalc.render.numbers import column_texts, value_texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gradcalc.results import Heading, KinkMet, Points


class PointsText(ABC):
    """Points as text: what stands before the first, the points in parts, and what stands after the last."""

    def __init__(self, heading: Heading, digits: int | None) -> None:
        self.heading, self.digits = heading, digits

    def begin(self) -> str:
        """What stands before the first point."""
        return ""

    @abstractmethod
    def part(self, points: Points) -> str:
        """Some points."""

    def end(self, kinks: Sequence[KinkMet]) -> str:  # noqa: ARG002  # only formats for people tell of kinks
        """What stands after the last point."""
        return ""

    def columns(self, points: Points) -> list[list[Any]]:
        """The heading's columns of some points; None where a point lacks one."""
        absent = [None] * points.size
        return [points.columns.get(name, absent) for name in self.heading.columns]


class Plain(PointsText):
    """Bare numbers with blanks between them, a line for each point."""

    keep_zeros = False

    def part(self, points: Points) -> str:
        """The numbers of each point's quantities, one after the other."""
        columns = [self.texts(column) for column in self.columns(points)]
        return "".join([" ".join(row) + "\n" for row in zip(*columns, strict=True)])

    def texts(self, column: list[Any]) -> list[str]:
        """One quantity's numbers for each point."""
        if column[0] is None:
            return ["nan"] * len(column)  # a row keeps its number of words
        if _all_numbers(column):
            return column_texts(column, self.digits, keep_zeros=self.keep_zeros, signed_zeros=False)
        return [" ".join(" ".join(row) for row in self.rows(value)) for value in column]

    def rows(self, value: Any) -> list[list[str]]:
        """One quantity of one point as rows of numbers."""
        return value_texts(value, self.digits, keep_zeros=self.keep_zeros)


class Bare(Plain):
    """What `--only` prints: as Plain, but zeros are kept, and a matrix that is alone has its rows on lines."""

    keep_zeros = True

    def texts(self, column: list[Any]) -> list[str]:
        """One quantity's numbers for each point."""
        if len(self.heading.columns) > 1 or _all_numbers(column):
            return super().texts(column)
        return ["\n".join(" ".join(row) for row in self.rows(value)) for value in column]


class JsonLines(PointsText):
    """One JSON object a line: the points alone."""

    def part(self, points: Points) -> str:
        """The points, a line each."""
        return "".join([f"{line}\n" for line in self.objects(points)])

    def objects(self, points: Points) -> Iterator[str]:
        """Each point's object: its quantities, and what it was differentiated by if not by the input."""
        texts = [self.texts(column) for column in points.columns.values()]
        fields = ", ".join([f'"{name}": %s' for name in points.columns])
        wrt = f', "wrt": "{self.heading.wrt}"' if self.heading.wrt else ""
        flags = points.at_kink or (False,) * points.size
        whole = f"{{{fields}{wrt}}}"
        at_kink = f'{{{fields}{wrt}, "at_kink": true}}'
        return ((at_kink if flag else whole) % row for flag, row in zip(flags, zip(*texts, strict=True), strict=True))

    def texts(self, column: list[Any]) -> list[str]:
        """One quantity's JSON for each point; quickly where all are finite numbers in full."""
        if self.digits is None and _all_numbers(column):
            texts = list(map(repr, column))
            if "nan" not in texts and "inf" not in texts and "-inf" not in texts:
                return texts
        from gradcalc.render.nested import json_text

        return [json_text(value, self.digits, None) for value in column]


class Json(JsonLines):
    """One JSON document, written as its points come."""

    written = False

    def begin(self) -> str:
        """What the points are points of."""
        from gradcalc.render.nested import json_text

        heading = self.heading
        head = {
            "function": heading.function,
            "kind": heading.kind,
            "parameters": heading.parameters,
            "kink": heading.kink,
        }
        if heading.wrt:
            head["wrt"] = heading.wrt
        if heading.function == "formula":
            head["formula"] = heading.formula
        return f'{json_text(head, indent=None)[:-1]}, "points": ['

    def part(self, points: Points) -> str:
        """The points, a line each."""
        comma, self.written = "," if self.written else "", True
        return comma + "\n  " + ",\n  ".join(self.objects(points))

    def end(self, kinks: Sequence[KinkMet]) -> str:  # noqa: ARG002  # "at_kink" says it
        """The end of the document."""
        return "\n]}\n" if self.written else "]}\n"


class Delimited(PointsText):
    """Comma- or tab-separated values under a header; a vector is JSON text in its cell."""

    separator = ","

    def begin(self) -> str:
        """The header."""
        return self._lines([list(self.heading.columns)])

    def part(self, points: Points) -> str:
        """The points, a line each."""
        columns = [self.texts(column) for column in self.columns(points)]
        return self._lines(list(zip(*columns, strict=True)))

    def texts(self, column: list[Any]) -> list[str]:
        """One quantity's cells."""
        if _all_numbers(column):
            return column_texts(column, self.digits)
        from gradcalc.render.nested import json_text

        return ["" if value is None else json_text(value, self.digits, None) for value in column]

    def _lines(self, rows: Sequence[Sequence[str]]) -> str:
        from gradcalc.render.delimited import delimited

        return delimited(rows, self.separator)


class TabDelimited(Delimited):
    """Tab-separated values."""

    separator = "\t"


def _all_numbers(column: list[Any]) -> bool:
    """Whether a column's entries are numbers; within a part all are of one kind."""
    return not isinstance(column[0], list) and column[0] is not None


def points_text(format_name: str, heading: Heading, digits: int | None, *, bare: bool, measured: bool) -> PointsText:
    """The writer of a format. `bare` asks for bare numbers where the format is for people.

    `measured` says that all points come in one part, so that a table's columns can be as wide as they need be.
    """
    if bare and format_name in ("table", "plain"):
        return Bare(heading, digits)
    programs: dict[str, Callable[[Heading, int | None], PointsText]]
    programs = {"plain": Plain, "json": Json, "jsonl": JsonLines, "csv": Delimited, "tsv": TabDelimited}
    if format_name in programs:
        return programs[format_name](heading, digits)
    if format_name == "table":
        from gradcalc.render.points_table import PointsTable

        return PointsTable(heading, digits, measured=measured)
    from gradcalc.render.points_markup import MeasuredMarkup, PointsMarkup

    return (MeasuredMarkup if measured else PointsMarkup)(heading, digits, format_name)
