"""`check` for graders: TAP, JUnit and Gradescope are read by readers that are not ours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
import yaml

import gradcalc
from commands import in_process
from gradcalc.render import GRADERS
from small_nets import MAZUR, written

RIGHT = gradcalc.backprop(MAZUR)
DW2, DB2 = (RIGHT.quantity(name).tolist() for name in ("dW2", "db2"))

#: File by file what was handed in, and how its tests end.
FILES: dict[str, tuple[str, list[str]]] = {
    "right.json": (json.dumps({"dW2": DW2, "db2": DB2}), ["passed", "passed"]),
    "partly.json": (json.dumps({"dW2": DW2, "db2": [-x for x in DB2]}), ["passed", "failed"]),
    "odd.json": (
        json.dumps({"dW2": DW2, "no # \\ <&\"'\u001b[31m\ufffe": 1, "z1": "abc"}),
        ["passed", "error", "error"],
    ),
    "broken.yaml": ("dW2: [0.1,\n", ["error"]),
}


class Case(NamedTuple):
    """A test as an outside reader has it."""

    name: str
    outcome: str
    about: dict[str, Any]


@pytest.fixture
def hw(tmp_path: Path) -> Path:
    written(tmp_path, MAZUR)
    for name, (text, _) in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def graded(folder: Path, format_name: str, *names: str, words: tuple[str, ...] = ()) -> tuple[int, str]:
    files = [str(folder / name) for name in names]
    outcome = in_process("check", str(folder / "net.json"), *files, "--format", format_name, *words)
    return outcome.code, outcome.out


def tap_cases(lines: list[str]) -> list[Case]:
    """A reader of TAP 14: the plan first, then each test with the YAML block or subtest that belongs to it."""
    plan = re.fullmatch(r"1\.\.(\d+)", lines[0])
    assert plan
    found: list[Case] = []
    block: list[str] | None = None
    for line in lines[1:]:
        test = re.fullmatch(r"(not )?ok (\d+) - ((?:[^#\\]|\\[#\\])*)", line)
        if block is not None and line != "  ...":
            assert line.startswith("  ")
            block.append(line[2:])
        elif line == "  ---":
            block = []
        elif block is not None:
            about = yaml.safe_load("\n".join(block))
            outcome = {"error": "error", "fail": "failed"}.get(about.get("severity"), found[-1].outcome)
            found[-1], block = found[-1]._replace(about=about, outcome=outcome), None
        elif test:
            assert int(test[2]) == len(found) + 1
            name = re.sub(r"\\([#\\])", r"\1", test[3])
            found.append(Case(name, "failed" if test[1] else "passed", {}))
        else:
            assert line.startswith(("#", "    ")), line
    assert len(found) == int(plan[1])
    return found


def tap_suites(text: str) -> list[tuple[str, list[Case]]]:
    first, *lines = text.splitlines()
    assert first == "TAP version 14"
    if not any(line.startswith("# Subtest: ") for line in lines):
        return [("", tap_cases(lines))]
    parts = re.split(r"(?m)^# Subtest: .*\n", text)[1:]
    inner = [[line[4:] for line in part.splitlines() if line.startswith("    ")] for part in parts]
    outer = tap_cases(lines)
    for case, cases in zip(outer, map(tap_cases, inner), strict=True):
        assert (case.outcome == "passed") == all(one.outcome == "passed" for one in cases)
    return [(case.name, tap_cases(own)) for case, own in zip(outer, inner, strict=True)]


def junit_suites(text: str) -> list[tuple[str, list[Case]]]:
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites"
    found = []
    for suite in root:
        assert suite.tag == "testsuite"
        cases = [junit_case(case) for case in suite.findall("testcase")]
        counts = {"tests": len(cases)}
        counts |= {f"{word}s": sum(f"{word}" in case.about for case in cases) for word in ("failure", "error")}
        assert {key: int(suite.attrib[key]) for key in counts} == counts
        found.append((suite.attrib["name"], cases))
    assert int(root.attrib["tests"]) == sum(len(cases) for _, cases in found)
    return found


def junit_case(case: ElementTree.Element) -> Case:
    assert {"name", "classname", "time"} == set(case.attrib)
    about = {child.tag: dict(child.attrib) for child in case}
    assert set(about) <= {"failure", "error", "system-out"}
    return Case(
        case.attrib["name"], {"failure": "failed", "error": "error"}.get(next(iter(about), ""), "passed"), about
    )


@pytest.mark.parametrize(("format_name", "read"), [("tap", tap_suites), ("junit", junit_suites)])
def test_a_reader_finds_a_suite_a_file_and_a_test_a_quantity(hw: Path, format_name: str, read: Any) -> None:
    code, text = graded(hw, format_name, *FILES)
    assert code == 2
    suites = read(text)
    assert [name.rpartition("/")[2] for name, _ in suites] == list(FILES)
    assert [[case.outcome for case in cases] for _, cases in suites] == [outcomes for _, outcomes in FILES.values()]
    assert "\x1b" not in text
    for name, (_, outcomes) in FILES.items():
        code, text = graded(hw, format_name, name)
        assert [case.outcome for case in read(text)[0][1]] == outcomes
        assert code == (2 if "error" in outcomes else 1 if "failed" in outcomes else 0)


def test_tap_says_what_is_wrong_in_yaml(hw: Path) -> None:
    _, text = graded(hw, "tap", "partly.json", words=("--digits", "4"))
    about = tap_suites(text)[0][1][1].about
    assert about["severity"] == "fail"
    assert about["mistakes"] == ["sign_flipped"]
    assert about["expected"] == pytest.approx(DB2[about["index"][0]], rel=1e-3) == -about["got"]
    assert "2 of 2 numbers differ" in about["message"]


def test_junit_names_the_mistake(hw: Path) -> None:
    _, text = graded(hw, "junit", "partly.json")
    assert junit_suites(text)[0][1][1].about["failure"]["type"] == "sign_flipped"
    assert "sign_flipped: " in str(ElementTree.fromstring(text).findtext("testsuite/system-out"))


def results(folder: Path, *names: str, words: tuple[str, ...] = ()) -> Any:
    """results.json by the rules that Gradescope publishes."""
    _, text = graded(folder, "gradescope", *names, words=words)
    found = json.loads(text, parse_constant=pytest.fail)
    assert set(found) == {"score", "output", "tests"}
    for test in found["tests"]:
        assert set(test) == {"name", "score", "max_score", "status", "output"}
        assert 0 <= test["score"] <= test["max_score"]
        assert test["status"] == ("passed" if test["score"] == test["max_score"] > 0 else "failed")
        assert test["output"]
        assert isinstance(test["name"], str)
    assert found["score"] == pytest.approx(sum(test["score"] for test in found["tests"]), abs=1e-4)
    return found


@pytest.mark.parametrize(
    ("name", "words", "score"),
    [
        ("right.json", (), 100),
        ("right.json", ("--points", "10"), 10),
        ("right.json", ("--points", "10", "--only", "dW2,db2,dW1"), 10 * 2 / 3),
        ("partly.json", ("--points", "10"), 5),
        ("odd.json", ("--points", "10"), 10 / 3),
        ("odd.json", ("--points", "10", "--only", "dW2"), 10),  # what is not asked for costs nothing
        ("odd.json", ("--points", "10", "--only", "dW2,z1"), 5),
        ("broken.yaml", ("--points", "10"), 0),
    ],
)
def test_points_are_shared_among_the_quantities(hw: Path, name: str, words: tuple[str, ...], score: float) -> None:
    found = results(hw, name, words=words)
    assert found["score"] == pytest.approx(score, abs=1e-6)
    assert sum(test["max_score"] for test in found["tests"]) == pytest.approx(10 if words else 100, abs=1e-5)


def test_points_are_shared_among_the_files(hw: Path) -> None:
    found = results(hw, *FILES, words=("--points", "12"))
    assert found["score"] == pytest.approx(3 * (1 + 1 / 2 + 1 / 3 + 0), abs=1e-5)
    assert sum(test["max_score"] for test in found["tests"]) == pytest.approx(12, abs=1e-4)


def test_students_are_told_the_mistake_but_not_the_right_number(hw: Path) -> None:
    assert "sign_flipped" in results(hw, "partly.json")["output"]
    (hw / "wild.json").write_text(json.dumps({"db2": [7, 8], "loss": 9}))
    told = json.dumps(results(hw, "wild.json"))
    assert [x for x in (*DB2, RIGHT.loss) if f"{abs(x):.4g}" in told] == []
    assert "[1]: 8 is not right" in told


def test_points_without_only_are_warned_about(hw: Path) -> None:
    words = ("check", str(hw / "net.json"), str(hw / "right.json"), "--format", "gradescope")
    assert "--only" in in_process(*words).err
    assert in_process(*words, "--only", "dW2,db2").err == ""


@pytest.mark.parametrize("format_name", ["table", "tap"])
def test_points_belong_to_gradescope(hw: Path, format_name: str) -> None:
    words = ("check", str(hw / "net.json"), str(hw / "right.json"), "--format", format_name, "--points", "3")
    assert in_process(*words).code == 2


@pytest.mark.parametrize("format_name", GRADERS)
def test_only_check_writes_for_graders(hw: Path, format_name: str) -> None:
    outcome = in_process("backprop", str(hw / "net.json"), "--format", format_name)
    assert outcome.code == 2
    assert "--format cannot be" in outcome.err
    assert in_process("check", str(hw / "net.json"), str(hw / "right.json"), "--format", format_name).code == 0
