"""How attention is read from a spec: its inputs, projections, heads and mask, and whether they fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gradcalc.errors import quoted
from gradcalc.layers.base import Quantities
from gradcalc.layers.written import read_bias, read_matrix
from gradcalc.shapes import Array, Shape, shape_text

if TYPE_CHECKING:
    from gradcalc.layers.declaration import Settings

_MASKS = ("none", "causal")


def check_inputs(settings: Settings, keys: Shape, values: Shape) -> None:
    """Inputs of the rank that attention takes, and as many values as keys."""
    for shape, source in zip(settings.shapes, settings.sources, strict=True):
        if len(shape) != 2:
            given = f"{source} gives {shape_text(shape)}"
            raise settings.error(
                f"layer {settings.name} takes (time, features) for each example, but {given}", key="inputs"
            )
    if keys[0] != values[0]:
        raise settings.error(
            f"layer {settings.name} needs a value for each key, but {settings.sources[1]} gives {keys[0]} keys and "
            f"{settings.sources[2]} {values[0]} values",
            key="inputs",
        )


def read_projection(settings: Settings, letter: str, inputs: int, layout: str, parameters: Quantities) -> int:
    """Reads W and b of a projection, as far as they are given, and tells how many numbers it gives."""
    outputs, key = inputs, f"W{letter}"
    if settings.has(key):
        names = ("heads * width", "outputs") if letter == "o" else ("features", "units")
        columns = settings.whole("units") if settings.has("units") and letter != "o" else None
        if columns is None and settings.is_recipe(key):
            columns = settings.shapes[0][1]  # as is usual: as wide as a query
        W = read_matrix(settings, key, inputs, columns, layout, names)
        parameters[f"W{letter}"] = W
        outputs = W.size // inputs
    b = read_bias(settings, f"b{letter}", outputs)
    if b is not None:
        parameters[f"b{letter}"] = b
    return outputs


def check_widths(settings: Settings, widths: list[int], heads: int) -> None:
    """Queries and keys meet in a product; every head has a share of the same length."""
    q, k, _ = widths
    if settings.has("units") and not any(settings.has(f"W{letter}") for letter in "qkv"):
        raise settings.error(f"layer {settings.name} has no Wq, Wk or Wv, so units has no meaning", key="units")
    if q != k:
        raise settings.error(
            f"layer {settings.name} multiplies queries by keys, but a query has {q} numbers and a key {k}",
            "Wq and Wk must give as many columns (rows, for out_in) each",
        )
    for what, width in zip(("query", "key", "value"), widths, strict=True):
        if width % heads:
            raise settings.error(
                f"layer {settings.name} has {heads} heads, which do not divide the {width} numbers of a {what}",
                f"heads must be a divisor of {width}",
                key="heads",
            )


def read_mask(settings: Settings, queries: int, keys: int) -> Array | str | None:
    """None, "causal", or an array that is 1 where a query may see a key and 0 elsewhere."""
    given = settings.value("mask")
    if isinstance(given, str):
        return None if settings.choice("mask", _MASKS) == "none" else given
    if isinstance(given, bool | int | float):
        raise settings.error(
            f"mask of layer {settings.name} must be none, causal or rows of 0 and 1, not {quoted(given)}", key="mask"
        )
    array = settings.mask("mask", 3)
    wanted = ((queries, keys), (settings.examples, queries, keys))
    if array.shape not in wanted:
        raise settings.error(
            f"mask of layer {settings.name} must have the shape {shape_text(wanted[0])}, a row for each query and a "
            f"column for each key, or {shape_text(wanted[1])}, one for each example, not {shape_text(array.shape)}",
            key="mask",
        )
    wrong = np.argwhere((array != 0) & (array != 1))
    if len(wrong):
        place = tuple(map(int, wrong[0]))
        raise settings.error(
            f"mask of layer {settings.name} has 1 where a query may see a key and 0 elsewhere, not {array[place]:g}",
            key="mask",
            index=place,
        )
    settings.reserve(array.size, f"mask of layer {settings.name}", "mask")
    return np.asarray(array != 0)
