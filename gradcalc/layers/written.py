"""Matrices and biases of layers that keep them as the user wrote them: layout, flat forms, rows and columns."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcalc.errors import quoted
from gradcalc.shapes import Array, shape_text

if TYPE_CHECKING:
    from gradcalc.layers.declaration import Settings

LAYOUTS = ("in_out", "out_in")


def read_layout(settings: Settings) -> str:
    """The layer's own layout, or the spec's."""
    return settings.choice("layout", LAYOUTS) if settings.has("layout") else settings.conventions["layout"]


def read_matrix(
    settings: Settings, key: str, rows: int, columns: int | None, layout: str, axes: tuple[str, str]
) -> Array:
    """W (rows, columns), or its transpose for out_in, as it is written; flat where one of both is 1."""
    shape = (rows, columns) if layout == "in_out" else (columns, rows)
    if not is_flat(settings.value(key)):
        named = axes if layout == "in_out" else axes[::-1]
        return settings.array(key, shape, named, None if columns is None else (rows, columns))
    array = settings.numbers(key)
    if array.size != rows * (columns or 1) or (rows != 1 and columns not in (None, 1)):
        return settings.array(key, shape, axes if layout == "in_out" else axes[::-1])  # says what is wrong
    settings.reserve(array.size, f"{key} of layer {settings.name}", key)
    return array


def is_flat(value: Any) -> bool:
    """Whether a spec's value is one number or a flat list of numbers."""
    if isinstance(value, list | tuple):
        return not any(isinstance(item, list | tuple) for item in value)
    return np.ndim(value) < 2 if isinstance(value, np.ndarray) else not isinstance(value, Mapping)


def read_bias(settings: Settings, key: str, count: int) -> Array | None:
    """A bias as it is written: (count,), (1, count), (count, 1) or one number for all; None for false or no bias."""
    given = settings.value(key)
    if given is None or given is False:
        return None
    if given is True or (isinstance(given, str) and given.isalpha()):
        shown = "true" if given is True else quoted(given)
        raise settings.error(f"{key} of layer {settings.name} must be numbers, or false for none, not {shown}", key=key)
    if settings.is_recipe(key):
        return settings.drawn(key, (count,), (count, count))
    array = settings.numbers(key)
    if array.ndim and (array.size != count or (array.ndim == 2 and 1 not in array.shape)):
        raise settings.error(
            f"{key} of layer {settings.name} has the shape {shape_text(array.shape)}, but it needs "
            f"{count} number{'s' * (count != 1)}",
            "one for each unit of each gate" if count > 1 else "",
            key=key,
        )
    settings.reserve(array.size, f"{key} of layer {settings.name}", key)
    return array


def in_layout(symbols: Mapping[str, str], layout: str) -> dict[str, str]:
    """Symbols written for in_out, "x Wq + bq", as the layout has them: "x Wq^T + bq"; dW^T's terms change places."""
    if layout == "in_out":
        return dict(symbols)
    turned = {name: re.sub(r"\b(W[a-z](?:_[a-z])?)(\^T)?", _turned, text) for name, text in symbols.items()}
    return {name: _TERMS.sub(_swapped, text) if name[:2] == "dW" else text for name, text in turned.items()}


#: x[t]^T dL/dz[t], of which the transpose is (dL/dz[t])^T x[t].
_TERMS = re.compile(r"(\S+)\^T (dL/\S+)")


def _turned(found: re.Match[str]) -> str:
    return found[1] + ("" if found[2] else "^T")


def _swapped(found: re.Match[str]) -> str:
    return f"({found[2]})^T {found[1]}"


def as_matrix(array: Array, rows: int, layout: str) -> Array:
    """A weight as (rows, columns)."""
    if array.ndim < 2:
        return array.reshape(rows, -1)
    return array.T if layout == "out_in" else array


def matrix_like(written: Array, found: Array, layout: str) -> Array:
    """The derivative by a weight, (rows, columns), as the weight is written."""
    if written.ndim < 2:
        return found.reshape(written.shape)
    return found.T if layout == "out_in" else found


def as_bias(array: Array, count: int) -> Array:
    """A bias as (count,)."""
    return np.broadcast_to(array.reshape(-1), (count,))


def bias_like(written: Array, found: Array) -> Array:
    """The derivative by a bias, (count,), as the bias is written; the sum where one number is shared by all."""
    return found.sum().reshape(()) if written.ndim == 0 else found.reshape(written.shape)
