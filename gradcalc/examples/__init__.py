"""The bundled specs: each a file beside this one, named as it is asked for, with its title in its first line."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from gradcalc.errors import UsageError, near, quoted, simplified

_FOLDER = Path(__file__).parent

#: JSON has no comments to hold a title.
_JSON_TITLES = {"and-gate": "A spec in JSON: one sigmoid unit learns the AND of two inputs"}


class Example(NamedTuple):
    """One bundled spec: its name, what it is in a line, and its text."""

    name: str
    title: str
    text: str


@cache
def examples() -> tuple[Example, ...]:
    """All bundled specs by name."""
    files = sorted(path for path in _FOLDER.iterdir() if path.suffix in (".yaml", ".json"))
    return tuple(_read(path) for path in files)


def find_example(name: str) -> Example:
    """The example of that name; UsageError with near names."""
    wanted = simplified(Path(name).stem if name.endswith((".yaml", ".json")) else name)
    known = examples()
    for example in known:
        if simplified(example.name) == wanted:
            return example
    hint = near(name, [example.name for example in known]) or "'gradcalc example' lists them"
    raise UsageError(f"there is no example {quoted(name)}", hint=hint)


def _read(path: Path) -> Example:
    text = path.read_text(encoding="utf-8")
    first = text.partition("\n")[0].removeprefix("# ")
    return Example(path.stem, _JSON_TITLES.get(path.stem, first), text)
