"""How headings, text, formulas and tables are written in each format for people."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

Lines = Sequence[str]


class Markup(NamedTuple):
    """A format's ways; `escape` is for what tabulate does not escape in cells itself.

    `keeps_width` says that lines keep to the terminal's width; others are for programs that break lines themselves.
    `row` mends a table's finished row.
    """

    name: str
    heading: Callable[[str], str]
    text: Callable[[Lines], str]
    formula: Callable[[Lines], str]
    escape: Callable[[str], str]
    keeps_width: bool = False
    has_headings: bool = True
    after_caption: str = "\n\n"
    row: Callable[[str], str] = str


def _joined(lines: Lines) -> str:
    return "\n".join(lines)


def _indented(lines: Lines) -> str:
    return "\n".join(f"    {line}" for line in lines)


def _escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]<>#|^~])", r"\\\1", text)


def _escape_cell(text: str) -> str:
    """A Markdown table's cell: [0] is no link there, but | ends a cell and * or _ in pairs slant."""
    return re.sub(r"([\\`*_<|^~])", r"\\\1", text)


_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "%": r"\%", "#": r"\#",
    "_": r"\_", "^": r"\^{}", "~": r"\~{}", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip


def _escape_latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)


def _bracket_latex(row: str) -> str:
    """A row that begins with a bracket, which would be an argument of the end of the row before."""
    return re.sub(r"^( *)([\[*])", r"\1{\2}", row)


def _escape_html(text: str) -> str:
    from html import escape

    return escape(text)


_MARKUPS = (
    Markup(
        "table",
        heading=lambda text: f"{text}\n{'=' * len(text)}",
        text=_joined,
        formula=_joined,
        escape=str,
        keeps_width=True,
        after_caption="\n",
    ),
    Markup("plain", heading=str, text=_joined, formula=_joined, escape=str, has_headings=False),
    Markup(
        "markdown",
        heading=lambda text: f"## {_escape_markdown(text)}",
        text=lambda lines: "\n\n".join(map(_escape_markdown, lines)),
        formula=_indented,
        escape=_escape_cell,
    ),
    Markup(
        "latex",
        heading=lambda text: rf"\subsection*{{{_escape_latex(text)}}}",
        text=lambda lines: "\n\n".join(map(_escape_latex, lines)),
        formula=lambda lines: "\\begin{verbatim}\n" + _joined(lines) + "\n\\end{verbatim}",
        escape=str,
        row=_bracket_latex,
    ),
    Markup(
        "html",
        heading=lambda text: f"<h2>{_escape_html(text)}</h2>",
        text=lambda lines: "\n".join(f"<p>{_escape_html(line)}</p>" for line in lines),
        formula=lambda lines: f"<pre>{_escape_html(_joined(lines))}</pre>",
        escape=str,
    ),
)

#: The formats for people, by name; the others of `FORMATS` are data.
MARKUPS = {markup.name: markup for markup in _MARKUPS}
