"""`check` on every layer and bundled example: right answers pass, a quantity doubled is told, nothing is a crash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commands import in_process
from gradcalc.backpropagation import BackpropResult
from gradcalc.checking.answers import Given
from gradcalc.checking.api import Checker, load_checker
from gradcalc.differencing.api import of_result
from gradcalc.differencing.replaced import by_differences
from gradcalc.examples import examples
from gradcalc.layers import entries

#: Two steps take as many ways through the code as a hundred.
SPECS = {
    **{one.name: re.sub(r"\bsteps: \d+", "steps: 2", one.text) for one in examples()},
    **{entry.type: entry.example for entry in entries()},
}

every_spec = pytest.mark.parametrize("name", SPECS)


def checker_of(name: str, folder: Path) -> Checker:
    path = folder / ("spec.json" if SPECS[name].startswith("{") else "spec.yaml")
    path.write_text(SPECS[name])
    return load_checker(str(path), {})


def quantities(result: BackpropResult) -> dict[str, Any]:
    return {f"{layer}.{letter}" if layer else letter: numbers for layer, letter, numbers in result.addresses()}


def spared(result: BackpropResult) -> set[str]:
    """What the spec states or another layer's a is already, and new parameters: a student has no factor wrong there."""
    named = quantities(result)
    own = {f"{layer.name}.{letter}" for layer in result.problem.layers for letter in layer.parameters}
    own |= {address for address in named if ".x" in address or address.endswith("_new")}
    return own | {"a0", *(f"{one.name}.a" for one in result.inputs)}


def some(right: dict[str, Any], result: BackpropResult) -> list[str]:
    """The quantities that are doubled: all, but some in large nets."""
    told = [name for name, numbers in right.items() if np.isfinite(numbers).all() and numbers.any()]
    large = sum(numbers.size for numbers in right.values()) > 5000
    return told[-1::-8] if large else told


@every_spec
def test_what_backprop_writes_passes(name: str, tmp_path: Path) -> None:
    checker = checker_of(name, tmp_path)
    data = in_process("backprop", "-", "--format", "json", stdin=SPECS[name]).out.encode()
    result = checker.check_file("answers.json", data)
    assert result.passed and not result.missing and not result.diagnosis, result
    assert {item.quantity for item in result.items} == set(quantities(checker.result))


@every_spec
def test_a_quantity_doubled_is_off_and_named(name: str, tmp_path: Path) -> None:
    checker = checker_of(name, tmp_path)
    right = quantities(checker.result)
    for address in some(right, checker.result):
        given = [Given(one, array * (2 if one == address else 1)) for one, array in right.items()]
        result = checker.check(given)
        assert not result.passed
        assert [item.quantity for item in result.items if not item.ok] == [address]
        told = {name for found in result.diagnosis for name in (found.mistake, *found.also)}
        assert "constant_factor" in told or address in spared(checker.result), (address, result)


@every_spec
def test_every_gradient_agrees_with_differences(name: str, tmp_path: Path) -> None:
    checker = checker_of(name, tmp_path)
    found = of_result(checker.result, samples=4)
    assert found.passed, found
    assert all(item.compared or item.note for item in found.items)
    result = checker.result
    expected = {f"{layer.name}.d{letter}" for layer in result.problem.layers for letter in layer.parameters}
    expected |= {f"{one.name}.da" for one in result.inputs}
    if not result.inputs:
        expected.add(f"{result.layers[0].name}.dx" if result.layers else "da0")
    assert {item.quantity for item in found.items} == expected & set(quantities(result))


@every_spec
def test_right_numbers_pass_against_differences(name: str, tmp_path: Path) -> None:
    checker = checker_of(name, tmp_path)
    if sum(numbers.size for numbers in quantities(checker.result).values()) < 100 and checker.result.problem.steps == 1:
        numeric = Checker(by_differences(checker.result), problem=checker.result.problem)
        given = [Given(one, array) for one, array in quantities(checker.result).items()]
        assert numeric.check(given).passed
