"""From a path to its place in a text: marks in the order they are read, and the search along them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from gradcalc.errors import Part, Path, Place

if TYPE_CHECKING:
    from collections.abc import Iterable


class Mark(NamedTuple):
    """One thing a reader meets, from `start` to `end`: begin or end of a collection, key, or scalar."""

    kind: Literal["map", "list", "end", "key", "scalar"]
    value: object
    start: int
    end: int


class Span(NamedTuple):
    """A stretch of a text, by offsets."""

    start: int
    end: int

    def narrowed(self, text: str, part: Part) -> Span:
        """A part of the value that stands here, with quotes around it or without; all of it where it has escapes."""
        start = self.start + (text[self.start : self.start + 1] in ("'", '"'))
        return Span(start + part.start, start + part.end) if text.startswith(part.text, start) else self

    def place(self, text: str, source: str) -> Place:
        """Line, column, the line's text and the width on that line."""
        start = min(self.start, len(text))
        line_start = text.rfind("\n", 0, start) + 1
        line_end = text.find("\n", start)
        line = text[line_start : line_end if line_end >= 0 else len(text)]
        width = len(text[start : max(start, min(self.end, line_start + len(line)))].rstrip())
        return Place(source, text.count("\n", 0, start) + 1, start - line_start + 1, line, max(1, width))


def find_span(marks: Iterable[Mark], path: Path, *, key: bool = False) -> Span:
    """The span of the value at `path`, or of its key; else of the nearest value above it."""
    target: list[str | int] = list(path)
    here: list[str | int] = []  # the key or position reached in each open collection
    found, depth = Span(0, 0), -1  # the longest part of the path met so far, and its length
    last_key = found
    for kind, value, start, end in marks:
        if kind == "key":
            here[-1], last_key = str(value), Span(start, end)
            if key and here == target:
                return last_key
            continue
        if kind == "end":
            here.pop()
            if len(here) == depth:
                return Span(found.start, end)
            continue
        if here and isinstance(here[-1], int):
            here[-1] += 1
        if len(here) > depth and here == target[: len(here)]:
            found, depth = Span(start, end), len(here)
            if kind == "scalar":  # an empty one cannot be pointed at: its key can
                return last_key if start == end and here and isinstance(here[-1], str) else found
        if kind != "scalar":
            here.append("" if kind == "map" else -1)
    return found
