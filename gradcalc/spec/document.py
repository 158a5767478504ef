"""A spec's text as a value that knows its places: from a file, standard input, the command line or Python."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gradcalc import errors
from gradcalc.errors import Place, SpecError, quoted
from gradcalc.spec.decoding import checked_text, decode
from gradcalc.spec.files import open_regular, unreadable
from gradcalc.spec.limits import LARGE_HINT, MAX_BYTES, MAX_DEPTH, TOO_DEEP
from gradcalc.spec.places import find_span
from gradcalc.spec.scalars import fitting
from gradcalc.spec.yaml_text import read_yaml, yaml_marks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcalc.spec.places import Mark

#: Names by which a shell hands over what it has opened, as `<(command)` does: these pipes may be waited for.
_OPENED = re.compile(r"/dev/stdin|(?:/dev|/proc/self)/fd/([0-9]{1,6})")
_PIECE = 1 << 20
_SUFFIXES = (".yaml", ".yml", ".json")


class Document:
    """A value of plain dicts, lists, text, numbers, booleans and None that knows where each part stands."""

    __slots__ = ("_is_json", "_text", "folder", "name", "value")

    def __init__(
        self, name: str, folder: Path, value: object, text: str | None = None, *, is_json: bool = False
    ) -> None:
        self.name, self.folder, self.value = name, folder, value
        self._text, self._is_json = text, is_json

    def place(self, path: errors.Path, part: errors.Part | None = None) -> Place:
        """Where the value at `path` stands, or the nearest value above it: a second pass over the text.

        A `part` of a value that is written as it is, without escapes or folds, has its own place.
        """
        return self._find(path, key=False, part=part)

    def key_place(self, path: errors.Path) -> Place:
        """Where the key of the value at `path` stands."""
        return self._find(path, key=True)

    def _find(self, path: errors.Path, *, key: bool, part: errors.Part | None = None) -> Place:
        if self._text is None:
            return Place(self.name)
        span = find_span(self._marks(self._text), path, key=key)
        return (span.narrowed(self._text, part) if part else span).place(self._text, self.name)

    def _marks(self, text: str) -> Iterable[Mark]:
        if not self._is_json:
            return yaml_marks(text, self.name)
        from gradcalc.spec.json_text import json_marks  # specs in YAML start without it

        return json_marks(text)


def read_document(source: str) -> Document:
    """The spec in the file `source`, or on standard input for "-". SpecError where it cannot be one.

    A pipe is read where the shell has opened it; one that only has a name could keep us waiting for ever, as
    would opening one a second time by its name under /dev/fd.
    """
    if source == "-":
        if sys.stdin is None:
            raise SpecError("there is no standard input to read the spec from")
        return _document("<stdin>", Path(), _read_limited(sys.stdin.buffer, "<stdin>"))
    if not source:
        raise SpecError("the spec's name is empty", hint="name a file, or - for standard input")
    if opened := _OPENED.fullmatch(source):
        with _shared(int(opened[1] or 0), source) as stream:
            return _document(source, Path(), _read_limited(stream, source))
    path = Path(source)
    with open_regular(path, source, suffixes=_SUFFIXES, pipe_hint="a pipe is read as: - < PIPE") as stream:
        if os.fstat(stream.fileno()).st_size > MAX_BYTES:
            raise _too_large(source)
        return _document(source, path.parent, _read_limited(stream, source))


def document_of(value: object) -> Document:
    """A Python value as a document without text; SpecError where it holds what a spec cannot."""
    return Document("<value>", Path(), _plain(value, ()))


def parse_value(text: str, name: str) -> object:
    """A value typed on the command line, as a YAML spec would have it; `name` is what errors call it."""
    value = read_yaml(checked_text(text, name), name)
    if value is None and not text.strip():
        raise SpecError("the value is empty", hint="give a number, a list or a word; null for none", place=Place(name))
    return value


def _shared(descriptor: int, source: str) -> BinaryIO:
    """What the shell has opened under that number, read from where it stands."""
    try:
        return os.fdopen(os.dup(descriptor), "rb")
    except OSError as error:
        raise unreadable(error, Path(source), source) from None


def _read_limited(stream: BinaryIO, source: str) -> bytes:
    """All there is to read, in pieces: a size asked for at once would be allocated at once."""
    pieces, size = [], 0
    try:
        while size <= MAX_BYTES and (piece := stream.read(_PIECE)):
            pieces.append(piece)
            size += len(piece)
    except OSError as error:
        raise unreadable(error, Path(source), source) from None
    except ValueError:
        raise SpecError("standard input is closed, and no spec can be read from it") from None
    if size > MAX_BYTES:
        raise _too_large(source)
    return b"".join(pieces)


def _too_large(source: str) -> SpecError:
    return SpecError(f"more than {MAX_BYTES // 10**6} MB of text", hint=LARGE_HINT, place=Place(source))


def _document(name: str, folder: Path, data: bytes) -> Document:
    text = decode(data, name)
    value, is_json = _value(text, name)
    if value is None:
        hint = "'gradcalc example' prints one to start from"
        raise SpecError("the spec is empty", hint=hint, place=Place(name))
    return Document(name, folder, value, text, is_json=is_json)


def _value(text: str, name: str) -> tuple[object, bool]:
    """The text's value, and whether it was read as JSON: by its name, or as a nameless object that is JSON."""
    suffix = Path(name).suffix.lower()
    named = suffix == ".json"
    if not text.strip() or not (named or (suffix not in _SUFFIXES and text.lstrip().startswith("{"))):
        return read_yaml(text, name), False
    from gradcalc.spec.json_text import read_json  # specs in YAML start without it

    try:
        return read_json(text, name), True
    except SpecError:
        if named:
            raise
        return read_yaml(text, name), False  # YAML has braces too, and its reader names the fault just as well


def _plain(value: object, path: errors.Path) -> object:
    """A copy of plain values; tuples become lists, NumPy's arrays and numbers what their `tolist` gives."""
    if len(path) > MAX_DEPTH:
        raise SpecError(TOO_DEEP, path=path)
    if callable(tolist := getattr(value, "tolist", None)) and not isinstance(value, type):
        value = tolist()
    if isinstance(value, int) and not isinstance(value, bool):
        return fitting(value)
    if value is None or isinstance(value, bool | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, i)) for i, item in enumerate(value)]
    if isinstance(value, dict):
        return {_key(key, path): _plain(item, (*path, str(key))) for key, item in value.items()}
    raise SpecError(
        f"a spec cannot hold {quoted(value)}", hint="it takes dicts, lists, text, numbers and arrays", path=path
    )


def _key(key: object, path: errors.Path) -> str:
    if isinstance(key, str):
        return key
    raise SpecError(f"a key must be text, not {quoted(key)}", path=path)
