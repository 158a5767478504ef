"""Mistakes planted in random nets are named, in the layer where they were made; nobody else is accused of anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from gradcalc.checking.answers import Given, given_of
from gradcalc.checking.api import Checker, load_checker
from gradcalc.checking.records import CheckResult
from gradcalc.mistakes import MISTAKES
from wrong_ways import IN_LAYERS, OF_THE_NET, Impossible, Net, Planted, answers, draw

SEEDS = range(8)
NETS = {seed: draw(np.random.default_rng(seed), seed % 4 + 1) for seed in SEEDS}
CHECKERS = {seed: load_checker(net.spec(), {}) for seed, net in NETS.items()}
RIGHT = {seed: answers(net, {}) for seed, net in NETS.items()}

#: Mistakes that need a net of their own are planted further down, or in the tests of their layers.
ELSEWHERE = {
    "wrong_kink", "margin_tested_wrong", "kernel_flipped", "not_carried_through_time", "gates_in_other_order",
    "attention_scale_missing", "mask_ignored", "statistics_held_fixed",
}  # fmt: skip


def same(one: Any, other: Any) -> bool:
    return np.shape(one) == np.shape(other) and np.allclose(one, other, 1e-5, 1e-8)


def planted(net: Net, mistakes: Planted) -> dict[str, Any] | None:
    """The answers under these mistakes; None where the net has no place for one, or gives no numbers then."""
    with np.errstate(all="ignore"):
        try:
            found = answers(net, mistakes)
        except Impossible:
            return None
    return found if all(np.isfinite(q).all() for q in found.values()) else None


def some(random: np.random.Generator, found: dict[str, Any]) -> dict[str, Any]:
    """All of the answers, or a part of them."""
    if random.integers(2):
        return found
    return {key: q for key, q in found.items() if random.integers(3)}


def names(result: CheckResult) -> list[set[str]]:
    """For every finding the mistakes that give its numbers."""
    return [{finding.mistake, *finding.also} for finding in result.diagnosis]


def single_mistakes(seed: int) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Every mistake in every place of a net, with a student's answers that differ from the right ones."""
    random = np.random.default_rng(seed)
    net = NETS[seed]
    places = [(mistake, i) for mistake in IN_LAYERS for i in range(len(net.W))]
    for mistake, at in [*places, *((mistake, -1) for mistake in OF_THE_NET)]:
        found = planted(net, {at: mistake})
        given = {} if found is None else some(random, found)
        if any(not same(q, RIGHT[seed][key]) for key, q in given.items()):
            yield mistake, at, given


def test_the_planted_mistake_is_named_where_it_was_made() -> None:
    missed, planted_ones, met = [], 0, set()
    for seed in SEEDS:
        for mistake, at, given in single_mistakes(seed):
            name = mistake.partition(" ")[0]
            result = CHECKERS[seed].check(given_of(given))
            if result.passed:  # oblong weights in the other layout, and the row of one example, are right
                assert name == "transposed" or (name == "bias_not_summed" and len(NETS[seed].x) == 1)
                continue
            planted_ones += 1
            met.add(name)
            where = {finding.layer for finding in result.diagnosis}
            for finding in result.diagnosis:
                CHECKERS[seed].lookup.find(finding.quantity)  # an address, as any other
            if not any(name in found for found in names(result)):
                missed.append((seed, mistake, at))
            elif at >= 0 and result.diagnosis[0].mistake == name:
                assert where == {f"layer{at + 1}"}, (seed, mistake, at, result.diagnosis)
                assert len(result.diagnosis) == 1, (seed, mistake, at, result.diagnosis)
    assert planted_ones > 400
    assert len(missed) <= planted_ones / 100, missed
    assert met | ELSEWHERE == {mistake.name for mistake in MISTAKES}


