"""Kinks are declared, not left to how a comparison falls out: every side is the derivative from that side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from mpmath import mpf

import references
from further_inputs import further_of
from gradcalc.functions import entries, find
from gradcalc.functions.entry import (
    SIDES,
    Elementwise,
    ElementwiseLoss,
    Entry,
    Kink,
    Norm,
    VectorActivation,
    VectorLoss,
)
from gradcalc.numerics import arrays, scalar

STEP = 1e-12

# Section 9 of the catalogue, and what its contract says of the losses: place, left, right, default.
KINKS = [
    ("step", {}, (), 0.0, 0.0, 0.0, 0.0),
    ("relu", {}, (), 0.0, 0.0, 1.0, 0.0),
    ("leaky_relu", {}, (), 0.0, 0.01, 1.0, 0.01),
    ("leaky_relu", {"alpha": 0.3}, (), 0.0, 0.3, 1.0, 0.3),
    ("prelu", {}, (), 0.0, 0.25, 1.0, 0.25),
    ("sign", {}, (), 0.0, 0.0, 0.0, 0.0),
    ("relu6", {}, (), 0.0, 0.0, 1.0, 0.0),
    ("relu6", {}, (), 6.0, 1.0, 0.0, 0.0),
    ("relu_general", {"negative_slope": 0.1}, (), 0.0, 0.1, 1.0, 0.1),
    ("relu_general", {"max_value": 2.0}, (), 2.0, 1.0, 0.0, 0.0),
    ("relu_general", {"negative_slope": 0.1, "threshold": 1.5}, (), 1.5, 0.1, 1.0, 0.1),
    ("relu_general", {"negative_slope": 0.1, "max_value": -1.0}, (), -1.0, 0.1, 0.0, 0.0),
    ("rrelu", {}, (), 0.0, 11 / 48, 1.0, 11 / 48),
    ("threshold", {"theta": 0.1, "value": -3.0}, (), 0.1, 0.0, 1.0, 0.0),
    ("threshold", {}, (), 0.0, 0.0, 1.0, 0.0),
    ("elu", {"alpha": 0.7}, (), 0.0, 0.7, 1.0, 0.7),
    ("selu", {}, (), 0.0, 1.7580993408473768, 1.0507009873554805, 1.7580993408473768),
    ("hard_sigmoid", {}, (), -3.0, 0.0, 1 / 6, 0.0),
    ("hard_sigmoid", {}, (), 3.0, 1 / 6, 0.0, 0.0),
    ("hard_sigmoid_onnx", {}, (), -2.5, 0.0, 0.2, 0.0),
    ("hard_sigmoid_onnx", {}, (), 2.5, 0.2, 0.0, 0.0),
    ("hard_sigmoid_onnx", {"alpha": -0.25}, (), -2.0, 0.0, -0.25, 0.0),
    ("hard_sigmoid_onnx", {"alpha": -0.25}, (), 2.0, -0.25, 0.0, 0.0),
    ("sparse_sigmoid", {}, (), -1.0, 0.0, 0.5, 0.0),
    ("sparse_sigmoid", {}, (), 1.0, 0.5, 0.0, 0.0),
    ("hard_tanh", {}, (), -1.0, 0.0, 1.0, 0.0),
    ("hard_tanh", {}, (), 1.0, 1.0, 0.0, 0.0),
    ("softshrink", {}, (), -0.5, 1.0, 0.0, 0.0),
    ("softshrink", {}, (), 0.5, 0.0, 1.0, 0.0),
    ("hardshrink", {}, (), -0.5, 1.0, 0.0, 0.0),
    ("hardshrink", {}, (), 0.5, 0.0, 1.0, 0.0),
    ("hard_silu", {}, (), -3.0, 0.0, -0.5, 0.0),
    ("hard_silu", {}, (), 3.0, 1.5, 1.0, 1.0),
    ("squareplus", {"b": 0.0}, (), 0.0, 0.0, 1.0, 0.5),
    ("absolute_error", {}, (2.5,), 2.5, -1.0, 1.0, 0.0),
    ("smooth_l1", {"beta": 0.0}, (2.5,), 2.5, -1.0, 1.0, 0.0),
    ("mape", {}, (2.5,), 2.5, -40.0, 40.0, 0.0),
    ("mape", {"eps": 5.0}, (-2.5,), -2.5, -20.0, 20.0, 0.0),
    ("msle", {"clip": 1.0}, (0.0,), 1.0, 0.0, 0.0, 0.0),
    ("msle", {"clip": 1.0}, (3.0,), 1.0, 0.0, -math.log(2), -math.log(2)),
    ("perceptron", {}, (1.0,), 0.0, -1.0, 0.0, 0.0),
    ("perceptron", {}, (-1.0,), 0.0, 0.0, 1.0, 0.0),
    ("perceptron", {"labels": "01"}, (0.0,), 0.0, 0.0, 1.0, 0.0),
    ("hinge_embedding", {"margin": 0.5}, (-1.0,), 0.5, -1.0, 0.0, -1.0),
    ("hinge_embedding", {}, (1.0,), 1.0, 1.0, 1.0, 1.0),
    ("hinge", {}, (1.0,), 1.0, -1.0, 0.0, 0.0),
    ("hinge", {}, (-1.0,), -1.0, 0.0, 1.0, 0.0),
    ("hinge", {"labels": "01"}, (1.0,), 1.0, -1.0, 0.0, 0.0),
    ("hinge", {"labels": "01"}, (0.0,), -1.0, 0.0, 1.0, 0.0),
]


@pytest.mark.parametrize(("name", "given", "target", "at", "left", "right", "default"), KINKS)
def test_the_kinks_of_the_catalogue(
    name: str, given: dict[str, Any], target: tuple[float, ...], at: float, left: float, right: float, default: float
) -> None:
    entry = find(name)
    assert isinstance(entry, Elementwise | ElementwiseLoss)
    parameters = list(entry.parameters(given).values())
    (kink,) = (kink for kink in entry.kinks if kink.at(*target, *parameters) == at)
    shown = {side: kink.shown(side, *target, *parameters) for side in SIDES}
    assert (shown["left"], shown["right"], shown["default"]) == (left, right, default)
    assert shown["midpoint"] == (left + right) / 2
    assert math.isnan(shown["undefined"])
    assert entry.derivative(scalar, at, *target, *parameters) == default
    with np.errstate(all="ignore"):
        assert entry.derivative(arrays, np.array(at), *map(np.array, target), *parameters) == default


def _one_sided(value: Callable[[Any], Any], at: float) -> tuple[float, float]:
    """Both difference quotients of the reference at a point."""
    centre, step = value(mpf(at)), mpf(STEP)
    return float((centre - value(at - step)) / step), float((value(at + step) - centre) / step)


def _kinks() -> Iterator[tuple[str, dict[str, Any], float | None, str]]:
    """Each function's kinks in its input, for several targets, and those in its target, for several predictions."""
    for entry in entries():
        for given in references.of(entry.name).parameters if isinstance(entry, Elementwise | ElementwiseLoss) else ():
            if not isinstance(entry, ElementwiseLoss):
                yield entry.name, dict(given), None, "kinks"
                continue
            parameters = entry.parameters(given)
            for y in entry.targets(parameters).members or (0.3, 1.0):
                yield entry.name, dict(given), y, "kinks"
            for x in (1.0, -1.0) if entry.target_kinks else ():
                if x in entry.domain:
                    yield entry.name, dict(given), x, "target_kinks"


