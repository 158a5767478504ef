"""The command line: the table of commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

import click

from gradcalc.cli import output
from gradcalc.cli.help import HELP, VERSION
from gradcalc.errors import GradcalcError, OutputError, UsageError, near, printable, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Every command and the module that holds it, as `command`. A module is imported when its command is used; it then is
#: an attribute here, so that `list` and `eval` in this file are modules: lists are made with brackets.
COMMANDS = {
    "eval": "gradcalc.cli.eval",
    "backprop": "gradcalc.cli.backprop",
    "check": "gradcalc.cli.check",
    "gradcheck": "gradcalc.cli.gradcheck",
    "list": "gradcalc.cli.list",
    "show": "gradcalc.cli.show",
    "example": "gradcalc.cli.example",
}


#: So much of an unexpected error's own text is shown.
_LONGEST = 300


class Commands(click.Group):
    """The commands of the table, loaded on demand, with near names for what is none."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:  # noqa: ARG002  # click's signature
        """Our own --help."""
        return HELP

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """The names, in the table's order."""
        return [*COMMANDS]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002  # click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command of that name."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command the first word names; UsageError with what was probably meant where it names none."""
        if args[0] not in COMMANDS:
            raise UsageError(f"there is no command {quoted(args[0])}", hint=_meant(args))
        return super().resolve_command(ctx, args)


def _meant(args: list[str]) -> str:
    """What somebody who typed no command probably wanted: a function, a spec, or another spelling."""
    from gradcalc.functions import find

    line = " ".join(args)
    try:
        find(args[0])
        return f"did you mean 'gradcalc eval {line}'?"
    except UsageError:
        pass
    if "backprop" in COMMANDS and args[0].endswith((".yaml", ".yml", ".json")):
        return f"did you mean 'gradcalc backprop {line}'?"
    return near(args[0], COMMANDS) or "'gradcalc --help' lists them"


@click.group(
    cls=Commands,
    params=[VERSION],
    epilog="Exit codes: 0 done; 1 compared, and differs; 2 wrong use or bad input; 3 internal error "
    "or output that cannot be written; 130 interrupted.",
)
@click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error.")
def gradcalc() -> None:
    """Exact derivatives of activations, losses and whole networks.

    \b
    gradcalc eval sigmoid 0.5 -2      value and derivative
    gradcalc COMMAND --help           what a command can do
    """


def run(argv: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error is told once, on stderr."""
    words, debug = _without_debug(argv)
    try:
        output.prepare()
        code = _invoke(words)
        output.flush()
    except KeyboardInterrupt:
        output.flush_quietly()
        return 130
    except BrokenPipeError:
        output.abandon()
        return 0
    except Exception as error:
        known = _known(error)
        _tell(known, error if debug else None)
        return known.exit_code
    return code


def _without_debug(argv: Sequence[str]) -> tuple[list[str], bool]:
    """The words without --debug, which may stand anywhere before a bare --, and whether it was there."""
    words = [*argv]
    end = words.index("--") if "--" in words else len(words)
    if "--debug" not in words[:end]:
        return words, False
    return [word for word in words[:end] if word != "--debug"] + words[end:], True


def _invoke(words: list[str]) -> int:
    """Parse and run; the exit code of a command that did its work.

    Not click's own `main`: its exit codes for a closed pipe and for Ctrl-C are not ours.
    """
    if not words:
        _refuse_nothing()
    try:
        with gradcalc.make_context("gradcalc", words) as ctx:
            gradcalc.invoke(ctx)
    except click.exceptions.Exit as done:  # --help and --version have printed what was asked for; check has compared
        return done.exit_code
    return 0


def _refuse_nothing() -> NoReturn:
    """No command at all is wrong use, so the help goes to stderr: a script must not take it for an answer."""
    ctx = click.Context(gradcalc, info_name="gradcalc")
    output.complain(ctx.get_help() + "\n\n")
    raise UsageError("no command given", hint="for example: gradcalc eval sigmoid 0.5")


def _known(error: Exception) -> GradcalcError:
    """Any error as one of ours: click's in our words, an output that fails, and what should never happen."""
    if isinstance(error, GradcalcError):
        return error
    if isinstance(error, click.ClickException):
        return _from_click(error)
    if isinstance(error, OSError) and error.filename is None:
        output.abandon()
        return OutputError(f"cannot write the output: {error.strerror or error}")
    if isinstance(error, MemoryError):
        return OutputError("out of memory")
    what = printable(f"{type(error).__name__}: {error}")[:_LONGEST]
    return OutputError(f"internal error: {what}", hint="--debug shows where")


def _from_click(error: click.ClickException) -> UsageError:
    """One of click's errors of wrong use, with near names or the way to the help as its hint."""
    ctx = error.ctx if isinstance(error, click.UsageError) else None
    hint = f"see '{ctx.command_path} --help'" if ctx else ""
    if isinstance(error, click.NoSuchOption) and ctx:
        options = [name for param in ctx.command.get_params(ctx) for name in param.opts]
        nearest = near(error.option_name, [name for name in options if name.startswith("--")])
        return UsageError(f"there is no option {quoted(error.option_name)}", hint=nearest or hint)
    message = error.format_message().rstrip(".")
    return UsageError(message[:1].lower() + message[1:], hint=hint)


def _tell(error: GradcalcError, cause: Exception | None) -> None:
    """Print an error, after the traceback of its cause where that is wanted."""
    output.flush_quietly()
    if cause is not None:
        import traceback

        output.complain("".join(traceback.format_exception(cause)))
    output.complain(f"gradcalc: error: {error}\n")
