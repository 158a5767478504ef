"""What `backprop` tells people: every number in its place, and the derivation told right."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import in_process
from gradcalc.backpropagation import BackpropResult, backprop
from gradcalc.report import report
from gradcalc.results import Table
from small_nets import CHAIN, MAZUR, large, printed, printed_spec, written


@pytest.fixture
def net(tmp_path: Path) -> str:
    return written(tmp_path, MAZUR)


def blocks(text: str) -> dict[str, list[list[str]]]:
    """The sections of a printed report: each heading with the words of the lines below it."""
    found: dict[str, list[list[str]]] = {"": []}
    current = found[""]
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following and set(following) == {"="}:
            current = found.setdefault(line, [])
        elif set(line) != {"="}:
            current.append(line.split())
    return found


# Numbers


def test_every_number_of_the_published_example_is_in_the_tables(net: str) -> None:
    """Matt Mazur, A Step by Step Backpropagation Example: as he prints them, to eight digits and more."""
    published = """0.3775 0.593269992 0.596884378 1.105905967 0.75136507 0.772928465 0.274811083 0.023560026 0.298371109
        0.74136507 0.186815602 0.082167041 0.138498562 0.082667628 -0.02260254 -0.022740242 0.35891648 0.408666186
        0.511301270 0.561370121 0.036350306 0.241300709 0.000438568 0.149780716 0.19956143 0.24975114 0.29950229"""
    found = np.array([float(n) for n in re.findall(r"(?<!\S)-?[0-9]+\.[0-9]+(?!\S)", printed(net))])
    missing = [n for n in published.split() if not np.isclose(found, float(n), rtol=0, atol=5.1e-9).any()]
    assert missing == []


def test_a_place_in_a_table_is_an_address(net: str) -> None:
    """A row's label and a column's heading, put together, are what --only takes."""
    result = backprop(MAZUR)
    tables = [block for block in report(result) if isinstance(block, Table) and "[0]" in block.columns]
    checked = 0
    for table in (table for table in tables if table.columns[0] != "loss"):
        for row in table.rows:
            for heading, cell in zip(table.columns[2:], row[2:], strict=True):
                if cell is not None:
                    assert result.quantity(f"{table.columns[0]}.{row[0]}{heading}") == cell
                    checked += 1
    assert checked == sum(a.size for layer in result.layers for a in layer.quantities.values())


def test_the_forward_pass_comes_before_the_loss_and_the_backward_pass_starts_at_the_end(net: str) -> None:
    found = blocks(printed(net))
    assert list(found) == ["", "Forward pass", "Loss", "Backward pass (dQ is dL/dQ)", "After the step", "Layers"]
    backward = [words[0] for words in found["Backward pass (dQ is dL/dQ)"] if words]
    of_layer = ["da", "f_prime", "dz", "dW[0]", "dW[1]", "db", "dx"]
    assert [w for w in backward if not w.startswith("-")] == ["output", *of_layer, "hidden", *of_layer]


def test_a_net_of_one_unit_per_layer_has_its_chain_products(tmp_path: Path) -> None:
    lines = printed(written(tmp_path, CHAIN)).splitlines()
    at = lines.index("dL/dW1 = dL/da2 * f'(z2) * W2 * f'(z1) * a0")
    factors = [float(word.strip("()")) for word in lines[at + 1].split("= ")[1].split(" * ")]
    product = float(lines[at + 2].split("= ")[1])
    assert np.prod(factors) == pytest.approx(product, rel=1e-8)
    assert product == pytest.approx(float(printed(written(tmp_path, CHAIN), "--only", "dW1")), rel=1e-8)
    assert lines[at + 1].count("(-") == sum(factor < 0 for factor in factors) > 0
    assert "dL/db2 = dL/da2 * f'(z2) * 1" in lines


def test_why_no_chain_is_written_out_is_said() -> None:
    head = "Chain rule, factor by factor"
    batch = {**CHAIN, "input": [[1.5], [2.0]], "target": [[1], [0]]}
    said = "Written out for one example, not for the 2 examples here."
    assert said.split() in blocks(printed_spec(batch))[head]
    wide = {"input": [0.1] * 20, "target": 1, "loss": "square", "layers": [{"weights": [0.1] * 20, "bias": 0.0}]}
    said = "Written out for at most 20 of them, not for the 21 weights and biases here."
    assert said.split() in blocks(printed_spec(wide))[head]
    assert head not in printed_spec(MAZUR)


def test_numbers_of_lower_precision_have_their_own_shortest_text() -> None:
    text = printed_spec({**MAZUR, "dtype": "float32"})
    assert ["x", "input", "=", "dz/dW", "0.05", "0.1"] in blocks(text)["Forward pass"]


def test_people_are_not_shown_a_negative_zero() -> None:
    spec = {"input": [1], "target": [5], "loss": "square", "layers": [{"weights": [[-1]], "activation": "relu"}]}
    assert "-0.0" in printed_spec(spec, "--format", "json")
    assert "-0" not in printed_spec(spec).replace("-0.", "").split()


# Symbols


@pytest.mark.parametrize("data", ["rows", "columns"])
@pytest.mark.parametrize("layout", ["in_out", "out_in"])
def test_the_symbols_of_each_layout_compute_what_stands_beside_them(data: str, layout: str) -> None:
    """x, W and dL/dz are put into the printed products."""
    rng = np.random.default_rng(1)
    x, W, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=(2, 1))
    columns, out_in = data == "columns", layout == "out_in"
    spec = {
        "data": data, "layout": layout, "input": (x.T if columns else x).tolist(), "upstream": np.ones((4, 2)).tolist(),
        "layers": [{"weights": (W.T if out_in else W).tolist(), "bias": (b if columns else b.T).tolist()}],
    }  # fmt: skip
    spec["upstream"] = np.array(spec["upstream"]).T.tolist() if columns else spec["upstream"]
    result = backprop(spec)
    said = symbols_of(result, "layer1")
    names = {letter: result.quantity(f"layer1.{letter}") for letter in ("x", "W", "b", "z", "dz", "dW", "dx")}
    for letter, product in (("z", said["z"].removesuffix(" + b")), ("dW", said["dW"]), ("dx", said["dx"])):
        left, right = (operand(text, names) for text in product.replace("dL/dz", "dz").split())
        expected = names[letter] - (names["b"] if letter == "z" else 0)
        np.testing.assert_allclose(left @ right, expected, atol=1e-12)


def symbols_of(result: BackpropResult, layer: str) -> dict[str, str]:
    """What the report's tables say each quantity of a layer is."""
    tables = [block for block in report(result) if isinstance(block, Table) and block.columns[:2] == [layer, "="]]
    return {str(row[0]).split("[")[0]: str(row[1]) for table in tables for row in table.rows if row[1]}


