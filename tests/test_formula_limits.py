"""No formula takes long, however it is made: bounds in work done, not in time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcalc.errors import GradcalcError
from gradcalc.formula.entries import Formula
from gradcalc.formula.evaluate import Walk
from gradcalc.formula.tree import Node
from gradcalc.formula_cards import symbolic
from gradcalc.functions.entry import Elementwise, Entry, VectorActivation
from gradcalc.numerics import scalar


def nested(begin: str, end: str, times: int, inner: str = "z") -> str:
    """Something put into itself."""
    return begin * times + inner + end * times


def chained(first: str, step: str, times: int) -> str:
    """Short names each of which has the one before in it, many times."""
    return ", ".join([f"s0 = {first}", *(f"s{k} = {step.replace('s', f's{k - 1}')}" for k in range(1, times))])


NASTY = {
    "towers of powers": "^".join(["9"] * 38),
    "towers of z": "^".join(["z"] * 38),
    "towers of brackets": nested("(", "^z)", 38),
    "long numbers": "1" * 1990 + "*z",
    "negations": "not " * 400 + "z > 0",
    "comparisons": "<".join(["z"] * 90),
    "where in where": nested("where(z > 0, ", ", 1)", 38),
    "chains of if": " if z > 1 else ".join(f"z * {k}" for k in range(80)),
    "if in conditions": nested("(z if ", " > 0 else 1)", 30),
    "long products": " * ".join(f"(z + {k})" for k in range(90)),
    "products in products": nested("(", " * z + 1)", 38),
    "functions in functions": nested("sin(", ") * z", 38),
    "functions of the catalogue": nested("gelu(", ")", 38),
    "kinks in kinks": nested("max(", ", 1 - z)", 38),
    "many arguments": f"max({', '.join(f'{k} * z' for k in range(90))})",
    "sums in sums": nested("sum(z * ", ")", 38),
    "softmax of softmax": nested("softmax(", ")", 38),
    "norms of norms": nested("norm(", ") * z", 38),
    "functions of vectors": nested("sparsemax(", ")", 12),
    "names in names": f"s9 with {chained('z', 's * s + 1', 10)}",
    "names without end": f"s13 with {chained('z', 's * s + 1', 14)}",
    "names in sums": f"s8 with {chained('z', 'tanh(s) * s + sum(s)', 9)}",
    "vectors ever longer": f"sum(s9) with {chained('z', 'join(s, s)', 10)}",
    "halves without end": nested("first_half(", ")", 30, "join(z, z)"),
    "triples": "sum(i, sum(j, sum(k, max(z[i], z[j]) * z[k])))",
    "pairs in pairs": " + ".join(["sum(i, max(j, z[i] * z[j]))"] * 30),
}

#: So many parts of trees may be made, and so many looked at, for all that one question asks.
MADE, LOOKED_AT = 60_000, 25_000


@pytest.mark.parametrize("name", NASTY)
def test_work_is_bounded(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made, looked = _counted(monkeypatch, Node, "__init__"), _counted(monkeypatch, Walk, "number")
    for ask in (_values, _first, _second):
        made.clear()
        looked.clear()
        try:
            ask(NASTY[name])
        except GradcalcError as error:
            assert str(error)
        assert len(made) < MADE and len(looked) < LOOKED_AT


def _counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[None]:
    """The calls of a method, as they come."""
    calls: list[None] = []
    own = getattr(owner, name)

    def called(*args: Any) -> Any:
        calls.append(None)
        return own(*args)

    monkeypatch.setattr(owner, name, called)
    return calls


def _values(formula: str) -> None:
    """What eval asks for at one point, on a kink of some."""
    entry: Entry = Formula(formula).entry()
    if isinstance(entry, Elementwise):
        for kernel in (
            entry.value,
            entry.derivative,
            entry.second,
            *([entry.one_sided("z")] if entry.one_sided else []),
        ):
            kernel(scalar, 0.0)
        return
    vector: Any = entry
    x = np.array([0.0, -1.0, 1.0, 2.0])
    vector.value(np, x)
    if isinstance(entry, VectorActivation):
        entry.jacobian(np, x)
    else:
        vector.gradient(np, x, "default")
        vector.at_kink(np, x)


def _first(formula: str) -> None:
    symbolic(None, formula, (), None, 1)


def _second(formula: str) -> None:
    symbolic(None, formula, (), None, 2)
