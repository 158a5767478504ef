"""Streams of inputs: read as they come, answered as they come, in flat memory, and wrong only where they are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from commands import in_process, json_lines
from gradcalc.evaluation import stream
from gradcalc.render import FORMATS

GRADCALC = [sys.executable, "-m", "gradcalc"]

#: The environment as users have it, where Python keeps output back.
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}


def inputs(text: str, *arguments: str, function: str = "identity") -> list[object]:
    """The inputs eval finds in a stream."""
    outcome = in_process("eval", function, "-", *arguments, "--format", "jsonl", stdin=text)
    return [point["input"] for point in json_lines(outcome)]


@pytest.mark.parametrize(
    "text",
    [
        "1 -2 3e0",
        "1\n-2\n3\n",
        "1,-2,3",
        "1, -2\n3,\n",
        " 1\t-2 \r\n\r\n3\r\n",
        "[1, -2]\n[3]",
        "[1 -2 3]\n",
        "\ufeff1 -2 3",
    ],
)
def test_numbers_stand_between_blanks_commas_and_lines(text: str) -> None:
    assert inputs(text) == [1, -2, 3]


def test_grids_arguments_and_files_follow_one_another(tmp_path: Path) -> None:
    (tmp_path / "numbers.txt").write_text("6 7\n")
    arguments = ["--linspace", "4", "5", "2", *["--input", str(tmp_path / "numbers.txt")] * 2]
    outcome = in_process("eval", "identity", "1", "-", "3", *arguments, "--only", "input", stdin="2\n2.5\n")
    assert outcome.out.split() == ["4", "5", "1", "2", "2.5", "3", "6", "7", "6", "7"]


def test_an_empty_stream_has_no_points() -> None:
    assert inputs("") == inputs(" \n\n") == []
    assert json.loads(in_process("eval", "relu", "-", "--format", "json").out)["points"] == []
    assert in_process("eval", "relu", "-", "--format", "csv").out == "input,value,derivative\n"
    assert in_process("eval", "relu", "-").out.splitlines()[-1].split() == ["input", "value", "derivative"]


@pytest.mark.parametrize("name", ["table", "markdown", "latex", "html"])
def test_a_stream_s_table_is_whole(name: str) -> None:
    """Its columns are wider, but otherwise it is the table that arguments get."""
    arguments = in_process("eval", "relu", "0", "1.5", "-2", "--format", name).out
    streamed = in_process("eval", "relu", "-", "--format", name, stdin="0\n1.5\n-2").out

    def words(text: str) -> list[str]:
        return re.sub("-{3,}", "---", text).replace("</", " </").split()

    assert words(streamed) == words(arguments)
    assert in_process("eval", "relu", "-", "--format", name).out.split()[0] == arguments.split()[0]


def test_objects_and_numbers_may_alternate() -> None:
    text = '1\n{"input": 2}\n{"input": [3, 4]}\n5 6\n'
    assert inputs(text) == [1, 2, [3, 4], 5, 6]
    for name in FORMATS:
        outcome = in_process("eval", "relu", "-", "--format", name, stdin=text)
        assert (outcome.code, outcome.err) == (0, ""), name


def test_what_a_line_says_of_itself_wins_over_the_options() -> None:
    text = '{"input": 3, "target": 1, "upstream": 10}\n{"input": 3}\n'
    outcome = in_process("eval", "square", "-", "-y", "2", "-u", "5", "--format", "jsonl", stdin=text)
    assert [(p["target"], p["upstream"], p["vjp"]) for p in json_lines(outcome)] == [(1, 10, 40), (2, 5, 10)]


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_a_point_has_is_dropped_silently(name: str) -> None:
    outcome = in_process(
        "eval", "sigmoid", "-", "--format", name, stdin='{"input": 0.25}\n{"input": 1, "upstream": 2}\n'
    )
    if name in ("json", "jsonl"):
        assert (outcome.code, outcome.out.count('"vjp"')) == (0, 1)
    else:
        assert outcome.code == 2 and "0.25" in outcome.out
        assert outcome.err.startswith("gradcalc: error: <stdin>:2: this point has upstream and vjp, which the first")
        assert "--format jsonl" in outcome.err
    fewer = in_process("eval", "relu", "-", "--format", name, stdin='{"input": 1, "upstream": 2}\n{"input": 0.25}\n3\n')
    assert (fewer.code, fewer.err) == (0, "") and "0.25" in fewer.out and "None" not in fewer.out


#: Streams that end early: the function and its options, the text, the inputs before, and what the error says.
BROKEN = {
    "not a number": (
        "relu",
        "1\n2 x 3\n4\n",
        [1, 2],
        "<stdin>:2:3: not a number: 'x'",
    ),
    "in brackets": (
        "relu",
        "[1, 2]\n[3, y]\n",
        [1, 2, 3],
        "<stdin>:2:5: not a number: 'y'",
    ),
    "underscores": ("relu", "1\n2 1_000\n", [1, 2], "<stdin>:2:3: not a number: '1_000'"),
    "foreign digits": ("relu", "1\n2 \u0663\n", [1, 2], "<stdin>:2:3: not a number: '\u0663'"),
    "two commas": (
        "relu",
        "1,2\n3,,4\n",
        [1, 2, 3],
        "<stdin>:2:3: number 2 is missing",
    ),
    "outside the domain": (
        "nll -y 1",
        "0.5\n0.25 1.5 0.5\n",
        [0.5, 0.25],
        "<stdin>:2:6: binary_cross_entropy: the prediction",
    ),
    "target outside": (
        "nll -y 1,2",
        "0.5\n0.25\n",
        [0.5],
        "<stdin>:2:1: binary_cross_entropy: the target",
    ),
    "no target left": (
        "square -y 1,2",
        "1 2\n3 4\n",
        [1, 2],
        "<stdin>:2:1: target: 2 values, but more inputs",
    ),
    "target left over": (
        "square -y 1,2",
        "1\n",
        [1],
        "target: 2 values, but 1 input",
    ),
    "broken object": (
        "relu",
        '1\n{"input": 2}\n{"input": \n',
        [1, 2],
        "<stdin>:3: not a JSON object",
    ),
    "object without input": (
        "relu",
        '1\n{"target": 2}\n',
        [1],
        "<stdin>:2: a point needs an input",
    ),
    "object outside the domain": (
        "nll",
        '{"input": 1, "target": 1}\n{"input": 2, "target": 1}',
        [1],
        "<stdin>:2: binary_",
    ),
    "vector line": (
        "softmax",
        "1 2\n3 z\n",
        [[1, 2]],
        "<stdin>:2:3: not a number: 'z'",
    ),
    "vector outside the domain": (
        "ce --target-class 0",
        "0.5 0.5\n2 0\n",
        [[0.5, 0.5]],
        "<stdin>:2: cross_entropy: the prediction",
    ),
    "vector of another length": (
        "mse -y 1,2",
        "1 2\n1 2 3\n",
        [[1, 2]],
        "<stdin>:2: the target has 2 numbers for an input of 3",
    ),
    "nothing before": (
        "relu",
        "x\n",
        [],
        "<stdin>:1:1: not a number: 'x'",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_bad_element_ends_the_stream_after_the_points_before_it(name: str) -> None:
    question, text, before, said = BROKEN[name]
    outcome = in_process("eval", *question.split(), "-", "--format", "jsonl", stdin=text)
    assert outcome.code == 2 and outcome.err.startswith(f"gradcalc: error: {said}")
    assert [json.loads(line)["input"] for line in outcome.out.splitlines()] == before


def test_a_broken_stream_leaves_whole_json_and_the_old_file(tmp_path: Path) -> None:
    outcome = in_process("eval", "relu", "-", "--format", "json", stdin="1\nx\n")
    assert outcome.code == 2 and [p["input"] for p in json.loads(outcome.out)["points"]] == [1]
    old = tmp_path / "answers.csv"
    old.write_text("old")
    assert in_process("eval", "relu", "-", "--output", str(old), stdin="1\nx\n").code == 2
    assert (old.read_text(), [*tmp_path.iterdir()]) == ("old", [old])
    assert in_process("eval", "relu", "-", "--output", str(old), "--format", "csv", stdin="1\n").code == 0
    assert (old.read_text(), [*tmp_path.iterdir()]) == ("input,value,derivative\n1,1,1\n", [old])


def test_output_follows_a_link_and_keeps_permissions(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch(mode=0o640)
    link.symlink_to(target)
    assert in_process("eval", "relu", "1", "--format", "plain", "--output", str(link)).code == 0
    assert link.is_symlink() and target.read_text() == "1 1 1\n" and target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_marks_are_understood(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "numbers").write_bytes("1\r\n-2\r\n".encode(encoding))
    assert in_process("eval", "relu", "--input", str(tmp_path / "numbers"), "--only", "input").out == "1\n-2\n"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "numbers").write_bytes(b"1\n\xff\xfe\x00")
    outcome = in_process("eval", "relu", "--input", str(tmp_path / "numbers"))
    assert outcome.code == 2 and outcome.err.endswith("is not text in UTF-8\n")
    np.save(tmp_path / "array.npy", [0.5, -2.0])
    outcome = in_process("eval", "relu", "--input", str(tmp_path / "array.npy"))
    assert outcome.code == 2 and "is not text in UTF-8; numpy.savetxt writes an array as text" in outcome.err


class Chunks:
    """A stream that gives its bytes in the pieces in which they arrived."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.chunks = chunks

    def read1(self, size: int) -> bytes:
        return next(self.chunks, b"")