def test_two_mistakes_in_different_layers_are_both_found() -> None:
    carried = [m for m in IN_LAYERS if not m.startswith(("bias_summed", "gradient_of", "new_weights"))]
    missed, planted_ones = [], 0
    for seed in SEEDS:
        net, random = NETS[seed], np.random.default_rng(seed + 1000)
        for _ in range(6 if len(net.W) > 1 else 0):
            first, second = (int(i) for i in random.choice(len(net.W), 2, replace=False))
            both = {first: str(random.choice(carried)), second: str(random.choice(carried))}
            singles = [planted(net, {at: mistake}) for at, mistake in both.items()]
            found = planted(net, both)
            if found is None or any(one is None or _differs_nowhere(one, found, seed) for one in singles):
                continue
            result = CHECKERS[seed].check(given_of(found))
            planted_ones += 1
            wanted = {mistake.partition(" ")[0] for mistake in both.values()}
            if not all(any(name in told for told in names(result)) for name in wanted):
                missed.append((seed, both, result.diagnosis))
    assert planted_ones > 20
    assert len(missed) <= planted_ones / 20, missed


def _differs_nowhere(one: dict[str, Any], both: dict[str, Any], seed: int) -> bool:
    """Whether a mistake changes nothing by itself, or nothing beside the other."""
    nothing = all(same(q, RIGHT[seed][key]) for key, q in one.items())
    return nothing or all(same(q, both[key]) for key, q in one.items())


def test_a_right_answer_is_never_accused() -> None:
    """Ten thousand files: numbers off by less than the tolerance, or rounded to four digits and judged by those."""
    count = 0
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        for _ in range(1250):
            keys = [key for key in RIGHT[seed] if random.integers(16) == 0] or ["loss"]
            exact = random.integers(2)
            given = [_off(random, key, RIGHT[seed][key]) if exact else _rounded(key, RIGHT[seed][key]) for key in keys]
            result = CHECKERS[seed].check(given)
            assert (result.passed, result.diagnosis) == (True, ()), (seed, result)
            count += 1
    assert count == 10_000


def _off(random: np.random.Generator, name: str, q: Any) -> Given:
    """The numbers a little off."""
    q = np.asarray(q)
    return Given(name, q + random.uniform(-0.99, 0.99, q.shape) * (1e-8 + 1e-5 * np.abs(q)))


def _rounded(name: str, q: Any) -> Given:
    """The numbers with four decimals, as they are when they are written down so."""
    q = np.asarray(q)
    return Given(name, np.round(q, 4), np.full(q.shape, 0.5e-4))


def test_rounded_answers_that_are_not_near_enough_are_not_accused_of_a_mistake() -> None:
    for seed in SEEDS:
        for digits in (2, 3, 4, 5):
            given = [Given(key, np.round(q, digits)) for key, q in RIGHT[seed].items()]
            result = CHECKERS[seed].check(given)
            assert not result.diagnosis, (seed, digits, result.diagnosis)


def test_empty_answers_are_not_accused() -> None:
    """A loss of another kind can have no slope at all: that is no reason to find it in zeros."""
    net = {"input": [0.3, -1.2], "target": [1.0, 1.0], "loss": "half_square", "learning_rate": 1e-4}
    layers = [{"weights": [[8, 7], [1, 0.5]], "bias": [3, 4]}, {"weights": [[1.2, 3], [2, 1.7]], "bias": [0.1, 2]}]
    checker = load_checker({**net, "layers": layers}, {})
    zeros = {name: np.zeros_like(checker.result.quantity(name)) for name in ("dW1", "db1", "dW2", "db2", "dz1")}
    unmoved = {f"{name}_new": checker.result.quantity(name) for name in ("W1", "b1", "W2", "b2")}
    for given in (zeros, unmoved, {**zeros, **unmoved}):
        result = checker.check(given_of(given))
        assert not result.passed and not result.diagnosis, result.diagnosis


