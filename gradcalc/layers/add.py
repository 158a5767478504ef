"""The sum of several layers' outputs, as in residual blocks."""

from __future__ import annotations

from functools import reduce

import numpy as np

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import LayerEntry, Quantity, Sample
from gradcalc.layers.merging import by_position, one_shape
from gradcalc.shapes import Array, Shape


class Add(Layer):
    """a = x[0] + x[1] + ..."""

    type = "add"

    def __init__(self, name: str, shape: Shape, count: int) -> None:
        super().__init__(name, takes=(shape,) * count, gives=shape)

    def forward(self, *inputs: Array) -> Step:
        """Back, each input gets the whole of da."""
        a = reduce(np.add, inputs)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            return {"da": da, **by_position("dx", [da] * len(inputs))}

        return Step(a, {**by_position("x", inputs), "a": a}, no_slope, back)


ENTRIES = (
    LayerEntry(
        type="add",
        title="Sum of several outputs",
        build=lambda settings: Add(settings.name, one_shape(settings), len(settings.shapes)),
        keys=(),
        forward=("a = x[0] + x[1] + ...",),
        backward=("dL/dx[i] = dL/da, for each input",),
        example="""\
input: [1, -2]
layers:
  - {name: h, units: 2, activation: relu, weights: [[0.5, -0.3], [0.2, 0.4]]}
  - {name: out, type: add, inputs: [h, input]}
upstream: [1, 0.5]
""",
        samples=(Sample({}, ((3,), (3,))), Sample({}, ((2, 3), (2, 3), (2, 3)))),
        quantities=(Quantity("a", "the sum of the x"), Quantity("dx", "dL/da")),
        inputs=(2, None),
        notes=("all inputs have one shape; one that is named twice counts twice",),
    ),
)
