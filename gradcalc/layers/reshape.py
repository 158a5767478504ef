"""Every example in another shape, its numbers in the same order."""

from __future__ import annotations

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.shapes import Array, Shape, shape_text, size

#: So many as an input may have.
_MOST_AXES = 8


class Reshape(Layer):
    """a is x with the given shape for each example, in row-major order."""

    type = "reshape"

    def __init__(self, name: str, shape: Shape, gives: Shape) -> None:
        super().__init__(name, takes=(shape,), gives=gives)

    def forward(self, *inputs: Array) -> Step:
        """Back, each number of dx is where x has its own."""
        (x,) = inputs
        a = x.reshape(len(x), *self.gives)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            return {"da": da, "dx": da.reshape(x.shape)}

        return Step(a, {"x": x, "a": a}, no_slope, back)


def _build(settings: Settings) -> Reshape:
    (shape,) = settings.shapes
    given = settings.value("shape")
    asked = settings.wholes("shape", len(given) if isinstance(given, list | tuple) else 1, least=-1)
    if len(asked) > _MOST_AXES:
        raise settings.error(f"layer {settings.name}: an example has at most {_MOST_AXES} axes", key="shape")
    wanted = _whole_shape(asked, size(shape))
    if size(wanted) != size(shape) or not asked or min(wanted) < 1:
        raise settings.error(
            f"layer {settings.name} takes {size(shape)} numbers, {shape_text(shape)} from {settings.sources[0]}, which "
            f"cannot have the shape {shape_text(asked)}",
            "the shape of one example, without the axis of the examples; one length may be -1, whatever is left",
            key="shape",
        )
    return Reshape(settings.name, shape, wanted)


def _whole_shape(asked: Shape, numbers: int) -> Shape:
    """The shape with one -1 replaced by what is left for it."""
    rest = size(tuple(n for n in asked if n != -1))
    if asked.count(-1) != 1 or rest < 1:
        return asked
    return tuple(numbers // rest if n == -1 else n for n in asked)


ENTRIES = (
    LayerEntry(
        type="reshape",
        title="Another shape for each example",
        build=_build,
        keys=(
            Key(
                "shape",
                "list of whole numbers",
                "the shape of one example; one length may be -1, whatever is left",
                required=True,
            ),
        ),
        forward=("a = x in the given shape, row after row (the last index runs fastest)",),
        backward=("dL/dx = dL/da in the shape of x",),
        example="""\
input: [1, 2, 3, 4]
layers:
  - {type: reshape, shape: [2, 2]}
upstream: [[1, 0], [0, 1]]
""",
        samples=(Sample({"shape": [3, 2]}, ((6,),)), Sample({"shape": [2, -1]}, ((2, 2, 3),))),
        quantities=(Quantity("a", "x in another shape"), Quantity("dx", "dL/da in the shape of x")),
        keeps_rank=False,
    ),
)
