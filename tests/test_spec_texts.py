"""Spec texts: what YAML and JSON are read as, and what is refused in which words."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcalc.errors import GradcalcError, SpecError
from gradcalc.spec import json_text, yaml_text
from gradcalc.spec.decoding import checked_text, decode
from gradcalc.spec.document import parse_value, read_document
from gradcalc.spec.json_text import read_json
from gradcalc.spec.limits import MAX_DEPTH
from gradcalc.spec.yaml_text import read_yaml

SPECS = Path(__file__).parent / "specs"
VALID = sorted(p for p in (SPECS / "valid").glob("reader-*") if not p.name.endswith(".expected.json"))
INVALID = sorted(p for p in (SPECS / "invalid").glob("reader-*") if p.suffix != ".txt")
PARSERS = [yaml.BaseLoader, *([yaml.CBaseLoader] if yaml.__with_libyaml__ else [])]


@pytest.fixture(params=PARSERS, ids=lambda parser: parser.__name__)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Each event parser PyYAML may have, in turn."""
    monkeypatch.setattr(yaml_text, "event_parser", lambda: request.param)
    return request.param


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_valid_texts_have_the_expected_value(path: Path, parser: Any) -> None:
    expected = json.loads(path.with_name(path.stem + ".expected.json").read_text())
    assert read_document(str(path)).value == expected


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.name)
def test_invalid_texts_are_refused_in_these_words(path: Path, parser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with pytest.raises(SpecError) as caught:
        read_document(path.name)
    assert f"{caught.value}\n" == path.with_name(path.name + ".txt").read_text()


def test_every_expectation_belongs_to_a_text() -> None:
    texts = {path.name for path in INVALID} | {path.stem for path in VALID}
    expectations = [p.name for p in SPECS.glob("*/reader-*") if p.name.endswith((".txt", ".expected.json"))]
    assert {name.removesuffix(".txt").removesuffix(".expected.json") for name in expectations} == texts


SCALARS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "nUll": "nUll",
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False, "tRUE": "tRUE",
    "no": "no", "yes": "yes", "on": "on", "off": "off", "y": "y", "n": "n", "NO": "NO",
    "0": 0, "-0": 0, "+3": 3, "-19": -19, "010": 10, "0o17": 15, "0x1F": 31, "0b11": "0b11", "0o8": "0o8",
    "-0x1F": "-0x1F", "0xG": "0xG", "1_000": "1_000", "1,000": "1,000", "1:30": "1:30", "1.2.3": "1.2.3",
    "1e-3": 1e-3, "1E5": 1e5, "1e+2": 100.0, ".5": 0.5, "-.5": -0.5, "+.5": 0.5, "1.": 1.0, "-1.": -1.0,
    "1.e2": 100.0, ".5e1": 5.0, "12e03": 12000.0, "-2E+05": -2e5, ".": ".", "-": "-", "+": "+", "-e5": "-e5",
    "e5": "e5", "1e": "1e", "1e+": "1e+", ".e5": ".e5", "1 2": "1 2", "--1": "--1", "+-1": "+-1", "1-": "1-",
    ".inf": math.inf, "-.inf": -math.inf, "+.Inf": math.inf, ".INF": math.inf, ".iNF": ".iNF",
    "inf": "inf", "Infinity": "Infinity", "NaN": "NaN", "nan": "nan", "1e400": math.inf, "1/2": "1/2",
    "123456789012345678": 123456789012345678, "123456789012345678901234567890": 123456789012345678901234567890.0,
    "0xFFFFFFFFFFFFFFFFFF": float(16**18 - 1), "2024-01-01": "2024-01-01", "٣": "٣", "１": "１",
}  # fmt: skip