def operand(text: str, names: dict[str, Any]) -> Any:
    transposed = text.endswith("^T")
    found = names[text.removesuffix("^T").strip("()")]
    return found.T if transposed else found


@pytest.mark.parametrize(
    ("extra", "formula", "derivative"),
    [
        ({}, "L = 1/2 * sum over the examples and outputs of ((a - y)^2 / 2)", "dL/da = (a - y) / 2"),
        (
            {"reduction": "mean"},
            "L = 1/4 * sum over the examples and outputs of ((a - y)^2 / 2)",
            "dL/da = (a - y) / 4",
        ),
        ({"reduction": "sum"}, "L = sum over the examples and outputs of ((a - y)^2 / 2)", "dL/da = a - y"),
        ({"average": "parameters"}, "L = 1/2 * sum over the examples and outputs of ((a - y)^2 / 2)", "dL/da = a - y"),
        (
            {"loss": {"name": "half_square", "scale": 0.5}},
            "L = 0.5 * 1/2 * sum over the examples and outputs of ((a - y)^2 / 2)",
            "dL/da = 0.5 * (a - y) / 2",
        ),
        ({"loss": "mse"}, "L = 1/2 * sum over the examples of mean((a - y)^2)", "dL/da = (2 * (a - y) / n) / 2, n = 2"),
    ],
)
def test_the_loss_is_said_with_its_constants(extra: dict[str, Any], formula: str, derivative: str) -> None:
    spec = {**MAZUR, "input": [[0.05, 0.1], [1, 2]], "target": [[0.01, 0.99], [0, 1]], **extra}
    lines = printed_spec(spec).splitlines()
    assert formula in lines
    assert derivative in lines


def test_penalties_are_said_and_added() -> None:
    penalty = {"norm": "l2_squared", "strength": 0.1}
    text = printed_spec({**MAZUR, "regularization": [penalty, {"norm": "l1", "strength": 0.02, "biases": True}]})
    assert "R = c sum(w^2) over every W, c = 0.1" in text
    assert "    + c sum(|w|) over every W and b, c = 0.02" in text
    assert "x^T dL/dz + dR/dW" in text and "dL/dz + dR/db" in text
    data, penalties, total = (
        float(n) for n in text.split("L = D + R = ")[1].splitlines()[0].replace("+", "=").split(" = ")
    )
    assert data + penalties == pytest.approx(total, rel=1e-8)


