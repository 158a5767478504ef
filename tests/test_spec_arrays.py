"""Arrays from files: what is read, what is refused before it can do harm, and which files a spec may name."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradcalc.errors import GradcalcError, SpecError
from gradcalc.spec.arrays import load_array, load_user_file

LIMIT = 1 << 26
PATH = ("layers", 0, "weights")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The spec's folder, which is not the current one; beside it lies a file that is none of a spec's business."""
    np.save(tmp_path / "outside.npy", np.eye(2))
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir("/")
    return home


def load(folder: Path, name: object, key: object = None, *, outside: bool = False, limit: int = LIMIT) -> Any:
    reference = {"file": name} if key is None else {"file": name, "key": key}
    return load_array(reference, folder, path=PATH, allow_outside=outside, memory_limit=limit)


def refusal(folder: Path, name: object, key: object = None, **options: Any) -> str:
    """What the error says, whose path leads to the file's name."""
    with pytest.raises(GradcalcError) as caught:
        load(folder, name, key, **options)
    about_key = any(words in str(caught.value) for words in ("has no array", "without a key"))
    assert caught.value.path == (*PATH, "key" if about_key else "file")
    return str(caught.value)


ARRAYS = {
    "float64": np.array([[1.5, -2.0, 1e300], [0.1, 5e-324, -0.0]]),
    "float32": np.array([0.1, 2.5], np.float32),
    "float16": np.array([[[0.5]]], np.float16),
    "big_endian": np.array([1.0, 2.0], ">f8"),
    "int8": np.array([-128, 127], np.int8),
    "uint64": np.array([2**63], np.uint64),
    "bool": np.array([True, False]),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "one_number": np.array(0.25),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_of_real_numbers_are_read_as_float64(name: str, folder: Path) -> None:
    array = ARRAYS[name]
    np.save(folder / "x.npy", array)
    np.savez(folder / "x.npz", a=array, b=array + 1)
    np.savez_compressed(folder / "y.npz", only=array)
    expected = array.astype(np.float64)
    for found in (load(folder, "x.npy"), load(folder, "x.npz", "a"), load(folder, "y.npz")):
        assert found.dtype == np.float64 and found.dtype.isnative and found.flags.writeable
        assert found.shape == expected.shape and found.tobytes("C") == expected.tobytes("C")


def test_text_files_hold_rows(folder: Path) -> None:
    for name in ("x.csv", "x.tsv", "x.TXT"):
        (folder / name).write_text("a b\n1 2\n")
        assert load(folder, name).tolist() == [[1, 2]]
    (folder / "x.csv").write_text("1\n1e999\n")
    assert "x.csv[1][0] is inf, not a finite number" in refusal(folder, "x.csv")
    (folder / "x.csv").write_text("")
    assert "file 'x.csv' is empty" in refusal(folder, "x.csv")


def test_a_large_array_is_read_whole(folder: Path) -> None:
    array = np.random.default_rng(0).normal(size=(700, 800))
    np.save(folder / "x.npy", array)
    np.savez_compressed(folder / "x.npz", array)
    assert (load(folder, "x.npy") == array).all() and (load(folder, "x.npz", "arr_0") == array).all()


def test_headers_by_other_programs_are_read(folder: Path) -> None:
    for header in (
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }",
        '{"shape":(2L,),"fortran_order":False,"descr":"<f8"}\n',
    ):
        for version, length in ((b"\1\0", "<H"), (b"\2\0", "<I")):
            head = b"\x93NUMPY" + version + struct.pack(length, len(header)) + header.encode()
            (folder / "x.npy").write_bytes(head + struct.pack("<2d", 1, 2))
            assert load(folder, "x.npy").tolist() == [1, 2]


