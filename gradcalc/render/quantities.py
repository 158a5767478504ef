"""Named quantities as bare numbers: rows for the shell, and one number a line with its layer, name and index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gradcalc.render.numbers import column_texts

#: A quantity: its layer (empty for the loss), its letters, and its numbers as a number or nested lists.
Quantity = tuple[str, str, Any]

COLUMNS = ("layer", "quantity", "index", "value")


def plain_text(quantities: Iterable[Quantity], digits: int | None = None) -> Iterator[str]:
    """A line for each row of numbers, led by its address: hidden.W[0] 0.15 0.25."""
    for layer, name, numbers in quantities:
        address = f"{layer}.{name}" if layer else name
        for index, row in _rows(numbers):
            yield f"{address}{index} {_joined(row, digits)}\n"


def long_text(quantities: Iterable[Quantity], separator: str, digits: int | None = None) -> Iterator[str]:
    """The header, then a line for each number; a name may bring an index of its own: dW[0].

    Nothing needs quotes: the names of layers and quantities are words.
    """
    yield separator.join(COLUMNS) + "\n"
    for layer, address, numbers in quantities:
        name, bracket, part = address.partition("[")
        for index, row in _rows(numbers, bracket + part):
            start, texts = separator.join((layer, name, index)), column_texts(row, digits)
            if isinstance(numbers, list):
                yield "".join([f"{start}[{i}]{separator}{text}\n" for i, text in enumerate(texts)])
            else:
                yield f"{start}{separator}{texts[0]}\n"


def bare_text(found: Sequence[Any], digits: int | None = None) -> str:
    """Numbers alone, for $(...): several single numbers on one line, else a line for each row, in turn."""
    if all(not isinstance(numbers, list) for numbers in found):
        return _joined(found, digits, keep_zeros=True) + "\n"
    return "".join(f"{_joined(row, digits, keep_zeros=True)}\n" for numbers in found for _, row in _rows(numbers))


def _joined(row: Sequence[float], digits: int | None, *, keep_zeros: bool = False) -> str:
    return " ".join(column_texts(row, digits, keep_zeros=keep_zeros, signed_zeros=False))


def _rows(numbers: Any, index: str = "") -> Iterator[tuple[str, Sequence[float]]]:
    """Every innermost list, with the index that leads to it; one number alone is a row of its own."""
    if not isinstance(numbers, list):
        yield index, [numbers]
    elif not numbers or not isinstance(numbers[0], list):
        yield index, numbers
    else:
        for i, part in enumerate(numbers):
            yield from _rows(part, f"{index}[{i}]")
