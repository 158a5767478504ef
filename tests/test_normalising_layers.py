"""Normalising layers: every quantity against complex steps, hard numbers, known numbers, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from commands import in_process
from dense_specs import layer_of
from gradcalc.errors import SpecError
from made_layers import both_ways, made
from plain_sequences import Arrays, complex_gradients

X = np.random.default_rng(4).normal(size=(3, 4, 2, 2))
GAMMA, BETA = np.array([1.5, -0.5, 2.0, 0.25]), np.array([0.1, 0.2, -0.3, 1.0])


class Reference:
    """A layer in plain NumPy, also for complex numbers; what is added to a quantity stands under "plus" its name."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays, self.found = arrays, Arrays()

    def keep(self, name: str, value: Any) -> Any:
        self.found[name] = value + self.arrays.get(f"plus {name}", 0.0)
        return self.found[name]


def with_statistics(axes: tuple[int, ...], eps: float, x: Any, ref: Reference) -> Any:
    """x_hat from the mean and variance over these axes."""
    mean = ref.keep("mean", x.mean(axis=axes, keepdims=True))
    var = ref.keep("var", ((x - mean) ** 2).mean(axis=axes, keepdims=True))
    return (x - mean) / np.sqrt(var + eps)


def batch(x: Any, ref: Reference) -> Any:
    return with_statistics((0, 2, 3), 0.1, x, ref)


def whole(x: Any, ref: Reference) -> Any:
    return with_statistics((1, 2, 3), 0.1, x, ref)


def channels(x: Any, ref: Reference) -> Any:
    return with_statistics((1,), 0.1, x, ref)


def groups(x: Any, ref: Reference) -> Any:
    return with_statistics((2, 3, 4), 0.1, x.reshape(3, 2, 2, 2, 2), ref).reshape(x.shape)


def root(x: Any, ref: Reference) -> Any:
    return x / ref.keep("rms", np.sqrt((x**2).mean(axis=1, keepdims=True) + 0.1))


def length(x: Any, ref: Reference) -> Any:
    return x / ref.keep("norm", (x**4).sum(axis=1, keepdims=True) ** 0.25)


def evaluated(x: Any, ref: Reference) -> Any:
    return (x - np.array([0.5, 1, 2, 0])[:, None, None]) / np.sqrt(np.array([2, 0.5, 1, 3])[:, None, None] + 0.1)


RUNNING = {"running_mean": [0.5, 1, 2, 0], "running_var": [2, 0.5, 1, 3]}
LAYERS: dict[str, tuple[str, dict[str, Any], Callable[[Any, Reference], Any]]] = {
    "batch_norm": ("batch_norm", {"eps": 0.1}, batch),
    "batch_norm in eval": ("batch_norm", {"eps": 0.1, "mode": "eval", **RUNNING}, evaluated),
    "layer_norm": ("layer_norm", {"eps": 0.1, "axis": 0}, channels),
    "group_norm": ("group_norm", {"eps": 0.1, "groups": 2}, groups),
    "rms_norm": ("rms_norm", {"eps": 0.1, "axis": 0}, root),
    "normalize": ("normalize", {"p": 4, "axis": 0}, length),
}

each_layer = pytest.mark.parametrize("which", LAYERS)


