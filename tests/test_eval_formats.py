"""How eval's answers look in each format."""

from __future__ import annotations

import csv
import io
import json
import math
import re

import pytest

from commands import in_process, json_value
from gradcalc.render import FORMATS


def test_only_prints_bare_numbers() -> None:
    def only(*arguments: str) -> str:
        return in_process("eval", *arguments).out

    assert only("sigmoid", "0", "--only", "derivative") == "0.25\n"
    assert only("sigmoid", "0", "--only", "derivative", "--digits", "4") == "0.2500\n"
    assert only("relu", "-1", "2", "--only", "value,derivative") == "0 0\n2 1\n"
    assert only("relu", "-1", "2", "--only", "value", "--only", "derivative") == "0 0\n2 1\n"
    assert only("softmax", "0", "0", "--only", "derivative") == "0.25 -0.25\n-0.25 0.25\n"
    assert (
        only("softmax", "0", "0", "--only", "value,derivative", "--digits", "2") == "0.50 0.50 0.25 -0.25 -0.25 0.25\n"
    )
    assert json.loads(only("relu", "2", "--only", "value", "--format", "jsonl")) == {"value": 2}
    assert only("relu", "2", "--only", "derivative,value", "--format", "csv") == "derivative,value\n1,2\n"


def test_csv_and_tsv_have_a_header_and_a_line_for_each_point() -> None:
    for name, separator in (("csv", ","), ("tsv", "\t")):
        text = in_process("eval", "ce", "0.5,0.5", "1,0", "--target-class", "0", "--format", name).out
        header, *rows = csv.reader(io.StringIO(text), delimiter=separator)
        assert header == ["input", "target", "value", "derivative"]
        assert [json.loads(row[0]) for row in rows] == [[0.5, 0.5], [1, 0]]
        assert float(rows[0][2]) == pytest.approx(math.log(2))


def test_products_have_no_negative_zero() -> None:
    assert in_process("eval", "relu", "-1", "-u", "-2", "--only", "vjp").out == "0\n"
    assert in_process("eval", "square", "3", "-y", "3", "--scale", "-1", "--only", "value,derivative").out == "0 0\n"
    assert in_process("eval", "mse", "3", "4", "-y", "3", "-u", "-1", "--only", "vjp").out == "0 -1\n"


@pytest.mark.parametrize("name", FORMATS)
def test_a_zero_has_no_sign_for_people_and_keeps_it_for_programs(name: str) -> None:
    programs = name in ("json", "jsonl", "csv", "tsv")
    for question in (["identity", "-0.0"], ["sigmoid", "1000", "--order", "2"], ["lp_norm", "[-0.0, 3]", "-p", "p=1"]):
        text = in_process("eval", *question, "--format", name).out
        assert bool(re.search(r"-0\.?0*(?![\d.])", text)) is programs, text


def test_bare_zeros_have_no_sign() -> None:
    for digits in ([], ["--digits", "4"]):
        assert "-" not in in_process("eval", "identity", "-0.0", "[-0.0]", "--only", "value", *digits).out
    spec = json.dumps({"input": [-1.0], "upstream": [-1.0], "layers": [{"weights": [[1.0]], "activation": "relu"}]})
    assert in_process("backprop", "-", "--only", "dz1", stdin=spec).out == "0\n"


def test_digits_round_in_every_format() -> None:
    for name in FORMATS:
        text = in_process("eval", "sigmoid", "1", "--digits", "3", "--format", name).out
        assert "0.731" in text and "0.7310" not in text
    full = in_process("eval", "sigmoid", "1", "--only", "value").out
    assert float(full) == json_value(in_process("eval", "sigmoid", "1", "--format", "json"))["points"][0]["value"]


def test_a_table_says_its_formula_and_stays_narrow() -> None:
    table = in_process("eval", "leaky_relu", "-1", "2", "-p", "alpha=0.1").out
    assert table.splitlines() == [
        "leaky_relu with alpha = 0.1",
        "f(z) = z if z > 0 else alpha * z",
        "f'(z) = 1 if z > 0 else alpha",
        "",
        "input  value  derivative",
        "-1     -0.1   0.1",
        "2      2      1",
    ]
    wide = in_process("eval", "softmax", *map(str, range(12)))
    head, *blocks = wide.out.split("\n\n")
    assert len(blocks) == 4 and max(len(line) for block in blocks for line in block.splitlines()) <= 60
    assert all(block.startswith("input ") for block in blocks) and head.startswith("softmax\n")


def test_a_table_of_a_loss_says_what_was_applied() -> None:
    table = in_process(
        "eval", "square", "1", "2", "-y", "0", "--scale", "0.5", "--reduction", "mean", "--wrt", "target"
    ).out
    for line in ("L(a, y) = (a - y)^2", "the derivative is by target", "times 0.5", "the mean over all predictions"):
        assert line in table.splitlines()
