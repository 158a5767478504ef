"""The README's transcripts: its `console` blocks hold commands and what they print, run in order in one folder."""

from __future__ import annotations

import re
from pathlib import Path

import transcript

README = Path(__file__).parents[1] / "README.md"

#: A block of shell commands with a file's name becomes that file.
_FILE = re.compile(r"^```sh (\w+\.\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def refreshed(text: str) -> str:
    """The README with every command's output as it is now."""
    blocks = [transcript.parse(block.splitlines()) for block in _BLOCK.findall(text)]
    commands = [example.command for block in blocks for example in block]
    ran = iter(transcript.run(commands, dict(_FILE.findall(text))))
    shown = iter("\n".join([*transcript.lines([next(ran) for _ in block]), ""]) for block in blocks)
    return _BLOCK.sub(lambda _: next(shown), text)