class Bomb:
    """What no reader may wake."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("touch woken",)


def test_pickles_are_never_opened(folder: Path) -> None:
    np.save(folder / "x.npy", np.array([Bomb()], dtype=object), allow_pickle=True)
    np.savez(folder / "x.npz", a=np.array([Bomb()], dtype=object))
    (folder / "y.npy").write_bytes(pickle.dumps(Bomb()))
    assert "x.npy holds Python objects, not real numbers" in refusal(folder, "x.npy")
    assert "x.npz[a] holds Python objects, not real numbers" in refusal(folder, "x.npz")
    assert "y.npy is not a .npy file" in refusal(folder, "y.npy")
    assert not Path("woken").exists()


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array([1j]), "holds complex numbers, not real numbers"),
        (np.array(["a"]), "holds text, not real numbers"),
        (np.array([b"a"]), "holds text, not real numbers"),
        (np.array(["2024-01-01"], "M8"), "not hold a plain array"),
        (np.array([b"x"], "V1"), "holds data, not real numbers"),
        (np.zeros(2, [("a", "f8")]), "does not hold a plain array of numbers"),
        (np.zeros((0, 3)), "holds no numbers: its shape is (0, 3)"),
        (np.array([[1.0, np.nan]]), "x.npy[0][1] is nan, not a finite number"),
        (np.array([1.0, -np.inf]), "x.npy[1] is -inf, not a finite number"),
        (np.array(np.inf), "x.npy is inf, not a finite number"),
    ],
)
def test_what_is_no_array_of_finite_numbers_is_refused(array: Any, words: str, folder: Path) -> None:
    np.save(folder / "x.npy", array)
    assert words in refusal(folder, "x.npy")


def test_sums_that_overflow_are_no_fault(folder: Path) -> None:
    np.save(folder / "x.npy", np.array([1.7e308, 1.7e308]))
    assert load(folder, "x.npy").tolist() == [1.7e308, 1.7e308]


def npy(shape: str, descr: str = "<f8", data: bytes = b"") -> bytes:
    """A .npy file with any header."""
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header + data


LYING = {
    "huge": npy("(1000000, 1000000, 1000000)"),
    "huge axis": npy("(" + "9" * 300 + ",)"),
    "many axes": npy("(" + "1, " * 60 + ")", data=bytes(8)),
    "negative": npy("(-1, 8)"),
    "short": npy("(3,)", data=bytes(16)),
    "long": npy("(1,)", data=bytes(16)),
    "no such type": npy("(1,)", "<f7", bytes(7)),
    "code as type": npy("(1,)", "__import__", bytes(7)),
    "code as shape": npy("__import__('os').system('touch woken')"),
    "nested": npy("(" * 20_000),
    "minuses": npy("-" * 3000 + "1"),
    "header cut": npy("(1,)")[:30],
    "header past the end": b"\x93NUMPY\2\0" + b"\xff" * 4 + b"{",
    "text": b"1 2 3\n",
}


@pytest.mark.parametrize("name", LYING)
def test_headers_that_lie_are_refused(name: str, folder: Path) -> None:
    (folder / "x.npy").write_bytes(LYING[name])
    with zipfile.ZipFile(folder / "x.npz", "w") as archive:
        archive.writestr("a.npy", LYING[name])
    for file in ("x.npy", "x.npz"):
        assert len(refusal(folder, file)) < 300
    assert not Path("woken").exists()


def test_the_memory_limit_counts_what_is_kept(folder: Path) -> None:
    np.save(folder / "x.npy", np.zeros(1000))
    np.save(folder / "y.npy", np.zeros(1000, np.int8))
    assert load(folder, "x.npy", limit=8000).size == load(folder, "y.npy", limit=9000).size == 1000
    assert "holds 1000 numbers, which need 7.81 KiB: over the limit of 7.81 KiB" in refusal(folder, "x.npy", limit=7999)
    assert "holds 1000 numbers, which need 8.79 KiB" in refusal(folder, "y.npy", limit=8999)
    (folder / "x.csv").write_text("1\n" * 100)
    assert load(folder, "x.csv", limit=800).size == 100
    assert "has 200 bytes of text, too much for the limit of 799 bytes" in refusal(folder, "x.csv", limit=799)


def test_keys_of_archives(folder: Path) -> None:
    np.savez(folder / "w.npz", W1=np.eye(2), b1=np.ones(2))
    np.savez(folder / "many.npz", *[np.ones(1)] * 20)
    np.savez(folder / "none.npz")
    np.save(folder / "x.npy", np.ones(2))
    assert "w.npz needs a key that says which array is meant; it holds W1 and b1" in refusal(folder, "w.npz")
    assert "has no array 'w1'; did you mean W1? it holds W1 and b1" in refusal(folder, "w.npz", "w1")
    assert refusal(folder, "many.npz").endswith("arr_7, arr_8 and arr_9 ...")
    assert "it holds no arrays" in refusal(folder, "none.npz")
    assert "x.npy holds one array without a key" in refusal(folder, "x.npy", "W1")


def test_archives_that_harm_are_refused(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", npy("(12500000,)", data=bytes(100_000_000)))
    assert "which need 95.4 MiB: over the limit of 47.7 MiB" in refusal(folder, "bomb.npz", limit=50_000_000)
    with zipfile.ZipFile(folder / "lzma.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.npy", npy("(1,)", data=bytes(8)))
    assert "packed in a way NumPy does not" in refusal(folder, "lzma.npz")
    with zipfile.ZipFile(folder / "crowd.npz", "w") as archive:
        for number in range(20_000):
            archive.writestr(f"{number}.npy", b"")
    assert "holds too many arrays" in refusal(folder, "crowd.npz")
    with zipfile.ZipFile(folder / "names.npz", "w") as archive:
        archive.writestr("../\x1b[31m.npy", npy("(1,)", data=bytes(8)))
        archive.writestr("/etc/passwd.npy", npy("(1,)", data=bytes(8)))
    assert r"it holds ../\x1b[31m and /etc/passwd" in refusal(folder, "names.npz")
    whole = io.BytesIO()
    np.savez_compressed(whole, a=np.arange(1000.0))
    data = bytearray(whole.getvalue())
    data[len(data) // 2] ^= 255
    (folder / "damaged.npz").write_bytes(data)
    assert "damaged.npz is damaged" in refusal(folder, "damaged.npz")
    (folder / "cut.npz").write_bytes(whole.getvalue()[:-5])
    assert "cut.npz is not a .npz archive" in refusal(folder, "cut.npz")


NAMES_REFUSED = {
    "../outside.npy": "leads out of the spec's folder",
    "a/../../outside.npy": "leads out of the spec's folder",
    "a\\..\\..\\outside.npy": "leads out of the spec's folder",
    "/etc/hosts.csv": "is not named from the spec's folder",
    "C:\\x.npy": "is not named from the spec's folder",
    "\\\\server\\x.npy": "is not named from the spec's folder",
    "https://example.org/x.npy": "is an address, not a file",
    "file:x.npy": "is an address, not a file",
    "link.npy": "is a link that leads out of the spec's folder",
    "linked/outside.npy": "is a link that leads out of the spec's folder",
    "loop.npy": "is a link that leads to itself",
    "pipe.npy": "is a named pipe, not a file",
    "folder": "is a directory, not a file",
    "gone.npy": "there is no file 'gone.npy'; did you mean",
    "~/x.npy": "there is no file",
    "text.md": "is of no kind that is read; it must end in .npy, .npz, .csv, .tsv or .txt",
    "a\0.npy": "cannot be a file's name",
    "\ud800.npy": "cannot be a file's name",
    "x" * 300 + ".npy": "is too long",
    "": "a file's name is empty",
}


@pytest.fixture
def traps(folder: Path) -> Path:
    np.save(folder / "one.npy", np.ones(1))
    (folder / "folder").mkdir()
    (folder / "text.md").write_text("1")
    os.mkfifo(folder / "pipe.npy")
    (folder / "link.npy").symlink_to("../outside.npy")
    (folder / "linked").symlink_to("..")
    (folder / "loop.npy").symlink_to("loop.npy")
    (folder / "inner.npy").symlink_to("one.npy")
    return folder


@pytest.mark.parametrize("name", NAMES_REFUSED)
def test_files_a_spec_may_not_name(name: str, traps: Path) -> None:
    assert NAMES_REFUSED[name] in refusal(traps, name)


def test_files_a_spec_may_name(traps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(traps, "one.npy").tolist() == load(traps, "./one.npy").tolist() == [1.0]
    assert load(traps, "inner.npy").tolist() == [1.0], "a link that stays inside"
    monkeypatch.chdir(traps)
    assert load(Path(), "one.npy").tolist() == [1.0]


def test_allow_outside_lifts_the_fence_and_nothing_else(traps: Path) -> None:
    outside = str(traps.parent / "outside.npy")
    for name in ("../outside.npy", "link.npy", "linked/outside.npy", outside):
        assert load(traps, name, outside=True).tolist() == [[1, 0], [0, 1]]
    for name in ("https://example.org/x.npy", "pipe.npy", "folder", "loop.npy", "gone.npy", ""):
        assert NAMES_REFUSED[name] in refusal(traps, name, outside=True)


def test_files_the_user_names_may_be_anywhere(traps: Path) -> None:
    assert load_user_file(str(traps / "link.npy"), None, LIMIT).tolist() == [[1, 0], [0, 1]]
    for name in ("pipe.npy", "folder", "gone.npy"):
        with pytest.raises(GradcalcError) as caught:
            load_user_file(str(traps / name), None, LIMIT)
        assert caught.value.path is None
    np.save(traps / "x.npy", np.ones(1))
    with pytest.raises(GradcalcError, match="without a key") as caught:
        load_user_file(str(traps / "x.npy"), "W", LIMIT)
    assert caught.value.path is None
    with pytest.raises(GradcalcError, match="an address"):
        load_user_file("http://example.org/x.npy", None, LIMIT)


@pytest.mark.parametrize(
    ("reference", "path", "words"),
    [
        ({"file": "x.npz", "ky": "W"}, "ky", "did you mean key?"),
        ({"file": "x.npz", "shape": 3}, "shape", "it has file, and key for"),
        ({"file": 5}, "file", "file must be text, not 5"),
        ({"file": None}, "file", "file must be text"),
        ({"file": "x.npz", "key": 1}, "key", "key must be text, not 1"),
        ({"key": "W"}, None, "a key needs its file"),
    ],
)
def test_references_that_are_none(reference: dict[str, object], path: str | None, words: str, folder: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_array(reference, folder, path=PATH, allow_outside=False, memory_limit=LIMIT)
    assert words in str(caught.value)
    assert caught.value.path == (PATH if path is None else (*PATH, path))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(["x.npy", "x.npz", "x.csv"]),
    edits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=4),
    cut=st.none() | st.integers(0, 600),
)
def test_damaged_files_give_an_array_or_one_of_our_errors(
    kind: str, edits: list[tuple[int, int]], cut: int | None, folder: Path
) -> None:
    whole = io.BytesIO()
    if kind == "x.csv":
        np.savetxt(whole, np.eye(3), delimiter=",")
    else:
        (np.savez_compressed if kind == "x.npz" else np.save)(whole, np.eye(5))
    data = bytearray(whole.getvalue())
    for position, byte in edits:
        data[position % len(data)] = byte
    (folder / kind).write_bytes(data[:cut])
    try:
        assert np.isfinite(load(folder, kind)).all()
    except GradcalcError as error:
        assert str(error)


LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
from gradcalc.errors import GradcalcError
from gradcalc.spec.arrays import load_array
resource.setrlimit(resource.RLIMIT_AS, (1_500_000_000, 1_500_000_000))
for name in sys.argv[2:]:
    try:
        load_array({"file": name}, Path(sys.argv[1]), path=(), allow_outside=False, memory_limit=4 << 30)
    except GradcalcError:
        print("refused", name)
"""


def test_hostile_files_are_refused_in_little_memory(folder: Path) -> None:
    for name in ("a.npy", "b.csv", "c.npz", "d.npy"):
        with (folder / name).open("wb") as stream:
            stream.write(npy("(1000000000000,)") if name == "a.npy" else b"")
            stream.truncate(20 << 30 if name != "b.csv" else 900 << 20)  # files of holes: no disk is used
    names = ["a.npy", "b.csv", "c.npz", "d.npy"]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LITTLE_MEMORY, str(folder), *names],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert (done.stdout.splitlines(), done.stderr) == ([f"refused {name}" for name in names], "")
