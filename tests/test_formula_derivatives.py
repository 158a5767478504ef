"""Derivatives of formulas: known ones, random ones against mpmath, at kinks, by vectors, and as formulas themselves."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from formula_trees import OfVector, careless, exact, formulas, of_vectors
from gradcalc.errors import GradcalcError
from gradcalc.formula import reverse as reverse_module
from gradcalc.formula import vector_kernels as kernels_module
from gradcalc.formula.entries import Formula
from gradcalc.formula.forward import Forward
from gradcalc.formula.kernels import Kernels
from gradcalc.formula.parse import parse
from gradcalc.formula.show import text
from gradcalc.formula.simplify import simplified_tree
from gradcalc.formula.symbolic import derivative
from gradcalc.formula.tidy import tidied
from gradcalc.formula.tree import Node
from gradcalc.formula.vector_kernels import VectorKernels
from gradcalc.functions.entry import SIDES
from gradcalc.numerics import arrays, scalar

#: A formula, its derivative as people know it, and as it is printed.
KNOWN = {
    "z * tanh(z)": "tanh(z) + z * (1 - tanh(z)^2)",
    "z^3 / 3": "z^2",
    "2^z": "2^z * log(2)",
    "e^z": "e^z",
    "z^z": "z^z * (1 + log(z))",
    "log(cosh(z))": "tanh(z)",
    "z / (1 + exp(-z))": "((1 + z) * exp(-z) + 1) / (1 + exp(-z))^2",
    "exp(-z^2 / 2)": "-z * exp(-z^2 / 2)",
    "sqrt(1 + z^2)": "z / sqrt(1 + z^2)",
    "1 / (1 + z)^2": "-2 / (1 + z)^3",
    "z^3 - 2 * z": "3 * z^2 - 2",
    "max(0, z)": "1 if z > 0 else 0",
    "z^2 * exp(-z)": "z * (2 - z) * exp(-z)",
    "z / (1 + abs(z))": "1 / (1 + abs(z))^2",
    "(exp(z) - exp(-z)) / (exp(z) + exp(-z))": "4 / (exp(z) + exp(-z))^2",
    "abs(z)^3": "3 * z * abs(z)",
    "sqrt(z)^2": "sqrt(z) / sqrt(z)",
    "min(max(z, 0), 6)": "1 if 0 < z < 6 else 0",
    "z * relu(z)": "relu(z) + (z if z > 0 else 0)",
    "z * log(z)": "log(z) + 1",
    "z^2 * log(z)": "2 * z * log(z) + z",
    "1 / (1 + exp(-z))": "exp(-z) / (1 + exp(-z))^2",
    "log(1 + exp(z))": "exp(z) / (1 + exp(z))",
    "sqrt(z)": "1 / (2 * sqrt(z))",
    "cbrt(z)": "1 / (3 * cbrt(z)^2)",
    "sin(z) * cos(z)": "cos(z) * cos(z) - sin(z) * sin(z)",
    "tan(z)": "1 + tan(z)^2",
    "asin(z) + acos(z)": "0",
    "(z - 1) / (z + 1)": "2 / (z + 1)^2",
    "z * sigmoid(1.7 * z)": "sigmoid(1.7 * z) * (1 + 1.7 * z * (1 - sigmoid(1.7 * z)))",
    "max(z, 0)": "1 if z > 0 else 0",
    "abs(z)": "sign(z)",
    "z if z > 0 else 0.1 * z": "1 if z > 0 else 0.1",
    "clip(z, 0, 1)": "1 if 0 < z < 1 else 0",
    "floor(z) + ceil(z) + sign(z)": "0",
    "3 - (z - 2)": "-1",
    "norm(z)": "z / norm(z)",
    "log(sum(exp(z)))": "exp(z) / sum(exp(z))",
    "logsumexp(z)": "softmax(z)",
    "mean(z^2)": "2 * z / n",
    "sum(z) * sum(z^2)": "sum(z^2) + 2 * z * sum(z)",
}

KNOWN_LOSSES = {
    "(a - y)^2 / 2": "a - y",
    "mean((a - y)^2)": "2 * (a - y) / n",
    "-(y * log(a) + (1 - y) * log(1 - a))": "(a - y) / (a * (1 - a))",
    "-sum(y * log(a))": "-y / a",
    "max(0, 1 - a * y)": "-y if 1 - a * y > 0 else 0",
}


@pytest.mark.parametrize(("formula", "expected"), [*KNOWN.items(), *KNOWN_LOSSES.items()])
def test_a_known_derivative_is_written_as_people_write_it(formula: str, expected: str) -> None:
    letters = ("a", "y") if formula in KNOWN_LOSSES else ("z",)
    found = derivative(parse(formula, letters), letters[0], letters)
    assert _same(found, parse(expected, letters), letters)
    if expected != "cos(z) * cos(z) - sin(z) * sin(z)":
        assert text(found) == expected


def _same(one: Node, other: Node, letters: tuple[str, ...]) -> bool:
    """Whether two trees have the same value at some vectors."""
    x, y = np.array([0.3, 0.6, 0.8]), np.array([0.2, 1.0, 0.7])
    given = (x, y)[: len(letters)]
    values = [VectorKernels(tree, letters).vector_value(np, *given) for tree in (one, other)]
    return np.allclose(*values, rtol=1e-12, atol=1e-14)


def truth(tree: Node, z: float, order: int) -> mpmath.mpf:
    """A derivative by mpmath's differences at 60 digits."""
    with mpmath.workdps(60):
        return +mpmath.diff(lambda x: exact(tree, {"z": x}), mpmath.mpf(z), order)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(formulas(), st.sampled_from((-1.3, -0.4, 0.2, 0.9, 1.6)))
