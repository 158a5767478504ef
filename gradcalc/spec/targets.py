"""Targets in a spec: numbers or classes, brought to the shape of the output and checked against the loss's domain."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.functions.bound import BoundJoint
from gradcalc.functions.entry import ElementwiseLoss, Entry, VectorLoss
from gradcalc.objective import IGNORED
from gradcalc.shapes import Array, Examples, Shape, shape_text, size
from gradcalc.spec.nodes import Node

Loss = ElementwiseLoss | VectorLoss


def read_rows(node: Node, examples: Examples, count: int, shape: Shape) -> Array:
    """Numbers in the layout of the examples as (count, *shape). Errors: SpecError naming the shape that fits."""
    array = node.array(max(len(shape) + 1, 2))
    if len(shape) != 1:
        return _of_shape(node, array, examples, (count, *shape))
    (width,) = shape
    if array.ndim < 2:
        # flat: the numbers of one example, or one number for each of a batch
        if (count == 1 and array.size == width) or (width == 1 and not examples.flat and array.size == count):
            return array.reshape(count, width)
    else:
        rows = array.T if examples.columns else array
        if rows.shape == (count, width):
            return rows
    raise node.error(*_misfit(node, array, examples, count, width))


def _of_shape(node: Node, array: Array, examples: Examples, wanted: Shape) -> Array:
    """Outputs of several axes: a batch of them, or the one example alone; a last axis of one may be left out."""
    fits = [wanted, wanted[:-1]] if wanted[-1] == 1 else [wanted]
    if examples.flat or wanted[0] == 1:
        fits += [shape[1:] for shape in fits]
    if array.shape in fits:
        return array.reshape(wanted)
    shown = wanted[1:] if examples.flat else wanted
    has = "one number" if array.ndim == 0 else f"the shape {shape_text(array.shape)}"
    of = "one example" if examples.flat else f"{wanted[0]} example{'s' * (wanted[0] != 1)}"
    hint = ""
    if array.shape in [shape[:-1] for shape in fits] and node.label == "target":
        hint = "for classes write target_classes"
    raise node.error(
        f"{node.label} has {has}, but {of} with outputs {shape_text(wanted[1:])} "
        f"need{'s' * (wanted[0] == 1)} the shape {shape_text(shown)}",
        hint,
    )


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
    shape: Shape,
    classes_from: int,
) -> Array:
    """The target as the loss takes it for outputs of `shape` (N, ...): as they are, or integer classes (N, ...).

    Errors: SpecError.
    """
    takes = entry.takes if isinstance(entry, VectorLoss) else "values"
    if "target_classes" in keys:
        if isinstance(entry, BoundJoint):
            raise keys["target_classes"].error(f"{entry.name} takes no classes", "target has its numbers")
        classes = _classes(keys["target_classes"], shape, classes_from, values.get("ignore_index"))
        return _from_classes(keys["target_classes"], entry, takes, classes, shape)
    node = keys["target"]
    one = isinstance(entry, BoundJoint) and entry.one_target
    target = _one_each(node, shape) if one else read_rows(node, examples, shape[0], shape[1:])
    if takes == "class":
        classes = _class_of_one_hot(node, entry, target)
        return np.where(classes + classes_from == values.get("ignore_index"), IGNORED, classes)
    _check_domain(node, entry, values, target)
    return target


def _one_each(node: Node, shape: Shape) -> Array:
    """One number for each example, (N, ...) with that number in all of the example's places."""
    array = np.atleast_1d(node.array()).reshape(-1)
    if array.size != shape[0]:
        of = "one example" if shape[0] == 1 else f"{shape[0]} examples"
        raise node.error(f"target has {array.size} number{'s' * (array.size != 1)} for {of}", "one for each example")
    return np.broadcast_to(array.reshape(-1, *(1,) * (len(shape) - 1)), shape)


def _classes(node: Node, shape: Shape, classes_from: int, ignored: float | None) -> Array:
    """Class labels, one for each row of outputs: (N,), or (N, time); counted from 0, IGNORED for the label ignored."""
    found = np.atleast_1d(node.array(max(len(shape) - 1, 2)))
    *rows, width = shape
    if found.size != size(tuple(rows)) or (len(rows) > 1 and found.shape not in (tuple(rows), tuple(rows[1:]))):
        of = "one example" if rows[0] == 1 else f"{rows[0]} examples"
        if len(rows) > 1:
            wanted = shape_text(tuple(rows if rows[0] > 1 else rows[1:]))
            raise node.error(
                f"target_classes has the shape {shape_text(found.shape)}, but {of} with outputs "
                f"{shape_text(tuple(shape[1:]))} need{'s' * (rows[0] == 1)} {wanted}"
            )
        raise node.error(f"target_classes has {found.size} classes for {of}")
    array = found.reshape(-1)
    classes = np.where(array == ignored, IGNORED, array - classes_from)
    last = max(width, 2) - 1
    for label, position in zip(array, classes, strict=True):
        if label != ignored and (position != int(position) or not 0 <= position <= last):
            raise node.error(
                f"{label:g} is not a class: whole numbers from {classes_from} to {classes_from + last}",
                _class_hint(label, width, classes_from),
            )
    return classes.astype(np.intp).reshape(rows)


def _class_hint(label: float, width: int, classes_from: int) -> str:
    """What may be meant by a label that is no class."""
    if classes_from == 0 and label == width:
        return "classes_from: 1 counts classes from 1"
    if label < 0 and label == int(label):
        return f"to ignore such examples: loss: {{name: sparse_softmax_cross_entropy, ignore_index: {label:g}}}"
    return ""


def _from_classes(node: Node, entry: Entry, takes: str, classes: Array, shape: Shape) -> Array:
    """Classes as they are for losses that take them; else one-hot, or 0 and 1 for a single output."""
    if takes == "class":
        return classes
    if shape[-1] > 1:
        target: Array = np.zeros(shape)
        np.put_along_axis(target, classes[..., None], 1.0, axis=-1)
        return target
    if takes == "distribution":
        raise node.error(
            f"{entry.name} needs an output for each class, but the network has one",
            "binary_cross_entropy takes one output",
        )
    return classes[..., None].astype(np.float64)


def _class_of_one_hot(node: Node, entry: Entry, target: Array) -> Array:
    """The class of each one-hot row."""
    one_hot = ((target == 0) | (target == 1)).all(axis=-1) & (target.sum(axis=-1) == 1)
    if not one_hot.all():
        raise node.error(f"{entry.name} takes classes: one-hot rows, or target_classes")
    return np.asarray(target.argmax(axis=-1))


def _check_domain(node: Node, entry: Loss, values: dict[str, Any], target: Array) -> None:
    domain = entry.targets(values) if isinstance(entry, ElementwiseLoss) else entry.target_domain
    outside = np.argwhere(domain.outside(np, target))
    if len(outside):
        example, *unit = map(int, outside[0])
        where = f"output {unit[0] if len(unit) == 1 else ''.join(f'[{i}]' for i in unit)} of example {example}"
        raise node.error(f"{entry.name} takes targets {domain.text}, not {target[tuple(outside[0])]:g} ({where})")