@each_layer
@pytest.mark.parametrize("activation", [None, "tanh"])
def test_every_quantity_is_that_of_the_definition(which: str, activation: str | None) -> None:
    type_, keys, normalised = LAYERS[which]
    da = np.random.default_rng(8).normal(size=X.shape)

    def passed(arrays: Arrays) -> Reference:
        ref = Reference(arrays)
        x_hat = ref.keep("x_hat", normalised(arrays["x"], ref))
        z = ref.keep("z", arrays["gamma"][:, None, None] * x_hat + arrays["beta"][:, None, None])
        ref.keep("a", np.tanh(z) if activation else z)
        return ref

    arrays: Arrays = {"x": X, "gamma": GAMMA, "beta": BETA}
    wanted = dict(passed(arrays).found)
    added = {f"plus {name}": np.zeros(value.shape) for name, value in wanted.items()}
    slopes = complex_gradients(lambda one: (passed(one).found["a"] * da).sum(), {**arrays, **added})
    wanted |= {f"d{name.removeprefix('plus ')}": slope for name, slope in slopes.items()}
    layer = made(type_, {**keys, "gamma": GAMMA, "beta": BETA, "activation": activation}, X)
    ours = both_ways(layer, X, da=da)
    assert ("z" in ours) is (activation is not None) is ("dz" in ours)
    for name, value in wanted.items():
        if name not in ("z", "dz") or activation:
            np.testing.assert_allclose(ours[name].ravel(), value.ravel(), rtol=1e-12, atol=1e-13, err_msg=name)


@each_layer
def test_the_terms_add_up_to_dx(which: str) -> None:
    type_, keys, _ = LAYERS[which]
    found = both_ways(made(type_, keys, X), X, da=np.random.default_rng(9).normal(size=X.shape))
    terms = [array for name, array in found.items() if name.startswith("dx_through")]
    assert len(terms) == {"batch_norm in eval": 0, "rms_norm": 2, "normalize": 2}.get(which, 3)
    if terms:
        np.testing.assert_allclose(sum(terms), found["dx"], rtol=1e-12, atol=1e-14)


@each_layer
@pytest.mark.parametrize("power", [900, -900])
def test_large_and_small_numbers_are_no_trouble(which: str, power: int) -> None:
    """x_hat does not depend on the unit of x, although the squares of such numbers are no numbers."""
    type_, keys, _ = LAYERS[which]
    if "mode" in keys:
        return
    layer, x = made(type_, {**keys, "eps": 0}, X), np.ldexp(X, power)
    known, found = both_ways(layer, X, da=X**2), both_ways(layer, x, da=X**2)
    np.testing.assert_array_equal(found["x_hat"], known["x_hat"])
    np.testing.assert_allclose(found["dx"], np.ldexp(known["dx"], -power), rtol=1e-12)


def test_small_numbers_beside_a_large_eps() -> None:
    x = np.array([[1e-200, -3e-200, 2e-200]])
    for type_ in ("layer_norm", "rms_norm"):
        found = both_ways(made(type_, {"eps": 1e-4}, x), x, da=[[1.0, 0, 0]])
        np.testing.assert_allclose(found["x_hat"], x * 100, rtol=1e-14)
        assert np.isfinite(found["dx"]).all()


@pytest.mark.parametrize(("type_", "power"), [("layer_norm", 30), ("rms_norm", 30), ("normalize", -30)])
def test_float32_counts_in_more(type_: str, power: int) -> None:
    """Its own squares would overflow."""
    x = np.array([[1.0, -3.0, 2.0]], dtype=np.float32) * np.float32(10.0**power)
    found = both_ways(made(type_, {"eps": 0}, x, dtype="float32"), x)
    assert np.isfinite(found["x_hat"]).all() and found["x_hat"].dtype == np.float32


def test_float32_has_the_digits_of_float64() -> None:
    """Of the same numbers, rounded once."""
    x = (np.random.default_rng(6).normal(size=(2, 5000)) + 30).astype(np.float32)
    narrow = both_ways(made("layer_norm", {}, x, dtype="float32"), x)
    wide = both_ways(made("layer_norm", {}, x), x.astype(np.float64))
    for name in ("mean", "var", "x_hat"):
        np.testing.assert_array_equal(narrow[name], wide[name].astype(np.float32))


def test_a_variance_far_from_zero_keeps_its_digits() -> None:
    x = [1e8 + 0.1, 1e8 + 0.3, 1e8 + 1.7, 1e8 - 2.2]
    exact = [Fraction(number) for number in x]
    mean = sum(exact) / 4
    var = sum((number - mean) ** 2 for number in exact) / 4
    found = both_ways(made("layer_norm", {"eps": 0}, [x]), np.array([x]))
    assert found["var"][0] == pytest.approx(float(var), rel=1e-14)
    np.testing.assert_allclose(found["x_hat"][0], [float(n - mean) / float(var) ** 0.5 for n in exact], rtol=1e-14)


