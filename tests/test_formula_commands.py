"""Formulas on the command line and in specs: the same answers as the catalogue's functions give."""

from __future__ import annotations

import json
import math

import pytest

import gradcalc
from commands import in_process
from gradcalc.functions import find
from gradcalc.functions.entry import SIDES
from gradcalc.render import FORMATS

#: A formula and the catalogue's function it is, with further words of the command line.
SAME = (
    ("1 / (1 + exp(-z))", "sigmoid", "0.5 -2 0"),
    ("max(z, 0)", "relu", "-1 0 2 --order 2"),
    ("z if z > 0 else alpha * z", "leaky_relu", "-1 0 2 -p alpha=0.3"),
    ("z if z > 0 else alpha * z", "leaky_relu", "-1 2 -p alpha=0.3 --wrt alpha"),
    ("(a - y)^2 / 2", "half_square", "0.5 2 -y 1 -y 3 --reduction mean --scale 2"),
    ("(a - y)^2", "square", "0.5 -y 1 --wrt target"),
    ("abs(a - y)", "absolute_error", "1 2 -y 1 -y 1 --with weight=1,2"),
    ("exp(z) / sum(exp(z))", "softmax", "1 2 3 -u 1,0,2"),
    ("norm(z, p)", "lp_norm", "1 2 3 -p p=3"),
    ("mean((a - y)^2)", "mse", "1 2 3 -y 0,1,5"),
    ("-sum(y * log(a))", "cross_entropy", "0.2 0.5 0.3 -y 0,1,0"),
)


@pytest.mark.parametrize(("formula", "function", "words"), SAME, ids=lambda part: part)
def test_a_formula_answers_as_the_function_it_is(formula: str, function: str, words: str) -> None:
    theirs, ours = (
        json.loads(in_process("eval", *which, *words.split(), "--format", "json").out)
        for which in ((function,), ("--formula", formula))
    )
    assert ours["function"] == "formula" and ours["formula"] == formula
    assert len(ours["points"]) == len(theirs["points"])
    for one, other in zip(ours["points"], theirs["points"], strict=True):
        assert one.keys() == other.keys()
        for key in one:
            assert key == "wrt" or one[key] == _near(other[key])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize(("formula", "function"), [("max(z, 0)", "relu"), ("z if z > 0 else 0.01 * z", "leaky_relu")])
def test_kinks_are_told_as_for_any_function(formula: str, function: str, side: str) -> None:
    ours, theirs = (
        in_process("eval", *which, "0", "1", "--kink", side).out.splitlines()
        for which in (("--formula", formula), (function,))
    )
    assert ours[-1].startswith("kink at z = 0: left 0")
    assert (ours[-1], ours[4:6]) == (theirs[-1], theirs[len(theirs) - len(ours) + 4 :][:2])


#: A vector's formula, its inputs and options; a kink, and the derivatives to its left and right.
VECTOR_KINKS = (
    ("max(z, 0) / (1 + sum(z^2))", "0 1", "z[0] = 0 for output 0", 0.0, 0.5),
    ("sum(abs(z))", "0 1", "z[0] = 0", -1.0, 1.0),
    ("mean(abs(a - y))", "0 1 -y 0,3", "a[0] = 0", -0.5, 0.5),
    ("mean(abs(a - y))", "0 1 -y 0,3 --wrt target", "y[0] = 0", -0.5, 0.5),
    ("sum(max(c * z, 0))", "1 2 -p c=0 --wrt c", "c = 0", 0.0, 3.0),
    ("mean(abs(a - c * y))", "1 5 -y 1,5 -p c=1 --wrt c", "c = 1", -3.0, 3.0),
)


