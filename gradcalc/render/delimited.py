"""Comma- and tab-separated text."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from gradcalc.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The separator of each format.
SEPARATORS = {"csv": ",", "tsv": "\t"}


def delimited(rows: Iterable[Iterable[str]], separator: str) -> str:
    """Rows of texts, quoted where they need it, a line each."""
    text = StringIO()
    csv.writer(text, delimiter=separator, lineterminator="\n").writerows(rows)
    return text.getvalue()


def text_cell(text: str) -> str:
    """Text without control characters, that no spreadsheet takes for a formula to be computed."""
    return f"'{printable(text)}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else printable(text)
