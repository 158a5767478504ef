"""Options several commands share, each spelled and explained once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from gradcalc.cli.sizes import Size
from gradcalc.errors import UsageError, listed, near, quoted
from gradcalc.functions.entry import SIDES
from gradcalc.render import FORMATS, GRADERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

F = TypeVar("F", bound="Callable[..., Any]")


class Word(click.Choice):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """One of a few words; another gets the near ones named."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(list(words))
        self.words = list(words)

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002  # click's signature
    ) -> str:
        """The word itself."""
        if value in self.words:
            return str(value)
        option = param.opts[-1] if param else "the option"
        hint = near(str(value), self.words) or f"it can be {listed(self.words, 'or')}"
        raise UsageError(f"{option} cannot be {quoted(value)}", hint=hint)


class Count(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """A whole number from `least` to `most`."""

    name = "N"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002  # click's signature
    ) -> int:
        """The number."""
        text = str(value)
        if text.isascii() and text.isdigit() and len(text) < 20 and self.least <= int(text) <= self.most:
            return int(text)
        option = param.opts[-1] if param else "the option"
        raise UsageError(f"{option} must be a whole number from {self.least} to {self.most}, not {quoted(value)}")


class NotNegative(click.ParamType):  # type: ignore[type-arg]  # generic from click 8.2 on only
    """A finite number of at least 0."""

    name = "NUMBER"

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,  # noqa: ARG002  # click's signature
    ) -> float:
        """The number."""
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if 0 <= number < float("inf"):
            return number
        option = param.opts[-1] if param else "the option"
        raise UsageError(f"{option} must be a number of at least 0, not {quoted(value)}", hint="for example 1e-5")


def format_option(command: F) -> F:
    """--format: how the answer looks."""
    return _format_of(list(FORMATS))(command)


def graded_format_option(command: F) -> F:
    """--format of what graders read too."""
    return _format_of([*FORMATS, *GRADERS])(command)


def _format_of(names: Sequence[str]) -> Callable[[F], F]:
    shown = f"How the answer looks: {listed(names, 'or')}."
    return click.option("--format", "format_name", type=Word(names), metavar="FORMAT", help=shown)


def digits_option(command: F) -> F:
    """--digits: significant digits."""
    shown = "Significant digits. Without it machine formats carry all that identify a number."
    return click.option("--digits", type=Count(1, 17), metavar="N", help=shown)(command)


def output_option(command: F) -> F:
    """--output: a file instead of stdout."""
    shown = "Write to FILE, which is replaced only when all went well."
    return click.option("--output", "-o", metavar="FILE", help=shown)(command)


def override_options(command: F) -> F:
    """--input, --target, --learning-rate, --convention, --set: changes to a spec from the shell."""
    return _options(command, _INPUT_OVERRIDE, _TARGET_OVERRIDE, *_OTHER_OVERRIDES)


def override_options_but_target(command: F) -> F:
    """The same for a command whose --target is a loss's too."""
    return _options(command, _INPUT_OVERRIDE, *_OTHER_OVERRIDES)


_INPUT_OVERRIDE = click.option(
    "--input", metavar="VALUES", help="Replace the spec's input: 0.05,0.1 or [[1,2],[3,4]] or a file."
)
_TARGET_OVERRIDE = click.option("--target", metavar="VALUES", help="Replace the spec's target, or its target_classes.")
_OTHER_OVERRIDES = (
    click.option("--learning-rate", metavar="RATE", help="Replace the learning rate: one step of gradient descent."),
    click.option(
        "--convention", metavar="NAME", help="Replace the convention; 'gradcalc list conventions' names them."
    ),
    click.option(
        "--set", "sets", multiple=True, metavar="PLACE=VALUE", help="Replace a value: hidden.W[0][1]=0.3, steps=3."
    ),
)


def _options(command: F, *options: Callable[[F], F]) -> F:
    """The command with these options, in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def limit_options(command: F) -> F:
    """--allow-outside, --memory-limit: what a spec may do."""
    allow = click.option("--allow-outside", is_flag=True, help="Let the spec name files outside its folder.")
    shown = "Refuse nets that need more (4GiB)."
    return allow(click.option("--memory-limit", type=Size(), default="4GiB", metavar="SIZE", help=shown)(command))


def kink_option(command: F) -> F:
    """--kink: the derivative where it jumps."""
    shown = f"Derivative to show where it jumps: {listed(list(SIDES), 'or')}."
    return click.option("--kink", type=Word(list(SIDES)), metavar="SIDE", help=shown)(command)


def only_option(quantities: str) -> Callable[[F], F]:
    """--only: bare numbers; `quantities` says which there are."""
    shown = f"Print bare numbers: {quantities}; several by commas."
    return click.option("--only", multiple=True, metavar="QUANTITY", help=shown)