@pytest.mark.parametrize("text", SCALARS)
def test_plain_scalars_are_those_of_yaml_1_2(text: str) -> None:
    if text not in ("", "-"):  # a lone dash begins a list
        assert (type(parse_value(text, "x")), parse_value(text, "x")) == (type(SCALARS[text]), SCALARS[text])
    value = read_yaml(f"[a, {text or '~'}]" if "," not in text and text != "-" else f"- a\n- {text}", "x")
    assert isinstance(value, list)
    if text != "-":
        assert (type(value[1]), value[1]) == (type(SCALARS[text]), SCALARS[text])
    assert read_yaml(f"'{text}'", "x") == text, "a quoted scalar is text"


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_nan_is_a_number(text: str) -> None:
    assert math.isnan(parse_value(text, "x"))  # type: ignore[arg-type]  # the test is that it is a float


def test_huge_integers_are_floats_in_json_too() -> None:
    nines = "9" * 5000
    assert read_json(f"[1, 12345678901234567890, {nines}]", "x") == [1, 12345678901234567890.0, math.inf]
    assert read_yaml(f"[1, 12345678901234567890, -{nines}]", "x") == [1, 12345678901234567890.0, -math.inf]


NET = "input: [1, 2]\nlayers:\n  - units: 2\n    bias: 0.5   # caf\u00e9 \U0001f600\n    weights: x\n"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16-le", "utf-16-be"],
)
def test_encodings_and_line_ends_change_nothing(
    encoded: Callable[[str], bytes], line_end: str, tmp_path: Path, parser: Any
) -> None:
    path = tmp_path / "net.yaml"
    path.write_bytes(encoded(NET.replace("\n", line_end)))
    found = read_document(str(path))
    assert found.value == {"input": [1, 2], "layers": [{"units": 2, "bias": 0.5, "weights": "x"}]}
    place = found.place(("layers", 0, "weights"))
    assert (place.line, place.column, place.text, place.width) == (5, 14, "    weights: x", 1)
    place = found.place(("layers", 0, "bias"))
    assert (place.line, place.column, place.width) == (4, 11, 3)
    assert found.folder == tmp_path and found.name == str(path)


def test_too_many_values_are_refused(parser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "MAX_NODES", 5)
    monkeypatch.setattr(json_text, "MAX_NODES", 5)
    for read in (read_yaml, read_json):
        assert read("[1, [2, 3]]", "x") == [1, [2, 3]]
        with pytest.raises(SpecError, match="values; keep large arrays in"):
            read("[1, [2, 3], 4, 5]", "x")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("0.3", 0.3),
        ("-1e-3", -1e-3),
        ("relu", "relu"),
        ("{name: huber, delta: 2}", {"name": "huber", "delta": 2}),
        ('{"name": "huber"}', {"name": "huber"}),
        ("null", None),
        ("true", True),
        ("'0.5'", "0.5"),
        ("Infinity", "Infinity"),
        (" 5 ", 5),
        ("[0.5 # half\n, 1]", [0.5, 1]),
    ],
)
def test_values_from_the_command_line(text: str, value: object, parser: Any) -> None:
    assert parse_value(text, "--set") == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--set: the value is empty; give a number"),
        (" ", "--set: the value is empty; give a number"),
        ("[1, 2", "--set:1:1: this '[' is never closed; a ']' is missing\n  1 | [1, 2\n    | ^"),
        ("\udcff", "--set:1:1: character U+DCFF cannot stand in a spec"),
        ("a\0", "--set:1:2: character U+0000 cannot stand in a spec"),
    ],
)
def test_values_from_the_command_line_that_are_none(text: str, message: str, parser: Any) -> None:
    with pytest.raises(SpecError) as caught:
        parse_value(text, "--set")
    assert str(caught.value).startswith(message)


# Hostile texts

