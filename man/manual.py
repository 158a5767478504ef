"""The manual's pages: sources with lines `@name argument`, filled in from the declarations and by running examples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import NamedTuple

import transcript
from facts import FACTS, purpose
from gradcalc import __released__, __version__
from mdoc import literal

FOLDER = Path(__file__).parent
SOURCES = FOLDER / "sources"


class Page(NamedTuple):
    """A page by its name and section."""

    name: str
    section: str

    @property
    def source(self) -> Path:
        """Where it is written by hand."""
        return SOURCES / f"{self.name}.{self.section}"

    @property
    def built(self) -> Path:
        """Where it is found by man."""
        return FOLDER / f"man{self.section}" / f"{self.name}.{self.section}"


def pages() -> list[Page]:
    """Every page that has a source, by section and name."""
    found = [Page(path.stem, path.suffix[1:]) for path in SOURCES.iterdir()]
    return sorted(found, key=lambda page: (page.section, page.name))


def build(page: Page) -> str:
    """The page's text."""
    lines = page.source.read_text("utf-8").splitlines()
    examples = iter(transcript.run([line.removeprefix("@run ") for line in lines if line.startswith("@run ")]))
    own: dict[str, Callable[[str], list[str]]] = {
        "head": lambda _: _head(page),
        "name": lambda text: _name(page, text),
        "run": lambda _: literal(next(examples).lines()),
        "see-also": lambda text: _see_also(page, text),
        **FACTS,
    }
    built: list[str] = []
    for number, line in enumerate(lines, 1):
        name, _, argument = line[1:].partition(" ")
        if not line.startswith("@"):
            built.append(line)
        elif name in own:
            built += own[name](argument)
        else:
            raise ValueError(f"{page.source}:{number}: there is no @{name}; there are {', '.join(own)}")
    return "\n".join(built) + "\n"


def _head(page: Page) -> list[str]:
    day = date.fromisoformat(__released__)
    return [
        '.\\" Built by man/build.py: edit its source and build again.',
        f".Dd {day:%B} {day.day}, {day.year}",
        f".Dt {page.name.upper()} {page.section}",
        f".Os gradcalc {__version__}",
    ]


def _name(page: Page, text: str) -> list[str]:
    """The NAME section: a command's purpose is its help's first sentence."""
    return [".Sh NAME", f".Nm {page.name}", f".Nd {text or purpose(page.name.removeprefix('gradcalc-'))}"]


def _see_also(page: Page, others: str) -> list[str]:
    """All other pages, then those of other programs, given as name(section)."""
    rows = [(other.section, other.name) for other in pages() if other != page]
    rows += [(word[:-1].partition("(")[2], word.partition("(")[0]) for word in others.split()]
    lines = [f".Xr {name} {section} ," for section, name in sorted(rows)]
    return [".Sh SEE ALSO", *lines[:-1], lines[-1].removesuffix(" ,")]
