"""Which layer takes what: the layers of a spec with their types, names, keys and sources, before any is built."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gradcalc.errors import SpecError, UsageError, listed, near, quoted
from gradcalc.functions import find as find_function
from gradcalc.layers import TYPES, entries, find
from gradcalc.layers.declaration import LayerEntry
from gradcalc.spec.keys import LAYER
from gradcalc.spec.limits import MAX_INPUTS, MAX_LAYERS
from gradcalc.spec.nodes import Node

_NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_-]*$")

#: A hint names so many types of layers.
_TYPES_NAMED = 5

#: Names that mean something else in an address, and what.
_RESERVED = {"loss": "that is the address of the loss", "input": "that is the input of the network"}


class Stated(NamedTuple):
    """A layer as the spec states it. `sources` are positions of layers or, from -1 downwards, of inputs."""

    node: Node
    entry: LayerEntry
    name: str
    keys: dict[str, Node]
    sources: tuple[int, ...]


def read_graph(node: Node, inputs: Sequence[str]) -> list[Stated]:
    """The layers in order with what each takes. Errors: SpecError."""
    if isinstance(node.value, list | tuple) and len(node.value) > MAX_LAYERS:
        raise node.error(f"{len(node.value)} layers are too many: at most {MAX_LAYERS}")
    stated: list[Stated] = []
    places = {name: -1 - i for i, name in enumerate(inputs)}
    for position, item in enumerate(node.items("layers")):
        entry = find(_type(item))
        keys = _keys(item, entry)
        name = _name(item, keys.get("name"), position, places)
        places[name] = position
        stated.append(Stated(item, entry, name, keys, ()))
    stated = [one._replace(sources=_sources(one, position, places, stated)) for position, one in enumerate(stated)]
    _check_used(stated, inputs)
    return stated


def is_chain(stated: Sequence[Stated]) -> bool:
    """Whether every layer takes the one before it, and the first one the only input."""
    return all(one.sources == (position - 1,) for position, one in enumerate(stated))


def _keys(item: Node, entry: LayerEntry) -> dict[str, Node]:
    return item.mapping((*LAYER, *entry.keys), f"{_article(entry.type)} {entry.type} layer", elsewhere=_types_with)


def _article(word: str) -> str:
    """a or an, as one says the word: what has no vowel (lstm, rnn, rms_norm) is spelled."""
    spelled = not set("aeiou") & set(word.partition("_")[0])
    return "an" if word[0] in ("aefhilmnorsx" if spelled else "aeiou") else "a"


def _types_with(key: str) -> str:
    """The hint for a key that other types of layers have."""
    types = [entry.type for entry in entries() if key in (declared.name for declared in entry.keys)]
    shown = types if len(types) < _TYPES_NAMED else [*types[: _TYPES_NAMED - 1], "others"]
    return f"{key} is a key of {listed(shown)}" if types else ""


def _type(item: Node) -> str:
    kind = item.value.get("type", "dense") if isinstance(item.value, Mapping) else "dense"
    if not isinstance(kind, str) or kind not in TYPES:
        path = (*item.path, "type")
        hint = _other_type(kind) or near(str(kind), TYPES) or f"the types are {listed(TYPES)}"
        raise SpecError(f"there is no layer of type {quoted(kind)}", hint=hint, path=path)
    return kind


def _other_type(kind: object) -> str:
    """The hint for a type by another name, or for an activation given as a type."""
    if str(kind).lower() in ("linear", "fc"):  # linear is an activation too, but no one means that here
        return "write dense"
    for entry in entries():
        if str(kind).lower() in (entry.type, *entry.aliases):
            return f"write {entry.type}"
    try:
        function = find_function(str(kind))
    except UsageError:
        return ""
    return f"write {{type: activation, activation: {function.name}}}" if function.kind == "activation" else ""


def _name(item: Node, node: Node | None, position: int, places: Mapping[str, int]) -> str:
    """A name that is well-formed and not used before; by position where none is given."""
    name = f"layer{position + 1}" if node is None else node.text()
    if node is not None and not _NAME.match(name):
        raise node.error(f"the layer name {quoted(name)} is not one", "letters, digits, _ and -, not a digit first")
    if node is not None and name in _RESERVED:
        raise node.error(f"a layer cannot be named {name}", _RESERVED[name])
    if name in places:
        hint = "a layer without a name is named by its position" if node is None else ""
        what = f"two layers are named {quoted(name)}" if places[name] >= 0 else f"an input is named {quoted(name)} too"
        raise (node or item).error(what, hint)
    return name


def _sources(one: Stated, position: int, places: Mapping[str, int], stated: Sequence[Stated]) -> tuple[int, ...]:
    """The positions of what a layer takes: those it names, or the layer before it."""
    node = one.keys.get("inputs")
    if node is None or node.value is None:
        found = (position - 1,) if position else tuple(place for place in places.values() if place < 0)
    else:
        named = list(node.items("names")) if isinstance(node.value, list | tuple) else [node]
        if len(named) > MAX_INPUTS:
            raise node.error(f"{len(named)} inputs are too many for a layer: at most {MAX_INPUTS}")
        found = tuple(_place(item, one, position, places, stated) for item in named)
    fewest, most = one.entry.inputs
    if not fewest <= len(found) <= (most or len(found)):
        raise _wrong_count(one, node, len(found), position)
    return found


def _wrong_count(one: Stated, node: Node | None, count: int, position: int) -> SpecError:
    fewest, most = one.entry.inputs
    wanted = f"{fewest} input{'s' * (fewest != 1)}" if most == fewest else f"{fewest} or more inputs"
    if most is not None and most > fewest:
        wanted = f"{fewest} to {most} inputs"
    hint = "name them: inputs: [a, b]" if fewest > 1 else "say which: inputs: NAME" if node is None else ""
    at = node or one.node
    is_given = "it is given" if node is not None or not position else "without inputs it takes"
    return at.error(f"layer {one.name} ({one.entry.type}) takes {wanted}, but {is_given} {count}", hint)


def _place(item: Node, one: Stated, position: int, places: Mapping[str, int], stated: Sequence[Stated]) -> int:
    """The position of an earlier layer, or of an input, by its name."""
    name = item.text()
    if name not in places:
        raise item.error(f"there is no layer {quoted(name)}", near(name, places) or f"there are {listed(list(places))}")
    if places[name] < position:
        return places[name]
    path = _way([places[name]], position, places, stated)
    if path:
        cycle = " takes ".join(stated[at].name for at in (position, *path))
        raise item.error(f"the layers form a cycle: {cycle}", "a layer takes earlier ones")
    raise item.error(f"layer {one.name} takes {name}, which stands after it", f"move {name} before {one.name}")


def _way(path: list[int], goal: int, places: Mapping[str, int], stated: Sequence[Stated]) -> list[int]:
    """The positions from the first in `path` along what each layer takes to `goal`; empty where none leads there."""
    waiting, seen = [path], {path[0]}
    while waiting:
        path = waiting.pop()
        if path[-1] == goal:
            return path
        for following in _named(path[-1], places, stated):
            if following not in seen:
                seen.add(following)
                waiting.append([*path, following])
    return []


def _named(position: int, places: Mapping[str, int], stated: Sequence[Stated]) -> list[int]:
    """The positions of the layers that one takes, as far as its inputs can be read."""
    value = stated[position].keys["inputs"].value if "inputs" in stated[position].keys else None
    if value is None:
        return [position - 1] if position else []
    names = value if isinstance(value, list | tuple) else [value]
    found = [places.get(name, -1) for name in names if isinstance(name, str)]
    return [place for place in found if place >= 0]


def _check_used(stated: Sequence[Stated], inputs: Sequence[str]) -> None:
    """Every layer but the last, the output, and every input is taken by some layer."""
    taken = {source for one in stated for source in one.sources}
    for position, one in enumerate(stated[:-1]):
        if position not in taken:
            raise one.node.error(
                f"layer {one.name} leads nowhere: no layer takes its output",
                f"the output is the last layer, {stated[-1].name}; name {one.name} among the inputs of a layer",
            )
    for i, name in enumerate(inputs):
        if (stated or len(inputs) > 1) and -1 - i not in taken:
            path = ("input", name) if len(inputs) > 1 else ("input",)
            raise SpecError(f"no layer takes the input {quoted(name)}", hint=f"name it: inputs: {name}", path=path)