HOSTILE = """
import resource, sys, yaml
from gradcalc.errors import SpecError
from gradcalc.spec import yaml_text, json_text
resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
texts = [
    "[" * 30_000, "{" * 30_000, "- " * 30_000, "? " * 30_000, "{a: " * 30_000, "[\\n" * 30_000, '{"a":' * 30_000,
    "".join(" " * i + "a:\\n" for i in range(300)), "[" * 30_000 + "]" * 30_000, '"' + '\\\\"' * 200_000, "'" * 100_001,
    "a: &a [x]\\n" + "".join(f"b{i}: &b{i} [*a, *a]\\n" for i in range(1000)), "!" * 30_000, "&" * 30_000,
    "%" * 30_000, ": " * 30_000, "]" * 30_000, "[," * 30_000, "a:" * 30_000, "%YAML 1." + "9" * 5000 + "\\n---\\na",
    'x: "\\\\UFFFFFFFF"', 'x: "\\\\x"',
]
loaders = [yaml.BaseLoader] + ([yaml.CBaseLoader] if yaml.__with_libyaml__ else [])
refused = 0
for text in texts:
    for loader in loaders:
        yaml_text.event_parser = lambda: loader
        for read in (yaml_text.read_yaml, json_text.read_json):
            try:
                read(text, "x")
            except SpecError as error:
                refused += len(str(error)) < 500
print(refused == 2 * len(texts) * len(loaders))
"""


def test_hostile_texts_are_refused_in_little_memory() -> None:
    done = subprocess.run([sys.executable, "-W", "error", "-c", HOSTILE], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("True\n", "", 0)


def test_depth_at_the_limit_is_read(parser: Any) -> None:
    at_limit, above = ("[" * depth + "]" * depth for depth in (MAX_DEPTH, MAX_DEPTH + 1))
    for read in (read_yaml, read_json):
        read(at_limit, "x")
        with pytest.raises(SpecError, match=f"^x:1:{MAX_DEPTH + 1}: nested more than"):
            read(above, "x")
    assert read_json('["' + "[" * 1000 + '\\"["]', "x") == ["[" * 1000 + '"['], "brackets in text nest nothing"


PIECES = st.sampled_from(
    [*"[]{},:-?|>'\"#&*!%@`~\t\n\\ .+e019a", ": ", "- ", "\n  ", "\n- ", "---\n", "...\n", "<<", "true", "null", "NaN",
     '"a": ', "a: ", "1e5", "\\u", "\\x", "%YAML 1.2\n", "é", "\u2028", "\x85", "\ufeff"]
)  # fmt: skip
ANY_TEXT = st.text(max_size=60) | st.lists(PIECES, max_size=25).map("".join)


@settings(max_examples=400, deadline=None)
@given(text=ANY_TEXT)
def test_any_text_is_a_value_or_one_of_our_errors(text: str) -> None:
    try:
        text = decode(text.encode("utf-8", "surrogatepass"), "x")
    except GradcalcError:
        return
    for parser in PARSERS:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(yaml_text, "event_parser", lambda parser=parser: parser)
            value_or_error(read_yaml, text)
    value_or_error(read_json, text)


def value_or_error(read: Callable[[str, str], object], text: str) -> None:
    """Reads; an error must be ours and have a place."""
    try:
        read(text, "x")
    except GradcalcError as error:
        assert error.place is not None and str(error)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=40) | st.text(max_size=20).map(lambda text: text.encode("utf-16")))
def test_any_bytes_are_text_or_one_of_our_errors(data: bytes) -> None:
    try:
        decode(data, "x")
    except GradcalcError as error:
        assert str(error)


def test_characters_are_refused_that_yaml_calls_unprintable() -> None:
    from yaml.reader import Reader

    for code in range(0x11000):
        if chr(code) == "\r":
            continue
        try:
            checked_text(chr(code), "x")
            refused = False
        except SpecError:
            refused = True
        assert refused == bool(Reader.NON_PRINTABLE.match(chr(code))), hex(code)


def test_the_pure_parser_takes_no_tab_after_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_text, "event_parser", lambda: yaml.BaseLoader)
    with pytest.raises(SpecError, match=r"^x:1:9: a tab cannot stand here; use blanks"):
        read_yaml("units: 2\t\n", "x")


def test_the_pure_parser_serves_where_libyaml_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CBaseLoader", raising=False)
    assert yaml_text.event_parser() is yaml.BaseLoader
    assert read_yaml("a: [1e-3]", "x") == {"a": [1e-3]}
