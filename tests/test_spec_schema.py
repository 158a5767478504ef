"""Mistakes in what a spec says, each in a file with the error it gets: place, caret, and what would be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import as_process, in_process

SPECS = Path(__file__).parent / "specs"
INVALID = sorted(path for path in (SPECS / "invalid").glob("schema-*") if path.suffix != ".txt")
VALID = sorted((SPECS / "valid").glob("schema-*.yaml"))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.name)
def test_a_mistake_is_told_in_these_words(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    outcome = in_process("backprop", path.name)
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err == "gradcalc: error: " + Path(f"{path.name}.txt").read_text("utf-8")


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.name)
def test_an_error_has_its_place_and_a_caret(path: Path) -> None:
    first, line, caret = Path(f"{path}.txt").read_text("utf-8").splitlines()
    name, row, column, message = first.split(":", 3)
    assert name == path.name
    assert message.strip()
    text = path.read_text("utf-8").splitlines()[int(row) - 1]
    assert line == f"  {row} | {text}"
    assert caret.index("^") - caret.index("|") - 2 == int(column) - 1


def test_a_mistake_told_by_a_process() -> None:
    path = INVALID[0]
    outcome = as_process("backprop", str(path))
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith(f"gradcalc: error: {path}:")


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.name)
def test_what_is_right_is_taken(path: Path) -> None:
    outcome = in_process("backprop", str(path), "--format", "json")
    assert outcome.code == 0, outcome.err
    assert outcome.err == ""
    assert json.loads(outcome.out)["loss"] is not None


def test_what_only_the_forward_pass_finds_has_its_place_too(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 2]\ntarget: [1, 0]\nloss: bce\nlayers: []\n")
    outcome = in_process("backprop", str(path))
    assert outcome.code == 2
    said = "binary_cross_entropy takes predictions in [0, 1], but output 1 of example 0 is 2"
    assert f"{path}:3:7: {said}; use bce_with_logits on outputs" in outcome.err
    assert "  3 | loss: bce\n    |       ^^^\n" in outcome.err
    outcome = in_process("backprop", str(path), "--set", "loss={name: bce}")
    assert f"error: --set loss={{name: bce}}: {said}" in outcome.err


@pytest.mark.parametrize("word", ["Infinity", "inf", ".inf", "+Infinity"])
def test_a_parameter_can_be_infinite_in_json_too(word: str) -> None:
    spec = {"input": [1, 2], "target": [1], "loss": "square", "layers": [{"weights": [3, -4]}]}
    spec["regularization"] = {"norm": "lp", "p": word, "strength": 1}
    outcome = in_process("backprop", "-", "--format", "json", stdin=json.dumps(spec))
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["loss_terms"]["regularization"] == 4.0


def test_what_is_absurdly_large_is_refused_early() -> None:
    many = "input: [1]\nlayers:\n" + "  - {weights: 1}\n" * 10_001
    assert "10001 layers are too many: at most 10000" in in_process("backprop", "-", stdin=many).err
    long = "input: [1]\nlayers:\n  - {weights: {init: zeros}, units: " + "9" * 400 + "}\n"
    assert "<stdin>:3:37: units is too large" in in_process("backprop", "-", stdin=long).err


def test_a_huge_net_is_refused_before_anything_is_made() -> None:
    spec = "input: [1, 2]\nlayers:\n  - {units: 1000000000000, weights: {init: zeros}}\n"
    outcome = in_process("backprop", "-", stdin=spec)
    assert outcome.code == 2
    assert "would need 1.49e+04 GiB of memory, over the limit of 4 GiB; --memory-limit raises it" in outcome.err
    deep = "input: [1, 2]\nlayers:\n" + "  - {units: 20000, weights: {init: zeros}}\n" * 3
    assert "the weights of layer layer3" in in_process("backprop", "-", stdin=deep).err
    steps = "input: 1\ntarget: 1\nloss: square\nlearning_rate: 1\nsteps: 1000000000000\nlayers: [{weights: 1}]\n"
    assert "the losses of so many steps" in in_process("backprop", "-", stdin=steps).err
