"""Bytes to text: UTF-8, with or without a byte order mark, or UTF-16 with one; nothing unprintable."""

from __future__ import annotations

import codecs
import re

from gradcalc.errors import Place, SpecError
from gradcalc.spec.places import Span

#: What YAML calls unprintable, and JSON has no use for outside escapes. (As [^...] it would take 10 ms to compile.)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def decode(data: bytes, source: str) -> str:
    """The text, with line feeds for line ends. SpecError with place for what is no text."""
    encoding = encoding_of(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(error, source) from None
    return checked_text(text, source)


def encoding_of(data: bytes) -> str:
    """The encoding the first bytes declare; UTF-8 where they declare none."""
    return "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"


def checked_text(text: str, source: str) -> str:
    """The text with line feeds for line ends; SpecError with place for a control character."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if match := _UNPRINTABLE.search(text):
        hint = "save the file as UTF-8 text" if match[0] == "\0" else "remove it"
        raise SpecError(
            f"character U+{ord(match[0]):04X} cannot stand in a spec",
            hint=hint,
            place=Span(*match.span()).place(text, source),
        )
    return text


def _undecodable(error: UnicodeDecodeError, source: str) -> SpecError:
    if error.encoding.startswith("utf-16"):
        return SpecError(f"the UTF-16 text cannot be read at byte {error.start}", place=Place(source))
    data = error.object  # without the byte order mark
    before = data[: error.start].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    line_start = before.rfind(b"\n") + 1
    rest = data[error.start : error.start + 100].splitlines()[0]
    place = Place(
        source,
        before.count(b"\n") + 1,
        len(before[line_start:].decode()) + 1,
        (before[line_start:] + rest).decode("utf-8", "backslashreplace"),
        4,
    )
    return SpecError(f"byte 0x{data[error.start]:02x} is not UTF-8", hint="save the file as UTF-8", place=place)
