"""Targets in a spec: numbers or classes, brought to the shape of the output and checked against the loss's domain."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.functions.bound import BoundJoint
from gradcalc.functions.entry import ElementwiseLoss, Entry, VectorLoss
from gradcalc.objective import IGNORED
from gradcalc.shapes import Array, Examples
from gradcalc.spec.nodes import Node

Loss = ElementwiseLoss | VectorLoss


def read_rows(node: Node, examples: Examples, count: int, width: int) -> Array:
    """Numbers in the layout of the examples as rows (count, width). Errors: SpecError naming the shape that fits."""
    array = node.array()
    if array.ndim < 2:
        # flat: the numbers of one example, or one number for each of a batch
        if (count == 1 and array.size == width) or (width == 1 and not examples.flat and array.size == count):
            return array.reshape(count, width)
    else:
        rows = array.T if examples.columns else array
        if rows.shape == (count, width):
            return rows
    raise node.error(*_misfit(node, array, examples, count, width))


def _misfit(node: Node, array: Array, examples: Examples, count: int, width: int) -> tuple[str, str]:
    outputs = f"{width} output{'s' * (width != 1)}"
    if examples.flat or count == 1:
        wanted = f"{width} number{'s' * (width != 1)}"
    else:
        shape = (width, count) if examples.columns else (count, width)
        wanted = f"the shape {shape}"
    hint = ""
    if array.ndim == 2 and array.T.shape == ((width, count) if examples.columns else (count, width)):
        hint = "it would fit transposed: see `data: rows` and `data: columns`"
    elif array.ndim == 1 and array.size == count and node.label == "target" and (array == np.floor(array)).all():
        hint = "for classes write target_classes"
    has = f"{array.size} number{'s' * (array.size != 1)}" if array.ndim < 2 else f"the shape {array.shape}"
    of = "one example" if count == 1 else f"{count} examples"
    return f"{node.label} has {has}, but {of} with {outputs} need{'s' * (count == 1)} {wanted}", hint


def read_target(
    keys: dict[str, Node],
    entry: Loss,
    values: dict[str, Any],
    examples: Examples,
    shape: tuple[int, int],
    classes_from: int,
) -> Array:
    """The target as the loss takes it: (N, n), or integer classes (N,). Errors: SpecError."""
    takes = entry.takes if isinstance(entry, VectorLoss) else "values"
    if "target_classes" in keys:
        if isinstance(entry, BoundJoint):
            raise keys["target_classes"].error(f"{entry.name} takes no classes", "target has its numbers")
        classes = _classes(keys["target_classes"], shape, classes_from, values.get("ignore_index"))
        return _from_classes(keys["target_classes"], entry, takes, classes, shape)
    node = keys["target"]
    one = isinstance(entry, BoundJoint) and entry.one_target
    target = _one_each(node, shape) if one else read_rows(node, examples, *shape)
    if takes == "class":
        classes = _class_of_one_hot(node, entry, target)
        return np.where(classes + classes_from == values.get("ignore_index"), IGNORED, classes)
    _check_domain(node, entry, values, target)
    return target


def _one_each(node: Node, shape: tuple[int, int]) -> Array:
    """One number for each example, (N, n) with that number in all of the example's row."""
    array = np.atleast_1d(node.array()).reshape(-1)
    if array.size != shape[0]:
        of = "one example" if shape[0] == 1 else f"{shape[0]} examples"
        raise node.error(f"target has {array.size} number{'s' * (array.size != 1)} for {of}", "one for each example")
    return np.repeat(array[:, None], shape[1], axis=1)


def _classes(node: Node, shape: tuple[int, int], classes_from: int, ignored: float | None) -> Array:
    """Class labels (N,), counted from 0; IGNORED for the label that is to be ignored."""
    array = np.atleast_1d(node.array()).reshape(-1)
    count, width = shape
    if array.size != count:
        of = "one example" if count == 1 else f"{count} examples"
        raise node.error(f"target_classes has {array.size} classes for {of}")
    classes = np.where(array == ignored, IGNORED, array - classes_from)
    last = max(width, 2) - 1
    for label, position in zip(array, classes, strict=True):
        if label != ignored and (position != int(position) or not 0 <= position <= last):
            raise node.error(
                f"{label:g} is not a class: whole numbers from {classes_from} to {classes_from + last}",
                _class_hint(label, width, classes_from),
            )
    return classes.astype(np.intp)


def _class_hint(label: float, width: int, classes_from: int) -> str:
    """What may be meant by a label that is no class."""
    if classes_from == 0 and label == width:
        return "classes_from: 1 counts classes from 1"
    if label < 0 and label == int(label):
        return f"to ignore such examples: loss: {{name: sparse_softmax_cross_entropy, ignore_index: {label:g}}}"
    return ""


def _from_classes(node: Node, entry: Entry, takes: str, classes: Array, shape: tuple[int, int]) -> Array:
    """Classes as they are for losses that take them; else one-hot, or 0 and 1 for a single output."""
    count, width = shape
    if takes == "class":
        return classes
    if width > 1:
        target: Array = np.zeros(shape)
        target[np.arange(count), classes] = 1.0
        return target
    if takes == "distribution":
        raise node.error(
            f"{entry.name} needs an output for each class, but the network has one",
            "binary_cross_entropy takes one output",
        )
    return classes.reshape(count, 1).astype(np.float64)


def _class_of_one_hot(node: Node, entry: Entry, target: Array) -> Array:
    """The class of each one-hot row."""
    one_hot = ((target == 0) | (target == 1)).all(axis=1) & (target.sum(axis=1) == 1)
    if not one_hot.all():
        raise node.error(f"{entry.name} takes classes: one-hot rows, or target_classes")
    return np.asarray(target.argmax(axis=1))


def _check_domain(node: Node, entry: Loss, values: dict[str, Any], target: Array) -> None:
    domain = entry.targets(values) if isinstance(entry, ElementwiseLoss) else entry.target_domain
    outside = np.argwhere(domain.outside(np, target))
    if len(outside):
        example, unit = map(int, outside[0])
        where = f"output {unit} of example {example}"
        raise node.error(f"{entry.name} takes targets {domain.text}, not {target[example, unit]:g} ({where})")