@pytest.mark.parametrize(("name", "given", "other", "kinks"), list(_kinks()))
def test_sides_are_the_one_sided_derivatives(name: str, given: dict[str, Any], other: float | None, kinks: str) -> None:
    entry, reference = find(name), references.of(name)
    parameters = [*further_of(entry).values(), *entry.parameters(given).values()]
    exact = [mpf(p) if isinstance(p, float) else p for p in parameters]
    for kink in getattr(entry, kinks, ()):
        inputs = () if other is None else (other,)
        at = kink.at(*inputs, *parameters)
        if kink.jump or at != at:
            continue
        held = [mpf(x) for x in inputs]
        value = _of_target if kinks == "target_kinks" else _of_prediction
        differences = _one_sided(lambda x: value(reference, x, held, exact), at)  # noqa: B023  # called at once
        sides = (kink.left(*inputs, *parameters), kink.right(*inputs, *parameters))
        assert sides == pytest.approx(differences, rel=1e-3, abs=1e-3 * max(map(abs, differences)))


def _of_prediction(reference: references.Reference, x: Any, held: list[Any], parameters: list[Any]) -> Any:
    return _summed(reference.value(x, *held, *parameters))


def _of_target(reference: references.Reference, y: Any, held: list[Any], parameters: list[Any]) -> Any:
    return _summed(reference.value(*held, y, *parameters))


