"""Answer files that are broken: each is told in a sentence, with its exit code, and the others are judged."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcalc
from commands import in_process
from small_nets import MAZUR, written

RIGHT = gradcalc.backprop(MAZUR)


@pytest.fixture
def net(tmp_path: Path) -> str:
    return written(tmp_path, MAZUR)


def item(found: Any, quantity: str) -> Any:
    return next(one for one in found["items"] if one["quantity"] == quantity)


#: What can be wrong with a file, what is said of it, and the exit code.
BROKEN: dict[str, tuple[str | bytes, str, int]] = {
    "empty.json": ("", "is empty", 2),
    "empty.yaml": ("# nothing\n", "does not hold named quantities", 2),
    "nothing.json": ("{}", "holds no quantities", 2),
    "list.json": ("[1, 2]", "does not hold named quantities", 2),
    "binary.json": (b"\x89PNG\0\0\xff\xfe", "is a binary file", 2),
    "latin.yaml": (b"loss: 1\n# caf\xe9\n", "is not UTF-8", 2),
    "comma.json": ('{"loss": 0.3,}', "comma.json:1:13", 2),
    "twice.yaml": ("loss: 1\nloss: 2\n", "given twice", 2),
    "deep.json": ('{"dW1":' + "[" * 1000 + "]" * 1000 + "}", "nested more than 64 deep", 2),
    "array.npy": (b"\x93NUMPY", "is not a .npz archive", 2),
    "bad.npz": (b"PK\3\4garbage", "is not a .npz archive", 2),
    "bad2.npz": (b"garbage", "is not a .npz archive", 2),
    "extra.json": ('{"dW9": 1, "loss": 0.2983711087600027}', "did you mean dW2", 2),
    "text.json": ('{"loss": "abc"}', "is the text 'abc', not a number", 2),
    "quoted.json": ('{"loss": "0.3"}', "take away the quotes", 2),
    "true.yaml": ("loss: true", "is true, not a number", 2),
    "null.yaml": ("loss:", "is empty", 2),
    "hole.yaml": ("db1: []", "is an empty list", 2),
    "ragged.json": ('{"dW1": [[1, 2], [3]]}', "[1] has 1 where the first row has 2", 2),
    "mixed.json": ('{"dW1": [[1, 2], 3]}', "is a single number among rows", 2),
    "mapping.json": ('{"dW1": [{"a": 1}]}', "is a mapping, not numbers", 2),
    "outside.json": ('{"hidden.dW[5][0]": 1}', "hidden.dW[5][0]: the index is outside its shape", 2),
    "number.json": ('{"db1": 1}', "a single number where shape (2,) belongs", 1),
    "nan.json": ('{"loss": NaN}', "is NaN", 1),
    "nan.yaml": ("db1: [.nan, .inf]", "is NaN, and 1 more is not finite", 1),
    "said.json": ('{"db1": ["NaN", 0]}', "[0] is NaN", 1),
    "comma.yaml": ("loss: 0,25", "with a point it is 0.25", 2),
    "fraction.yaml": ("loss: -1/8", "written out it is -0.125", 2),
    "pasted.yaml": ("dW1: array([[0.1, 0.2], [0.3, 0.4]])", "a list of numbers is written [0.1, 0.2]", 2),
    "table.csv": ("dW1,0.1\n", "answers are YAML, JSON or .npz", 2),
    "python.txt": ("dW1 = [[0.1, 0.2], [0.3, 0.4]]\n", "a colon, not =", 2),
    "folded.json": ('{"dW1": [[1, 2, 3], [4, 5, 6]], "db1": [1, 2]}', "shape (2, 3), but it should be (2, 2)", 1),
    "shape.json": ('{"dW1": [1, 2, 3]}', "shape (3,), but it should be (2, 2)", 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_told_and_the_others_are_judged(name: str, tmp_path: Path, net: str) -> None:
    content, said, code = BROKEN[name]
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    good = tmp_path / "good.json"
    good.write_text(json.dumps({"loss": RIGHT.loss}))
    for words in ((), ("--digits-given",)):
        outcome = in_process("check", net, str(path), str(good), "--format", "json", *words)
        assert (outcome.code, outcome.err) == (code, "")
        broken, right = json.loads(outcome.out)
        assert right["passed"] and right["file"] == str(good)
        told = " ".join(
            [broken.get("error", ""), *(f"{one['quantity']}: {one.get('problem')}" for one in broken["items"])]
        )
        assert not broken["passed"] and said in told
    alone = in_process("check", net, str(path))
    assert (alone.code, alone.err) == (code, "")
    shown = " ".join(alone.out.split())
    assert said in shown and alone.out.isascii() and not re.search(r"(\S+: )\1", shown)


def test_right_numbers_that_are_rounded_are_told_so(tmp_path: Path, net: str) -> None:
    """They are wrong, but nobody is sent to look for a mistake in them; a real one beside them is found."""
    names = ("dW1", "db1", "dW2", "loss")
    path = tmp_path / "answers.json"
    for decimals, words in ((2, "2 decimals"), (4, "4 decimals")):
        numbers = {name: np.round(RIGHT.quantity(name), decimals).tolist() for name in names}
        path.write_text(json.dumps(numbers))
        result = gradcalc.check(net, str(path))
        assert (result.exit_code, result.diagnosis, result.first_wrong) == (1, (), ())
        assert {one.problem for one in result.items} == {
            f"rounded to {words}, too few to be right (--digits-given takes them)"
        }
        assert gradcalc.check(net, str(path), digits_given=True).passed
        path.write_text(json.dumps({**numbers, "db2": (-RIGHT.quantity("db2")).tolist()}))
        assert [one.mistake for one in gradcalc.check(net, str(path)).diagnosis] == ["sign_flipped"]
    path.write_text('{"db1": [0.0, 0.1], "loss": 0.3}')  # too few digits to say so
    assert gradcalc.check(net, str(path)).first_wrong


def test_a_file_name_wider_than_the_terminal(tmp_path: Path, net: str) -> None:
    path = tmp_path / f"{'x' * 100}.json"
    path.write_text('{"loss": 1}')
    outcome = in_process("check", net, str(path), str(path))
    assert (outcome.code, outcome.err) == (1, "")
    assert "0 of 2 files passed" in outcome.out


@pytest.mark.parametrize("format_name", ["table", "plain", "csv", "markdown", "html", "latex"])
def test_control_characters_in_names_are_not_printed_raw(format_name: str, tmp_path: Path, net: str) -> None:
    path = tmp_path / "a\x1b[31m.json"
    path.write_text('{"lo\\u001b[31mss": 1, "loss": 0.2983711087600027}')
    outcome = in_process("check", net, str(path), str(path), "--format", format_name)
    assert outcome.code == 2 and "\x1b" not in outcome.out and "x1b" in outcome.out


def test_a_quantity_given_twice_is_told_by_the_names_it_was_given(tmp_path: Path, net: str) -> None:
    path = tmp_path / "twice.json"
    path.write_text('{"dW1": [[1, 2], [3, 4]], "hidden.dW": [[1, 2], [3, 5]], "db1": [1, 2]}')
    first = [line.split("  ")[0] for line in in_process("check", net, str(path)).out.splitlines()[2:5]]
    assert first == ["hidden.dW (dW1)", "hidden.dW", "hidden.db"]


def test_objects_are_never_unpickled(tmp_path: Path, net: str) -> None:
    np.savez(tmp_path / "p.npz", dW1=np.array([{}], dtype=object), loss=RIGHT.loss, b=np.array(["x"]))
    outcome = in_process("check", net, str(tmp_path / "p.npz"), "--format", "json")
    found = json.loads(outcome.out)
    assert outcome.code == 2 and item(found, "loss")["ok"]
    assert "holds Python objects" in item(found, "hidden.dW")["problem"]


def test_a_bomb_is_known_by_its_header(tmp_path: Path, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Millions of zeros in a small file: nothing of them is unpacked."""
    path = str(tmp_path / "bomb.npz")
    np.savez_compressed(path, dW1=np.zeros((2000, 1000)), db1=RIGHT.quantity("hidden.db"), loss=np.zeros((0, 10**9)))
    unpacked: list[int] = []
    monkeypatch.setattr("gradcalc.spec.npy._fill", lambda _, rest, __: unpacked.append(len(rest)))
    found = json.loads(in_process("check", net, path, "--format", "json").out)
    assert item(found, "hidden.dW")["problem"] == "shape (2000, 1000), but it should be (2, 2)"
    assert item(found, "hidden.db")["ok"] and found["compared"] == 2 and sum(unpacked) < 100
    assert "holds no numbers" in item(found, "loss")["problem"]