def test_random_numbers_are_not_accused() -> None:
    """A thousand files of which a random part is nonsense of the right shape."""
    for seed in SEEDS:
        random = np.random.default_rng(seed)
        for _ in range(125):
            keys = [key for key in RIGHT[seed] if random.integers(4) == 0] or ["loss", "dW1"]
            wrong = [key for key in keys if random.integers(3) == 0] or keys[:1]
            given = {
                key: random.standard_normal(np.shape(RIGHT[seed][key])) if key in wrong else RIGHT[seed][key]
                for key in keys
            }
            result = CHECKERS[seed].check(given_of(given))
            assert not result.passed and not result.diagnosis, (seed, result.diagnosis)
            assert result.first_wrong


KINKED: dict[str, Any] = {
    "input": [[1.0, 2.0], [0.5, -1.0]], "target": [[1.0], [0.0]], "loss": "half_square",
    "layers": [
        {"name": "h", "activation": "relu", "weights": [[2.0, 1.0], [-1.0, 0.5]], "bias": [0.0, -2.0]},
        {"name": "o", "weights": [[0.5], [-0.7]], "bias": [0.1]},
    ],
}  # fmt: skip


def test_the_other_slope_at_a_kink_is_named() -> None:
    x, W1, b1, W2 = (np.array(q) for q in (KINKED["input"], [[2.0, 1.0], [-1.0, 0.5]], [0.0, -2.0], [[0.5], [-0.7]]))
    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    dz2 = (a1 @ W2 + 0.1 - np.array(KINKED["target"])) / 2
    dz1 = dz2 @ W2.T * (z1 >= 0)  # the slope at 0 taken as 1
    assert (z1 == 0).sum() == 2
    checker = load_checker(KINKED, {})
    result = checker.check(given_of({"dz1": dz1, "dW1": x.T @ dz1, "db1": dz1.sum(axis=0), "dW2": a1.T @ dz2}))
    assert [(found.mistake, found.quantity) for found in result.diagnosis] == [("wrong_kink", "h.dz")]
    assert "right slope" in result.diagnosis[0].sentence


@pytest.mark.parametrize("kink", ["left", "right"])
@pytest.mark.parametrize(("activation", "below"), [("relu", 0.0), ("leaky_relu", 0.01)])
def test_a_kink_is_named_under_either_convention_and_when_carried_back(
    activation: str, below: float, kink: str
) -> None:
    """Below the layer with the kink there is one more, which is wrong of it."""
    x, W1, W2 = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[2.0, 1.0], [-1.0, 0.5]]), np.array([[0.5], [-0.7]])
    spec = {
        "input": x.tolist(), "target": [[1.0], [0.0]], "loss": "half_square", "kink": kink,
        "layers": [
            {"name": "g", "activation": "tanh", "weights": [[0.3, 0.2], [0.1, -0.4]], "bias": [0.0, 0.1]},
            {"name": "h", "activation": activation, "weights": W1.tolist(), "bias": [0.0, 0.0]},
            {"name": "o", "weights": W2.tolist(), "bias": [0.0]},
        ],
    }  # fmt: skip
    W0 = np.array([[0.3, 0.2], [0.1, -0.4]])
    a0 = np.tanh(x @ W0 + np.array([0.0, 0.1]))
    spec["layers"][1]["bias"] = (b1 := -(a0 @ W1)[0]).tolist()  # the first example stands at the kink in both units
    z1 = a0 @ W1 + b1
    z1[0] = 0.0
    a1 = np.where(z1 > 0, z1, below * z1)
    dz2 = (a1 @ W2 - np.array([[1.0], [0.0]])) / 2
    answers = {}
    for side, at in (("left", below), ("right", 1.0)):
        dz1 = dz2 @ W2.T * np.where(z1 > 0, 1.0, np.where(z1 == 0, at, below))
        dz0 = dz1 @ W1.T * (1 - a0**2)
        answers[side] = {"dz2": dz1, "dW2": a0.T @ dz1, "dW1": x.T @ dz0, "db1": dz0.sum(axis=0)}
    checker = load_checker(spec, {})
    assert checker.check(given_of(answers.pop(kink))).passed
    ((side, wrong),) = answers.items()
    for given in (wrong, {"dW1": wrong["dW1"], "db1": wrong["db1"]}):
        found = checker.check(given_of(given)).diagnosis
        assert [(one.mistake, one.quantity) for one in found] == [("wrong_kink", "h.dz")]
        assert f"{side} slope where z of layer h" in found[0].sentence


