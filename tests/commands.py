"""Runs of the real command: in this process for speed, or as a process of its own."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from typing import Any, NamedTuple
from unittest.mock import patch

from gradcalc.cli import run


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def in_process(*arguments: str, stdin: str = "") -> Outcome:
    """The command line run here, with streams of its own."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    given = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), patch.object(sys, "stdin", given):
        code = run(arguments)
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in (out, err)))


def as_process(*arguments: str, stdin: str = "") -> Outcome:
    """The command line run by an interpreter of its own."""
    words = [sys.executable, "-m", "gradcalc", *arguments]
    done = subprocess.run(words, input=stdin, capture_output=True, encoding="utf-8", check=False)
    return Outcome(done.returncode, done.stdout, done.stderr)


def json_lines(outcome: Outcome) -> list[Any]:
    """The JSON values of an outcome that must be a success, one a line."""
    import json

    assert outcome.code == 0, outcome.err
    return [json.loads(line) for line in outcome.out.splitlines()]


def json_value(outcome: Outcome) -> Any:
    """The one JSON value of an outcome that must be a success."""
    import json

    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)
