"""The file of `backprop --save`: every quantity under its address, complete or not there at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcalc.cli.replacing import temporary, writing
from gradcalc.errors import UsageError, quoted

if TYPE_CHECKING:
    import numpy.typing as npt


def check_name(name: str) -> Path:
    """The file's path; UsageError where it is not named as what it will be."""
    path = Path(name)
    if path.suffix.lower() != ".npz":
        raise UsageError(f"--save writes NumPy's .npz, and {quoted(name)} is not named so", hint="name it FILE.npz")
    return path.resolve()


def check_apart(path: Path, output: str | None) -> None:
    """UsageError where --output names the same file, which can hold only one of both."""
    if output is not None and output != "-" and Path(output).resolve() == path:
        raise UsageError(f"--save and --output both name {quoted(output)}", hint="name two files")


@contextmanager
def saved(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> Iterator[None]:
    """Write to a temporary file beside `path`, which takes that name when all else went well. Errors: OutputError."""
    import numpy as np

    with temporary(path) as name:
        with writing(path), name.open("xb") as stream:
            np.savez(stream, **dict(arrays))  # type: ignore[arg-type]  # numpy's stubs take any name for allow_pickle
        try:
            yield
        except BrokenPipeError:  # whoever reads the answer has seen enough of it: no failure
            name.replace(path)
            raise
        with writing(path):
            name.replace(path)
