"""The API behind `check`: answers in files or mappings against a spec's right numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gradcalc.backpropagation import BackpropResult, solve
from gradcalc.checking.answers import Given, given_of, read_answers
from gradcalc.checking.comparing import Tolerance
from gradcalc.checking.diagnosing import Table
from gradcalc.checking.explaining import explain
from gradcalc.checking.judging import item_of, judge, refused
from gradcalc.checking.lookup import Lookup
from gradcalc.checking.records import CheckResult, Item
from gradcalc.checking.rounding import as_right, rounded, said
from gradcalc.errors import GradcalcError, UsageError

if TYPE_CHECKING:
    from gradcalc.addresses import Address
    from gradcalc.network import Problem
    from gradcalc.spec.document import Document


class Checker:
    """A solved spec that answers are held against, one file after another.

    `strict_shape` refuses right numbers in another layout; `digits_given` judges numbers by the digits they have;
    `problem` is as it was before any step of descent;
    `only` names the quantities that must be there and are compared, empty for whatever is given.
    """

    def __init__(
        self,
        result: BackpropResult,
        *,
        problem: Problem | None = None,
        rtol: float = 1e-5,
        atol: float = 1e-8,
        strict_shape: bool = False,
        digits_given: bool = False,
        only: Sequence[str] = (),
    ) -> None:
        self.result, self.tolerance = result, Tolerance(rtol, atol)
        self.lookup = Lookup(result)
        self.strict_shape, self.digits_given = strict_shape, digits_given
        self._problem = result.problem if problem is None else problem
        self.only = [result.locate(name) for name in only]
        for address in self.only:
            result.quantity(str(address))  # an index outside is wrong use, not a wrong answer

    def check_file(self, source: str, data: bytes | None = None) -> CheckResult:
        """The result of a file, or of the content `data` named so; what cannot be read is told, never raised."""
        try:
            given = read_answers(source, self.lookup.room, digits_given=self.digits_given, data=data)
        except GradcalcError as error:
            return CheckResult(source, error=str(error))
        return self.check(given, source)

    def check(self, given: Sequence[Given], name: str = "") -> CheckResult:
        """The result of these answers."""
        broken, judged = judge(self.lookup, given, self.tolerance)
        judged = [one for one in judged if self._wanted(one.address)]
        if self.strict_shape:
            judged = [refused(one) for one in judged]
        roundings = rounded(judged)
        items = [item_of(one) for one in judged]
        for i, decimals in roundings.items():
            items[i] = items[i]._replace(problem=said(decimals))
            judged[i] = as_right(judged[i], decimals, self.tolerance)
        items += [one._replace(wanted=self._wanted(one.quantity)) for one in broken]
        items += [self._absent(address) for address in self.only if not _held(address, items)]
        found = CheckResult(name, tuple(items), missing=tuple(self._missing(items)))
        if all(one.right for one in judged):
            return found
        explanation = explain(self._table, judged, self.tolerance)
        first_wrong = self._table.first_wrong(explanation.open)
        return found._replace(diagnosis=explanation.findings, first_wrong=first_wrong)

    @cached_property
    def _table(self) -> Table:
        """Every mistake, made when the first wrong answer is met."""
        return Table(self._problem)

    def _wanted(self, address: str) -> bool:
        return not self.only or any(_covers(str(wanted), address) for wanted in self.only)

    def _absent(self, address: Address) -> Item:
        size = int(self.result.quantity(str(address)).size)
        return Item(str(address), str(address), False, wrong=size, size=size, problem="is missing")

    def _missing(self, items: Sequence[Item]) -> list[str]:
        """What was computed and could have been given, in the order of the computation."""
        if self.only:
            return []
        given = {name for item in items for name in _around(item.quantity)}
        stated = {"x", *(name for layer in self.result.problem.layers for name in layer.parameters)}
        inputs = {"a0", *(f"{one.name}.a" for one in self.result.inputs)}
        names = [
            f"{layer}.{letter}" if layer else letter
            for layer, letter, _ in self.result.addresses()
            if letter.partition("[")[0] not in stated
        ]
        return [name for name in names if name not in given | inputs]


def _around(address: str) -> Iterator[str]:
    """An address and all that it is a place in: join.dx[0][1], join.dx[0] and join.dx."""
    while address.endswith("]"):
        yield address
        address = address.rpartition("[")[0]
    yield address


def _covers(wanted: str, address: str) -> bool:
    """Whether an address is the wanted one or a place in it."""
    return address == wanted or address.startswith(f"{wanted}[")


def _held(address: Address, items: Sequence[Item]) -> bool:
    return any(_covers(str(address), item.quantity) for item in items)


def check(
    spec: str | os.PathLike[str] | Mapping[str, Any] | Document,
    answers: str | os.PathLike[str] | Mapping[str, Any],
    *,
    rtol: float = 1e-5,
    atol: float = 1e-8,
    strict_shape: bool = False,
    digits_given: bool = False,
    only: Sequence[str] = (),
    against_differences: bool = False,
    **options: Any,
) -> CheckResult:
    """Somebody's numbers against the right ones: `answers` is a file, "-" for stdin, or a mapping of names to numbers.

    `options` are those of `gradcalc.spec.load`. Errors: those of the spec; what is wrong with the answers is told in
    the result.
    """
    checker = load_checker(
        spec, options, rtol=rtol, atol=atol, strict_shape=strict_shape, digits_given=digits_given, only=only,
        against_differences=against_differences,
    )  # fmt: skip
    if isinstance(answers, Mapping):
        if digits_given:
            raise UsageError("digits_given judges numbers by their text, which a mapping does not keep")
        return checker.check(given_of(answers))
    return checker.check_file(os.fspath(answers))


def load_checker(
    spec: str | os.PathLike[str] | Mapping[str, Any] | Document,
    options: Mapping[str, Any],
    *,
    against_differences: bool = False,
    **own: Any,
) -> Checker:
    """The checker of a spec: `options` are those of `gradcalc.spec.load`, `own` those of Checker.

    `against_differences` judges gradients by differences of the loss in place of backpropagation.
    """
    from gradcalc.spec import load

    loaded = load(spec, **options)
    try:
        result = solve(loaded.problem)
        if against_differences:
            from gradcalc.differencing.replaced import by_differences

            result = by_differences(result, [result.locate(name) for name in own.get("only", ())])
        return Checker(result, problem=loaded.problem, **own)
    except GradcalcError as error:
        raise loaded.placed(error) from None
