"""Reports as text: tables by tabulate, headings, running text and formulas, in every format for people."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from gradcalc.render import FORMATS
from gradcalc.render.folding import folded
from gradcalc.render.markup import MARKUPS, Markup
from gradcalc.render.numbers import number_text
from gradcalc.results import Block, Cell, Line, Report, Section, Table, Text

#: Significant digits of numbers within a text.
_DIGITS_IN_TEXT = 9

#: No terminal is taken for narrower than this: one column of numbers with its label must fit.
_LEAST_WIDTH = 40

#: Between two columns.
_GAP = 2

#: How wide a column and its gap stand at least: a heading such as [0], widened by tabulate.
_LEAST_COLUMN = 7


def report_text(report: Report, format_name: str, *, width: int = 80, digits: int | None = None) -> str:
    """A report in one of the formats for people, lines ended. Only `table` keeps to `width`.

    `digits` is the number of significant digits; without it as many as fit, from 9 down to the table's least.
    """
    markup = MARKUPS[format_name]
    limit = max(width, _LEAST_WIDTH) if markup.keeps_width else None
    blocks = [text for block in report for text in _block(block, markup, limit, digits)]
    return "\n\n".join(blocks) + "\n"


def _block(block: Block, markup: Markup, limit: int | None, digits: int | None) -> Iterator[str]:
    if isinstance(block, Section):
        yield markup.heading(block.title)
    elif isinstance(block, Table):
        yield from _table(block, markup, limit, digits)
    else:
        lines = [part for line in block.lines for part in folded(_line(line, digits), limit)]
        yield markup.text(lines) if isinstance(block, Text) else markup.formula(lines)


def _line(line: Line, digits: int | None) -> str:
    if isinstance(line, str):
        return line
    return "".join(_cell(part, digits or _DIGITS_IN_TEXT) for part in line)


def _table(table: Table, markup: Markup, limit: int | None, digits: int | None) -> Iterator[str]:
    """The table; where it is wider than the limit, in blocks of columns or with its texts folded."""
    chosen = digits if digits is not None else _digits_that_fit(table, limit)
    columns = _columns(table, chosen)
    if limit is not None and not table.wrap:
        _fold_texts(columns, limit)
    caption = markup.text(folded(table.title, limit)) if table.title else ""
    for number, block in enumerate(_blocks(columns, limit)):
        text = _tabulated(block, markup, first=number == 0)
        yield f"{caption}{markup.after_caption}{text}" if caption else text
        caption = ""


class _Column:
    """A table's column as finished text: its heading, its cells and how wide it stands."""

    def __init__(self, heading: str, values: Sequence[Cell], digits: int) -> None:
        self.heading = heading
        self.cells = [_cell(value, digits) for value in values]
        given = [value for value in values if value is not None]
        self.numeric = bool(given) and all(isinstance(value, float | int) for value in given)
        content = _aligned_width(self.cells) if self.numeric else max(map(len, self.cells), default=0)
        self.width = max(len(self.heading) + _GAP, content)

    def longest_word(self) -> int:
        """No column of text can be narrower; a heading stands wider than its words."""
        of_heading = max(map(len, self.heading.split()), default=0) + _GAP
        return max(of_heading, *(len(word) for cell in ("x", *self.cells) for word in cell.split()))

    def fold(self, width: int) -> None:
        """Break the lines of heading and cells at blanks."""
        self.heading = _broken(self.heading, width - _GAP)
        self.cells = [_broken(cell, width) for cell in self.cells]
        self.width = width


def _broken(text: str, width: int) -> str:
    # where one word alone is wider than the terminal, nothing is left for the other columns
    return "\n".join(textwrap.wrap(text, max(width, 1), break_long_words=False, break_on_hyphens=False))


def _columns(table: Table, digits: int) -> list[_Column]:
    return [_Column(name, [row[i] for row in table.rows], digits) for i, name in enumerate(table.columns)]


def _fold_texts(columns: Sequence[_Column], limit: int) -> None:
    """Narrow the widest texts, but the first column, until all fits; where that cannot be, each to fit by itself."""
    first, *texts = [column for column in columns if column is columns[0] or not column.numeric]
    widths = {id(column): column.width for column in texts}
    narrowest = {id(column): column.longest_word() for column in texts}
    spare = limit - _width(columns)
    while spare < 0:
        foldable = [column for column in texts if widths[id(column)] > narrowest[id(column)]]
        if not foldable:
            widths = {id(text): max(limit - first.width - _GAP, narrowest[id(text)]) for text in texts}
            break
        widths[id(max(foldable, key=lambda column: widths[id(column)]))] -= 1
        spare += 1
    for column in texts:
        if widths[id(column)] < column.width:
            column.fold(widths[id(column)])


def _cell(value: Cell, digits: int) -> str:
    if value is None:
        return ""
    # + 0.0: the sign of a zero is noise to people; the formats for programs keep it
    return number_text(value + 0.0, digits) if isinstance(value, float) else str(value)


def _aligned_width(cells: Sequence[str]) -> int:
    """How wide cells stand when their decimal points are below one another."""
    after = [_after_point(cell) for cell in cells]
    return max((len(cell) - own for cell, own in zip(cells, after, strict=True)), default=0) + max(after, default=0)


def _after_point(cell: str) -> int:
    """Characters behind the point, or behind the e of 1e-05; whole numbers end where a point would stand."""
    point = cell.rfind(".")
    return len(cell) - (point if point >= 0 else cell.rfind("e")) - 1 if "." in cell or "e" in cell else -1


def _digits_that_fit(table: Table, limit: int | None) -> int:
    """The most digits with which the whole table stands within the limit; the fewest where none does."""
    fewest, most = table.digits
    if limit is not None and len(table.columns) * _LEAST_COLUMN > limit:
        return fewest  # known without a look at what may be a million numbers
    for digits in range(most, fewest, -1):
        if limit is None or _width(_columns(table, digits)) <= limit:
            return digits
    return fewest


def _width(columns: Sequence[_Column]) -> int:
    return sum(column.width + _GAP for column in columns) - _GAP


def _blocks(columns: Sequence[_Column], limit: int | None) -> Iterator[list[_Column]]:
    """Columns in blocks no wider than the limit, each led by the first column; at least one more in each."""
    first, *rest = columns
    block = [first]
    for column in rest:
        if limit is not None and len(block) > 1 and _width([*block, column]) > limit:
            yield block
            block = [first]
        block.append(column)
    yield block


def _tabulated(columns: Sequence[_Column], markup: Markup, *, first: bool) -> str:
    """One block by tabulate, from finished text: it must neither read numbers nor format them.

    After the first block rows that have nothing more to show are left out.
    """
    from tabulate import tabulate

    rows = zip(*([markup.escape(cell) for cell in column.cells] for column in columns), strict=True)
    kept = [row for row in rows if first or any(row[1:])]
    text = tabulate(
        kept,
        headers=[markup.escape(column.heading) for column in columns] if markup.has_headings else (),
        tablefmt=FORMATS[markup.name].tabulate,
        disable_numparse=True,
        colalign=["decimal" if column.numeric else "left" for column in columns] if kept else None,
    )
    return "\n".join(markup.row(line.rstrip()) for line in text.splitlines())
