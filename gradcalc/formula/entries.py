"""A user's formula as a function like those of the catalogue, so that eval and networks need to know nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from gradcalc.errors import GradcalcError, UsageError, listed, near, quoted
from gradcalc.formula.demands import domain, upper
from gradcalc.formula.gathering import UPSTREAM
from gradcalc.formula.grammar import written
from gradcalc.formula.kernels import Kernels
from gradcalc.formula.parse import letters, meant, parameter_names, parse
from gradcalc.formula.rules import ALIASES, ARGUMENTS
from gradcalc.formula.shapes import check, is_vector, of_a_vector
from gradcalc.formula.show import text as shown
from gradcalc.formula.symbolic import derivative
from gradcalc.formula.tokens import FormulaError
from gradcalc.formula.tree import Node, walk
from gradcalc.functions.entry import (
    Elementwise,
    ElementwiseLoss,
    Entry,
    Param,
    VectorActivation,
    VectorLoss,
    VectorToScalar,
)

if TYPE_CHECKING:
    from gradcalc.formula.vector_kernels import VectorKernels

Kind = Literal["activation", "loss", ""]

#: What a formula is a function of: an activation of z, a loss of a and y.
ACTIVATION, LOSS = ("z",), ("a", "y")


#: A derivative beside numbers is no longer; --symbolic prints longer ones.
_LONGEST_SHOWN = 300


class Formula:
    """A formula that has been read: its tree, what it is a function of, and the names of its parameters."""

    def __init__(
        self, text: str, parameters: Iterable[str] = (), kind: Kind = "", variables: tuple[str, ...] = ()
    ) -> None:
        self.text, self.parameters = text.strip(), tuple(parameters)
        if not variables:
            _check_names(self.parameters)
        known = [letter for letter in variables or (*ACTIVATION, *LOSS) if letter not in self.parameters]
        self.written = written(self.text, (*known, *self.parameters))
        self.tree = meant(self.written, self.text)
        self.variables = variables or self._variables(kind)
        check(self.tree, self.variables, self.text)
        self._check_parameters()
        self.whole = of_a_vector(self.tree, self.parameters)

    def _variables(self, kind: Kind) -> tuple[str, ...]:
        """z, or a and y: by what the formula uses, which must be what is wanted."""
        used = {str(n.value): n for n in walk(self.tree) if n.op == "name" and n.value not in self.parameters}
        of_loss = [used[letter] for letter in LOSS if letter in used]
        if kind == "activation" and of_loss:
            raise self._error(of_loss[0], "an activation is a function of z", "a and y are a loss's")
        if "z" in used and (of_loss or kind == "loss"):
            message = "a loss is a function of a (the prediction) and y (the target)"
            raise self._error(used["z"], message, "z is an activation's")
        return LOSS if of_loss or kind == "loss" else ACTIVATION

    def _check_parameters(self) -> None:
        for letter in self.parameters:
            if letter not in self.tree.names:
                has = sorted(self.tree.names - {*self.variables})
                hint = near(letter, has) or (f"it has {listed(has)}" if has else "it has none")
                raise UsageError(f"the formula has no parameter {quoted(letter)}", hint=hint)

    def _error(self, node: Node, message: str, hint: str = "") -> FormulaError:
        return FormulaError(message, self.text, node.span, hint)

    def derivative(self, letter: str | None = None, order: int = 1) -> Node:
        """The derivative by a letter (the main variable where none is said) as a tree."""
        letter = {None: self.variables[0], "target": "y"}.get(letter, letter)
        assert letter is not None
        if letter not in (*self.variables, *self.parameters):
            raise UsageError(
                f"no derivative by {quoted(letter)}",
                hint=f"it can be {listed([*self.variables, *self.parameters], 'or')}",
            )
        return derivative(self.tree, letter, self.variables, whole=self.whole, order=order)

    def entry(self, kink: str = "default") -> Entry:
        """The formula as an entry. A vector's Jacobian takes its kink rule from here, the others as they are called."""
        if not self.whole:
            return self._elementwise()
        from gradcalc.formula.vector_kernels import VectorKernels  # late: elementwise formulas need none

        kernels = VectorKernels(self.tree, self.variables, self.parameters)
        if self.variables[0] == LOSS[0]:
            return self._vector_loss(kernels)
        if not is_vector(self.tree, self.variables):
            return VectorToScalar(
                value=kernels.number_value,
                gradient=lambda np, x, side, *rest: kernels.gradient(np, x, rest, "z", side),
                at_kink=lambda np, x, *rest: kernels.at_kink(np, x, rest),
                params=self._params(kernels.by_number, sided=True),
                **self._common(),
            )
        return VectorActivation(
            value=kernels.vector_value,
            jacobian=partial(kernels.jacobian, kink=kink),
            vjp=partial(kernels.vjp, kink=kink),
            outputs=kernels.outputs,
            one_sided=kernels.one_sided_jacobian if kernels.has_kinks() else None,
            params=self._params(lambda letter: kernels.settled(letter, kink)),
            **self._common(),
        )

    def _elementwise(self) -> Entry:
        kernels = Kernels(self.tree, self.variables, self.parameters)
        main = self.variables[0]
        same: dict[str, Any] = {
            "value": kernels.value,
            "derivative": kernels.derivative(main),
            "second": kernels.second,
            "one_sided": kernels.one_sided if kernels.has_kinks() else None,
            "params": self._params(kernels.derivative, per_unit=True),
            **self._common(),
        }
        if self.variables == ACTIVATION:
            return Elementwise(**same)
        return ElementwiseLoss(by_target=kernels.derivative("y"), **same)

    def _vector_loss(self, kernels: VectorKernels) -> Entry:
        if is_vector(self.tree, self.variables):
            raise self._error(
                self.tree, "a loss of a whole example is one number", "take the sum or the mean of its entries"
            )
        return VectorLoss(
            value=kernels.number_value,
            gradient=lambda np, x, y, side, *rest: kernels.gradient(np, x, (y, *rest), "a", side),
            by_target=lambda np, x, y, *rest: kernels.gradient(np, x, (y, *rest), "y", "default"),
            at_kink=lambda np, x, y, *rest: kernels.at_kink(np, x, (y, *rest)),
            target_sides=(
                lambda np, x, y, side, *rest: kernels.gradient(np, x, (y, *rest), "y", side),
                lambda np, x, y, *rest: kernels.at_kink(np, x, (y, *rest), "y"),
            ),
            takes="values",
            additive=False,
            params=self._params(kernels.by_number, sided=True),
            **self._common(),
        )

    def _params(self, slope: Any, *, per_unit: bool = False, sided: bool = False) -> tuple[Param, ...]:
        """A parameter for each name; a formula's have no defaults, for they are known by being given."""
        return tuple(self._param(letter, slope, per_unit, sided) for letter in self.parameters)

    def _param(self, letter: str, slope: Any, per_unit: bool, sided: bool) -> Param:
        """One parameter; what functions of the catalogue ask of it is asked of it."""
        at_most = upper(self.written, letter)
        at_most = at_most if at_most in self.parameters else ""
        return Param(
            letter,
            float("nan"),
            "of the formula",
            domain(self.written, letter),
            per_unit=per_unit and not at_most,
            derivative=slope(letter),
            one_sided=(slope(letter, -1), slope(letter, 1)) if sided else None,
            at_most=at_most,
        )

    def _common(self) -> dict[str, Any]:
        return {
            "name": "formula",
            "title": "Formula",
            "formula": shown(self.written),
            "derivative_formula": self._derivative_text(),
            "source": "the user",
        }

    def _derivative_text(self) -> str:
        """The derivative for people; empty where it would be too long."""
        try:
            found = self.derivative()
        except GradcalcError:
            return ""
        text = PRODUCT + shown(found) if UPSTREAM in found.names else shown(found)
        return text if len(text) <= _LONGEST_SHOWN else ""


