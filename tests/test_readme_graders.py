"""The README's grader files do what they say: Gradescope's script for every kind of answer, the workflow's commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import gradcalc
from commands import in_process
from readme import README, files
from small_nets import MAZUR

FILES = files(README.read_text("utf-8"))
RIGHT = gradcalc.backprop(MAZUR)
ANSWERS = {name: RIGHT.quantity(name).tolist() for name in ("dW1", "db1", "dW2", "db2", "loss")}


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """Gradescope's folders, and a `gradcalc` as an installation would put it on the PATH."""
    for folder in ("bin", "source", "submission", "results"):
        (tmp_path / folder).mkdir()
    command = tmp_path / "bin" / "gradcalc"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gradcalc "$@"\n')
    command.chmod(0o755)
    (tmp_path / "run_autograder").write_text(FILES["autograder/run_autograder"])
    (tmp_path / "source" / "net.yaml").write_text(json.dumps(MAZUR))
    return tmp_path


@pytest.mark.parametrize(
    ("answers", "score"),
    [
        (json.dumps(ANSWERS), 10),
        (json.dumps({**ANSWERS, "dW1": [[0, 0], [0, 0]]}), 7.5),
        (json.dumps({"dW1": "abc", "loss": ANSWERS["loss"], "extra": 1}), 2.5),
        ("{", 0),
        (None, 0),
    ],
    ids=["right", "partly", "odd", "broken", "nothing"],
)
def test_the_autograder_gives_points_for_any_submission(container: Path, answers: str | None, score: float) -> None:
    if answers is not None:
        (container / "submission" / "answers.json").write_text(answers)
    environment = {**os.environ, "PATH": f"{container / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", str(container / "run_autograder")], env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    results: dict[str, Any] = json.loads((container / "results" / "results.json").read_text())
    assert results["score"] == score
    assert sum(test["max_score"] for test in results["tests"]) == 10


def test_the_workflow_grades_by_exit_codes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workflow = yaml.safe_load(FILES[".github/workflows/classroom.yml"])
    (job,) = workflow["jobs"].values()
    graders = [step for step in job["steps"] if "command-grader" in step.get("uses", "")]
    reporter = job["steps"][-1]
    assert reporter["with"]["runners"] == ",".join(step["id"] for step in graders)
    assert list(reporter["env"]) == [f"{step['id'].upper()}_RESULTS" for step in graders]
    monkeypatch.chdir(tmp_path)
    Path("net.yaml").write_text(json.dumps(MAZUR))
    for given, codes in ((ANSWERS, [0, 0]), ({**ANSWERS, "db1": [1, 2]}, [0, 1]), ({"dW2": ANSWERS["dW2"]}, [1, 1])):
        Path("answers.json").write_text(json.dumps(given))
        assert [in_process(*step["with"]["command"].split()[1:]).code for step in graders] == codes
