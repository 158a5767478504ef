"""The README's transcripts: its `console` blocks hold commands and what they print, run in order in one folder."""

from __future__ import annotations

import re
from pathlib import Path

import transcript

README = Path(__file__).parents[1] / "README.md"

_BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def refreshed(text: str) -> str:
    """The README with every command's output as it is now."""
    blocks = [transcript.parse(block.splitlines()) for block in _BLOCK.findall(text)]
    ran = iter(transcript.run([example.command for block in blocks for example in block]))
    shown = iter("".join(f"{line}\n" for _ in block for line in next(ran).lines()) for block in blocks)
    return _BLOCK.sub(lambda _: next(shown), text)


def shell_block(text: str, name: str) -> str:
    """The README's block of shell commands with that name."""
    found = re.search(rf"^```sh {name}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"the README has no block ```sh {name}")
    return found[1]
