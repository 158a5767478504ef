"""The product of several layers' outputs, number by number: gates."""

from __future__ import annotations

from functools import reduce

import numpy as np

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import LayerEntry, Quantity, Sample
from gradcalc.layers.merging import by_position, one_shape
from gradcalc.shapes import Array, Shape


class Multiply(Layer):
    """a = x[0] * x[1] * ..., number by number."""

    type = "multiply"

    def __init__(self, name: str, shape: Shape, count: int) -> None:
        super().__init__(name, takes=(shape,) * count, gives=shape)

    def forward(self, *inputs: Array) -> Step:
        """Back, each input gets da times the product of the others; nothing is divided, so a 0 is no trouble."""
        a = reduce(np.multiply, inputs)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            others = [[*inputs[:i], *inputs[i + 1 :]] for i in range(len(inputs))]
            return {"da": da, **by_position("dx", [reduce(np.multiply, rest, da) for rest in others])}

        return Step(a, {**by_position("x", inputs), "a": a}, no_slope, back)


ENTRIES = (
    LayerEntry(
        type="multiply",
        title="Product of several outputs, number by number",
        build=lambda settings: Multiply(settings.name, one_shape(settings), len(settings.shapes)),
        keys=(),
        forward=("a = x[0] * x[1] * ...",),
        backward=("dL/dx[i] = dL/da * product of the other x",),
        example="""\
input: [1, -2]
layers:
  - {name: gate, units: 2, activation: sigmoid, weights: [[0.5, -0.3], [0.2, 0.4]]}
  - {name: out, type: multiply, inputs: [gate, input]}
upstream: [1, 0.5]
""",
        samples=(Sample({}, ((3,), (3,))), Sample({}, ((2, 2), (2, 2), (2, 2)))),
        quantities=(
            Quantity("a", "the product of the x"),
            Quantity("dx", "dL/da times the other x"),
        ),
        inputs=(2, None),
        notes=("all inputs have one shape; one that is named twice is squared",),
    ),
)
