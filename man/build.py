"""Builds the manual's pages and the README's outputs, or says what is stale: `python man/build.py [--check]`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from manual import build, pages
from readme import README, refreshed
from transcript import difference


def texts() -> Iterator[tuple[Path, str]]:
    """Every file that is built, and what it should hold."""
    for page in pages():
        yield page.built, build(page)
    yield README, refreshed(README.read_text("utf-8"))


def stale(path: Path, text: str) -> str:
    """In what a file differs from what it should hold, by more than a number's last digit; empty where it does not."""
    return difference(path.read_text("utf-8"), text) if path.exists() else "it was never built"


def check() -> int:
    """1 where something is stale."""
    found = [f"{path.name} is stale, {why}" for path, text in texts() if (why := stale(path, text))]
    print("\n".join(found) or "The manual is up to date.")
    return 1 if found else 0


def write() -> int:
    """Write what is stale, and leave the rest as it was."""
    for path, text in texts():
        if stale(path, text):
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(check() if sys.argv[1:] == ["--check"] else write())
