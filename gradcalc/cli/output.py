"""Writing: stdout and stderr as a process really finds them, and --output through a temporary file."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from gradcalc.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


#: Names below these stand for what is open already, if only a file: it must not be replaced.
_DEVICES = (("/", "dev"), ("/", "proc"))


class _ClosedOutput(io.TextIOBase):
    """Stands in for a standard output that was closed before we started: whoever writes to it fails."""

    encoding = "utf-8"
    errors = "strict"

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:  # noqa: ARG002  # TextIOBase's signature
        raise OSError(errno.EBADF, "standard output is closed")


def prepare() -> None:
    """Make stdout never fail on a character, never translate line ends, and never be missing."""
    if sys.stdout is None:
        sys.stdout = _ClosedOutput()
    elif isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace", newline="\n")


def flush() -> None:
    """Send what is still buffered; OSError where it cannot be written."""
    sys.stdout.flush()


def flush_quietly() -> None:
    """Send what is still buffered before an error is told; the error is told in any case."""
    try:
        sys.stdout.flush()
    except OSError:
        abandon()


def abandon() -> None:
    """Give up stdout, so that the interpreter's own last flush cannot fail."""
    try:
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
    except (OSError, ValueError):
        pass  # no file behind it: nothing will be flushed


def complain(text: str) -> None:
    """Write to stderr; where even that is closed there is nobody to tell."""
    try:
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()
    except OSError:
        pass


def warn(text: str) -> None:
    """One warning on stderr."""
    complain(f"gradcalc: warning: {text}\n")


@contextmanager
def opened(name: str | None) -> Iterator[TextIO]:
    """Where to write: stdout, or a file that is replaced only when all went well."""
    if name is None or name == "-":
        yield sys.stdout
        return
    if not name:
        raise UsageError("--output needs the name of a file")
    from pathlib import Path

    path = Path(name)
    if path.exists() and (not path.is_file() or path.parts[:2] in _DEVICES):
        yield from _straight(path)
    else:
        yield from _replaced(path.resolve())


def _straight(path: Path) -> Iterator[TextIO]:
    """A pipe or device: nothing to replace, so it is written as it comes."""
    from gradcalc.cli.replacing import writing

    with writing(path), path.open("w", encoding="utf-8", newline="\n") as stream:
        yield stream


def _replaced(path: Path) -> Iterator[TextIO]:
    """A temporary file beside `path` that takes its name at the end: a failed run leaves the old file."""
    from gradcalc.cli.replacing import temporary, writing

    with temporary(path) as name, writing(path):
        with name.open("x", encoding="utf-8", newline="\n") as stream:
            yield stream
        if path.exists():
            name.chmod(path.stat().st_mode & 0o7777)
        name.replace(path)
