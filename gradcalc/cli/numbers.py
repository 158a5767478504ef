"""Numbers as arguments: a command that never takes -1, -.5, -1e-3 or -inf for an option."""

from __future__ import annotations

import re
from typing import Any

import click

from gradcalc.cli.help import HELP
from gradcalc.errors import GradcalcError, UsageError, quoted

#: A word that is meant as a number, well-formed or not. No option of ours looks so.
_NUMBER_LIKE = r"(?i)-+(\.?\d|(inf|infinity|nan)\b|pi$)"

#: Stands before a number-like word while click parses. No argument of a process can contain it.
_MARK = "\0"


class Command(click.Command):
    """A command whose arguments and option values may be negative numbers, in any position.

    Number-like words are marked before click parses and unmarked after: it never sees their leading dash.
    """

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002  # click's signature
        """Our own --help."""
        return HELP

    def make_parser(self, ctx: click.Context) -> Any:
        """Click's parser, handed marked words."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args

        def parse_marked(args: list[str]) -> tuple[dict[str, Any], list[str], list[click.Parameter]]:
            for word in args:
                _refuse_negative_constant(word)
            options, rest, order = parse([_marked(word) for word in args])
            return {name: _unmarked(value) for name, value in options.items()}, _unmarked(rest), order

        setattr(parser, "parse_args", parse_marked)  # noqa: B010  # mypy refuses to assign to a method
        return parser


#: A minus sign with a name or a function behind it, and nothing of an option's about it.
_NEGATIVE_FORMULA = r"-(pi|[a-z][a-z0-9]*\(.*)"


def _refuse_negative_constant(word: str) -> None:
    """UsageError for -pi or -ln(3), which would be taken for options."""
    if not re.fullmatch(_NEGATIVE_FORMULA, word):
        return
    from gradcalc.formula.constants import constant

    try:
        constant(word)
    except GradcalcError:
        return  # -yln(3) is an option with its value
    raise UsageError(f"{quoted(word)} looks like an option", hint=f"write a negative constant in brackets: '({word})'")


def _marked(word: str) -> str:
    return _MARK + word if word.startswith("-") and re.match(_NUMBER_LIKE, word) else word


def _unmarked(value: Any) -> Any:
    """An option's value, or a list or tuple of words, as it was typed."""
    if isinstance(value, str):
        return value.removeprefix(_MARK)
    if isinstance(value, list | tuple):
        return type(value)(_unmarked(part) for part in value)
    return value
