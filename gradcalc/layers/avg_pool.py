"""Average pooling: the mean of every window, over one axis or two."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.base import Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.sliding import (
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
from gradcalc.layers.windows import Windows
from gradcalc.shapes import Array


class AvgPool(Sliding):
    """a (N, channels, *counts) is the mean of each window, in which padding counts as zeros or not at all."""

    def __init__(self, name: str, grid: Grid, windows: Windows, count_padding: bool) -> None:
        super().__init__(name, grid, windows.near(grid.size), grid.channels)
        self.count_padding, self.taps = count_padding, windows.taps

    def _divisor(self, dtype: np.dtype[np.floating]) -> Array:
        """How many entries each window's mean is over."""
        if self.count_padding:
            return np.asarray(self.taps, dtype)
        return np.asarray(sum((index >= 0).astype(dtype) for index in self.windows.indices(self.grid.size)))

    def forward(self, *inputs: Array) -> Step:
        """a; back, every entry of a window gets an equal part."""
        (x,) = inputs
        counts = self.windows.counts(self.grid.size)
        grid = self.windows.padded(self.grid.channels_first(x))
        total = np.zeros((*grid.shape[:2], *counts), x.dtype)
        for place in self.windows.places(counts):
            total += grid[place]
        divisor = self._divisor(x.dtype)

        def back(da: Array, _: Array | None = None) -> Quantities:
            part = self.grid.channels_first(da) / divisor
            sent = np.zeros(grid.shape, da.dtype)
            for place in self.windows.places(counts):
                sent[place] += part
            return {"da": da, "dx": self.without_padding(sent)}

        a = self.grid.given_back(total / divisor)
        return Step(a, {"x": x, "a": a}, no_slope, back)


class AvgPool1d(AvgPool):
    """Over one axis: x (N, channels, length)."""

    type = "avg_pool1d"


class AvgPool2d(AvgPool):
    """Over two axes: x (N, channels, height, width)."""

    type = "avg_pool2d"


def _build(settings: Settings, made: type[AvgPool]) -> AvgPool:
    grid = read_grid(settings)
    windows = read_windows(settings, grid, settings.wholes("kernel", len(grid.size)), dilated=False)
    count_padding = settings.flag("count_include_pad")
    if not count_padding:
        check_sight(settings, grid, windows)
    return made(settings.name, grid, windows, count_padding)


def _keys(kernel: str) -> tuple[Key, ...]:
    return pool_keys(
        kernel,
        PADDING,
        Key(
            "count_include_pad",
            "true | false",
            "whether a mean counts the padding's zeros among its entries",
            default=True,
        ),
    )


_NOTES = (SAME_NOTE, "count_include_pad: true as in PyTorch; Keras' padding: same is same with false")
_BACKWARD = "dL/dx: every entry of a window gets dL/da / n, added up where windows overlap"
_QUANTITIES = (Quantity("a", "mean of x"), Quantity("dx", "sum of dL/da / n"))

ENTRIES = (
    LayerEntry(
        type="avg_pool1d",
        title="Average pooling over one axis",
        build=lambda settings: _build(settings, AvgPool1d),
        keys=_keys("whole number"),
        forward=(
            "a[c,t] = sum of xp[c,s*t+i] / n over i",
            "xp: x with the padding's zeros on both sides, s: stride",
            "n: how many entries of the window count",
        ),
        backward=(_BACKWARD,),
        example="""\
input: [[1, 5, 2, 4]]   # one example: 1 channel of length 4
layers:
  - {type: avg_pool1d, kernel: 2}
upstream: [[0.5, -1]]
""",
        samples=pool_samples(Sample({"kernel": 3, "stride": 1, "padding": 1, "count_include_pad": False}, ((2, 5),))),
        quantities=_QUANTITIES,
        **OVER_ONE,
        notes=_NOTES,
    ),
    LayerEntry(
        type="avg_pool2d",
        title="Average pooling over two axes",
        build=lambda settings: _build(settings, AvgPool2d),
        keys=_keys("whole number | list"),
        forward=(
            "a[c,h,w] = sum of xp[c,s*h+i,s*w+j] / n over i, j",
            "xp: x with the padding's zeros around it, s: stride",
            "n: how many entries of the window count",
        ),
        backward=(_BACKWARD,),
        example=pool_example("avg_pool2d"),
        samples=pool_samples(
            Sample({"kernel": [3, 2], "stride": 1, "padding": 1, "count_include_pad": False}, ((2, 4, 5),))
        ),
        quantities=_QUANTITIES,
        **OVER_TWO,
        notes=_NOTES,
    ),
)
