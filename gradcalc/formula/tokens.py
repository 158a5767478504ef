"""Text of a formula to tokens, each with its place; what the language does not have is refused here, with a hint."""

from __future__ import annotations

import re
from typing import NamedTuple

from gradcalc.errors import InputError, Place, quoted
from gradcalc.formula.limits import LONGEST
from gradcalc.formula.tree import Span


class Token(NamedTuple):
    """A number, a name or a mark, and where it stands. The last token of every text is the "end"."""

    kind: str
    text: str
    span: Span


class FormulaError(InputError):
    """A formula that cannot be read: the error shows it with a caret under the culprit."""

    def __init__(self, message: str, text: str, span: Span, hint: str = "") -> None:
        place = Place("formula", 1, span.start + 1, text.replace("\n", " "), max(1, span.end - span.start))
        super().__init__(message, hint=hint, place=place)


_TOKEN = re.compile(
    r"(?P<blank>[ \t]+)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<mark>\*\*|<=|>=|==|!=|[-+*/^(),<>=\[\]])"
)

#: What people write instead, and what is meant. The longer ones come first.
_HINTS = {
    "&&": "write 'and'",
    "||": "write 'or'",
    "//": "write floor(a / b)",
    ":=": "a formula assigns nothing",
    "&": "write 'and'",
    "|": "the absolute value is abs(z)",
    "!": "write 'not', or '!=' for unequal",
    "%": "there is no remainder",
    ".": "there are no attributes: write exp(z), not math.exp(z)",
    "{": "brackets are round: ( )",
    "}": "brackets are round: ( )",
    '"': "a formula has no text in it",
    "'": "a formula has no text in it",
    "#": "a formula has no comments",
    ";": "write a single formula",
    "\n": "write a single formula, on one line",
    ":": "a formula has no statements",
    "\u2212": "the minus sign is '-'",
    "\u2013": "the minus sign is '-'",
    "\u00d7": "write '*'",
    "\u00b7": "write '*'",
    "\u00f7": "write '/'",
    "\u00b2": "write '^2'",
    "\u00b3": "write '^3'",
    "\u03c0": "write 'pi'",
    "\u221a": "write sqrt(z)",
    "\u2264": "write '<='",
    "\u2265": "write '>='",
}


def tokens(text: str) -> list[Token]:
    """The tokens of a formula, ending with "end". FormulaError for what is no part of the language."""
    if len(text) > LONGEST:
        raise FormulaError(f"a formula has at most {LONGEST} characters, not {len(text)}", text[:60], Span(0, 1))
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _refused(text, at)
        if match.lastgroup != "blank":
            _check_neighbours(found, match, text)
            found.append(Token(str(match.lastgroup), match[0], Span(*match.span())))
        at = match.end()
    if not found:
        raise FormulaError("an empty formula", text, Span(0, 1), "for example: z * tanh(z)")
    return [*found, Token("end", "", Span(len(text), len(text) + 1))]


def _refused(text: str, at: int) -> FormulaError:
    """The error for a character that begins no token."""
    for wrong, hint in _HINTS.items():
        if text.startswith(wrong, at):
            return FormulaError(f"{quoted(wrong)} is no part of a formula", text, Span(at, at + len(wrong)), hint)
    return FormulaError(f"{quoted(text[at])} is no part of a formula", text, Span(at, at + 1))


def _check_neighbours(found: list[Token], match: re.Match[str], text: str) -> None:
    """A number is not written right before a name, nor two marks as one that the language lacks."""
    if not found or found[-1].span.end != match.start():
        return
    before, span = found[-1], Span(match.start(), match.end())
    if before.kind == "number" and match.lastgroup == "name":
        raise FormulaError(
            f"a multiplication is written with '*', not {quoted(before.text + match[0])}", text, span,
            f"write {before.text} * {match[0]}",
        )  # fmt: skip
    if before.kind == "number" and match.lastgroup == "number":
        whole = before.text + match[0]
        raise FormulaError(f"{quoted(whole)} is no number", text, Span(before.span.start, span.end))
    if before.text == "/" and match[0] == "/":
        raise FormulaError("there is no '//'", text, Span(before.span.start, span.end), _HINTS["//"])
