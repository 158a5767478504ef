"""A formula's tree as kernels like those of catalogue entries: value, slopes and one-sided slopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.errors import GradcalcError
from gradcalc.formula import floats
from gradcalc.formula.evaluate import SIDED_TERMS, evaluate
from gradcalc.formula.rules import STEPS
from gradcalc.formula.tree import COMPARISONS, Node, walk
from gradcalc.functions.entry import choose

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcalc.formula.series import Series

_SIDES = {"left": -1, "right": 1}


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
        return self._shaped(found[0], given), self._shaped(_nth(found, 1), given)

    def _term(self, given: tuple[Any, ...], letter: str, term: int) -> Any:
        return self._shaped(_nth(self._series(given, letter, 1 + term, 0), term), given)

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
        return self._touches(*_CHOICES, "norm", "sqrt", "cbrt", "^")

    def _touches(self, *ops: str) -> bool:
        """Whether the formula has one of these, or a function of the catalogue with kinks."""
        from gradcalc.formula.calls import elementwise

        for node in walk(self.tree):
            if node.op in ops:
                return True
            entry = elementwise(node.op) if node.args else None
            if entry is not None and entry.kinks:
                return True
        return False


#: Where the sides of a tie may differ.
_CHOICES = (*COMPARISONS, *STEPS, "if", "abs", "max", "min", "clip")


def _nth(found: Series, term: int) -> Any:
    """A term of a series; a constant has no slope."""
    return found[term] if term < len(found) else 0.0


class VectorKernels(Kernels):
    """A formula with functions of the whole vector, the last axis of its first letter. NumPy only."""

    def vector_value(self, np: Any, x: Any, *rest: Any) -> Any:
        """Every entry of the result (..., n)."""
        return np.broadcast_to(self._vector(np, x, rest, "", 0)[0], x.shape).copy()

    def number_value(self, np: Any, x: Any, *rest: Any) -> Any:
        """The one number of the result (...)."""
        return np.broadcast_to(self._vector(np, x, rest, "", 0)[0], (*x.shape[:-1], 1))[..., 0].copy()

    def jacobian(self, np: Any, x: Any, *rest: Any, kink: str = "default") -> Any:
        """J[i][j] = d out_i / d in_j, under the user's rule for kinks."""
        return np.swapaxes(self._rows(np, x, rest, kink, slice(None)), -1, -2)

    def vjp(self, np: Any, x: Any, upstream: Any, *rest: Any, kink: str = "default") -> Any:
        """Upstream times the Jacobian."""

        if kink == "default" and x.shape[-1] > _MANY:
            found = self._written(np, x, rest, self.main, upstream)
            if found is not None:
                return found

        def work(x: Any, g: Any, part: slice) -> Any:
            return (self._rows(np, x, rest, kink, part) * g[..., None, :]).sum(axis=-1)

        return _in_pieces(np, work, x, upstream)

    def _rows(self, np: Any, x: Any, rest: tuple[Any, ...], kink: str, part: slice) -> Any:
        """The derivatives (..., n, n), a row for each entry of z in the part, under the user's rule for kinks."""
        if kink in _SIDES:
            return self._directions(np, x, rest, self.main, _SIDES[kink], part)
        found = self._directions(np, x, rest, self.main, 0, part)
        if kink == "default" or not self.has_kinks():
            return found
        left, right = (self._directions(np, x, rest, self.main, side, part) for side in (-1, 1))
        return np.where(left == right, found, choose(kink, left, right))

    def gradient(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str, side: str) -> Any:
        """The derivative of a one-number result by every entry of a letter, (..., n)."""
        if side not in _SIDES and x.shape[-1] > _MANY:
            found = self._written(np, x, rest, letter, 1.0)
            if found is not None:
                return found
        count = len(self.variables) - 1
        vectors, values = rest[:count], rest[count:]

        def work(x: Any, *more: Any) -> Any:
            *targets, part = more
            return self._directions(np, x, (*targets, *values), letter, _SIDES.get(side, 0), part)[..., 0]

        return _in_pieces(np, work, x, *vectors)

    def _written(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str, upstream: Any) -> Any:
        """The derivative by its own formula, in time linear in the entries; None where ties or 0 * inf need more."""
        from gradcalc.formula.symbolic import UPSTREAM, derivative

        if self._touches(*_CHOICES):
            return None
        try:
            tree = derivative(self.tree, letter, self.variables, whole=True)
        except GradcalcError:
            return None
        names = {name: (value,) for name, value in zip(self.letters, (x, *rest), strict=True)}
        kernels = VectorKernels(tree, self.variables, self.letters[len(self.variables) :])
        found = kernels._run(np, {**names, UPSTREAM: (upstream,)}, x.shape[-1], 0)[0]
        return np.broadcast_to(found, x.shape).copy() if np.isfinite(found).all() else None

    def at_kink(self, np: Any, x: Any, rest: tuple[Any, ...]) -> Any:
        """Which entries' one-sided derivatives differ."""
        if not self.has_kinks():
            return np.zeros(x.shape, dtype=bool)
        left, right = (self.gradient(np, x, rest, self.main, side) for side in ("left", "right"))
        return (left != right) & ~(np.isnan(left) | np.isnan(right))

    def by_number(self, letter: str) -> Any:
        """The derivative of the result by a parameter: a vector's (..., n), a number's (...)."""

        def kernel(np: Any, x: Any, *rest: Any) -> Any:
            found = _nth(self._vector(np, x, rest, letter, 0), 1)
            size = x.shape[-1] if self.gives_vector else 1
            found = np.broadcast_to(found, (*x.shape[:-1], size))
            return found.copy() if self.gives_vector else found[..., 0].copy()

        return kernel

    @property
    def gives_vector(self) -> bool:
        """Whether the result has an entry for each of the input's."""
        from gradcalc.formula.shapes import is_vector

        return is_vector(self.tree, self.variables)

    def _directions(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str, side: int, part: slice) -> Any:
        """Slopes (..., rows, n or 1), a row for each of the letter's entries in the part."""
        n = x.shape[-1]
        terms = SIDED_TERMS if side else 2
        start, stop, _ = part.indices(n)
        slope = np.eye(stop - start, n, start, dtype=x.dtype)
        names = {}
        for name, value in zip(self.letters, (x, *rest), strict=True):
            vector = name in self.variables and np.ndim(value) > 0
            lifted = value[..., None, :] if vector else value
            names[name] = (lifted, slope, *[0.0] * (terms - 2)) if name == letter else (lifted,)
        found = _nth(self._run(np, names, n, side), 1)
        width = n if self.gives_vector else 1
        return np.broadcast_to(found, (*x.shape[:-1], stop - start, width))

    def _vector(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str, side: int) -> Series:
        """The series by a parameter, or the plain value."""
        given = zip(self.letters, (x, *rest), strict=True)
        names = {name: (value, 1.0) if name == letter else (value,) for name, value in given}
        return self._run(np, names, x.shape[-1], side)

    def _run(self, np: Any, names: dict[str, Series], n: int, side: int) -> Series:
        from gradcalc.formula import arrays

        names.setdefault("n", (float(n),))
        with np.errstate(all="ignore"):
            return evaluate(arrays, self.tree, names, main=self.main, side=side, guarded=True)


#: Longer vectors are differentiated by the derivative's own formula, if that can be written.
_MANY = 32

#: So many numbers each step of a derivative may have.
_PIECE = 1 << 21


def _in_pieces(np: Any, work: Callable[..., Any], x: Any, *vectors: Any) -> Any:
    """work(x, vectors..., part of the entries) -> (..., part), some examples and some entries at a time."""
    n = x.shape[-1]
    rows = [np.broadcast_to(vector, x.shape).reshape(-1, n) for vector in (x, *vectors)]
    examples, entries = max(1, _PIECE // (n * n)), max(1, _PIECE // n)
    found = [
        np.concatenate([work(*some, slice(j, j + entries)) for j in range(0, n, entries)], axis=-1)
        for some in ([row[i : i + examples] for row in rows] for i in range(0, len(rows[0]), examples))
    ]
    return np.concatenate(found).reshape(x.shape)
