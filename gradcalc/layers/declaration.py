"""The declaration of a layer: what spec reader, cards, manual, report and tests know of it, said once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gradcalc.shapes import Array, Shape

if TYPE_CHECKING:
    import numpy as np

    from gradcalc.errors import GradcalcError
    from gradcalc.layers.activation import Activation
    from gradcalc.layers.base import Layer


class Key(NamedTuple):
    """A key of a mapping in a spec: what it holds, what it means, whether it has to be there, and else its value."""

    name: str
    holds: str
    doc: str
    required: bool = False
    default: Any = None


#: The letters of the parameters whose keys have other names; all others are called as their key is (Wx, gamma).
LETTERS = {"weights": "W", "bias": "b", "recurrent_bias": "bh"}

#: The key of layers that may apply a function behind their own work.
ACTIVATION_KEY = Key("activation", "function", "a = f(z); where it is left out a = z")


class Quantity(NamedTuple):
    """A quantity of a layer. `symbol` is what it is equal to, as the report has it: "x W + b", "x^T dL/dz".

    A name without `examples` has no axis of examples; a parameter never has one, and the derivative dQ has one if
    and only if Q has. Of x, z, a, f_prime and their derivatives, and of the parameters, it is known anyway, and they
    are listed only for their symbol. `doc` says what a quantity of the layer's own is (an lstm's gates, scores).
    """

    name: str
    symbol: str = ""
    doc: str = ""
    examples: bool = True


class Sample(NamedTuple):
    """Keys of a layer as a spec has them, and the shapes of one example of its inputs, for the tests.

    `coupled`: an example's output depends on the others of its batch. `whole`: the inputs are integers below that.
    """

    keys: Mapping[str, Any]
    shapes: tuple[Shape, ...]
    coupled: bool = False
    whole: int = 0


class LayerEntry(NamedTuple):
    """A type of layer.

    `build` makes the layer from the keys of a spec; `keys` are those of its own (all have name, type and inputs).
    `forward` and `backward` are its formulas, plain lines of text. `example` is a short spec that runs.
    `ranks` are the ranks of one example that its first input may have, the likelier first: conv2d (3,) for (channels,
    height, width), rnn (2,) for (time, features); none: any. `axes` are the names of these axes, for errors.
    Where the layer stands first, `ranks` decide whether the input is a batch; a layer of any rank hands on the question
    to the next one if it `keeps_rank`. With `channels`, an input that lacks just one axis is of one channel.
    `inputs` are the fewest and the most inputs it takes, None for any number. `weights` are the parameters that
    penalties act on, `biases` those they act on only if asked to.
    """

    type: str
    title: str
    build: Callable[[Settings], Layer]
    keys: tuple[Key, ...]
    forward: tuple[str, ...]
    backward: tuple[str, ...]
    example: str
    samples: tuple[Sample, ...]
    quantities: tuple[Quantity, ...] = ()
    ranks: tuple[int, ...] = ()
    axes: tuple[str, ...] = ()
    keeps_rank: bool = True
    channels: bool = False
    inputs: tuple[int, int | None] = (1, 1)
    weights: tuple[str, ...] = ()
    biases: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""

    def quantity(self, name: str) -> Quantity | None:
        """The declared quantity of that name; dx stands for each of dx[0], dx[1] ... too."""
        names = (name, name.partition("[")[0])
        return next((one for one in self.quantities if one.name in names), None)


class Settings(Protocol):
    """The keys of one layer in a spec, each asked for as what it should be; errors know their place in the spec.

    A key that is left out has the default of its declaration; where that is None too, to ask for it is an error that
    says it is missing: ask `has` first. A message of the layer's own names the layer ("layer conv: ...").
    """

    #: The layer's name and type, the shape of one example of each input and where that comes from (for errors).
    name: str
    type: str
    shapes: tuple[Shape, ...]
    sources: tuple[str, ...]
    #: How many examples there are, the type of all numbers, and the conventions of the spec (layout, bias ...).
    examples: int
    dtype: np.dtype[Any]
    conventions: Mapping[str, str]

    def has(self, key: str) -> bool:
        """Whether the key is given, and not empty."""

    def value(self, key: str) -> Any:
        """The value as it stands (for keys such as `bias: first`), or the key's default."""

    def whole(self, key: str, least: int = 1) -> int:
        """A whole number of at least `least`."""

    def wholes(self, key: str, count: int, least: int = 1) -> tuple[int, ...]:
        """So many whole numbers: a list of them, or one for all."""

    def real(self, key: str, *, above: float | None = None, least: float | None = None) -> float:
        """A finite number, more than `above`, at least `least`."""

    def flag(self, key: str) -> bool:
        """True or false."""

    def choice(self, key: str, choices: Sequence[str]) -> str:
        """One of the words."""

    def array(
        self,
        key: str,
        shape: Sequence[int | None],
        axes: Sequence[str] = (),
        fans: tuple[int, int] | None = None,
    ) -> Array:
        """Numbers of that shape (None: any length), from the text, a file, {init: ...} or {same_as: layer}.

        `axes` names the axes for errors: ("units", "channels", "height", "width"). An {init: ...} needs a shape
        without None; `fans` are its numbers of inputs and outputs. The memory is reserved before it is taken.
        """

    def numbers(self, key: str, most: int = 2) -> Array:
        """Numbers of any shape of at most `most` axes, as they are written; {init: ...} is no such array."""

    def mask(self, key: str, most: int) -> Array:
        """Numbers as `numbers` has them, where false and true will do for 0 and 1."""

    def is_recipe(self, key: str) -> bool:
        """Whether the value is {init: ...}."""

    def drawn(self, key: str, shape: Shape, fans: tuple[int, int]) -> Array:
        """The array that {init: ...} makes."""

    def activation(self, shape: Shape, axis: int = -1, key: str = "activation") -> Activation | None:
        """The function, fit for z of one example's `shape`; None where it is left out.

        A parameter per unit (prelu's alpha) goes along `axis` of an example: 0 for channels first.
        """

    def given(self, position: int = 0) -> Array | None:
        """The numbers (N, *shape) of an input that comes straight from the spec's input, else None."""

    def wrong_input(self, message: str, hint: str = "", position: int = 0) -> GradcalcError:
        """The error to raise where the numbers of an input are wrong: at the spec's input, if they come from there."""

    def reserve(self, numbers: int, what: str, key: str = "") -> None:
        """Counts numbers about to be kept against the memory limit; `what` as in "the weights of layer hidden"."""

    def error(self, message: str, hint: str = "", key: str = "", index: tuple[int, ...] = ()) -> GradcalcError:
        """The error to raise, at the layer, or at the key (or an item of its list) that is wrong."""
