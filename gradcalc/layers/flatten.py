"""All numbers of an example in one row, as dense layers take them."""

from __future__ import annotations

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import LayerEntry, Quantity, Sample
from gradcalc.shapes import Array, Shape, size


class Flatten(Layer):
    """a is x with the shape (n,) for each example, in row-major order."""

    type = "flatten"

    def __init__(self, name: str, shape: Shape) -> None:
        super().__init__(name, takes=(shape,), gives=(size(shape),))

    def forward(self, *inputs: Array) -> Step:
        """a (N, n); back, each number of dx is where x has its own."""
        (x,) = inputs
        a = x.reshape(len(x), *self.gives)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            return {"da": da, "dx": da.reshape(x.shape)}

        return Step(a, {"x": x, "a": a}, no_slope, back)


ENTRIES = (
    LayerEntry(
        type="flatten",
        title="All numbers of an example in one row",
        build=lambda settings: Flatten(settings.name, settings.shapes[0]),
        keys=(),
        forward=("a = x, row after row (the last index runs fastest)",),
        backward=("dL/dx = dL/da in the shape of x",),
        example="""\
input: [[[1, 2], [3, 4]]]
layers:
  - type: flatten
  - units: 1
    weights: [0.1, 0.2, 0.3, 0.4]
upstream: [[1]]
""",
        samples=(Sample({}, ((2, 3, 4),)), Sample({}, ((5,),))),
        quantities=(Quantity("a", "x in one row"), Quantity("dx", "dL/da in the shape of x")),
        keeps_rank=False,
    ),
)