@pytest.mark.parametrize("case", VECTOR_KINKS, ids=lambda case: f"{case[0]} at {case[2]}")
@pytest.mark.parametrize("side", SIDES)
def test_kinks_of_a_vectors_formula_are_told_and_settled(case: tuple[str, str, str, float, float], side: str) -> None:
    formula, words, where, left, right = case
    asked = ("--formula", formula, *words.split(), "--kink", side)
    assert f"kink at {where}: left {left:g}, right {right:g}, shown" in in_process("eval", *asked).out
    (point,) = json.loads(in_process("eval", *asked, "--format", "json").out)["points"]
    assert point["at_kink"] is True
    expected = {"left": left, "right": right, "midpoint": (left + right) / 2, "default": 0.0}.get(side, "NaN")
    shown = point["derivative"]
    while isinstance(shown, list):
        shown = shown[0]
    assert shown == _near(expected)


def test_the_kink_rule_reaches_a_vectors_derivative_by_a_parameter() -> None:
    asked = ("--formula", "z * max(c, 0) / sum(z)", "1", "3", "-p", "c=0", "--wrt", "c", "--only", "derivative")
    for side, expected in (("left", [0.0, 0.0]), ("right", [0.25, 0.75]), ("midpoint", [0.125, 0.375])):
        assert list(map(float, in_process("eval", *asked, "--kink", side).out.split())) == expected


def test_a_jump_is_told() -> None:
    told = in_process("eval", "--formula", "1 if z > 0 else 0", "0").out
    assert "jump at z = 0: slope left 0, right 0" in told


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_derivative_as_a_formula_in_every_format(format_name: str) -> None:
    outcome = in_process("eval", "--formula", "z * tanh(z)", "--symbolic", "--format", format_name)
    assert (outcome.code, outcome.err) == (0, "")
    assert "tanh" in outcome.out and outcome.out.endswith("\n")


def test_what_symbolic_prints() -> None:
    printed = {
        ("--formula", "z * tanh(z)"): "tanh(z) + z * (1 - tanh(z)^2)",
        ("--formula", "z^3", "--order", "2"): "6 * z",
        ("--formula", "(a - y)^2 / 2"): "a - y",
        ("--formula", "(a - y)^2 / 2", "--wrt", "target"): "y - a",
        ("--formula", "b * z^2", "-p", "b=2", "--wrt", "b"): "z^2",
        ("leaky_relu", "--wrt", "negative_slope"): "0 if z > 0 else z",
        ("softmax_cross_entropy",): "(softmax(a / temperature) * sum(y) - y) / temperature",
    }
    for words, expected in printed.items():
        assert in_process("eval", *words, "--symbolic").out == expected + "\n"
    latex = in_process("eval", "--formula", "z^2 / (1 + z)", "--symbolic", "--format", "latex").out
    assert latex.startswith(r"\frac{") and latex.count("{") == latex.count("}")
    record = json.loads(in_process("eval", "tanh", "--symbolic", "--format", "json").out)
    assert record["name"] == "tanh" and record["derivative"] == "1 - tanh(z)^2"


WRONG = {
    ("--formula", "2z", "1"): "write 2 * z",
    ("--formula", "b * z", "1"): "unknown name 'b'",
    ("--formula", "z", "1", "-p", "b=2"): "no parameter 'b'",
    ("--formula", "z", "1", "-y", "2"): "takes no target",
    ("--formula", "a - y", "1"): "needs a target",
    ("--formula", "(a - y) * mean(a)", "1", "2", "-y", "1"): "sum or the mean",
    ("--formula", "mean(a * y)", "1", "2", "-y", "1", "--with", "weight=1,2"): "takes no weight",
    ("--formula", "z"): "needs an input",
    ("--formula", "z", "--symbolic", "1"): "takes no inputs",
    ("--formula", "sum(z)", "--symbolic", "--order", "2"): "elementwise",
    ("--formula", "z", "--symbolic", "--wrt", "b"): "no derivative by 'b'",
    ("--symbolic",): "missing argument 'FUNCTION'",
    ("sigmoid", "-pi"): "in brackets: '(-pi)'",
    ("sigmoid", "-ln(3)"): "in brackets: '(-ln(3))'",
    ("sigmoid", "ln(3"): "INPUT 1: this bracket is not closed",
    ("sigmoid", "1", "foo(2)"): "INPUT 2: unknown function 'foo'",
    ("sigmoid", "sum(1)"): "a number cannot be made of a vector",
    ("sigmoid", "z + 1"): "INPUT 1",
    ("sigmoid", "2x"): "not a number: '2x'",
}


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_what_is_wrong_is_said(words: tuple[str, ...]) -> None:
    outcome = in_process("eval", *words)
    assert outcome.code == 2 and outcome.out == ""
    assert WRONG[words] in outcome.err


