"""What PyYAML's parsers complain about, in our words: both parsers' phrases, one message and hint each."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from gradcalc.errors import SpecError, printable
from gradcalc.spec.places import Span


class _Saying(NamedTuple):
    """A parser's phrase ("context: problem"), where the fault is shown, and what we say."""

    phrase: str
    at: Literal["problem", "context", "backslash"]
    message: str
    hint: str = ""


_COLUMNS = "keys of one mapping, and dashes of one list, begin in the same column"

#: The first that fits is said; {char} is the character at the problem.
_SAYINGS = (
    _Saying(
        "expected ':'", "context", "a ':' is missing in this line",
        "write 'key: value', with a blank after the colon",
    ),
    _Saying(
        "(mapping values|sequence entries) are not allowed|block sequence entries", "problem",
        "'{char}' is not expected here", "check the indentation; text that holds ': ' needs quotes",
    ),
    _Saying("block (mapping|collection).*expected|<document start>", "problem", "this line is out of place", _COLUMNS),
    _Saying("quoted scalar.*(end of stream|document)", "context", "this quote is never closed"),
    _Saying(
        "quoted scalar.*(escape|hexdecimal|hexadecimal)", "backslash", "an escape that YAML does not know",
        "in single quotes a backslash is just a backslash",
    ),
    _Saying("expected (the )?node content", "problem", "a value is missing before '{char}'"),
    _Saying(
        "cannot start any token", "problem", "a value cannot start with '{char}'",
        "text that starts with it needs quotes",
    ),
    _Saying("tag", "problem", "tags are not read", "text that starts with ! needs quotes"),
    _Saying(
        "alias|anchor", "context", "anchors and aliases are not read",
        "text that starts with & or * needs quotes",
    ),
    _Saying("directive|incompatible", "problem", "this %-line is not read", "specs are YAML 1.2: remove it"),
    _Saying(
        "block scalar", "problem", "after | or > the line must end",
        "text that starts with | or > needs quotes",
    ),
)  # fmt: skip


def fault(error: Any, text: str, source: str) -> SpecError:
    """PyYAML's error as ours, with its place in `text`."""
    problem = error.problem_mark.index if getattr(error, "problem_mark", None) else len(text)
    context = error.context_mark.index if getattr(error, "context_mark", None) else problem
    phrase = f"{getattr(error, 'context', None)}: {getattr(error, 'problem', None) or error}"
    at, message, hint = _said(phrase, problem, context, text)
    return SpecError(message, hint=hint, place=Span(at, at + 1).place(text, source))


def _said(phrase: str, problem: int, context: int, text: str) -> tuple[int, str, str]:
    """Where the fault is, what it is, and what would be right."""
    char = text[problem : problem + 1]
    before = text[text.rfind("\n", 0, problem) + 1 : problem].strip()
    if char == "\t":
        return problem, "a tab cannot stand here" if before else "a tab cannot indent YAML", "use blanks"
    if "flow sequence" in phrase or "flow mapping" in phrase:
        return _open_bracket(problem, context, text)
    if "node content" in phrase and not text[problem:].strip():
        return len(text.rstrip()) - 1, "the text ends where a value or a closing bracket is missing", ""
    if "block mapping" in phrase or "<document start>" in phrase:
        if char and char in "]},":
            return (
                problem,
                f"'{char}' stands outside of any bracket",
                "is an opening bracket missing, or one too many closed?",
            )
        if before.strip("-? "):  # something else stands before it in its line
            return (
                problem,
                "the value ends before this",
                "quotes go around all of a text, brackets around all of a list",
            )
    for saying in _SAYINGS:
        if re.search(saying.phrase, phrase):
            places = {"problem": problem, "context": context, "backslash": text.rfind("\\", 0, problem + 1)}
            return places[saying.at], saying.message.format(char=printable(char)), saying.hint
    return problem, "this is not YAML", ""


def _open_bracket(problem: int, context: int, text: str) -> tuple[int, str, str]:
    """A flow list or mapping that goes on where it should not."""
    opening = text[context : context + 1]
    closing = "]" if opening == "[" else "}"
    if not text[problem:].strip():
        return context, f"this '{opening}' is never closed", f"a '{closing}' is missing"
    opened = Span(context, context + 1).place(text, "")
    message = f"',' or '{closing}' is missing before this"
    return problem, message, f"the '{opening}' of line {opened.line} column {opened.column} is still open"
