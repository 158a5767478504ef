"""Answer files: YAML, JSON or .npz to named arrays of numbers; what cannot be read is told with its name."""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from gradcalc.checking.numerals import Fault, array_of, half_units
from gradcalc.errors import InputError, Place, SpecError, quoted
from gradcalc.layers import TYPES, find
from gradcalc.shapes import Array
from gradcalc.spec.decoding import decode
from gradcalc.spec.files import open_regular
from gradcalc.spec.json_text import json_marks, read_json
from gradcalc.spec.limits import MAX_ANSWER_BYTES, MAX_ANSWERS
from gradcalc.spec.npy import Room, TooManyError, read_all
from gradcalc.spec.yaml_text import read_yaml, yaml_marks

_SUFFIXES = (".yaml", ".yml", ".json", ".npz")
_ZIP = b"PK"
_PIECE = 1 << 20
_LARGEST_NUMBER = 16  # bytes

#: Keys of `backprop --format json` that are no quantities.
_NO_QUANTITIES = ("loss_terms", "loss_history", "conventions")
_NO_NUMBERS = ("name", "type", "activation")


class Given(NamedTuple):
    """One named answer: its numbers, or the problem that keeps them from being read.

    `halves` are half a unit of each number's last written digit; None where digits do not count.
    Where the numbers are too many to be unpacked, `shape` is all that is known of them.
    """

    name: str
    numbers: Array | None
    halves: Array | None = None
    problem: str = ""
    shape: tuple[int, ...] = ()


def read_answers(source: str, room: Room, *, digits_given: bool = False, data: bytes | None = None) -> list[Given]:
    """The answers in the file `source`, or in `data`, which then is the content that `source` names.

    `room` is what the arrays of an archive may hold.
    Errors: SpecError or InputError where there are no answers to be read at all.
    """
    if data is None:
        data = _content(source, room)
    shown = "<stdin>" if source == "-" else source
    if data.startswith(_ZIP):
        arrays = read_all(io.BytesIO(data), shown, room)
        return _some([_of_archive(name, array) for name, array in arrays.items()], shown)
    if source.lower().endswith((".npz", ".npy")):
        raise InputError(
            f"{quoted(shown)} is not a .npz archive", hint="numpy.savez('answers.npz', dW1=dW1) writes one"
        )
    return _some(_of_text(_text(data, shown), shown, digits_given=digits_given), shown)


def given_of(answers: Mapping[str, Any]) -> list[Given]:
    """A mapping of names to numbers, arrays or nested lists as answers."""
    return [_given(name, _plain(value), None, digits_given=False) for name, value, _ in _flat(answers, {}, "")]


def _plain(value: Any) -> Any:
    """NumPy's arrays as lists, tuples too."""
    if callable(tolist := getattr(value, "tolist", None)):
        value = tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def read_input(room: Room) -> bytes:
    """All of standard input, for answers named "-"."""
    if sys.stdin is None:
        raise InputError("there is no standard input to read answers from")
    return _limited(sys.stdin.buffer, "<stdin>", room)


def _content(source: str, room: Room) -> bytes:
    if source == "-":
        return read_input(room)
    if not source:
        raise InputError("the name of an answer file is empty")
    path = Path(source)
    with open_regular(path, source, suffixes=_SUFFIXES, pipe_hint="a pipe is read as: - < PIPE") as stream:
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(len(_ZIP))
        _check_size(size, start, source, room)
        stream.seek(0)
        return _limited(stream, source, room)


def _limited(stream: BinaryIO, shown: str, room: Room) -> bytes:
    """All there is to read, in pieces, up to the limit of a text or of an archive."""
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := stream.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            _check_size(size, pieces[0], shown, room)
    except (OSError, ValueError) as error:
        raise InputError(f"{quoted(shown)} cannot be read: {error}") from None
    return b"".join(pieces)


def _check_size(size: int, start: bytes, shown: str, room: Room) -> None:
    """InputError where that many bytes are too many for what starts so."""
    if not start.startswith(_ZIP):
        if size > MAX_ANSWER_BYTES:
            said = f"{quoted(shown)} is more than {MAX_ANSWER_BYTES // 10**6} MB of text"
            raise InputError(said, hint="numpy.savez writes a smaller .npz file")
    elif size > (most := max(MAX_ANSWER_BYTES, _LARGEST_NUMBER * room.together)):
        raise InputError(f"{quoted(shown)} is more than {most // 10**6} MB, far more than all quantities need")


def _text(data: bytes, shown: str) -> str:
    hint = "answers are YAML, JSON or .npz"
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InputError(f"{quoted(shown)} is a binary file, not text", hint=hint)
    try:
        text = decode(data, shown)
    except SpecError as error:
        raise InputError(f"{quoted(shown)} is no text: {error.message}", hint=hint, place=error.place) from None
    if not text.strip():
        raise InputError(f"{quoted(shown)} is empty", hint="e.g. dW1: [[0.1, 0.2], [0.3, 0.4]]")
    return text


