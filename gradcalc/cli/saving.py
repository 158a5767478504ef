"""The file of `backprop --save`: every quantity under its address, complete or not there at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcalc.errors import OutputError, UsageError, quoted

if TYPE_CHECKING:
    import numpy.typing as npt


def check_name(name: str) -> Path:
    """The file's path; UsageError where it is not named as what it will be."""
    path = Path(name)
    if path.suffix.lower() != ".npz":
        raise UsageError(f"--save writes NumPy's .npz, and {quoted(name)} is not named so", hint="name it FILE.npz")
    return path.resolve()


def save(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Write to a temporary file beside `path` and rename it. Errors: OutputError."""
    import numpy as np

    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("xb") as stream:
            np.savez(stream, **dict(arrays))  # type: ignore[arg-type]  # numpy's stubs take any name for allow_pickle
        temporary.replace(path)
    except OSError as error:
        raise OutputError(f"cannot write {quoted(str(path))}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
