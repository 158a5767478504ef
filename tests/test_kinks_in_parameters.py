"""Kinks in the parameters of elementwise functions: both sides are one-sided differences in the parameter."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from mpmath import mpf

import references
from commands import in_process
from further_inputs import further_of
from gradcalc import evaluate
from gradcalc.functions import entries, find
from gradcalc.functions.entry import Elementwise, ElementwiseLoss, Param

STEP = mpf(1e-12)

#: Settings whose kinks in a parameter no kink in the input shows, and a kink's input under the defaults.
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "gaussian_nll": [{"var": 0.5, "eps": 0.5}],
    "mape": [{"eps": 0.3}, {"eps": 1.0}],
    "relu_general": [
        {"max_value": 2.0}, {"threshold": 1.5, "negative_slope": 0.1}, {"max_value": -1.0, "negative_slope": 0.1},
    ],
    "hard_sigmoid_onnx": [{"alpha": 0.0, "beta": 0.0}, {"alpha": 0.0, "beta": 1.0}, {"alpha": -0.25}],
    "softshrink": [{"lambd": 0.0}],
}  # fmt: skip


def _cases() -> Iterator[Any]:
    for entry in entries():
        if isinstance(entry, Elementwise | ElementwiseLoss):
            for param in entry.params:
                if param.derivative:
                    yield pytest.param(entry, param, id=f"{entry.name} {param.name}")


def _points(entry: Any, parameters: dict[str, Any]) -> Iterator[tuple[float, ...]]:
    """Inputs on every kink, with targets, and some others."""
    domain, targets = entry.inputs(parameters), [()]
    if isinstance(entry, ElementwiseLoss):
        allowed = entry.targets(parameters)
        targets = [(y,) for y in allowed.members or (0.3, 1.0, -1.0) if y in allowed]
    for y in targets:
        held = (*y, *further_of(entry).values())
        places = {float(kink.at(*held, *parameters.values())) for kink in entry.kinks} | {-1.0, 0.25, 2.0, 3.0}
        yield from ((x, *held) for x in sorted(places) if x == x and x in domain)


def _differences(entry: Any, param: Param, taken: list[Any], place: int) -> tuple[Any, Any, bool] | None:
    """Both difference quotients of the reference in a parameter inside its domain, and whether the value jumps."""
    at = taken[place]
    if at is None or any(float(at + step) not in param.domain for step in (-1e-12, 1e-12)):
        return None
    exact = [mpf(v) if isinstance(v, float) else v for v in taken]

    def value(shift: Any) -> Any:
        found = references.of(entry.name).value(*exact[:place], exact[place] + shift, *exact[place + 1 :])
        return sum(found) if isinstance(found, tuple) else found

    below, here, above = value(-STEP), value(0), value(STEP)
    return (here - below) / STEP, (above - here) / STEP, max(abs(here - below), abs(above - here)) > 1e-3


@pytest.mark.parametrize(("entry", "param"), list(_cases()))
def test_sides_are_the_one_sided_differences_in_the_parameter(entry: Any, param: Param) -> None:
    place = [p.name for p in entry.params].index(param.name) - len(entry.params)
    for given in itertools.chain(references.of(entry.name).parameters, SETTINGS.get(entry.name, [])):
        parameters = entry.parameters(given)
        for point in _points(entry, parameters):
            taken = [*point, *parameters.values()]
            expected = _differences(entry, param, taken, len(taken) + place)
            if expected is None:
                continue
            left, right, jump = expected
            with_ = {one.name: value for one, value in zip(entry.further, point[2:], strict=True)}
            found = {
                side: evaluate(
                    entry.name, point[0], target=point[1] if len(point) > 1 else None, parameters=given,
                    with_=with_ or None, wrt=param.name, kink=side,
                )
                for side in ("default", "left", "right", "midpoint", "undefined")
            }  # fmt: skip
            slope = {side: answer.points[0].derivative for side, answer in found.items()}
            if jump:
                assert found["left"].points[0].at_kink, (given, point)
                continue
            size = 1e-3 * max(abs(left), abs(right)) + mpf(1e-9)
            assert slope["left"] == pytest.approx(float(left), abs=float(size)), (given, point)
            assert slope["right"] == pytest.approx(float(right), abs=float(size)), (given, point)
            assert slope["default"] in (slope["left"], slope["right"])
            differ = slope["left"] != slope["right"]
            assert found["left"].points[0].at_kink is differ, (given, point)
            if differ:
                assert slope["midpoint"] == (slope["left"] + slope["right"]) / 2
                assert slope["undefined"] != slope["undefined"]


def test_the_kink_is_told_by_the_slopes_in_the_parameter() -> None:
    told = in_process("eval", "softshrink", "0.5", "--wrt", "lambd", "--kink", "left").out
    assert "kink at lambd = 0.5: left -1, right 0, shown -1 (--kink)" in told


@pytest.mark.parametrize(("name", "low", "high"), [("hard_tanh", "min_val", "max_val"), ("rrelu", "lower", "upper")])
def test_bounds_in_the_wrong_order_are_refused(name: str, low: str, high: str) -> None:
    ran = in_process("eval", name, "1", "-p", f"{low}=2", "-p", f"{high}=1")
    assert ran.code == 2
    assert f"{name}: {low} must be at most {high}, not 2 with {high} = 1" in ran.err
    assert find(name).parameters({low: 3, high: 4}) == {low: 3.0, high: 4.0}
