"""Convolution and pooling beside loops over single numbers, in both data formats, in blocks, and at their edges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from commands import in_process
from gradcalc.errors import SpecError
from gradcalc.layers import convolution
from gradcalc.layers.base import Quantities
from gradcalc.layers.windows import Windows
from gradcalc.spec.initial import initialise
from made_layers import both_ways, made
from plain_grids import Array, Slide, avg_pool, conv, conv_back, max_pool

CLOSE = {"rtol": 1e-12, "atol": 1e-13}

SETTINGS = [
    Slide((2, 2)),
    Slide((1, 3), stride=(2, 1)),
    Slide((3, 2), stride=(1, 2), dilation=(1, 2), before=(1, 1), after=(1, 1)),
    Slide((2, 2), stride=(3, 3), before=(1, 0), after=(1, 0)),
    Slide((1, 1), stride=(2, 2)),
]

#: Rows of places that meet padding alone, which pooling refuses.
BEYOND = Slide((1, 2), before=(2, 3), after=(2, 3))

each_setting = pytest.mark.parametrize("slide", SETTINGS, ids=str)
each_format = pytest.mark.parametrize("last", [False, True], ids=["channels_first", "channels_last"])


def keys_of(slide: Slide, **more: Any) -> dict[str, Any]:
    """The keys that say how a kernel moves."""
    found = {"stride": list(slide.stride), "dilation": list(slide.dilation), "padding": list(slide.before)}
    return {**found, **more}


def shown(type_: str, keys: dict[str, Any], x: Array, last: bool, da: Array | None = None) -> Quantities:
    """A layer's quantities for x (N, channels, ...), all with the channels second whichever format it is given."""
    if not last:
        return both_ways(made(type_, keys, x), x, da=da)
    turned = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    given = None if da is None else np.moveaxis(da, 1, -1)
    found = both_ways(made(type_, {**keys, "data_format": "channels_last"}, turned), turned, da=given)
    return {k: v if k[-1] in "Wb" else np.moveaxis(v, -1, 1) if v.ndim > 2 else v for k, v in found.items()}


@each_format
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("slide", [*SETTINGS, BEYOND], ids=str)
def test_conv2d_is_the_loops(slide: Slide, groups: int, last: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    x, W, b = (
        random.normal(size=(3, 4, 6, 5)),
        random.normal(size=(4, 4 // groups, *slide.kernel)),
        random.normal(size=4),
    )
    z = conv(x, W, slide, groups) + b[:, None, None]
    dz = random.normal(size=z.shape)
    dW, dx = conv_back(x, W, dz, slide, groups)
    for small in (1, 300, convolution.SMALL):  # a row at a time, an example at a time, and all at once
        monkeypatch.setattr(convolution, "SMALL", small)
        monkeypatch.setattr(convolution, "SHARE", 1 << 20)
        found = shown("conv2d", keys_of(slide, weights=W, bias=b, groups=groups), x, last, dz)
        for name, expected in {"z": z, "a": z, "dW": dW, "dx": dx, "db": dz.sum(axis=(0, 2, 3))}.items():
            np.testing.assert_allclose(found[name], expected, err_msg=name, **CLOSE)


@each_format
def test_conv1d_is_conv2d_with_one_row(last: bool) -> None:
    random = np.random.default_rng(1)
    x, W, b = random.normal(size=(2, 3, 7)), random.normal(size=(2, 3, 3)), random.normal(size=2)
    keys = {"weights": W, "bias": b, "stride": 2, "padding": 1, "activation": "tanh"}
    found = shown("conv1d", keys, x, last)
    flat = {**keys, "weights": W[:, :, None], "padding": [0, 1]}
    expected = shown("conv2d", flat, x[:, :, None], False)
    for name in ("z", "a", "f_prime", "dz", "dx", "dW"):
        np.testing.assert_allclose(found[name], np.squeeze(expected[name], axis=2), err_msg=name, **CLOSE)
    np.testing.assert_allclose(found["db"], expected["db"], **CLOSE)


@each_format
@pytest.mark.parametrize("ties", ["first", "all", "split"])
@each_setting
def test_max_pool2d_is_the_loops(slide: Slide, ties: str, last: bool) -> None:
    x = np.random.default_rng(2).integers(-2, 2, (2, 3, 6, 5)).astype(float)
    a = conv(x[:, :1], np.zeros((3, 1, *slide.kernel)), slide)
    da = np.random.default_rng(3).normal(size=a.shape)
    expected = dict(zip(("a", "taken", "dx"), max_pool(x, da, slide, ties), strict=True))
    found = shown("max_pool2d", keys_of(slide, kernel=list(slide.kernel), ties=ties), x, last, da)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], err_msg=name, **CLOSE)


@each_format
@pytest.mark.parametrize("count", [True, False])
@each_setting
def test_avg_pool2d_is_the_loops(slide: Slide, count: bool, last: bool) -> None:
    slide = slide._replace(dilation=(1, 1))
    x = np.random.default_rng(2).normal(size=(2, 3, 6, 5))
    a = conv(x[:, :1], np.zeros((3, 1, *slide.kernel)), slide)
    da = np.random.default_rng(3).normal(size=a.shape)
    keys = keys_of(slide, kernel=list(slide.kernel), count_include_pad=count)
    del keys["dilation"]
    expected = dict(zip(("a", "dx"), avg_pool(x, da, slide, count), strict=True))
    found = shown("avg_pool2d", keys, x, last, da)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], err_msg=name, **CLOSE)


