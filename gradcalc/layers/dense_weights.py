"""How a dense layer's weights and bias are read: in either layout, flat or as a matrix, the bias within or apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from gradcalc.errors import GradcalcError, quoted
from gradcalc.shapes import Array, BiasForm, WeightForm, shape_text, size

if TYPE_CHECKING:
    from gradcalc.layers.declaration import Settings


def read_weights(settings: Settings, inputs: int) -> tuple[Array, Array | None, WeightForm]:
    """W (inputs, units), the bias that stands in it, and the form in which it was written."""
    layout = (
        settings.choice("layout", ("in_out", "out_in")) if settings.has("layout") else settings.conventions["layout"]
    )
    units = settings.whole("units") if settings.has("units") else None
    folded = _is_folded(settings)
    if settings.is_recipe("weights"):
        array, form = _initial(settings, inputs, units, layout, folded), WeightForm(layout, "matrix", folded)
    else:
        array, form = _written(settings, inputs, units, layout, folded)
    return (*form.read(array, inputs), form)


def _is_folded(settings: Settings) -> bool:
    """Whether the bias is W's first row or column."""
    bias = settings.value("bias")
    if bias is None:
        return settings.conventions["bias"] == "first"
    if isinstance(bias, str) and bias == "first":
        return True
    if settings.conventions["bias"] == "first" and bias is not False:
        raise settings.error(
            "the bias is in the weights (bias: first), so it cannot be given again",
            "or set bias: separate for the spec",
            key="bias",
        )
    return False


def _written(settings: Settings, inputs: int, units: int | None, layout: str, folded: bool) -> tuple[Array, WeightForm]:
    """The weights as the user wrote them, checked against the layer's inputs and units."""
    array = settings.numbers("weights")
    settings.reserve(array.size, f"the weights of layer {settings.name}", "weights")
    forms: tuple[Literal["number", "flat", "matrix"], ...] = ("number", "flat", "matrix")
    form = WeightForm(layout, forms[array.ndim], folded)
    rows = inputs + folded
    fits = _matrix_fits(array, rows, units, layout) if array.ndim == 2 else _flat_fits(array, rows, units)
    if not fits:
        raise _misfit(settings, array, inputs, units, form)
    return array, form


def _matrix_fits(array: Array, rows: int, units: int | None, layout: str) -> bool:
    across, down = (array.shape[0], array.shape[1]) if layout == "out_in" else (array.shape[1], array.shape[0])
    return down == rows and units in (None, across)


def _flat_fits(array: Array, rows: int, units: int | None) -> bool:
    """A flat list (or one number) is a column for one unit or, without a bias in it, a row from one input."""
    if rows == 1:
        return units in (None, array.size)
    return array.size == rows and units in (None, 1)


def _misfit(settings: Settings, array: Array, inputs: int, units: int | None, form: WeightForm) -> GradcalcError:
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
    elif len(settings.shapes[0]) > 1:
        shape = settings.shapes[0]
        hint = (
            f"one example of {settings.sources[0]} is {shape_text(shape)}, of which dense takes the last axis; "
            f"a flatten layer before it makes one row of all {size(shape)} numbers"
        )
    units_said = f" and has {units} unit{'s' * (units != 1)}" if units is not None else ""
    has = "that of one number" if array.ndim == 0 else shape_text(array.shape)
    return settings.error(
        f"layer {settings.name} takes {inputs} input{'s' * (inputs != 1)}{units_said}, so its weights {order}{bias} "
        f"must have the shape {wanted}, not {has}",
        hint,
        key="weights",
    )


def _initial(settings: Settings, inputs: int, units: int | None, layout: str, folded: bool) -> Array:
    """Weights drawn by a recipe, in the spec's own layout."""
    if units is None:
        raise settings.error(f"layer {settings.name} needs units, because its weights are initialised", key="weights")
    rows = inputs + folded
    return settings.drawn("weights", (units, rows) if layout == "out_in" else (rows, units), (inputs, units))


def read_bias(settings: Settings, units: int) -> tuple[Array | None, BiasForm]:
    """The bias as (units,) or, shared by all units, (); and the form in which it was written."""
    given = settings.value("bias")
    if given is None or given is False:
        return None, BiasForm("none")
    if isinstance(given, bool | str):
        shown = "true" if given is True else quoted(given)
        none = isinstance(given, str) and given.lower() in ("none", "no", "off")
        raise settings.error(
            f"the bias of layer {settings.name} must be numbers, false for none, or first, not {shown}",
            "write false" if none else "",
            key="bias",
        )
    if settings.is_recipe("bias"):
        return settings.drawn("bias", (units,), (units, units)), BiasForm("flat")
    array = settings.numbers("bias")
    if array.ndim == 0:
        return array, BiasForm("shared")
    if array.size != units or (array.ndim == 2 and 1 not in array.shape):
        raise settings.error(
            f"the bias of layer {settings.name} has the shape {shape_text(array.shape)} "
            f"for {units} unit{'s' * (units != 1)}",
            f"write {units} number{'s' * (units != 1)}, or false for none",
            key="bias",
        )
    if array.ndim == 1:
        return array, BiasForm("flat")
    return array.reshape(-1), BiasForm("row" if array.shape[0] == 1 else "column")
