"""The `eval` command: value and derivative of a function at given inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO

import click

from gradcalc.cli import options
from gradcalc.cli.output import opened, warn
from gradcalc.cli.stray import InputCommand
from gradcalc.errors import GradcalcError, InputError, UsageError, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gradcalc.cli.inputs import Inputs
    from gradcalc.evaluation.question import Question
    from gradcalc.render.points import PointsText
    from gradcalc.results import KinkMet, Points

#: Formats in which every point says itself what it has.
_FREE = ("json", "jsonl")

#: More different kinks than this are not told apart: memory stays flat.
_KINKS = 100


@click.command(cls=InputCommand)
@click.argument("function", required=False)
@click.argument("inputs", nargs=-1, metavar="INPUT...")
@click.option("--formula", metavar="TEXT", help="A formula of z, or of a and y, in FUNCTION's place: 'z * tanh(z)'.")
@click.option("--symbolic", is_flag=True, help="Print the derivative as a formula; no INPUT is needed.")
@click.option("--target", "-y", multiple=True, metavar="Y", help="Target of a loss: one for all, or one each: -y 3,4.")
@click.option("--target-class", multiple=True, metavar="K", help="Target of a class loss, counted from 0.")
@click.option("--param", "-p", multiple=True, metavar="NAME=VALUE", help="Parameter of the function: alpha=0.1.")
@click.option("--wrt", metavar="NAME", help="Differentiate by a parameter, by target or by a further input.")
@click.option(
    "--upstream", "-u", multiple=True, metavar="G", help="Incoming gradient: adds vjp, G times the derivative."
)
@click.option(
    "--order", type=options.Word(["1", "2"]), default="1", help="2 adds the second derivative, nan at a kink."
)
@click.option(
    "--with", "with_", multiple=True, metavar="NAME=VALUES",
    help="Further inputs: weight=1,2 of a loss, other=3,4 of a pair.",
)  # fmt: skip
@click.option(
    "--reduction",
    type=options.Word(["none", "mean", "sum"]),
    default="none",
    metavar="HOW",
    help="Of an elementwise loss: none (each prediction is a point), mean or sum.",
)
@click.option("--scale", metavar="C", help="Multiply a loss by C, once it is computed.")
@options.kink_option
@click.option("--linspace", nargs=3, metavar="START STOP NUM", help="NUM evenly spaced inputs, before others.")
@click.option("--input", "files", multiple=True, metavar="FILE", help="Inputs from FILE; - is standard input.")
@click.option("--vector", is_flag=True, help="Take all numbers, a whole stream too, as one vector.")
@options.only_option("input, target, value, derivative, second_derivative, upstream or vjp")
@options.digits_option
@options.format_option
@options.output_option
def command(
    function: str | None,
    inputs: tuple[str, ...],
    formula: str | None,
    symbolic: bool,
    linspace: tuple[str, str, str] | None,
    files: tuple[str, ...],
    vector: bool,
    format_name: str | None,
    digits: int | None,
    output: str | None,
    **asked: Any,
) -> None:
    """Value and derivative of a function at each INPUT.

    An INPUT is a number (-1e-3, inf), several by commas, - for standard input (numbers separated by blanks, commas
    or lines), or an object {"input": 0.5, "target": 1}. For a function of a vector the INPUTs form one vector; one
    INPUT of several numbers, or one line, is a vector by itself; for a function of a matrix (ctc) it is a row. A number
    may be a formula: ln(3), 1/3, (-pi).
    'gradcalc list functions' names the functions.

    \b
    gradcalc eval sigmoid 0.5 -2
    gradcalc eval squared_error 0.8 -y 1
    gradcalc eval triplet_margin 1 2 --with positive=1,1 --with negative=3,4
    gradcalc eval softmax 1 2 3 --upstream 1,0,0
    gradcalc eval relu 0 --kink right --only derivative
    gradcalc eval --formula "z * sigmoid(b * z)" -p b=1.7 0.5
    """  # fmt: skip
    from gradcalc.cli.inputs import Inputs

    if formula is not None and function is not None:
        inputs, function = (function, *inputs), None
    if function is None and formula is None:
        raise UsageError("missing argument 'FUNCTION'", hint="see 'gradcalc eval --help'")
    if symbolic:
        if inputs or linspace or files:
            raise UsageError("--symbolic prints a formula, and takes no inputs")
        _print_derivative(function, formula, format_name, output, **asked)
        return
    question = question_of(function or "", formula=formula, **asked)
    given = Inputs(inputs, linspace, files, vector)
    with opened(output) as out:
        _print(question, given, format_name or "table", digits, out)


def _print_derivative(
    function: str | None, formula: str | None, format_name: str | None, output: str | None,
    *, param: tuple[str, ...], wrt: str | None, order: str, **_: Any,
) -> None:  # fmt: skip
    """The derivative as a formula: in LaTeX it is nothing else."""
    from gradcalc.cli.listing import write_card
    from gradcalc.cli.words import named
    from gradcalc.formula_cards import symbolic

    found = symbolic(function, formula, named(param, "--param"), wrt, int(order))
    if format_name == "latex":
        with opened(output) as out:
            out.write(found.latex + "\n")
        return
    if format_name in (None, "table", "plain"):
        with opened(output) as out:
            out.write(found.derivative + "\n")
        return
    write_card(found.card(), format_name, output)


def question_of(
    function: str, *, target: tuple[str, ...], target_class: tuple[str, ...], param: tuple[str, ...],
    with_: tuple[str, ...], upstream: tuple[str, ...], scale: str | None, order: str, only: tuple[str, ...],
    kink: str | None, **same: Any,
) -> Question:  # fmt: skip
    """The options as what is asked."""
    from gradcalc.cli.words import named, one_number, parameter_values, rows_or_values, values
    from gradcalc.evaluation.question import Question

    return Question(
        function,
        parameters=parameter_values(named(param, "--param")),
        target=values(target, "--target", empty=True),
        target_class=values(target_class, "--target-class"),
        with_={name: rows_or_values(text, f"--with {name}") for name, text in named(with_, "--with").items()},
        upstream=values(upstream, "--upstream"),
        scale=1.0 if scale is None else one_number(scale, "--scale"),
        order=int(order),
        only=_quantities(",".join(only)) if only else None,
        kink=kink or "default",
        warn=warn,
        **same,
    )


def _quantities(only: str) -> list[str]:
    names = [name.strip() for name in only.split(",")]
    if not all(names):
        raise UsageError(
            "--only names quantities, with commas between them", hint="for example --only value,derivative"
        )
    return names


def _print(question: Question, given: Inputs, format_name: str, digits: int | None, out: TextIO) -> None:
    """The answers, part by part as they come; if an input of a stream is bad, what comes before it is complete."""
    from gradcalc.evaluation.answers import answer

    parts: Iterable[Points] = answer(question, given.items(question, out))
    few = given.few()
    if few:
        parts = list(parts)
    printer = _Printer(question, format_name, digits, out, measured=few)
    try:
        for part in parts:
            printer.part(part)
    except GradcalcError:
        printer.end_early()
        raise
    printer.end()


class _Printer:
    """Writes parts in a format; what stands before the first waits for it, for it shows which columns there are."""

    def __init__(
        self, question: Question, format_name: str, digits: int | None, out: TextIO, *, measured: bool
    ) -> None:
        self.question, self.format_name, self.digits = question, format_name, digits
        self.measured, self.out = measured, out
        self.kinks: dict[KinkMet, None] = {}
        self.text: PointsText | None = None

    def part(self, part: Points) -> None:
        """Some points."""
        text = self.text or self.begin(list(part.columns))
        if self.format_name not in _FREE:
            self.check(part)
        self.out.write(text.part(part))
        for kink in part.kinks:
            if len(self.kinks) < _KINKS:
                self.kinks[kink] = None

    def check(self, part: Points) -> None:
        """A table has the columns of its first row: what has no column would be lost."""
        assert self.text is not None  # begun before the first part
        extra = [name for name in part.columns if name not in self.text.heading.columns]
        if extra:
            raise InputError(
                f"this point has {listed(extra)}, which the first had not",
                hint="--format jsonl shows of each point what it has",
                place=part.place,
            )

    def begin(self, columns: list[str] | None = None) -> PointsText:
        """What stands before the first point."""
        from gradcalc.render.points import points_text

        heading = self.question.heading()
        if columns:
            heading = heading._replace(columns=columns)
        bare = self.question.only is not None
        self.text = points_text(self.format_name, heading, self.digits, bare=bare, measured=self.measured)
        self.out.write(self.text.begin())
        return self.text

    def end(self) -> None:
        """What stands after the last point."""
        text = self.text or self.begin()
        self.out.write(text.end(list(self.kinks)))

    def end_early(self) -> None:
        """Complete what was begun, if anything was."""
        if self.text:
            self.end()
