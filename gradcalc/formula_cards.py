"""Formulas and their derivatives as people read them: what `eval --symbolic` answers, and LaTeX for cards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gradcalc.cards import Card
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.formula.entries import ACTIVATION, LOSS, Formula
from gradcalc.formula.latex import latex
from gradcalc.formula.parse import parse
from gradcalc.formula.show import text
from gradcalc.formula.symbolic import UPSTREAM
from gradcalc.formula.tree import Node
from gradcalc.functions import find
from gradcalc.functions.entry import Entry
from gradcalc.results import Formula as FormulaBlock
from gradcalc.results import Table, Text


class Derivative(NamedTuple):
    """A formula with one of its derivatives, as text and as LaTeX."""

    name: str
    formula: str
    derivative: str
    latex: str

    def card(self) -> Card:
        """The derivative alone for people, all of it for programs."""
        record = self._asdict() if self.name else {key: part for key, part in self._asdict().items() if key != "name"}
        table = Table("", list(record), [list(record.values())])
        blocks: list[FormulaBlock | Text] = [FormulaBlock([self.derivative])]
        if self.derivative.startswith(f"J^T {UPSTREAM}"):
            blocks.append(Text([f"J is the Jacobian, {UPSTREAM} the derivative by the output."]))
        return Card(record, table, blocks)


def symbolic(
    function: str | None, formula: str | None, parameters: Iterable[str], wrt: str | None, order: int
) -> Derivative:
    """The derivative of a formula, or of a function of the catalogue by its formula. Errors: GradcalcError."""
    if formula is not None:
        return _derivative("", Formula(formula, parameters), wrt, order)
    entry = find(function or "")
    return _derivative(entry.name, _formula_of(entry), wrt and _canonical(entry, wrt), order)


def _formula_of(entry: Entry) -> Formula:
    try:
        letters = LOSS if entry.kind == "loss" else ACTIVATION
        names = [p.name for p in entry.params if p.name in _words(entry.formula) and p.name not in letters]
        return Formula(entry.formula, names, "loss" if entry.kind == "loss" else "activation")
    except GradcalcError:
        raise UsageError(f"the formula of {entry.name} cannot be differentiated: {entry.formula}") from None


def _canonical(entry: Entry, wrt: str) -> str:
    return wrt if wrt == "target" else entry.param(wrt).name


def _words(formula: str) -> set[str]:
    import re

    return set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", formula))


def _derivative(name: str, formula: Formula, wrt: str | None, order: int) -> Derivative:
    if order > 1 and formula.whole:
        raise UsageError("second derivatives are for elementwise functions, and this is one of a vector")
    found = formula.derivative(wrt, order)
    jacobian = UPSTREAM in found.names
    left, right = (
        (f"J^T {UPSTREAM} = ", rf"J^{{\top}} \, {latex(Node('name', (), UPSTREAM))} = ") if jacobian else ("", "")
    )
    return Derivative(name, text(formula.tree), left + text(found), right + latex(found))


def formula_latex(entry: Entry) -> dict[str, str]:
    """A catalogue entry's formula and derivative as LaTeX; without what is no formula of the language."""
    try:
        formula = _formula_of(entry)
        return {"latex": latex(formula.tree), "latex_derivative": _derivative_latex(entry, formula)}
    except GradcalcError:
        return {}


def _derivative_latex(entry: Entry, formula: Formula) -> str:
    """The derivative as the entry writes it, unless that is for people only."""
    try:
        return latex(parse(entry.derivative_formula, (*formula.variables, *(param.name for param in entry.params))))
    except GradcalcError:
        return _derivative(entry.name, formula, None, 1).latex
