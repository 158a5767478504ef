"""The `show` command: the card of one function, layer, mistake, convention or example."""

from __future__ import annotations

import click

from gradcalc.cli.listing import write_card
from gradcalc.cli.numbers import Command
from gradcalc.cli.options import format_option, output_option


@click.command(cls=Command)
@click.argument("name")
@format_option
@output_option
def command(name: str, format_name: str | None, output: str | None) -> None:
    """Print the card of a function, layer, mistake, convention or example.

    A function's card has its formula, derivative, parameters, kinks, domain, range, limits, aliases and source; with
    --format latex, and in JSON, formula and derivative are in LaTeX too. A layer's has its formulas, keys, quantities
    and an example.
    NAME is a function or a type of layer, by any of its names, a mistake that check names, a convention or an example.

    \b
    gradcalc show leaky_relu
    gradcalc show conv2d
    gradcalc show pytorch
    gradcalc show missing_activation_derivative
    """
    from gradcalc.cards import show

    write_card(show(name), format_name, output)
