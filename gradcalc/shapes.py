"""The shapes in which the user wrote examples and parameters, and the way between them and ours.

Inside, arrays of examples have the examples first, (N, *shape); a dense layer's W is (inputs, units) and its b is
(units,) or, shared by the units, one number (). Outside, everything has the shape and layout of the spec.
"""

from __future__ import annotations

from math import prod
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


#: The shape of one example: (n,) of numbers in a row, (time, features), (channels, height, width) ...
Shape = tuple[int, ...]


def size(shape: Shape) -> int:
    """How many numbers an array of that shape has, in Python's integers, which do not overflow."""
    return prod(shape)


def shape_text(shape: Shape) -> str:
    """A shape as an error names it: (3,), (2, 3)."""
    return f"({', '.join(map(str, shape))}{',' * (len(shape) == 1)})"


def sizes_text(shape: Shape) -> str:
    """A shape as people say it: 3, 1x8x8."""
    return "x".join(map(str, shape)) or "1"


class Examples(NamedTuple):
    """How the user wrote examples: flat (just one), or a batch with the examples in rows or in columns.

    Only examples that are rows of numbers can stand in columns; all others have the examples first.
    """

    flat: bool
    columns: bool

    def write(self, array: Array) -> Array:
        """Our array (N, *shape) in the user's shape."""
        if self.flat:
            first: Array = np.asarray(array[0])
            return first
        return array.T if self.columns and array.ndim == 2 else array

    def read(self, array: Array, rank: int = 1) -> Array:
        """The user's array as (N, *shape), for examples of that rank."""
        if self.flat or array.ndim < rank:
            return array.reshape(1, *array.shape, *(1,) * (rank - array.ndim))
        return array.T if self.columns and array.ndim == 2 else array


class WeightForm(NamedTuple):
    """How the user wrote a dense layer's W: layout, form, and whether the bias is in it (`folded`)."""

    layout: str
    form: Literal["matrix", "flat", "number"]
    folded: bool

    def write(self, W: Array, b: Array | None) -> Array:
        """W (inputs, units), with b in it where it is folded, in the user's shape."""
        if self.folded:
            assert b is not None
            W = np.vstack([np.broadcast_to(b, (1, W.shape[1])), W])
        if self.form == "matrix":
            return W.T if self.layout == "out_in" else W
        return W.reshape(-1) if self.form == "flat" else W.reshape(())

    def read(self, array: Array, inputs: int) -> tuple[Array, Array | None]:
        """The user's array as (W (inputs, units), b or None)."""
        if self.form != "matrix":
            array = array.reshape(inputs + self.folded, -1)
        elif self.layout == "out_in":
            array = array.T
        return (array[1:], array[0]) if self.folded else (array, None)


class BiasForm(NamedTuple):
    """How the user wrote a bias: flat, as a row (1, n) or column (n, 1), shared by the units, or in W."""

    form: Literal["none", "flat", "row", "column", "shared", "folded"]

    def write(self, b: Array) -> Array:
        """Our bias in the user's shape."""
        if self.form == "row":
            return b.reshape(1, -1)
        return b.reshape(-1, 1) if self.form == "column" else b
