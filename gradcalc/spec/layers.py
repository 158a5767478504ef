"""Layers in a spec: from a mapping's keys to a layer whose shapes are known to fit."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import numpy as np

from gradcalc.errors import InputError, SpecError, UsageError, listed, near, quoted
from gradcalc.functions import find
from gradcalc.layers.activation import JACOBIAN_LIMIT, Activation, ActivationLayer
from gradcalc.layers.base import Layer
from gradcalc.layers.dense import Dense
from gradcalc.shapes import Array, BiasForm, WeightForm
from gradcalc.spec.functions import parameter_node, read_activation
from gradcalc.spec.keys import LAYERS
from gradcalc.spec.limits import MAX_LAYERS
from gradcalc.spec.nodes import Node

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")

Conventions = dict[str, str]


def read_layers(node: Node, inputs: int, conventions: Conventions) -> list[Layer]:
    """The layers in order, each fed the outputs of the one before. Errors: SpecError."""
    layers: list[Layer] = []
    names: set[str] = set()
    if isinstance(node.value, list | tuple) and len(node.value) > MAX_LAYERS:
        raise node.error(f"{len(node.value)} layers are too many: at most {MAX_LAYERS}")
    for position, item in enumerate(node.items("layers")):
        keys = _keys(item)
        name = _name(item, keys.get("name"), position, names)
        build = _dense if _type(item) == "dense" else _activation_layer
        layers.append(build(name, keys, layers[-1].outputs if layers else inputs, conventions))
    return layers


def _keys(item: Node) -> dict[str, Node]:
    kind = _type(item)
    return item.mapping(LAYERS[kind], f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} layer")


def _type(item: Node) -> str:
    kind = item.value.get("type", "dense") if isinstance(item.value, Mapping) else "dense"
    if not isinstance(kind, str) or kind not in LAYERS:
        path = (*item.path, "type")
        hint = _function_as_type(kind) or near(str(kind), LAYERS) or f"the types are {listed(list(LAYERS))}"
        raise SpecError(f"there is no layer of type {quoted(kind)}", hint=hint, path=path)
    return kind


def _function_as_type(kind: object) -> str:
    """The hint for an activation given as a type."""
    try:
        entry = find(str(kind))
    except UsageError:
        return ""
    return f"write {{type: activation, activation: {entry.name}}}" if entry.kind == "activation" else ""


def _name(item: Node, node: Node | None, position: int, names: set[str]) -> str:
    """A name that is well-formed and not used before; by position where none is given."""
    name = f"layer{position + 1}" if node is None else node.text()
    if node is not None and not _NAME.match(name):
        raise node.error(f"the layer name {quoted(name)} is not one", "letters, digits, _ and -, not a digit first")
    if node is not None and name == "loss":
        raise node.error("a layer cannot be named loss", "that is the address of the loss")
    if name in names:
        hint = "a layer without a name is named by its position" if node is None else ""
        raise (node or item).error(f"two layers are named {quoted(name)}", hint)
    names.add(name)
    return name


def _activation_layer(name: str, keys: dict[str, Node], inputs: int, conventions: Conventions) -> Layer:
    activation = read_activation(keys["activation"], conventions["kink"])
    if activation is None:
        raise keys["activation"].error(f"layer {name}: activation is empty")
    _check_units(activation, inputs, keys["activation"], name)
    return ActivationLayer(name, inputs, activation)


def _dense(name: str, keys: dict[str, Node], inputs: int, conventions: Conventions) -> Layer:
    dtype = keys["weights"].reading.dtype
    layout = keys["layout"].choice(("in_out", "out_in")) if "layout" in keys else conventions["layout"]
    units = keys["units"].whole(1) if "units" in keys else None
    folded = _is_folded(keys, conventions)
    array, form = _weights(keys["weights"], name, inputs, units, layout, folded)
    W, b = form.read(array.astype(dtype, copy=False), inputs)
    bias_form = BiasForm("folded" if folded else "none")
    if not folded and "bias" in keys:
        b, bias_form = _bias(keys["bias"], name, W.shape[1])
        b = None if b is None else b.astype(dtype, copy=False)
    activation = read_activation(keys["activation"], conventions["kink"]) if "activation" in keys else None
    if activation is not None:
        _check_units(activation, W.shape[1], keys["activation"], name)
    return Dense(name, W, b, activation, form, bias_form)


def _is_folded(keys: dict[str, Node], conventions: Conventions) -> bool:
    """Whether the bias is W's first row or column."""
    bias = keys.get("bias")
    if bias is None or bias.value is None:
        return conventions["bias"] == "first"
    if bias.value == "first":
        return True
    if conventions["bias"] == "first" and bias.value is not False:
        raise bias.error(
            "the bias is in the weights (bias: first), so it cannot be given again",
            "or set bias: separate for the spec",
        )
    return False


def _check_units(activation: Activation, units: int, node: Node, name: str) -> None:
    """The function can take so many units, and parameters given per unit have one number for each."""
    try:
        activation.outputs(units)
    except InputError as error:
        raise node.error(f"layer {name}: {error.message}", error.hint) from None
    for letter, value in activation.values.items():
        if isinstance(value, np.ndarray) and value.size != units:
            numbers, of = f"{value.size} number{'s' * (value.size != 1)}", f"{units} unit{'s' * (units != 1)}"
            raise parameter_node(node, activation.entry, letter).error(f"layer {name}: {letter} has {numbers} for {of}")


