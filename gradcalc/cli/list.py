"""The `list` command: what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from gradcalc.cli.listing import write_card
from gradcalc.cli.numbers import Command
from gradcalc.cli.options import Word, format_option, output_option

if TYPE_CHECKING:
    from gradcalc.cards import Card

KINDS = {
    "functions": "activations, losses and norms",
    "layers": "the types of layers of a spec",
    "mistakes": "what students get wrong, and 'gradcalc check' names",
    "conventions": "how courses and libraries scale, lay out and choose, side by side",
    "examples": "specs to print with 'gradcalc example'",
    "formats": "what --format takes",
}


@click.command(cls=Command)
@click.argument("kind", type=Word(list(KINDS)), required=False, metavar=f"[{'|'.join(KINDS)}]")
@format_option
@output_option
def command(kind: str | None, format_name: str | None, output: str | None) -> None:
    """List functions, layers, mistakes, conventions, examples or formats.

    \b
    gradcalc list functions
    gradcalc list functions --format json
    """
    write_card(_card(kind), format_name, output)


def _card(kind: str | None) -> Card:
    from gradcalc import cards
    from gradcalc.render import FORMATS, GRADERS

    if kind == "functions":
        return cards.list_functions()
    if kind == "layers":
        from gradcalc.layer_cards import list_layers

        return list_layers()
    if kind == "mistakes":
        return cards.list_mistakes()
    if kind == "conventions":
        return cards.list_conventions()
    if kind == "examples":
        return cards.list_examples()
    if kind == "formats":
        return cards.list_named(
            [(one.name, one.title) for one in (FORMATS | GRADERS).values()], "--format NAME chooses one."
        )
    return cards.list_named(list(KINDS.items()), "'gradcalc list NAME' lists them.")
