"""The `eval` command."""

from __future__ import annotations

import click

from gradcalc.cli.numbers import Command


@click.command(cls=Command)
@click.argument("function")
@click.argument("inputs", nargs=-1)
def command(function: str, inputs: tuple[str, ...]) -> None:
    """Value and derivative of a function at given inputs."""
    print(function, inputs)
