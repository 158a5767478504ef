"""The measured error of every function, kept in accuracy.csv: what tests/benchmarks/accuracy.py --write found last."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mdoc import argument

FILE = Path(__file__).with_name("accuracy.csv")


class Measured(NamedTuple):
    """The largest error of a function: in units in the last place, of which quantity, on which number system."""

    function: str
    ulp: str
    quantity: str
    system: str


def read() -> list[Measured]:
    """The table."""
    with FILE.open(newline="", encoding="utf-8") as stream:
        return [Measured(*row) for row in csv.reader(stream)][1:]


def write(rows: Iterable[Measured]) -> None:
    """Replace the table."""
    with FILE.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows([Measured._fields, *rows])


def accuracy(_: str) -> list[str]:
    """The table as the manual shows it."""
    rows = [f".It Cm {argument(r.function)} Ta {r.ulp} Ta {r.quantity} Ta {r.system}" for r in read()]
    longest = max((row.function for row in read()), key=len)
    widths = f".Bl -column {longest} 0.00 {argument('by label_smoothing')} numpy"
    return [widths, ".It Sy function Ta Sy ulp Ta Sy of Ta Sy on", *rows, ".El"]