def test_random_formulas_agree_with_mpmath(tree: Node, z: float) -> None:
    with mpmath.workdps(60):
        value = exact(tree, {"z": mpmath.mpf(z)})
    assume(abs(value) < 1e12)
    kernels = Kernels(tree, ("z",))
    expected = [value, truth(tree, z, 1), truth(tree, z, 2)]
    assume(all(abs(x) < 1e15 for x in expected))
    found = [kernels.value(scalar, z), kernels.derivative("z")(scalar, z), kernels.second(scalar, z)]
    size = 1.0 + float(max(map(abs, expected)))
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(float(other), rel=1e-8, abs=1e-10 * size)


@settings(max_examples=35, deadline=None, derandomize=True)
@given(of_vectors())
def test_random_formulas_of_vectors_agree_with_mpmath(formula: OfVector) -> None:
    """Forwards, backwards, with an index, and by the derivative as a formula."""
    x = np.array([-1.3, 0.2, 1.6])
    with mpmath.workdps(40):
        z = list(map(mpmath.mpf, x))
        value = formula.exact(z)
        assume(isinstance(value, mpmath.mpf) and abs(value) < 1e9)
        slopes = [mpmath.diff(lambda t, k=k: formula.exact([*z[:k], t, *z[k + 1 :]]), z[k]) for k in range(3)]
    expected = np.array(slopes, dtype=float)
    assume((abs(expected) < 1e12).all())
    near: dict[str, Any] = {"rtol": 1e-7, "atol": 1e-9 * (1.0 + abs(expected).max())}
    for index in (False, True):
        kernels = VectorKernels(formula.tree(index=index), ("z",))
        np.testing.assert_allclose(kernels.number_value(np, x), float(value), rtol=1e-8, atol=1e-9)
        np.testing.assert_allclose(kernels.gradient(np, x, (), "z", "default"), expected, **near)
        reverse = reverse_module.Reverse({"z": x[None, :]}, ("z",), "z", 0)
        with np.errstate(all="ignore"):
            found = reverse.derivative(formula.tree(index=index), np.ones((1, 1)))[0]
        assert reverse.unsettled.any() or not np.isfinite(found).all() or np.allclose(found, expected, **near)
        try:
            slope = derivative(formula.tree(index=index), "z", ("z",), whole=True)
        except GradcalcError as error:
            assert "too" in str(error)
            continue
        np.testing.assert_allclose(VectorKernels(slope, ("z",)).vector_value(np, x) + 0.0 * x, expected, **near)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(formulas(), st.sampled_from((-1.3, 0.2, 1.6)))
