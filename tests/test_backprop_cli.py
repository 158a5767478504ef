"""The `backprop` command: every format and every option."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from commands import in_process, json_lines, json_value
from gradcalc.backpropagation import backprop
from gradcalc.cli.sizes import Size
from gradcalc.errors import UsageError
from gradcalc.render import FORMATS
from small_nets import CHAIN, MAZUR, large, printed, printed_spec, written


@pytest.fixture
def net(tmp_path: Path) -> str:
    return written(tmp_path, MAZUR)


# Formats


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_is_ascii_and_of_full_lines(net: str, format_name: str) -> None:
    text = printed(net, "--format", format_name)
    assert text.isascii() and text.endswith("\n") and not text.endswith("\n\n")
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_json_is_the_result_itself(net: str) -> None:
    expected = backprop(MAZUR).to_dict()
    assert json_value(in_process("backprop", net, "--format", "json")) == expected
    first, *layers = json_lines(in_process("backprop", net, "--format", "jsonl"))
    assert {**first, "layers": layers} == expected


def test_json_has_no_numbers_but_finite_ones() -> None:
    spec = {**MAZUR, "layers": [{"activation": "relu", "weights": [[0.0, 1.0], [0.0, 1.0]]}], "kink": "undefined"}
    found = json.loads(printed_spec(spec, "--format", "json"), parse_constant=pytest.fail)
    assert found["layers"][0]["f_prime"] == ["NaN", 1.0]


def test_csv_has_each_number_at_its_address(net: str) -> None:
    result = backprop(MAZUR)
    rows = list(csv.reader(io.StringIO(printed(net, "--format", "csv"))))
    assert rows[:2] == [["layer", "quantity", "index", "value"], ["", "loss", "", repr(result.loss)]]
    assert len(rows) == 2 + sum(a.size for layer in result.layers for a in layer.quantities.values())
    for layer, quantity, index, value in rows[2:]:
        assert result.quantity(f"{layer}.{quantity}{index}") == float(value)
    tabs = printed(net, "--format", "tsv").splitlines()
    assert [line.split("\t") for line in tabs] == rows


def test_plain_leads_each_row_with_its_address(net: str) -> None:
    result = backprop(MAZUR)
    for line in printed(net, "--format", "plain").splitlines():
        address, *numbers = line.split()
        np.testing.assert_array_equal(result.quantity(address).reshape(-1), [float(n) for n in numbers])


def test_digits(net: str) -> None:
    assert "0.2984" in printed(net, "--digits", "4") and "0.29837" not in printed(net, "--digits", "4")
    assert json.loads(printed(net, "--digits", "4", "--format", "json"))["loss"] == 0.2984
    assert printed(net, "--digits", "4", "--only", "hidden.b") == "0.3500 0.3500\n"


# Options


@pytest.mark.parametrize(
    ("only", "expected"),
    [
        ("loss", "0.2983711087600027\n"),
        ("a0", "0.05 0.1\n"),
        ("hidden.W", "0.15 0.25\n0.2 0.3\n"),
        ("w1", "0.15 0.25\n0.2 0.3\n"),
        ("hidden.W[1][0]", "0.2\n"),
        ("hidden.W[1], b2", "0.2 0.3\n0.6 0.6\n"),
        ("hidden.W[0][0],output.b[1]", "0.15 0.6\n"),
    ],
)
def test_only_prints_bare_numbers(net: str, only: str, expected: str) -> None:
    assert printed(net, "--only", only) == expected


def test_only_in_data_formats(net: str) -> None:
    words = [net, "--only", "hidden.W[0],loss"]
    loss = 0.2983711087600027
    assert json.loads(printed(*words, "--format", "json")) == {"hidden.W[0]": [0.15, 0.25], "loss": loss}
    assert printed(*words, "--format", "jsonl").splitlines()[1] == f'{{"loss": {loss}}}'
    assert printed(*words, "--format", "csv").splitlines()[1:] == [
        "hidden,W,[0][0],0.15", "hidden,W,[0][1],0.25", f",loss,,{loss}",
    ]  # fmt: skip


def test_only_in_data_formats_names_quantities_in_full(net: str) -> None:
    words = [net, "--only", "dw1[0],HIDDEN.dW[0],a0,Loss"]
    for separator, format_name in (",", "csv"), ("\t", "tsv"):
        lines = [line.split(separator) for line in printed(*words, "--format", format_name).splitlines()[1:]]
        assert [line[:3] for line in lines] == [
            ["hidden", "dW", "[0][0]"], ["hidden", "dW", "[0][1]"], ["hidden", "x", "[0]"], ["hidden", "x", "[1]"],
            ["", "loss", ""],
        ]  # fmt: skip
    assert list(json.loads(printed(*words, "--format", "json"))) == ["hidden.dW[0]", "hidden.x", "loss"]
    lines = printed(*words, "--format", "jsonl").splitlines()
    assert [key for line in lines for key in json.loads(line)] == ["hidden.dW[0]", "hidden.x", "loss"]


@pytest.mark.parametrize(
    ("extra", "only", "said"),
    [
        ({}, "dW1", "dW1 is not computed; the spec gives neither loss and target nor upstream"),
        ({}, "hidden.da", "hidden.da is not computed; the spec gives neither"),
        ({}, "loss", "there is no loss; the spec gives neither loss nor upstream"),
        ({}, "W1_new", "only with a learning_rate"),
        ({"upstream": [1, 1]}, "loss", "there is no loss; the spec gives upstream in its place"),
        ({"upstream": [1, 1]}, "W1_new", "only with a learning_rate"),
    ],
)
def test_what_a_spec_does_not_ask_for_is_not_unknown(extra: dict[str, object], only: str, said: str) -> None:
    spec = {key: value for key, value in MAZUR.items() if key in ("input", "layers")} | extra
    outcome = in_process("backprop", "-", "--only", only, stdin=json.dumps(spec))
    assert outcome.code == 2 and said in outcome.err


def test_options_override_the_spec(net: str) -> None:
    words = ["--input", "-1,2", "--target", "[0, 1]", "--learning-rate", "0.25", "--set", "hidden.W[0][1]=-0.5"]
    changed = json.loads(json.dumps(MAZUR))
    changed |= {"input": [-1, 2], "target": [0, 1], "learning_rate": 0.25}
    changed["layers"][0]["weights"][0][1] = -0.5
    assert json_value(in_process("backprop", net, "--format", "json", *words)) == backprop(changed).to_dict()
    transposed = json_value(in_process("backprop", net, "--format", "json", "--convention", "pytorch"))
    assert transposed["conventions"]["layout"] == "out_in"


def test_save_keeps_every_quantity_under_its_address(net: str, tmp_path: Path) -> None:
    path = tmp_path / "out.npz"
    path.write_text("an old file")
    printed(net, "--save", str(path))
    result = backprop(MAZUR)
    with np.load(path, allow_pickle=False) as saved:
        assert set(saved) == {"loss"} | {f"{layer.name}.{q}" for layer in result.layers for q in layer.quantities}
        for address in saved:
            np.testing.assert_array_equal(saved[address], result.quantity(address))
    assert sorted(tmp_path.iterdir()) == [tmp_path / "net.json", path]


def test_what_cannot_be_saved_is_said_and_leaves_nothing(net: str, tmp_path: Path) -> None:
    assert in_process("backprop", net, "--save", "numbers.txt").code == 2
    outcome = in_process("backprop", net, "--save", str(tmp_path / "none" / "x.npz"))
    assert (outcome.code, outcome.out) == (3, "")
    broken = tmp_path / "broken.npz"
    assert in_process("backprop", net, "--set", "hidden.W=x", "--save", str(broken)).code == 2
    assert not broken.exists()


def test_arrays_and_answer_cannot_share_a_file(net: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    outcome = in_process("backprop", net, "--save", str(path), "-o", str(tmp_path / "." / "x.npz"))
    assert outcome.code == 2 and "both name" in outcome.err
    assert not path.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("target", ["none/out.txt", "/dev/full"])
def test_a_failed_run_leaves_the_saved_file(net: str, tmp_path: Path, target: str) -> None:
    path = tmp_path / "x.npz"
    path.write_text("an old file")
    outcome = in_process("backprop", net, "--save", str(path), "-o", str(tmp_path / target))
    assert outcome.code == 3
    assert path.read_text() == "an old file"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "net.json", path]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_standard_output_leaves_the_saved_file(net: str, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_text("an old file")
    words = [sys.executable, "-m", "gradcalc", "backprop", net, "--save", str(path)]
    with Path("/dev/full").open("w") as full:
        assert subprocess.run(words, stdout=full, stderr=subprocess.PIPE, check=False).returncode == 3
    assert path.read_text() == "an old file"


def test_output_goes_to_a_file(net: str, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    assert printed(net, "-o", str(path)) == ""
    assert path.read_text() == printed(net)
    assert in_process("backprop", net, "--only", "hidden.q", "-o", str(path)).code == 2
    assert path.read_text() == printed(net), "a failed run leaves the old file"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1e3", 1000),
        ("1000B", 1000),
        ("1kB", 1000),
        ("1 KiB", 1024),
        (".5MB", 500_000),
        ("2GiB", 2**31),
        ("1t", 10**12),
    ],
)
def test_memory_limits_are_sizes(text: str, size: int) -> None:
    assert Size().convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "iB", "1 XB", "-1", "0", "1iB", "nan", "1e400"])
def test_no_other_text_is_a_size(text: str) -> None:
    with pytest.raises(UsageError):
        Size().convert(text, None, None)


def test_nets_over_the_memory_limit_are_refused() -> None:
    outcome = in_process("backprop", "-", "--memory-limit", "1kB", stdin=json.dumps(large()))
    assert outcome.code == 2 and "--memory-limit" in outcome.err
    assert in_process("backprop", "-", "--memory-limit", "1MB", stdin=json.dumps(CHAIN)).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--only", "hidden.dV"], "hidden.dW"),
        (["--only", "hidden.dW[2]"], "outside its shape (2, 2)"),
        (["--only", "dW1", "--format", "html"], "leave out --format"),
        (["--memory-limit", "12XB"], "4GiB"),
        (["--memory-limit", "-1"], "4GiB"),
        (["--values", "most"], "auto, full or summary"),
        (["--format", "jsn"], "json"),
        (["--convention", "pytorh"], "pytorch"),
        (["--save", "x.np"], ".npz"),
        (["--sett", "a=1"], "--set"),
    ],
)  # fmt: skip
def test_wrong_use_names_what_would_be_right(net: str, words: list[str], said: str) -> None:
    outcome = in_process("backprop", net, *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith("gradcalc: error: ") and said in outcome.err
