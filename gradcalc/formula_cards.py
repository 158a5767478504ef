"""Formulas and their derivatives as people read them: what `eval --symbolic` answers, and LaTeX for cards."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gradcalc.cards import Card
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.formula.entries import JACOBIAN, PRODUCT, Formula, declared_derivative, of_entry
from gradcalc.formula.gathering import UPSTREAM
from gradcalc.formula.latex import latex
from gradcalc.formula.show import text
from gradcalc.formula.tree import name
from gradcalc.functions import find
from gradcalc.functions.entry import Entry
from gradcalc.results import Formula as FormulaBlock
from gradcalc.results import Table, Text

_PRODUCT_IN_LATEX = rf"J^{{\top}} \, {latex(name(UPSTREAM))} = "


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
        if self.derivative.startswith(PRODUCT):
            blocks.append(Text([f"J is the Jacobian, {UPSTREAM} the derivative by the output."]))
        return Card(record, table, blocks)


def symbolic(
    function: str | None, formula: str | None, parameters: Iterable[str], wrt: str | None, order: int
) -> Derivative:
    """The derivative of a formula, or of a function of the catalogue by its formula. Errors: GradcalcError."""
    if formula is not None:
        return _derivative("", Formula(formula, parameters), wrt, order)
    entry = find(function or "")
    if entry.rank == 2:
        raise UsageError(f"{entry.name} has no formula that could be differentiated, being a function of a matrix")
    own = of_entry(entry)
    return _derivative(entry.name, own, wrt and _canonical(entry, wrt, own), order)


def _canonical(entry: Entry, wrt: str, formula: Formula) -> str:
    """The letter of the formula that one differentiates by; a parameter may stand there by one of its aliases."""
    further = entry.further_input(wrt)
    if wrt == "target" or further:
        return further.name if further else wrt
    param = entry.param(wrt)
    return next((name for name in (param.name, *param.aliases) if name in formula.parameters), param.name)


def _derivative(name: str, formula: Formula, wrt: str | None, order: int) -> Derivative:
    if order > 1 and formula.whole:
        raise UsageError("second derivatives are for elementwise functions, and this is one of a vector")
    found = formula.derivative(wrt, order)
    jacobian = UPSTREAM in found.names
    left, right = (PRODUCT, _PRODUCT_IN_LATEX) if jacobian else ("", "")
    return Derivative(name, text(formula.written), left + text(found), right + latex(found))


def formula_latex(entry: Entry) -> dict[str, str]:
    """A catalogue entry's formula and derivative as LaTeX; without what is no formula of the language."""
    try:
        formula = of_entry(entry)
        return {"latex": latex(formula.written), "latex_derivative": _derivative_latex(entry, formula)}
    except GradcalcError:
        return {}


def _derivative_latex(entry: Entry, formula: Formula) -> str:
    """The derivative as the entry writes it, unless that is for people only."""
    tree = declared_derivative(entry)
    if tree is None:
        return _derivative(entry.name, formula, None, 1).latex
    begins = {JACOBIAN: r"J_{ij} = ", PRODUCT: _PRODUCT_IN_LATEX}
    return next((left for begin, left in begins.items() if entry.derivative_formula.startswith(begin)), "") + latex(
        tree
    )