@pytest.mark.parametrize("loss", ["absolute_error", "mean_absolute_error"])
def test_a_kink_of_the_loss_is_named(loss: str) -> None:
    x, W = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[0.5], [-0.5]])
    spec = {
        "input": x.tolist(), "target": [[-0.5], [0.0]], "loss": loss, "layers": [{"name": "o", "weights": W.tolist()}]
    }  # fmt: skip
    da = np.array([[1.0], [1.0]]) / 2  # the first output is its target: ours has 0 there
    checker = load_checker(spec, {})
    for given in ({"da1": da, "dW1": x.T @ da}, {"dW1": x.T @ da}):
        found = checker.check(given_of(given)).diagnosis
        assert [(one.mistake, one.quantity) for one in found] == [("wrong_kink", "o.da")]
        assert "right slope where an output in the loss" in found[0].sentence


def test_where_the_penalty_is_all_there_is_a_wrong_sign_is_the_plainest() -> None:
    dead = [{**layer, "bias": [-20.0] * len(layer["bias"])} for layer in KINKED["layers"]]
    penalty = {"norm": "half_l2_squared", "strength": 0.1}
    checker = load_checker({**KINKED, "layers": dead, "regularization": [penalty]}, {})
    W1, W2 = (np.array(layer["weights"]) for layer in dead)
    for given in ({"dW1": -0.1 * W1}, {"dW1": -0.1 * W1, "dW2": -0.1 * W2}):
        found = checker.check(given_of(given)).diagnosis
        assert {one.mistake for one in found} == {"sign_flipped"} and len(found) == len(given)
        assert "regularization_factor" in found[0].also


def test_a_mistake_made_in_every_layer_is_told_of_each() -> None:
    seed = next(seed for seed in SEEDS if len(NETS[seed].W) == 3)
    found = planted(NETS[seed], dict.fromkeys(range(3), "sign_flipped dW"))
    assert found is not None
    result = CHECKERS[seed].check(given_of({key: q for key, q in found.items() if key[:2] in ("dW", "dz")}))
    assert [(one.mistake, one.layer) for one in result.diagnosis] == [("sign_flipped", f"layer{i}") for i in (3, 2, 1)]


def test_a_mistake_in_every_hidden_layer_is_seen_in_the_first_gradient_alone() -> None:
    seed = next(seed for seed in SEEDS if len(NETS[seed].W) == 3 and NETS[seed].f[-1] != "identity")
    found = planted(NETS[seed], dict.fromkeys((0, 1), "missing_activation_derivative"))
    assert found is not None
    result = CHECKERS[seed].check(given_of({"dW1": found["dW1"]}))
    assert {(one.mistake, one.layer) for one in result.diagnosis} == {
        ("missing_activation_derivative", "layer1"),
        ("missing_activation_derivative", "layer2"),
    }