def _summed(terms: Any) -> Any:
    return sum(terms) if isinstance(terms, tuple) else terms


VECTORS = [
    ("lp_norm", {"p": 1.0}, ([0.0, 2.0, -3.0],), [True, False, False], [0.0, 1.0, -1.0]),
    ("lp_norm", {"p": 0.5}, ([0.0, 2.0, -3.0],), [True, False, False], None),
    ("lp_norm", {"p": 2.0}, ([0.0, 2.0, -3.0],), [False] * 3, None),
    ("lp_norm", {"p": 1.5}, ([0.0, 2.0, -3.0],), [False] * 3, None),
    ("lp_norm", {"p": 1.0}, ([0.0, 0.0],), [True, True], [0.0, 0.0]),
    ("lp_norm", {"p": 3.0}, ([0.0, -0.0],), [True, True], [0.0, 0.0]),
    ("lp_norm", {"p": 0.5}, ([0.0, -0.0],), [True, True], [0.0, 0.0]),
    ("lp_norm", {"p": math.inf}, ([0.0, 0.0],), [True, True], [0.0, 0.0]),
    ("lp_norm", {"p": math.inf}, ([1.0, -3.0],), [False, False], [0.0, -1.0]),
    ("mean_absolute_error", {}, ([1.0, 2.0], [1.0, 3.0]), [True, False], [0.0, -0.5]),
    ("svm_loss", {}, ([1.0, 2.0, 3.0], 1), [True, True, False], [0.0, -1.0, 1.0]),
    ("svm_loss", {"p": 2.0}, ([1.0, 2.0, 3.0], 1), [False] * 3, [0.0, -4.0, 4.0]),
    ("svm_loss", {"margin": 0.5}, ([1.0, 2.0, 1.5], 1), [False, True, True], [0.0, 0.0, 0.0]),
    ("multi_margin", {}, ([1.0, 2.0, 3.0], 1), [True, True, False], [0.0, -1 / 3, 1 / 3]),
    ("multilabel_margin", {}, ([1.0, 2.0, 2.5], [0.0, 1.0, 0.0]), [True, True, False], [0.0, -1 / 3, 1 / 3]),
    ("cross_entropy", {"clip": 0.25}, ([0.25, 0.5, 0.1], [0.5, 0.25, 0.25]), [True, False, False], [-2.0, -0.5, 0.0]),
    ("cross_entropy", {"clip": 0.25}, ([0.75, 0.25, 0.1], [1.0, 0.0, 0.0]), [True, False, False], [-4 / 3, 0.0, 0.0]),
]


@pytest.mark.parametrize(("name", "given", "inputs", "where", "default"), VECTORS)
def test_sides_of_vectors_are_the_one_sided_derivatives(
    name: str, given: dict[str, Any], inputs: tuple[Any, ...], where: list[bool], default: list[float] | None
) -> None:
    entry, reference = find(name), references.of(name)
    assert isinstance(entry, Norm | VectorLoss)
    assert entry.at_kink is not None
    parameters = list(entry.parameters(given).values())
    x, *rest = map(np.array, inputs)
    with np.errstate(all="ignore"):
        left, right, shown = (entry.gradient(np, x, *rest, side, *parameters) for side in ("left", "right", "default"))
        assert entry.at_kink(np, x, *rest, *parameters).tolist() == where
    assert ((left != right) == where).all()
    if default is not None:
        assert shown.tolist() == default
    exact = [mpf(p) if isinstance(p, float) else p for p in parameters]
    held = [tuple(map(mpf, y)) if isinstance(y, list) else y for y in inputs[1:]]
    for j in range(len(x)):
        entries_of = [mpf(entry) for entry in inputs[0]]

        def value(at: Any, j: int = j, entries_of: list[Any] = entries_of) -> Any:
            return reference.value((*entries_of[:j], mpf(at), *entries_of[j + 1 :]), *held, *exact)

        differences = _one_sided(value, inputs[0][j])
        for got, expected in zip((left[j], right[j]), differences, strict=True):
            if math.isinf(got):
                assert got * expected > 0
                assert abs(expected) > 1000
            else:
                assert got == pytest.approx(expected, rel=1e-5, abs=1e-4)


