"""Numbers with their derivatives: the first terms of a Taylor series, (value, slope, curvature / 2, ...).

A tuple of one term is a constant: what does not depend on the variable has exactly no slope, so that no infinite
factor makes a NaN of it. `nx` is the number system, `floats` or `arrays`; on floats a choice between two numbers
takes the chosen one whole, on arrays term by term. A `side` of -1 or 1 settles ties as if the variable had been
moved a little to that side; 0 is the default.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

Series = tuple[Any, ...]


def add(a: Series, b: Series) -> Series:
    """a + b."""
    shorter = min(len(a), len(b))
    rest = a if len(a) > len(b) else b
    return (*(x + y for x, y in zip(a, b, strict=False)), *rest[shorter:])


def negative(a: Series) -> Series:
    """-a."""
    return tuple(-x for x in a)


def subtract(a: Series, b: Series) -> Series:
    """a - b."""
    return add(a, negative(b))


def multiply(a: Series, b: Series) -> Series:
    """A times b."""
    if len(b) == 1:
        a, b = b, a
    if len(a) == 1:
        return tuple(a[0] * x for x in b)
    return tuple(_total([a[i] * b[k - i] for i in range(k + 1)]) for k in range(len(b)))


def switched(nx: Any, fixed: Series, b: Series) -> Series:
    """A fixed weight times b, where a weight of 0 switches even an infinite b off: 0 * log(0) is 0."""
    if len(fixed) > 1:
        return multiply(fixed, b)
    weight = fixed[0]
    return tuple(nx.where((weight == 0.0) & (x == x), 0.0, weight * x) for x in b)


def divide(nx: Any, a: Series, b: Series) -> Series:
    """A divided by b."""
    if len(b) == 1:
        return tuple(nx.divide(x, b[0]) for x in a)
    found: list[Any] = []
    for k in range(len(b)):
        known = _total([found[i] * b[k - i] for i in range(k)]) if k else 0.0
        term = a[k] if k < len(a) else 0.0
        found.append(nx.divide(term - known if k else term, b[0]))
    return tuple(found)


def compose(value: Any, u: Series, slope: Callable[[Series, Series], Series], *, guarded: bool = False) -> Series:
    """f(u) from f's value and its slope as a function of (u, f), both series: f' = slope * u', term by term."""
    found: Series = (value,)
    for k in range(1, len(u)):
        g = slope(u[:k], found)
        g = (*g, *[0.0] * (k - len(g)))
        terms = [_product(j * u[j], g[k - j], guarded) for j in range(1, k + 1)]
        found = (*found, _total(terms) / k if k > 1 else terms[0])
    return found


def from_zero(u: Series, exponent: float, side: int, *, odd: bool = False) -> Series | None:
    """u^exponent a little to the side of a zero of u, from u's first term that is not 0; None where none is known.

    With u = c t^m it is |c|^exponent t^(m exponent), on either side; `odd` keeps the sign, as the cube root does.
    """
    m = next((k for k, term in enumerate(u) if term != 0.0), None)
    if m is None or u[m] != u[m]:
        return None
    sign = (1.0 if u[m] > 0.0 else -1.0) * (side**m)
    if sign < 0.0 and not odd:
        return (0.0, *[float("nan")] * (len(u) - 1))
    power = m * exponent
    slope = 0.0 if power > 1.0 else abs(u[m]) ** exponent if power == 1.0 else float("inf")
    return (0.0, sign * side * slope, *[float("nan")] * (len(u) - 2))


def _product(a: Any, b: Any, guarded: bool) -> Any:
    """A times b; guarded, a slope of 0 stops even an infinite one."""
    if not guarded:
        return a * b
    from numpy import isnan, where

    return where((a == 0.0) & ~isnan(b), 0.0, a * b)


def _total(terms: list[Any]) -> Any:
    found = terms[0]
    for term in terms[1:]:
        found = found + term
    return found


def pick(nx: Any, condition: Any, a: Series, b: Series) -> Series:
    """A where the condition holds, else b."""
    if isinstance(condition, bool):
        return a if condition else b
    return tuple(nx.where(condition, x, y) for x, y in zip_longest(a, b, fillvalue=0.0))


def direction(nx: Any, a: Series, side: int) -> Any:
    """The sign of a, or where it is 0 the sign it has a little to the side."""
    found = nx.sign(a[0])
    if side:
        for k, term in enumerate(a[1:], 1):
            found = nx.where(found == 0.0, nx.sign(term) * side**k, found)
    return found


def difference_sign(nx: Any, a: Series, b: Series, side: int) -> Any:
    """The sign of a - b where they are equal: 0, or what it is a little to the side."""
    return direction(nx, (0.0 * nx.where(a[0] == b[0], 0.0, 1.0), *subtract(a, b)[1:]), side)


def compare(nx: Any, op: str, a: Series, b: Series, side: int) -> Any:
    """Whether a < b, and so on."""
    plain = _COMPARE[op](a[0], b[0])
    if not side or (len(a) == 1 and len(b) == 1):
        return plain
    tied = a[0] == b[0]
    if isinstance(tied, bool) and not tied:
        return plain
    beside = _COMPARE[op](difference_sign(nx, a, b, side), 0.0)
    return beside if isinstance(tied, bool) else nx.where(tied, beside, plain)


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


def larger(nx: Any, a: Series, b: Series, side: int) -> Series:
    """max(a, b). In a tie: the larger a little to the side; by default the slope nearest to 0 between the two."""
    first = (a[0] > b[0]) | (a[0] != a[0])
    tied = a[0] == b[0]
    if isinstance(tied, bool) and not tied:
        return a if first else b
    if side:
        return pick(nx, first | (tied & (difference_sign(nx, a, b, side) >= 0.0)), a, b)
    return pick(nx, tied, nearest_zero(nx, a, b), pick(nx, first, a, b))


def nearest_zero(nx: Any, a: Series, b: Series) -> Series:
    """Of two that are equal the one with the slope nearest to 0; a slope of 0 where they go opposite ways."""
    if len(a) == 1 or len(b) == 1:
        return a if len(a) == 1 else (b[0],)
    opposite = nx.sign(a[1]) * nx.sign(b[1]) < 0.0
    return pick(nx, opposite, (a[0],), pick(nx, nx.absolute(a[1]) <= nx.absolute(b[1]), a, b))


def magnitude(nx: Any, a: Series, side: int) -> Series:
    """abs(a): at 0 the slope is 0, or one-sided."""
    return (nx.absolute(a[0]), *(direction(nx, a, side) * x for x in a[1:]))


def stepped(nx: Any, name: str, a: Series, side: int) -> Series:
    """sign, floor and ceil: flat, with jumps."""
    if name == "sign":
        return (direction(nx, a, side),)
    whole = nx.floor(a[0]) if name == "floor" else nx.ceil(a[0])
    if side and len(a) > 1:
        beside = direction(nx, (0.0 * a[0], *a[1:]), side)
        step = -1.0 if name == "floor" else 1.0
        whole = nx.where((whole == a[0]) & (beside == step), whole + step, whole)
    return (whole,)
