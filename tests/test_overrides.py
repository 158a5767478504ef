"""Changes to a spec from the shell: --set, --input, --target, --learning-rate, --convention, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import in_process, json_value
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.spec import load_spec

SPEC = """\
input: [1, 2]
target: [1, 0]
loss: half_square
layers:
  - name: hidden
    weights: [[0.1, 0.2], [0.3, 0.4]]
    bias: [0.5, 0.6]
    activation: relu
  - type: activation
    activation: tanh
  - name: out
    weights: [[1, 2], [3, 4]]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "net.yaml"
    path.write_text(SPEC)
    return path


def answer(spec: Path, *options: str) -> Any:
    """The JSON answer of the command with these options."""
    return json_value(in_process("backprop", str(spec), "--format", "json", *options))


def sets(*texts: str) -> list[str]:
    return [word for text in texts for word in ("--set", text)]


@pytest.mark.parametrize(
    ("text", "layer", "quantity", "expected"),
    [
        ("hidden.W[0][1]=0.3", 0, "W", [[0.1, 0.3], [0.3, 0.4]]),
        ("hidden.weights[0][1]=0.3", 0, "W", [[0.1, 0.3], [0.3, 0.4]]),
        ("W1[0][1]=0.3", 0, "W", [[0.1, 0.3], [0.3, 0.4]]),
        ("W2[1][0]=-3e-1", 2, "W", [[1, 2], [-0.3, 4]]),
        ("hidden.b[1]=7", 0, "b", [0.5, 7]),
        ("b1=2", 0, "b", 2),
        ("layers.0.weights[1][1]=9", 0, "W", [[0.1, 0.2], [0.3, 9]]),
        ("layers[0].weights[1][1]=9", 0, "W", [[0.1, 0.2], [0.3, 9]]),
        ("out.W=[[5, 6], [7, 8]]", 2, "W", [[5, 6], [7, 8]]),
        ("out.b=[1, 2]", 2, "b", [1, 2]),
        ("input[1]=5", 0, "x", [1, 5]),
        ("input=[3, 4]", 0, "x", [3, 4]),
        ("a0[0]=9", 0, "x", [9, 2]),
        ("a0=[3, 4]", 0, "x", [3, 4]),
        ("hidden.activation=identity", 0, "f_prime", [1, 1]),
        ("layer2.activation=step", 1, "f_prime", [0, 0]),
    ],
)
def test_set(spec: Path, text: str, layer: int, quantity: str, expected: Any) -> None:
    assert answer(spec, "--set", text)["layers"][layer][quantity] == expected


def test_sets_come_one_after_another(spec: Path) -> None:
    found = answer(spec, *sets("hidden.W=[[1, 1], [1, 1]]", "hidden.W[0][0]=2", "hidden.W[0][0]=3"))
    assert found["layers"][0]["W"] == [[3, 1], [1, 1]]


def test_a_function_gets_a_parameter_by_its_name_alone(spec: Path) -> None:
    found = answer(spec, *sets("hidden.activation=leaky_relu", "hidden.activation.alpha=0.2", "hidden.W[0][0]=-9"))
    assert found["layers"][0]["f_prime"] == [0.2, 1.0]
    assert answer(spec, "--set", "loss.scale=2")["loss"] == pytest.approx(2 * answer(spec)["loss"])


def test_missing_keys_are_added(spec: Path) -> None:
    found = answer(
        spec, *sets("learning_rate=0.5", "dtype=float32", "kink=right", "regularization=[{norm: l1, strength: 1}]")
    )
    assert found["conventions"]["kink"] == "right"
    assert "W_new" in found["layers"][0]
    assert found["loss_terms"]["regularization"] == pytest.approx(11.0)


def test_named_options(spec: Path) -> None:
    found = answer(spec, "--input", "3,4", "--target", "0 0", "--learning-rate", "0.1", "--convention", "udl")
    assert found["layers"][0]["x"] == [3.0, 4.0]
    assert found["conventions"]["preset"] == "udl"
    assert found["layers"][2]["da"] == found["layers"][2]["a"]
    assert "W_new" in found["layers"][0]


@pytest.mark.parametrize("text", ["[[1, 2], [3, 4]]", "[[1,2],[3,4]]", '{"file": "x.npy"}'])
def test_a_batch_as_typed(spec: Path, text: str) -> None:
    options = ["--target", "[[1, 0], [0, 1]]"]
    outcome = in_process("backprop", str(spec), "--input", text, *options, "--format", "json")
    if "file" in text:
        assert outcome.code == 2
    else:
        assert json_value(outcome)["layers"][0]["x"] == [[1.0, 2.0], [3.0, 4.0]]


def test_negative_numbers_in_options(spec: Path) -> None:
    assert answer(spec, "--input", "-1, -2e-1")["layers"][0]["x"] == [-1.0, -0.2]
    assert answer(spec, "--input", "-1 -.5")["layers"][0]["x"] == [-1.0, -0.5]