def _weights(
    node: Node, name: str, inputs: int, units: int | None, layout: str, folded: bool
) -> tuple[Array, WeightForm]:
    """The weights as the user wrote them, checked against the layer's inputs and units."""
    if isinstance(node.value, Mapping) and "init" in node.value:
        array = _initial(node, name, inputs, units, layout, folded)
        return array, WeightForm(layout, "matrix", folded)
    array = node.array()
    node.reading.reserve(array.size, node.path, f"the weights of layer {name}")
    forms: tuple[Literal["number", "flat", "matrix"], ...] = ("number", "flat", "matrix")
    form = WeightForm(layout, forms[array.ndim], folded)
    rows = inputs + folded
    fits = _matrix_fits(array, rows, units, layout) if array.ndim == 2 else _flat_fits(array, rows, units)
    if not fits:
        raise _misfit(node, name, array, inputs, units, form)
    return array, form


def _matrix_fits(array: Array, rows: int, units: int | None, layout: str) -> bool:
    across, down = (array.shape[0], array.shape[1]) if layout == "out_in" else (array.shape[1], array.shape[0])
    return down == rows and units in (None, across)


def _flat_fits(array: Array, rows: int, units: int | None) -> bool:
    """A flat list (or one number) is a column for one unit or, without a bias in it, a row from one input."""
    if rows == 1:
        return units in (None, array.size)
    return array.size == rows and units in (None, 1)


def _misfit(node: Node, name: str, array: Array, inputs: int, units: int | None, form: WeightForm) -> SpecError:
    """The error for weights whose shape does not fit, naming the shape that would."""
    rows = str(inputs + form.folded)
    across = str(units) if units is not None else "units"
    wanted = f"({across}, {rows})" if form.layout == "out_in" else f"({rows}, {across})"
    order = "(units, inputs)" if form.layout == "out_in" else "(inputs, units)"
    bias = ", the bias first," if form.folded else ""
    other = "in_out" if form.layout == "out_in" else "out_in"
    hint = ""
    if array.ndim == 2 and _matrix_fits(array.T, inputs + form.folded, units, form.layout):
        hint = f"it would fit with layout: {other}"
    units_said = f" and has {units} unit{'s' * (units != 1)}" if units is not None else ""
    return node.error(
        f"layer {name} takes {inputs} input{'s' * (inputs != 1)}{units_said}, so its weights {order}{bias} must have "
        f"the shape {wanted}, not {_shape(array)}",
        hint,
    )


def _shape(array: Array) -> str:
    return "that of one number" if array.ndim == 0 else f"({', '.join(map(str, array.shape))}{',' * (array.ndim == 1)})"


def _initial(node: Node, name: str, inputs: int, units: int | None, layout: str, folded: bool) -> Array:
    """Weights drawn by a recipe, in the spec's own layout."""
    from gradcalc.spec.initial import initialise

    if units is None:
        raise node.error(f"layer {name} needs units, because its weights are initialised")
    rows = inputs + folded
    node.reading.reserve(rows * units, node.path, f"the weights of layer {name}, {rows} x {units},")
    shape = (units, rows) if layout == "out_in" else (rows, units)
    return node.fitting(node.with_entries(initialise(shape, inputs, units, dict(node.value), path=node.path)))


def _bias(node: Node, name: str, units: int) -> tuple[Array | None, BiasForm]:
    """The bias as (units,) or, shared by all units, (); and the form in which it was written."""
    if node.value is False or node.value is None:
        return None, BiasForm("none")
    if isinstance(node.value, bool | str):
        given = "true" if node.value is True else quoted(node.value)
        none = isinstance(node.value, str) and node.value.lower() in ("none", "no", "off")
        raise node.error(
            f"the bias of layer {name} must be numbers, false for none, or first, not {given}",
            "write false" if none else "",
        )
    if isinstance(node.value, Mapping) and "init" in node.value:
        from gradcalc.spec.initial import initialise

        node.reading.reserve(units, node.path, f"the bias of layer {name}")
        return node.with_entries(initialise((units,), units, units, dict(node.value), path=node.path)), BiasForm("flat")
    array = node.array()
    if array.ndim == 0:
        return array, BiasForm("shared")
    if array.size != units or (array.ndim == 2 and 1 not in array.shape):
        raise node.error(
            f"the bias of layer {name} has the shape {_shape(array)} for {units} unit{'s' * (units != 1)}",
            f"write {units} number{'s' * (units != 1)}, or false for none",
        )
    if array.ndim == 1:
        return array, BiasForm("flat")
    return array.reshape(-1), BiasForm("row" if array.shape[0] == 1 else "column")


def forward_numbers(layers: list[Layer], examples: int) -> int:
    """How many numbers a forward and backward pass of so many examples keeps, parameters' gradients included."""
    kept = sum(2 * p.size for layer in layers for p in layer.parameters.values())
    for layer in layers:
        kept += examples * (layer.inputs + 5 * layer.outputs)
        activation = layer.activation if isinstance(layer, Dense | ActivationLayer) else None
        if activation is not None and activation.vector and layer.outputs <= JACOBIAN_LIMIT:
            kept += examples * layer.outputs**2
    return kept
