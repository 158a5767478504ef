"""The manual's pages: sources with lines `@name argument`, filled in from the declarations and by running examples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import transcript
from facts import FACTS, purpose
from gradcalc import __released__, __version__
from mdoc import literal

FOLDER = Path(__file__).parent
SOURCES = FOLDER / "sources"

#: Begins a line with a command to run and show, in the same shell as the page's others.
_RUN = "@run "


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
    shown = iter(transcript.run([line.removeprefix(_RUN) for line in lines if line.startswith(_RUN)]))
    built: list[str] = []
    for asked, group in groupby(lines, key=_asked):
        if asked == "run":  # commands in a row are one example
            built += literal(transcript.lines([next(shown) for _ in group]))
        else:
            built += [text for line in group for text in (_filled(page, asked, line) if asked else [line])]
    return "\n".join(built) + "\n"


def _asked(line: str) -> str:
    """The name in a line "@name argument"; empty for a line that stands for itself."""
    return line[1:].partition(" ")[0] if line.startswith("@") else ""


def _filled(page: Page, name: str, line: str) -> list[str]:
    """What a line "@name argument" stands for."""
    argument = line.partition(" ")[2]
    if name in OWN:
        return OWN[name](page, argument)
    if name in FACTS:
        return FACTS[name](argument)
    raise ValueError(f"{page.source.name}: there is no @{name}; there are {', '.join([*OWN, *FACTS])}")


def _head(page: Page, _: str) -> list[str]:
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


def _see_also(page: Page, _: str) -> list[str]:
    """All other pages."""
    *most, last = [f".Xr {other.name} {other.section}" for other in pages() if other != page]
    return [".Sh SEE ALSO", *(f"{line} ," for line in most), last]


#: What a page may ask for that depends on the page.
OWN: dict[str, Callable[[Page, str], list[str]]] = {"head": _head, "name": _name, "see-also": _see_also}
