"""Names of quantities: hidden.dW, short forms such as dW1 and a0, and places in them such as hidden.dW[0][1]."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gradcalc.errors import UsageError, listed, near, quoted

_INDEXED = re.compile(r"^(?P<name>[^\[\]]+)(?P<index>(\[\d+\])*)$")

#: A layer with one of these counts in short addresses.
_WEIGHTS = re.compile(r"W[a-z]?")

#: In a group of layers that share a number, these belong to the last one that has them; all others to the first.
_OUTPUTS = ("a", "f_prime", "da", "a_new")


class Address(NamedTuple):
    """A quantity, or a place in it: its layer's name (empty for the loss), its letters and the index of the place."""

    layer: str
    quantity: str
    place: tuple[int, ...] = ()

    @property
    def indexed(self) -> str:
        """The quantity with its index: dW[0][1]."""
        return self.quantity + "".join(f"[{i}]" for i in self.place)

    def __str__(self) -> str:
        return f"{self.layer}.{self.indexed}" if self.layer else self.indexed


def split_index(address: str) -> tuple[str, tuple[int, ...]]:
    """An address and the index behind it: "hidden.W[0][1]" is ("hidden.W", (0, 1))."""
    match = _INDEXED.match(address.strip())
    if match is None:
        raise UsageError(
            f"{quoted(address)} is not a quantity's address",
            hint="write layer.quantity, e.g. hidden.dW or dW1",
        )
    return match["name"], tuple(int(i) for i in re.findall(r"\d+", match["index"]))


def resolve(name: str, layers: Sequence[tuple[str, str, Sequence[str]]]) -> tuple[int, str]:
    """The position of the layer and the quantity that `name` speaks of; position -1 is the input, as "x" or "dx".

    `layers` are (name, type, quantities) in order. Errors: UsageError with near names.
    """
    known: dict[str, tuple[int, str]] = {}
    for position, (layer, _, quantities) in enumerate(layers):
        known.update({f"{layer}.{quantity}": (position, quantity) for quantity in quantities})
    short = short_names(layers)
    for table in (known, short):
        found = _lookup(name, table)
        if found is not None:
            return found
    raise UsageError(
        f"there is no quantity {quoted(name)}",
        hint=near(name, [*known, *short, "loss"]) or f"there are {', '.join([*list(known)[:12], '...'])}",
    )


def resolve_indexed(
    name: str, index: tuple[int, ...], layers: Sequence[tuple[str, str, Sequence[str]]]
) -> tuple[int, str, int]:
    """As `resolve`, and how many indices belong to the name: join.x[0] is a quantity of a layer with several inputs."""
    if index:
        try:
            return (*resolve(f"{name}[{index[0]}]", layers), 1)
        except UsageError:
            pass  # an index into the numbers, as nearly always
    try:
        return (*resolve(name, layers), 0)
    except UsageError:
        _check_part(name, index, layers)
        raise


def _check_part(name: str, index: tuple[int, ...], layers: Sequence[tuple[str, str, Sequence[str]]]) -> None:
    """UsageError where the name needs an index, or a layer behind it: join.x, out.da_terms."""
    every = [f"{layer}.{quantity}" for layer, _, quantities in layers for quantity in quantities]
    parts = [known for known in every if known.startswith((f"{name}[", f"{name}."))]
    if parts and name not in [layer for layer, _, _ in layers]:
        outside = "the index is outside, " if index else ""
        raise UsageError(f"{name} is several arrays", hint=f"{outside}there are {listed(parts)}")


def short_names(layers: Sequence[tuple[str, str, Sequence[str]]]) -> dict[str, tuple[int, str]]:
    """Short addresses: the layers that have weights are counted, others share the number of the one before them.

    Weights are a W of any kind: an rnn's Wx and Wh count, a batch_norm's gamma and beta do not.
    """
    of_input = (("a0", "x"), ("da0", "dx")) if layers and layers[0][1] != "input" else (("a0", "a"), ("da0", "da"))
    only = [name for name, kind, _ in layers if kind == "input"] in ([], ["input"])
    found = {name: (-1, quantity) for name, quantity in of_input if only and layers and quantity in layers[0][2]}
    number = 0
    for position, (_, _, quantities) in enumerate(layers):
        number += any(_WEIGHTS.fullmatch(quantity) for quantity in quantities)
        if number == 0:
            continue
        for quantity in (name for name in quantities if not {".", "["} & set(name)):
            letter, new, _ = quantity.partition("_new")
            key = f"{letter}{number}{new}"
            if key not in found or quantity in _OUTPUTS:
                found[key] = (position, quantity)
    return found


def _lookup(name: str, table: Mapping[str, tuple[int, str]]) -> tuple[int, str] | None:
    """The entry of that name; case is ignored where just one name differs only by it."""
    if name in table:
        return table[name]
    alike = [key for key in table if key.lower() == name.lower()]
    return table[alike[0]] if len(alike) == 1 else None