@pytest.mark.parametrize("type_", ["batch_norm", "layer_norm"])
def test_an_even_gradient_leaves_exactly_nothing(type_: str) -> None:
    """Not rounding noise, which published gradients of this kind consist of."""
    x = np.random.default_rng(1).normal(size=(5, 7))
    found = both_ways(made(type_, {"gamma": 0.1}, x), x, da=np.full(x.shape, 0.3))
    assert not found["dx"].any()


def test_equal_numbers_are_their_mean_exactly() -> None:
    for count in range(1, 60):
        same = np.full((1, count), 0.1)
        found = both_ways(made("layer_norm", {}, same), same)
        assert found["mean"] == 0.1
        assert not found["x_hat"].any() and not found["dx"].any()


def test_the_data_formats_are_one_layer() -> None:
    da = np.random.default_rng(2).normal(size=X.shape)
    for type_, keys in (("batch_norm", {}), ("group_norm", {"groups": 2}), ("batch_norm", {"mode": "eval", **RUNNING})):
        keys = {**keys, "gamma": GAMMA, "beta": BETA}
        first = both_ways(made(type_, keys, X), X, da=da)
        x, turned = (np.ascontiguousarray(np.moveaxis(array, 1, -1)) for array in (X, da))
        last = both_ways(made(type_, {**keys, "data_format": "channels_last"}, x), x, da=turned)
        for name, array in first.items():
            other = last[name] if array.shape != X.shape else np.moveaxis(last[name], -1, 1)
            np.testing.assert_allclose(other, array, rtol=1e-13, atol=1e-15, err_msg=name)


def test_group_norm_lies_between_layer_norm_and_each_channel_alone() -> None:
    da = X**2 - X
    one = both_ways(made("group_norm", {"groups": 1}, X), X, da=da)
    np.testing.assert_allclose(one["dx"], both_ways(made("layer_norm", {"axis": "all"}, X), X, da=da)["dx"], rtol=1e-12)
    each = both_ways(made("group_norm", {"groups": 4}, X), X, da=da)
    alone = both_ways(made("batch_norm", {}, X[:1]), X[:1], da=da[:1])
    np.testing.assert_allclose(each["dx"][:1], alone["dx"], rtol=1e-12)


BATCH = [[1, 4], [7, 0], [1, 0], [7, 4]]


def test_running_statistics_move_with_every_step() -> None:
    keys = {"type": "batch_norm", "running_mean": [0, 1], "running_var": 1, "momentum": 0.25, "gamma": [1, 1]}
    spec = {"input": BATCH, "layers": [keys], "upstream": np.zeros((4, 2)).tolist(), "learning_rate": 0.1}
    first, third = layer_of(spec), layer_of({**spec, "steps": 3})
    assert first["running_mean_new"] == [1, 1.25]
    assert first["running_var_new"] == pytest.approx([0.75 + 0.25 * 12, 0.75 + 0.25 * 16 / 3])
    mean = np.array([0.0, 1.0])
    for _ in range(3):
        before, mean = mean, 0.75 * mean + 0.25 * np.array([4, 2])
    assert third["running_mean"] == pytest.approx(before)
    assert third["running_mean_new"] == pytest.approx(mean)
    evaluated = layer_of({**spec, "steps": 3, "layers": [{**keys, "mode": "eval"}]})
    assert evaluated["running_mean"] == [0, 1] and "running_mean_new" not in evaluated


def test_evaluation_without_statistics_takes_0_and_1() -> None:
    found = layer_of({"input": BATCH, "layers": [{"type": "batch_norm", "mode": "eval", "eps": 3}], "upstream": BATCH})
    assert (found["running_mean"], found["running_var"], found["std"]) == ([0, 0], [1, 1], [2, 2])
    np.testing.assert_allclose(found["a"], np.array(BATCH) / 2)
    assert "dvar" not in found and "mean" not in found