def test_the_target_option_means_classes_where_the_spec_has_them(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    net = {
        "input": [1, 2],
        "target_classes": 0,
        "loss": "softmax_cross_entropy",
        "layers": [{"weights": [[1, 2], [3, 4]]}],
    }
    path.write_text(json.dumps(net))
    assert answer(path, "--target", "1")["layers"][0]["dz"][1] < 0


def test_files_named_by_the_user_may_be_anywhere(spec: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    np.save(folder / "x.npy", np.array([[1.0, 2.0]]))
    (folder / "y.csv").write_text("a,b\n1,0\n")
    spec.rename(tmp_path / "inner.yaml")
    found = answer(tmp_path / "inner.yaml", "--input", str(folder / "x.npy"), "--target", str(folder / "y.csv"))
    assert found["layers"][0]["x"] == [[1.0, 2.0]]


@pytest.mark.parametrize(
    "changes",
    [
        ["input={file: elsewhere/x.npy}"],
        ["input={file: HERE/elsewhere/x.npy}"],
        ["input.file=HERE/elsewhere/x.npy"],
        ["input={file: elsewhere/y.npz, key: y}", "input.key=x"],
    ],
)
def test_files_named_in_sets_are_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: list[str]
) -> None:
    for name in ("elsewhere", "home"):
        (tmp_path / name).mkdir()
    np.save(tmp_path / "elsewhere" / "x.npy", np.array([1.0, 2.0]))
    np.savez(tmp_path / "elsewhere" / "y.npz", x=np.array([1.0, 2.0]))
    path = tmp_path / "home" / "net.yaml"
    path.write_text("input: {file: none.npy}\nlayers:\n  - weights: {file: ../elsewhere/x.npy}\n")
    monkeypatch.chdir(tmp_path)
    words = sets(*(change.replace("HERE", str(tmp_path)) for change in changes))
    assert answer(path, *words, *sets("W1=[[1], [1]]"))["layers"][0]["x"] == [1.0, 2.0]
    fenced = in_process("backprop", str(path), *words, *sets("W1.key=x"))
    assert fenced.code == 2 and "leads out of the spec's folder" in fenced.err


def test_entries_of_arrays_in_files_can_be_set(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones((2, 2)))
    path = tmp_path / "net.yaml"
    path.write_text("input: [1, 2]\nlayers:\n  - weights: {file: w.npy}\n  - {weights: {init: zeros}, units: 2}\n")
    found = answer(path, *sets("W1[0][1]=5", "W2[1][0]=6"))
    assert found["layers"][0]["W"] == [[1, 5], [1, 1]]
    assert found["layers"][1]["W"] == [[0, 0], [6, 0]]


def test_the_given_spec_stays_as_it_was() -> None:
    mapping: dict[str, Any] = {"input": [1.0], "layers": [{"weights": [[1.0]]}]}
    before = json.dumps(mapping)
    load_spec(mapping, sets=["W1[0][0]=2", "layers.0.bias=[1]"], learning_rate=None)
    assert json.dumps(mapping) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--set", "hidden.W"], "--set 'hidden.W' is not PATH=VALUE; e.g. --set hidden.W[0][1]=0.3"),
        (["--set", "=3"], "--set '=3' is not PATH=VALUE"),
        (["--set", "hidden.W[0=3"], "is not PATH=VALUE"),
        (["--set", "hiden.W[0][0]=3"], "--set hiden.W[0][0]=3: there is no layer 'hiden'; did you mean hidden?"),
        (["--set", "W3[0][0]=3"], "--set W3[0][0]=3: there is no layer 3 with weights; there are 2"),
        (["--set", "layers.7.units=3"], "--set layers.7.units=3: there is no item 7; there are 3, counted from 0"),
        (["--set", "hidden.W[5][0]=3"], "--set hidden.W[5][0]=3: weights[5][0] is outside its shape (2, 2)"),
        (["--set", "hidden.W[0]=3"], "--set hidden.W[0]=3: weights[0] is outside its shape (2, 2)"),
        (["--set", "hidden.W[0][0]=x"], "--set hidden.W[0][0]=x: an entry must be a number, not 'x'"),
        (["--set", "hidden.W[0][0]=.nan"], "must be a finite number, not nan"),
        (["--set", "hidden.units=many"], "--set hidden.units=many: units must be a whole number above 0, not 'many'"),
        (["--set", "hidden.units=3"], "layer hidden takes 2 inputs and has 3 units"),
        (["--set", "los=square"], "--set los=square: the spec has no key 'los'; did you mean loss?"),
        (["--set", "loss=[1"], "--set loss=[1"),
        (["--set", "input.a=3"], "--set input.a=3"),
        (["--learning-rate", "fast"], "--learning-rate fast: learning_rate must be a number, not 'fast'"),
        (["--convention", "nielson"], "--convention nielson: there is no convention 'nielson'; did you mean nielsen?"),
        (["--input", "1,2,3"], "layer hidden takes 3 inputs"),
        (["--input", "1,x"], "--input 1,x: input[1] must be a number, not 'x'"),
        (["--input", "[[1, 2], [3]]"], "the rows of input differ in length"),
        (["--input", "x,2"], "there is no file 'x,2'; numbers are written 0.05,0.1"),
        (["--input", "nowhere.npy"], "there is no file 'nowhere.npy'"),
        (["--target", "1"], "--target 1: target has 1 number, but one example with 2 outputs needs 2 numbers"),
    ],
)
def test_refused(spec: Path, options: list[str], message: str) -> None:
    outcome = in_process("backprop", str(spec), *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def test_an_option_is_named_not_a_line_of_the_spec() -> None:
    with pytest.raises(UsageError) as refused:
        load_spec({"input": [1], "layers": []}, learning_rate="fast")
    assert refused.value.place is None
    with pytest.raises(GradcalcError, match="learning_rate needs a gradient"):
        load_spec({"input": [1], "layers": []}, learning_rate="0.1")
