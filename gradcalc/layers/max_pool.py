"""Maximum pooling: the largest entry of every window, over one axis or two, with a rule for ties."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcalc.layers.base import Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.sliding import (
    DILATION,
    OVER_ONE,
    OVER_TWO,
    PADDING,
    SAME_NOTE,
    Grid,
    Sliding,
    check_sight,
    pool_example,
    pool_keys,
    pool_samples,
    read_grid,
    read_windows,
)
from gradcalc.layers.windows import Place, Windows
from gradcalc.shapes import Array

TIES = ("first", "all", "split")
TIES_KEY = Key(
    "ties",
    "first | all | split",
    "who takes the gradient among equal maxima: the first, each in full, or each an equal part",
    default="first",
)
TAKEN = Quantity(
    "taken",
    symbol="place, row by row",
    doc="the entry that takes the gradient, the first of those that tie: its position in the channel's plane of x, "
    "counted row by row from 0",
)
TIES_NOTE = "ties: first is what PyTorch and most courses do; all and split also occur"
NAN_NOTE = "NaN counts as larger than every number"


class MaxPool(Sliding):
    """a (N, channels, *counts) is the maximum of each window; padding is never the maximum."""

    def __init__(self, name: str, grid: Grid, windows: Windows, ties: str) -> None:
        super().__init__(name, grid, windows.near(grid.size), grid.channels)
        self.ties = ties

    def forward(self, *inputs: Array) -> Step:
        """a, and `taken`, the flat index of each window's first maximum in its channel's plane."""
        (x,) = inputs
        best, taken = self._maxima(self._padded(x))

        def back(da: Array, _: Array | None = None) -> Quantities:
            sent = np.zeros((len(x), *self.padded), da.dtype)
            self._send_back(self.grid.channels_first(da), sent, x, best, taken)
            return {"da": da, "dx": self.without_padding(sent)}

        a = self.grid.given_back(best)
        return Step(a, {"x": x, "taken": self.grid.given_back(taken), "a": a}, no_slope, back)

    def _padded(self, x: Array) -> Array:
        return self.windows.padded(self.grid.channels_first(x), fill=-np.inf)

    def _taps(self) -> Iterator[tuple[Place, Array]]:
        """For each tap, where it stands, and the flat indices of what it meets, below 0 in the padding."""
        places = self.windows.places(self.windows.counts(self.grid.size))
        return zip(places, self.windows.indices(self.grid.size), strict=True)

    def _maxima(self, grid: Array) -> tuple[Array, Array]:
        """Each window's maximum, which is NaN if one is met, and where it is first."""
        best = np.full((*grid.shape[:2], *self.windows.counts(self.grid.size)), -np.inf, grid.dtype)
        for place, _ in self._taps():
            np.maximum(best, grid[place], out=best)
        taken = np.full(best.shape, -1)
        for place, index in self._taps():
            first = _ties(grid[place], index, best) & (taken < 0)
            np.copyto(taken, index, where=first)
        return best, taken

    def _send_back(self, da: Array, sent: Array, x: Array, best: Array, taken: Array) -> None:
        """Adds dL/da to the entries that take it."""
        if self.ties == "first":
            for place, index in self._taps():
                sent[place] += np.where(taken == index, da, 0)
            return
        grid = self._padded(x)
        if self.ties == "split":
            da = da / sum(_ties(grid[place], index, best).astype(da.dtype) for place, index in self._taps())
        for place, index in self._taps():
            sent[place] += np.where(_ties(grid[place], index, best), da, 0)

    def choice_met(self, x: Array) -> str:
        best, _ = self._maxima(grid := self._padded(x))
        maxima = np.zeros(best.shape, dtype=np.int64)
        for place, index in self._taps():
            maxima += _ties(grid[place], index, best)
        return ties_told(int((maxima > 1).sum()), "window", self.name, self.ties)


def ties_told(count: int, what: str, name: str, rule: str) -> str:
    """That some windows or channels have several maxima; empty where none has."""
    if not count:
        return ""
    have = f"1 {what} of {name} has" if count == 1 else f"{count} {what}s of {name} have"
    return f"{have} several maxima; ties {rule} was applied."


def _ties(met: Array, index: Array, best: Array) -> Array:
    """Where what a tap meets is the maximum: both may be NaN, and the padding never is it, not even beside -inf."""
    return np.asarray((index >= 0) & ((met == best) | np.isnan(met)))


class MaxPool1d(MaxPool):
    """Over one axis: x (N, channels, length)."""

    type = "max_pool1d"


class MaxPool2d(MaxPool):
    """Over two axes: x (N, channels, height, width)."""

    type = "max_pool2d"


def _build(settings: Settings, made: type[MaxPool]) -> MaxPool:
    grid = read_grid(settings)
    windows = read_windows(settings, grid, settings.wholes("kernel", len(grid.size)))
    check_sight(settings, grid, windows)
    return made(settings.name, grid, windows, settings.choice("ties", TIES))


def _keys(kernel: str) -> tuple[Key, ...]:
    padding = PADDING._replace(doc="what is put around x, and is never a maximum; valid: nothing; same: as in conv2d")
    return pool_keys(kernel, padding, DILATION, TIES_KEY)


_NOTES = (TIES_NOTE, NAN_NOTE, SAME_NOTE)
_BACKWARD = "dL/dx: every dL/da goes to the entry that was the maximum, and is added up where windows overlap"
_QUANTITIES = (TAKEN, Quantity("a", "max of x"), Quantity("dx", "dL/da where taken"))

ENTRIES = (
    LayerEntry(
        type="max_pool1d",
        title="Maximum pooling over one axis",
        build=lambda settings: _build(settings, MaxPool1d),
        keys=_keys("whole number"),
        forward=("a[c,t] = max of x[c,s*t+d*i-p] over i", "s: stride, d: dilation, p: padding"),
        backward=(_BACKWARD,),
        example="""\
input: [[1, 5, 2, 2]]   # one example: 1 channel of length 4
layers:
  - {type: max_pool1d, kernel: 2}
upstream: [[0.5, -1]]
""",
        samples=pool_samples(
            Sample({"kernel": 3, "stride": 1, "padding": 1, "dilation": 2, "ties": "split"}, ((2, 7),))
        ),
        quantities=_QUANTITIES,
        **OVER_ONE,
        notes=_NOTES,
    ),
    LayerEntry(
        type="max_pool2d",
        title="Maximum pooling over two axes",
        build=lambda settings: _build(settings, MaxPool2d),
        keys=_keys("whole number | list"),
        forward=(
            "a[c,h,w] = max of x[c,s*h+d*i-p,s*w+d*j-p] over i, j",
            "s: stride, d: dilation, p: padding",
        ),
        backward=(_BACKWARD,),
        example=pool_example("max_pool2d"),
        samples=pool_samples(
            Sample({"kernel": [3, 2], "stride": 1, "padding": 1, "dilation": [1, 2], "ties": "all"}, ((2, 4, 5),))
        ),
        quantities=_QUANTITIES,
        **OVER_TWO,
        notes=_NOTES,
    ),
)
