"""The habits of the house: a file says its subject, can be overseen, and leaves nothing for later."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(path for folder in ("gradcalc", "man", "tests") for path in (ROOT / folder).rglob("*.py"))
LONGEST_FILE = 400
LONGEST_FUNCTION = 60

#: Words for what is not there yet. The brackets keep this file from naming itself.
LEFT_FOR_LATER = re.compile(r"\bTO[D]O\b|\bFIX[M]E\b|\bX[X]X\b|NotImplemented[E]rror")

#: Marks that silence a tool; each needs its reason in a second comment on the line.
SILENCED = re.compile(
    r"#\s*(type:\s*ignore\[[^\]]+\]|noqa:\s*\w+(,\s*\w+)*)(?P<reason>\s+#\s+\S+)?|#\s*(type:\s*ignore|noqa)"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_keeps_the_habits(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    first, *rest = (ast.get_docstring(tree) or "").splitlines() or [""]
    assert first.endswith((".", ":")), "its first line is not a sentence on its subject"
    assert not rest or rest[0] == "", "its first sentence runs over the line"
    assert len(text.splitlines()) <= LONGEST_FILE
    assert too_long(tree) == {}, "functions that cannot be overseen"
    assert left_for_later(text) == [], "left for later, or silenced without a reason"


def too_long(tree: ast.Module) -> dict[str, int]:
    """The functions that have too many lines, with their number."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f"{node.name}, line {node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    return {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION}


def left_for_later(text: str) -> list[str]:
    """The lines that leave something for later, or silence a tool and do not say why."""
    lines = text.splitlines()
    left = [f"line {n}: {line}" for n, line in enumerate(lines, 1) if LEFT_FOR_LATER.search(line)]
    silenced = [(n, line, SILENCED.search(line)) for n, line in enumerate(lines, 1)]
    return left + [
        f"line {n}: {line}" for n, line, mark in silenced if mark and not mark["reason"] and "SILENCED" not in line
    ]
