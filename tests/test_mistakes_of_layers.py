"""Mistakes planted in convolutions, recurrent layers, attention and the like are named; nobody else is accused."""

from __future__ import annotations

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
