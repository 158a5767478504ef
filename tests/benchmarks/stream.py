"""A million numbers through `eval sigmoid -`, against a bare Python loop that does the same; prints ratios.

Run: python tests/benchmarks/stream.py [COUNT]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from statistics import median

#: Parses, computes and prints as plainly as Python can, the formulas written out on the spot.
BARE_LOOP = """
import sys
from math import exp
for line in sys.stdin:
    z = float(line)
    t = exp(-abs(z))
    value = (1.0 if z >= 0 else t) / (1.0 + t)
    derivative = t / ((1.0 + t) * (1.0 + t))
    print({template})
"""

#: What the loop prints for each format. A table's columns are padded, so the loop pads too.
TEMPLATES = {
    "plain": 'f"{z} {value} {derivative}"',
    "csv": 'f"{z},{value},{derivative}"',
    "jsonl": 'f\'{{"input": {z}, "value": {value}, "derivative": {derivative}}}\'',
    "table": 'f"{z!s:24}  {value!s:24}  {derivative}"',
}

ROUNDS = 3


def seconds(command: list[str], numbers: str) -> float:
    """Wall-clock time of one run with the numbers on its standard input."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    with Path(numbers).open() as source:
        start = time.perf_counter()
        subprocess.run(command, stdin=source, stdout=subprocess.DEVNULL, env=environment, check=True)
        return time.perf_counter() - start


def main(count: int) -> None:
    """Measure both side by side, round by round, and print medians and ratios."""
    draw = Random(0)
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as numbers:
        numbers.writelines(f"{draw.gauss(0, 3)}\n" for _ in range(count))
        numbers.flush()
        print(f"{count} numbers: median of {ROUNDS}, seconds")
        print("format  bare   eval   ratio")
        for name, template in TEMPLATES.items():
            bare = [sys.executable, "-c", BARE_LOOP.replace("{template}", template)]
            ours = [sys.executable, "-m", "gradcalc", "eval", "sigmoid", "-", "--format", name]
            pairs = [(seconds(bare, numbers.name), seconds(ours, numbers.name)) for _ in range(ROUNDS)]
            loop, command = (median(times) for times in zip(*pairs, strict=True))
            print(f"{name:6}  {loop:5.2f}  {command:5.2f}  {command / loop:5.2f}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"largest memory of any run: {peak / 1024:.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
