"""Cards of the types of layers: formulas, shapes, keys, quantities and an example, all from the declarations."""

from __future__ import annotations

from typing import Any

from gradcalc.cards import Card
from gradcalc.errors import listed
from gradcalc.layers import entries
from gradcalc.layers.declaration import Key, LayerEntry
from gradcalc.results import Formula, Section, Table, Text

#: What a card's keys do not repeat: every layer has them.
COMMON = "every layer has name, type and inputs (the names of what it takes; left out: the layer before it) too"


def list_layers() -> Card:
    """Every type of layer: its name, what it is, and what it takes."""
    found = entries()
    record = [{"name": e.type, "title": e.title, "takes": takes(e), "aliases": list(e.aliases)} for e in found]
    rows = [[e.type, e.title, takes(e), ", ".join(e.aliases)] for e in found]
    table = Table("", ["name", "title", "takes", "aliases"], rows)
    shown = Table("", ["type", "", "takes"], [row[:3] for row in rows])
    return Card(record, table, [shown, Text(["'gradcalc show TYPE' prints the card of one."])])


def layer_card(entry: LayerEntry) -> Card:
    """All that a type of layer declares of itself."""
    own = [one for one in entry.quantities if one.doc]
    record: dict[str, Any] = {
        "name": entry.type,
        "kind": "layer",
        "title": entry.title,
        "aliases": list(entry.aliases),
        "takes": takes(entry),
        "forward": list(entry.forward),
        "backward": list(entry.backward),
        "keys": [_key_record(key) for key in entry.keys],
        "quantities": {one.name: one.doc for one in own},
        "notes": list(entry.notes),
        "example": entry.example,
        "source": entry.source,
    }
    rows = [
        *(["forward", line] for line in entry.forward),
        *(["backward", line] for line in entry.backward),
        ["takes", takes(entry)],
        *(["key", key_text(key)] for key in entry.keys),
        *(["quantity", f"{one.name}: {one.doc}"] for one in own),
        *(["note", note] for note in (*entry.notes, COMMON)),
        *([["also called", ", ".join(entry.aliases)]] if entry.aliases else []),
        *([["source", entry.source]] if entry.source else []),
    ]
    table = Table("", ["field", "value"], [["name", entry.type], ["layer", entry.title], *rows])
    once = [["" if i and rows[i - 1][0] == row[0] else row[0], row[1]] for i, row in enumerate(rows)]
    example = Formula(entry.example.splitlines())
    return Card(record, table, [Table("", [entry.type, entry.title], once), Section("Example"), example])


def takes(entry: LayerEntry) -> str:
    """What a layer takes: how many inputs, and examples of which axes."""
    ranks = sorted(entry.ranks)
    axes = f"({', '.join(entry.axes)})" if entry.axes else f"of {listed([str(rank) for rank in ranks], 'or')} axes"
    shapes = f"examples {axes}" if ranks else "examples of any shape"
    fewest, most = entry.inputs
    if most == 1:
        return shapes
    return f"{fewest} {f'to {most}' if most else 'or more'} inputs, {shapes}"


def key_text(key: Key) -> str:
    """E.g. kernel: whole number; its height and width (needed)."""
    said = " (needed)" if key.required else ""
    if key.default is not None and "left out" not in key.doc:
        said = f"; {str(key.default).lower() if isinstance(key.default, bool) else key.default} where it is left out"
    return f"{key.name}: {key.holds}; {key.doc}{said}"


def _key_record(key: Key) -> dict[str, Any]:
    return {"name": key.name, "holds": key.holds, "meaning": key.doc, "required": key.required, "default": key.default}
