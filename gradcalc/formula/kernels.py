"""A formula's tree as kernels like those of catalogue entries: value, slopes and one-sided slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.formula import floats
from gradcalc.formula.calls import elementwise
from gradcalc.formula.evaluate import SIDED_TERMS, evaluate
from gradcalc.formula.rules import STEPS
from gradcalc.formula.tree import COMPARISONS, Node, walk

if TYPE_CHECKING:
    from gradcalc.formula.series import Series


class Kernels:
    """A formula's functions of its variables (z; or a and y) and then its parameters, on floats and arrays alike."""

    def __init__(self, tree: Node, variables: tuple[str, ...], parameters: tuple[str, ...] = ()) -> None:
        self.tree, self.variables, self.main = tree, variables, variables[0]
        self.letters = (*variables, *parameters)

    def value(self, _: Any, *given: Any) -> Any:
        """The formula's value."""
        return self._term(given, "", 0)

    def derivative(self, letter: str) -> Any:
        """The kernel of the derivative by one of the letters."""
        return lambda _, *given: self._slope(given, letter, 1)

    def second(self, _: Any, *given: Any) -> Any:
        """The second derivative by the main variable."""
        return 2.0 * self._slope(given, self.main, 2)

    def one_sided(self, letter: str) -> Any:
        """The kernel of (left, right, jump): one-sided derivatives, and whether the value itself jumps there."""

        def sides(_: Any, *given: Any) -> tuple[Any, Any, Any]:
            before, left = self._both(given, letter, -1)
            after, right = self._both(given, letter, 1)
            return left, right, (before != after) & (before == before) & (after == after)

        return sides

    def _slope(self, given: tuple[Any, ...], letter: str, term: int) -> Any:
        """A derivative by the default rule. Where that meets 0 * inf, the one-sided ones decide."""
        found = self._term(given, letter, term)
        if isinstance(found, float):
            return found if found == found or term > 1 else self._settled(given, letter)
        import numpy as np

        lost = np.isnan(found) if term == 1 else np.zeros(1, dtype=bool)
        if not lost.any():
            return found
        columns = [np.broadcast_to(np.asarray(x, dtype=float), found.shape) for x in given]
        found = found.copy()
        for i in zip(*np.nonzero(lost), strict=True):
            found[i] = self._settled(tuple(float(column[i]) for column in columns), letter, exact=True)
        return found

    def _settled(self, given: tuple[Any, ...], letter: str, *, exact: bool = False) -> float:
        """One derivative where the walk gave NaN: that of the one number alone, or what lies between both sides."""
        if any(x != x for x in given):
            return floats.xp.nan
        if exact:
            alone = self._term(given, letter, 1)
            if alone == alone:
                return float(alone)
        left, right = (self._both(given, letter, side)[1] for side in (-1, 1))
        if left == right:
            return float(left)
        return 0.0 if left * right < 0 else float(min(left, right, key=abs)) if left * right >= 0 else floats.xp.nan

    def _both(self, given: tuple[Any, ...], letter: str, side: int) -> tuple[Any, Any]:
        """Value and derivative a little to one side."""
        found = self._series(given, letter, SIDED_TERMS, side)
        return self._shaped(found[0], given), self._shaped(nth(found, 1), given)

    def _term(self, given: tuple[Any, ...], letter: str, term: int) -> Any:
        return self._shaped(nth(self._series(given, letter, 1 + term, 0), term), given)

    def _series(self, given: tuple[Any, ...], letter: str, terms: int, side: int) -> Series:
        """The formula's series in one letter."""
        names = {
            name: (x, 1.0, *[0.0] * (terms - 2)) if name == letter and terms > 1 else (x,)
            for name, x in zip(self.letters, given, strict=True)
        }
        if all(isinstance(x, float) for x in given):
            return evaluate(floats, self.tree, names, main=self.main, side=side)
        import numpy as np

        from gradcalc.formula import arrays

        with np.errstate(all="ignore"):
            return evaluate(arrays, self.tree, names, main=self.main, side=side)

    def _shaped(self, found: Any, given: tuple[Any, ...]) -> Any:
        """A result in the shape of the input; NaN where that is."""
        x = given[0]
        if isinstance(x, float):
            return float(found) if x == x else x
        import numpy as np

        return np.where(np.isnan(x), x, found)

    def has_kinks(self) -> bool:
        """Whether anything in the formula can make its derivative jump."""
        return has_kinks(self.tree)


def has_kinks(tree: Node) -> bool:
    """Whether anything in a formula can make its derivative jump, a function of the catalogue included."""
    return any(node.op in _MAY_JUMP or _has_kinks(node) for node in walk(tree))


def _has_kinks(node: Node) -> bool:
    entry = elementwise(node.op) if node.args else None
    return entry is not None and bool(entry.kinks)


#: Where the sides of a tie may differ.
_MAY_JUMP = (*COMPARISONS, *STEPS, "if", "abs", "max", "min", "clip", "norm", "sqrt", "cbrt", "^")


def nth(found: Series, term: int) -> Any:
    """A term of a series; a constant has no slope."""
    return found[term] if term < len(found) else 0.0
