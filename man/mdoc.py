"""Writing mdoc: plain text as lines that mandoc and groff read as it was meant."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable

#: mandoc asks for lines of at most 80 bytes; escapes are counted, as they stand in the file.
WIDTH = 78

#: A dash that stands for itself, as in --option, -1 or 1e-3: mdoc would print a typographic hyphen.
_REAL_DASH = re.compile(r"(?<![A-Za-z])-|-(?=\d)|(?<=-)-")
_SENTENCE_END = re.compile(r"(?<=[a-z0-9)\]'\"][.!?]) (?=[A-Z'\"(\[])")


def escaped(text: str) -> str:
    """Text with backslashes and dashes as themselves."""
    return _REAL_DASH.sub(r"\\-", text.replace("\\", r"\e"))


def guarded(line: str) -> str:
    """A line that is not taken for a macro, though it may start with a dot or a quote."""
    return rf"\&{line}" if line.startswith((".", "'")) else line


def paragraph(text: str) -> list[str]:
    """Running text, each sentence on lines of its own, as mdoc wants it."""
    sentences = _SENTENCE_END.split(" ".join(text.split()))
    return [guarded(line) for sentence in sentences for line in _wrapped(escaped(sentence))]


def _wrapped(text: str) -> list[str]:
    """One sentence in lines; a full stop within it, as of "eq.", must not end a line as if it ended the sentence."""
    *most, last = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False) or [""]
    return [*(rf"{line}\&" if line.endswith((".", "!", "?")) else line for line in most), last]


def literal(lines: Iterable[str], *, indent: str = "offset indent") -> list[str]:
    """Lines as they are, in the typewriter's face: every dash and blank stands for itself."""
    body = [guarded(line.replace("\\", r"\e").replace("-", r"\-").rstrip()) for line in lines]
    return [f".Bd -literal -{indent}", *body, ".Ed"]


def argument(word: str) -> str:
    """A word as a macro's argument: quoted where it holds blanks or stands for a macro or punctuation."""
    word = escaped(word).replace('"', r"\(dq")
    if re.fullmatch(r"[A-Z][a-z]|[a-z]{2}|[%A-Z]\w", word) or re.fullmatch(r"[.,:;()\[\]?!|]", word):
        word = rf"\&{word}"
    return f'"{word}"' if " " in word or not word else word


def tagged(items: Iterable[tuple[str, list[str]]], width: str = "Ds") -> list[str]:
    """A list of tags, each with its text below. A tag is a macro line without its dot, e.g. "Fl y Ar Y"."""
    body = [line for tag, text in items for line in (f".It {tag}", *text)]
    return [f".Bl -tag -width {width}", *body, ".El"]
