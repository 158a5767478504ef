"""Writing what `list` and `show` found, in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.cli.output import opened
from gradcalc.cli.terminal import width

if TYPE_CHECKING:
    from gradcalc.cards import Card


def write_card(card: Card, format_name: str | None, output: str | None) -> None:
    """JSON from its record, rows from its table, text for people from its report."""
    with opened(output) as stream:
        stream.write(_text(card, format_name or "table"))
        if format_name == "latex" and isinstance(card.record, dict):
            stream.write(_mathematics(card.record))


def _mathematics(record: dict[str, Any]) -> str:
    """A function's formula and derivative as displayed formulas below its card."""
    return "".join(f"\\[ {record[key]} \\]\n" for key in ("latex", "latex_derivative") if key in record)


def _text(card: Card, format_name: str) -> str:
    if format_name in ("json", "jsonl"):
        return _json(card, format_name)
    if format_name in ("csv", "tsv"):
        from gradcalc.render.delimited import SEPARATORS, delimited, text_cell

        rows = [[text_cell(str(cell)) for cell in row] for row in card.table.rows]
        return delimited([card.table.columns, *rows], SEPARATORS[format_name])
    from gradcalc.render.tables import report_text

    return report_text([card.table] if format_name == "plain" else card.report, format_name, width=width())


def _json(card: Card, format_name: str) -> str:
    """One document, or a line for each thing that is listed."""
    from gradcalc.render.nested import json_text

    if format_name == "json":
        return json_text(card.record) + "\n"
    records = card.record if isinstance(card.record, list) else [card.record]
    return "".join(json_text(record, indent=None) + "\n" for record in records)
