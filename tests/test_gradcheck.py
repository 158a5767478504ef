"""`gradcheck`: right derivatives agree with differences, wrong ones do not, and kinks are told, not refused."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcalc
from commands import in_process
from further_inputs import further_of, target_of
from gradcalc.differencing.api import of_result
from gradcalc.differencing.cost import forward_cost
from gradcalc.differencing.records import GradcheckResult
from gradcalc.differencing.replaced import by_differences
from gradcalc.errors import InputError
from gradcalc.examples import Example, examples
from gradcalc.functions import entries, find
from gradcalc.functions.entry import Elementwise, Entry, VectorLoss
from gradcalc.functions.joint import JointLoss
from gradcalc.layers.dense import Dense
from gradcalc.numerics.differences import Array, derivative
from gradcalc.render import FORMATS
from gradcalc.spec import load
from small_nets import MAZUR, written

#: The keys of an item, and of the whole.
ITEM = [
    "quantity",
    "ok",
    "max_abs_error",
    "max_rel_error",
    "worst_index",
    "ours",
    "numeric",
    "compared",
    "size",
    "note",
]
WHOLE = ["passed", "compared", "failed", "rtol", "atol", "dtype", "samples", "seed", "items"]

#: Targets that no loss refuses all of.
TARGETS: tuple[list[float], ...] = ([0.2, 0.2, 0.1, 0.5], [0.0, 1.0, 0.0, 0.0], [1.0, -1.0, 1.0, 1.0])


def spec_file(folder: Path, example: Example) -> str:
    path = folder / ("net.json" if example.text.startswith("{") else "net.yaml")
    path.write_text(example.text)
    return str(path)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)
def test_every_example_agrees(example: Example, tmp_path: Path) -> None:
    result = gradcalc.gradcheck(spec_file(tmp_path, example), samples=3 if len(example.text) > 3000 else 8)
    assert result.passed, result
    assert result.compared > 0
    assert all(item.max_rel_error < 1e-8 for item in result.items)


def checked_somewhere(entry: Entry) -> GradcheckResult:
    """The entry at a few points, with the first target it takes."""
    given: list[dict[str, Any]] = [{}]
    if isinstance(entry, VectorLoss) and entry.takes != "values":
        given = [{"target_class": 1}]
    elif entry.kind == "loss":
        given = [{"target": target} for target in TARGETS]
    inputs: list[Any] = [[0.3, -1.25, 2.5, 0.71], [0.23, 0.51, 0.1, 0.16]]
    if isinstance(entry, JointLoss):
        given = [{"target": target_of(entry)}]
        inputs = [[[0.6, -0.8, 0.1], [0.28, 0.9, -0.3], [-0.7, 0.6, 0.2]]] if entry.rank == 2 else [[0.3, -1.25, 2.5]]
    given = [{**asked, "with_": further_of(entry)} for asked in given] if entry.further else given
    for values, asked in ((values, asked) for values in inputs for asked in given):
        try:
            found: GradcheckResult = gradcalc.gradcheck_function(entry.name, values, **asked)
            return found
        except InputError:
            continue
    raise AssertionError(f"no input suits {entry.name}")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_every_function_agrees(entry: Entry) -> None:
    result = checked_somewhere(entry)
    assert result.passed, result
    assert all(item.max_rel_error < 1e-8 for item in result.items)


@pytest.mark.parametrize("entry", [entry for entry in entries() if entry.further], ids=lambda entry: entry.name)
def test_derivatives_by_further_inputs_agree(entry: Entry) -> None:
    x = [0.3, -1.25, 2.5] if entry.rank else 0.3
    target = target_of(entry) if isinstance(entry, JointLoss) else -1.0
    for one in entry.further:
        result = gradcalc.gradcheck_function(entry.name, x, target=target, with_=further_of(entry), wrt=one.name)
        assert result.passed and result.items[0].compared, (one.name, result)


def test_points_have_their_own_further_inputs() -> None:
    points = [{"input": [0.3, 1.0], "target": [1, -1], "with": {"other": [0.5, 0.5]}}, {"input": 2, "with": {"x2": 1}}]
    result = gradcalc.gradcheck_function("margin_ranking", points, target=-1)
    assert [item.ours for item in result.items] == [-1.0, 1.0, 1.0]
    assert result.passed
    with pytest.raises(InputError, match="other: 3 values for 2 inputs"):
        gradcalc.gradcheck_function(
            "margin_ranking", [{"input": [0.3, 1.0], "target": 1, "with": {"other": [0.5, 0.5, 1]}}]
        )


@pytest.mark.parametrize(
    ("function", "slope", "x"),
    [
        (np.sin, np.cos, 0.7),
        (np.exp, np.exp, 30.0),
        (np.log, lambda x: 1 / x, 1e-5),
        (np.sqrt, lambda x: 0.5 / np.sqrt(x), 1e-9),
        (np.sin, np.cos, 1e6),
        (lambda x: x**3, lambda x: 3 * x**2, 0.0),
        (lambda x: np.exp(-((1000 * x) ** 2)), lambda x: -2e6 * x * np.exp(-((1000 * x) ** 2)), 0.3),
    ],
)
def test_the_step_suits_the_number(function: Any, slope: Any, x: float) -> None:
    def quiet(at: float) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(function(at))

    found = derivative(quiet, x)
    assert float(found.value) == pytest.approx(slope(x), rel=1e-8, abs=1e-12)
    assert abs(float(found.value) - slope(x)) <= max(10 * float(found.error), 1e-15)


def test_what_is_narrow_is_looked_at_closely() -> None:
    result = gradcalc.gradcheck_function("", [1e-3, -2e-3], formula="exp(-(1000 * z)^2)")
    assert result.passed
    assert all(item.compared == 1 and item.max_rel_error < 1e-9 for item in result.items)


def test_a_broken_layer_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    right = Dense.forward

    def wrong(self: Dense, x: Array) -> Any:
        step = right(self, x)

        def back(da: Array, dz: Array | None) -> Any:
            found = step.back(da, dz)
            return {**found, "dW": found["dW"] * (1 + 1e-6 * (self.name == "output"))}

        return step._replace(back=back)

    monkeypatch.setattr(Dense, "forward", wrong)
    result = gradcalc.gradcheck(MAZUR)
    assert [item.quantity for item in result.items if not item.ok] == ["output.dW"]
    assert (result.passed, result.failed) == (False, 1)
    assert gradcalc.gradcheck(MAZUR, rtol=1e-5).passed


def test_a_broken_function_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = find("tanh")
    assert isinstance(entry, Elementwise)
    right = entry.derivative
    monkeypatch.setattr(entry, "derivative", lambda xp, z, *more: right(xp, z, *more) + 1e-4 * z)
    assert not gradcalc.gradcheck_function("tanh", [0.0, 0.5]).passed
    outcome = in_process("gradcheck", "tanh", "0", "0.5")
    assert outcome.code == 1
    assert "differs" in outcome.out
    assert "1 of 2 derivatives agrees" in outcome.out


def test_a_wrong_entry_is_addressed() -> None:
    result = gradcalc.backprop(MAZUR)
    gradient = result.layers[1].quantities["dW"].copy()
    gradient[1, 0] += 1e-5
    layers = [result.layers[0], result.layers[1]._replace(quantities={**result.layers[1].quantities, "dW": gradient})]
    (item,) = [one for one in of_result(result._replace(layers=layers)).items if not one.ok]
    assert (item.quantity, item.worst_index) == ("output.dW", (1, 0))
    assert item.max_abs_error == pytest.approx(1e-5, rel=1e-4) == item.ours - item.numeric


@pytest.mark.parametrize("distance", [0.0, 1e-12, -1e-9, 1e-7])
@pytest.mark.parametrize("side", ["left", "right", "default", "midpoint", "undefined"])
def test_a_kink_is_told(distance: float, side: str) -> None:
    result = gradcalc.gradcheck_function("relu", distance, kink=side)
    assert result.passed
    at_kink = distance == 0 and side != "midpoint"  # which is what central differences give
    assert ("near a kink" in result.items[0].note) == at_kink


def test_a_kink_excuses_only_what_lies_between_its_slopes(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = find("relu")
    assert isinstance(entry, Elementwise)
    monkeypatch.setattr(entry, "derivative", lambda xp, z: 1.5 + 0 * z)  # a kernel's signature
    monkeypatch.setattr(entry, "kinks", ())
    assert not gradcalc.gradcheck_function("relu", 0).passed


@pytest.mark.parametrize("distance", [0.0, 1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-4, -1e-15, -1e-9])
def test_a_unit_near_its_kink_is_no_failure(distance: float) -> None:
    hidden = {"activation": "relu", "weights": [[0.3, 1.0], [(distance - 0.3) / 2, 2.0]], "bias": [0.0, 0.1]}
    output = {"activation": "softplus", "weights": [[1.0], [2.0]], "bias": [7.0]}
    spec = {"input": [1.0, 2.0], "target": [5.0], "loss": "square", "layers": [hidden, output]}
    result = gradcalc.gradcheck(spec)
    assert result.passed, result
    if abs(distance) < 1e-9:
        assert "near a kink" in result.items[0].note


def test_jumps_borders_and_lonely_values_are_told() -> None:
    assert "jumps" in gradcalc.gradcheck_function("step", 0).items[0].note
    hinge = gradcalc.gradcheck_function("hinge", 0.5, target=1, wrt="target")
    assert (hinge.passed, hinge.compared, hinge.items[0].compared) == (True, 0, 0)
    outcome = in_process("gradcheck", "relu", "0", "1")
    assert "The derivative agrees" in outcome.out
    assert "At 1 point there is no derivative" in outcome.out
    border = gradcalc.gradcheck_function("bce_with_logits", 0.5, target=1, wrt="label_smoothing")
    assert "one-sided" in border.items[0].note


def test_float32_is_judged_as_float32() -> None:
    spec = {**MAZUR, "dtype": "float32"}
    result = gradcalc.gradcheck(spec)
    assert (result.passed, result.dtype, result.rtol) == (True, "float32", 1e-4)
    assert max(item.max_rel_error for item in result.items) > 1e-9
    assert not gradcalc.gradcheck(spec, rtol=0, atol=0).items[0].ok or result.items[0].max_rel_error < 1e-4


def test_large_nets_are_sampled_and_it_is_said() -> None:
    spec: dict[str, Any] = {
        "input": [[0.1] * 60] * 20, "target": [[1.0] * 30] * 20, "loss": "mse",
        "layers": [{"units": 30, "activation": "tanh", "weights": {"init": "normal", "scale": 0.1, "seed": 1}}],
    }  # fmt: skip
    result = gradcalc.gradcheck(spec, samples=4, seed=3)
    assert [item.compared for item in result.items] == [4, 4]
    assert result.samples == 4
    assert gradcalc.gradcheck(spec, samples=4, seed=3) == result != gradcalc.gradcheck(spec, samples=4, seed=4)


def test_a_net_too_large_is_sampled_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradcalc.differencing.api._TIME", 1.0)
    assert gradcalc.gradcheck(MAZUR).samples == 2
    assert gradcalc.gradcheck(MAZUR, samples=100).samples is None


def test_a_kernel_costs_what_it_does_at_every_place() -> None:
    image, kernel = np.ones((1, 1, 30, 30)).tolist(), np.ones((4, 1, 3, 3)).tolist()
    small = {"input": np.ones((1, 1, 4, 4)).tolist(), "layers": [{"type": "conv2d", "weights": kernel}]}
    large = {**small, "input": image}
    costs = [forward_cost(load(spec).problem) for spec in (small, large)]
    assert costs[1] - costs[0] > 36 * (28 * 28 - 4) * 0.4


@pytest.mark.parametrize(
    "more",
    [
        {"layout": "out_in"},
        {"upstream": [0.3, -2.0], "loss": None, "target": None},
        {"average": "parameters", "input": [[0.1, 0.2], [0.5, -0.3]], "target": [[0, 1], [1, 0.5]]},
        {
            "average": "parameters", "input": [[0.1, 0.2], [0.5, -0.3]], "loss": None, "target": None,
            "upstream": [[0.3, -2.0], [1.0, 0.5]], "regularization": [{"norm": "l2_squared", "strength": 0.7}],
        },
        {"regularization": [{"norm": "l1", "strength": 0.1, "biases": True}], "learning_rate": 0.5, "steps": 3},
    ],
)  # fmt: skip
def test_conventions_of_gradients_are_known(more: dict[str, Any]) -> None:
    spec = {key: value for key, value in {**MAZUR, **more}.items() if value is not None}
    result = gradcalc.gradcheck(spec)
    assert result.passed, result
    right = gradcalc.backprop(spec)
    numeric = by_differences(right)
    for (layer, letter, ours), (_, _, theirs) in zip(right.addresses(), numeric.addresses(), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-8, atol=1e-11), (layer, letter)
        assert theirs is not ours or letter[0] != "d", (layer, letter)


def test_every_gradient_of_a_graph_can_be_replaced() -> None:
    """Two ways that meet, one of them twice; a convolution without a function; the output is taken by nobody."""
    W = [[0.5, -0.3], [0.2, 0.7]]
    layers = [
        {"name": "h", "weights": W, "bias": [0.1, 0.2], "activation": "tanh"},
        {"name": "k", "weights": W, "activation": "softmax", "inputs": ["input"]},
        {"name": "m", "type": "multiply", "inputs": ["h", "k", "h"]},
        {"name": "r", "type": "reshape", "shape": [1, 2]},
        {"name": "c", "type": "conv1d", "weights": [[[0.4, -0.6]]], "padding": 1},
        {"name": "f", "type": "flatten"},
        {"name": "j", "type": "concat", "inputs": ["f", "h"]},
    ]
    spec = {"input": [[0.3, -1.2], [1.0, 0.4]], "target": [[1, 0, 1, 0, 1], [0, 1, 0, 1, 0]], "loss": "half_square"}
    right = gradcalc.backprop({**spec, "layers": layers})
    numeric = by_differences(right)
    for (layer, letter, ours), (_, _, theirs) in zip(right.addresses(), numeric.addresses(), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-8, atol=1e-11), (layer, letter)
        assert theirs is not ours or letter[0] != "d" or "_terms" in letter, (layer, letter)


def test_the_json_is_a_contract(tmp_path: Path) -> None:
    outcome = in_process("gradcheck", written(tmp_path, MAZUR), "--format", "json")
    found = json.loads(outcome.out)
    assert (outcome.code, list(found)) == (0, WHOLE)
    assert [list(item) for item in found["items"]] == [ITEM] * 5
    names = ["hidden.dW", "hidden.db", "output.dW", "output.db", "hidden.dx"]
    assert [item["quantity"] for item in found["items"]] == names


@pytest.mark.parametrize("format_name", FORMATS)
def test_every_format_names_every_quantity(format_name: str, tmp_path: Path) -> None:
    outcome = in_process("gradcheck", written(tmp_path, MAZUR), "--format", format_name)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.isascii()
    for name in ("hidden.dW", "output.db", "hidden.dx"):
        assert name in outcome.out
    if format_name == "csv":
        rows = list(csv.DictReader(io.StringIO(outcome.out)))
        assert list(rows[0]) == ITEM
        assert {row["ok"] for row in rows} == {"true"}


@pytest.mark.parametrize(
    ("words", "items"),
    [
        (("softmax", "1", "2", "3"), 1),
        (("softmax", "1,2,3", "4,5,6"), 2),
        (("squared_error", "1", "-2", "-y", "3", "--with", "weight=2,3"), 2),
        (("gaussian_nll", "1", "2", "-y", "0,1", "--with", "var=0.5,2"), 2),
        (("cross_entropy", "0.2", "0.3", "0.5", "--target-class", "1"), 1),
        (("leaky_relu", "-1e-3", "-p", "alpha=0.2", "--wrt", "alpha"), 1),
        (("--formula", "z * sigmoid(b * z)", "-p", "b=1.7", "0.5"), 1),
        (('{"input": [1, 2], "target": [2, 3]}', "square")[::-1], 2),
        (("mse", "1", "2", "-y", "2", "--wrt", "target"), 1),
    ],
)
def test_functions_are_asked_as_eval_is(words: tuple[str, ...], items: int) -> None:
    outcome = in_process("gradcheck", *words, "--format", "json")
    assert outcome.code == 0, outcome.err
    found = json.loads(outcome.out)
    assert len(found["items"]) == items
    assert all(item["max_rel_error"] < 1e-9 for item in found["items"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "SPEC"),
        (("sigmoid",), "gradcheck sigmoid 0.5"),
        (("sigmoid", "inf"), "finite"),
        (("sigmoid", "1", "--samples", "3"), "--samples is for a spec"),
        (("no-such.yaml",), "no file"),
        (("net.json", "--wrt", "alpha"), "--wrt is for a function"),
        (("square", "1", "2", "-y", "1,2,3"), "3 values"),
        (("square", "1"), "needs a target"),
        (("bce", "0.5", "1.5", "-y", "0,1"), "1.5"),
        (("relu_general", "1", "--wrt", "max_value"), "-p max_value"),
    ],
)
def test_wrong_use_is_explained(words: tuple[str, ...], told: str, monkeypatch: Any, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path, MAZUR)
    outcome = in_process("gradcheck", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert told in outcome.err


def test_a_forward_pass_alone_has_no_gradients(tmp_path: Path) -> None:
    spec = {key: value for key, value in MAZUR.items() if key in ("input", "layers")}
    outcome = in_process("gradcheck", written(tmp_path, spec))
    assert outcome.code == 2
    assert "no gradients" in outcome.err


def test_answers_can_be_judged_by_differences_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    net, answers = written(tmp_path, MAZUR), tmp_path / "answers.json"
    right = {name: gradcalc.backprop(MAZUR).quantity(name).tolist() for name in ("dW1", "dz2", "da1", "a2", "loss")}
    answers.write_text(json.dumps(right))
    words = ("check", net, str(answers), "--format", "json", "--against-differences")
    assert in_process(*words).code == 0

    forward = Dense.forward

    def wrong(self: Dense, x: Array) -> Any:
        step = forward(self, x)
        return step._replace(back=lambda da, dz: {**step.back(da, dz), "dW": 2 * step.back(da, dz)["dW"]})

    monkeypatch.setattr(Dense, "forward", wrong)  # our own gradients are wrong now, and must not matter
    assert in_process(*words).code == 0
    assert in_process(*words[:-1]).code == 1


def test_too_many_differences_are_refused_but_for_what_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gradcalc.differencing.replaced._MOST", 5)
    right = {"db1": gradcalc.backprop(MAZUR).quantity("db1").tolist()}
    with pytest.raises(gradcalc.GradcalcError, match="--only"):
        gradcalc.check(MAZUR, right, against_differences=True)
    assert gradcalc.check(MAZUR, right, against_differences=True, only=["db1"]).passed