def test_the_derivative_as_a_formula_is_the_engines(tree: Node, z: float) -> None:
    kernels = Kernels(tree, ("z",))
    slope = kernels.derivative("z")(scalar, z)
    assume(math.isfinite(slope) and abs(slope) < 1e12)
    try:
        found = derivative(tree, "z", ("z",))
    except GradcalcError as error:
        assert "too long" in str(error)
        return
    again = parse(text(found), ("z",))
    assert again == parse(text(again), ("z",))
    assert Kernels(again, ("z",)).value(scalar, z) == pytest.approx(slope, rel=1e-8, abs=1e-8)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(careless(), st.sampled_from((-1.3, -0.4, 0.35, 1.6)))
def test_no_tidying_changes_a_value_or_where_there_is_one(tree: Node, z: float) -> None:
    plain = simplified_tree(Forward("z", ("z",)).of(tree))
    try:
        short = tidied(plain)
        of_short = derivative(short, "z", ("z",))
    except GradcalcError as error:
        assert "too long" in str(error)
        return
    assert len(text(short)) <= len(text(plain)) + 2
    expected, found = (Kernels(one, ("z",)).value(scalar, z) for one in (plain, parse(text(short), ("z",))))
    assume(abs(expected) < 1e9 or expected != expected)
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-8, nan_ok=True), text(tree)
    assume(math.isfinite(found))
    second = Kernels(tree, ("z",)).second(scalar, z)
    assume(abs(second) < 1e9)
    assert Kernels(of_short, ("z",)).value(scalar, z) == pytest.approx(second, rel=1e-6, abs=1e-6)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(formulas())
def test_numbers_and_arrays_agree(tree: Node) -> None:
    kernels = Kernels(tree, ("z",))
    z = np.array([-1.3, 0.0, 0.2, 1.6, np.nan])
    for kernel in (kernels.value, kernels.derivative("z"), kernels.second):
        one_by_one = [kernel(scalar, float(x)) for x in z]
        np.testing.assert_allclose(kernel(arrays, z), one_by_one, rtol=1e-11, atol=1e-300)


#: A formula, the place of its kink, and the derivative there from the left, from the right, and by default.
KINKS = {
    "max(z, 0)": (0.0, 0.0, 1.0, 0.0),
    "max(0, z)": (0.0, 0.0, 1.0, 0.0),
    "min(z, 2 * z)": (0.0, 2.0, 1.0, 1.0),
    "-max(-z, 0)": (0.0, 1.0, 0.0, 0.0),
    "abs(z)": (0.0, -1.0, 1.0, 0.0),
    "abs(1 - z)": (1.0, -1.0, 1.0, 0.0),
    "max(z, -z)": (0.0, -1.0, 1.0, 0.0),
    "z if z > 0 else 0.1 * z": (0.0, 0.1, 1.0, 0.1),
    "z if z >= 0 else 0.1 * z": (0.0, 0.1, 1.0, 1.0),
    "where(0 < -z, 0.1 * z, z)": (0.0, 0.1, 1.0, 1.0),
    "clip(z, -1, 1)": (1.0, 1.0, 0.0, 0.0),
    "relu(3 * z)": (0.0, 0.0, 3.0, 0.0),
    "relu_general(z)": (0.0, 0.0, 1.0, 0.0),
    "relu(-3 * z)": (0.0, -3.0, 0.0, 0.0),
    "leaky_relu(z, alpha=0.2)": (0.0, 0.2, 1.0, 0.2),
    "sqrt(z^2)": (0.0, -1.0, 1.0, 0.0),
    "abs(z)^0.5": (0.0, -math.inf, math.inf, 0.0),
    "max(z^2 - 1, 0)": (1.0, 0.0, 2.0, 0.0),
    "z * (z > 0)": (0.0, 0.0, 1.0, 0.0),
    "z if z^2 > 0 else 5": (0.0, 1.0, 1.0, 0.0),
}


