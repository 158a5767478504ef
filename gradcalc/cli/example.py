"""The `example` command: prints a bundled spec."""

from __future__ import annotations

import click

from gradcalc.cli.listing import write_card
from gradcalc.cli.numbers import Command
from gradcalc.cli.options import output_option
from gradcalc.cli.output import opened


@click.command(cls=Command)
@click.argument("name", required=False)
@output_option
def command(name: str | None, output: str | None) -> None:
    """Print a bundled spec, or list them all.

    It is ready to edit, or to be piped into backprop.

    \b
    gradcalc example mazur | gradcalc backprop -
    gradcalc example xor-batch -o net.yaml
    """
    if name is None:
        from gradcalc.cards import list_examples

        write_card(list_examples(), None, output)
        return
    from gradcalc.examples import find_example

    with opened(output) as stream:
        stream.write(find_example(name).text)