def of_entry(entry: Entry, text: str = "") -> Formula:
    """A catalogue entry's formula, or another `text` of it, with those of its parameters that stand there."""
    text = text or entry.formula
    used = parse(text, (*letters(entry), *parameter_names(entry))).names
    names = [name for name in parameter_names(entry) if name in used]
    return Formula(text, names, variables=letters(entry))


#: How the catalogue writes the entry of a Jacobian, and how its product with what comes in.
JACOBIAN = "J[i][j] = "
PRODUCT = f"J^T {UPSTREAM} = "


def declared_derivative(entry: Entry) -> Node | None:
    """The derivative as a catalogue entry writes it, a Jacobian's by i and j; None for one that is for people only."""
    text = entry.derivative_formula
    indices = ("i", "j") if text.startswith(JACOBIAN) else ()
    more = (UPSTREAM,) if text.startswith(PRODUCT) else ()
    text = text.removeprefix(JACOBIAN).removeprefix(PRODUCT)
    try:
        return written(text, (*letters(entry), *parameter_names(entry), *more), indices)
    except GradcalcError:
        return None


def _check_names(names: tuple[str, ...]) -> None:
    """A parameter's name must be one, and not a function's."""
    for letter in names:
        if not (letter.isascii() and letter.isidentifier()):
            raise UsageError(f"a parameter cannot be named {quoted(letter)}", hint="letters, digits and _")
        if letter in (*ARGUMENTS, *ALIASES, UPSTREAM):
            raise UsageError(f"a parameter cannot be named {letter}, which is a function's name")
