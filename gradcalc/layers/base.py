"""What every layer is: forward gives the output and `back`, which turns the output's gradient into all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from gradcalc.shapes import Array

#: Quantities by the field's letters: x, W, b, z, a, f_prime, da, dz, dW, db, dx ... (see Layer.forward).
Quantities = dict[str, Array]


class Step(NamedTuple):
    """One layer's forward pass: `quantities` in the order they arise (the last is the output `a`), and `back`.

    back(da, dz) takes the loss's derivative by `a` and, where the loss knows it better than the product
    da * f'(z) can tell (a saturated sigmoid), by `z`; it gives the other derivatives in the chain rule's order,
    "dx" among them. Parameters' gradients are sums over the examples. slope() gives f_prime alone, as `back`
    does among the others, for a pass without a loss.
    """

    a: Array
    quantities: Quantities
    slope: Callable[[], Quantities]
    back: Callable[[Array, Array | None], Quantities]


class Layer(Protocol):
    """A layer of a network. Shapes: x (N, inputs), a (N, outputs)."""

    name: str
    type: str
    inputs: int
    outputs: int

    @property
    def parameters(self) -> Quantities:
        """Parameters by their letters; gradient descent replaces them through `with_parameters`."""

    def with_parameters(self, parameters: Quantities) -> Layer:
        """The same layer with other parameters; nothing is changed in place."""

    def forward(self, x: Array) -> Step:
        """The layer's output for x, and the way back. `x` is not changed."""
