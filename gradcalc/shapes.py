"""The shapes in which the user wrote examples and parameters, and the way between them and ours.

Inside, examples are rows (N, n), W is (inputs, units) and b is (units,) or, shared by the units, one number ().
Outside, everything has the shape and layout of the spec.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Examples(NamedTuple):
    """How the user wrote examples: flat (just one), or a batch with the examples in rows or in columns."""

    flat: bool
    columns: bool

    def read(self, array: Array) -> Array:
        """The user's array as rows (N, n)."""
        if array.ndim < 2:
            return array.reshape(1, -1)
        return array.T if self.columns else array

    def write(self, rows: Array) -> Array:
        """Rows (N, n) in the user's shape."""
        if self.flat:
            first: Array = rows[0]
            return first
        return rows.T if self.columns else rows


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
