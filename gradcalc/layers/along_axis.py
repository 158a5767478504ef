"""Along which axes of an example a layer normalises: the last, another one, or all together."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.declaration import Key, Settings
from gradcalc.layers.norm import Affine, read_affine
from gradcalc.shapes import Array, Shape, shape_text

AXIS = Key(
    "axis",
    "last | all | whole number",
    "what is normalised together: the last axis of an example, all of it, or that axis, counted from 0",
    default="last",
)


def read_axis(settings: Settings) -> int | None:
    """The axis of an example, counted from 0; None for all."""
    (shape,) = settings.shapes
    rank = len(shape)
    if isinstance(settings.value("axis"), str):
        return rank - 1 if settings.choice("axis", ("last", "all")) == "last" else None
    given = settings.whole("axis", least=-rank)
    if given >= rank:
        raise settings.error(
            f"layer {settings.name} has no axis {given}: {settings.sources[0]} gives {shape_text(shape)}",
            "the axes of one example are counted from 0, without that of the examples",
            key="axis",
        )
    return given % rank


def read_along(settings: Settings, axis: int | None) -> Affine:
    """gamma and beta with a number for each place along the axis, or for each of an example."""
    (shape,) = settings.shapes
    if axis is None:
        return read_affine(settings, shape, shape, tuple(f"axis {i}" for i in range(len(shape))))
    view = tuple(n if i == axis else 1 for i, n in enumerate(shape))
    return read_affine(settings, (shape[axis],), view, ("features",))


def to_rows(x: Array, axis: int | None) -> Array:
    """x (N, *shape) with what is normalised together along the last axis."""
    return x.reshape(len(x), -1) if axis is None else np.moveaxis(x, axis + 1, -1)


def from_rows(rows: Array, axis: int | None, shape: Shape) -> Array:
    """The way back from `to_rows`, to examples of that shape."""
    return rows.reshape(len(rows), *shape) if axis is None else np.moveaxis(rows, -1, axis + 1)
