"""Every catalogue entry's printed formula is one of our language, and agrees with the entry's own kernels."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from further_inputs import further_of, target_of
from gradcalc.errors import GradcalcError
from gradcalc.formula import arrays, floats
from gradcalc.formula.entries import Formula, declared_derivative, of_entry
from gradcalc.formula.evaluate import Walk, evaluate
from gradcalc.formula.gathering import UPSTREAM
from gradcalc.formula.latex import latex
from gradcalc.formula.parse import meant, parameter_names, parse
from gradcalc.formula.show import text
from gradcalc.formula.tree import Node
from gradcalc.formula.vector_kernels import VectorKernels
from gradcalc.functions import entries
from gradcalc.functions.entry import (
    Elementwise,
    ElementwiseLoss,
    Entry,
    Param,
    VectorActivation,
    VectorLoss,
    VectorToScalar,
)
from gradcalc.functions.joint import JointLoss
from gradcalc.numerics import scalar

#: The language is one of numbers and vectors: what takes a matrix has a formula in words.
ENTRIES = [entry for entry in entries() if entry.rank < 2]

each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)


@pytest.fixture(autouse=True)
def _quietly() -> Iterator[None]:
    """As eval asks a vector's kernels."""
    with np.errstate(all="ignore"):
        yield


#: How far the straightforward evaluation of a formula may be from the kernel that keeps its digits.
NEAR: dict[str, Any] = {"rtol": 1e-7, "atol": 1e-12}


class Case(NamedTuple):
    """One of an entry's formulas, and the parameters it is for."""

    entry: Any
    text: str
    given: dict[str, object]

    @property
    def formula(self) -> Formula:
        return of_entry(self.entry, self.text)

    @property
    def parameters(self) -> dict[str, Any]:
        return self.entry.parameters(self.given)  # type: ignore[no-any-return]  # an entry of any class

    def values(self, formula: Formula) -> list[Any]:
        """The formula's own parameters in its order; a bound there is none of is infinite."""
        found = [self.parameters[self.entry.param(name).name] for name in formula.parameters]
        return [math.inf if value is None else value for value in found]


def another(entry: Entry, param: Param) -> object:
    """A value of a parameter that is not its default."""
    for value in (*param.choices, not param.default, 1.5, 3.0, 0.25, 0.1, 1.0):
        try:
            if entry.parameters({param.name: value})[param.name] != param.default:
                return value
        except GradcalcError:
            continue
    raise AssertionError(f"{entry.name}: {param.name}")


def cases(*kinds: type[Entry]) -> Any:
    """Every formula of these entries: with the defaults, with each parameter it names changed, and each variant."""
    found = []
    for entry in ENTRIES:
        named = {entry.param(name).name for name in of_entry(entry).parameters if name != "y"}
        changed = {param.name: {param.name: another(entry, param)} for param in entry.params}
        found += [Case(entry, entry.formula, given) for given in ({}, *(changed[name] for name in sorted(named)))]
        found += [Case(entry, text, changed[name]) for name, text in entry.variants.items()]
    mine = [case for case in found if isinstance(case.entry, kinds)]
    return pytest.mark.parametrize("case", mine, ids=lambda case: f"{case.entry.name} {case.given or ''}")


@each_entry
def test_every_parameter_stands_in_a_formula(entry: Entry) -> None:
    """Those that choose among slopes in a tie are no part of the value."""
    named = {entry.param(name).name for name in of_entry(entry).parameters if name != "y"}
    assert {param.name for param in entry.params} - named - {*entry.variants} <= {"ties"}
    for name, variant in entry.variants.items():
        assert name not in named
        assert text(of_entry(entry, variant).written)


