"""What a loss in a spec takes beside output and target: weights, its further inputs, parameters of each element."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gradcalc.errors import GradcalcError, listed
from gradcalc.functions import find
from gradcalc.functions.entry import ElementwiseLoss, Entry, Input, Param, VectorLoss
from gradcalc.layers.declaration import Key
from gradcalc.shapes import Array, Examples, Shape
from gradcalc.spec.nodes import Node
from gradcalc.spec.targets import read_rows


class With(NamedTuple):
    """The weights, (n,) or (N, ...), further inputs in their order and parameters by name, both as rows (N, n)."""

    weight: Array | None
    further: tuple[Array, ...]
    parameters: dict[str, Array]


def takes_no_target(loss: Node) -> bool:
    """Whether a loss does without a target: what it compares with are further inputs."""
    name = loss.value.get("name") if isinstance(loss.value, dict) else loss.value
    try:
        return isinstance(name, str) and not find(name).has_target
    except GradcalcError:
        return False  # who reads the loss says so


def read_with(loss: Node, entry: Entry, keys: dict[str, Node], examples: Examples, shape: Shape) -> With:
    """Everything under `with`, and a target that is a further input. `keys` has both nodes, where they are there."""
    given = keys["with"].mapping(_keys(entry), "with") if "with" in keys else {}
    found: dict[str, Array] = {}
    for name, node in given.items():
        declared = entry.further_input(name)
        if declared:
            found[declared.name] = _elements(node, examples, shape)
    if not entry.has_target:
        found.update(_from_target(entry, keys, found, examples, shape))
    for one in entry.further:
        if one.name not in found:
            raise loss.error(
                f"{entry.name} needs {one.name}, {one.doc}", f"with: {{{one.name}: ...}}, as the output is"
            )
    return With(
        _weight(given["weight"], examples, shape) if "weight" in given else None,
        tuple(_rows(found[one.name]) for one in entry.further),
        {p.name: _rows(_parameter(given[p.name], p, examples, shape)) for p in _per_element(entry) if p.name in given},
    )


def _from_target(
    entry: Entry, keys: dict[str, Node], found: dict[str, Array], examples: Examples, shape: Shape
) -> dict[str, Array]:
    """A target that is a further input of the loss; an error where the loss has neither."""
    for key in ("target", "target_classes"):
        if key not in keys:
            continue
        one = next((one for one in entry.further if one.may_be_target and key == "target"), None)
        if one is None or one.name in found:
            names = listed([one.name for one in entry.further])
            raise keys[key].error(f"{entry.name} takes no target, but {names}", "under `with` of the loss")
        return {one.name: read_rows(keys[key], examples, shape[0], shape[1:])}
    return {}


def _keys(entry: Entry) -> list[Key]:
    """What the loss takes under `with`."""
    weighed = isinstance(entry, ElementwiseLoss) or (isinstance(entry, VectorLoss) and entry.additive)
    keys = [Key("weight", "array", "one number per output (or class), or one per element")] if weighed else []
    named: list[Input | Param] = [*entry.further, *_per_element(entry)]
    keys += [Key(name, "array", one.doc) for one in named for name in (one.name, *one.aliases)]
    return keys


def _per_element(entry: Entry) -> list[Param]:
    return [param for param in entry.params if param.per_unit]


def _weight(node: Node, examples: Examples, shape: Shape) -> Array:
    """(n,) for the outputs (or classes), or (N, ...) for each element."""
    array, width = node.array(len(shape)), shape[-1]
    if array.ndim < 2:
        if array.size not in (1, width):
            raise node.error(f"weight has {array.size} numbers for {width} output{'s' * (width != 1)}")
        # of outputs of several axes it goes along the last one
        return np.broadcast_to(array.reshape(-1), (width,) if len(shape) == 2 else shape)
    return read_rows(node, examples, shape[0], shape[1:])


def _rows(array: Array) -> Array:
    """An example's numbers in a row, as a loss of several inputs takes them."""
    return array.reshape(len(array), -1)


def _elements(node: Node, examples: Examples, shape: Shape) -> Array:
    """One number for each element of the output; those of one example, or of its last axis, are for every other too."""
    array = node.array(len(shape))
    if array.shape == shape[1:] or (array.ndim < 2 and array.size == shape[-1]):
        return np.broadcast_to(array if array.ndim else array.reshape(1), shape)
    return read_rows(node, examples, shape[0], shape[1:])


def _parameter(node: Node, param: Param, examples: Examples, shape: Shape) -> Array:
    found = _elements(node, examples, shape)
    if param.domain.outside(np, found).any():
        raise node.error(f"{param.name} must be {param.domain.text}")
    return found
