"""Lines of text that are too long, broken at blanks."""

from __future__ import annotations

#: What stands before an equals sign is no longer where a formula begins: L(a, positive, negative).
_LONGEST_LEFT = 30


def folded(line: str, limit: int | None) -> list[str]:
    """The line, broken at blanks where it is longer than the limit.

    An equation goes on behind its equals sign, and what its short names mean begins a line.
    """
    if limit is None or len(line) <= limit:
        return [line]
    left, sign, right = line.partition(" = ")
    if not sign or len(left) > _LONGEST_LEFT or ": " in left or " with " in left or ";" in line:
        return _wrapped(line, limit, "  ")
    formula, named, meanings = right.partition(" with ")
    indent = " " * len(left + sign)
    found = _wrapped(left + sign + formula, limit, indent)
    return [*found, *_wrapped(f"{indent}with {meanings}", limit, f"{indent}     ")] if named else found


def _wrapped(line: str, limit: int, indent: str) -> list[str]:
    import textwrap  # late: few lines are so long

    return textwrap.wrap(line, limit, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
