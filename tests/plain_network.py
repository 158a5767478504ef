"""Random nets in plain NumPy, apart from the program: their loss, the spec that states them, and its answer read back.

Here everything is kept one way: examples are rows, W is (inputs, units), b is (units,) or one number. `spec` writes it
down by the conventions that were drawn, and `read` brings quantities of an answer back.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from plain_activations import ACTIVATIONS, Array
from plain_losses import LOSSES

PARAMETERS: dict[str, Callable[[np.random.Generator, int], dict[str, Any]]] = {
    "leaky_relu": lambda random, units: {"alpha": random.uniform(0.05, 0.4)},
    "prelu": lambda random, units: {"alpha": random.uniform(0.05, 0.4, units if random.integers(2) else ())},
}


def _added(w: Array) -> Array:
    """The sum of a matrix, or of each of a stack of them."""
    return w.sum(axis=(-2, -1)) if w.ndim > 2 else w.sum()


PENALTIES: dict[str, Callable[[Array, float], Array]] = {
    "l2_squared": lambda w, p: _added(w**2),
    "half_l2_squared": lambda w, p: _added(w**2) / 2,
    "l1": lambda w, p: _added(np.abs(w)),
    "lp": lambda w, p: _added(np.abs(w) ** p) ** (1 / p),
}


class Layer(NamedTuple):
    """One dense layer: its numbers in our layout, and the forms in which the spec has them."""

    W: Array
    b: Array | None
    bias_form: str
    layout: str
    activation: str | None
    parameters: dict[str, Any]

    def forward(self, x: Array, alpha: Array | None = None) -> tuple[Array, Array]:
        """z and a; `alpha` replaces that parameter."""
        z = x @ self.W + (0.0 if self.b is None else self.b)
        return z, self.applied(z, alpha)

    def applied(self, z: Array, alpha: Array | None = None) -> Array:
        """a of z."""
        if self.activation is None:
            return z
        given = self.parameters if alpha is None else {"alpha": alpha}
        return ACTIVATIONS[self.activation](z, **{name: np.asarray(v) for name, v in given.items()})


class Net(NamedTuple):
    """A net with its data and everything that was drawn about how its spec is written."""

    layers: list[Layer]
    x: Array
    y: Array
    loss: str
    parameters: dict[str, Any]
    weight: Array | None
    scale: float
    reduction: str
    average: str
    flat: bool
    columns: bool
    penalties: list[dict[str, Any]]

    def total(self, a: Array) -> Array:
        """The loss of the data at outputs a (N, n), or each loss of a stack of them."""
        weight = np.ones(self.x.shape[0])[:, None] if self.weight is None else self.weight
        y = np.broadcast_to(self.y, a.shape)
        terms = LOSSES[self.loss].terms(a, y, np.broadcast_to(weight, a.shape), **self.parameters)
        own = tuple(range(a.ndim - 2, terms.ndim))
        divisor = {"sum": 1, "batch_mean": len(self.x), "mean": np.prod([terms.shape[axis] for axis in own])}
        return np.asarray(terms.sum(axis=own) * self.scale / divisor[self.reduction])

    def penalty(self) -> Array:
        """The penalties at the weights of the layers, which may be stacks."""
        found = np.zeros(())
        for penalty in self.penalties:
            strength = penalty["strength"] / (len(self.x) if penalty.get("per_example") else 1)
            for layer in self.layers:
                arrays = [layer.W] + ([layer.b] if penalty.get("biases") and layer.b is not None else [])
                found = found + sum(strength * PENALTIES[penalty["norm"]](w, penalty.get("p", 2.0)) for w in arrays)
        return found

    def outputs(self, x: Array, start: int = 0) -> Array:
        """The outputs of the net, with `x` fed to the layer at `start`."""
        for layer in self.layers[start:]:
            _, x = layer.forward(x)
        return x

    def example_scale(self) -> float:
        """What da and dz are in terms of the loss: N where dW and db alone are averaged."""
        return float(len(self.x)) if self.average == "parameters" and self.reduction != "sum" else 1.0


def draw(random: np.random.Generator, activation: str, loss: str) -> Net:
    """A random net that has this activation in it (where it has layers) and this loss."""
    kind = LOSSES[loss]
    flat = bool(random.integers(2))
    count = 1 if flat else int(random.integers(1, 4))
    depth = int(random.integers(0 if not kind.ends else 1, 5))
    sizes = [int(size) for size in random.integers(2, 5, depth + 1)]
    layers = [_layer(random, *pair, activation) for pair in pairwise(sizes)]
    if layers:
        ends = kind.ends or (activation, None)  # a loss on probabilities needs them
        last = ends[int(random.integers(len(ends)))]
        if loss == "cross_entropy" and activation in kind.ends:
            last = activation
        layers[-1] = layers[-1]._replace(activation=last, parameters=_parameters(random, last, sizes[-1]))
    weight = _weight(random, (count, sizes[-1]), flat) if kind.weighed else None
    return Net(
        layers,
        random.standard_normal((count, sizes[0])) * 1.5,
        _targets(random, kind.targets, (count, sizes[-1])),
        loss,
        kind.parameters[int(random.integers(len(kind.parameters)))],
        weight,
        float(random.choice([1.0, 0.7])),
        str(random.choice(["batch_mean", "mean", "sum"])),
        str(random.choice(["loss", "parameters"])),
        flat,
        bool(random.integers(2)),
        _penalties(random),
    )


def _layer(random: np.random.Generator, inputs: int, units: int, activation: str) -> Layer:
    form = str(random.choice(["none", "flat", "row", "column", "shared", "first"]))
    b = None if form == "none" else random.standard_normal(() if form == "shared" else units)
    W = random.standard_normal((inputs, units))
    layout = str(random.choice(["in_out", "out_in"]))
    return Layer(W, b, form, layout, activation, _parameters(random, activation, units))


def _parameters(random: np.random.Generator, activation: str | None, units: int) -> dict[str, Any]:
    draw_them = PARAMETERS.get(activation or "")
    return draw_them(random, units) if draw_them else {}


def _targets(random: np.random.Generator, kind: str, shape: tuple[int, int]) -> Array:
    if kind == "any":
        return random.standard_normal(shape)
    if kind == "probabilities":
        return random.choice([0.0, 1.0, 0.3], shape)
    if kind == "positive":
        return random.uniform(0.1, 3.0, shape)
    if kind == "signs":
        return random.choice([-1.0, 1.0], shape)
    if kind == "bits":
        return random.choice([0.0, 1.0], shape)
    if kind == "classes" or random.integers(2):
        return np.eye(shape[1])[random.integers(0, shape[1], shape[0])]
    return random.dirichlet(np.ones(shape[1]), shape[0])


def _weight(random: np.random.Generator, shape: tuple[int, int], flat: bool) -> Array | None:
    if random.integers(2):
        return None
    return random.uniform(0.5, 2.0, shape if random.integers(2) and not flat else shape[1])


def _penalties(random: np.random.Generator) -> list[dict[str, Any]]:
    if random.integers(2):
        return []
    norms = random.choice(list(PENALTIES), size=int(random.integers(1, 3)), replace=False)
    return [
        {
            "norm": str(norm),
            "strength": float(random.uniform(0.1, 2)),
            "per_example": bool(random.integers(2)),
            "biases": bool(random.integers(2)),
            **({"p": 3.0} if norm == "lp" else {}),
        }
        for norm in norms
    ]