@pytest.mark.parametrize("kink", ["default", "left", "right", "undefined"])
def test_a_kink_that_is_met_is_told(kink: str) -> None:
    layer = {"name": "h", "activation": "relu", "weights": [[1.0, 1.0], [-0.5, 1.0]]}
    spec = {"kink": kink, "input": [1, 2], "target": [0, 3], "loss": "absolute", "layers": [layer]}
    text = " ".join(printed_spec(spec).split())
    assert f"1 number of h.z stands on a kink of relu: left derivative 0, right 1; kink {kink} was applied." in text
    assert f"2 numbers of the output stand on a kink of absolute_error; kink {kink} was applied." in " ".join(
        text.split()
    )


# Sizes


def test_large_layers_are_summarised_unless_all_is_asked_for() -> None:
    auto, full, summary = (printed_spec(large(), "--values", values) for values in ("auto", "full", "summary"))
    assert "Large layers are summarised; --values full prints every number." in auto
    assert "W[29]" in full and "shape" not in full
    assert "W[29]" not in auto and "30 x 40" in auto
    assert "y[0]" in auto and "y[0]" not in summary
    assert len(auto) < len(full) / 3


def test_a_summary_says_what_is_not_finite() -> None:
    spec = large()
    spec["kink"] = "undefined"
    spec["layers"][0]["weights"] = np.zeros((30, 40)).tolist()
    text = printed_spec(spec)
    line = next(line for line in text.splitlines() if line.startswith("f_prime  5 x 40"))
    assert line.split()[-1] == "200"
    assert "not finite" in text


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("values", ["auto", "full"])
def test_no_line_is_wider_than_the_terminal(width: int, values: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for spec in (MAZUR, CHAIN, large()):
        assert max(map(len, printed_spec(spec, "--values", values).splitlines())) <= width


# Nets without this or that


def test_a_forward_pass_alone() -> None:
    spec = {"input": [1, 2], "layers": [{"weights": [[1], [2]], "activation": {"name": "prelu", "alpha": 0.1}}]}
    text = printed_spec(spec)
    assert "Backward" not in text and "Loss" not in text and "alpha" in text
    assert in_process("backprop", "-", "--only", "loss", stdin=json.dumps(spec)).code == 2


def test_no_layers_put_the_loss_on_the_input() -> None:
    spec = {"input": [13, -7, 11], "target_classes": 0, "loss": {"name": "svm", "margin": 10}, "layers": []}
    found = blocks(printed_spec(spec))
    assert ["L", "=", "8"] in found["Loss"]
    assert ["da0", "dL/da,", "see", "loss", "-1", "0", "1"] in found["Backward pass (dQ is dL/dQ)"]


def test_a_number_without_index_has_a_column_of_its_own() -> None:
    spec = {"input": [1, 2], "upstream": [1, 1], "layers": [{"weights": [[1, 2], [3, 4]], "bias": 0.5}]}
    tables = [block for block in report(backprop(spec)) if isinstance(block, Table)]
    assert tables[0].columns == ["layer1", "=", "", "[0]", "[1]"]
    assert [row for row in tables[0].rows if row[0] == "b"] == [["b", "", 0.5, None, None]]


def test_several_steps_have_their_history(net: str) -> None:
    found = blocks(printed(net, "--set", "steps=30"))
    assert [
        "...",
    ] in found["Loss history"]
    assert [words[0] for words in found["Loss history"] if words and words[0].isdigit()] == [
        *map(str, range(1, 11)), *map(str, range(21, 31)),
    ]  # fmt: skip
    said = "The tables show the last of 30 passes; its quantities named _new are after its step."
    assert said in " ".join(" ".join(words) for words in found[""])
    assert "In every step each parameter Q becomes" in " ".join(map(" ".join, found["After 30 steps"]))


@pytest.mark.parametrize(
    ("loss", "weights", "said"),
    [
        ("half_square", [[1, 2, 3]], "turned into one-hot targets, 1 for the class and 0 for the others."),
        ("softmax_cross_entropy", [[1, 2, 3]], "turned into one-hot targets"),
        ("bce_with_logits", [[1]], "turned into 0 and 1."),
        ("svm", [[1, 2, 3]], ""),
    ],
)
def test_classes_turned_into_numbers_are_told(loss: str, weights: list[list[float]], said: str) -> None:
    spec = {"input": [1], "target_classes": 0, "loss": loss, "layers": [{"weights": weights}]}
    text = " ".join(printed_spec(spec).split())
    assert said in text and ("turned into" in text) == bool(said)