def test_examples_in_columns_have_their_statistics_all_the_same() -> None:
    keys = {"type": "batch_norm", "gamma": [[2], [5]], "beta": [[-1], [2]], "eps": 0}
    columns = np.transpose(BATCH).tolist()
    spec = {"input": columns, "upstream": columns, "data": "columns", "layers": [keys]}
    found = layer_of(spec)
    assert (found["mean"], found["var"]) == ([4, 2], [9, 4])
    assert found["a"] == [[-3, 1, -3, 1], [7, -3, -3, 7]]
    assert np.shape(found["dgamma"]) == (2, 1)


def test_one_gamma_for_all_has_one_gradient() -> None:
    one, each = (
        both_ways(made("layer_norm", {"gamma": gamma, "axis": "all"}, X), X, da=X**2)["dgamma"]
        for gamma in (1, np.ones(X.shape[1:]))
    )
    assert one.shape == () and each.shape == X.shape[1:]
    assert one == pytest.approx(each.sum())


def test_a_zero_vector_has_length_0_and_a_finite_gradient() -> None:
    spec = {"input": [[0, 0], [3, 4]], "upstream": [[1, 2], [1, 0]], "layers": [{"name": "l2", "type": "normalize"}]}
    found = layer_of(spec)
    assert found["norm"] == [0, 5]
    assert found["a"] == [[0, 0], [0.6, 0.8]]
    np.testing.assert_allclose(found["dx"], [[1e12, 2e12], [0.128, -0.096]])
    told = in_process("backprop", "-", stdin=str(spec)).out
    assert "l2: 1 norm is below eps, so there a = x / eps and dx = da / eps." in told


@pytest.mark.parametrize("p", ["inf", "Infinity", float("inf")])
def test_an_endless_p_in_all_its_spellings(p: Any) -> None:
    """JSON writes it as text."""
    assert layer_of({"input": [1, -4], "layers": [{"type": "normalize", "p": p}]})["a"] == [0.25, -1]


def test_a_single_number_is_normalised_to_0_and_told() -> None:
    spec = {"input": [2, 5], "upstream": [1, 1], "layers": [{"name": "bn", "type": "batch_norm", "beta": [3, 4]}]}
    found = layer_of(spec)
    assert (found["a"], found["dx"], found["dbeta"]) == ([3, 4], [0, 0], [1, 1])
    assert "bn: each mean is over a single number" in in_process("backprop", "-", stdin=str(spec)).out


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"type": "batch_norm", "gamma": [1, 2, 3]}, r"takes \(2,\) from the input, so its gamma \(features\) must"),
        ({"type": "batch_norm", "running_var": [1, -1]}, "a variance is not below 0"),
        ({"type": "batch_norm", "momentum": 1.5}, "momentum is the batch's share, from 0 to 1, not 1.5"),
        ({"type": "batch_norm", "mode": "test"}, "train or eval"),
        ({"type": "batch_norm", "eps": -1}, "eps must be at least 0"),
        ({"type": "layer_norm", "axis": 1}, r"has no axis 1: the input gives \(2,\)"),
        ({"type": "layer_norm", "axis": "first"}, "last or all"),
        ({"type": "group_norm", "groups": 3}, "2 channels do not fall into 3 equal groups"),
        ({"type": "group_norm"}, "groups is missing"),
        ({"type": "normalize", "p": 0}, "p must be above 0"),
        ({"type": "rms_norm", "gamma": "ones"}, "gamma"),
    ],
)
def test_what_does_not_fit_is_refused(layer: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        layer_of({"input": BATCH, "layers": [{"name": "it", **layer}], "upstream": BATCH})


def test_one_number_has_no_unbiased_variance() -> None:
    with pytest.raises(SpecError, match="running_var takes the unbiased variance"):
        layer_of({"input": [1, 2], "layers": [{"type": "batch_norm", "running_var": 1}], "upstream": [1, 1]})
