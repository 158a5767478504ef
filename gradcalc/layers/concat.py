"""Several layers' outputs one behind the other along an axis."""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.merging import by_position
from gradcalc.shapes import Array, Shape, shape_text


class Concat(Layer):
    """a is x[0], then x[1], ... along `axis` of an example, counted from 0."""

    type = "concat"

    def __init__(self, name: str, shapes: tuple[Shape, ...], axis: int) -> None:
        self.axis, self.lengths = axis, [shape[axis] for shape in shapes]
        first = shapes[0]
        super().__init__(name, takes=shapes, gives=(*first[:axis], sum(self.lengths), *first[axis + 1 :]))

    def forward(self, *inputs: Array) -> Step:
        """Back, da is cut where the inputs were joined."""
        a = np.concatenate(inputs, axis=self.axis + 1)
        cuts = list(accumulate(self.lengths))[:-1]

        def back(da: Array, dz: Array | None = None) -> Quantities:
            return {"da": da, **by_position("dx", np.split(da, cuts, axis=self.axis + 1))}

        return Step(a, {**by_position("x", inputs), "a": a}, no_slope, back)


def _build(settings: Settings) -> Concat:
    first, rank = settings.shapes[0], len(settings.shapes[0])
    given = settings.whole("axis", least=-rank)
    if given >= rank:
        raise settings.error(
            f"layer {settings.name} has no axis {given}: {settings.sources[0]} gives {shape_text(first)}",
            "the axes of one example are counted from 0, without that of the examples",
            key="axis",
        )
    axis = given % rank
    for name, shape in zip(settings.sources, settings.shapes, strict=True):
        if len(shape) != rank or any(n != m for i, (n, m) in enumerate(zip(shape, first, strict=True)) if i != axis):
            raise settings.error(
                f"layer {settings.name} (concat) joins along axis {given}, so the other axes must be alike, but "
                f"{settings.sources[0]} gives {shape_text(first)} and {name} gives {shape_text(shape)}",
                key="inputs",
            )
    return Concat(settings.name, settings.shapes, axis)


ENTRIES = (
    LayerEntry(
        type="concat",
        title="Several outputs one behind the other",
        build=_build,
        keys=(
            Key(
                "axis",
                "whole number",
                "along which axis of one example, from 0, or from the end: -1, the last, where it is left out",
                default=-1,
            ),
        ),
        forward=("a = [x[0], x[1], ...] along the axis",),
        backward=("dL/dx[i] = the part of dL/da where x[i] stands",),
        example="""\
input: [1, -2]
layers:
  - {name: h, units: 1, activation: tanh, weights: [0.5, -0.3]}
  - {name: both, type: concat, inputs: [h, input]}
  - {name: out, units: 1, weights: [0.1, 0.2, 0.3]}
target: 1
loss: half_square
""",
        samples=(
            Sample({}, ((3,), (2,))),
            Sample({"axis": 0}, ((2, 2, 3), (1, 2, 3))),
            Sample({"axis": -2}, ((1, 3), (2, 3), (1, 3))),
        ),
        quantities=(
            Quantity("a", "the x one behind the other"),
            Quantity("dx", "its part of dL/da"),
        ),
        inputs=(2, None),
        aliases=("concatenate",),
        notes=("for images with channels first, axis 0 joins the channels",),
    ),
)
