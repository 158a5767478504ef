"""Files opened where that is safe: regular, never waited for, and in the folder of a spec that names them."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, BinaryIO

from gradcalc.errors import SpecError, listed, near, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable

#: How many names of a folder are looked at for near ones.
_NAMES_LOOKED_AT = 1000

_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BINARY = getattr(os, "O_BINARY", 0)

_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def open_regular(
    path: Path,
    shown: str,
    *,
    suffixes: Iterable[str] = (),
    pipe_hint: str = "",
    follow_link: bool = True,
) -> BinaryIO:
    """The file opened for reading; SpecError, at once, for anything but a regular file.

    A pipe or device could block or act when opened, so the kind is checked first, and again once it is open.
    For a directory the hint names files in it that end in one of `suffixes`; `pipe_hint` is that for a pipe.
    """
    try:
        _check_regular(path.stat().st_mode, path, shown, suffixes, pipe_hint)
        flags = os.O_RDONLY | _NO_WAIT | _BINARY | (0 if follow_link else _NO_LINK)
        stream = os.fdopen(os.open(path, flags), "rb")
    except (OSError, ValueError) as error:
        raise unreadable(error, path, shown) from None
    try:
        _check_regular(os.fstat(stream.fileno()).st_mode, path, shown, suffixes, pipe_hint)
    except SpecError:
        stream.close()
        raise
    return stream


def unreadable(error: Exception, path: Path, shown: str) -> SpecError:
    """The error for a file the system does not give us, with near names where there is none of that name."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SpecError(f"there is no file {quoted(shown)}", hint=_near_names(path))
    if isinstance(error, PermissionError):
        return SpecError(f"file {quoted(shown)} cannot be read: permission denied")
    if isinstance(error, ValueError):  # a NUL or a lone surrogate
        return SpecError(f"{quoted(shown)} cannot be a file's name")
    code = getattr(error, "errno", None)
    if code == errno.ELOOP:
        return SpecError(f"file {quoted(shown)} is a link that leads to itself")
    if code == errno.ENAMETOOLONG:
        return SpecError(f"file name {quoted(shown)} is too long")
    return SpecError(f"file {quoted(shown)} cannot be read: {os.strerror(code).lower() if code else error}")


def inside(folder: Path, name: str) -> Path:
    """The path of a file a spec names, all links followed; SpecError where it leaves the spec's folder."""
    check_not_url(name)
    hint = "give a path below the spec's folder, or allow others with --allow-outside"
    pure = (PurePosixPath(name), PureWindowsPath(name))
    if any(path.is_absolute() or path.drive or path.root for path in pure):
        raise SpecError(f"file {quoted(name)} is not named from the spec's folder", hint=hint)
    if any(".." in path.parts for path in pure):
        raise SpecError(f"file {quoted(name)} leads out of the spec's folder", hint=hint)
    try:
        home = folder.resolve()
        path = (home / name).resolve()
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: a loop of links, before Python 3.13
        raise unreadable(
            error if not isinstance(error, RuntimeError) else OSError(errno.ELOOP, ""), folder, name
        ) from None
    if not path.is_relative_to(home):
        raise SpecError(f"file {quoted(name)} is a link that leads out of the spec's folder", hint=hint)
    return path


def check_not_url(name: str) -> None:
    """Refuse an address: nothing is fetched."""
    if "://" in name or name.lower().startswith("file:"):
        raise SpecError(f"{quoted(name)} is an address, not a file", hint="download it and name the file")
    if not name:
        raise SpecError("a file's name is empty")


def _check_regular(mode: int, path: Path, shown: str, suffixes: Iterable[str], pipe_hint: str) -> None:
    if stat.S_ISREG(mode):
        return
    hint = pipe_hint if stat.S_ISFIFO(mode) else ""
    kind = next((name for test, name in _KINDS if test(mode)), "no regular file")
    if stat.S_ISDIR(mode):
        found = [name for name in _names(path) if name.lower().endswith(tuple(suffixes))][:3]
        hint = f"it holds {listed([quoted(name) for name in found])}" if found else "name a file in it"
    raise SpecError(f"{quoted(shown)} is {kind}, not a file", hint=hint)


def _near_names(path: Path) -> str:
    names = _names(path.parent)
    return near(path.name, names) if names else ""


def _names(folder: Path) -> list[str]:
    """Some names of a folder, sorted; none where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry, _ in zip(entries, range(_NAMES_LOOKED_AT), strict=False))
    except (OSError, ValueError):
        return []
