"""`list`, `show` and `example`: all there is, in every format, complete and within the width."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from commands import in_process, json_lines, json_value
from gradcalc.cli.list import KINDS
from gradcalc.conventions import CONVENTIONS, OPTIONS
from gradcalc.errors import simplified
from gradcalc.examples import Example, examples
from gradcalc.functions import entries
from gradcalc.functions.entry import Entry
from gradcalc.layers import TYPES
from gradcalc.mistakes import MISTAKES
from gradcalc.render import FORMATS, GRADERS

#: An example may have the name of a layer, which then goes before it.
OTHERS = [*(one.name for one in CONVENTIONS), *(one.name for one in MISTAKES), *TYPES]
OTHERS += [one.name for one in examples() if simplified(one.name) not in map(simplified, TYPES)]

#: A layer that does to each example what the function of that name does is shown before it.
LAYER_FIRST = {"layer_norm", "layer_normalization"}

#: Every name that has a card, with the other names of the same thing.
CARDS: dict[str, list[str]] = {entry.name: sorted({*entry.aliases} - LAYER_FIRST) for entry in entries()}
CARDS |= {name: [] for name in OTHERS}
EXPECTED = {
    "functions": [entry.name for entry in entries()],
    "layers": list(TYPES),
    "mistakes": [mistake.name for mistake in MISTAKES],
    "conventions": [convention.name for convention in CONVENTIONS],
    "examples": [example.name for example in examples()],
    "formats": [*FORMATS, *GRADERS],
}


def printed(*words: str) -> str:
    outcome = in_process(*words)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.isascii() and outcome.out.endswith("\n")
    return outcome.out


@pytest.mark.parametrize("kind", [[], *([kind] for kind in KINDS)], ids=str)
@pytest.mark.parametrize("format_name", FORMATS)
def test_a_list_names_everything_in_every_format(kind: list[str], format_name: str) -> None:
    text = printed("list", *kind, "--format", format_name).replace("\\_", "_")
    for name in EXPECTED[kind[0]] if kind else KINDS:
        assert name in text


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_is_a_list_of_records(kind: str) -> None:
    records = json_value(in_process("list", kind, "--format", "json"))
    assert [record["name"] for record in records] == EXPECTED[kind]
    assert json_lines(in_process("list", kind, "--format", "jsonl")) == records
    rows = list(csv.DictReader(io.StringIO(printed("list", kind, "--format", "csv"))))
    assert [row["name"] for row in rows] == EXPECTED[kind]


def test_list_functions_is_a_contract() -> None:
    records = json_value(in_process("list", "functions", "--format", "json"))
    for record, entry in zip(records, entries(), strict=True):
        assert record == {
            "name": entry.name, "kind": entry.kind, "aliases": list(entry.aliases), "title": entry.title,
        }  # fmt: skip


def test_conventions_stand_side_by_side_with_their_sources() -> None:
    text = printed("list", "conventions")
    words = " ".join(text.split())
    for convention in CONVENTIONS:
        row = next(line.split() for line in text.splitlines() if line.split()[:1] == [convention.name])
        assert row == [convention.name, *(getattr(convention, option.name) for option in OPTIONS)]
    assert "Fall 2022; kink as in its notes" in words
    for option in OPTIONS:
        assert all(choice in words for choice in option.choices)


@pytest.mark.parametrize(
    "words", [*(["list", kind] for kind in KINDS), *(["show", name] for name in CARDS)], ids=" ".join
)
def test_every_list_and_card_keeps_to_the_width(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (60, 80, 200) if words[0] == "list" else (60, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        assert max(map(len, printed(*words).splitlines())) <= width


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_a_function_s_card_has_all_it_declares(entry: Entry) -> None:
    record = json_value(in_process("show", entry.name, "--format", "json"))
    assert (record["name"], record["kind"], record["title"]) == (entry.name, entry.kind, entry.title)
    assert (record["formula"], record["derivative"]) == (entry.formula, entry.derivative_formula)
    assert [param["name"] for param in record["parameters"]] == [param.name for param in entry.params]
    assert record["source"] == entry.source
    kinks = getattr(entry, "kinks", ())
    assert bool(kinks) or getattr(entry, "at_kink", None) is None
    kinks = (*kinks, *(kink for param in entry.params for kink in param.kinks))
    assert [kink["when"] for kink in record["kinks"]] == [kink.when for kink in kinks]
    words = " ".join(printed("show", entry.name).split())
    for said in (entry.title, entry.formula, entry.source, *entry.notes, *(param.doc for param in entry.params)):
        assert " ".join(said.split()) in words


@pytest.mark.parametrize("name", CARDS)
def test_every_name_has_a_card_in_any_spelling(name: str) -> None:
    card = printed("show", name)
    for other in (name, *CARDS[name]):
        assert printed("show", other.upper().replace("_", "-")) == card, other
    for other in CARDS[name]:
        assert printed("show", other) == card, other


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("name", ["hinge", "pytorch", "mazur", "conv2d", "transposed"])
def test_a_card_has_every_format(name: str, format_name: str) -> None:
    assert name in printed("show", name, "--format", format_name)


def test_limits_at_infinities_are_on_the_cards() -> None:
    for name in ("gelu", "softsign", "entr", "log1mexp"):
        limits = json_value(in_process("show", name, "--format", "json"))["limits"]
        ends = [limit["input"] for limit in limits]
        answer = json_value(in_process("eval", name, "--format", "json", *ends))
        assert limits == answer["points"] and ends[-1] == "Infinity"
    words = " ".join(printed("show", "gelu").split())
    assert "limits 0 at -inf, with the slope 0; inf at inf, with the slope 1 " in words
    assert "limits -inf at -inf, with no slope; " in " ".join(printed("show", "entr").split())


def test_known_kinks_are_on_the_cards() -> None:
    relu = json_value(in_process("show", "relu", "--format", "json"))
    assert relu["kinks"] == [{"when": "z = 0", "left": 0.0, "right": 1.0, "default": 0.0}]
    assert relu["aliases"] == ["rectifier"]
    hinge = json_value(in_process("show", "hinge", "--format", "json"))["kinks"][0]
    assert (hinge["left"], hinge["right"], hinge["target"]) == (-1.0, 0.0, 1.0)


@pytest.mark.parametrize("name", ["fully_connected", "fully-connected"])
def test_a_layer_goes_before_its_example(name: str) -> None:
    assert printed("show", name) == printed("show", "dense")


def test_no_name_means_two_things() -> None:
    owners = [{simplified(name) for name in (own, *others)} for own, others in CARDS.items()]
    names = [name for owned in owners for name in owned]
    assert len(names) == len(set(names))
    assert all(printed("show", name) == printed("show", "layer_norm") for name in LAYER_FIRST)


def test_text_in_csv_cannot_start_a_formula() -> None:
    rows = csv.reader(io.StringIO(printed("show", "hinge", "--format", "csv")))
    cells = [cell for row in rows for cell in row]
    assert "'-y if a * y < 1 else 0" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_an_example_is_printed_as_it_is(example: Example, tmp_path: Path) -> None:
    assert printed("example", example.name) == example.text
    path = tmp_path / "spec.yaml"
    assert in_process("example", example.name, "-o", str(path)) == (0, "", "")
    assert path.read_text() == example.text


def test_example_without_a_name_lists_them() -> None:
    assert printed("example") == printed("list", "examples")
    assert "gradcalc example NAME | gradcalc backprop -" in " ".join(printed("example").split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "sigmod"], "sigmoid"),
        (["show", "pytorh"], "pytorch"),
        (["show", "qqqq"], "list functions"),
        (["example", "mazzur"], "mazur"),
        (["example", "qqqq"], "gradcalc example"),
        (["list", "function"], "functions"),
        (["list", "functions", "--format", "xml"], "table, plain"),
    ],
)
def test_a_wrong_name_gets_the_near_ones(words: list[str], said: str) -> None:
    outcome = in_process(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("gradcalc: error: ") and said in outcome.err