@pytest.mark.parametrize("formula", KINKS)
def test_at_a_kink_both_sides_are_known(formula: str) -> None:
    at, left, right, default = KINKS[formula]
    kernels = Kernels(parse(formula, ("z",)), ("z",))
    found = kernels.one_sided("z")(scalar, at)
    assert found[:2] == (left, right)
    assert kernels.derivative("z")(scalar, at) == default
    z = np.array([at, at])
    on_arrays = [np.broadcast_to(x, 2)[1] for x in kernels.one_sided("z")(arrays, z)[:2]]
    if "sqrt" not in formula and "^0.5" not in formula:  # roots of 0 are settled one by one
        assert on_arrays == [left, right]
    assert kernels.derivative("z")(arrays, z).tolist() == [default, default]


SMOOTH_AFTER_ALL = {
    "max(z^2, 0)": (0.0, 0.0),
    "cbrt(z^3)": (0.0, 1.0),
    "z * abs(z)": (0.0, 0.0),
    "sqrt(max(z, 0))": (-1.0, 0.0),
    "1 / z if z > 0 else 0": (0.0, 0.0),
    "log(z) if z > 0 else z": (-1.0, 1.0),
    "where(z != 0, sin(z) / z, 1)": (0.0, 0.0),
}


@pytest.mark.parametrize("formula", SMOOTH_AFTER_ALL)
def test_what_is_not_taken_makes_no_nan(formula: str) -> None:
    at, expected = SMOOTH_AFTER_ALL[formula]
    kernels = Kernels(parse(formula, ("z",)), ("z",))
    assert kernels.derivative("z")(scalar, at) == expected
    assert kernels.derivative("z")(arrays, np.array([at])).tolist() == [expected]


@pytest.mark.parametrize(
    ("formula", "at", "expected"),
    [
        ("log(z)", -2.0, math.nan),
        ("log2(z)", -2.0, math.nan),
        ("log10(z)", -2.0, math.nan),
        ("log1p(z)", -2.0, math.nan),
        ("atanh(z)", -2.0, math.nan),
        ("log(z)", -0.0, math.inf),
        ("log(-z)", 0.0, -math.inf),
        ("sqrt(z)", -0.0, math.inf),
    ],
)
def test_a_slope_ends_where_its_function_does(formula: str, at: float, expected: float) -> None:
    slope = Kernels(parse(formula, ("z",)), ("z",)).derivative("z")
    with np.errstate(all="ignore"):
        found = [slope(scalar, at), *slope(arrays, np.array([at])).tolist()]
    assert np.array_equal(found, [expected] * 2, equal_nan=True)


def test_a_jump_is_told_from_a_kink() -> None:
    for formula in ("step(z)", "1 if z > 0 else 0", "sign(z)", "floor(z)", "ceil(z)"):
        left, right, jump = Kernels(parse(formula, ("z",)), ("z",)).one_sided("z")(scalar, 0.0)
        assert (left, right, jump) == (0.0, 0.0, True), formula


def test_a_weight_of_zero_switches_its_term_off() -> None:
    loss: Any = Formula("-(y * log(a) + (1 - y) * log(1 - a))").entry()
    assert loss.value(scalar, 1.0, 1.0) == 0.0
    assert loss.derivative(scalar, 1.0, 1.0) == -1.0
    assert loss.value(scalar, 0.0, 1.0) == math.inf
    assert math.isnan(loss.value(scalar, math.nan, 0.0))