def _of_text(text: str, shown: str, *, digits_given: bool) -> list[Given]:
    """Named answers of a YAML or JSON text."""
    value, is_json = _value(text, shown)
    if not isinstance(value, Mapping):
        hint = "each quantity has a name: dW1: [[0.1, 0.2], [0.3, 0.4]]"
        if Path(shown).suffix.lower() in (".csv", ".tsv"):
            hint = f"answers are YAML, JSON or .npz, where {hint}"
        elif re.match(r"\s*\w+\s*=", text):
            hint = "each quantity has a name and a colon, not =: dW1: [[0.1, 0.2], [0.3, 0.4]]"
        raise InputError(f"{quoted(shown)} does not hold named quantities", hint=hint, place=Place(shown, 1))
    halves: Any = {}
    if digits_given:
        marks = json_marks(text) if is_json else yaml_marks(text, shown, MAX_ANSWERS)
        halves = half_units(marks, text)
    named = list(_flat(value, halves, ""))
    return [_given(name, found, half, digits_given=digits_given) for name, found, half in named]


def _value(text: str, shown: str) -> tuple[object, bool]:
    """The text's value and whether it is JSON: by the file's name, or by what it looks like."""
    suffix = Path(shown).suffix.lower()
    if suffix == ".json" or (suffix not in (".yaml", ".yml") and text.lstrip().startswith("{")):
        try:
            return read_json(text, shown, max_keys=MAX_ANSWERS, finite=False), True
        except SpecError:
            if suffix == ".json":
                raise
    return read_yaml(text, shown, max_keys=MAX_ANSWERS), False


def _flat(value: Mapping[str, Any], halves: Any, prefix: str) -> Iterator[tuple[str, Any, Any]]:
    """Every name with its value and half units: {hidden: {dW: ...}} is hidden.dW, and so is backprop's own JSON."""
    layers = value.get("layers")
    own = not prefix and isinstance(layers, list) and all(isinstance(one, Mapping) for one in layers)
    for key, item in value.items():
        half = halves.get(key) if isinstance(halves, Mapping) else None
        if own and key == "layers":
            for i, layer in enumerate(item):
                yield from _of_layer(layer, half[i] if half else None, i)
        elif own and key == "inputs" and isinstance(item, Mapping):
            yield from _flat(item, half, "")
        elif isinstance(item, Mapping) and not (own and key in _NO_QUANTITIES):
            yield from _flat(item, half, f"{prefix}{key}.")
        elif not (own and (key in _NO_QUANTITIES or item is None)):  # a pass without a loss has null there
            yield f"{prefix}{key}", item, half


def _of_layer(layer: Mapping[str, Any], halves: Any, position: int) -> Iterator[tuple[str, Any, Any]]:
    prefix = f"{layer.get('name') or f'layer{position + 1}'}."
    named = {key: item for key, item in layer.items() if key not in _NO_NUMBERS}
    for key in _one_an_input(layer):
        half = halves.get(key) if isinstance(halves, Mapping) else None
        for i, item in enumerate(named.pop(key)):
            yield f"{prefix}{key}[{i}]", item, half[i] if half else None
    yield from _flat(named, halves, prefix)


def _one_an_input(layer: Mapping[str, Any]) -> list[str]:
    """Which of x and dx are lists of one array an input: they are nested deeper than the output."""
    type_ = layer.get("type")
    if type_ not in TYPES or find(type_).inputs[1] == 1:
        return []
    return [key for key in ("x", "dx") if _depth(layer.get(key)) > _depth(layer.get("a"))]


def _depth(value: object) -> int:
    """How deep lists are nested."""
    return 1 + _depth(value[0]) if isinstance(value, list) and value else 0


def _given(name: str, value: Any, halves: Any, *, digits_given: bool) -> Given:
    try:
        numbers = array_of(value)
        return Given(name, numbers, array_of(halves) if digits_given else None)
    except Fault as fault:
        return Given(name, None, None, f"{fault.place}{fault}" if fault.place else str(fault))


def _of_archive(name: str, array: Array | InputError) -> Given:
    if isinstance(array, TooManyError):
        return Given(name, None, None, str(array), array.shape)
    if isinstance(array, InputError):
        return Given(name, None, None, str(array))
    return (
        Given(name, array) if array.size else Given(name, None, None, f"holds no numbers: its shape is {array.shape}")
    )


def _some(found: list[Given], shown: str) -> list[Given]:
    if not found:
        raise InputError(f"{quoted(shown)} holds no quantities", hint="e.g. dW1: [[0.1, 0.2], [0.3, 0.4]]")
    return found
