"""The homework check in POSIX sh runs as it stands and tells right answers, wrong ones and no answers apart."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "cases" / "homework.sh"

#: A student's answers, the exit code of the check and what it says.
HOMEWORK = {
    "right": ("sigmoid 0.5 0.23500\ntanh -2 0.070651\nrelu -1e-3 0\n", 0, ["right", "right", "right"]),
    "wrong": ("sigmoid 0.5 0.6225\nrelu 2 1\n", 1, ["0.6225, but it is 0.2350", "right"]),
    "rounded otherwise": ("sigmoid -2 .10499\nsigmoid -2 1.05e-1\n", 0, ["right", "right"]),
    "no number": ("sigmoid 0.5 a-lot\n", 2, []),
    "no function": ("sigmund 0.5 1\n", 2, []),
}


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A folder whose `bin` holds `gradcalc` as an installation would put it on the PATH."""
    command = tmp_path / "bin" / "gradcalc"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gradcalc "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return tmp_path


@pytest.mark.parametrize("name", HOMEWORK)
def test_the_check_tells_right_from_wrong(shell: Path, name: str) -> None:
    answers, code, said = HOMEWORK[name]
    (shell / "answers.txt").write_text(answers)
    environment = {**os.environ, "PATH": f"{shell / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", str(SCRIPT)], cwd=shell, env=environment, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == code, done.stderr
    assert [line.split(": ", 1)[1] for line in done.stdout.splitlines()] == said
    assert bool(done.stderr) == (code == 2)
