"""Examples as transcripts: commands after `$ ` with what they print below, run in a shell and compared."""

from __future__ import annotations

import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

PROMPT = "$ "
_MORE = "> "

#: Wide enough for the manual's tables, and the same for everybody.
COLUMNS = "76"

#: Closes a command's output in the shell's own output; the exit code survives it, for `echo $?`.
_END = "=== end of output ==="
_CLOSE = f'code=$?; printf "\\n{_END}\\n"; (exit $code)'

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")


class Example(NamedTuple):
    """A command, and the lines it prints, errors included."""

    command: str
    output: tuple[str, ...]

    def lines(self) -> list[str]:
        """The example as a transcript shows it."""
        first, *more = self.command.splitlines()
        return [PROMPT + first, *(_MORE + line for line in more), *self.output]


def lines(examples: Sequence[Example]) -> list[str]:
    """A transcript of the examples; an output and the next command have an empty line between."""
    found: list[str] = []
    for example in examples:
        found += ["", *example.lines()] if found and not found[-1].startswith(PROMPT) else example.lines()
    return found


def parse(lines: Iterable[str]) -> list[Example]:
    """The examples of a transcript; lines before the first prompt are refused."""
    found: list[tuple[list[str], list[str]]] = []
    for line in lines:
        if line.startswith(PROMPT):
            found.append(([line.removeprefix(PROMPT)], []))
            continue
        if not found:
            raise ValueError(f"no command stands before this output: {line}")
        command, output = found[-1]
        if line.startswith(_MORE) and not output:
            command.append(line.removeprefix(_MORE))
        else:
            output.append(line)
    return [Example("\n".join(command), tuple(_trimmed(output))) for command, output in found]


def run(commands: Sequence[str], files: Mapping[str, str] = MappingProxyType({})) -> list[Example]:
    """The commands in one POSIX shell, in a folder with `files` alone; `gradcalc` is this Python's own."""
    script = "\n".join(line for command in commands for line in (command, _CLOSE))
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        done = subprocess.run(
            ["sh", "-c", f"exec 2>&1\n{script}\n"],
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=_environment(),
            stdout=subprocess.PIPE,
            text=True,
            check=False,  # an example may show an error
            timeout=120,
        )
    outputs = done.stdout.split(f"\n{_END}\n")[:-1]
    if len(outputs) != len(commands):
        raise ValueError(f"the shell left before the end: {done.stdout}")
    return [Example(c, tuple(_trimmed(out.splitlines()))) for c, out in zip(commands, outputs, strict=True)]


def _environment() -> dict[str, str]:
    own = Path(sys.executable).parent
    path = os.pathsep.join([str(own), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path, "COLUMNS": COLUMNS, "LC_ALL": "C", "NO_COLOR": "1"}


def _trimmed(lines: Sequence[str]) -> list[str]:
    """Lines without blanks at their ends, and without empty lines around them."""
    return "\n".join(line.rstrip() for line in lines).strip("\n").splitlines()


def difference(expected: str, got: str) -> str:
    """What differs, in a few words; empty where the texts agree but for blanks and the last printed digit."""
    pairs = zip(_lines(expected), _lines(got), strict=False)
    for number, (left, right) in enumerate(pairs, 1):
        if not _alike(left, right):
            return f"line {number}:\n  expected: {left}\n  got:      {right}"
    lengths = len(_lines(expected)), len(_lines(got))
    return "" if lengths[0] == lengths[1] else f"expected {lengths[0]} lines, got {lengths[1]}"


def _lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.replace(r"\-", "-").strip().splitlines()]


def _alike(left: str, right: str) -> bool:
    """Whether two lines have the same words, and numbers that agree to the last printed digit of the first."""
    rules = re.compile(r"-{3,}")  # a table's rule is as wide as its numbers are long
    left, right = rules.sub("---", left), rules.sub("---", right)
    if _NUMBER.sub("#", left) != _NUMBER.sub("#", right):
        return False
    return all(map(_close, _NUMBER.findall(left), _NUMBER.findall(right)))


def _close(left: str, right: str) -> bool:
    mantissa, _, exponent = left.lower().partition("e")
    last_digit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2])) if "." in mantissa else 0.0
    return math.isclose(float(left), float(right), rel_tol=1e-9, abs_tol=1.001 * last_digit)
