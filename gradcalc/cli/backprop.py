"""The `backprop` command: a spec in, the whole chain rule out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any

import click

from gradcalc.cli.numbers import Command
from gradcalc.cli.options import (
    Word,
    digits_option,
    format_option,
    limit_options,
    output_option,
    override_options,
)
from gradcalc.cli.output import opened, warn
from gradcalc.cli.terminal import width
from gradcalc.errors import UsageError

if TYPE_CHECKING:
    from gradcalc.backpropagation import BackpropResult
    from gradcalc.render.quantities import Quantity

#: Formats that show numbers as data, so that they do with bare numbers what they do with all.
_ONLY_FORMATS = ("table", "plain", "json", "jsonl", "csv", "tsv")


@click.command(cls=Command)
@click.argument("spec")
@override_options
@click.option("--only", metavar="QUANTITY", help="Print bare numbers: hidden.dW, dW1, loss ...; several by commas.")
@click.option(
    "--values",
    type=Word(["auto", "full", "summary"]),
    default="auto",
    metavar="WHICH",
    help="In formats for people: full prints every number, summary a line each, auto (the default) as fits.",
)
@click.option("--save", "save_name", metavar="FILE.npz", help="Also store all quantities under their addresses.")
@format_option
@digits_option
@output_option
@limit_options
def command(
    spec: str,
    only: str | None,
    values: Any,
    save_name: str | None,
    format_name: str | None,
    digits: int | None,
    output: str | None,
    **options: Any,
) -> None:
    """Forward and backward pass of a network, factor by factor.

    SPEC is a YAML or JSON file that gives input, target, loss and layers, or - for standard input;
    'gradcalc example' prints some to start from.

    \b
    gradcalc example mazur | gradcalc backprop -
    gradcalc backprop net.yaml --set hidden.W[0][1]=0.3
    gradcalc backprop net.yaml --only output.dW,loss
    """
    from gradcalc.backpropagation import backprop
    from gradcalc.cli.saving import check_apart, check_name, saved

    format_name = format_name or "table"
    path = check_name(save_name) if save_name else None
    if path:
        check_apart(path, output)
    if only is not None and format_name not in _ONLY_FORMATS:
        raise UsageError(f"--only prints bare numbers, which have no {format_name}", hint="leave out --format")
    result = backprop(spec, **options)
    pieces = _answer(result, format_name, digits, values) if only is None else _only(result, only, format_name, digits)
    for warning in result.warnings:
        warn(warning)
    named = ((f"{layer}.{name}" if layer else name, array) for layer, name, array in result.addresses())
    with saved(path, dict(named)) if path else nullcontext(), opened(output) as stream:
        stream.writelines(pieces)
        stream.flush()  # what cannot be written must fail before any file is replaced


def _answer(result: BackpropResult, format_name: str, digits: int | None, values: Any) -> Iterable[str]:
    """The whole answer in pieces."""
    if format_name == "json":
        from gradcalc.render.nested import json_pieces

        return chain(json_pieces(result.parts(), digits), "\n")
    if format_name == "jsonl":
        return _json_lines(result, digits)
    if format_name in ("plain", "csv", "tsv"):
        return _rows(_quantities(result), format_name, digits)
    from gradcalc.render.tables import report_text
    from gradcalc.report import report

    return [report_text(report(result, values), format_name, width=width(), digits=digits)]


def _json_lines(result: BackpropResult, digits: int | None) -> Iterator[str]:
    """The loss and the conventions on the first line, then a line for each layer."""
    from gradcalc.render.nested import json_pieces

    found = result.parts()
    layers = found.pop("layers")
    for part in (found, *layers):
        yield from json_pieces(part, digits, indent=None)
        yield "\n"


def _rows(quantities: Iterable[Quantity], format_name: str, digits: int | None) -> Iterable[str]:
    from gradcalc.render.delimited import SEPARATORS
    from gradcalc.render.quantities import long_text, plain_text

    if format_name == "plain":
        return plain_text(quantities, digits)
    return long_text(quantities, SEPARATORS[format_name], digits)


def _quantities(result: BackpropResult) -> Iterator[Quantity]:
    from gradcalc.backpropagation import plain

    for layer, name, array in result.addresses():
        yield layer, name, plain(array)


def _only(result: BackpropResult, only: str, format_name: str, digits: int | None) -> Iterable[str]:
    """The quantities asked for: bare numbers, or in the data formats just these."""
    from gradcalc.backpropagation import plain
    from gradcalc.render.nested import json_text
    from gradcalc.render.quantities import bare_text

    if format_name in ("table", "plain"):
        return [bare_text([plain(result.quantity(address)) for address in only.split(",")], digits)]
    found = {result.locate(address): plain(result.quantity(address)) for address in only.split(",")}
    if format_name == "json":
        return [json_text({str(address): numbers for address, numbers in found.items()}, digits), "\n"]
    if format_name == "jsonl":
        return [json_text({str(address): numbers}, digits, indent=None) + "\n" for address, numbers in found.items()]
    return _rows(((at.layer, at.indexed, numbers) for at, numbers in found.items()), format_name, digits)
