"""What the layers of several inputs share: inputs of one shape, and their names among the quantities."""

from __future__ import annotations

from collections.abc import Sequence

from gradcalc.layers.base import Quantities
from gradcalc.layers.declaration import Settings
from gradcalc.shapes import Array, Shape, shape_text


def one_shape(settings: Settings) -> Shape:
    """The shape that all inputs have; an error names the first two that differ."""
    first = settings.shapes[0]
    for name, shape in zip(settings.sources, settings.shapes, strict=True):
        if shape != first:
            raise settings.error(
                f"layer {settings.name} ({settings.type}) takes inputs of one shape, but {settings.sources[0]} gives "
                f"{shape_text(first)} and {name} gives {shape_text(shape)}",
                key="inputs",
            )
    return first


def by_position(name: str, arrays: Sequence[Array]) -> Quantities:
    """The quantities x[0], x[1], ... or dx[0], dx[1], ..."""
    return {f"{name}[{i}]": array for i, array in enumerate(arrays)}
