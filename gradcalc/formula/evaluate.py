"""Value and derivatives of a formula in one walk over its tree, on numbers that carry their derivatives (`series`)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gradcalc.formula import series
from gradcalc.formula.calls import bound, elementwise
from gradcalc.formula.parse import entry_tree, parse
from gradcalc.formula.rules import CONSTANTS, PARTS, POWER_BY_BASE, POWER_BY_EXPONENT, STEPS, UNARY, Rule
from gradcalc.formula.shapes import length, of_whole, reduces
from gradcalc.formula.tree import COMPARISONS, LOGIC, Node, binds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gradcalc.formula.series import Series

#: So many terms show the side a tie goes to, unless the tied agree to the third order.
SIDED_TERMS = 4


@lru_cache(maxsize=256)
def rule_tree(rule: Rule) -> Node:
    """A derivative rule as it is computed."""
    return parse(rule.exact or rule.derivative, ("x", "f", "y"))


def evaluate(
    nx: Any,
    node: Node,
    names: Mapping[str, Series],
    *,
    main: str = "",
    side: int = 0,
    guarded: bool = False,
    vectors: tuple[str, ...] = (),
) -> Series:
    """The formula's series for the names' series.

    `main` is the variable (z or a): a factor without it is a weight, and a weight of 0 switches its term off.
    `guarded` makes 0 of a slope of 0 times an infinite one. `vectors` are the names that stand for n entries.
    """
    return Walk(nx, names, main, side, guarded, vectors).number(node)


class Walk:
    """One evaluation: the number system, what the names stand for, and how ties are settled.

    Within sums over indices every index has an axis of its own, in their order after that of the vector's entries.
    """

    def __init__(
        self,
        nx: Any,
        names: Mapping[str, Series],
        main: str,
        side: int,
        guarded: bool,
        vectors: tuple[str, ...] = (),
        indices: tuple[str, ...] = (),
    ) -> None:
        self.nx, self.names, self.main, self.side, self.guarded = nx, names, main, side, guarded
        self.vectors, self.indices = vectors, indices

    def within(self, *indices: str) -> Walk:
        """The same evaluation where these indices run."""
        return type(self)(self.nx, self.names, self.main, self.side, self.guarded, self.vectors, indices)

    def number(self, node: Node) -> Series:
        """The series of a node."""
        if self.indices and not node.free:
            return tuple(spread(term, len(self.indices)) for term in self.within().number(node))
        op = node.op
        if op == "number":
            return (node.value,)
        if op == "name":
            letter = str(node.value)
            return self.names[letter] if letter in self.names else (CONSTANTS[letter],)
        if op in COMPARISONS or op in LOGIC:
            return (self.nx.where(self.condition(node), 1.0, 0.0),)
        if op == "if":
            return self.choice(*node.args)
        if op == "*":
            return self.product(*node.args)
        if op == "index":
            return (entry_of(self.nx.counted(self.names["n"][0]), self.place(node), len(self.indices)),)
        if op == "at":
            place = self.place(node)
            found = self.within().number(node.args[0])
            return tuple(entry_of(term, place, len(self.indices)) for term in found)
        if binds(node):
            return self.over_index(node)
        return self.function(node, [self.number(arg) for arg in node.args if arg.op != "="])

    def place(self, node: Node) -> int:
        """Which of the indices that run a node means: the innermost of that name."""
        return len(self.indices) - 1 - self.indices[::-1].index(str(node.value))

    def function(self, node: Node, given: list[Series]) -> Series:
        """An operator or function of its arguments' series."""
        op = node.op
        if op in _OPERATORS and not reduces(node):
            return tuple(_OPERATORS[op](self, *given))
        if op in _ROOTS and self.leaves_zero(given[0]):
            found = series.from_zero(given[0], _ROOTS[op], self.side, odd=op == "cbrt")
            if found:
                return found
        if op in UNARY:
            value = getattr(self.nx, op)(given[0][0])
            return series.compose(value, given[0], self.slope(UNARY[op]), guarded=self.guarded)
        if op in STEPS:
            return series.stepped(self.nx, op, given[0], self.side)
        if of_whole(node):
            return self.reduced(node, *given)
        return self.catalogue(node, given[0])

    def condition(self, node: Node) -> Any:
        """Whether a condition holds: one bool, or an array of them."""
        if node.op in COMPARISONS:
            a, b = map(self.number, node.args)
            return series.compare(self.nx, node.op, a, b, self.side)
        parts = [self.condition(arg) for arg in node.args]
        if node.op == "not":
            return not parts[0] if isinstance(parts[0], bool) else ~parts[0]
        return parts[0] & parts[1] if node.op == "and" else parts[0] | parts[1]

    def choice(self, test: Node, then: Node, orelse: Node) -> Series:
        """The branch that is taken; on one number the other is not even looked at."""
        condition = self.condition(test)
        if isinstance(condition, bool):
            return self.number(then if condition else orelse)
        return series.pick(self.nx, condition, self.number(then), self.number(orelse))

    def product(self, left: Node, right: Node) -> Series:
        a, b = self.number(left), self.number(right)
        if self.main in left.names and self.main not in right.names:
            return series.switched(self.nx, b, a)
        if self.main in right.names and self.main not in left.names:
            return series.switched(self.nx, a, b)
        return series.multiply(a, b)

    def power(self, base: Series, exponent: Series) -> Series:
        """base^exponent, by whichever of the two is no constant; by both as a sum of both slopes."""
        value = self.nx.power(base[0], exponent[0])
        if len(base) == 1 or len(exponent) == 1:
            return self.power_by_one(value, base, exponent)
        found: Series = (value,)
        for k in range(1, len(base)):
            by_base = self.power_slope(POWER_BY_BASE, base[:k], exponent[:k], found)
            by_exponent = self.power_slope(POWER_BY_EXPONENT, base[:k], exponent[:k], found)
            slope = series.add(
                series.multiply(by_base, _slopes(base[: k + 1])),
                series.multiply(by_exponent, _slopes(exponent[: k + 1])),
            )
            found = (*found, slope[k - 1] / k)
        return found

    def power_by_one(self, value: Any, base: Series, exponent: Series) -> Series:
        if len(exponent) == 1 and isinstance(exponent[0], float):
            if exponent[0] == 0.0:
                return (value,)
            if exponent[0] == 1.0:
                return base
            if self.leaves_zero(base) and exponent[0] > 0.0 and not exponent[0].is_integer():
                found = series.from_zero(base, exponent[0], self.side)
                if found:
                    return found
        if len(exponent) == 1:
            return series.compose(
                value, base, lambda x, f: self.power_slope(POWER_BY_BASE, x, exponent, f), guarded=self.guarded
            )
        return series.compose(
            value, exponent, lambda y, f: self.power_slope(POWER_BY_EXPONENT, base, y, f), guarded=self.guarded
        )

    def leaves_zero(self, u: Series) -> bool:
        """Whether one number is 0 and is asked for its derivative to a side."""
        return self.side != 0 and len(u) > 1 and isinstance(u[0], float) and u[0] == 0.0

    def power_slope(self, rule: Rule, base: Series, exponent: Series, value: Series) -> Series:
        return evaluate(self.nx, rule_tree(rule), {"x": base, "y": exponent, "f": value}, guarded=self.guarded)

    def slope(self, rule: Rule) -> Any:
        """A function's slope as a function of its argument and its own value."""
        tree = rule_tree(rule)
        return lambda x, f: evaluate(self.nx, tree, {"x": x, "f": f}, guarded=self.guarded)

    def extreme(self, sign: float, given: list[Series]) -> Series:
        """max (sign 1) or min (sign -1) of several."""
        found = given[0]
        for other in given[1:]:
            if sign > 0:
                found = series.larger(self.nx, found, other, self.side)
            else:
                found = series.negative(
                    series.larger(self.nx, series.negative(found), series.negative(other), self.side)
                )
        return found

    def clip(self, x: Series, low: Series, high: Series) -> Series:
        """x, but no less than low and no more than high."""
        return self.extreme(-1.0, [self.extreme(1.0, [x, low]), high])

    def reduced(self, node: Node, *given: Series) -> Series:
        """A function of a whole vector."""
        from gradcalc.formula import reductions  # late: it needs NumPy

        n = self.names["n"][0]
        lengths = [length(arg, self.vectors) or 1.0 for arg in node.args]
        if node.op in PARTS:
            return reductions.parts(node.op, [reductions.counted(n * part) for part in lengths], given)
        return reductions.reduced(node.op, reductions.counted(n * lengths[0]), self.side, *given)

    def over_index(self, node: Node) -> Series:
        """A sum of what an index runs over, or the largest."""
        from gradcalc.formula import reductions  # late: it needs NumPy

        n = self.names["n"][0]
        reductions.check_pairs(n, len(self.indices) + 1 + (length(node, self.vectors) > 0.0))
        found = self.within(*self.indices, str(node.value)).number(node.args[0])
        return tuple(term[..., 0] for term in reductions.reduced(node.op, n, self.side, found))

    def catalogue(self, node: Node, u: Series) -> Series:
        """A function of the catalogue: by its own kernels; by its formula where a side or a parameter matters."""
        entry = elementwise(node.op)
        assert entry is not None  # the parser knows the names
        given = bound(entry, node.args)
        words = {name: arg.value for name, arg in given.items() if arg.op == "word"}
        parameters = {name: self.number(arg) for name, arg in given.items() if arg.op != "word"}
        values = {**entry.parameters({}), **words, **{name: p[0] for name, p in parameters.items()}}
        if any(len(p) > 1 for p in parameters.values()) or (self.side and entry.kinks and len(u) > 1):
            known = {name: (float("inf") if value is None else value,) for name, value in values.items()}
            inner = known | parameters | {"z": u}
            return Walk(self.nx, inner, "z", self.side, self.guarded).number(entry_tree(entry))
        args = (self.nx.xp, u[0], *values.values())

        def slope(x: Series, _: Series) -> Series:
            terms = [entry.derivative(*args)]
            if len(x) > 1:
                terms.append(entry.second(*args) * x[1])
            return (*terms, *[self.nx.xp.nan] * (len(x) - 2))

        return series.compose(entry.value(*args), u, slope, guarded=self.guarded)


