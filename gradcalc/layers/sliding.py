"""What convolution and pooling have in common: keys, the reading of windows, and layers over a grid of channels."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

import numpy as np

from gradcalc.layers.base import Layer
from gradcalc.layers.declaration import Key, Sample, Settings
from gradcalc.layers.windows import Padding, Sizes, Windows, same_padding
from gradcalc.shapes import Array, Shape, shape_text, size

STRIDE = Key(
    "stride", "whole number | list", "steps from one window to the next, one for all axes or one an axis", default=1
)
PADDING = Key(
    "padding",
    "whole number | list | same | valid",
    "what is put around x on both sides of an axis; valid: nothing; same: as much as gives ceil(size / stride) outputs",
    default=0,
)
DILATION = Key("dilation", "whole number | list", "steps from one entry of a window to the next", default=1)
DATA_FORMAT = Key(
    "data_format",
    "channels_first | channels_last",
    "where the channels stand in an example of x and a",
    default="channels_first",
)
SAME_NOTE = "same: where the padding is uneven, the end of the axis has one more (the rule of Keras and TensorFlow)"


class Over(TypedDict):
    """What the declarations of all layers over as many axes have in common."""

    ranks: tuple[int, ...]
    axes: tuple[str, ...]
    channels: bool
    keeps_rank: bool


OVER_ONE: Over = {"ranks": (2,), "axes": ("channels", "length"), "channels": True, "keeps_rank": False}
OVER_TWO: Over = {"ranks": (3,), "axes": ("channels", "height", "width"), "channels": True, "keeps_rank": False}


def pool_keys(kernel: str, padding: Key, *own: Key) -> tuple[Key, ...]:
    """The keys of a pooling layer, by what its kernel holds, its padding, and those it has alone."""
    return (
        Key("kernel", kernel, "the window's size", required=True),
        STRIDE._replace(default=None, doc="steps from one window to the next; left out: the kernel's size"),
        padding,
        *own,
        DATA_FORMAT,
    )


def pool_samples(own: Sample) -> tuple[Sample, ...]:
    """A plain sample, one with keys of the layer's own, and one with the channels last, over as many axes as it."""
    plain, last = {2: ((2, 6), (5, 2)), 3: ((2, 4, 4), (5, 4, 2))}[len(own.shapes[0])]
    channels_last = {"kernel": 3, "stride": 2, "padding": "same", "data_format": "channels_last"}
    return Sample({"kernel": 2}, (plain,)), own, Sample(channels_last, (last,))


def pool_example(type_: str) -> str:
    """A spec that runs, over two axes."""
    return f"""\
input:                  # one example: 1 channel of 2 x 4
  - [[1, 5, 2, 2], [3, 0, 4, 1]]
layers:
  - {{type: {type_}, kernel: 2}}
upstream: [[[0.5, -1]]]
"""


class Grid(NamedTuple):
    """An example over a grid: how many channels it has, its sizes, and whether the channels are its last axis."""

    channels: int
    size: Sizes
    last: bool

    def shape(self, channels: int, size: Sizes) -> Shape:
        """The shape of an example with other channels and sizes in the same order."""
        return (*size, channels) if self.last else (channels, *size)

    def channels_first(self, array: Array) -> Array:
        """A view of (N, *shape) as (N, channels, *size)."""
        return np.moveaxis(array, -1, 1) if self.last else array

    def given_back(self, array: Array) -> Array:
        """(N, channels, *size) in the user's order, with memory of its own."""
        return np.ascontiguousarray(np.moveaxis(array, 1, -1)) if self.last else array


class Sliding(Layer):
    """A layer whose windows slide over a grid of channels: x (N, channels, *size), a (N, units, *counts)."""

    def __init__(self, name: str, grid: Grid, windows: Windows, units: int) -> None:
        takes = grid.shape(grid.channels, grid.size)
        super().__init__(name, takes=(takes,), gives=grid.shape(units, windows.counts(grid.size)))
        self.grid, self.windows = grid, windows

    @property
    def padded(self) -> Shape:
        """The shape of an example with its padding, the channels first."""
        return (self.grid.channels, *self.windows.around(self.grid.size))

    def without_padding(self, sent: Array) -> Array:
        """dx of what was sent to the padded input, (N, *padded)."""
        return self.grid.given_back(sent[self.windows.inside(self.grid.size)])

    def kept(self, examples: int) -> int:
        """With the padded input of the way there and the padded dx of the way back."""
        return super().kept(examples) + 2 * examples * size(self.padded)


def read_grid(settings: Settings) -> Grid:
    """The layer's input as a grid."""
    shape = settings.shapes[0]
    last = settings.choice("data_format", ("channels_first", "channels_last")) == "channels_last"
    return Grid(shape[-1], shape[:-1], True) if last else Grid(shape[0], shape[1:], False)


def read_windows(settings: Settings, grid: Grid, kernel: Sizes, *, dilated: bool = True) -> Windows:
    """How a kernel of that size moves over the grid; where no window fits the error names the rule."""
    rank = len(grid.size)
    stride = settings.wholes("stride", rank) if settings.value("stride") is not None else kernel
    dilation = settings.wholes("dilation", rank) if dilated else (1,) * rank
    windows = Windows(kernel, stride, dilation, _padding(settings, grid.size, kernel, stride, dilation))
    if min(windows.counts(grid.size)) < 1:
        raise settings.error(
            f"layer {settings.name}: {settings.type} {by(kernel)}{_dilated(windows)} over {by(grid.size)} "
            f"with padding {_padding_text(windows)} leaves no output",
            f"one example of {settings.sources[0]} is {shape_text(settings.shapes[0])}; padding: same keeps the size",
            key="kernel" if settings.has("kernel") else "weights",
        )
    padded = (grid.channels, *windows.around(grid.size))
    settings.reserve(size(padded), f"the padded input of layer {settings.name}, {by(padded)},")
    return windows.within(padded[1:])


def check_sight(settings: Settings, grid: Grid, windows: Windows) -> None:
    """An error where some window meets padding alone: of nothing there is no maximum and no mean."""
    if windows.blind(grid.size):
        raise settings.error(
            f"layer {settings.name}: {settings.type} {by(windows.kernel)}{_dilated(windows)} over {by(grid.size)} with "
            f"padding {_padding_text(windows)} has a window of padding alone",
            "padding of at most half the kernel leaves none",
            key="padding" if settings.has("padding") else "kernel",
        )


def by(sizes: Sizes) -> str:
    """Sizes as one says them: 3x3."""
    return "x".join(map(str, sizes))


def _padding(settings: Settings, sizes: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Padding:
    if isinstance(settings.value("padding"), str):
        word = settings.choice("padding", ("same", "valid"))
        return same_padding(sizes, kernel, stride, dilation) if word == "same" else ((0, 0),) * len(sizes)
    return tuple((n, n) for n in settings.wholes("padding", len(sizes), least=0))


def _dilated(windows: Windows) -> str:
    """What dilation makes of a kernel, empty where there is none."""
    if max(windows.dilation) == 1:
        return ""
    return f" with dilation {_one_or_by(windows.dilation)} ({by(windows.reach)} from end to end)"


def _padding_text(windows: Windows) -> str:
    return _one_or_by(tuple(before for before, _ in windows.padding))


def _one_or_by(sizes: Sizes) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else by(sizes)
