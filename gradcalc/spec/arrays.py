"""Arrays from files: those a spec names stay under its folder, those the user names may be anywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gradcalc import errors
from gradcalc.errors import GradcalcError, InputError, SpecError, listed, near, printable, quoted
from gradcalc.spec.files import check_not_url, inside, open_regular
from gradcalc.spec.limits import size_text
from gradcalc.spec.npy import read_npy, read_npz
from gradcalc.spec.number_rows import read_rows

Array = np.ndarray[Any, np.dtype[np.float64]]

_ROWS = (".csv", ".tsv", ".txt")
_SUFFIXES = (".npy", ".npz", *_ROWS)


def load_array(
    reference: dict[str, object], folder: Path, *, path: errors.Path, allow_outside: bool, memory_limit: int
) -> Array:
    """The array that `{file: w.npz, key: W1}` names, as finite float64. Errors carry the spec's `path`.

    The file is a regular one under `folder` (no "..", no absolute path, no link that leads out) unless
    `allow_outside`. Text files give (rows, columns); .npy and .npz the shape they have.
    """
    name, key = _checked(reference, path)
    try:
        if allow_outside:
            check_not_url(name)
            return _load(folder / name, name, key, memory_limit)
        return _load(inside(folder, name), name, key, memory_limit, follow_link=False)
    except GradcalcError as error:
        error.path = (*path, *(error.path or ("file",)))
        raise


def load_user_file(name: str, key: str | None, memory_limit: int) -> Array:
    """The array of a file that the user's own option names: anywhere, but as safely read."""
    try:
        check_not_url(name)
        return _load(Path(name), name, key, memory_limit)
    except GradcalcError as error:
        error.path = None  # no place in a spec
        raise


def _checked(reference: dict[str, object], path: errors.Path) -> tuple[str, str | None]:
    """File name and key of a reference; SpecError where it is not one."""
    for word in reference:
        if word not in ("file", "key"):
            hint = near(word, ("file", "key")) or "it has file, and key for an array of a .npz file"
            raise SpecError(f"a file is not described by {quoted(word)}", hint=hint, path=(*path, word), at_key=True)
    for word in ("file", "key"):
        if word in reference and not isinstance(reference[word], str):
            raise SpecError(f"{word} must be text, not {quoted(reference[word])}", hint="quote it", path=(*path, word))
    if "file" not in reference:
        raise SpecError("a key needs its file", hint="write {file: w.npz, key: W1}", path=path)
    key = reference.get("key")
    return str(reference["file"]), None if key is None else str(key)


def _load(path: Path, name: str, key: str | None, memory_limit: int, *, follow_link: bool = True) -> Array:
    """The file's array; an error's path leads from the reference to what is wrong in it."""
    suffix = path.suffix.lower()
    shown = printable(name)
    with open_regular(path, name, suffixes=_SUFFIXES, follow_link=follow_link) as stream:
        if suffix not in _SUFFIXES:
            hint = f"it must end in {listed(_SUFFIXES, 'or')}"
            raise InputError(f"file {quoted(name)} is of no kind that is read", hint=hint)
        if key is not None and suffix != ".npz":
            hint = "only .npz files have keys: leave the key out"
            raise InputError(f"{shown} holds one array without a key", hint=hint, path=("key",))
        return _finite(_read(stream, suffix, key, shown, memory_limit), shown)


def _read(stream: BinaryIO, suffix: str, key: str | None, shown: str, memory_limit: int) -> Array:
    size = os.fstat(stream.fileno()).st_size
    if size == 0:
        raise InputError(f"file {quoted(shown)} is empty")
    if suffix == ".npy":
        return read_npy(stream, size, shown, memory_limit)
    if suffix == ".npz":
        return read_npz(stream, key, shown, memory_limit)
    if 4 * size > memory_limit:  # two characters of text can be a number of eight bytes
        raise InputError(
            f"{shown} has {size_text(size)} of text, too much for the limit of {size_text(memory_limit)}",
            hint="--memory-limit raises it; numpy.save makes a smaller file",
        )
    return read_rows(stream, shown)


def _finite(array: Array, shown: str) -> Array:
    """The array itself; InputError where it is empty or holds NaN or an infinity."""
    if array.size == 0:
        raise InputError(f"{shown} holds no numbers: its shape is {array.shape}")
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum()) or np.isfinite(array).all():  # a finite sum needs no second pass
            return array
    index = np.unravel_index(int(np.argmin(np.isfinite(array))), array.shape)
    where = "".join(f"[{int(i)}]" for i in index)
    raise InputError(f"{shown}{where} is {array[index]:g}, not a finite number")
