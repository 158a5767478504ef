"""Numbers that are written as formulas: ln(3), 1/3, (-pi)."""

from __future__ import annotations

from gradcalc.formula import floats
from gradcalc.formula.evaluate import evaluate
from gradcalc.formula.parse import parse
from gradcalc.formula.shapes import of_a_vector
from gradcalc.formula.tokens import FormulaError


def constant(text: str) -> float:
    """The value of a formula without variables: ln(3), 1/3, (-pi), 2^0.5. FormulaError where it is none."""
    tree = parse(text, ())
    if of_a_vector(tree):
        raise FormulaError("a number cannot be made of a vector", text, tree.span)
    return float(evaluate(floats, tree, {})[0])


def parted(text: str) -> list[str]:
    """What stands between commas that are not in brackets: max(1, 2) is one part."""
    parts, depth = [""], 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts
