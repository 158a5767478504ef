"""The axes of every example in another order."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.shapes import Array, Shape, shape_text


class Transpose(Layer):
    """Axis i of an example of a is its axis axes[i] in x."""

    type = "transpose"

    def __init__(self, name: str, shape: Shape, axes: tuple[int, ...]) -> None:
        super().__init__(name, takes=(shape,), gives=tuple(shape[axis] for axis in axes))
        self.axes = axes

    def forward(self, *inputs: Array) -> Step:
        """Back, the axes take their old places."""
        (x,) = inputs
        order = (0, *(axis + 1 for axis in self.axes))
        a = np.transpose(x, order)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            return {"da": da, "dx": np.transpose(da, np.argsort(order))}

        return Step(a, {"x": x, "a": a}, no_slope, back)


def _build(settings: Settings) -> Transpose:
    (shape,) = settings.shapes
    rank = len(shape)
    if not settings.has("axes"):
        return Transpose(settings.name, shape, tuple(reversed(range(rank))))
    given = settings.value("axes")
    asked = settings.wholes("axes", len(given) if isinstance(given, list | tuple) else 1, least=-rank)
    axes = tuple(axis % rank if axis < rank else axis for axis in asked)
    if sorted(axes) != list(range(rank)):
        raise settings.error(
            f"layer {settings.name} takes {shape_text(shape)} from {settings.sources[0]}, so its axes are "
            f"{shape_text(tuple(range(rank)))} in some order, not {shape_text(asked)}",
            "the axes of one example are counted from 0, without that of the examples",
            key="axes",
        )
    return Transpose(settings.name, shape, axes)


ENTRIES = (
    LayerEntry(
        type="transpose",
        title="The axes of each example in another order",
        build=_build,
        keys=(
            Key(
                "axes",
                "list of whole numbers",
                "axis i of an example of a is axis axes[i] of x, counted from 0; left out: the order is reversed",
            ),
        ),
        forward=("a = x with its axes in another order",),
        backward=("dL/dx = dL/da with the axes in their old places",),
        example="""\
input: [[[1, 2, 3], [4, 5, 6]]]
layers:
  - {type: transpose, axes: [1, 0]}
upstream: [[[1, 0], [0, 1], [1, 1]]]
""",
        samples=(Sample({}, ((2, 3),)), Sample({"axes": [1, 2, 0]}, ((2, 3, 4),))),
        quantities=(Quantity("a", "x with its axes in another order"), Quantity("dx", "dL/da, back in x's order")),
        aliases=("permute",),
        notes=("the axis of the examples stays the first; as the first layer it takes a nested list as a batch",),
    ),
)
