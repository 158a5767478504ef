"""`check`: answers in every form are read, compared and told; a broken file is one sentence and never a crash."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcalc
from commands import Outcome, as_process, in_process
from gradcalc.cli.checking import _progress
from gradcalc.errors import UsageError
from small_nets import MAZUR, written

RIGHT = gradcalc.backprop(MAZUR)
BATCH: dict[str, Any] = {
    "input": [[0.3, -1.2, 0.8], [1.0, 0.4, -0.7]],
    "target": [[0.1], [0.9]],
    "loss": "half_square",
    "layers": [
        {"name": "h", "activation": "tanh", "weights": [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]], "bias": [[0.1], [0.2]]},
        {"name": "o", "activation": "sigmoid", "weights": [[0.7], [-0.8]], "bias": [0.3]},
    ],
}
OF_BATCH = gradcalc.backprop(BATCH)


def numbers(name: str, result: Any = RIGHT) -> Any:
    return result.quantity(name).tolist()


@pytest.fixture
def net(tmp_path: Path) -> str:
    return written(tmp_path, MAZUR)


def answered(folder: Path, answers: Any, *words: str, spec: dict[str, Any] = MAZUR) -> tuple[int, Any]:
    """Exit code and JSON of a check of these answers; text is the file itself."""
    text = answers if isinstance(answers, str) else json.dumps(answers)
    suffix = "yaml" if isinstance(answers, str) else "json"
    path = folder / f"answers.{suffix}"
    path.write_text(text)
    outcome = in_process("check", written(folder, spec), str(path), *words, "--format", "json")
    assert outcome.err == ""
    return outcome.code, json.loads(outcome.out)


def item(found: Any, quantity: str) -> Any:
    return next(one for one in found["items"] if one["quantity"] == quantity)


def test_the_json_is_a_contract(tmp_path: Path) -> None:
    wrong = np.array(numbers("hidden.dW"))
    wrong[1, 0] += 0.5
    code, found = answered(tmp_path, {"dW1": wrong.tolist(), "loss": numbers("loss")})
    assert code == 1
    assert (found["passed"], found["compared"], found["failed"], found["diagnosis"]) == (False, 2, 1, [])
    assert item(found, "hidden.dW") == {
        "quantity": "hidden.dW", "ok": False, "max_abs_error": pytest.approx(0.5),
        "max_rel_error": pytest.approx(0.5 / numbers("hidden.dW")[1][0]), "worst_index": [1, 0],
        "expected": pytest.approx(numbers("hidden.dW")[1][0]), "got": wrong[1, 0], "name": "dW1",
    }  # fmt: skip
    assert item(found, "loss") == {
        "quantity": "loss", "ok": True, "max_abs_error": 0.0, "max_rel_error": 0.0, "worst_index": [],
        "expected": RIGHT.loss, "got": RIGHT.loss,
    }  # fmt: skip
    assert found["first_wrong"] == {"back": "hidden.dW"}
    assert "output.dW" in found["missing"] and "hidden.dW" not in found["missing"]


def test_a_diagnosis_is_a_contract(tmp_path: Path) -> None:
    code, found = answered(tmp_path, {"dW2": (-np.array(numbers("dW2"))).tolist(), "dW1": numbers("dW1")})
    assert code == 1
    (one,) = found["diagnosis"]
    assert one.keys() == {"mistake", "quantity", "layer", "sentence", "also"}
    assert (one["mistake"], one["quantity"], one["layer"]) == ("sign_flipped", "output.dW", "output")
    assert "output.dW has the wrong sign" in one["sentence"]
    assert found["first_wrong"] == {}


@pytest.mark.parametrize(
    "answers",
    [
        {"hidden.dW": numbers("dW1"), "output.da": numbers("da2"), "loss": numbers("loss")},
        {"dW1": numbers("dW1"), "db2": numbers("db2"), "z1": numbers("z1"), "a0": numbers("a0"), "LOSS": RIGHT.loss},
        {"hidden": {"dW": numbers("dW1"), "z": numbers("z1")}, "output": {"dx": numbers("output.dx")}},
        {"W1_new": numbers("W1_new"), "b2_new": numbers("b2_new"), "dZ1": numbers("dz1")},
        {"hidden.dW[0][1]": numbers("dW1")[0][1], "dW1[1]": numbers("dW1")[1], "hidden": {"db[1]": numbers("db1")[1]}},
        RIGHT.to_dict(),
    ],
    ids=lambda answers: ", ".join(answers)[:40],
)
def test_names_long_and_short_nested_and_of_single_entries(tmp_path: Path, answers: dict[str, Any]) -> None:
    code, found = answered(tmp_path, answers)
    assert (code, found["passed"], found["failed"]) == (0, True, 0), found["items"]


def test_yaml_json_npz_and_standard_input(tmp_path: Path, net: str) -> None:
    np.savez(tmp_path / "a.npz", **{"dW1": RIGHT.quantity("dW1"), "output.db": RIGHT.quantity("db2")})
    (tmp_path / "a.yaml").write_text(f"dW1: {numbers('dW1')}\noutput: {{db: {numbers('db2')}}}\n")
    (tmp_path / "a.json").write_text(json.dumps({"dW1": numbers("dW1"), "output": {"db": numbers("db2")}}))
    for name in ("a.npz", "a.yaml", "a.json"):
        outcome = in_process("check", net, str(tmp_path / name), "--format", "json")
        assert (outcome.code, json.loads(outcome.out)["compared"]) == (0, 2)
    (tmp_path / "utf16.yaml").write_text(f"dW1: {numbers('dW1')}", "utf-16")
    assert in_process("check", net, str(tmp_path / "utf16.yaml")).code == 0
    given = (tmp_path / "a.json").read_text()
    assert in_process("check", net, "-", stdin=given).code == 0
    assert in_process("check", "-", str(tmp_path / "a.json"), stdin=json.dumps(MAZUR)).code == 0
    outcome = in_process("check", "-", "-", stdin=given)
    assert outcome.code == 2 and "only once" in outcome.err


def test_what_backprop_saves_and_prints_is_right(tmp_path: Path, net: str) -> None:
    saved, printed = str(tmp_path / "all.npz"), str(tmp_path / "all.json")
    in_process("backprop", net, "--save", saved, "--format", "json", "-o", printed)
    outcome = in_process("check", net, saved, printed, "--format", "jsonl")
    first, second = (json.loads(line) for line in outcome.out.splitlines())
    assert outcome.code == 0 and first["passed"] and second["passed"]
    assert first["compared"] == second["compared"] == sum(1 for _ in RIGHT.addresses())


@pytest.mark.parametrize(
    ("answers", "layout", "said"),
    [
        ({"dW1": np.array(numbers("dW1", OF_BATCH)).T}, True, "shape (2, 3) taken for (3, 2)"),
        ({"dW1": np.array(numbers("dW1", OF_BATCH)).ravel()}, True, "row by row"),
        ({"dW1": np.array(numbers("dW1", OF_BATCH)).ravel("F")}, True, "column by column"),
        ({"db1": np.array(numbers("db1", OF_BATCH)).ravel()}, True, "shape (2,) taken for (2, 1)"),
        ({"dW2": np.array(numbers("dW2", OF_BATCH)).ravel()}, True, "shape (2,) taken for (2, 1)"),
        ({"db2": numbers("db2", OF_BATCH)[0]}, True, "a single number taken for (1,)"),
        (
            {"dW1": np.vstack([np.ravel(numbers("db1", OF_BATCH)), numbers("dW1", OF_BATCH)])},
            True, "bias in the first row",
        ),
        (
            {"dW1": np.vstack([numbers("dW1", OF_BATCH), np.ravel(numbers("db1", OF_BATCH))]).T},
            True, "bias in the last column, the other layout of W",
        ),
        ({"z1": np.array(numbers("z1", OF_BATCH)).T, "x": 0}, False, ""),
        ({"dW1": [[1, 2], [3, 4]]}, False, "shape (2, 2), but it should be (3, 2)"),
    ],
    ids=str,
)  # fmt: skip
def test_other_layouts_are_recognised_and_said(tmp_path: Path, answers: Any, layout: bool, said: str) -> None:
    plain = {name: np.asarray(q).tolist() for name, q in answers.items()}
    code, found = answered(tmp_path, plain, spec=BATCH)
    told = " ".join(one.get("note", "") + one.get("problem", "") for one in found["items"])
    assert said in told
    assert (code == 0) == layout, found
    strict, found = answered(tmp_path, plain, "--strict-shape", spec=BATCH)
    assert strict == (1 if layout else code)
    assert not layout or "right numbers, but" in " ".join(one.get("problem", "") for one in found["items"])


def test_square_numbers_are_transposed_by_the_company_they_keep(tmp_path: Path) -> None:
    spec = {**BATCH, "layers": [{**BATCH["layers"][0], "bias": False},
            {"activation": "tanh", "weights": [[1, 2], [3, 4]]},
            {"weights": [[0.7], [-0.8]]}]}  # fmt: skip
    result = gradcalc.backprop(spec)
    first, second = (np.array(numbers(name, result)) for name in ("dW1", "dW2"))
    code, found = answered(tmp_path, {"dW1": first.T.tolist(), "dW2": second.T.tolist()}, spec=spec)
    assert code == 0 and all("other layout" in one["note"] for one in found["items"])
    for name, given in {
        "layer2.dW": {"dW2": second.T},
        "h.dW": {"dW1": first.T, "layer2.db": [0], "dW2": second},
    }.items():
        others = {"dW1": first} if name == "layer2.dW" else {}
        plain = {key: np.asarray(q).tolist() for key, q in {**given, **others}.items() if key != "layer2.db"}
        code, found = answered(tmp_path, plain, spec=spec)
        assert code == (1 if name == "layer2.dW" else 0)
    code, found = answered(tmp_path, {"dW2": second.T.tolist(), "dW1": first.tolist()}, spec=spec)
    assert [one["mistake"] for one in found["diagnosis"]] == ["transposed"]


def test_a_bias_that_the_spec_keeps_among_the_weights(tmp_path: Path) -> None:
    layer = {"name": "h", "activation": "tanh", "weights": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]}
    spec = {"bias": "first", "layout": "out_in", "input": [1, 2], "target": [0, 1], "loss": "square", "layers": [layer]}
    whole = gradcalc.backprop(spec).quantity("dW1")
    given = {"dW1": whole[:, 1:].tolist(), "db1": whole[:, 0].tolist(), "h.db[1]": whole[1, 0]}
    code, found = answered(tmp_path, given, spec=spec)
    assert code == 0 and [one["quantity"] for one in found["items"]] == ["h.dW", "h.db", "h.db[1]"]
    code, found = answered(tmp_path, {"dW1": whole[:, 1:].tolist(), "db1": (-whole[:, 0]).tolist()}, spec=spec)
    assert code == 1 and [one["ok"] for one in found["items"]] == [True, False]


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("loss: 0.30", True), ("loss: 0.298", True), ("loss: 0.3", True), ("loss: 0.29", False), ("loss: 0.31", False),
        ("loss: 2.98e-1", True), ("loss: 3e-1", True), ("loss: 0", False), ("db1: [0.0088, 0.0100]", True),
        ("db1: [0.0088, 0.0099]", False), ('{"db1": [8.77e-3, 0.00995]}', True),
        ("W1_new: [[0.1498, 0.24], [.1996, .3]]", False),
        ("loss: .nan", False), ("W1_new: [[0.1498, 0.2498], [.1996, .3]]", True),
    ],
)  # fmt: skip
def test_digits_given_judges_by_the_digits_there_are(tmp_path: Path, text: str, right: bool) -> None:
    assert answered(tmp_path, text, "--digits-given")[0] == (0 if right else 1)
    assert answered(tmp_path, text)[0] == 1


def test_a_mistake_is_found_in_rounded_numbers(tmp_path: Path) -> None:
    rounded = [[f"{-x:.4f}" for x in row] for row in numbers("dW2")]
    text = f"dW2: [{', '.join('[' + ', '.join(row) + ']' for row in rounded)}]\nz1: [0.38, 0.39]"
    code, found = answered(tmp_path, text, "--digits-given")
    assert code == 1
    assert [one["mistake"] for one in found["diagnosis"]] == ["sign_flipped"]


def test_tolerances_have_the_meaning_of_isclose(tmp_path: Path) -> None:
    off = {"z1": [x * 1.001 for x in numbers("z1")]}
    assert answered(tmp_path, off)[0] == 1
    assert answered(tmp_path, off, "--rtol", "1.001e-3")[0] == 0
    assert answered(tmp_path, off, "--atol", "1e-3")[0] == 0
    assert answered(tmp_path, off, "--rtol", "0", "--atol", "1e-4")[0] == 1
    for option, value in (("--rtol", "-1"), ("--atol", "nan"), ("--rtol", "much")):
        outcome = in_process("check", "x.yaml", "y.yaml", option, value)
        assert outcome.code == 2 and f"{option} must be a number of at least 0" in outcome.err


def test_only_compares_these_and_misses_them(tmp_path: Path) -> None:
    given = {"dW1": numbers("dW1"), "db1": [9, 9]}
    assert answered(tmp_path, given, "--only", "dW1")[0] == 0
    code, found = answered(tmp_path, given, "--only", "hidden.dW,dW2,loss")
    assert code == 1 and found["failed"] == 2 and item(found, "output.dW")["problem"] == "is missing"
    outcome = in_process("check", written(tmp_path, MAZUR), str(tmp_path / "answers.json"), "--only", "dW7")
    assert outcome.code == 2 and "did you mean" in outcome.err


def test_a_deep_net_may_have_more_names_than_a_spec_has_keys(tmp_path: Path) -> None:
    layers = [{"weights": [[1.0]], "bias": False} for _ in range(120)]
    spec = {"input": [0.5], "target": [1], "loss": "square", "layers": layers}
    given = {f"dW{i + 1}": [[-0.5]] for i in range(120)}
    code, found = answered(tmp_path, given, spec=spec)
    assert (code, found["compared"]) == (0, 120)


@pytest.fixture
def homework(tmp_path: Path) -> list[str]:
    """A class of three: one right, one with a sign, one who handed in a picture."""
    (tmp_path / "anna.json").write_text(json.dumps({"dW1": numbers("dW1"), "dW2": numbers("dW2")}))
    wrong = (-np.array(numbers("dW2"))).tolist()
    (tmp_path / "ben.json").write_text(json.dumps({"dW1": numbers("dW1"), "dW2": wrong}))
    (tmp_path / "carl.json").write_bytes(b"\x89PNG\0")
    return [str(tmp_path / f"{name}.json") for name in ("anna", "ben", "carl")]


def test_a_class_is_summed_up(net: str, homework: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    outcome = in_process("check", net, *homework, "--summary")
    rows = [line.split() for line in outcome.out.splitlines()[2:5]]
    assert outcome.code == 2
    assert [row[1] for row in rows] == ["passed", "failed", "cannot"]
    assert "sign_flipped (output)" in outcome.out and "1 of 3 files passed." in outcome.out
    full = in_process("check", net, *homework).out
    assert "output.dW has the wrong sign" in full and "is a binary file" in full and "Summary" in full


@pytest.mark.parametrize("format_name", ["table", "plain", "markdown", "latex", "html", "csv", "tsv", "json", "jsonl"])
def test_every_format_says_who_passed(format_name: str, net: str, homework: list[str]) -> None:
    outcome = in_process("check", net, *homework, "--format", format_name)
    assert (outcome.code, outcome.err) == (2, "")
    assert outcome.out.isascii() and outcome.out.endswith("\n")
    assert all(Path(name).name in outcome.out for name in homework)


def test_csv_has_a_line_for_each_answer(net: str, homework: list[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(in_process("check", net, *homework, "--format", "csv").out)))
    assert [row["ok"] for row in rows] == ["true", "true", "true", "false", "error"]
    assert rows[3]["mistakes"] == "sign_flipped@output.dW"
    assert float(rows[3]["got"]) == -float(rows[3]["expected"])


def test_processes_give_the_same_answers_in_the_same_order(net: str, homework: list[str]) -> None:
    one = in_process("check", net, *homework, *homework, "--format", "json")
    two = as_process("check", net, *homework, *homework, "--format", "json", "--jobs", "2")
    assert two == one


def test_exit_codes_of_real_processes(tmp_path: Path, net: str, homework: list[str]) -> None:
    right, wrong, _ = homework
    assert [as_process("check", net, name).code for name in homework] == [0, 1, 2]
    assert as_process("check", net, right, wrong, "--summary").code == 1
    assert as_process("check", str(tmp_path / "no.yaml"), right).code == 2
    done = as_process("check", net, wrong, "-o", str(tmp_path / "out.txt"))
    assert done == Outcome(1, "", "") and "wrong sign" in (tmp_path / "out.txt").read_text()


@pytest.mark.skipif(not shutil.which("script"), reason="a terminal is made by script(1)")
def test_a_progress_bar_on_a_terminal_only(net: str, homework: list[str]) -> None:
    line = f"{sys.executable} -m gradcalc check {net} {' '.join(homework[:1] * 25)} --summary > /dev/null"
    words = ["script", "-qec", line, "/dev/null"]
    shown = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, "TERM": "xterm"})
    assert "Checking" in shown.stdout and "100%" in shown.stdout and shown.stdout.endswith("\x1b[1A\x1b[2K")
    assert as_process("check", net, *homework[:1] * 25).err == ""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_progress_bar_is_taken_away_when_a_run_is_cut_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with pytest.raises(KeyboardInterrupt), _progress(25) as advance:
        advance(3)
        raise KeyboardInterrupt
    assert "Checking" in terminal.getvalue() and terminal.getvalue().endswith("\x1b[1A\x1b[2K")


def test_the_library_compares_a_mapping_of_arrays() -> None:
    result = gradcalc.check(MAZUR, {"dW1": RIGHT.quantity("dW1"), "output": {"db": tuple(numbers("db2"))}})
    assert result.passed and result.compared == 2 and result.exit_code == 0
    result = gradcalc.check(MAZUR, {"dW1": RIGHT.quantity("dW1") * 2})
    assert [finding.mistake for finding in result.diagnosis] == ["constant_factor"]
    with pytest.raises(UsageError, match="digits_given"):
        gradcalc.check(MAZUR, {"loss": 0.3}, digits_given=True)


def test_overrides_change_what_is_right(tmp_path: Path, net: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"loss": gradcalc.backprop(MAZUR, input="0.1, 0.2").loss}))
    assert in_process("check", net, str(path)).code == 1
    assert in_process("check", net, str(path), "--input", "0.1,0.2").code == 0


def test_one_transposed_answer_among_others_that_are_not_is_a_mistake(tmp_path: Path) -> None:
    layers = [{"weights": [[0.1, 0.2], [0.3, -0.4], [0.5, 0.6]]}, {"weights": [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]}]
    spec = {"input": [1, 2, 3], "target": [1, 0, 1], "loss": "square", "layers": layers}
    result = gradcalc.backprop(spec)
    first, second = (np.array(numbers(name, result)) for name in ("dW1", "dW2"))
    assert answered(tmp_path, {"dW1": first.T.tolist(), "dW2": second.T.tolist()}, spec=spec)[0] == 0
    code, found = answered(tmp_path, {"dW1": first.tolist(), "dW2": second.T.tolist()}, spec=spec)
    assert code == 1 and "unlike the other answers" in item(found, "layer2.dW")["problem"]
    assert [(one["mistake"], one["quantity"]) for one in found["diagnosis"]] == [("transposed", "layer2.dW")]