def test_numbers_may_be_constant_formulas() -> None:
    words = ["ln(3)", "1/3", "(-pi)", "2^0.5", "-1/3", "sqrt(2),pi", "[max(1, 2), 3]", "e"]
    points = json.loads(in_process("eval", "identity", *words, "--format", "json").out)["points"]
    expected = [math.log(3), 1 / 3, -math.pi, 2**0.5, -1 / 3, 2**0.5, math.pi, 2.0, 3.0, math.e]
    assert [point["value"] for point in points] == expected
    point = json.loads(in_process("eval", "huber", "2", "-y", "1/2", "-p", "delta=sqrt(4)", "--format", "json").out)
    assert point["parameters"]["delta"] == 2.0 and point["points"][0]["target"] == 0.5
    assert in_process("eval", "square", "1", "-yln(3)", "--only", "target").out.strip() == repr(math.log(3))
    assert in_process("eval", "identity", "--linspace", "0", "2*pi", "2", "--only", "value").code == 0


def test_numbers_of_a_stream_may_be_constant_formulas() -> None:
    stream = "1 1/2\nln(3), (-pi) [max(1, 2), 2^0.5]\n"
    outcome = in_process("eval", "identity", "-", "--only", "value", stdin=stream.replace(" [", "\n["))
    expected = [1.0, 0.5, math.log(3), -math.pi, 2.0, 2**0.5]
    assert (outcome.code, list(map(float, outcome.out.split()))) == (0, expected)
    line = '{"input": ["ln(3)", "-1/4"], "target": "pi", "upstream": "2^-1"}'
    point = json.loads(in_process("eval", "square", "-", "--format", "jsonl", stdin=line).out)
    assert point["input"] == [math.log(3), -0.25] and point["target"] == [math.pi] * 2


def test_a_wrong_formula_in_a_stream_has_its_place() -> None:
    outcome = in_process("eval", "--formula", "z^2", "-", "--only", "value", stdin="1 2\nln(3) 4*tna(2)\n")
    assert outcome.code == 2 and outcome.out.split()[:2] == ["1", "4"] and len(outcome.out.split()) == 3
    assert "<stdin>:2:9: not a number: '4*tna(2)': unknown function 'tna'; did you mean tan" in outcome.err
    for text in ("1/2/", "(1", "ln(3))", "z+(1)", "2024-01-05"):
        assert in_process("eval", "identity", "-", stdin=text).code == 2


def test_numbers_set_from_the_shell_may_be_constant_formulas() -> None:
    spec = SPEC.format(loss="half_square", activation="relu")
    words = ["--set", "W1[0][0]=1/3", "--input", "max(1, 2),ln(3)", "--target", "(-pi), e^2", "--learning-rate", "1/8"]
    net = json.loads(in_process("backprop", "-", *words, "--format", "json", stdin=spec).out)["layers"][0]
    assert net["W"][0][0] == 1 / 3 and net["x"] == [2.0, math.log(3)]
    wrong = in_process("backprop", "-", "--set", "W1[0][0]=ln(3", stdin=spec)
    assert wrong.code == 2 and "an entry must be a number, not 'ln(3'; this bracket is not closed" in wrong.err


