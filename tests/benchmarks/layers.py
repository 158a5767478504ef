"""Forward and backward passes of single layers beside PyTorch's, and their peak memory: printed, not tested.

    python tests/benchmarks/layers.py [speed|memory] [CASE ...]

Speed needs torch beside numpy; both sides run the same pass in one process and in turns, with as many threads as
OMP_NUM_THREADS says (all by default), and the medians are compared. A row of CASES is all there is to a layer.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from gradcalc.layers.base import Layer
from gradcalc.network import Problem, run
from gradcalc.shapes import Examples
from gradcalc.spec import load

ROUNDS = 15


class Case(NamedTuple):
    """A layer by the keys of a spec, its batch, and PyTorch's function from the tensors x, W, b ... to its output."""

    type: str
    keys: dict[str, Any]
    shape: tuple[int, ...]
    batch: int
    output: Callable[[Any, dict[str, Any]], Any]


def conv2d(torch: Any, tensors: dict[str, Any]) -> Any:
    """3 x 3 kernels, padding 1."""
    return torch.nn.functional.conv2d(tensors["x"], tensors["W"], tensors["b"], padding=1)


def max_pool2d(torch: Any, tensors: dict[str, Any]) -> Any:
    """2 x 2 windows."""
    return torch.nn.functional.max_pool2d(tensors["x"], 2)


def avg_pool2d(torch: Any, tensors: dict[str, Any]) -> Any:
    """2 x 2 windows."""
    return torch.nn.functional.avg_pool2d(tensors["x"], 2)


def recurrent(name: str, states: int) -> Callable[[Any, dict[str, Any]], Any]:
    """A layer of PyTorch's that begins with states of zeros."""

    def output(torch: Any, tensors: dict[str, Any]) -> Any:
        x, Wh = tensors["x"], tensors["Wh"]
        start = [x.new_zeros(1, len(x), Wh.shape[1]) for _ in range(states)]
        weights = [tensors[letter] for letter in ("Wx", "Wh", "b", "bh")]
        walk = getattr(torch, name)
        return walk(x, start if states > 1 else start[0], weights, True, 1, 0.0, False, False, True)[0]

    return output


def attention(torch: Any, tensors: dict[str, Any]) -> Any:
    """Eight heads, each key seen by the queries behind it."""
    q, k, v = (
        (tensors["x"] @ tensors[f"W{letter}"].T).unflatten(2, (8, -1)).transpose(1, 2) for letter in ("q", "k", "v")
    )
    context = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    return context.transpose(1, 2).flatten(2) @ tensors["Wo"].T


DRAWN = {"init": "he_normal", "seed": 0}
SEQUENCE = {"layout": "out_in", **dict.fromkeys(("Wx", "Wh", "bias", "recurrent_bias"), DRAWN)}
CASES = {
    "conv2d": Case(
        "conv2d",
        {"units": 64, "kernel": 3, "padding": 1, "weights": DRAWN, "bias": DRAWN},
        (64, 32, 32),
        16,
        conv2d,
    ),
    "lstm": Case("lstm", {"units": 128, "gate_order": "i,f,g,o", **SEQUENCE}, (64, 128), 32, recurrent("lstm", 2)),
    "gru": Case("gru", {"units": 128, **SEQUENCE}, (64, 128), 32, recurrent("gru", 1)),
    "rnn": Case("rnn", {"units": 128, **SEQUENCE}, (64, 128), 32, recurrent("rnn_tanh", 1)),
    "attention": Case(
        "attention",
        {"heads": 8, "mask": "causal", "layout": "out_in", **dict.fromkeys(("Wq", "Wk", "Wv", "Wo"), DRAWN)},
        (64, 128),
        32,
        attention,
    ),
    "max_pool2d": Case("max_pool2d", {"kernel": 2}, (64, 32, 32), 16, max_pool2d),
    "avg_pool2d": Case("avg_pool2d", {"kernel": 2}, (64, 32, 32), 16, avg_pool2d),
}


def problem(case: Case, dtype: str) -> Problem:
    """The layer alone, with random inputs and a random upstream gradient."""
    random = np.random.default_rng(0)
    layer = {"name": "it", "type": case.type, **case.keys}
    one = load({"input": np.zeros((1, *case.shape)).tolist(), "dtype": dtype, "layers": [layer]}).problem.layers[0]
    x, upstream = (random.standard_normal((case.batch, *shape)).astype(dtype) for shape in (case.shape, one.gives))
    return Problem(layers=[one], x=x, examples=Examples(flat=False, columns=False), upstream=upstream)


def torch_side(case: Case, given: Problem) -> Callable[[], Any]:
    """The same pass in PyTorch."""
    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count() or 1)))
    (layer,) = given.layers
    arrays = {"x": given.x, **layer.as_written(layer.parameters)}
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in arrays.items()}
    upstream = torch.tensor(given.upstream)

    def once() -> Any:
        for tensor in tensors.values():
            tensor.grad = None
        case.output(torch, tensors).backward(upstream)
        return {f"d{name}": tensor.grad.numpy() for name, tensor in tensors.items()}

    return once


def speed(case: Case, dtype: str) -> str:
    """The medians of both sides, in turns, after both have given the same gradients."""
    given = problem(case, dtype)
    theirs = torch_side(case, given)
    (found,) = run(given, given.layers).quantities
    shown = given.layers[0].as_written(found)
    for name, expected in theirs().items():
        np.testing.assert_allclose(shown[name], expected, rtol=1e-3, atol=1e-3 * np.abs(expected).max(), err_msg=name)
    ours_spent, theirs_spent = list[float](), list[float]()
    for _ in range(ROUNDS):
        for spent, side in ((ours_spent, lambda: run(given, given.layers)), (theirs_spent, theirs)):
            start = time.perf_counter()
            side()
            spent.append(time.perf_counter() - start)
    ours, torch_s = (statistics.median(spent) * 1e3 for spent in (ours_spent, theirs_spent))
    return f"gradcalc {ours:7.1f} ms, PyTorch {torch_s:7.1f} ms, ratio {ours / torch_s:.2f}"


def memory(case: Case, dtype: str) -> str:
    """The peak of a pass, input and upstream gradient included, as a multiple of input, output and parameters."""
    given = problem(case, dtype)
    assert given.upstream is not None
    tracemalloc.start()
    (found,) = run(given, given.layers).quantities
    peak = tracemalloc.get_traced_memory()[1] + given.x.nbytes + given.upstream.nbytes
    tracemalloc.stop()
    whole = given.x.nbytes + found["a"].nbytes + parameter_bytes(given.layers[0])
    return f"peak {peak / 2**20:6.1f} MiB, {peak / whole:.2f} x (input + output + parameters)"


def parameter_bytes(layer: Layer) -> int:
    """What the parameters take."""
    return sum(array.nbytes for array in layer.parameters.values())


MEASURES = {"speed": speed, "memory": memory}


def main(words: list[str]) -> None:
    """Prints the asked-for measures of the asked-for cases, all of either by default."""
    cases = [word for word in words if word in CASES] or list(CASES)
    for measure in [word for word in words if word in MEASURES] or list(MEASURES):
        for name in cases:
            for dtype in ("float64", "float32"):
                print(f"{measure} {name:10} {dtype}: {MEASURES[measure](CASES[name], dtype)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
