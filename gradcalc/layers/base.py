"""What every layer is: forward gives the output and `back`, which turns the output's gradient into all others.

A layer is a class in a file of its own, with its declaration below it (see `declaration.py`). The whole of one:

    class Flatten(Layer):
        type = "flatten"

        def __init__(self, name: str, shape: Shape) -> None:
            super().__init__(name, takes=(shape,), gives=(prod(shape),))

        def forward(self, *inputs: Array) -> Step:
            (x,) = inputs                                       # (N, *shape)
            a = x.reshape(len(x), *self.gives)

            def back(da: Array, dz: Array | None = None) -> Quantities:
                return {"da": da, "dx": da.reshape(x.shape)}

            return Step(a, {"x": x, "a": a}, no_slope, back)

    ENTRIES = (
        LayerEntry(
            type="flatten", title="All numbers of an example in one row",
            build=lambda settings: Flatten(settings.name, settings.shapes[0]),
            ...
        ),
    )

and a line for the file in MODULES of `layers/__init__.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from gradcalc.shapes import Array, Shape, size

if TYPE_CHECKING:
    from gradcalc.layers.activation import Activation

#: Quantities by the field's letters: x, W, b, z, a, f_prime, da, dz, dW, db, dx ... (see Layer.forward).
Quantities = dict[str, Array]


class Step(NamedTuple):
    """One layer's forward pass: `quantities` in the order they arise (the last is the output `a`), and `back`.

    back(da, dz) takes the loss's derivative by `a` and, where the loss knows it better than the product
    da * f'(z) can tell (a saturated sigmoid), by `z`; it gives the other derivatives in the chain rule's order, "da"
    first and the input's, "dx", last. Parameters' gradients are sums over the examples. slope() gives f_prime alone,
    as `back` does among the others, for a pass without a loss; a layer that has none takes `no_slope`.
    """

    a: Array
    quantities: Quantities
    slope: Callable[[], Quantities]
    back: Callable[[Array, Array | None], Quantities]


def no_slope() -> Quantities:
    """Of a layer without an activation of its own."""
    return {}


class Layer(ABC):
    """A layer of a network. Inside, arrays of examples have the examples first: x (N, *takes[0]), a (N, *gives).

    `takes` has the shape of one example of each input. `activation` is the function applied last, from z to a, if
    there is one: with it come the quantities z, f_prime and dz, and the loss may know dz better than da * f'(z).
    """

    type: ClassVar[str]
    activation: Activation | None = None

    def __init__(self, name: str, takes: tuple[Shape, ...], gives: Shape) -> None:
        self.name, self.takes, self.gives = name, takes, gives

    @property
    def parameters(self) -> Quantities:
        """Parameters by their letters; gradient descent replaces them through `with_parameters`."""
        return {}

    def with_parameters(self, parameters: Quantities) -> Layer:
        """The same layer with other parameters; nothing is changed in place."""
        return self

    def after(self, quantities: Quantities) -> Layer:
        """The same layer after a step of training with these quantities: what it keeps from batch to batch moves."""
        return self

    @abstractmethod
    def forward(self, *inputs: Array) -> Step:
        """The output for one array an input, none of which is changed, and the way back.

        A layer of one input has the quantities x and dx, one of several x[0], x[1], ... and dx[0], dx[1], ...
        """

    def as_written(self, quantities: Quantities) -> Quantities:
        """The quantities with parameters and their gradients in the user's shapes; the others pass through.

        What the user wrote within another parameter (a bias in W's first row) is left out.
        """
        return quantities

    def from_written(self, letter: str, array: Array) -> Quantities:
        """A parameter in the user's shape as the parameters it is here: the way back from `as_written`."""
        return {letter: array}

    def symbols(self) -> dict[str, str]:
        """What quantities are equal to, where this layer's keys make it something else than its declaration says."""
        return {}

    def choice_met(self, x: Array) -> str:
        """A sentence where a rule of the layer's decides, as which of tying numbers takes the gradient; else empty."""
        return ""

    def kept(self, examples: int) -> int:
        """How many numbers a forward and backward pass keeps, the parameters' gradients included: at least these.

        A layer that keeps more (the scores of attention, the gates of an lstm) adds them.
        """
        parameters = sum(array.size for array in self.parameters.values())
        return 2 * parameters + examples * (sum(map(size, self.takes)) + 5 * size(self.gives))
