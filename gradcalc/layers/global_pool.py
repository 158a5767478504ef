"""Global pooling: one number per channel, the mean or the maximum of its whole plane."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import LayerEntry, Quantity, Sample
from gradcalc.layers.max_pool import NAN_NOTE, TAKEN, TIES, TIES_KEY, TIES_NOTE, ties_told
from gradcalc.layers.sliding import DATA_FORMAT, Grid, read_grid
from gradcalc.shapes import Array


class GlobalPool(Layer):
    """a (N, channels) from the planes of x; which plane has how many axes does not matter."""

    def __init__(self, name: str, grid: Grid) -> None:
        super().__init__(name, takes=(grid.shape(grid.channels, grid.size),), gives=(grid.channels,))
        self.grid = grid

    def _planes(self, x: Array) -> Array:
        """(N, channels, numbers of a plane)."""
        return self.grid.channels_first(x).reshape(len(x), self.grid.channels, -1)

    def _like_x(self, planes: Array) -> Array:
        """Planes in the shape of x."""
        return self.grid.given_back(planes.reshape(len(planes), self.grid.channels, *self.grid.size))


class GlobalAvgPool(GlobalPool):
    """a is the mean of each plane."""

    type = "global_avg_pool"

    def forward(self, *inputs: Array) -> Step:
        """a; back, every entry of a plane gets an equal part."""
        (x,) = inputs
        planes = self._planes(x)
        a = planes.mean(axis=2)

        def back(da: Array, _: Array | None = None) -> Quantities:
            part = np.repeat(da[:, :, None] / planes.shape[2], planes.shape[2], axis=2)
            return {"da": da, "dx": self._like_x(part)}

        return Step(a, {"x": x, "a": a}, no_slope, back)


class GlobalMaxPool(GlobalPool):
    """a is the maximum of each plane."""

    type = "global_max_pool"

    def __init__(self, name: str, grid: Grid, ties: str) -> None:
        super().__init__(name, grid)
        self.ties = ties

    def forward(self, *inputs: Array) -> Step:
        """a, and `taken`, where in its plane the first maximum is; NaN counts as the largest."""
        (x,) = inputs
        planes = self._planes(x)
        taken = planes.argmax(axis=2)
        a = np.take_along_axis(planes, taken[:, :, None], axis=2)[:, :, 0]

        def back(da: Array, _: Array | None = None) -> Quantities:
            takes = self._takers(planes, a, taken)
            part = da / takes.sum(axis=2).astype(da.dtype) if self.ties == "split" else da
            return {"da": da, "dx": self._like_x(np.where(takes, part[:, :, None], np.zeros((), da.dtype)))}

        return Step(a, {"x": x, "taken": taken, "a": a}, no_slope, back)

    def choice_met(self, x: Array) -> str:
        planes = self._planes(x)
        several = (planes == planes.max(axis=2, keepdims=True)).sum(axis=2) > 1
        return ties_told(int(several.sum()), "channel", self.name, self.ties)

    def _takers(self, planes: Array, a: Array, taken: Array) -> Array:
        """Which entries take of the gradient."""
        if self.ties == "first":
            return np.asarray(np.arange(planes.shape[2]) == taken[:, :, None])
        largest = a[:, :, None]
        return np.asarray((planes == largest) | (np.isnan(planes) & np.isnan(largest)))


_IMAGE = """\
input:                  # one example: 2 channels of 2 x 2
  - [[1, 5], [2, 2]]
  - [[3, 0], [4, 1]]
layers:
"""

ENTRIES = (
    LayerEntry(
        type="global_avg_pool",
        title="The mean of every channel",
        build=lambda settings: GlobalAvgPool(settings.name, read_grid(settings)),
        keys=(DATA_FORMAT,),
        forward=("a[c] = sum of x[c] / n over all n places of the channel",),
        backward=("dL/dx = dL/da[c] / n at every place of channel c",),
        example=f"{_IMAGE}  - type: global_avg_pool\nupstream: [0.5, -1]\n",
        samples=(Sample({}, ((2, 3, 4),)), Sample({"data_format": "channels_last"}, ((3, 2, 2),))),
        quantities=(Quantity("a", "mean of x"), Quantity("dx", "dL/da / n")),
        ranks=(3, 2),
        axes=("channels", "height", "width"),
        keeps_rank=False,
        notes=("a has one axis, the channels, ready for a dense layer",),
    ),
    LayerEntry(
        type="global_max_pool",
        title="The maximum of every channel",
        build=lambda settings: GlobalMaxPool(settings.name, read_grid(settings), settings.choice("ties", TIES)),
        keys=(TIES_KEY, DATA_FORMAT),
        forward=("a[c] = max of x[c] over all places of the channel",),
        backward=("dL/dx: dL/da[c] goes to the entry that was the maximum of channel c",),
        example=f"{_IMAGE}  - type: global_max_pool\nupstream: [0.5, -1]\n",
        samples=(Sample({}, ((2, 3, 4),)), Sample({"data_format": "channels_last", "ties": "split"}, ((3, 2, 2),))),
        quantities=(TAKEN, Quantity("a", "max of x"), Quantity("dx", "dL/da where taken")),
        ranks=(3, 2),
        axes=("channels", "height", "width"),
        keeps_rank=False,
        notes=("a has one axis, the channels, ready for a dense layer", TIES_NOTE, NAN_NOTE),
    ),
)
