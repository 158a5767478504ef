"""The backward pass of random nets against central differences of a loss written apart from the program."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from gradcalc.backpropagation import backprop
from gradcalc.functions import entries
from gradcalc.functions.entry import ANY, Elementwise, VectorActivation
from plain_activations import ACTIVATIONS
from plain_losses import LOSSES, WRITTEN
from plain_network import Net, draw
from plain_specs import gradients, rows, spec

#: Those of any numbers that give as many; glu, logit and their like are left out.
ACTIVATION_NAMES = [
    entry.name
    for entry in entries()
    if (isinstance(entry, Elementwise) and entry.domain is ANY and entry.name != "entr")
    or (isinstance(entry, VectorActivation) and entry.outputs(2) == 2)
]

TOLERANCE = 1e-7
STEP = 1e-3
NETS = 3  # of each activation with each loss it is put together with
PAIRS = [
    *((activation, "half_squared_error") for activation in ACTIVATION_NAMES),
    *zip(ACTIVATION_NAMES, cycle(WRITTEN), strict=False),
    *((activation, loss) for activation in ("sigmoid", "prelu", "softmax") for loss in WRITTEN),
    *((activation, loss) for activation in ("identity", "tanh") for loss in LOSSES if loss not in WRITTEN),
]


def test_every_activation_is_written_here_too() -> None:
    assert sorted(ACTIVATIONS) == sorted(ACTIVATION_NAMES)


@pytest.mark.parametrize(("activation", "loss"), list(dict.fromkeys(PAIRS)))
def test_backward_pass(activation: str, loss: str) -> None:
    random = np.random.default_rng(crc32(f"{activation} {loss}".encode()))
    for _ in range(NETS):
        assert_random_net(random, activation, loss)


def assert_random_net(random: np.random.Generator, activation: str, loss: str) -> None:
    """One random net away from kinks has the right gradients."""
    for _ in range(100):
        net = draw(random, activation, loss)
        try:
            with np.errstate(all="ignore"):  # a chain of exponentials
                truth = differences(net)
        except NearKinkError:
            continue
        return assert_gradients(net, truth)
    raise AssertionError("no point away from kinks was drawn")


class NearKinkError(Exception):
    """Two step sizes disagree, as they do at kinks."""


def differences(net: Net) -> dict[str, Any]:
    """The loss's derivative by everything, by its address."""
    found: dict[str, Any] = {}
    x = net.x
    scale = net.example_scale()
    found["a0"] = scale * slope(lambda value: net.total(net.outputs(value)), x)
    for i, layer in enumerate(net.layers):
        z, a = layer.forward(x)
        found[f"{i}.W"] = slope(lambda W, i=i, x=x: with_layer(net, i, x, W=W), layer.W)
        if layer.b is not None:
            found[f"{i}.b"] = slope(lambda b, i=i, x=x: with_layer(net, i, x, b=per_unit(b)), layer.b)
        found[f"{i}.z"] = scale * slope(
            lambda value, i=i, layer=layer: net.total(net.outputs(layer.applied(value), i + 1)), z
        )
        found[f"{i}.a"] = scale * slope(lambda value, i=i: net.total(net.outputs(value, i + 1)), a)
        if layer.activation == "prelu":
            found[f"{i}.alpha"] = slope(
                lambda alpha, i=i, layer=layer, x=x: net.total(
                    net.outputs(layer.forward(x, per_unit(alpha))[1], i + 1)
                ),
                np.asarray(layer.parameters["alpha"], dtype=float),
            )
        x = a
    return found


def with_layer(net: Net, position: int, x: Any, **changes: Any) -> Any:
    """The losses, penalties and all, with some numbers of a layer, whose input is x, replaced by stacks of them."""
    layers = list(net.layers)
    layers[position] = layers[position]._replace(**changes)
    changed = net._replace(layers=layers)
    return changed.total(changed.outputs(x, position)) + changed.penalty()


def per_unit(stack: Any) -> Any:
    """A stack of single numbers, or of one number per unit, such that each goes with all examples."""
    return stack.reshape(len(stack), 1, -1)


def slope(losses: Callable[[Any], Any], at: Any) -> Any:
    """The derivative by each number of `at`, of fourth order; NearKinkError where it depends on the step.

    `losses` takes a stack of arrays in the place of `at`, and gives the loss of each.
    """
    steps = STEP * np.array([0, 1, -1, 2, -2, 0.5, -0.5])
    stack = np.broadcast_to(np.asarray(at, dtype=float), (len(steps), np.size(at), *np.shape(at))).copy()
    for i, index in enumerate(np.ndindex(np.shape(at))):
        stack[(slice(None), i, *index)] += steps
    with np.errstate(all="ignore"):  # a probability moved out of [0, 1]
        found = losses(stack.reshape(-1, *np.shape(at))).reshape(len(steps), -1)
        here, up, down, far_up, far_down, half_up, half_down = found
        wide, narrow = (
            estimates(here, up, down, far_up, far_down, STEP),
            estimates(here, half_up, half_down, up, down, STEP / 2),
        )
        for a, b, tolerance in zip(wide, narrow, (1e-8, 0.1), strict=True):
            if not np.all(np.abs(a - b) <= tolerance * (1 + np.abs(b))):
                raise NearKinkError
    return narrow[0].reshape(np.shape(at))


def estimates(here: Any, up: Any, down: Any, far_up: Any, far_down: Any, step: float) -> tuple[Any, Any]:
    """The first derivative, and the second, which grows without bound at a kink."""
    return (8 * (up - down) - (far_up - far_down)) / (12 * step), (up - 2 * here + down) / step**2


def assert_gradients(net: Net, truth: dict[str, Any]) -> None:
    """Every gradient of the answer is the truth, each array as a whole."""
    answer = backprop(spec(net)).to_dict()
    whole = net.total(net.outputs(net.x)) + net.penalty()
    rounding = 5e-12 * (1 + abs(whole))
    assert answer["loss"] == pytest.approx(whole, rel=1e-12, abs=1e-14)
    if not net.layers:
        return assert_close("a0", rows(net, answer["da0"]), truth["a0"], rounding)
    for i, (layer, numbers) in enumerate(zip(net.layers, answer["layers"], strict=True)):
        for letter, found in gradients(layer, numbers).items():
            assert_close(f"{i}.{letter}", found, truth[f"{i}.{letter}"], rounding)
        for letter in ("z", "a"):
            assert_close(f"{i}.{letter}", rows(net, numbers[f"d{letter}"]), truth[f"{i}.{letter}"], rounding)
        before = truth["a0"] if i == 0 else truth[f"{i - 1}.a"]
        assert_close(f"{i}.x", rows(net, numbers["dx"]), before, rounding)
        if layer.activation == "prelu":
            assert_close(f"{i}.alpha", numbers["dalpha"], truth[f"{i}.alpha"], rounding)
    return None


def assert_close(address: str, found: Any, truth: Any, rounding: float) -> None:
    """Their difference, as a vector, is small beside the truth; rounding of the differences is allowed for."""
    assert np.shape(found) == np.shape(truth), address
    error = np.linalg.norm(np.subtract(found, truth))
    assert error <= TOLERANCE * np.linalg.norm(truth) + rounding, (address, found, truth)
