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

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))


@each_file
def test_a_file_says_its_subject_in_one_line(path: Path) -> None:
    first, *rest = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines() or [""]
    assert first.endswith((".", ":")), "its first line is not a sentence on its subject"
    assert not rest or rest[0] == "", "its first sentence runs over the line"


@each_file
def test_a_file_and_its_functions_can_be_overseen(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f"{node.name}, line {node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


@each_file
def test_nothing_is_left_for_later_or_silenced_without_a_reason(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    left = [f"line {n}: {line}" for n, line in enumerate(lines, 1) if LEFT_FOR_LATER.search(line)]
    silenced = [(n, line, SILENCED.search(line)) for n, line in enumerate(lines, 1)]
    left += [
        f"line {n}: {line}" for n, line, mark in silenced if mark and not mark["reason"] and "SILENCED" not in line
    ]
    assert left == []