def test_arrays_that_are_too_many_together(tmp_path: Path, net: str) -> None:
    names = [*(f"db{i}" for i in range(10)), "dW1", "loss"]
    np.savez_compressed(tmp_path / "many.npz", **{name: np.zeros(90_000) for name in names})
    found = json.loads(in_process("check", net, str(tmp_path / "many.npz"), "--format", "json").out)
    assert "(90000,), but it should be (2, 2)" in item(found, "hidden.dW")["problem"]
    assert "as many as all quantities have" in item(found, "loss")["problem"]
    with (tmp_path / "large.npz").open("wb") as stream:
        stream.write(b"PK")
        stream.truncate(80_000_000)
    outcome = in_process("check", net, str(tmp_path / "large.npz"))
    assert outcome.code == 2 and "far more than all quantities need" in " ".join(outcome.out.split())


def test_files_that_are_none(tmp_path: Path, net: str) -> None:
    huge = tmp_path / "huge.json"
    with huge.open("wb") as stream:
        stream.truncate(100_000_000)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder").mkdir()
    names = [str(huge), str(tmp_path / "pipe.json"), str(tmp_path / "folder"), str(tmp_path / "gone.json"), ""]
    outcome = in_process("check", net, *names, "--format", "jsonl")
    found = [json.loads(line)["error"] for line in outcome.out.splitlines()]
    said = [
        "more than 64 MB",
        "is a named pipe",
        "is a directory",
        "there is no file",
        "is empty",
    ]
    assert outcome.code == 2
    assert all(part in error for part, error in zip(said, found, strict=True)), found