def inputs(entry: Entry, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Numbers of the entry's sample, none on a round number where a kink may be."""
    low, high = entry.sample
    return np.linspace(low, high, count + 2)[1:-1] * 0.98765 + 0.00123 * (high - low)


@each_entry
def test_the_formula_is_in_the_language(entry: Entry) -> None:
    formula = of_entry(entry)
    again = text(formula.written)
    assert Formula(again, formula.parameters, variables=formula.variables).written == formula.written
    written = latex(formula.written)
    assert written.count("{") == written.count("}") and written.count(r"\left") == written.count(r"\right")


ELEMENTWISE = [entry for entry in ENTRIES if isinstance(entry, Elementwise)]


@cases(Elementwise)
def test_an_activation_agrees_with_its_formula(case: Case) -> None:
    entry, formula = case.entry, case.formula
    own: Any = formula.entry()
    given, chosen = case.parameters.values(), case.values(formula)
    for z in map(float, inputs(entry, 15)):
        expected = [getattr(entry, name)(scalar, z, *given) for name in ("value", "derivative", "second")]
        found = [getattr(own, name)(scalar, z, *chosen) for name in ("value", "derivative", "second")]
        np.testing.assert_allclose(found, expected, err_msg=f"{entry.name} at {z}", **NEAR)


@pytest.mark.parametrize("entry", ELEMENTWISE, ids=lambda entry: entry.name)
def test_the_derivative_as_a_formula_agrees_too(entry: Elementwise) -> None:
    formula = of_entry(entry)
    names = tuple(formula.parameters)
    slope = Formula(text(formula.derivative()), [n for n in names if n in formula.derivative().names], "activation")
    chosen = Case(entry, "", {}).values(slope)
    given = list(entry.parameters({}).values())
    own: Any = slope.entry()
    for z in map(float, inputs(entry, 20)):
        expected = entry.derivative(scalar, z, *given)
        np.testing.assert_allclose(own.value(scalar, z, *chosen), expected, err_msg=f"{z}", **NEAR)


def targets(entry: Any, parameters: dict[str, Any]) -> list[float]:
    """Some targets the loss takes."""
    domain = entry.targets(parameters)
    return [y for y in (domain.members or (-1.0, 0.3, 0.75, 1.0, 2.0)) if y in domain]


@cases(ElementwiseLoss)
def test_a_loss_agrees_with_its_formula(case: Case) -> None:
    entry, formula, parameters = case.entry, case.formula, case.parameters
    own: Any = formula.entry()
    kernels = [name for name in ("value", "derivative", "second", "by_target") if getattr(entry, name)]
    further, chosen = further_of(entry).values(), case.values(formula)
    for a in (a for a in map(float, inputs(entry, 9)) if a in entry.inputs(parameters)):
        for y in targets(entry, parameters):
            expected = [getattr(entry, name)(scalar, a, y, *further, *parameters.values()) for name in kernels]
            found = [getattr(own, name)(scalar, a, y, *further, *chosen) for name in kernels]
            np.testing.assert_allclose(found, expected, err_msg=f"{entry.name} at {a}, {y}", **NEAR)


@cases(VectorActivation, VectorToScalar)
def test_a_function_of_a_vector_agrees_with_its_formula(case: Case) -> None:
    entry, formula = case.entry, case.formula
    own: Any = formula.entry()
    x = inputs(entry, 8)[[3, 0, 5, 7, 1, 4, 6, 2]].reshape(2, 4)
    given, chosen = case.parameters.values(), case.values(formula)
    np.testing.assert_allclose(own.value(np, x, *chosen), entry.value(np, x, *given), **NEAR)
    if isinstance(entry, VectorActivation):
        np.testing.assert_allclose(own.jacobian(np, x, *chosen), entry.jacobian(np, x, *given), **NEAR)
        g = np.cos(np.arange(2.0 * entry.outputs(4))).reshape(2, -1)
        np.testing.assert_allclose(own.vjp(np, x, g, *chosen), entry.vjp(np, x, g, *given), **NEAR)
    else:
        found = own.gradient(np, x, "default", *chosen)
        np.testing.assert_allclose(found, entry.gradient(np, x, "default", *given), **NEAR)


def vector_target(entry: VectorLoss) -> np.ndarray[Any, np.dtype[np.float64]]:
    """A target the loss takes, as a vector: for classes that of class 1."""
    one_hot = np.array([0.0, 1.0, 0.0])
    several = [] if entry.takes == "class" else [np.array([0.2, -0.5, 1.5]), np.array([0.2, 0.3, 0.5])]
    return next(y for y in (*several, one_hot) if not entry.target_domain.outside(np, y).any())


@cases(VectorLoss)
def test_a_loss_of_a_vector_agrees_with_its_formula(case: Case) -> None:
    entry, formula = case.entry, case.formula
    own: Any = formula.entry()
    x = inputs(entry, 3)[[1, 2, 0]]
    y = vector_target(entry)
    theirs = np.asarray(1) if entry.takes == "class" else y
    given, chosen = case.parameters.values(), case.values(formula)
    np.testing.assert_allclose(own.value(np, x, y, *chosen), entry.value(np, x, theirs, *given), **NEAR)
    found = own.gradient(np, x, y, "default", *chosen)
    np.testing.assert_allclose(found, entry.gradient(np, x, theirs, "default", *given), **NEAR)
    slope = formula.derivative()
    assert UPSTREAM not in slope.names
    used = [name for name in formula.parameters if name in slope.names]
    kernels = VectorKernels(parse(text(slope), ("a", "y", *used)), ("a", "y"), tuple(used))
    found = kernels.vector_value(np, x, y, *(chosen[formula.parameters.index(name)] for name in used))
    np.testing.assert_allclose(found, own.gradient(np, x, y, "default", *chosen), **NEAR)


@cases(JointLoss)
def test_a_loss_of_several_vectors_agrees_with_its_formula(case: Case) -> None:
    entry, formula = case.entry, case.formula
    parameters = {"y": target_of(entry), **case.parameters}
    chosen = [parameters[name] for name in formula.parameters]
    x, *further = (np.array(vector) for vector in ([0.3, -1.25, 0.7], *further_of(entry).values()))
    target = [] if target_of(entry) is None else [target_of(entry)]
    kernels: Any = VectorKernels(formula.tree, formula.variables, formula.parameters)
    given = [*target, *further, *case.parameters.values()]
    np.testing.assert_allclose(kernels.number_value(np, x, *further, *chosen), entry.value(np, x, *given), **NEAR)
    given.insert(len(target) + len(further), "default")
    for letter, theirs in (("a", entry.gradient), *((one.name, one.derivative) for one in entry.further)):
        found = kernels.gradient(np, x, (*further, *chosen), letter, "default")
        np.testing.assert_allclose(found, theirs(np, x, *given), err_msg=letter, **NEAR)


DECLARED = [(entry, meant(tree, "")) for entry in ENTRIES if (tree := declared_derivative(entry)) is not None]


def test_every_derivative_is_in_the_language() -> None:
    assert [entry.name for entry, _ in DECLARED] == [entry.name for entry in ENTRIES]


@pytest.mark.parametrize(("entry", "tree"), DECLARED, ids=lambda part: getattr(part, "name", ""))
def test_a_derivative_in_the_language_agrees(entry: Any, tree: Node) -> None:
    parameters = {name: entry.parameters({})[entry.param(name).name] for name in tree.names & {*parameter_names(entry)}
                  if name != "y"}  # fmt: skip
    chosen = {name: (math.inf if value is None else value,) for name, value in parameters.items()}
    given = entry.parameters({}).values()
    if isinstance(entry, Elementwise):
        for z in map(float, inputs(entry, 20)):
            found = evaluate(floats, tree, {"z": (z,), **chosen}, main="z")[0]
            np.testing.assert_allclose(found, entry.derivative(scalar, z, *given), err_msg=f"{z}", **NEAR)
    elif isinstance(entry, ElementwiseLoss):
        further = further_of(entry)
        for a in map(float, inputs(entry, 9)):
            for y in targets(entry, entry.parameters({})):
                names = {"a": (a,), "y": (y,), **{name: (value,) for name, value in further.items()}, **chosen}
                expected = entry.derivative(scalar, a, y, *further.values(), *given)
                np.testing.assert_allclose(evaluate(floats, tree, names, main="a")[0], expected, **NEAR)
    elif isinstance(entry, JointLoss):
        further = {key: np.array(value) for key, value in further_of(entry).items()}
        x, y = np.array([0.3, -1.25, 0.7]), target_of(entry)
        target = {} if y is None else {"y": y}
        names = {key: (value,) for key, value in {"a": x, **target, **further}.items()} | {"n": (3.0,), **chosen}
        found = Walk(arrays, names, "a", 0, True, ("a", *further)).number(tree)[0]
        np.testing.assert_allclose(found, entry.gradient(np, x, *target.values(), *further.values(), "default", *given))
    else:
        _check_slopes(entry, tree, chosen, list(given))


def _check_slopes(entry: Any, tree: Node, chosen: dict[str, Any], given: list[Any]) -> None:
    """A Jacobian or gradient of a vector."""
    x = inputs(entry, 4)[[1, 3, 0, 2]]
    names: dict[str, Any] = {"n": (4.0,), **chosen}
    if isinstance(entry, VectorLoss):
        y = vector_target(entry)[[0, 1, 2, 0]]
        expected = entry.gradient(np, x, np.asarray(1) if entry.takes == "class" else y, "default", *given)
        found = Walk(arrays, {"a": (x,), "y": (y,), **names}, "a", 0, True, ("a", "y")).number(tree)[0]
    elif isinstance(entry, VectorActivation):
        g = np.cos(np.arange(float(entry.outputs(4))))
        product = UPSTREAM in tree.names
        expected = entry.vjp(np, x, g, *given) if product else entry.jacobian(np, x, *given)
        walk = Walk(arrays, {"z": (x,), UPSTREAM: (g,), **names}, "z", 0, True, ("z",), () if product else ("i", "j"))
        found = walk.number(tree)[0] if product else walk.number(tree)[0][0]
    else:
        expected = entry.gradient(np, x, "default", *given)
        found = Walk(arrays, {"z": (x,), **names}, "z", 0, True, ("z",)).number(tree)[0]
    np.testing.assert_allclose(found, expected, **NEAR)