@pytest.mark.parametrize("type_", ["max_pool", "avg_pool"])
def test_pooling_over_one_axis_is_that_with_one_row(type_: str) -> None:
    x = np.random.default_rng(4).normal(size=(2, 3, 7))
    found = shown(f"{type_}1d", {"kernel": 3, "stride": 2, "padding": 1}, x, False)
    expected = shown(f"{type_}2d", {"kernel": [1, 3], "stride": 2, "padding": [0, 1]}, x[:, :, None], False)
    for name in ("a", "dx", *(["taken"] if type_ == "max_pool" else [])):
        np.testing.assert_allclose(found[name], np.squeeze(expected[name], axis=2), **CLOSE)


@each_format
@pytest.mark.parametrize("ties", ["first", "all", "split"])
def test_global_pooling_is_pooling_with_the_plane_as_its_window(ties: str, last: bool) -> None:
    x = np.random.default_rng(5).integers(-1, 2, (2, 3, 4, 3)).astype(float)
    da = np.array([[1.0, 2.0, -3.0], [0.5, 4.0, 1.5]])
    for name in ("max", "avg"):
        rule = {"ties": ties} if name == "max" else {}
        found = shown(f"global_{name}_pool", rule, x, last, da if not last else None)
        expected = shown(f"{name}_pool2d", {"kernel": [4, 3], **rule}, x, False, None if last else da[:, :, None, None])
        for quantity in ("a", *(["taken"] if name == "max" else [])):
            np.testing.assert_allclose(found[quantity], expected[quantity][:, :, 0, 0], **CLOSE)
        np.testing.assert_allclose(found["dx"], expected["dx"], **CLOSE)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "before", "after"),
    [
        (5, 3, 1, 1, 1, 1),
        (5, 2, 1, 1, 0, 1),
        (6, 3, 2, 1, 0, 1),
        (5, 3, 2, 1, 1, 1),
        (5, 3, 1, 2, 2, 2),
        (4, 1, 3, 1, 0, 0),
    ],
)
def test_same_is_the_rule_of_keras(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> None:
    """ceil(size / stride) outputs; where the padding is uneven, the end has one more."""
    random = np.random.default_rng(6)
    x, W = random.normal(size=(1, 1, size)), random.normal(size=(1, 1, kernel))
    found = shown("conv1d", {"weights": W, "padding": "same", "stride": stride, "dilation": dilation}, x, False)
    slide = Slide((1, kernel), (1, stride), (1, dilation), (0, before), (0, after))
    np.testing.assert_allclose(found["z"], conv(x[:, :, None], W[:, :, None], slide)[:, :, 0], **CLOSE)
    assert found["z"].shape[-1] == -(-size // stride)


def test_padding_is_never_the_maximum() -> None:
    x = np.array([[[-3.0, -1.0]]])
    found = shown("max_pool1d", {"kernel": 3, "stride": 1, "padding": 1}, x, False)
    assert found["a"].tolist() == [[[-1.0, -1.0]]]
    assert found["taken"].tolist() == [[[1, 1]]]
    layer = made("max_pool1d", {"kernel": 3, "stride": 1, "padding": 1, "ties": "split"}, x)
    lowest = both_ways(layer, np.full_like(x, -np.inf))
    assert lowest["a"].tolist() == [[[-np.inf, -np.inf]]]
    assert lowest["taken"].tolist() == [[[0, 0]]]
    assert lowest["dx"].tolist() == [[[1.0, 1.0]]]


@pytest.mark.parametrize("ties", ["first", "all", "split"])
def test_nan_is_the_maximum(ties: str) -> None:
    x = np.array([[[1.0, np.nan, np.inf, 2.0]]])
    layer = made("max_pool1d", {"kernel": 2, "stride": 1, "ties": ties}, np.zeros_like(x))
    found = both_ways(layer, x)
    np.testing.assert_array_equal(found["a"], [[[np.nan, np.nan, np.inf]]])
    assert found["taken"].tolist() == [[[1, 1, 2]]]
    assert found["dx"].tolist() == [[[0.0, 2.0, 1.0, 0.0]]]
    whole = both_ways(made("global_max_pool", {"ties": ties}, np.zeros((1, 1, 2, 2))), x.reshape(1, 1, 2, 2))
    assert np.isnan(whole["a"]).all()
    assert whole["dx"].reshape(-1).tolist() == [0.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize(("ties", "kernel"), [("first", 2), ("split", 1)])
def test_the_report_tells_of_ties(ties: str, kernel: int) -> None:
    """The window [3, 0, 3, 3] and, in the last channel, [2, 2, 2, 2]; a window of one number never ties."""
    layer = f"{{name: p, type: max_pool2d, kernel: {kernel}, ties: {ties}}}"
    spec = f"input: [[[3, 0], [3, 3]], [[1, 2], [3, 4]], [[2, 2], [2, 2]]]\nlayers: [{layer}]\n"
    told = "2 windows of p have several maxima; ties first was applied."
    assert (told in in_process("backprop", "-", stdin=spec).out) == (kernel == 2)
    spec = spec.replace(f"max_pool2d, kernel: {kernel}", "global_max_pool")
    told = f"2 channels of p have several maxima; ties {ties} was applied."
    assert told in in_process("backprop", "-", stdin=spec).out


def test_the_report_has_no_bias_or_function_that_is_not_there() -> None:
    spec = "input: [[1, 2, 3]]\nlayers:\n  - {name: c, type: conv1d, weights: [1, 2]MORE}\nupstream: [[1, 1]]\n"
    for more, z, dz in (("", "W * x ", "dL/da "), (", bias: 1, activation: tanh", "W * x + b ", "dL/da * f'(z) ")):
        lines = in_process("backprop", "-", stdin=spec.replace("MORE", more)).out.splitlines()
        assert any(line.startswith("z[0] ") and f" {z} " in line for line in lines)
        assert any(line.startswith("dz[0] ") and f" {dz} " in line for line in lines)


def test_what_is_not_finite_stays_where_it_is() -> None:
    """An infinite number spoils what it enters, and nothing beside it."""
    x = np.ones((1, 1, 1, 6))
    x[..., 0] = np.inf
    found = both_ways(made("conv2d", {"weights": [[[[1.0, 2.0]]]], "padding": [0, 1]}, np.ones_like(x)), x)
    assert np.isfinite(found["z"]).reshape(-1).tolist() == [False, False, True, True, True, True, True]
    assert np.isfinite(found["dx"]).all()
    upstream = np.ones((1, 1, 1, 7))
    upstream[..., 3] = np.nan
    back = both_ways(made("conv2d", {"weights": [[[[1.0, 2.0]]]], "padding": [0, 1]}, np.ones_like(x)), x, da=upstream)
    assert np.isnan(back["dx"]).reshape(-1).tolist() == [False, False, True, True, False, False]
    pooled = both_ways(
        made("max_pool1d", {"kernel": 2}, np.zeros((1, 1, 4))), np.zeros((1, 1, 4)), da=[[[np.nan, 1.0]]]
    )
    np.testing.assert_array_equal(pooled["dx"], [[[np.nan, 0.0, 1.0, 0.0]]])
    whole = both_ways(made("global_max_pool", {}, IMAGE), IMAGE, da=[[np.inf]])
    np.testing.assert_array_equal(whole["dx"], [[[[np.inf, 0.0], [0.0, 0.0]]]])


def test_a_kernel_alone_for_one_channel_and_one_unit() -> None:
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    kernel = [[1.0, 0.0], [0.0, -1.0]]
    layer = made("conv2d", {"weights": kernel, "bias": 0.5}, x)
    assert layer.as_written(layer.parameters)["W"].tolist() == kernel
    assert layer.from_written("W", np.asarray(kernel))["W"].shape == (1, 1, 2, 2)
    gradients = layer.as_written(both_ways(layer, x))
    assert gradients["dW"].tolist() == [[0 + 1 + 3 + 4, 1 + 2 + 4 + 5], [3 + 4 + 6 + 7, 4 + 5 + 7 + 8]]
    assert gradients["db"].tolist() == 4.0


@pytest.mark.parametrize("recipe", ["glorot_uniform", "he_normal"])
def test_fans_of_kernels(recipe: str) -> None:
    """An output has channels / groups * kernel inputs; an input leads to units * kernel outputs."""
    keys = {"units": 6, "kernel": [2, 3], "groups": 2, "weights": {"init": recipe, "seed": 3}}
    layer = made("conv2d", keys, np.zeros((1, 4, 5, 5)))
    expected = initialise((6, 2, 2, 3), 2 * 6, 6 * 6, {"init": recipe, "seed": 3}, path=())
    np.testing.assert_array_equal(layer.parameters["W"], expected)


IMAGE = np.zeros((1, 1, 2, 2))
WRONG = [
    ("conv2d", {"weights": np.ones((1, 1, 3, 3))}, "conv2d 3x3 over 2x2 with padding 0 leaves no output"),
    (
        "conv2d",
        {"weights": np.ones((1, 1, 2, 2)), "dilation": 2},
        "conv2d 2x2 with dilation 2 (3x3 from end to end) over 2x2",
    ),
    ("max_pool2d", {"kernel": 3}, "max_pool2d 3x3 over 2x2 with padding 0 leaves no output"),
    ("avg_pool2d", {"kernel": [1, 4], "padding": [1, 0]}, "avg_pool2d 1x4 over 2x2 with padding 1x0 leaves no output"),
    ("max_pool2d", {"kernel": 2, "padding": 2}, "max_pool2d 2x2 over 2x2 with padding 2 has a window of padding alone"),
    ("max_pool2d", {"kernel": 2, "padding": 2, "stride": 3}, "with padding 2 has a window of padding alone"),
    (
        "max_pool2d",
        {"kernel": 2, "padding": 2, "dilation": 3, "stride": 1},
        "with padding 2 has a window of padding alone",
    ),
    (
        "avg_pool2d",
        {"kernel": 1, "padding": 1, "count_include_pad": False},
        "avg_pool2d 1x1 over 2x2 with padding 1 has a window of padding alone",
    ),
    ("conv2d", {"weights": np.ones((1, 1, 1, 1)), "groups": 2}, "1 channel does not fall into 2 equal groups"),
    ("conv2d", {"weights": np.ones((1, 2, 1, 1))}, "must have the shape (units, 1, height, width), not (1, 2, 1, 1)"),
    (
        "conv2d",
        {"weights": np.ones((1, 1, 1, 1)), "kernel": 2},
        "must have the shape (units, 1, 2, 2), not (1, 1, 1, 1)",
    ),
    ("conv2d", {"weights": np.ones((1, 1, 1, 1)), "bias": "first"}, "must be numbers, or false for none, not 'first'"),
    ("conv2d", {"weights": {"init": "normal"}, "kernel": 1}, "needs units, because its weights are initialised"),
    ("conv2d", {"weights": {"init": "normal"}}, "needs units and kernel, because its weights are initialised"),
    ("conv2d", {"weights": [[1]], "padding": "half"}, "half"),
    ("conv2d", {"weights": [[1]], "padding": -1}, "-1"),
    ("conv2d", {"weights": [[1]], "stride": [1, 1, 1]}, "stride of layer it has 3 numbers, not 2"),
    ("conv2d", {"weights": [[1]], "stride": [1]}, "stride of layer it has 1 number, not 2"),
    ("max_pool2d", {"kernel": 1, "ties": "last"}, "last"),
    ("max_pool2d", {}, "kernel"),
]


@pytest.mark.parametrize(("type_", "keys", "message"), WRONG)
def test_an_error_names_the_rule(type_: str, keys: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as raised:
        made(type_, keys, IMAGE)
    assert message in raised.value.message


def test_kernels_in_the_order_of_keras_are_told_apart() -> None:
    hints = []
    for shape in ((3, 3, 2, 4), (1, 3, 3, 2)):
        with pytest.raises(SpecError) as raised:
            made("conv2d", {"weights": np.ones(shape).tolist()}, np.ones((1, 2, 5, 5)))
        hints.append(raised.value.hint)
    assert "fit if (height, width, channels, units) were its axes, as in Keras" in hints[0]
    assert not hints[1]


def test_steps_too_long_for_a_second_window() -> None:
    image = np.array([[[[1.0, 2.0], [3.0, 5.0]]]])
    for type_, keys in (("conv2d", {"weights": [[2.0]]}), ("max_pool2d", {"kernel": 1}), ("avg_pool2d", {"kernel": 1})):
        dilated = {} if type_ == "avg_pool2d" else {"dilation": 10**30}
        found = both_ways(made(type_, {**keys, "stride": 10**30, **dilated}, image), image)
        assert found["a"].tolist() == [[[[2.0 if type_ == "conv2d" else 1.0]]]]
        assert np.count_nonzero(found["dx"]) == 1


def test_units_fall_into_the_groups() -> None:
    with pytest.raises(SpecError, match="3 units do not fall into 2 equal groups"):
        made("conv2d", {"weights": np.ones((3, 1, 1, 1)), "groups": 2}, np.zeros((1, 2, 2, 2)))


def test_memory_is_asked_for_before_it_is_taken() -> None:
    for type_, keys in (("conv2d", {"weights": [[1]]}), ("max_pool2d", {"kernel": 1}), ("avg_pool2d", {"kernel": 1})):
        with pytest.raises(SpecError, match="the padded input of layer it, 1x200000000"):
            made(type_, {**keys, "padding": 10**9}, IMAGE)


def test_blocks_keep_the_columns_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """They cover every place once, and no block has more columns than its share of the memory."""
    monkeypatch.setattr(convolution, "SMALL", 1)
    windows = Windows((3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))
    for batch, channels in ((8, 1), (8, 4), (1, 4)):
        x, z = np.zeros((batch, channels, 16, 16)), np.zeros((batch, 4, 16, 16))
        for examples, rows in convolution.blocks(x, z, windows):
            some = z[examples, :, rows]
            some += 1
            assert some[:, 0].size * channels * 9 <= max((x.size + z.size) // convolution.SHARE, 16 * channels * 9)
        assert (z == 1).all()


def test_taps_that_meet_padding_alone_are_passed_over() -> None:
    """A kernel of a million entries over an image of four costs no more than one of nine."""
    windows = Windows((1001, 1001), (1, 1), (1, 1), ((500, 500), (500, 500)))
    assert windows.near((2, 2)) == Windows((3, 3), (1, 1), (1, 1), ((1, 1), (1, 1)))
    random = np.random.default_rng(5)
    for n, k, s, d, before, after in random.integers((1, 1, 1, 1, 0, 0), (7, 7, 5, 4, 7, 7), (300, 6)).tolist():
        windows = Windows((k,), (s,), (d,), ((before, after),))
        if windows.counts((n,))[0] > 0:
            assert windows.near((n,)).counts((n,)) == windows.counts((n,))
            assert met(windows.near((n,)), n) == met(windows, n)


def met(windows: Windows, size: int) -> list[list[int]]:
    """What every tap that does not stand in the padding meets, window by window."""
    found = np.stack(list(windows.indices((size,))), axis=1)
    return [[i for i in window if i >= 0] for window in found.tolist()]
