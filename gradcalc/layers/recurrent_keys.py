"""How rnn, lstm and gru are read from a spec: the keys they share, their parameters, and the order of their gates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gradcalc.errors import quoted
from gradcalc.layers.base import Quantities
from gradcalc.layers.declaration import Key, Quantity
from gradcalc.layers.written import read_bias, read_layout, read_matrix
from gradcalc.shapes import Array, shape_text

if TYPE_CHECKING:
    from gradcalc.layers.declaration import Settings


def parameter_keys(columns: str) -> tuple[Key, ...]:
    """The keys of weights and biases; `columns` as in "4 * units"."""
    return (
        Key("units", "whole number", "the length of the state h; known from Wh where it is given"),
        Key("Wx", "array", f"(features, {columns}), or the transpose, as layout says", required=True),
        Key("Wh", "array", f"(units, {columns}), or the transpose", required=True),
        Key("bias", "array | false", f"b, {columns} numbers; left out or false: none"),
        Key("recurrent_bias", "array | false", "bh, a second bias, added to h Wh; left out or false: none"),
    )


#: The keys that follow: states, layout and output.
H0 = Key("h0", "array", "the state before the first step: (units,) for all examples, or (N, units); left out: zeros")
LAYOUT = Key("layout", "in_out | out_in", "this layer's own layout of Wx and Wh; out_in is PyTorch's weight_ih")
RETURN_SEQUENCES = Key(
    "return_sequences", "true | false", "a has every step's state; false: the last one", default=True
)
BEHIND = Key("activation", "function", "a function behind the states, a = f(h); where it is left out a = h")


def state_quantities(**symbols: str) -> tuple[Quantity, ...]:
    """States before the first step and their derivatives, for each example where they were not given."""
    return tuple(
        one
        for letter, symbol in symbols.items()
        for one in (
            Quantity(letter, doc=f"{letter[0]} before the first step; zeros for each example unless given"),
            Quantity(f"d{letter}", symbol, f"dL by {letter}, summed over the examples if {letter} is given for all"),
        )
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
