"""What PyYAML's parsers complain about, in our words: both parsers' phrases, one message and hint each."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from gradcalc.errors import SpecError
from gradcalc.spec.places import Span


class _Saying(NamedTuple):
    """A parser's phrase ("context: problem"), which of its two places to show, and what we say."""

    phrase: str
    at: Literal["problem", "context"]
    message: str
    hint: str = ""


_SAYINGS = (
    _Saying(
        "expected ':'", "context", "a ':' is missing in this line",
        "write 'key: value', with a blank after the colon",
    ),
    _Saying(
        "(mapping values|sequence entries) are not allowed|block sequence entries", "problem",
        "a value cannot start here", "check the line's indentation; text that holds ': ' needs quotes",
    ),
    _Saying(
        "block (mapping|collection).*expected", "problem", "this does not belong to the block it stands in",
        "keys of one mapping, and dashes of one list, begin in the same column",
    ),
    _Saying("quoted scalar.*end of stream", "context", "this quote is never closed"),
    _Saying("quoted scalar.*document", "context", "this quote is never closed"),
    _Saying(
        "quoted scalar.*(escape|hexdecimal|hexadecimal)", "problem", "an escape that YAML does not know",
        "in single quotes a backslash is just a backslash",
    ),
    _Saying("expected (the )?node content", "problem", "a value is missing here"),
    _Saying(
        "cannot start any token", "problem", "a value cannot start with this character",
        "text that starts with it needs quotes",
    ),
    _Saying("tag", "problem", "tags are not read", "text that starts with ! needs quotes"),
    _Saying(
        "alias|anchor", "context", "anchors and aliases are not read",
        "text that starts with & or * needs quotes",
    ),
    _Saying("directive|incompatible", "problem", "this %-line is not read", "specs are YAML 1.2: remove it"),
    _Saying(
        "expected '?<document start>", "problem", "this does not belong to what stands above it",
        "keys of one mapping begin in the same column",
    ),
    _Saying(
        "block scalar", "problem", "after | or > the line must end",
        "text that starts with | or > needs quotes",
    ),
)  # fmt: skip

_TAB = ("a tab cannot indent YAML", "use blanks")


def fault(error: Any, text: str, source: str) -> SpecError:
    """PyYAML's error as ours, with its place in `text`."""
    problem = error.problem_mark.index if getattr(error, "problem_mark", None) else len(text)
    context = error.context_mark.index if getattr(error, "context_mark", None) else problem
    if text[problem : problem + 1] == "\t":
        return _said(*_TAB, problem, text, source)
    phrase = f"{getattr(error, 'context', None)}: {getattr(error, 'problem', None) or error}"
    if "flow sequence" in phrase or "flow mapping" in phrase:
        return _open_bracket(problem, context, text, source)
    for saying in _SAYINGS:
        if re.search(saying.phrase, phrase):
            at = problem if saying.at == "problem" else context
            return _said(saying.message, saying.hint, at, text, source)
    return _said("this is not YAML", "", problem, text, source)


def _open_bracket(problem: int, context: int, text: str, source: str) -> SpecError:
    """A flow list or mapping that goes on where it should not."""
    opening = text[context : context + 1]
    closing = "]" if opening == "[" else "}"
    if not text[problem:].strip():
        return _said(f"this '{opening}' is never closed", f"a '{closing}' is missing", context, text, source)
    opened = Span(context, context + 1).place(text, source)
    message = f"',' or '{closing}' is missing before this"
    return _said(
        message,
        f"the '{opening}' of line {opened.line} column {opened.column} is still open",
        problem,
        text,
        source,
    )


def _said(message: str, hint: str, at: int, text: str, source: str) -> SpecError:
    return SpecError(message, hint=hint, place=Span(at, at + 1).place(text, source))
