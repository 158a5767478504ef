"""All numbers of an example in one row, as dense layers take them."""

from __future__ import annotations

from gradcalc.layers.declaration import LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.reshape import Reshape
from gradcalc.shapes import size


class Flatten(Reshape):
    """a is x with the shape (n,) for each example, in row-major order."""

    type = "flatten"


def _build(settings: Settings) -> Flatten:
    (shape,) = settings.shapes
    return Flatten(settings.name, shape, (size(shape),))


ENTRIES = (
    LayerEntry(
        type="flatten",
        title="All numbers of an example in one row",
        build=_build,
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
