"""The README's transcripts: its `console` blocks hold commands and what they print, run in order in one folder."""

from __future__ import annotations

import re
from pathlib import Path

import transcript

README = Path(__file__).parents[1] / "README.md"

#: A block with a file's name, which has a dot or a folder, becomes that file.
_FILE = re.compile(r"^```(?:sh|yaml) ((?:[\w.-]+/)+[\w.-]+|\w+\.\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def files(text: str) -> dict[str, str]:
    """The files that the README shows, by their names."""
    return dict(_FILE.findall(text))


def refreshed(text: str) -> str:
    """The README with every command's output as it is now."""
    blocks = [transcript.parse(block.splitlines()) for block in _BLOCK.findall(text)]
    commands = [example.command for block in blocks for example in block]
    ran = iter(transcript.run(commands, files(text)))
    shown = iter("\n".join([*transcript.lines([next(ran) for _ in block]), ""]) for block in blocks)
    return _BLOCK.sub(lambda _: next(shown), text)
