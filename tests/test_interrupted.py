"""Signals while a file is written: the run ends with its exit code, and the old file stands there alone."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

GRADCALC = [sys.executable, "-m", "gradcalc"]

ends = pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)


#: A net whose answer is more than any pipe holds.
WIDE = {
    "input": [1.0] * 300,
    "layers": [{"weights": {"init": "zeros"}, "units": 300}],
    "loss": "square",
    "target": [0.0] * 300,
}


@ends
def test_an_interrupted_run_leaves_the_old_file(tmp_path: Path, number: int, code: int) -> None:
    old = tmp_path / "answers"
    old.write_text("old")
    command = [*GRADCALC, "eval", "relu", "-", "--output", str(old)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(b"1\n")
        process.stdin.flush()
        while len([*tmp_path.iterdir()]) < 2:  # until the temporary file is there
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(timeout=20) == code
    assert (old.read_text(), [*tmp_path.iterdir()]) == ("old", [old])


@ends
def test_an_interrupted_run_saves_nothing(tmp_path: Path, number: int, code: int) -> None:
    spec, old = tmp_path / "wide.json", tmp_path / "old.npz"
    spec.write_text(json.dumps(WIDE))
    old.write_text("old")
    command = [*GRADCALC, "backprop", str(spec), "--format", "json", "--save", str(old)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.read(1) == b"{"  # the rest waits for a reader: all is saved, under a temporary name
        assert len([*tmp_path.iterdir()]) == 3
        process.send_signal(number)
        assert process.wait(timeout=20) == code
    assert (old.read_text(), {*tmp_path.iterdir()}) == ("old", {spec, old})


def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    command = [*GRADCALC, "eval", "relu", "-", "--format", "plain", "--output", str(tmp_path / "answers")]
    ignoring = "import os, signal, sys; signal.signal(2, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
    with subprocess.Popen([sys.executable, "-c", ignoring, *command], stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(b"1\n")
        process.stdin.flush()
        while not [*tmp_path.iterdir()]:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert process.wait(timeout=20) == 0
    assert (tmp_path / "answers").read_text() == "1 1 1\n"
