"""How rnn, lstm and gru are read from a spec: the keys they share, their parameters, and the order of their gates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from gradcalc.errors import quoted
from gradcalc.layers.base import Quantities
from gradcalc.layers.declaration import Key, Quantity
from gradcalc.layers.written import read_bias, read_layout, read_matrix
from gradcalc.shapes import Array, shape_text

if TYPE_CHECKING:
    from gradcalc.layers.declaration import Settings
    from gradcalc.layers.recurrent import Recurrent


_Made = TypeVar("_Made", bound="Recurrent")


class OverTime(TypedDict):
    """What the declarations of rnn, lstm and gru have in common."""

    ranks: tuple[int, ...]
    axes: tuple[str, ...]
    keeps_rank: bool
    weights: tuple[str, ...]
    biases: tuple[str, ...]


OVER_TIME: OverTime = {
    "ranks": (2,),
    "axes": ("time", "features"),
    "keeps_rank": False,
    "weights": ("Wx", "Wh"),
    "biases": ("b", "bh"),
}

#: The key of a layer that has its own functions at each step.
BEHIND = Key("activation", "function", "a function behind the states, a = f(h); where it is left out a = h")

#: Formulas.
OUTPUT = "a = h, or its last step (return_sequences: false)"
BY_WX = "dL/dWx = sum over t of x[t]^T dL/dz[t]"
BY_X = "dL/dx[t] = dL/dz[t] Wx^T"
BY_PARAMETERS = (
    BY_WX,
    "dL/dWh = sum over t of h[t-1]^T dL/dz[t]",
    "dL/db = dL/dz, summed over steps and examples",
)


def recurrent_keys(columns: str, *own: Key) -> tuple[Key, ...]:
    """The keys of weights, biases, state and output; `columns` as in "4 * units"."""
    return (
        Key("units", "whole number", "the length of the state h; known from Wh where it is given"),
        Key("Wx", "array", f"(features, {columns}), or the transpose, as layout says", required=True),
        Key("Wh", "array", f"(units, {columns}), or the transpose", required=True),
        Key("bias", "array | false", f"b, {columns} numbers; left out or false: none"),
        Key("recurrent_bias", "array | false", "bh, a second bias, added to h Wh; left out or false: none"),
        Key(
            "h0",
            "array",
            "the state before the first step: (units,) for all examples, or (N, units); left out: zeros",
        ),
        *own,
        Key("layout", "in_out | out_in", "this layer's own layout of Wx and Wh; out_in is PyTorch's weight_ih"),
        Key("return_sequences", "true | false", "a has every step's state; false: the last one", default=True),
    )


def gate_order_key(default: str, usual: str) -> Key:
    """The key of the order of gates; `usual` says whose order is which."""
    return Key("gate_order", "letters", f"which gate each block of columns is; {usual}", default=default)


def out_in(Wx: list[list[float]], Wh: list[list[float]]) -> dict[str, Any]:
    """The keys of a sample that has these weights the other way round."""
    turned = {key: [list(row) for row in zip(*W, strict=True)] for key, W in (("Wx", Wx), ("Wh", Wh))}
    return {**turned, "layout": "out_in"}


def derivatives(rest: str = "", **states: str) -> tuple[Quantity, ...]:
    """The derivatives by parameters and x, and the states before the first step with theirs.

    `rest` follows where Wh and bh are in more than z; `states` are the symbols of the derivatives by states.
    """
    return (
        Quantity("dWx", "sum of x[t]^T dL/dz[t]"),
        Quantity("dWh", f"sum of h[t-1]^T dL/dz[t]{rest}"),
        Quantity("db", "sum of dL/dz"),
        Quantity("dbh", f"sum of dL/dz{rest}"),
        *(one for letter, symbol in states.items() for one in _state_quantities(letter, symbol)),
        Quantity("dx", "dL/dz Wx^T"),
    )


def _state_quantities(letter: str, symbol: str) -> tuple[Quantity, ...]:
    """A state before the first step and its derivative, for each example where it was not given."""
    return (
        Quantity(letter, doc=f"{letter[0]} before the first step; zeros for each example unless given"),
        Quantity(f"d{letter}", symbol, f"dL by {letter}, summed over the examples if {letter} is given for all"),
    )


def build_gated(settings: Settings, made: type[_Made], aliases: Mapping[str, str], **own: Any) -> _Made:
    """A layer with gates from its keys in a spec; `aliases` are other letters for its gates, `own` its own settings."""
    units, layout, parameters = read_parameters(settings, len(made.gates), made.states)
    sequences = settings.flag("return_sequences")
    return made(
        settings.name,
        settings.shapes[0],
        units,
        parameters,
        layout=layout,
        gate_order=read_gates(settings, made.gates, aliases),
        return_sequences=sequences,
        behind=settings.activation((settings.shapes[0][0], units) if sequences else (units,)),
        **own,
    )


def read_units(settings: Settings, gates: int, layout: str) -> int:
    """The number of units: given, or the length of Wh along its own inputs; also where it is the wrong way round."""
    if settings.has("units"):
        return settings.whole("units")
    key = "Wx" if settings.is_recipe("Wh") else "Wh"
    if settings.is_recipe(key):
        raise settings.error(f"layer {settings.name} needs units, because its Wx and Wh are initialised", key="Wh")
    array = settings.numbers(key)
    rows, columns = (1, array.size) if array.ndim < 2 else array.shape[:: 1 if layout == "in_out" else -1]
    if key == "Wx":
        return max(1, int(columns) // gates)
    return 1 if array.ndim < 2 else int(columns if rows == gates * columns else rows)


def read_parameters(settings: Settings, gates: int, states: tuple[str, ...]) -> tuple[int, str, Quantities]:
    """The number of units, the layout, and the parameters by letter as they are written."""
    features = settings.shapes[0][1]
    layout = read_layout(settings)
    units = read_units(settings, gates, layout)
    columns = "units" if gates == 1 else f"{gates} * units"
    Wh = read_matrix(settings, "Wh", units, gates * units, layout, ("units", columns))
    found = {"Wx": read_matrix(settings, "Wx", features, gates * units, layout, ("features", columns)), "Wh": Wh}
    for letter, key in (("b", "bias"), ("bh", "recurrent_bias")):
        bias = read_bias(settings, key, gates * units)
        found |= {} if bias is None else {letter: bias}
    return units, layout, found | {s: _state(settings, s, units) for s in states if settings.has(s)}


def _state(settings: Settings, key: str, units: int) -> Array:
    """A state before the first step as it is written: (units,), or (N, units)."""
    if settings.is_recipe(key):
        return settings.drawn(key, (units,), (units, units))
    array = settings.numbers(key)
    if array.shape in ((units,), (settings.examples, units)) or (array.ndim == 0 and units == 1):
        settings.reserve(array.size, f"{key} of layer {settings.name}", key)
        return array
    raise settings.error(
        f"{key} of layer {settings.name} must have the shape ({units},), or ({settings.examples}, {units}) with a row "
        f"for each example, not {shape_text(array.shape)}",
        key=key,
    )


def read_gates(settings: Settings, gates: tuple[str, ...], aliases: Mapping[str, str]) -> tuple[str, ...]:
    """The order of the gates, "i,f,o,g" or a list of letters; aliases are other letters for them."""
    given = settings.value("gate_order")
    if isinstance(given, str):
        given = given.replace(",", " ").split() if re.search("[, ]", given) else given  # ifgo will do
    words = [str(word).strip() for word in given] if isinstance(given, str | list | tuple) else []
    found = tuple(aliases.get(word, word) for word in words)
    if sorted(found) != sorted(gates):
        also = ", ".join(f"{other} for {letter}" for other, letter in aliases.items())
        raise settings.error(
            f"gate_order of layer {settings.name} must have each of {', '.join(gates)} once, not {_shown(given)}",
            f"the letters of the blocks of Wx's columns, such as {','.join(gates)}; also {also}",
            key="gate_order",
        )
    return found


def _shown(value: Any) -> str:
    return quoted(",".join(map(str, value)) if isinstance(value, list | tuple) else value)
