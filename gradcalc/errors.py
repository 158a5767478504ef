"""Errors a user can cause: each knows its message, its place, what would be right, and its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Where in a spec a value stands: keys and positions from the top, e.g. ("layers", 0, "units").
Path = tuple["str | int", ...]


class Place(NamedTuple):
    """A place in a text: the source's name, line and column (both from 1), and that line of text."""

    source: str
    line: int | None = None
    column: int | None = None
    text: str = ""
    width: int = 1

    def __str__(self) -> str:
        return ":".join(str(part) for part in (printable(self.source), self.line, self.column) if part is not None)

    def excerpt(self) -> str:
        """The line with a caret under the culprit; empty where no text is known."""
        if self.line is None or self.column is None or not self.text.strip():
            return ""
        start = max(0, self.column - 1 - 50) if len(self.text) > 100 else 0
        shown = printable(self.text[start : start + 100].rstrip("\r\n"))
        caret = len(printable(self.text[start : self.column - 1]))
        marks = "^" * max(1, min(self.width, len(shown) - caret))
        gutter = f"  {self.line} | "
        return f"\n{gutter}{shown}\n{' ' * (len(gutter) - 2)}| {' ' * caret}{marks}"


class GradcalcError(Exception):
    """Base of all errors of wrong use or bad input (exit code 2).

    `hint` is a sentence on what would be right; `path` names a value of a spec, from which whoever
    holds the text makes `place`.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "", place: Place | None = None, path: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.place = place
        self.path = path

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        hint = f"; {self.hint}" if self.hint else ""
        excerpt = self.place.excerpt() if self.place else ""
        return f"{where}{self.message}{hint}{excerpt}"


class UsageError(GradcalcError):
    """An option or argument that cannot be meant."""


class InputError(GradcalcError):
    """Numbers that cannot be used: unreadable, or outside a function's domain."""


class Part(NamedTuple):
    """A stretch of a text that is itself a value: the culprit within a formula."""

    text: str
    start: int
    end: int


class SpecError(GradcalcError):
    """A network description that is wrong somewhere.

    `at_key` says that the culprit is the key, not its value; `part`, that it is a part of the value's text.
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        place: Place | None = None,
        path: Path | None = None,
        at_key: bool = False,
        part: Part | None = None,
    ) -> None:
        super().__init__(message, hint=hint, place=place, path=path)
        self.at_key, self.part = at_key, part


class OutputError(GradcalcError):
    """Output that cannot be written."""

    exit_code = 3


def printable(text: str) -> str:
    """`text` with control characters and lone surrogates escaped, fit for a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def quoted(value: object, limit: int = 60) -> str:
    """A value of the user's as an error shows it: short, and without raw control characters."""
    # cut before escaping: a user's word can be megabytes long
    text = printable((value if isinstance(value, str) else repr(value))[: limit + 1])
    if len(text) > limit:
        text = text[: limit - 3] + "..."
    return f"'{text}'" if isinstance(value, str) else text


def simplified(name: str) -> str:
    """A name as names are compared: without regard to case, dashes and underscores."""
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")


#: What is longer is no misspelt name, and comparing it would take long.
_LONGEST_NAME = 60


def near(name: str, known: Iterable[str]) -> str:
    """A hint naming the nearest known names, e.g. "did you mean sigmoid?"; empty where none is near."""
    from difflib import get_close_matches  # late: start-up counts

    spelled = {simplified(k): k for k in known}
    found = get_close_matches(simplified(name[:_LONGEST_NAME]), spelled, n=3, cutoff=0.6)
    return f"did you mean {listed([spelled[f] for f in found], 'or')}?" if found else ""


def listed(names: Sequence[str], word: str = "and") -> str:
    """Names as a sentence has them: "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
