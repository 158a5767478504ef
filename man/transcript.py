"""Examples as transcripts: commands after `$ ` with what they print below, run in a shell and compared."""

from __future__ import annotations

import io
import math
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import Timer
from types import MappingProxyType
from typing import NamedTuple
from unittest.mock import patch

from gradcalc import cli

PROMPT = "$ "
_MORE = "> "

#: Wide enough for the manual's tables, and the same for everybody.
COLUMNS = "76"

#: Closes a command's output in the shell's own output; the exit code survives it, for `echo $?`.
_END = "=== end of output ==="
_CLOSE = f'code=$?; printf "\\n{_END}\\n"; (exit $code)'

#: Seconds that all the commands of a page may take.
_LONGEST = 120

#: Words in which a shell sees nothing but words.
_PLAIN = re.compile(r"""gradcalc(?: (?:[\w.,:/=+@%^-]+|"[^"$`\\\n]*"|'[^'\n]*'))*""")

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
    """The commands in one POSIX shell, in a folder with `files` alone; `gradcalc` is this Python's own.

    A command that is nothing but `gradcalc` and words is run within this process, which is a good deal faster.
    """
    found, code = [], 0
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, _environment()), _shell(folder) as shell:
        for name, text in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        for command in commands:
            if _PLAIN.fullmatch(command):
                code, printed = _within(shlex.split(command)[1:], folder)
            else:
                printed = _through(shell, f"(exit {code})\n{command}")
                code = int(_through(shell, "echo $?"))
            found.append(Example(command, tuple(_trimmed(printed.splitlines()))))
    return found


@contextmanager
def _shell(folder: str) -> Iterator[subprocess.Popen[str]]:
    """A shell that reads commands."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["sh"], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, cwd=folder, text=True) as shell:
        limit = Timer(_LONGEST, shell.kill)
        limit.start()
        try:
            yield shell
        finally:
            limit.cancel()


def _through(shell: subprocess.Popen[str], command: str) -> str:
    """What the shell prints for a command, whose exit code it keeps."""
    assert shell.stdin is not None and shell.stdout is not None
    shell.stdin.write(f"{{ {command}\n}} </dev/null; {_CLOSE}\n")
    shell.stdin.flush()
    printed = ""
    for line in shell.stdout:
        if line == f"{_END}\n":
            return printed
        printed += line
    raise ValueError(f"the shell left before the end: {printed}")


def _within(arguments: Sequence[str], folder: str) -> tuple[int, str]:
    """The exit code of `gradcalc` with these arguments, run here in that folder, and all it prints."""
    stream, before = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), Path.cwd()
    os.chdir(folder)
    try:
        with redirect_stdout(stream), redirect_stderr(stream), patch.object(sys, "stdin", io.StringIO()):
            code = cli.run(arguments)
    finally:
        os.chdir(before)
    buffer = stream.detach()
    assert isinstance(buffer, io.BytesIO)
    return code, buffer.getvalue().decode()


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
