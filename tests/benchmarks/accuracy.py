"""Prints the largest measured error of every function, or of those named, in units in the last place.

    python tests/benchmarks/accuracy.py [--write] [FUNCTION...]
    python tests/benchmarks/accuracy.py --random SETTINGS [--seed SEED] [FUNCTION...]

--write keeps what was measured for the manual's table: run man/build.py after it.
--random draws settings and inputs over all that a function takes, and shows each quantity that is past the promise.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2] / "man"))

from mpmath import mp

from gradcalc.functions import entries, find
from gradcalc.functions.entry import Entry
from measured import Measured, read, write
from references import drawn
from references.measure import Error, measure, measure_at, setting_of
from references.ulps import PROMISE


def worst(errors: Iterable[Error]) -> dict[tuple[str, str], Error]:
    """The largest error of each quantity on each number system."""
    found: dict[tuple[str, str], Error] = {}
    for error in errors:
        known = found.setdefault((error.quantity, error.system), error)
        if error.ulps > known.ulps:
            found[error.quantity, error.system] = error
    return found


def at_random(entry: Entry, count: int, seed: str) -> Iterator[Error]:
    """Every error at random settings; what ends in an exception is an error without bound."""
    for given, points in drawn.settings(entry, count, seed):
        for point in points:
            try:
                yield from measure_at(entry, setting_of(entry, given, [point]))
            except Exception as error:  # of a kernel or of the reference: either is to be seen
                yield Error(float("inf"), type(error).__name__, "raised", f"at {point!r} with {given}: {error}")


def show(entry: Entry, found: dict[tuple[str, str], Error], shown: float) -> Error:
    """One line for a function, then one for each quantity past `shown`; the largest error."""
    largest = max(found.values(), key=lambda error: error.ulps)
    print(f"{entry.name:28} {largest.ulps:6.2f} ulp   {largest.quantity} ({largest.system})", flush=True)
    for error in found.values():
        if error.ulps > shown:
            print(f"    {f'{error.quantity} ({error.system})':28} {error.ulps:6.2f} {error.where}", flush=True)
    return largest


def stress(chosen: list[Entry], count: int, seed: str) -> None:
    """The errors of functions at random settings."""
    mp.dps = drawn.DIGITS
    for entry in chosen:
        show(entry, worst(at_random(entry, count, seed)), PROMISE)


def tabulate(chosen: list[Entry], detailed: bool, keep: bool) -> None:
    """The errors of functions at the points of the tests, kept for the manual if wanted."""
    rows = {row.function: row for row in read()} if keep else {}
    for entry in chosen:
        largest = show(entry, worst(measure(entry)), -1.0 if detailed else float("inf"))
        rows[entry.name] = Measured(entry.name, f"{largest.ulps:.2f}", largest.quantity, largest.system)
    if keep:
        write(rows[entry.name] for entry in entries() if entry.name in rows)


def main() -> None:
    """Reads what was asked for."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("functions", nargs="*")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", default="1")
    asked = parser.parse_args()
    chosen = list(map(find, asked.functions)) or list(entries())
    if asked.random:
        stress(chosen, asked.random, asked.seed)
    else:
        tabulate(chosen, bool(asked.functions), asked.write)


if __name__ == "__main__":
    main()
