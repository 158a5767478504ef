"""Add, multiply, concat, reshape, transpose, flatten and dropout: what they compute, in numbers that can be read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcalc.backpropagation import backprop
from gradcalc.errors import SpecError

X = [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]]


def alone(layer: dict[str, Any], given: Any = X, **more: Any) -> Any:
    """A layer by itself."""
    return backprop({"input": given, "layers": [{"name": "one", **layer}], **more})


def joined(type_: str, *arrays: Any, **keys: Any) -> Any:
    """Several inputs, joined."""
    names = [f"in{i}" for i in range(len(arrays))]
    layer = {"name": "one", "type": type_, "inputs": names, **keys}
    return backprop({"input": dict(zip(names, arrays, strict=True)), "layers": [layer]}).quantity("one.a").tolist()


def test_numbers_keep_their_order_in_another_shape() -> None:
    assert alone({"type": "flatten"}).quantity("one.a").tolist() == [list(range(1, 7)), list(range(7, 13))]
    reshaped = alone({"type": "reshape", "shape": [3, -1]}).quantity("one.a").tolist()
    assert reshaped == [[[1, 2], [3, 4], [5, 6]], [[7, 8], [9, 10], [11, 12]]]


def test_axes_of_each_example_are_exchanged() -> None:
    assert alone({"type": "transpose"}).quantity("one.a").tolist()[0] == [[1, 4], [2, 5], [3, 6]]
    kept = alone({"type": "transpose", "axes": [0, -1]}).quantity("one.a").tolist()
    assert kept == X
    cube = np.arange(24.0).reshape(1, 2, 3, 4)
    turned = alone({"type": "transpose", "axes": [2, 0, 1]}, cube.tolist()).quantity("one.a")
    np.testing.assert_array_equal(turned[0], np.transpose(cube[0], (2, 0, 1)))


def test_outputs_are_added_multiplied_and_joined() -> None:
    assert joined("add", [1, 2], [3, 4], [5, 6]) == [9, 12]
    assert joined("multiply", [1, 2], [3, 4], [5, 6]) == [15, 48]
    assert joined("concat", [1, 2], [3], [4, 5]) == [1, 2, 3, 4, 5]
    batch = [[[1, 2]], [[3, 4]]]
    assert joined("concat", batch, batch, axis=0) == [[[1, 2], [1, 2]], [[3, 4], [3, 4]]]
    assert joined("concat", batch, batch, axis=-1) == [[[1, 2, 1, 2]], [[3, 4, 3, 4]]]


def test_a_product_with_a_zero_still_has_its_derivatives() -> None:
    layer = {"name": "one", "type": "multiply", "inputs": ["a", "b"]}
    found = backprop({"input": {"a": [0, 2], "b": [3, 0]}, "layers": [layer], "upstream": [1, 10]})
    assert found.quantity("a.da").tolist() == [3, 0]
    assert found.quantity("b.da").tolist() == [0, 20]


MASK = {"type": "dropout", "p": 0.75, "mask": [1, 0, 1]}


@pytest.mark.parametrize(
    ("keys", "a", "dx"),
    [
        ({}, [4, 0, 12], [4, 0, 4]),
        ({"scale": "none"}, [1, 0, 3], [1, 0, 1]),
        ({"mode": "eval"}, [1, 2, 3], [1, 1, 1]),
        ({"mode": "eval", "scale": "none"}, [0.25, 0.5, 0.75], [0.25, 0.25, 0.25]),
    ],
)
def test_dropout_scales_what_it_keeps(keys: dict[str, Any], a: list[float], dx: list[float]) -> None:
    found = alone({**MASK, **keys}, [1, 2, 3], upstream=[1, 1, 1])
    assert found.quantity("one.a").tolist() == a
    assert found.quantity("one.dx").tolist() == dx
    assert ("mask" in found.layers[0].quantities) == ("mode" not in keys)


def test_a_drawn_mask_is_that_of_its_seed() -> None:
    x = np.ones((50, 40)).tolist()
    mask = alone({"type": "dropout", "p": 0.3, "seed": 7}, x).quantity("one.mask")
    np.testing.assert_array_equal(mask, np.random.default_rng(7).random((50, 40)) >= 0.3)
    np.testing.assert_array_equal(mask, alone({"type": "dropout", "p": 0.3, "seed": 7}, x).quantity("one.mask"))
    assert (mask != alone({"type": "dropout", "p": 0.3}, x).quantity("one.mask")).any()
    assert alone({"type": "dropout", "p": 0}, x).quantity("one.mask").all()


def test_a_mask_is_for_one_example_or_for_all() -> None:
    given = [[1, 2], [3, 4]]
    one = {"type": "dropout", "p": 0.5}
    assert alone({**one, "mask": [1, 0]}, given).quantity("one.a").tolist() == [[2, 0], [6, 0]]
    assert alone({**one, "mask": [[1, 0], [0, 1]]}, given).quantity("one.a").tolist() == [[2, 0], [0, 8]]
    assert alone({**one, "mask": [True, False]}, given).quantity("one.a").tolist() == [[2, 0], [6, 0]]


def test_a_mask_without_p_is_the_whole_factor() -> None:
    """Some courses divide the mask itself by 1 - p."""
    found = alone({"type": "dropout", "mask": [0, 1.25]}, [1, 2], upstream=[3, 4])
    assert found.quantity("one.a").tolist() == [0, 2.5]
    assert found.quantity("one.dx").tolist() == [0, 5]
    assert alone({"type": "dropout", "mask": [0, 1], "mode": "eval"}, [1, 2]).quantity("one.a").tolist() == [1, 2]


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ({"type": "dropout", "mask": [[1, 0, 1]]}, "so its mask has that shape, or"),
        ({"type": "dropout", "mask": [[1, 0, 1]] * 2, "seed": 3}, "a mask and a seed"),
        ({"type": "dropout", "p": -0.5}, "at least 0"),
        ({"type": "dropout", "p": 0.5, "mask": [[0, 2, 0]] * 2}, "leave p out"),
        ({"type": "dropout", "rate": 0.5}, "write p"),
        ({"type": "reshape", "shape": [-1, -1]}, "cannot have the shape"),
        ({"type": "reshape", "shape": []}, "cannot have the shape"),
        ({"type": "reshape", "shape": [0, -1]}, "cannot have the shape"),
        ({"type": "reshape", "shape": [4, -1]}, "cannot have the shape"),
        ({"type": "reshape", "shape": [1] * 100}, "at most 8 axes"),
        ({"type": "transpose", "axes": [0, 2]}, "in some order"),
        ({"type": "transpose", "axes": [1]}, "in some order"),
        ({"type": "concat", "inputs": ["input", "input"], "axis": 2}, "has no axis 2"),
        ({"type": "add", "inputs": ["input"] * 1001}, "1001 inputs are too many"),
    ],
)
def test_what_cannot_be_is_refused(layer: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        alone(layer)