def spread(term: Any, axes: int) -> Any:
    """An array with further axes at its end, along which it is the same."""
    shape = getattr(term, "shape", ())
    return term.reshape((*shape, *[1] * axes)) if shape else term


def entry_of(term: Any, place: int, axes: int) -> Any:
    """An array with its entries along the axis of one of the indices."""
    shape = getattr(term, "shape", ())
    if not shape:
        return term
    after = [1] * axes
    after[place] = shape[-1]
    return term.reshape((*shape[:-1], 1, *after))


#: Roots as powers.
_ROOTS = {"sqrt": 0.5, "cbrt": 1.0 / 3.0}


def _slopes(a: Series) -> Series:
    """The series of the derivative."""
    return tuple(k * term for k, term in enumerate(a) if k)


_OPERATORS: dict[str, Any] = {
    "neg": lambda _, a: series.negative(a),
    "+": lambda _, a, b: series.add(a, b),
    "-": lambda _, a, b: series.subtract(a, b),
    "/": lambda walk, a, b: series.divide(walk.nx, a, b),
    "^": lambda walk, a, b: walk.power(a, b),
    "abs": lambda walk, a: series.magnitude(walk.nx, a, walk.side),
    "clip": lambda walk, x, low, high: walk.clip(x, low, high),
    "max": lambda walk, *given: walk.extreme(1.0, list(given)),
    "min": lambda walk, *given: walk.extreme(-1.0, list(given)),
}
