"""Prints the largest measured error of every function, or of those named, in units in the last place.

    python tests/benchmarks/accuracy.py [--write] [FUNCTION...]

--write keeps what was measured for the manual's table: run man/build.py after it.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "man"))

from gradcalc.functions import entries, find
from gradcalc.functions.entry import Entry
from measured import Measured, read, write
from references.measure import Error, measure


def worst(entry: Entry) -> dict[tuple[str, str], Error]:
    """The largest error of each quantity on each number system."""
    found: dict[tuple[str, str], Error] = {}
    for error in measure(entry):
        known = found.setdefault((error.quantity, error.system), error)
        if error.ulps > known.ulps:
            found[error.quantity, error.system] = error
    return found


def main(words: list[str]) -> None:
    """One line per function, and for the functions named one per quantity with the worst input."""
    names = [word for word in words if word != "--write"]
    rows: dict[str, Measured] = {}
    for entry in map(find, names) if names else entries():
        found = worst(entry)
        largest = max(found.values(), key=lambda error: error.ulps)
        rows[entry.name] = Measured(entry.name, f"{largest.ulps:.2f}", largest.quantity, largest.system)
        print(f"{entry.name:28} {largest.ulps:6.2f} ulp   {largest.quantity} ({largest.system})", flush=True)
        for error in found.values() if names else ():
            print(f"    {f'{error.quantity} ({error.system})':28} {error.ulps:6.2f} {error.where}")
    if "--write" in words:
        rows = {row.function: row for row in read()} | rows
        write(rows[entry.name] for entry in entries() if entry.name in rows)


if __name__ == "__main__":
    main(sys.argv[1:])
