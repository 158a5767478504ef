"""Files that are replaced only when all went well: what is written first stands in a temporary file beside them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

from gradcalc.errors import OutputError, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The temporary files that stand now. A signal that ends the process removes them.
_unfinished: set[Path] = set()


@contextmanager
def temporary(path: Path) -> Iterator[Path]:
    """A name beside `path` to write to and then to rename; what still has that name at the end is removed."""
    name = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _signals_remove_files():
        _unfinished.add(name)
        try:
            yield name
        finally:
            name.unlink(missing_ok=True)
            _unfinished.discard(name)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """An error of the file itself, while it is opened, written or closed, becomes an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {quoted(str(path))}: {error.strerror or error}") from None


@contextmanager
def _signals_remove_files() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal leave from within their handler, with the exit code shells give them.

    An exception that a handler raises is lost where it strikes code whose errors Python ignores, such as the callback
    of a weak reference; the process would run on. Signals that whoever started us ignores stay ignored.
    """
    import signal

    numbers = [getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")]  # Windows has no SIGHUP
    heeded = [number for number in numbers if number is not None and signal.getsignal(number) is not signal.SIG_IGN]
    before = [(number, signal.signal(number, _leave)) for number in heeded]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _leave(number: int, _: object) -> NoReturn:
    try:
        for name in _unfinished:
            name.unlink(missing_ok=True)
    finally:
        os._exit(128 + number)
