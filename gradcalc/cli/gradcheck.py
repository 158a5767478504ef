"""The `gradcheck` command: our derivatives against numerical differentiation."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from gradcalc.cli import options
from gradcalc.cli.numbers import Command
from gradcalc.cli.output import opened
from gradcalc.cli.terminal import width
from gradcalc.errors import GradcalcError, UsageError, listed

if TYPE_CHECKING:
    from gradcalc.differencing.records import GradcheckResult, GradItem

#: One line a quantity, in the formats for programs.
COLUMNS = (
    "quantity", "ok", "max_abs_error", "max_rel_error", "worst_index", "ours", "numeric", "compared", "size", "note",
)  # fmt: skip

#: The options that belong to a function alone, and those that belong to a spec alone, by the names they have here.
_OF_FUNCTIONS = ("formula", "target_class", "param", "wrt", "with_", "kink")
_OF_SPECS = ("input", "learning_rate", "convention", "sets", "allow_outside", "samples", "seed")


@click.command(cls=Command)
@click.argument("what", metavar="SPEC|FUNCTION", required=False)
@click.argument("inputs", nargs=-1, metavar="[INPUT...]")
@click.option("--rtol", type=options.NotNegative(), metavar="R", help="Relative tolerance (1e-7; 1e-4 in float32).")
@click.option("--atol", type=options.NotNegative(), default="1e-12", metavar="A", help="Absolute tolerance (1e-12).")
@click.option("--samples", type=options.Count(1, 10**9), metavar="N", help="Compare N numbers of each quantity.")
@click.option("--seed", type=options.Count(0, 2**32 - 1), metavar="S", help="Draw another sample (0).")
@click.option("--formula", metavar="TEXT", help="A formula of z, or of a and y, in FUNCTION's place.")
@click.option("--target", "-y", multiple=True, metavar="Y", help="Target of a loss, or in place of the spec's: -y 3,4.")
@click.option("--target-class", multiple=True, metavar="K", help="Target of a class loss, counted from 0.")
@click.option("--param", "-p", multiple=True, metavar="NAME=VALUE", help="Parameter of the function: alpha=0.1.")
@click.option("--wrt", metavar="NAME", help="Differentiate by a parameter, or by target, instead of the input.")
@click.option("--with", "with_", multiple=True, metavar="NAME=VALUES", help="Further inputs: weight=1,2 of a loss.")
@options.kink_option
@options.override_options_but_target
@options.format_option
@options.digits_option
@options.output_option
@options.limit_options
def command(
    what: str | None,
    inputs: tuple[str, ...],
    rtol: float | None,
    atol: float,
    format_name: str | None,
    digits: int | None,
    output: str | None,
    **asked: Any,
) -> None:
    """Our derivatives against differences of the values.

    SPEC is a network as for backprop: the gradients of all its parameters and inputs are checked. FUNCTION with
    INPUTs is as for eval. The exit code is 0 where all agree, 1 where one differs.

    \b
    gradcalc gradcheck net.yaml
    gradcalc gradcheck net.yaml --samples 20 --seed 1
    gradcalc gradcheck gelu 0.5 -2
    gradcalc gradcheck softmax 1 2 3
    """
    if asked["formula"] is not None and what is not None:
        inputs, what = (what, *inputs), None
    if inputs or asked["formula"] is not None:
        result = _of_function(what or "", inputs, rtol, atol, asked)
    else:
        result = _of_spec(what, rtol, atol, asked)
    with opened(output) as stream:
        stream.writelines(_answer(result, format_name or "table", digits))
    click.get_current_context().exit(0 if result.passed else 1)


def _of_function(
    name: str, words: tuple[str, ...], rtol: float | None, atol: float, asked: Mapping[str, Any]
) -> GradcheckResult:
    """A function's derivative at the inputs."""
    from gradcalc.cli.eval import question_of
    from gradcalc.cli.inputs import Inputs
    from gradcalc.differencing.api import RTOL, of_question

    _refuse(asked, _OF_SPECS, "a spec")
    own = {key: asked[key] for key in (*_OF_FUNCTIONS, "target")}
    question = question_of(name, upstream=(), scale=None, order="1", only=(), **own)
    items = Inputs(words, None, (), as_vector=False).items(question, sys.stdout)
    return of_question(question, items, own["formula"], rtol=RTOL if rtol is None else rtol, atol=atol)


def _of_spec(spec: str | None, rtol: float | None, atol: float, asked: Mapping[str, Any]) -> GradcheckResult:
    """All gradients of a network."""
    from gradcalc.differencing.api import gradcheck

    if spec is None:
        raise UsageError("missing argument 'SPEC' or 'FUNCTION'", hint="see 'gradcalc gradcheck --help'")
    _refuse_function(spec)
    _refuse(asked, _OF_FUNCTIONS, "a function with INPUTs")
    target = asked["target"]
    if len(target) > 1:
        raise UsageError("a spec has one --target")
    own = {key: asked[key] for key in ("input", "learning_rate", "convention", "sets", "allow_outside")}
    own |= {"target": target[0] if target else None, "memory_limit": asked["memory_limit"]}
    return gradcheck(spec, rtol=rtol, atol=atol, samples=asked["samples"], seed=asked["seed"] or 0, **own)


def _refuse_function(spec: str) -> None:
    """UsageError for a function without an input."""
    from pathlib import Path

    from gradcalc.functions import find

    if spec == "-" or Path(spec).exists():
        return
    try:
        name = find(spec).name
    except GradcalcError:
        return
    raise UsageError(f"{name} needs an input", hint=f"for example: gradcalc gradcheck {name} 0.5")


def _refuse(asked: Mapping[str, Any], names: Iterable[str], owner: str) -> None:
    """UsageError for options that belong to something else."""
    spelled = {"with_": "with", "sets": "set"}
    given = [f"--{spelled.get(name, name).replace('_', '-')}" for name in names if asked[name] not in (None, (), False)]
    if given:
        raise UsageError(f"{listed(given)} {'is' if len(given) == 1 else 'are'} for {owner}")


def _answer(result: GradcheckResult, format_name: str, digits: int | None) -> Iterable[str]:
    from gradcalc.render.nested import json_text

    if format_name == "json":
        return [json_text(result.to_dict(), digits), "\n"]
    if format_name == "jsonl":
        return [json_text(item.to_dict(), digits, indent=None) + "\n" for item in result.items]
    if format_name in ("plain", "csv", "tsv"):
        return _rows(result, format_name, digits)
    from gradcalc.render.tables import report_text
    from gradcalc.report.differences import gradcheck_report

    return [report_text(gradcheck_report(result), format_name, width=width(), digits=digits)]


def _rows(result: GradcheckResult, format_name: str, digits: int | None) -> Iterator[str]:
    from gradcalc.render.delimited import SEPARATORS, delimited

    rows = [_cells(item, digits) for item in result.items]
    if format_name == "plain":
        yield from (" ".join(cell or "-" for cell in cells[:-1]) + "\n" for cells in rows)
    else:
        yield delimited([COLUMNS, *rows], SEPARATORS[format_name])


def _cells(item: GradItem, digits: int | None) -> list[str]:
    from gradcalc.render.numbers import number_text

    absolute, relative, ours, numeric = (
        number_text(x, digits) for x in (item.max_abs_error, item.max_rel_error, item.ours, item.numeric)
    )
    index, ok = "".join(f"[{i}]" for i in item.worst_index), "true" if item.ok else "false"
    return [
        item.quantity, ok, absolute, relative, index, ours, numeric, str(item.compared), str(item.size), item.note,
    ]  # fmt: skip