@pytest.mark.parametrize("text", ["1 22 333\n4444,\n[5]\n", "12 , 34,56 ,78", "1\n" * 5])
def test_it_does_not_matter_how_a_stream_arrives(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = inputs(text)
    for piece_size in (1, 4, 1 << 16):
        monkeypatch.setattr(stream, "PIECE", piece_size)
        for cut in (1, 2, 3, 7):
            chunks = Chunks(text[i : i + cut].encode() for i in range(0, len(text), cut))
            found = stream.pieces(chunks, "test", split_lines=True, pause=lambda: None)  # type: ignore[arg-type]  # all it uses
            assert [x for run in stream.points(found) for x in run.values] == expected


def test_one_endless_line_is_answered_before_it_ends() -> None:
    chunks = Chunks(b"0.5, 2 " * 20_000 for _ in iter(int, 1))
    found = stream.points(stream.pieces(chunks, "test", split_lines=True, pause=lambda: None))  # type: ignore[arg-type]  # all it uses
    for _ in range(5):
        assert set(next(found).values) == {0.5, 2}


def test_answers_come_as_the_lines_arrive() -> None:
    command = [*GRADCALC, "eval", "relu", "-", "--format", "plain"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=BUFFERED) as process:
        assert process.stdin and process.stdout
        for number in (b"1", b"-2", b"3"):
            process.stdin.write(number + b"\n")
            process.stdin.flush()
            assert process.stdout.readline().split()[0] == number
        process.stdin.close()
        assert process.wait() == 0


@pytest.mark.parametrize(
    ("numbers", "name"),
    [("yes 0.5, | tr -d '\\n'", "csv"), *(("yes 0.5", name) for name in FORMATS if name != "json")],
)
def test_memory_stays_flat_and_an_endless_stream_can_be_left(numbers: str, name: str) -> None:
    """A hundred thousand points of an endless stream within an address space that could not hold them all."""
    command = f"'{sys.executable}' -m gradcalc eval relu - --format {name}"
    script = f"ulimit -v 400000; {numbers} | {command} | tail -n +100000 | head -n 1"
    done = subprocess.run(["sh", "-c", script], capture_output=True, encoding="utf-8", check=False)
    numbers_of_a_row = [float(text) for text in re.findall(r"[\d.]+", done.stdout)]
    assert (numbers_of_a_row, done.stderr) == ([0.5, 0.5, 1.0], "")
