"""The `check` command: somebody's numbers against the right ones, and the mistake that would give exactly those."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from gradcalc.cli.checking import checked
from gradcalc.cli.numbers import Command
from gradcalc.cli.options import (
    Count,
    NotNegative,
    digits_option,
    graded_format_option,
    limit_options,
    output_option,
    override_options,
)
from gradcalc.cli.output import opened, warn
from gradcalc.cli.terminal import width
from gradcalc.errors import UsageError
from gradcalc.render import GRADERS

if TYPE_CHECKING:
    from gradcalc.checking.records import CheckResult

#: What all answers of a file are worth together, unless --points says otherwise.
_POINTS = 100.0

#: One line an answer, in the formats for programs.
COLUMNS = (
    "file", "quantity", "ok", "max_abs_error", "max_rel_error", "worst_index", "expected", "got", "remark", "mistakes",
)  # fmt: skip


@click.command(cls=Command)
@click.argument("spec")
@click.argument("answers", nargs=-1, required=True)
@override_options
@click.option("--rtol", type=NotNegative(), default="1e-5", metavar="R", help="Relative tolerance (1e-5).")
@click.option("--atol", type=NotNegative(), default="1e-8", metavar="A", help="Absolute tolerance (1e-8).")
@click.option(
    "--digits-given", is_flag=True, help="Judge each number by the digits it was written with: 0.28 for 0.2849."
)
@click.option("--strict-shape", is_flag=True, help="Refuse right numbers in another shape or layout.")
@click.option(
    "--against-differences", is_flag=True, help="Judge gradients by differences of the loss, not by backpropagation."
)
@click.option("--only", metavar="QUANTITIES", help="Compare just these, by commas; one that is missing is wrong.")
@click.option("--summary", is_flag=True, help="In formats for people: print only the table of who passed.")
@click.option("--jobs", type=Count(1, 256), default="1", metavar="N", help="Check files in N processes.")
@graded_format_option
@click.option(
    "--points",
    type=NotNegative(),
    metavar="N",
    help="Of --format gradescope: what right answers are worth together (100).",
)
@digits_option
@output_option
@limit_options
def command(
    spec: str,
    answers: tuple[str, ...],
    only: str | None,
    summary: bool,
    jobs: int,
    format_name: str | None,
    digits: int | None,
    output: str | None,
    rtol: float,
    atol: float,
    digits_given: bool,
    strict_shape: bool,
    against_differences: bool,
    points: float | None,
    **options: Any,
) -> None:
    """Compare somebody's numbers with the right ones, and name their mistakes.

    SPEC is a network as for backprop. Each of ANSWERS is a YAML, JSON or .npz file that names quantities and
    their numbers, dW1: [[0.1, 0.2]], any of them, or - for standard input.
    The exit code is 0 where everything agrees, 1 where something differs, 2 where something cannot be read.

    \b
    gradcalc check net.yaml answers.json
    gradcalc check net.yaml hw/*.json --summary
    """
    own: dict[str, Any] = {"rtol": rtol, "atol": atol, "digits_given": digits_given, "strict_shape": strict_shape}
    own |= {"only": only.split(",") if only else (), "against_differences": against_differences}
    if points is not None and format_name != "gradescope":
        raise UsageError("--points is for --format gradescope", hint="the other formats give no score")
    results = checked(spec, answers, options, own, jobs)
    with opened(output) as stream:
        if format_name in GRADERS:
            stream.write(_graded(results, str(format_name), digits, points))
        else:
            stream.writelines(_answer(results, format_name or "table", digits, summary))
    click.get_current_context().exit(max(result.exit_code for result in results))


def _answer(results: Sequence[CheckResult], format_name: str, digits: int | None, summary: bool) -> Iterable[str]:
    from gradcalc.render.nested import json_text

    records = [result.to_dict(named=len(results) > 1) for result in results]
    if format_name == "json":
        return [json_text(records if len(records) > 1 else records[0], digits), "\n"]
    if format_name == "jsonl":
        return [json_text(record, digits, indent=None) + "\n" for record in records]
    if format_name in ("plain", "csv", "tsv"):
        return _rows(results, format_name, digits)
    from gradcalc.render.tables import report_text
    from gradcalc.report.checks import check_report

    return [report_text(check_report(results, summary=summary), format_name, width=width(), digits=digits)]


def _graded(results: Sequence[CheckResult], format_name: str, digits: int | None, points: float | None) -> str:
    """The answer as a grader reads it."""
    from gradcalc.report.suites import suites

    found = suites(results)
    if format_name == "tap":
        from gradcalc.render.tap import tap_text

        return tap_text(found, digits)
    if format_name == "junit":
        from gradcalc.render.junit import junit_text

        return junit_text(found, digits)
    from gradcalc.render.gradescope import gradescope_text

    if any(result.missing for result in results):
        warn("the points are shared among the quantities that are given; --only names those that must be")
    return gradescope_text(found, _POINTS if points is None else points, digits)


def _rows(results: Sequence[CheckResult], format_name: str, digits: int | None) -> Iterable[str]:
    """An answer a line; a file that cannot be read has a line of its own."""
    from gradcalc.render.delimited import SEPARATORS, delimited

    if format_name == "plain":
        for cells in _lines(results, digits):
            yield " ".join(cell or "-" for cell in cells[:8]) + "\n"
        return
    yield delimited([COLUMNS, *_lines(results, digits)], SEPARATORS[format_name])


def _lines(results: Sequence[CheckResult], digits: int | None) -> Iterator[list[str]]:
    from gradcalc.render.delimited import text_cell
    from gradcalc.render.numbers import number_text

    for result in results:
        file = text_cell(result.file)
        if result.error:
            yield [file, "", "error", "", "", "", "", "", text_cell(result.error.replace("\n", " ")), ""]
        for item in result.items:
            known = (item.max_abs_error, item.max_rel_error, item.expected, item.got)
            absolute, relative, expected, got = ("" if x is None else number_text(x, digits) for x in known)
            index = "".join(f"[{i}]" for i in item.worst_index or ())
            found = "" if item.ok else " ".join(f"{one.mistake}@{one.quantity}" for one in result.diagnosis)
            ok = "true" if item.ok else "false"
            remark = text_cell(item.problem or item.note)
            yield [file, text_cell(item.quantity), ok, absolute, relative, index, expected, got, remark, found]
