"""Every number is within 4 units in the last place of the catalogue's formula, over the whole of float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from mpmath import exp, log1p, mpf, sign

import references
from further_inputs import further_of, target_of
from gradcalc.functions import entries, find
from gradcalc.functions.entry import (
    Elementwise,
    ElementwiseLoss,
    Entry,
    Norm,
    VectorActivation,
    VectorLoss,
    VectorToScalar,
)
from gradcalc.functions.joint import JointLoss
from gradcalc.numerics import arrays, scalar
from measured import read
from references.measure import measure, quantities, setting_of
from references.sigmoid import logistic
from references.ulps import PROMISE, error_of

each_entry = pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)


@each_entry
def test_a_function_has_a_reference(entry: Entry) -> None:
    reference = references.of(entry.name)
    trained = {param.name for param in entry.params if param.derivative is not None}
    assert set(reference.by_parameter) == trained
    assert set(reference.by_input) == {one.name for one in entry.further}


@each_entry
def test_every_number_is_within_the_promise(entry: Entry) -> None:
    worst = max(measure(entry))
    assert worst.ulps <= PROMISE, f"{entry.name}: {worst}"


def test_the_manual_has_the_measured_error_of_every_function() -> None:
    rows = read()
    assert [row.function for row in rows] == [entry.name for entry in entries()]
    assert all(float(row.ulp) <= PROMISE for row in rows)


@pytest.mark.parametrize("entry", [e for e in entries() if isinstance(e, VectorActivation)], ids=lambda e: e.name)
def test_the_product_with_the_jacobian_is_that_of_the_jacobian(entry: VectorActivation) -> None:
    draw = np.random.default_rng(5)
    for given in references.of(entry.name).parameters:
        parameters = list(entry.parameters(given).values())
        for spread in (0.1, 3.0, 40.0):
            z, upstream = draw.normal(0, spread, (6, 4, 6)), draw.normal(0, 1, (6, 4, entry.outputs(6)))
            expected = (upstream[..., None, :] @ entry.jacobian(np, z, *parameters))[..., 0, :]
            got = entry.vjp(np, z, upstream, *parameters)
            size = np.abs(expected).max(axis=-1, keepdims=True)
            assert np.all(np.abs(got - expected) <= 1e-13 * size + 1e-15 * np.abs(upstream).max() / spread)


def test_a_large_batch_has_the_numbers_of_its_rows() -> None:
    draw = np.random.default_rng(6)
    x, y = draw.normal(0, 3, (300, 400)), draw.random((300, 400))
    for entry in entries():
        if isinstance(entry, VectorLoss) and entry.takes != "class":
            inputs = (np.abs(np.tanh(x)), y)
        elif isinstance(entry, VectorActivation):
            inputs = (x,)
        else:
            continue
        parameters = list(entry.parameters({}).values())
        whole = entry.value(np, *inputs, *parameters)
        rows = np.array([entry.value(np, *row, *parameters) for row in zip(*inputs, strict=True)])
        assert np.array_equal(whole, rows), entry.name


# What each function does at infinite inputs: parameters, inputs, then value and derivative.
LIMITS = [
    ("sigmoid", (math.inf,), 1.0, 0.0),
    ("sigmoid", (-math.inf,), 0.0, 0.0),
    ("tanh", (-math.inf,), -1.0, 0.0),
    ("relu", (-math.inf,), 0.0, 0.0),
    ("relu", (math.inf,), math.inf, 1.0),
    ("leaky_relu", (-math.inf,), -math.inf, 0.01),
    ("step", (math.inf,), 1.0, 0.0),
    ("identity", (-math.inf,), -math.inf, 1.0),
    ("sign", (-math.inf,), -1.0, 0.0),
    ("relu6", (math.inf,), 6.0, 0.0),
    ("relu_general", (-math.inf,), 0.0, 0.0),
    ("rrelu", (-math.inf,), -math.inf, 11 / 48),
    ("threshold", (-math.inf,), 0.0, 0.0),
    ("elu", (-math.inf,), -1.0, 0.0),
    ("celu", (-math.inf,), -1.0, 0.0),
    ("selu", (-math.inf,), -1.7580993408473768, 0.0),
    ("selu", (math.inf,), math.inf, 1.0507009873554805),
    ("gelu", (-math.inf,), 0.0, 0.0),
    ("gelu", (math.inf,), math.inf, 1.0),
    ("gelu_tanh", (-math.inf,), 0.0, 0.0),
    ("gelu_tanh", (math.inf,), math.inf, 1.0),
    ("silu", (-math.inf,), 0.0, 0.0),
    ("silu", (math.inf,), math.inf, 1.0),
    ("quick_gelu", (-math.inf,), 0.0, 0.0),
    ("quick_gelu", (math.inf,), math.inf, 1.0),
    ("log_sigmoid", (-math.inf,), -math.inf, 1.0),
    ("log_sigmoid", (math.inf,), 0.0, 0.0),
    ("hard_sigmoid", (-math.inf,), 0.0, 0.0),
    ("hard_sigmoid_onnx", (math.inf,), 1.0, 0.0),
    ("sparse_sigmoid", (math.inf,), 1.0, 0.0),
    ("hard_tanh", (-math.inf,), -1.0, 0.0),
    ("tanhshrink", (-math.inf,), -math.inf, 1.0),
    ("softshrink", (-math.inf,), -math.inf, 1.0),
    ("hardshrink", (math.inf,), math.inf, 1.0),
    ("softplus", (-math.inf,), 0.0, 0.0),
    ("softplus", (math.inf,), math.inf, 1.0),
    ("squareplus", (-math.inf,), 0.0, 0.0),
    ("squareplus", (math.inf,), math.inf, 1.0),
    ("sparse_plus", (-math.inf,), 0.0, 0.0),
    ("sparse_plus", (math.inf,), math.inf, 1.0),
    ("softsign", (-math.inf,), -1.0, 0.0),
    ("softsign", (math.inf,), 1.0, 0.0),
    ("hard_silu", (-math.inf,), 0.0, 0.0),
    ("hard_silu", (math.inf,), math.inf, 1.0),
    ("mish", (-math.inf,), 0.0, 0.0),
    ("mish", (math.inf,), math.inf, 1.0),
    ("exponential", (-math.inf,), 0.0, 0.0),
    ("logit", (0.0,), -math.inf, math.inf),
    ("logit", (-0.0,), -math.inf, math.inf),
    ("logit", (1.0,), math.inf, math.inf),
    ("log1mexp", (0.0,), -math.inf, math.inf),
    ("log1mexp", (-0.0,), -math.inf, math.inf),
    ("log1mexp", (math.inf,), 0.0, 0.0),
    ("erf", (-math.inf,), -1.0, 0.0),
    ("ndtr", (-math.inf,), 0.0, 0.0),
    ("ndtr", (math.inf,), 1.0, 0.0),
    ("log_ndtr", (-math.inf,), -math.inf, math.inf),
    ("log_ndtr", (math.inf,), 0.0, 0.0),
    ("entr", (0.0,), 0.0, math.inf),
    ("entr", (-0.0,), 0.0, math.inf),
    ("entr", (math.inf,), -math.inf, -math.inf),
    ("squared_error", (math.inf, 0.0), math.inf, math.inf),
    ("absolute_error", (-math.inf, 1.0), math.inf, -1.0),
    ("bce_with_logits", (math.inf, 1.0), 0.0, 0.0),
    ("bce_with_logits", (math.inf, 0.0), math.inf, 1.0),
    ("bce_with_logits", (-math.inf, 0.0), 0.0, 0.0),
    ("bce_with_logits", (-math.inf, 1.0), math.inf, -1.0),
    ("bce_with_logits", (-math.inf, 0.5), math.inf, -0.5),
    ("binary_cross_entropy", (0.0, 0.0), 0.0, 1.0),
    ("binary_cross_entropy", (1.0, 1.0), 0.0, -1.0),
    ("binary_cross_entropy", (0.0, 1.0), math.inf, -math.inf),
    ("binary_cross_entropy", (1.0, 0.0), math.inf, math.inf),
    ("binary_cross_entropy", (0.0, 0.5), math.inf, -math.inf),
    ("binary_cross_entropy", (1.0, 0.5), math.inf, math.inf),
    ("hinge", (math.inf, 1.0), 0.0, 0.0),
    ("hinge", (-math.inf, 1.0), math.inf, -1.0),
]


@pytest.mark.parametrize(("name", "inputs", "value", "derivative"), LIMITS, ids=str)
def test_limits_are_reached(name: str, inputs: tuple[float, ...], value: float, derivative: float) -> None:
    entry = find(name)
    assert isinstance(entry, Elementwise | ElementwiseLoss)
    parameters = list(entry.parameters({}).values())
    for xp, given in ((scalar, inputs), (arrays, [np.array(x) for x in inputs])):
        with np.errstate(all="ignore"):
            assert (entry.value(xp, *given, *parameters), entry.derivative(xp, *given, *parameters)) == (
                value,
                derivative,
            )


def _elementwise_answers(entry: Elementwise | ElementwiseLoss, x: float) -> list[float]:
    """Value and derivatives at x, for several targets and by both number systems."""
    parameters = [*further_of(entry).values(), *entry.parameters({}).values()]
    targets = [(y,) for y in (0.0, 0.5, 1.0)] if isinstance(entry, ElementwiseLoss) else [()]
    kernels = [entry.value, entry.derivative, entry.second, getattr(entry, "by_target", None)]
    return [
        float(kernel(xp, given, *target, *parameters))
        for kernel in filter(None, kernels)
        for target in targets
        for xp, given in ((scalar, x), (arrays, np.array(x)))
    ]


def _vector_answers(entry: Norm | VectorActivation | VectorLoss, x: float) -> list[float]:
    """Value and gradient or Jacobian of a vector that has x in it, for several targets and parameters."""
    found = []
    if isinstance(entry, JointLoss):
        return _joint_answers(entry, np.array([[x, 1.0, x]] * 3 if entry.rank == 2 else [x, 1.0, x]))
    vector, classes = np.array([x, 1.0, x]), isinstance(entry, VectorLoss) and entry.takes == "class"
    targets = [np.array(k) if classes else np.eye(3)[k] for k in range(3)] if entry.kind == "loss" else [None]
    choices = [{}, *({param.name: "true"} for param in entry.params if param.default is False)]
    for target in targets:
        given = (np, vector) if target is None else (np, vector, target)
        for parameters in (entry.parameters(choice).values() for choice in choices):
            found.append(entry.value(*given, *parameters))
            if isinstance(entry, VectorActivation):
                found.append(entry.jacobian(*given, *parameters))
            else:
                found += [entry.gradient(*given, side, *parameters) for side in ("default", "left", "right")]
    return np.concatenate([np.ravel(answer) for answer in found]).tolist()


def _joint_answers(entry: JointLoss, x: Any) -> list[float]:
    """Value and gradient of an input with the target and the further inputs that suit it."""
    target = target_of(entry)
    y = () if target is None else (np.array(target) if entry.takes == "sign" else np.array(target, dtype=int),)
    given = (np, x, *y, *map(np.array, further_of(entry).values()))
    parameters = list(entry.parameters({}).values())
    found = [entry.value(*given, *parameters)]
    found += [entry.gradient(*given, side, *parameters) for side in ("default", "left", "right")]
    return [float(number) for answer in found for number in np.ravel(answer)]


@each_entry
def test_a_negative_zero_is_a_zero(entry: Entry) -> None:
    answers = _elementwise_answers if isinstance(entry, Elementwise | ElementwiseLoss) else _vector_answers
    with np.errstate(all="ignore"):
        zero, negative = answers(entry, 0.0), answers(entry, -0.0)  # type: ignore[arg-type]  # of the kind just seen
    np.testing.assert_array_equal(negative, zero)


ACTIVATIONS = [entry for entry in entries() if isinstance(entry, Elementwise)]


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
def test_what_underflows_keeps_its_sign(entry: Elementwise) -> None:
    far = (-1e10, -3000.0, -1000.0, -760.0, -50.0, 0.5, 50.0, 760.0, 1000.0, 3000.0, 1e10)
    places = [x for x in far if x in entry.domain]
    setting = setting_of(entry, {}, [(x,) for x in places])
    for quantity in quantities(entry):
        for numbers in (setting.on_math(quantity), setting.on_arrays(quantity)):
            for place, number, truth in zip(places, numbers, setting.truths(quantity), strict=True):
                if number == 0 and truth != 0:
                    assert math.copysign(1.0, number) == sign(truth), (quantity.name, place)


@pytest.mark.parametrize("entry", ACTIVATIONS, ids=lambda entry: entry.name)
def test_what_rises_or_falls_through_zero_keeps_the_zeros_sign(entry: Elementwise) -> None:
    """Where f(0) is 0 and f has a slope there: f(-0) is what f nears from below, if it does not jump."""
    parameters = list(entry.parameters({}).values())
    with np.errstate(all="ignore"):
        for xp, kind in ((scalar, float), (arrays, np.array)):
            value, beside = (float(entry.value(xp, kind(x), *parameters)) for x in (-0.0, -1e-300))
            if value == 0 and 0 < abs(beside) < 1e-290:
                assert math.copysign(1.0, value) == math.copysign(1.0, beside)


@pytest.mark.parametrize("x", [0.0, -0.0, 5e-324, 1e-310])
@pytest.mark.parametrize(("y", "smoothing"), [(1.0, 0.0), (0.5, 0.0), (0.0, 0.1)])
def test_the_slope_near_zero_falls_without_bound(x: float, y: float, smoothing: float) -> None:
    loss = find("binary_cross_entropy")
    assert isinstance(loss, ElementwiseLoss)
    for xp, given in ((scalar, x), (arrays, np.array(x))):
        with np.errstate(all="ignore"):
            assert loss.derivative(xp, given, y, smoothing, None) == -math.inf


INF = math.inf
VECTOR_LIMITS = [
    ("softmax", {}, ([INF, 1.0, -5.0],), [1.0, 0.0, 0.0]),
    ("softmax", {}, ([-INF, 1.0, 1.0],), [0.0, 0.5, 0.5]),
    ("softmax", {}, ([1e308, -INF, -1e308],), [1.0, 0.0, 0.0]),
    ("softmax", {}, ([INF, INF, 1.0],), [math.nan] * 3),
    ("log_softmax", {}, ([-INF, 0.0],), [-INF, 0.0]),
    ("log_softmax", {}, ([INF, 0.0],), [0.0, -INF]),
    ("softmin", {}, ([-INF, 1.0],), [1.0, 0.0]),
    ("logsumexp", {}, ([INF, INF, 1.0],), INF),
    ("logsumexp", {}, ([-INF, -INF],), -INF),
    ("logsumexp", {}, ([-INF, 3.0],), 3.0),
    ("logmeanexp", {}, ([1e308, 1e308],), 1e308),
    ("sparsemax", {}, ([INF, 3.0],), [1.0, 0.0]),
    ("sparsemax", {}, ([-INF, 3.0, 3.5],), [0.0, 0.25, 0.75]),
    ("sparsemax", {}, ([INF, INF],), [math.nan] * 2),
    ("standardize", {}, ([INF, 3.0],), [1.0, -1.0]),
    ("standardize", {}, ([1.7e308, -1.7e308],), [1.0, -1.0]),
    ("standardize", {"eps": 0.0}, ([1e-320, 0.0],), [1.0, -1.0]),
    ("glu", {}, ([5.0, INF],), [5.0]),
    ("lp_norm", {"p": 2.0}, ([INF, 1.0],), INF),
    ("lp_norm", {"p": 3.0}, ([0.0, -0.0],), 0.0),
    ("lp_norm", {"p": 0.5}, ([0.0, 4.0],), 4.0),
    ("softmax_cross_entropy", {}, ([-INF, 0.0, 0.0], [0.0, 1.0, 0.0]), math.log(2)),
    ("softmax_cross_entropy", {}, ([-INF, 0.0], [1.0, 0.0]), INF),
    ("softmax_cross_entropy", {}, ([INF, 0.0], [1.0, 0.0]), 0.0),
    ("cross_entropy", {}, ([1.0, 0.0], [1.0, 0.0]), 0.0),
    ("cross_entropy", {}, ([1.0, 0.0], [0.0, 1.0]), INF),
    ("mean_absolute_error", {}, ([1.7e308, -1.7e308], [-1.7e308, -1.7e308]), 1.7e308),
    ("mean_squared_error", {}, ([INF, 0.0], [0.0, 0.0]), INF),
]


@pytest.mark.parametrize(("name", "given", "inputs", "value"), VECTOR_LIMITS, ids=str)
def test_limits_of_vectors_are_reached(name: str, given: dict, inputs: tuple, value: float | list[float]) -> None:
    entry = find(name)
    with np.errstate(all="ignore"):
        got = entry.value(np, *map(np.array, inputs), *entry.parameters(given).values())  # type: ignore[attr-defined]  # all vector kinds have a value
    np.testing.assert_array_equal(got, value)


def test_gradients_reach_their_limits() -> None:
    loss, norm = find("softmax_cross_entropy"), find("lp_norm")
    assert isinstance(loss, VectorLoss)
    assert isinstance(norm, Norm)
    with np.errstate(all="ignore"):
        got = loss.gradient(np, np.array([INF, 0.0]), np.array([0.0, 1.0]), "default", 0.0, 1.0)
        assert got.tolist() == [1.0, -1.0]
        for p, slopes in ((1.0, [-1.0, 1.0]), (2.0, [-1.0, 0.0]), (INF, [-1.0, 0.0])):
            assert norm.gradient(np, np.array([-INF, 1.0]), "default", p, "split").tolist() == slopes


def test_the_saturated_cross_entropy_of_the_catalogue() -> None:
    loss = find("softmax_cross_entropy")
    assert isinstance(loss, VectorLoss)
    x, y = np.array([40.0, 0.0]), np.array([1.0, 0.0])
    tail = logistic(mpf(-40))
    assert error_of(loss.value(np, x, y, 0.0, 1.0), log1p(exp(mpf(-40)))) <= 1
    assert error_of(loss.gradient(np, x, y, "default", 0.0, 1.0), [-tail, tail]) <= 1


@each_entry
def test_nan_in_gives_nan_out(entry: Entry) -> None:
    parameters = list(entry.parameters({}).values())
    nan = math.nan
    if isinstance(entry, JointLoss):
        x = [[0.25, nan, 0.5]] + [[0.5, 0.25, 0.1]] * 2 if entry.rank == 2 else [0.25, nan, 0.5]
        with np.errstate(all="ignore"):
            value, *slopes = _joint_answers(entry, np.array(x))
        assert math.isnan(value)
        assert np.isnan(slopes).any()
        return
    parameters = [*further_of(entry).values(), *parameters]
    if isinstance(entry, Elementwise | ElementwiseLoss):
        given = (nan,) if isinstance(entry, Elementwise) else (nan, 1.0)
        with np.errstate(all="ignore"):
            got = [
                kernel(xp, *given, *parameters)
                for xp in (scalar, arrays)
                for kernel in (entry.value, entry.derivative, entry.second)
            ]
        assert np.isnan(got).all()
        if isinstance(entry, ElementwiseLoss):
            assert math.isnan(entry.value(scalar, 0.5, nan, *parameters))
        return
    x = np.array([[0.25, nan, 0.5, 0.1], [0.25, 0.25, 0.5, 0.1]])
    target = {"class": np.array([0, 0])}.get(getattr(entry, "takes", ""), np.array([[1.0, 0.0, 0.5, 0.0]] * 2))
    given = (x, target) if isinstance(entry, VectorLoss) else (x,)
    with np.errstate(all="ignore"):
        value = entry.value(np, *given, *parameters)  # type: ignore[attr-defined]  # all vector kinds have a value
        if isinstance(entry, VectorActivation):
            slope = entry.jacobian(np, x, *parameters)
        elif isinstance(entry, VectorToScalar):
            slope = entry.gradient(np, x, "default", *parameters)
        else:
            slope = entry.gradient(np, x, target, "default", *parameters)  # type: ignore[attr-defined]  # a loss
    touched = value if isinstance(entry, VectorActivation) else slope
    assert np.isnan(value[0]).any()
    assert np.isnan(touched[0]).any()
    assert np.isfinite(value[1]).all()
    assert np.isfinite(slope[1]).all()
