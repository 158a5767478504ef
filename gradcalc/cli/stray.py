"""A number behind the value of -y and its like: it is an input, which somebody may have meant as one more value."""

from __future__ import annotations

import re
from typing import NamedTuple

import click

from gradcalc.cli.numbers import Command
from gradcalc.cli.output import warn

#: What a warning calls the values of options that several numbers can be given to, by commas.
_VALUES = {"target": "target", "target_class": "class", "upstream": "upstream gradient", "with_": "value"}

#: What a value of several numbers has in it.
_SEVERAL = r"[,\[\s]"

#: How a number begins, a constant formula too; an option, a stream's "-" and an object do not.
_NUMBER = r"(?i)-*(\.?\d|inf|nan)|[a-z(]"


class _Behind(NamedTuple):
    """A word behind an option's value: the option as it was typed, its value, the word, and where the option stands."""

    option: str
    value: str
    word: str
    position: int


class InputCommand(Command):
    """A command of numbers that warns where one behind a single target is an input: `1 2 -y 3 4`.

    Where no input stands before the option the number can be nothing else, and where the option is given twice
    its user knows that each takes one word: there nothing is said.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Click's parsing, then the warnings."""
        words = list(args)
        rest = super().parse_args(ctx, args)
        for name, called in _VALUES.items():
            if len(ctx.params[name]) == 1:
                self._warn_behind(ctx, words, name, called)
        return rest

    def _warn_behind(self, ctx: click.Context, words: list[str], name: str, called: str) -> None:
        spellings = next(param.opts for param in self.params if param.name == name)
        found = _behind(words, spellings, ctx.params[name][0])
        if found is None or not self._inputs_before(ctx, words[: found.position]):
            return
        joined = f"{found.option}{found.value},{found.word}"
        warn(
            f"the {found.word} behind {found.option}{found.value} is one more input, "
            f"not a second {called}: that would be {joined}"
        )

    def _inputs_before(self, ctx: click.Context, words: list[str]) -> bool:
        """Whether there are inputs among the first words; FUNCTION is none, unless there is a formula."""
        try:
            values, _, _ = self.make_parser(ctx).parse_args(words)
        except click.UsageError:
            return False  # the option's name was the value of another
        first = (values["function"],) if ctx.params["formula"] is not None else ()
        inputs = values["inputs"] if isinstance(values["inputs"], tuple) else ()  # click has its own mark for none
        return any(isinstance(word, str) for word in (*first, *inputs))


def _behind(words: list[str], spellings: list[str], value: str) -> _Behind | None:
    """The word that stands behind the option's one value; None where it is no number, or the value is several."""
    if re.search(_SEVERAL, value):
        return None
    for i, word in enumerate(words):
        typed = [(f"{name} ", 2) for name in spellings if words[i : i + 2] == [name, value]]
        typed += [(word[: -len(value)], 1) for name in spellings if word in (f"{name}={value}", f"{name}{value}")]
        for option, length in typed:
            behind = words[i + length : i + length + 1]
            return _Behind(option, value, behind[0], i) if behind and re.match(_NUMBER, behind[0]) else None
    return None
