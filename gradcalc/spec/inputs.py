"""The input of a spec: one array or several by name, each one example or a batch, as the layers that take it need."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gradcalc.errors import SpecError, quoted
from gradcalc.shapes import Array, Examples, shape_text
from gradcalc.spec.graph import Stated
from gradcalc.spec.layers import rank_error
from gradcalc.spec.nodes import Node

#: An input has at most so many axes.
MOST_AXES = 8

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")

#: The keys by which a mapping is an array in a file, and no inputs by name.
_FILE = ("file", "key", "init")


class Inputs(NamedTuple):
    """The arrays (N, ...) by name, how they were written, and whether a matrix was read as an image of one channel."""

    named: list[tuple[str, Array]]
    examples: Examples
    lifted: bool


def input_names(node: Node) -> tuple[str, ...]:
    """The names of the inputs; "input" where it has none. Errors: SpecError."""
    if not isinstance(node.value, Mapping) or any(key in node.value for key in _FILE):
        return ("input",)
    if not any(isinstance(value, list | tuple | Mapping | int | float) for value in node.value.values()):
        return ("input",)  # no numbers in it: a misspelt file
    for name in node.value:
        if not _NAME.match(str(name)) or name in ("loss", "input"):
            hint = "letters, digits and _, not a digit first, and neither input nor loss"
            what = f"the input name {quoted(str(name))} is not one"
            raise SpecError(what, hint=hint, path=(*node.path, str(name)), at_key=True)
    return tuple(map(str, node.value))


def read_inputs(node: Node, names: Sequence[str], stated: Sequence[Stated], *, columns: bool) -> Inputs:
    """Every input as (N, ...). Errors: SpecError."""
    found: list[tuple[str, Array]] = []
    written: list[tuple[bool, bool]] = []
    for position, name in enumerate(names):
        one = Node(node.value[name], (*node.path, name), node.reading) if names != ("input",) else node
        array, flat, lifted = _read(one, _decider(-1 - position, stated), columns=columns)
        if found and (written[0][0] != flat or len(array) != len(found[0][1])):
            raise one.error(
                f"the inputs differ in their examples: {found[0][0]} has {_count(found[0][1], flat=written[0][0])}, "
                f"{name} {_count(array, flat=flat)}"
            )
        found.append((name, array))
        written.append((flat, lifted))
    return Inputs(found, Examples(flat=written[0][0], columns=columns), any(lifted for _, lifted in written))


def _count(array: Array, *, flat: bool) -> str:
    return "one example" if flat else f"a batch of {len(array)}"


def _decider(place: int, stated: Sequence[Stated]) -> Stated | None:
    """The first layer on the way from an input that takes examples of a certain rank, through those of any rank."""
    reached = {place}
    for position, one in enumerate(stated):
        if reached.intersection(one.sources):
            if one.entry.ranks:
                return one
            if one.entry.keeps_rank:
                reached.add(position)
    return None


def _read(node: Node, decider: Stated | None, *, columns: bool) -> tuple[Array, bool, bool]:
    """The array (N, ...), whether it was one example, and whether it got its axis of one channel."""
    array = node.array(MOST_AXES)
    if array.size == 0:
        raise node.error(f"{node.label} holds no numbers: its shape is {shape_text(array.shape)}")
    node.reading.reserve(array.size, node.path, "the input")
    array, flat, lifted = _with_axes(node, array, decider)
    if columns and not flat and array.ndim == 2:
        array = array.T
    return np.ascontiguousarray(array.astype(node.reading.dtype, copy=False)), flat, lifted


def _with_axes(node: Node, array: Array, decider: Stated | None) -> tuple[Array, bool, bool]:
    if decider is None:
        return (array.reshape(1, -1), True, False) if array.ndim < 2 else (array, False, False)
    ranks = decider.entry.ranks
    if array.ndim in ranks:
        return array[None], True, False
    if array.ndim - 1 in ranks:
        return array, False, False
    if decider.entry.channels and array.ndim == ranks[0] - 1:
        last = "data_format" in decider.keys and decider.keys["data_format"].value == "channels_last"
        return np.expand_dims(array, -1 if last else 0)[None], True, True
    raise rank_error(decider, array, tuple(map(str, node.path)))
