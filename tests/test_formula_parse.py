"""Reading formulas: what they mean, what is refused and where, and that no text of any kind does harm."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from formula_trees import formulas
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.formula import arrays, floats
from gradcalc.formula.constants import constant
from gradcalc.formula.entries import Formula
from gradcalc.formula.grammar import written
from gradcalc.formula.latex import latex
from gradcalc.formula.limits import LONGEST
from gradcalc.formula.parse import parse
from gradcalc.formula.rules import ARGUMENTS, UNARY
from gradcalc.formula.show import text
from gradcalc.formula.tokens import FormulaError
from gradcalc.formula.tree import Node
from gradcalc.formula_cards import formula_latex
from gradcalc.functions import entries
from gradcalc.functions.entry import Elementwise, Entry, Param, VectorActivation, VectorToScalar

CONSTANTS = {
    "ln(3)": math.log(3), "1/3": 1 / 3, "(-pi)": -math.pi, "2^0.5": 2**0.5, "-2^2": -4.0, "2^-1": 0.5,
    "2^3^2": 512.0, "(2^3)^2": 64.0, "2**3": 8.0, "1 - 2 - 3": -4.0, "8 / 4 / 2": 1.0, "-3": -3.0, "--3": 3.0,
    ".5 + 1e-3": 0.501, "e": math.e, "max(1, 3, 2)": 3.0, "min(1, 3, 2)": 1.0, "clip(5, 0, 1)": 1.0,
    "1 if 2 > 1 else 0": 1.0, "where(1 >= 2, 1, 0)": 0.0, "1 < 2 < 3": 1.0, "1 < 2 and not 2 < 1": 1.0,
    "3 > 2 or 1 > 2": 1.0, "(1 == 1) + (1 != 1)": 1.0, "9^9^9^9": math.inf, "0^-1": math.inf, "1/0": math.inf,
    "log(0)": -math.inf, "exp(1000)": math.inf, "sinh(-1000)": -math.inf, "cosh(1000)": math.inf, "-1/0": -math.inf,
    "cbrt(-8)": -2.0, "sign(-2)": -1.0, "floor(-0.5)": -1.0, "ceil(0.5)": 1.0, "atanh(1)": math.inf,
    "sigmoid(0)": 0.5, "leaky_relu(-1, alpha=0.2)": -0.2, "1e999": math.inf, "arctan(1)": math.pi / 4,
}  # fmt: skip


@pytest.mark.parametrize("formula", CONSTANTS)
def test_a_constant_has_its_value(formula: str) -> None:
    assert constant(formula) == pytest.approx(CONSTANTS[formula], rel=1e-15)


@pytest.mark.parametrize("formula", ["sqrt(-1)", "log(-1)", "asin(2)", "acosh(0)", "(-8)^(1/3)", "0/0", "inf - inf"])
def test_outside_a_domain_is_nan(formula: str) -> None:
    assert math.isnan(constant(formula))


def test_both_number_systems_have_every_function() -> None:
    x = np.array([0.25, 0.75])
    for name in set(floats.__all__) - {"xp", "where"}:
        one, many = getattr(floats, name), getattr(arrays, name)
        more = (0.5,) if name in ("divide", "maximum", "minimum", "power") else ()
        given = 1.0 + x if name == "acosh" else x
        np.testing.assert_allclose(many(given, *more), [one(float(z), *more) for z in given], rtol=1e-15)
    assert set(UNARY) <= set(floats.__all__)


#: A text, the column of the caret, and words of the error.
REFUSED = {
    "": (1, "an empty formula"),
    "2z": (2, "write 2 * z"),
    "2(z)": (2, "write 2 * ("),
    "z(2)": (2, "'*'"),
    "z z": (3, "'*'"),
    "1 +": (4, "breaks off"),
    "* 2": (1, "'*' cannot stand here"),
    "(z": (1, "not closed"),
    "z)": (2, "no bracket is open"),
    "exp(z": (4, "not closed"),
    "exp()": (1, "exp takes 1 argument, not 0"),
    "exp(z, 2)": (1, "exp takes 1 argument, not 2"),
    "max()": (1, "max takes at least 1 argument, not 0"),
    "clip(z)": (1, "clip takes 3 arguments, not 1"),
    "leaky_relu(z, 1, 2)": (1, "leaky_relu takes 1 to 2 arguments, not 3"),
    "leaky_relu(z, alpa=1)": (15, "did you mean alpha?"),
    "leaky_relu(z, 1, alpha=1)": (18, "given twice"),
    "leaky_relu(alpha=1, z)": (12, "argument first"),
    "leaky_relu(z, alpha=up)": (15, "must be a number"),
    "exp(x=z)": (5, "no parameter 'x'"),
    "tahn(z)": (1, "did you mean tan"),
    "z + foo": (5, "unknown name 'foo'"),
    "exp": (1, "argument in brackets: exp(z)"),
    "cross_entropy(z)": (1, "loss of its own"),
    "z = 2": (3, "'=='"),
    "z := 2": (3, "assigns nothing"),
    "math.exp(z)": (5, "no attributes"),
    "z.real": (2, "no attributes"),
    "'z'": (1, "no text"),
    "z # note": (3, "no comments"),
    "z; z": (2, "single formula"),
    "z\nz": (2, "one line"),
    "z[0]": (3, "an index is one that a sum runs over"),
    "z[j]": (3, "an index is one that a sum runs over"),
    "sum(j, z[i])": (10, "here it can be j"),
    "sum(j, z[j)": (11, "this index is not closed"),
    "sum(i, i, z[i])": (1, "one entry at a time"),
    "sum(j, sum(j, z[j] + 1) + j, 2)": (28, "a decimal number has a point"),
    "norm(j, z)": (6, "unknown name 'j'"),
    "s with s": (8, "needs its meaning"),
    "s with 2": (8, "a name is needed"),
    "s with z = 2": (8, "has a meaning already"),
    "s with exp = z": (8, "has a meaning already"),
    "s with s = 2, s = z": (15, "has a meaning already"),
    "s with s = t, t = z": (12, "unknown name 't'"),
    "(z with s = z)": (4, "'with' cannot stand here"),
    "z with s = 2 if z > 0": (22, "needs its 'else'"),
    "sparsemax(z, ties=first)": (19, "cannot be chosen in a formula"),
    "|z|": (1, "abs(z)"),
    "z && 1": (3, "'and'"),
    "z // 2": (3, "floor"),
    "z % 2": (3, "no remainder"),
    "lambda z": (1, "'lambda' is no part"),
    "True": (1, "'True' is no part"),
    "1.2.3": (1, "'1.2.3' is no number"),
    "0x10": (2, "'0x10'"),
    "1,5": (2, "decimal number has a point"),
    "z if z else 0": (6, "a condition is needed"),
    "z if z > 0": (11, "needs its 'else'"),
    "where(z, 1, 2)": (7, "a condition is needed"),
    "not z": (5, "a condition is needed"),
    "\u2212z": (1, "minus sign"),
    "z\u00b2": (2, "'^2'"),
    "z ^": (4, "breaks off"),
    "(" * 60 + "z" + ")" * 60: (41, "too deep"),
    "+".join(["z"] * 200): (1, "too deep"),
    "z" + " " * LONGEST: (1, f"at most {LONGEST} characters"),
}


@pytest.mark.parametrize("formula", REFUSED, ids=lambda formula: formula[:20])
def test_what_is_no_formula_is_refused_with_its_place(formula: str) -> None:
    column, words = REFUSED[formula]
    with pytest.raises(FormulaError) as caught:
        parse(formula, ("z",))
    error = caught.value
    assert words in str(error)
    assert error.place is not None and error.place.column == column
    assert "\n" not in error.message


#: The same of whole vectors, where it is a matter of what has entries and of how many.
REFUSED_OF_VECTORS = {
    "first_half(2) + sum(z)": (1, "first_half is of vectors"),
    "first_half(z) + z": (1, "not as many entries"),
    "first_half(z) < z and z > 1": (1, "not as many entries"),
    "sum(j, first_half(z)[j])": (8, "an entry for each of the input's"),
    "sum(j, 2[j])": (8, "an entry for each of the input's"),
    "sum(i, sum(j, (z[i] * z)[j]))": (15, "cannot stand within"),
    "sum(j, sum(z * z[j]))": (8, "sum cannot look at single entries"),
    "sum(j, sparsemax(z[j]))": (8, "cannot"),
}


@pytest.mark.parametrize("formula", REFUSED_OF_VECTORS)
def test_what_vectors_cannot_be_is_refused_with_its_place(formula: str) -> None:
    column, words = REFUSED_OF_VECTORS[formula]
    with pytest.raises(FormulaError, match=words) as caught:
        Formula(formula)
    assert caught.value.place is not None and caught.value.place.column == column


def test_short_names_cannot_make_a_formula_too_long() -> None:
    parts = [f"s{k} = s{k - 1} * s{k - 1} + s{k - 1}" for k in range(1, 40)]
    with pytest.raises(FormulaError, match="too long with its short names"):
        parse(f"s39 with s0 = z, {', '.join(parts)}", ("z",))


def test_an_input_must_suit_its_formula() -> None:
    halves: Any = Formula("first_half(z) * second_half(z)").entry()
    with pytest.raises(GradcalcError, match="even number"):
        halves.value(np, np.array([1.0, 2.0, 3.0]))
    pairs: Any = Formula("sum(i, j, k, z[i] * z[j] * z[k])").entry()
    with pytest.raises(GradcalcError, match="combinations"):
        pairs.value(np, np.zeros(5000))
    tied: Any = Formula("sum(i, j, max(z[i], 2 * z[j]))").entry()
    with pytest.raises(GradcalcError, match="entries of the input tie"):
        tied.gradient(np, np.zeros(200), "default")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(formulas(("a", "y")))
def test_text_and_tree_are_the_same(tree: Node) -> None:
    written = text(tree)
    assert parse(written, ("a", "y")) == tree
    assert text(parse(written, ("a", "y"))) == written


WRITTEN = (
    "-z^2", "(-z)^2", "(-2)^2", "-(-z)", "z - (z - z)", "z / (z * z)", "z * (z / z)", "(z^z)^z", "z^z^z", "2^(-z)",
    "2^-3", "(z if z > 0 else 1) * 2", "z if z > 0 else 1 if z < -1 else 2", "(z > 0) * z", "(z if z > 0 else 1)^2",
    "not z > 0 and (z < 1 or z == 2)", "sum(i, sum(j, z[i] * z[j]))", "softmin(z) * 2",
    "max(j, (z + 1)[j]) * t with t = z^2, q = t", "sum(j, (2 if j == 1 else z[j]) * j)",
    "join(first_half(z), 2 * z)", "(z > 0) == (z < 1)", "z * (-z)", "z + (-2)", "max(z, 0, min(z, 1))",
    "leaky_relu(z, alpha=0.2)", "1e-30 * z", "1e+22 * z", "-(z + 1)", "(not z > 0) * 2", "-z * z", "norm(z, 3)",
)  # fmt: skip


@pytest.mark.parametrize("formula", WRITTEN)
def test_brackets_stand_where_they_are_needed(formula: str) -> None:
    try:
        tree = written(formula, ("z",))
    except FormulaError:
        assert formula.startswith("(not") or " == (" in formula
        return
    assert written(text(tree), ("z",)) == tree
    assert text(tree) == formula
    _check_latex(latex(tree))


def _check_latex(shown: str) -> None:
    """Every brace and bracket has its partner, and every command is one that LaTeX with amsmath has."""
    bare = re.sub(r"\\[_^{}]", "", shown)
    assert all(bare[:k].count("{") >= bare[:k].count("}") for k in range(len(bare) + 1))
    assert bare.count("{") == bare.count("}")
    assert shown.count(r"\left") == shown.count(r"\right")
    assert shown.count(r"\begin{cases}") == shown.count(r"\end{cases}")
    assert shown.isascii()
    assert not re.search(r"\\\\\s*[\[*]", shown), "a bracket behind a line's end would be its argument"
    assert set(re.findall(r"\\([A-Za-z]+)", shown)) <= LATEX


#: The commands our formulas use.
LATEX = set(
    re.findall(
        "[A-Za-z]+",
        """frac cdot exp ln sin cos tan sinh cosh tanh arcsin arccos arctan max min log sigma sum prod operatorname sqrt
    left right lvert rvert lVert rVert lfloor rfloor lceil rceil begin end text quad land lor lnot le ge ne infty mathrm
    top alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho tau phi chi psi omega""",
    )
)


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_latex_of_every_card_is_latex(entry: Entry) -> None:
    for shown in formula_latex(entry).values():
        _check_latex(shown)


def test_latex_of_what_courses_write() -> None:
    shown = {
        "1 / (1 + exp(-z))": r"\frac{1}{1 + \exp\left(-z\right)}",
        "z * tanh(z)": r"z \cdot \tanh\left(z\right)",
        "tanh(z)^2": r"\tanh^{2}\left(z\right)",
        "alpha * z": r"\alpha \cdot z",
        "0.5 * (z + 1)": r"0.5 \, \left(z + 1\right)",
        "abs(z) - sqrt(z)": r"\left\lvert z \right\rvert - \sqrt{z}",
        "z if z > 0 else 0": r"\begin{cases} z & \text{if } z > 0 \\ 0 & \text{otherwise} \end{cases}",
        "pos_weight * z": r"\mathrm{pos\_weight} \cdot z",
        "1e-05 * inf": r"1 \cdot 10^{-5} \cdot \infty",
    }
    for formula, expected in shown.items():
        assert latex(parse(formula, ("z", "alpha", "pos_weight"))) == expected


WORDS = ("z", "a", "y", "2", "1e9", "pi", "n", "inf", *UNARY, *ARGUMENTS, "gelu", "softmax", "(", ")", ",", "+", "-",
         "*", "/", "^", "**", "<", "==", "if", "else", "and", "or", "not", "=", ".", "é", "\x00", " ")  # fmt: skip


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join) | st.text(max_size=40))
@example("^".join(["9"] * 30))
@example("^".join(["z"] * 30))
@example("(" * 39 + "z" + ")" * 39)
@example("exp(" * 30 + "z" + ")" * 30)
@example("-" * 1900 + "z")
@example("not " * 400 + "z > 0")
def test_any_text_gives_a_function_or_one_of_our_errors(written: str) -> None:
    try:
        entry = Formula(written).entry()
    except GradcalcError as error:
        assert str(error)
        return
    _try_out(entry)


def _try_out(entry: object) -> None:
    """Value and derivative of whatever the formula is, at a few numbers: anything may come but an exception."""
    from gradcalc.functions.entry import ElementwiseLoss, VectorLoss
    from gradcalc.numerics import scalar

    x, y = np.array([0.0, -1.5, 2.0]), np.array([1.0, 0.0, -2.0])
    if isinstance(entry, Elementwise | ElementwiseLoss):
        for z in (0.0, -1.5, 1e300, math.inf, math.nan):
            args = (z,) if isinstance(entry, Elementwise) else (z, 1.0)
            for kernel in (entry.value, entry.derivative, entry.second):
                assert isinstance(kernel(scalar, *args), float)
            if entry.one_sided:
                assert len(entry.one_sided("z" if len(args) == 1 else "a")(scalar, *args)) == 3
    elif isinstance(entry, VectorActivation):
        assert entry.jacobian(np, x).shape == (3, 3)
    elif isinstance(entry, VectorToScalar):
        assert entry.gradient(np, x, "right").shape == (3,)
    else:
        assert isinstance(entry, VectorLoss)
        assert entry.gradient(np, x, y, "default").shape == (3,)


def test_parameters_are_named_by_being_given() -> None:
    assert Formula("b * z", ("b",)).parameters == ("b",)
    assert Formula("a * z", ("a",)).variables == ("z",)
    for names, words in ((("c",), "no parameter 'c'"), (("exp",), "a function's name"), (("2b",), "cannot be named")):
        with pytest.raises(UsageError, match=words):
            Formula("b * z", ("b", *names))


def test_a_formula_is_of_z_or_of_a_and_y() -> None:
    for formula, kind in (("z * a", ""), ("a * y", "activation"), ("z", "loss")):
        with pytest.raises(FormulaError):
            Formula(formula, (), kind)  # type: ignore[arg-type]  # one of the words it takes
    with pytest.raises(FormulaError, match="one number"):
        Formula("(a - y) * mean(a)").entry()


CALLABLE = [
    (entry, param)
    for entry in entries()
    if isinstance(entry, Elementwise | VectorActivation | VectorToScalar)
    for param in entry.params
    if param.name != "ties"
]


@pytest.mark.parametrize(("entry", "param"), CALLABLE, ids=lambda part: part.name)
def test_what_a_function_refuses_is_refused_within_a_formula(entry: Entry, param: Param) -> None:
    """Numbers, formulas of numbers, and a formula's own parameters; bounds in the wrong order too."""
    opposite = next((p for p in entry.params if param.name == p.at_most or param.at_most == p.name), None)
    wrong = [x for x in (-1.0, 0.0, math.nan) if x not in param.domain or x != x]
    if opposite:
        wrong.append(opposite.default + (1.0 if param.at_most else -1.0))
    for value in wrong:
        with pytest.raises(GradcalcError):
            entry.parameters({param.name: value})
        for text_of_it in (repr(value), f"0 + {value!r}") if value == value else ("log(-1)", "0 / 0"):
            with pytest.raises(FormulaError, match=rf"must be.*\b{param.name}\b|\b{param.name} must") as caught:
                Formula(f"{entry.name}(z, {param.name}={text_of_it})")
            assert caught.value.place is not None and caught.value.place.column > len("norm(z")
        with pytest.raises(GradcalcError, match="b must be"):
            Formula(f"{entry.name}(z, {param.name}=b)", ("b",)).entry().parameters({"b": value})


def test_bounds_in_the_wrong_order_are_refused_however_they_are_given() -> None:
    for call in ("hard_tanh(z, 1, -1)", "hard_tanh(z, max_val=0, min_val=1)", "rrelu(z, 1/2, 1/3)", "norm(z, 1 - 1)"):
        with pytest.raises(FormulaError, match="must be"):
            Formula(call)
    both = Formula("hard_tanh(z, b, c)", ("b", "c")).entry()
    assert both.parameters({"b": -2.0, "c": 3.0}) == {"b": -2.0, "c": 3.0}
    with pytest.raises(GradcalcError, match="b must be at most c"):
        both.parameters({"b": 4.0, "c": 3.0})
    assert Formula("hard_tanh(z, 2, 5) + hard_tanh(z, 2, max(z, 3)) + rrelu(z, 0.1)").entry()
