"""A spec's document: where its values stand, and from where it may be read."""

from __future__ import annotations

import io
import json
import math
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcalc.errors import SpecError
from gradcalc.spec import document
from gradcalc.spec.document import Document, document_of, read_document
from gradcalc.spec.limits import MAX_BYTES


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every value inside a value."""
    yield path
    if isinstance(value, list | dict):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(item, (*path, step))


NET = "input: [1, 2]\nlayers:\n  - units: 2\n    bias: 0.5   # caf\u00e9 \U0001f600\n    weights: x\n"


def document_from(text: str, name: str, tmp_path: Path) -> Document:
    (tmp_path / name).write_text(text)
    return read_document(str(tmp_path / name))


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("ab \U0001f600", max_size=4)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=4)
)
shared_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


@shared_folder
@given(
    value=st.dictionaries(st.text("abc", min_size=1, max_size=3), VALUES, min_size=1, max_size=4),
    indent=st.none() | st.just(2),
)
def test_places_in_yaml_and_json_agree(value: dict[str, Any], indent: int | None, tmp_path: Path) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    as_json, as_yaml = document_from(text, "x.json", tmp_path), document_from(text, "x.yaml", tmp_path)
    assert as_json.value == as_yaml.value
    for path in paths(as_json.value):
        assert as_json.place(path)[1:] == as_yaml.place(path)[1:], path
        assert as_json.key_place(path)[1:] == as_yaml.key_place(path)[1:], path


@pytest.mark.parametrize(
    ("path", "line", "column", "width"),
    [
        ((), 1, 1, 13),
        (("input",), 1, 8, 6),
        (("input", 1), 1, 12, 1),
        (("input", 5), 1, 8, 6),  # no such element: the list
        (("loss",), 1, 1, 13),  # a missing key: the mapping, as far as its first line goes
        (("layers", 0), 3, 5, 8),
        (("layers", 0, "units"), 3, 12, 1),
        (("layers", 0, "units", "deeper", 3), 3, 12, 1),
        (("layers", 0, "name"), 3, 5, 8),
        (("layers", 7, "name"), 3, 3, 10),
        (("layers", "0"), 3, 3, 10),
        (("empty",), 6, 1, 5),  # a key without a value: the key
    ],
)
def test_places_fall_back_to_what_exists(
    path: tuple[str | int, ...], line: int, column: int, width: int, tmp_path: Path
) -> None:
    place = document_from(NET + "empty:\n", "net.yaml", tmp_path).place(path)
    assert (place.line, place.column, place.width) == (line, column, width)


def test_a_key_has_a_place_of_its_own(tmp_path: Path) -> None:
    found = document_from(NET, "net.yaml", tmp_path)
    place = found.key_place(("layers", 0, "bias"))
    assert (place.line, place.column, place.width) == (4, 5, 4)
    assert found.key_place(("layers", 0)) == found.place(("layers", 0)), "an element has no key"
    assert found.key_place(("layers", 0, "name")) == found.place(("layers", 0, "name")), "nor has what is missing"


def test_an_error_shows_the_line_with_a_caret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.yaml").write_text(NET)
    error = SpecError("too small", place=read_document("net.yaml").place(("layers", 0, "units")))
    assert str(error) == "net.yaml:3:12: too small\n  3 |   - units: 2\n    |            ^"


# Standard input, pipes and what is no file


def given_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="ascii"))


@pytest.mark.parametrize("text", ["input: 1\n", '{"input": 1}', "{input: 1}", "{\t'input': 1}", '\ufeff{"input": 1}'])
def test_standard_input_is_yaml_or_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given_stdin(monkeypatch, text.encode())
    found = read_document("-")
    assert (found.value, found.name, found.folder) == ({"input": 1}, "<stdin>", Path())
    assert str(found.place(("input",))).startswith("<stdin>:1:")


def test_standard_input_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    given_stdin(monkeypatch, b'{"a": 1,\n "a": 2}')
    with pytest.raises(SpecError, match=r"^<stdin>:2:2: key 'a' is given twice, first in line 1"):
        read_document("-")
    given_stdin(monkeypatch, b"")
    with pytest.raises(SpecError, match=r"^<stdin>: the spec is empty"):
        read_document("-")
    sys.stdin.close()
    with pytest.raises(SpecError, match="standard input is closed"):
        read_document("-")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(SpecError, match="no standard input"):
        read_document("-")


@pytest.mark.parametrize("folder", ["/dev/fd", "/proc/self/fd"])
def test_a_pipe_the_shell_has_opened_is_read(folder: str) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"{input: 1}")
    os.close(writing)
    found = read_document(f"{folder}/{reading}")
    os.close(reading)
    assert (found.value, found.folder, found.name) == ({"input": 1}, Path(), f"{folder}/{reading}")
    with pytest.raises(SpecError, match="'/dev/fd/9876' cannot be read: bad file descriptor"):
        read_document("/dev/fd/9876")


def test_a_named_pipe_the_shell_has_opened_is_not_opened_again(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reading = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    writing = os.open(tmp_path / "pipe", os.O_WRONLY)
    os.write(writing, b"input: 1")
    os.close(writing)
    assert read_document(f"/dev/fd/{reading}").value == {"input": 1}
    os.close(reading)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.yaml")
    (tmp_path / "folder").mkdir()
    for name in ("b.json", "a.yaml", "notes.txt"):
        (tmp_path / "folder" / name).touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
    Path("loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "net.yaml").touch()
    refused = {
        "pipe.yaml": "'pipe.yaml' is a named pipe, not a file; a pipe is read as: - < PIPE",
        "folder": "'folder' is a directory, not a file; it holds 'a.yaml' and 'b.json'",
        "socket.yaml": "'socket.yaml' is a socket, not a file",
        "/dev/zero": "'/dev/zero' is a device, not a file",
        "nett.yaml": "there is no file 'nett.yaml'; did you mean net.yaml",
        "gone/net.yaml": "there is no file 'gone/net.yaml'",
        "net.yaml/x": "there is no file 'net.yaml/x'",
        "loop.yaml": "file 'loop.yaml' is a link that leads to itself",
        "a\0b": r"'a\x00b' cannot be a file's name",
        "\ud800": r"'\ud800' cannot be a file's name",
        "x" * 5000: "is too long",
        "": "the spec's name is empty",
    }
    for name, words in refused.items():
        with pytest.raises(SpecError) as caught:
            read_document(name)
        assert words in str(caught.value), name


def test_a_file_we_may_not_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> int:
        raise PermissionError(13, "no")

    (tmp_path / "net.yaml").touch()
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SpecError, match="cannot be read: permission denied"):
        read_document(str(tmp_path / "net.yaml"))


def test_a_text_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "net.yaml").open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    with pytest.raises(SpecError, match="more than 200 MB of text; keep large arrays in"):
        read_document(str(tmp_path / "net.yaml"))
    monkeypatch.setattr(document, "MAX_BYTES", 1000)
    given_stdin(monkeypatch, b"#" * 1001)
    with pytest.raises(SpecError, match="of text"):
        read_document("-")


# Values from Python


def test_python_values_become_plain_ones() -> None:
    given_value = {"input": np.array([[1.0, 2.0]]), "steps": np.int64(3), "layers": ({"bias": False},), "seed": 10**30}
    found = document_of(given_value)
    assert found.value == {"input": [[1.0, 2.0]], "steps": 3, "layers": [{"bias": False}], "seed": 1e30}
    assert str(found.place(("input", 0))) == "<value>"
    assert document_of(10**400).value == math.inf and document_of(-(10**400)).value == -math.inf


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"a": [1, {2}]}, ("a", 1)),
        ({"a": {1: 2}}, ("a",)),
        ([1j], (0,)),
        ([np.array([object()])], (0, 0)),
        ([list], (0,)),
        ([np.ndarray], (0,)),
    ],
)
def test_python_values_that_no_spec_has_are_refused(value: object, path: tuple[str | int, ...]) -> None:
    with pytest.raises(SpecError) as caught:
        document_of(value)
    assert caught.value.path == path


def test_python_values_nested_without_end_are_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(SpecError, match="nested more than 64 deep"):
        document_of(endless)
