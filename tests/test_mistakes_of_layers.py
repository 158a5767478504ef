"""Mistakes planted in convolutions, recurrent layers, attention and the like are named; nobody else is accused."""

from __future__ import annotations

import tracemalloc
from functools import cache
from typing import Any

import numpy as np
import pytest

from gradcalc.checking.answers import Given, given_of
from gradcalc.checking.api import Checker, load_checker
from wrong_layers import PLANTED, SUBJECTS, nonsense

every_layer = pytest.mark.parametrize("name", SUBJECTS)


@cache
def checker(name: str) -> Checker:
    return load_checker(SUBJECTS[name].spec, {})


def given(numbers: dict[str, Any]) -> list[Given]:
    return given_of({f"l.{key}": q for key, q in numbers.items()})


@every_layer
def test_right_numbers_are_never_accused(name: str) -> None:
    right = SUBJECTS[name].compute("")
    assert checker(name).check(given(right)).passed
    for digits in (3, 4, 6):
        rounded = {key: np.round(q, digits) for key, q in right.items()}
        assert not checker(name).check(given(rounded)).diagnosis
        halves = [Given(f"l.{key}", q, np.full(np.shape(q), 0.5 * 10.0**-digits)) for key, q in rounded.items()]
        assert checker(name).check(halves).passed


@every_layer
def test_random_numbers_are_not_accused(name: str) -> None:
    right = SUBJECTS[name].compute("")
    for seed in range(30):
        result = checker(name).check(given(nonsense(seed, right)))
        assert not result.passed and not result.diagnosis, result.diagnosis


@pytest.mark.parametrize(("name", "wrong"), PLANTED)
def test_a_planted_mistake_is_named(name: str, wrong: str) -> None:
    numbers, right = SUBJECTS[name].compute(wrong), SUBJECTS[name].compute("")
    changed = {
        key: q for key, q in numbers.items() if np.shape(q) != right[key].shape or not np.allclose(q, right[key])
    }
    for some in (numbers, changed):
        result = checker(name).check(given(some))
        assert not result.passed
        found = [(one.mistake, *one.also) for one in result.diagnosis]
        assert len(found) == 1 and wrong.partition(" ")[0] in found[0], result.diagnosis
        assert found[0][0] == wrong.partition(" ")[0], result.diagnosis


def test_a_diagonal_needs_no_jacobian_of_thousands_of_outputs() -> None:
    units, draw = 3000, np.random.default_rng(0)
    layer = {"activation": "softmax", "weights": draw.standard_normal((2, units)), "bias": np.zeros(units)}
    spec = {"input": [[0.3, -1.2], [1.0, 0.4]], "target_classes": [3, 5], "loss": "cross_entropy", "layers": [layer]}
    wide = load_checker(spec, {})
    a, da = wide.result.quantity("a1"), wide.result.quantity("da1")
    tracemalloc.start()
    (found,) = wide.check(given_of({"dz1": da * a * (1 - a)})).diagnosis
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.mistake == "softmax_elementwise"
    assert peak < 2 * units * units * 8 / 2  # half of what both Jacobians would take


#: A spec with a tie or a kink, and what is wrong of it under each other choice.
TIED: dict[str, tuple[dict[str, Any], dict[str, dict[str, Any]]]] = {
    "max_pool2d": (
        {"input": [[[1, 3, 2, 2], [3, 0, 0, 2]]], "layers": [{"name": "l", "type": "max_pool2d", "kernel": 2}],
         "upstream": [[[6.0, 3.0]]]},
        {
            "in full to each": {"dx": [[[0, 6, 3, 3], [6, 0, 0, 3]]]},
            "in equal parts to each": {"dx": [[[0, 3, 1, 1], [3, 0, 0, 1]]]},
        },
    ),
    "global_max_pool": (
        {"input": [[4, 4, 1], [2, 0, 1]], "layers": [{"name": "l", "type": "global_max_pool", "ties": "split"}],
         "upstream": [7.5, 1.3]},
        {
            "to the first one alone": {"dx": [[7.5, 0, 0], [1.3, 0, 0]]},
            "in full to each": {"dx": [[7.5, 7.5, 0], [1.3, 0, 0]]},
        },
    ),
    "sparsemax": (
        {"input": [1.0, 0.0], "layers": [{"name": "l", "type": "activation", "activation": "sparsemax"}],
         "upstream": [3.7, 1.5]},
        {"follows 'ties: split'": {"dx": [0.55, -0.55]}},
    ),
    "rnn": (
        {"input": [[1.0], [2.0], [-3.0]], "upstream": [[1.3], [0.7], [0.9]],
         "layers": [{"name": "l", "type": "rnn", "activation": "relu", "Wx": [[0.5]], "Wh": [[1.5]], "bias": [-0.5]}]},
        # z is 0, 0.5 and -1.25: with the slope 1 at 0 the first step has dz = 1.3 + 1.5 * 0.7
        {"right slope": {"dz": [[2.35], [0.7], [0]], "dWx": [[2.35 + 1.4]]}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TIED)
def test_another_rule_for_ties_is_named(name: str) -> None:
    spec, wrong = TIED[name]
    checked = load_checker(spec, {})
    for words, numbers in wrong.items():
        (found,) = checked.check(given(numbers)).diagnosis
        assert found.mistake == "wrong_kink" and words in found.sentence, found
