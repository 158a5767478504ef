"""A formula of a whole vector as kernels like those of catalogue entries: values, Jacobians, gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.formula.evaluate import SIDED_TERMS, evaluate
from gradcalc.formula.kernels import Kernels, nth
from gradcalc.formula.shapes import length
from gradcalc.formula.tree import Node, binds
from gradcalc.functions.entry import choose

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcalc.formula.series import Series

_SIDES = {"left": -1, "right": 1}

#: Longer vectors are differentiated backwards, in time linear in their entries.
_MANY = 32

#: So many numbers each step of a derivative may have.
_PIECE = 1 << 21


class VectorKernels(Kernels):
    """A formula with functions of the whole vector, the last axis of its first letter. NumPy only."""

    def vector_value(self, np: Any, x: Any, *rest: Any) -> Any:
        """Every entry of the result (..., m)."""
        shape = (*x.shape[:-1], self.outputs(x.shape[-1]))
        return np.broadcast_to(self._vector(np, x, rest, "", 0)[0], shape).copy()

    def number_value(self, np: Any, x: Any, *rest: Any) -> Any:
        """The one number of the result (...)."""
        return np.broadcast_to(self._vector(np, x, rest, "", 0)[0], (*x.shape[:-1], 1))[..., 0].copy()

    def outputs(self, n: int) -> int:
        """How many entries the result has for an input of n."""
        from gradcalc.formula.reductions import counted

        return int(counted(n * length(self.tree, self.variables))) if self.gives_vector else 1

    def jacobian(self, np: Any, x: Any, *rest: Any, kink: str = "default") -> Any:
        """J[i][j] = d out_i / d in_j, under the user's rule for kinks."""
        return np.swapaxes(self._rows(np, x, rest, kink, slice(None)), -1, -2)

    def vjp(self, np: Any, x: Any, upstream: Any, *rest: Any, kink: str = "default") -> Any:
        """Upstream times the Jacobian."""

        def work(x: Any, g: Any, part: slice) -> Any:
            return (self._rows(np, x, rest, kink, part) * g[..., None, :]).sum(axis=-1)

        if x.shape[-1] <= _MANY or kink == "undefined":
            return self._in_pieces(np, work, x, upstream)
        sides = (-1, 1) if kink == "midpoint" else (_SIDES.get(kink, 0),)
        found = [self._backward(np, x, rest, self.main, side, upstream, work) for side in sides]
        return sum(found) / len(found)

    def _rows(self, np: Any, x: Any, rest: tuple[Any, ...], kink: str, part: slice) -> Any:
        """Slopes (..., part, m) by some of the entries."""
        found = self._directions(np, x, rest, self.main, 0, part)
        if kink == "default" or not self.has_kinks():
            return found
        left, right = (self._directions(np, x, rest, self.main, side, part) for side in (-1, 1))
        return np.where(left == right, found, choose(kink, left, right))

    def one_sided_jacobian(self, np: Any, x: Any, side: str, *rest: Any) -> Any:
        """The Jacobian a little to one side of each entry."""
        return np.swapaxes(self._directions(np, x, rest, self.main, _SIDES[side], slice(None)), -1, -2)

    def gradient(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str, side: str) -> Any:
        """The derivative of a one-number result by every entry of a letter, (..., n)."""
        count = len(self.variables) - 1
        vectors, values = rest[:count], rest[count:]

        def work(x: Any, *more: Any) -> Any:
            *targets, part = more
            return self._directions(np, x, (*targets, *values), letter, _SIDES.get(side, 0), part)[..., 0]

        if x.shape[-1] <= _MANY:
            return self._in_pieces(np, work, x, *vectors)
        return self._backward(np, x, rest, letter, _SIDES.get(side, 0), 1.0, lambda x, _, *more: work(x, *more))

    def at_kink(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str = "") -> Any:
        """By which entries the one-sided derivatives differ."""
        if not self.has_kinks():
            return np.zeros(x.shape, dtype=bool)
        left, right = (self.gradient(np, x, rest, letter or self.main, side) for side in ("left", "right"))
        return (left != right) & ~(np.isnan(left) | np.isnan(right))

    def by_number(self, letter: str, side: int = 0) -> Any:
        """The derivative of the result by a parameter, or to one side of it: a vector's (..., m), a number's (...)."""

        def kernel(np: Any, x: Any, *rest: Any) -> Any:
            found = nth(self._vector(np, x, rest, letter, side), 1)
            found = np.broadcast_to(found, (*x.shape[:-1], self.outputs(x.shape[-1])))
            return found.copy() if self.gives_vector else found[..., 0].copy()

        return kernel

    def settled(self, letter: str, kink: str) -> Any:
        """The derivative of a vector's entries by a parameter, under the user's rule for kinks."""

        def kernel(np: Any, x: Any, *rest: Any) -> Any:
            found, left, right = (self.by_number(letter, side)(np, x, *rest) for side in (0, -1, 1))
            return found if kink == "default" else np.where(left == right, found, choose(kink, left, right))

        return kernel

    @property
    def gives_vector(self) -> bool:
        """Whether the result has entries, and is not one number."""
        return length(self.tree, self.variables) > 0.0

    def _directions(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str, side: int, part: slice) -> Any:
        """Slopes (..., rows, m or 1), a row for each of the letter's entries in the part."""
        n = x.shape[-1]
        terms = SIDED_TERMS if side else 2
        start, stop, _ = part.indices(n)
        slope = np.eye(stop - start, n, start, dtype=x.dtype)
        names = {}
        for name, value in zip(self.letters, (x, *rest), strict=True):
            vector = name in self.variables and np.ndim(value) > 0
            lifted = value[..., None, :] if vector else value
            names[name] = (lifted, slope, *[0.0] * (terms - 2)) if name == letter else (lifted,)
        found = nth(self._run(np, names, n, side), 1)
        return np.broadcast_to(found, (*x.shape[:-1], stop - start, self.outputs(n)))

    def _vector(self, np: Any, x: Any, rest: tuple[Any, ...], letter: str, side: int) -> Series:
        """The series by a parameter, or the plain value."""
        given = zip(self.letters, (x, *rest), strict=True)
        terms = (1.0, *[0.0] * (SIDED_TERMS - 2 if side else 0))
        names = {name: (value, *terms) if name == letter else (value,) for name, value in given}
        return self._run(np, names, x.shape[-1], side)

    def _run(self, np: Any, names: dict[str, Series], n: int, side: int) -> Series:
        from gradcalc.formula import arrays

        names.setdefault("n", (float(n),))
        with np.errstate(all="ignore"):
            return evaluate(arrays, self.tree, names, main=self.main, side=side, guarded=True, vectors=self.variables)

    def _backward(
        self,
        np: Any,
        x: Any,
        rest: tuple[Any, ...],
        letter: str,
        side: int,
        upstream: Any,
        work: Callable[..., Any],
    ) -> Any:
        """The derivative of upstream times the result, backwards; forwards where ties or 0 * inf need it."""
        from gradcalc.formula.reductions import check_tied
        from gradcalc.formula.reverse import Reverse

        n, m, count = x.shape[-1], self.outputs(x.shape[-1]), len(self.variables) - 1
        g = np.broadcast_to(upstream, (*x.shape[:-1], m)).reshape(-1, m)
        vectors = [np.broadcast_to(v, x.shape).reshape(-1, n) for v in (x, *rest[:count])]
        names = dict(zip(self.letters, (*vectors, *rest[count:]), strict=True))
        with np.errstate(all="ignore"):
            reverse = Reverse(names, self.variables, letter, side)
            found = reverse.derivative(self.tree, g)
            again = reverse.unsettled | ~np.isfinite(found).all(axis=-1)
        if again.any():
            check_tied(n, self.indices)
            found[again] = self._in_pieces(np, work, vectors[0][again], g[again], *(v[again] for v in vectors[1:]))
        return found.reshape(x.shape)

    def _in_pieces(self, np: Any, work: Callable[..., Any], x: Any, *vectors: Any) -> Any:
        """work(x, vectors..., part of the entries) -> (..., part), some examples and some entries at a time."""
        n = x.shape[-1]
        rows = [np.broadcast_to(v, (*x.shape[:-1], v.shape[-1])).reshape(-1, v.shape[-1]) for v in (x, *vectors)]
        each = n ** (1 + self.indices)
        examples, entries = max(1, _PIECE // (n * each)), max(1, _PIECE // each)
        found = [
            np.concatenate([work(*some, slice(j, j + entries)) for j in range(0, n, entries)], axis=-1)
            for some in ([row[i : i + examples] for row in rows] for i in range(0, len(rows[0]), examples))
        ]
        return np.concatenate(found).reshape(x.shape)

    @property
    def indices(self) -> int:
        """How many indices run at the same time."""
        return _deepest(self.tree)


def _deepest(node: Node) -> int:
    """How deep sums over indices stand within one another."""
    return max(map(_deepest, node.args), default=0) + binds(node)
