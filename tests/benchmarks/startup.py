"""Start-up of the commands, against importing what each is allowed to load; prints ratios.

Run it with the Python of an environment where gradcalc is installed: python tests/benchmarks/startup.py [ROUNDS]
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

#: What a command may cost at most is a multiple of importing these.
CLICK = "import click"
STACK = "import click, numpy, tabulate, yaml"

LIMIT = 1.25

#: The command lines, by what they are measured against.
LINES = {
    CLICK: [
        "--version",
        "--help",
        "eval sigmoid 0.5",
        *(f"eval sigmoid 0.5 --format {name}" for name in ("plain", "json", "jsonl", "csv", "tsv")),
        "eval sigmoid 0.5 --only derivative",
        "eval squared_error 0.5 -y 1 --reduction mean",
    ],
    STACK: ["backprop {spec}", "backprop {spec} --format json", "eval softmax 1 2 3"],
}


def seconds(command: list[str], folder: str) -> float:
    """Wall-clock time of one run, with byte code written and read as in an installation."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, env=environment, cwd=folder, check=True)
    return time.perf_counter() - start


def installed() -> list[str]:
    """The command as its users run it: the console script beside this Python."""
    script = Path(sys.executable).with_name("gradcalc")
    return [str(script)] if script.exists() else [sys.executable, "-m", "gradcalc"]


def main(rounds: int) -> None:
    """Measure all side by side, round by round, and print medians and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "net.yaml")
        spec.write_bytes(subprocess.run([*installed(), "example", "mazur"], stdout=subprocess.PIPE, check=True).stdout)
        for imports, lines in LINES.items():
            commands = {imports: [sys.executable, "-c", imports]}
            commands |= {line: [*installed(), *line.format(spec=spec).split()] for line in lines}
            runs = [{name: seconds(command, folder) for name, command in commands.items()} for _ in range(rounds + 1)]
            times = {name: median(run[name] for run in runs[1:]) for name in commands}  # the first warms up
            print(f"python -c '{imports}': {times[imports] * 1000:.0f} ms, median of {rounds}")
            for line in lines:
                ratio = times[line] / times[imports]
                shown = line.format(spec=spec.name)
                print(f"  {shown:46}{times[line] * 1000:6.0f} ms  {ratio:5.2f}{'' if ratio <= LIMIT else '  too slow'}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 21)