SMOOTH = [("celu", {"alpha": 0.7}, 0.0, 1.0), ("sparse_plus", {}, -1.0, 0.0), ("sparse_plus", {}, 1.0, 1.0)]
SMOOTH += [("softsign", {}, 0.0, 1.0), ("squareplus", {}, 0.0, 0.5), ("hard_tanh", {"min": 1.0, "max": 1.0}, 1.0, 0.0)]
SMOOTH += [("softshrink", {"lambd": 0.0}, 0.0, 1.0), ("hardshrink", {"lambd": 0.0}, 0.0, 1.0)]


@pytest.mark.parametrize(("name", "given", "at", "slope"), SMOOTH)
def test_where_there_is_no_kink(name: str, given: dict[str, Any], at: float, slope: float) -> None:
    entry = find(name)
    assert isinstance(entry, Elementwise)
    parameters = list(entry.parameters(given).values())
    assert not any(kink.at(*parameters) == at for kink in entry.kinks)
    assert entry.derivative(scalar, at, *parameters) == slope


def test_ties_at_the_threshold_of_sparsemax() -> None:
    sparsemax = find("sparsemax")
    assert isinstance(sparsemax, VectorActivation)
    x = np.array([[1.0, 0.0, -3.0], [0.5, 0.5, 0.5], [0.7, -0.3, 0.0]])
    for ties, tied in (("first", 0.0), ("split", 0.25)):
        first, second, third = sparsemax.jacobian(np, x, ties)
        assert first.tolist() == [[tied, -tied, 0.0], [-tied, tied, 0.0], [0.0] * 3]
        np.testing.assert_allclose(second, np.eye(3) - 1 / 3, rtol=1e-15)
        assert third.tolist() == [[0.5, 0.0, -0.5], [0.0] * 3, [-0.5, 0.0, 0.5]]
        # 0.7 and -0.3 as floats are less than 1 apart, by less than a rounding
        near = sparsemax.jacobian(np, np.array([0.7, -0.3]), ties)
        assert near.tolist() == [[0.5, -0.5], [-0.5, 0.5]]


def test_ties_of_the_largest_entry() -> None:
    norm = find("lp_norm")
    assert isinstance(norm, Norm)
    x = np.array([[2.0, -2.0, 1.0]])
    assert norm.gradient(np, x, "default", math.inf, "split").tolist() == [[0.5, -0.5, 0.0]]
    assert norm.gradient(np, x, "default", math.inf, "first").tolist() == [[1.0, 0.0, 0.0]]
    assert not norm.at_kink(np, x, math.inf, "split").any()


# Section 8: JAX splits the slope of a maximum among those who tie for it.
TIES = [
    ("multiclass_hinge", [2.0, 1.0], 0, [-0.5, 0.5], [0.0, 0.0]),
    ("multiclass_perceptron", [1.0, 1.0], 1, [0.5, -0.5], [1.0, -1.0]),
    ("categorical_hinge", [1.0, 0.0], [1.0, 0.0], [-0.5, 0.25], [0.0, 0.0]),
]


@pytest.mark.parametrize(("name", "x", "y", "split", "first"), TIES)
def test_ties_of_the_largest_score(name: str, x: list[float], y: Any, split: list[float], first: list[float]) -> None:
    loss = find(name)
    assert isinstance(loss, VectorLoss)
    assert loss.gradient(np, np.array(x), np.array(y), "default", "split").tolist() == split
    assert loss.gradient(np, np.array(x), np.array(y), "default", "first").tolist() == first


def test_a_kink_of_a_slope_of_one_is_none() -> None:
    (kink,) = find("leaky_relu").kinks  # type: ignore[attr-defined]  # an Elementwise
    assert isinstance(kink, Kink)
    assert kink.left(1.0) == kink.right(1.0)


def test_one_slope_per_unit() -> None:
    prelu: Entry = find("prelu")
    assert isinstance(prelu, Elementwise)
    alpha, z = np.array([0.1, 0.2]), np.array([[-1.0, -1.0], [2.0, 0.0]])
    assert prelu.value(arrays, z, alpha).tolist() == [[-0.1, -0.2], [2.0, 0.0]]
    assert prelu.derivative(arrays, z, alpha).tolist() == [[0.1, 0.2], [1.0, 0.2]]
