"""Gradients of a 784-1024-1024-10 net beside PyTorch's, cost against size, and peak memory: printed, not tested.

    python tests/benchmarks/network.py [speed|cost|memory]

Speed needs torch beside numpy; both sides compute the loss and its derivative by every parameter and by the
input, in float64, with the same number of threads, in turns, and the medians are compared.
"""

from __future__ import annotations

import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from gradcalc.functions import find
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer
from gradcalc.layers.dense import Dense
from gradcalc.network import Problem, run
from gradcalc.objective import Objective
from gradcalc.shapes import BiasForm, Examples, WeightForm

SIZES = (784, 1024, 1024, 10)
BATCH = 512
ROUNDS = 15


def problem(sizes: tuple[int, ...] = SIZES, batch: int = BATCH) -> Problem:
    """A net of ReLU layers whose last one gives logits, with random weights, inputs and classes."""
    random = np.random.default_rng(0)
    layers: list[Layer] = []
    for position, (inputs, units) in enumerate(pairwise(sizes)):
        last = position == len(sizes) - 2
        W = random.standard_normal((inputs, units)) * np.sqrt(2 / inputs)
        activation = None if last else Activation(find("relu"), {}, "default")  # type: ignore[arg-type]  # elementwise
        layers.append(
            Dense(
                f"l{position}", W, np.zeros(units), activation, WeightForm("in_out", "matrix", False), BiasForm("flat")
            )
        )
    entry = find("softmax_cross_entropy")
    target = np.eye(sizes[-1])[random.integers(0, sizes[-1], batch)]
    objective = Objective(entry, entry.parameters({}), target)  # type: ignore[arg-type]  # a loss
    x = random.standard_normal((batch, sizes[0]))
    return Problem(layers=layers, x=x, examples=Examples(flat=False, columns=False), objective=objective)


def torch_side(given: Problem) -> Callable[[], Any]:
    """The same net in PyTorch, as a function of one pass."""
    import torch

    assert given.objective is not None
    weights = [
        (torch.tensor(layer.W.T.copy(), requires_grad=True), torch.tensor(layer.b.copy(), requires_grad=True))
        for layer in given.layers
        if isinstance(layer, Dense) and layer.b is not None
    ]
    x = torch.tensor(given.x, requires_grad=True)
    target = torch.tensor(given.objective.target.argmax(axis=1))
    wanted = [x, *(parameter for pair in weights for parameter in pair)]

    def once() -> Any:
        a = x
        for position, (W, b) in enumerate(weights):
            a = torch.nn.functional.linear(a, W, b)
            a = torch.relu(a) if position < len(weights) - 1 else a
        loss = torch.nn.functional.cross_entropy(a, target)
        return loss, torch.autograd.grad(loss, wanted)

    return once


def timed(once: Callable[[], Any]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    once()
    return time.perf_counter() - start


def speed() -> None:
    """Ours beside PyTorch's, in turns."""
    given = problem()
    sides = {"gradcalc": lambda: run(given, given.layers)}
    try:
        sides["torch"] = torch_side(given)
    except ImportError:
        print("torch is not there: only our own time")
    if "torch" in sides:
        _compare(given, sides)
    times: dict[str, list[float]] = {name: [] for name in sides}
    for once in sides.values():
        once()
    for _ in range(ROUNDS):
        for name, once in sides.items():
            times[name].append(timed(once))
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, median in medians.items():
        print(f"{name:10} {1e3 * median:8.1f} ms")
    if "torch" in medians:
        print(f"ratio      {medians['gradcalc'] / medians['torch']:8.2f}")


def _compare(given: Problem, sides: dict[str, Callable[[], Any]]) -> None:
    """Both sides compute the same numbers."""
    mine = run(given, given.layers)
    loss, (dx, *_) = sides["torch"]()
    assert mine.loss is not None
    assert abs(mine.loss - loss.item()) <= 1e-12 * abs(mine.loss)
    assert np.allclose(mine.quantities[0]["dx"], dx.numpy(), rtol=1e-10, atol=1e-15)


def cost() -> None:
    """Time against depth and batch: the last column should stay level."""
    for name, variants in {
        "layers": [((256,) * (depth + 1), 256, depth) for depth in (4, 8, 16, 32)],
        "batch": [((256,) * 5, batch, batch) for batch in (256, 512, 1024, 2048)],
    }.items():
        for sizes, batch, count in variants:
            given = problem(sizes, batch)
            run(given, given.layers)
            median = statistics.median(timed(lambda given=given: run(given, given.layers)) for _ in range(7))  # type: ignore[misc]  # bound now
            print(f"{name} {count:5}  {1e3 * median:8.1f} ms  {1e6 * median / count:8.1f} us each")


def memory() -> None:
    """Peak memory of a pass against what it has to hold: parameters, all gradients, and kept activations."""
    given = problem()
    held = {id(array): array.nbytes for layer in given.layers for array in (given.x, *layer.parameters.values())}
    parameters = sum(held.values()) - given.x.nbytes
    tracemalloc.start()
    done = run(given, given.layers)
    peak = sum(held.values()) + tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    quantities = {id(array): (name, array.nbytes) for found in done.quantities for name, array in found.items()}
    gradients = sum(size for name, size in quantities.values() if name.startswith("d"))
    activations = sum(size for name, size in quantities.values() if name in ("x", "z", "a"))
    for name, size in (
        ("parameters", parameters),
        ("gradients", gradients),
        ("activations", activations),
        ("peak", peak),
    ):
        print(f"{name:12} {size / 2**20:6.1f} MiB")
    print(f"ratio        {peak / (parameters + gradients + activations):6.2f}")


if __name__ == "__main__":
    {"speed": speed, "cost": cost, "memory": memory}[(sys.argv[1:] or ["speed"])[0]]()
