"""Sizes of memory as arguments: 500MB, 4GiB, 1e9."""

from __future__ import annotations

import re
from typing import Any

import click

from gradcalc.errors import UsageError, quoted

_SIZE = re.compile(r"(?P<number>\d+(\.\d*)?([eE]\+?\d+)?|\.\d+)\s*((?P<prefix>[kmgt]?)(?P<binary>i?)b?)", re.IGNORECASE)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


class Size(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """A number of bytes; kB, MB ... are powers of 1000, KiB, MiB ... of 1024."""

    name = "SIZE"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002  # click's signature
    ) -> int:
        """The number of bytes."""
        match = _SIZE.fullmatch(str(value).strip())
        if match and not (match["binary"] and not match["prefix"]):
            size = float(match["number"]) * (1024 if match["binary"] else 1000) ** _POWERS[match["prefix"].lower()]
            if 1 <= size < 2**63:
                return int(size)
        option = param.opts[-1] if param else "the size"
        raise UsageError(f"{option} must be a size such as 500MB or 4GiB, not {quoted(value)}")