def test_a_parameter_in_a_spec_may_be_a_constant_formula() -> None:
    spec = SPEC.format(loss="half_square", activation='{name: leaky_relu, alpha: "1/8"}')
    assert json.loads(in_process("backprop", "-", "--format", "json", stdin=spec).out)["layers"][0]["f_prime"]
    wrong = in_process("backprop", "-", stdin=spec.replace("1/8", "1/").replace("{name", "\n      {name"))
    assert wrong.code == 2 and "the formula breaks off" in wrong.err and "<stdin>:8:36" in wrong.err


SPEC = """
input: [["ln(3)", -1], [0, 1/2]]
target: [[1, 0], [0, 1]]
loss: {loss}
layers:
  - weights: [[0.5, -0.25], [1, 2]]
    activation: {activation}
"""

IN_SPECS = (
    ('{formula: "max(z, 0)", kink: right}', "{name: relu, kink: right}", '{formula: "(a - y)^2 / 2"}', "half_square"),
    ('{formula: "exp(z) / sum(exp(z))"}', "softmax", '{formula: "mean((a - y)^2)", scale: 2}', "{name: mse, scale: 2}"),
    ('{formula: "where(z > 0, z, c * z)", c: 0.3}', "{name: leaky_relu, alpha: 0.3}", '{formula: "abs(a - y)"}',
     "absolute_error"),
)  # fmt: skip


@pytest.mark.parametrize("case", IN_SPECS, ids=lambda case: case[1])
@pytest.mark.parametrize("kink", ["default", "left", "midpoint"])
def test_a_network_of_formulas_is_the_network_of_their_functions(case: tuple[str, str, str, str], kink: str) -> None:
    ours, theirs = (
        json.loads(in_process("backprop", "-", "--format", "json", stdin=f"kink: {kink}\n" + spec).out)
        for spec in (
            SPEC.format(activation=case[0], loss=case[2]),
            SPEC.format(activation=case[1], loss=case[3]),
        )
    )
    assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-12)
    for key in ("a", "f_prime", "da", "dz", "dW", "dx"):
        assert ours["layers"][0][key] == _near(theirs["layers"][0][key])


def _near(value: object) -> object:
    if isinstance(value, list):
        return list(map(_near, value))
    return value if isinstance(value, str) else pytest.approx(value, rel=1e-12, abs=1e-15)  # "NaN" is itself


def test_kinks_of_formulas_are_told_in_networks() -> None:
    spec = 'input: [0, 1]\ntarget: [0, 1]\nloss: {formula: "abs(a - y)"}\nlayers:\n'
    spec += '  - {type: activation, activation: {formula: "max(z, 0)"}}\n'
    told = in_process("backprop", "-", stdin=spec).out
    assert "1 number of layer1.x stands on a kink of formula" in told
    assert "2 numbers of the output stand on a kink of formula" in told


def test_formulas_in_python() -> None:
    found = gradcalc.evaluate("", [0.5, 2], formula="z^2 * c", parameters={"c": 3}, order=2)
    assert [point.second_derivative for point in found.points] == [6.0, 6.0]


def test_cards_have_latex() -> None:
    card = json.loads(in_process("show", "sigmoid", "--format", "json").out)
    assert card["latex"] == r"\frac{1}{1 + \exp\left(-z\right)}"
    assert r"\sigma" in card["latex_derivative"]
    assert find("sigmoid").formula == card["formula"]
    assert "\\[ " + card["latex"] + " \\]\n" in in_process("show", "sigmoid", "--format", "latex").out


def test_no_row_of_a_latex_table_begins_with_a_bracket() -> None:
    """It would be an argument of the end of the row above."""
    stream = '{"input": [1, 2]}\n{"input": [3, 4]}\n'
    for words in (("relu", "-"), ("softmax", "-"), ("softmax", "[1, 2]", "[3, 4]")):
        told = in_process("eval", *words, "--format", "latex", stdin=stream).out
        assert told.count("{[}") == 2
        assert not any(line.lstrip().startswith(("[", "*")) for line in told.splitlines())
