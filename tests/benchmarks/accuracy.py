"""Prints the largest measured error of every function, or of those named, in units in the last place."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from gradcalc.functions import entries, find
from references.measure import measure


def main() -> None:
    """One line per function, or for the functions named one per quantity with the worst input."""
    for entry in [find(name) for name in sys.argv[1:]] or entries():
        worst: dict[str, tuple[float, str]] = {}
        for error in measure(entry):
            worst[error.quantity] = max(worst.get(error.quantity, (0.0, "")), (error.ulps, error.where))
        ulps, quantity = max((ulps, quantity) for quantity, (ulps, _) in worst.items())
        print(f"{entry.name:26} {ulps:8.2f} ulp   {quantity}")
        for quantity, (ulps, where) in worst.items() if sys.argv[1:] else ():
            print(f"    {quantity:50} {ulps:8.2f} {where}")


if __name__ == "__main__":
    main()