VECTORS = (
    "softmax(z)", "log_softmax(z)", "exp(z) / sum(exp(z))", "z - mean(z)", "z / norm(z)", "z * max(z)", "z^2 / n",
    "prod(z) * z", "(z - mean(z)) / sqrt(mean((z - mean(z))^2) + 1e-5)", "z * logsumexp(z)", "z / norm(z, 3)",
    "z / norm(z, inf)", "z - min(z)", "max(z, mean(z))", "z if z > mean(z) else 0.1 * z", "sparsemax(z)",
    "standardize(z, eps=0.1)", "z * sum(j, z[j]^2)", "sum(j, sigmoid(z - z[j]))", "z * max(j, z[j] * exp(z[j]))",
    "z * sum(i, j, tanh(z[i] * z[j]))", "leaky_relu(z, alpha=mean(z))", "join(second_half(z), first_half(z)^2)",
    "z * prod(i, 1 + z[i] / 9)", "sum(j, softmax(z)[j] * (z - z[j])^2)", "m * z + m^2 with m = mean(z)",
)  # fmt: skip


@pytest.mark.parametrize("formula", VECTORS)
def test_a_jacobian_agrees_with_differences_and_with_the_formula(formula: str) -> None:
    whole = Formula(formula)
    entry: Any = whole.entry()
    x = np.array([[0.3, -1.2, 0.8, 2.0], [1.0, 0.5, -0.25, 0.125]])
    jacobian = entry.jacobian(np, x)
    h = 1e-6
    for j in range(4):
        step = h * np.eye(4)[j]
        slope = (entry.value(np, x + step) - entry.value(np, x - step)) / (2 * h)
        np.testing.assert_allclose(jacobian[..., j], slope, rtol=1e-6, atol=1e-8)
    g = np.array([[1.0, 2.0, -1.0, 0.5], [0.0, 1.0, 0.25, -2.0]])
    vjp = np.einsum("ni,nij->nj", g, jacobian)
    np.testing.assert_allclose(entry.vjp(np, x, g), vjp, rtol=1e-12)
    written = VectorKernels(parse(text(whole.derivative()), ("z", "upstream")), ("z", "upstream"))
    np.testing.assert_allclose(written.vector_value(np, x, g), vjp, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("side", SIDES)
def test_the_kink_rule_reaches_jacobians_and_gradients(side: str) -> None:
    x = np.array([0.0, 1.0, -1.0])
    expected = {"left": 0.0, "right": 1.0, "midpoint": 0.5, "undefined": math.nan, "default": 0.0}[side]
    entry: Any = Formula("max(z, 0) + 0 * sum(z)").entry(side)
    np.testing.assert_array_equal(entry.jacobian(np, x), np.diag([expected, 1.0, 0.0]))


def test_a_tie_for_the_largest_is_shared_or_one_sided() -> None:
    entry: Any = Formula("max(z)").entry()
    x = np.array([3.0, 1.0, 3.0])
    assert entry.gradient(np, x, "default").tolist() == [0.5, 0.0, 0.5]
    assert entry.gradient(np, x, "left").tolist() == [0.0, 0.0, 0.0]
    assert entry.gradient(np, x, "right").tolist() == [1.0, 0.0, 1.0]
    assert entry.at_kink(np, x).tolist() == [True, False, True]


def test_derivatives_by_target_and_parameters() -> None:
    loss: Any = Formula("c * abs(a - y)^p", ("c", "p")).entry()
    a, y, c, p = 0.5, 2.0, 3.0, 2.5
    d = abs(a - y)
    by = {param.name: param.derivative(scalar, a, y, c, p) for param in loss.params}
    assert by["c"] == pytest.approx(d**p)
    assert by["p"] == pytest.approx(c * d**p * math.log(d))
    assert loss.by_target(scalar, a, y, c, p) == pytest.approx(c * p * d ** (p - 1))
    sloped: Any = Formula("leaky_relu(z, b)", ("b",)).entry()
    assert sloped.params[0].derivative(scalar, -3.0, 0.1) == -3.0


@pytest.mark.parametrize("formula", VECTORS)
def test_long_vectors_have_the_same_derivatives(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """These are worked out backwards, or in pieces."""
    monkeypatch.setattr(kernels_module, "_MANY", 11)
    x = np.cos(np.arange(24.0)).reshape(2, 12)
    g = np.sin(np.arange(24.0)).reshape(2, 12)
    entry: Any = Formula(formula).entry()
    expected = np.einsum("ni,nij->nj", g, entry.jacobian(np, x))
    np.testing.assert_allclose(entry.vjp(np, x, g), expected, rtol=1e-9, atol=1e-12)
    monkeypatch.setattr(kernels_module, "_MANY", 1000)
    monkeypatch.setattr(kernels_module, "_PIECE", 200)
    np.testing.assert_allclose(entry.vjp(np, x, g), expected, rtol=1e-12, atol=1e-14)


LOSSES_OF_VECTORS = (
    "mean(max(0, 1 - a * y))", "mean(abs(a - y))", "max(0, 1 - sum(a * y))", "max(a) * min(y) - sum(a * y)",
    "norm(max(a - y, 0), 3) + norm(a)", "sum(i, j, y[j] * max(0, 1 - a[j] + a[i])) / n", "sum(sparsemax(a)^2)",
    "prod(a) + logsumexp(a * y)", "sum(log_softmax(a) * y)", "sum(softmax(join(first_half(a), second_half(y)))^2)",
    "sum(i, max(j, a[i] * y[j]))", "sum(abs(a - mean(a)))", "norm(a, 1) + norm(a, inf)", "sum((a > mean(a)) * a)",
    "sum(i, j, abs(a[i] - a[j]) * y[i])", "sum(i, j, k, max(a[i], a[j]) * min(y[k], a[i] - a[k]))",
    "sum(i, j, relu(y[i] * a[i] - y[j] * a[j]))", "sum(i, j, max(a[i], y[j]) - min(a[j]^2, a[i] * a[j]))",
    "mean(floor(a) * a)", "sum(clip(a - mean(a), -1, 1))", "sum(k, a[k] * k)", "sum(a if mean(a) >= y else -a)",
)  # fmt: skip


@pytest.mark.parametrize("formula", LOSSES_OF_VECTORS)
def test_gradients_backwards_are_the_ones_forwards(formula: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also among ties, and to each side of them."""
    entry: Any = Formula(formula).entry()
    x = np.array([np.cos(np.arange(6.0)), [1.0, 0.0, -1.0, 1.0, 2.0, 0.0], np.zeros(6)])
    y = np.array([np.sin(np.arange(6.0)), [1.0, 1.0, -1.0, 0.0, 2.0, 0.0], np.ones(6)])
    forwards = [entry.gradient(np, x, y, side) for side in ("default", "left", "right")]
    monkeypatch.setattr(kernels_module, "_MANY", 0)
    backwards = [entry.gradient(np, x, y, side) for side in ("default", "left", "right")]
    np.testing.assert_allclose(backwards, forwards, rtol=1e-12, atol=1e-14)


def test_a_gradient_backwards_looks_at_each_part_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that is linear in the entries: a hundred times as many take no more evaluations of formulas."""
    calls: list[str] = []
    evaluate = reverse_module.evaluate
    monkeypatch.setattr(reverse_module, "evaluate", lambda *args, **more: calls.append("") or evaluate(*args, **more))
    monkeypatch.setattr(kernels_module.VectorKernels, "_directions", lambda *_: pytest.fail("one entry by another"))
    entry: Any = Formula("mean(max(0, 1 - a * y)) * max(1, sum(abs(a - y)))").entry()
    counts = []
    for n in (50, 5000):
        calls.clear()
        x = np.cos(np.arange(float(n)))
        x[0] = 1.0  # an entry on a kink
        entry.gradient(np, x, np.ones(n), "left")
        assert entry.at_kink(np, x, np.ones(n)).tolist() == [True] + [False] * (n - 1)
        counts.append(len(calls))
    assert counts[0] == counts[1] > 0