@pytest.mark.parametrize("mistake", ["bias_not_summed first", "bias_summed_over_units"])
def test_a_bias_among_the_weights_has_its_mistakes_too(mistake: str) -> None:
    net = next(net for net in NETS.values() if len(net.x) > 1 and not net.strength)
    spec = net.spec()
    layers = [
        {"activation": layer["activation"], "weights": [layer["bias"], *layer["weights"]]} for layer in spec["layers"]
    ]
    found = planted(net, {0: mistake})
    assert found is not None
    result = load_checker({**spec, "layers": layers, "bias": "first"}, {}).check(
        given_of({"dW1": np.vstack([found["db1"], found["dW1"]])})
    )
    assert [one.mistake for one in result.diagnosis] == [mistake.partition(" ")[0]]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_every_mistake_says_what_it_is(mistake: Any) -> None:
    assert mistake.name.isidentifier() and mistake.title and mistake.example
    assert "{quantity}" in mistake.sentence and mistake.sentence.endswith(".") and mistake.sentence.isascii()
    said = [way for checker in CHECKERS.values() for way in _ways(checker, mistake.name)]
    for checker, way in said:
        sentence = mistake.sentence_of(checker._table.case, way)
        assert "{" not in sentence and (way.quantity in sentence)


def _ways(checker: Checker, name: str) -> Iterator[tuple[Checker, Any]]:
    for candidate in checker._table.candidates:
        if candidate.mistake.name == name:
            yield from ((checker, way) for way in candidate.ways)


SMALL: dict[str, Any] = {
    "input": [[0.3, -1.2], [1.0, 0.4]],
    "layers": [
        {"name": "h", "activation": "tanh", "weights": [[0.1, 0.2], [0.3, -0.4]], "bias": [0.1, 0.2]},
        {"name": "o", "weights": [[0.7], [-0.8]], "bias": [0.3]},
    ],
}
LEARNING = {**SMALL, "target": [[1], [2]], "loss": "square", "learning_rate": 0.1}


@pytest.mark.parametrize(
    ("spec", "quantity"),
    [
        (SMALL, "z1"),
        ({**SMALL, "upstream": [[1], [2]]}, "dW1"),
        ({**SMALL, "upstream": [[1], [2]], "dtype": "float32"}, "dW1"),
        (LEARNING, "dW2"),
        ({**LEARNING, "steps": 3}, "dW1"),
        ({**SMALL, "data": "columns", "target": [[1, 2]], "loss": "square", "average": "parameters"}, "db1"),
        ({**SMALL, "target": [[1], [2]], "loss": {"formula": "(a - y)^4"}}, "dW1"),
        ({"input": [0.2, 0.5], "target": [1, 0], "loss": "square", "layers": []}, "da0"),
        ({"input": 1, "target": 0, "loss": "square", "layers": [{"weights": 2, "bias": 1}]}, "dW1"),
    ],
    ids=str,
)
def test_a_sign_is_found_in_every_kind_of_problem(spec: dict[str, Any], quantity: str) -> None:
    checker = load_checker(spec, {})
    right = checker.result.quantity(quantity)
    result = checker.check(given_of({quantity: -right}))
    assert [finding.mistake for finding in result.diagnosis] == ["sign_flipped"]
    assert checker.check(given_of({quantity: right})).passed


def test_a_gradient_written_down_wrong_beside_right_new_weights() -> None:
    checker = load_checker(LEARNING, {})
    right = {f"{layer}.{name}": q for layer, name, q in checker.result.addresses() if layer}
    result = checker.check(given_of({**right, "h.dW": -right["h.dW"]}))
    assert [(finding.mistake, finding.quantity) for finding in result.diagnosis] == [("sign_flipped", "h.dW")]


def test_an_undefined_slope_is_right_where_ours_is() -> None:
    spec = {"input": [0], "target": [1], "loss": "square", "kink": "undefined"}
    layers = [{"activation": "relu", "weights": [[1]], "bias": [0]}]
    assert load_checker({**spec, "layers": layers}, {}).check(given_of({"dW1": [[float("nan")]]})).passed


def test_numbers_that_a_loose_tolerance_lets_agree_by_chance_accuse_nobody() -> None:
    checker = load_checker(LEARNING, {}, rtol=0.2)
    right = checker.result.quantity("loss")
    result = checker.check(given_of({"loss": 1.9 * right}))
    assert not result.passed and not result.diagnosis
    assert load_checker(LEARNING, {}).check(given_of({"loss": 2 * right})).diagnosis
