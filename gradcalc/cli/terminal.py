"""The terminal's width."""

from __future__ import annotations


def width() -> int:
    """As COLUMNS says, or the terminal itself; 80 where there is none."""
    import shutil

    return shutil.get_terminal_size((80, 24)).columns
