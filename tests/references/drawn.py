"""Settings drawn at random from all that a function takes: parameters over their whole range, inputs of all sizes."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from gradcalc.errors import InputError
from gradcalc.functions.entry import (
    ANY,
    UNIT,
    Domain,
    Elementwise,
    ElementwiseLoss,
    Entry,
    Param,
    VectorActivation,
    VectorLoss,
)
from gradcalc.functions.joint import CLASS, JointLoss

#: Digits for sums of products of the largest and the smallest floats.
DIGITS = 1400

_AROUND = (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 10.0, 80.0)
_ENDS = (5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-154, 1e-16, 1e16, 1e154, 1e300, 1.7976931348623157e308)
_POINTS = 6


def settings(entry: Entry, count: int, seed: str) -> Iterator[tuple[dict[str, Any], list[tuple[Any, ...]]]]:
    """Parameters as a user gives them, and points to try them at."""
    draw = random.Random(f"{entry.name} {seed}")
    for _ in range(count):
        given = _given(draw, entry)
        pivots = [abs(p) for p in entry.parameters(given).values() if type(p) is float and 0 < abs(p) < math.inf]
        found = [point for _ in range(_POINTS) if (point := _point(draw, entry, given, pivots)) is not None]
        if found:
            yield given, found


def _given(draw: random.Random, entry: Entry) -> dict[str, Any]:
    """Some of the parameters, the others left at their defaults."""
    while True:
        given = {param.name: _parameter(draw, param) for param in entry.params if draw.random() < 0.8}
        try:
            entry.parameters(given)
        except InputError:  # two that do not go together
            continue
        return given


def _parameter(draw: random.Random, param: Param) -> Any:
    if isinstance(param.default, bool):
        return draw.random() < 0.5
    if param.choices:
        return draw.choice(param.choices)
    if param.default is None and draw.random() < 0.4:
        return None
    if param.name == "ignore_index" or param.domain is CLASS:
        return float(draw.randrange(3))
    return number(draw, param.domain, [abs(param.default)] if param.default else [])


def number(draw: random.Random, domain: Domain, pivots: list[float]) -> float:
    """A number of the domain, of any size, or one that has to do with the pivots."""
    if domain.members is not None:
        return draw.choice(domain.members)
    while True:
        x = draw.choice((_plain, _any_size, _at_an_end, _near, _near))(draw, pivots)
        x = draw.choice((x, draw.random(), x % 1.0, 1.0 - x % 1.0)) if domain.high <= 1.0 else x
        x = x if domain.low >= 0.0 else draw.choice((1.0, -1.0)) * x
        if x in domain and abs(x) < math.inf:
            return x


def _plain(draw: random.Random, pivots: list[float]) -> float:
    return draw.choice((draw.uniform(0, 1), draw.uniform(0, 5), draw.uniform(0, 50), 10 ** draw.uniform(-4, 4)))


def _any_size(draw: random.Random, pivots: list[float]) -> float:
    return math.ldexp(draw.uniform(0.5, 1), draw.randint(-1073, 1024))


def _at_an_end(draw: random.Random, pivots: list[float]) -> float:
    return draw.choice(_ENDS) * draw.choice((1.0, 1.0, draw.random()))


def _near(draw: random.Random, pivots: list[float]) -> float:
    """Something near a pivot, its inverse or its root, or a number of times as large as a function's range is."""
    x = draw.choice((*_AROUND, *pivots, *pivots, *pivots))
    x = draw.choice((x, x, x, 1.0 / x if x > 1e-308 else x, math.sqrt(x)))
    x *= draw.choice((1.0, 1.0, 1.0, draw.uniform(0, 2), draw.uniform(0, 50), draw.uniform(0, 760)))
    x += draw.choice((0.0, 0.0, draw.choice((1.0, draw.random(), *pivots))))
    return math.nextafter(x, draw.choice((-math.inf, math.inf))) if draw.random() < 0.4 else x


def _point(draw: random.Random, entry: Entry, given: dict[str, Any], pivots: list[float]) -> tuple[Any, ...] | None:
    """An input and all that goes with it, or None where a drawn one does not fit."""
    parameters = entry.parameters(given)
    if isinstance(entry, Elementwise):
        return (number(draw, entry.domain, pivots),)
    if isinstance(entry, ElementwiseLoss):
        x = number(draw, entry.inputs(parameters), pivots)
        y = _target(draw, entry.targets(parameters), x, pivots)
        return (x, y, *(_target(draw, ANY, x, pivots) for _ in entry.further))
    if isinstance(entry, JointLoss):
        return _joint(draw, entry, parameters, pivots)
    x = vector(draw, entry.domain, draw.randint(1, 6), pivots)
    try:
        if isinstance(entry, VectorActivation):
            entry.outputs(len(x))
    except InputError:
        return None
    return (x, _target_of(draw, entry, x, pivots)) if isinstance(entry, VectorLoss) else (x,)


def _target(draw: random.Random, domain: Domain, x: float, pivots: list[float]) -> float:
    """A target near the input as often as not."""
    if domain.members is None and draw.random() < 0.5:
        pivot = draw.choice((0.0, *pivots, *pivots))
        y = draw.choice((x, x + pivot, x - pivot, x * draw.uniform(-1, 2), x * (1 + draw.gauss(0, 1e-8))))
        y = math.nextafter(y, draw.choice((-math.inf, math.inf, y)))
        if y in domain and abs(y) < math.inf:
            return y
    return number(draw, domain, pivots)


def vector(draw: random.Random, domain: Domain, length: int, pivots: list[float]) -> list[float]:
    """Entries of one size, of all sizes, or almost equal ones; some the same."""
    base, kind = number(draw, domain, pivots), draw.randrange(5)
    spread = draw.choice((1e-15, 1e-9, 0.1, 1.0, 1.0, 30.0, 400.0))
    found = []
    while len(found) < length:
        x = [
            number(draw, domain, pivots),
            draw.gauss(0, spread),
            base + draw.gauss(0, spread),
            base * (1.0 + draw.gauss(0, spread)),
            draw.choice((*found, base, number(draw, domain, pivots))),
        ][kind]
        x = x if domain.low < 0 else abs(x)
        found.append(x if x in domain and abs(x) < math.inf else number(draw, domain, pivots))
    return found


def _target_of(draw: random.Random, entry: VectorLoss, x: list[float], pivots: list[float]) -> Any:
    """Values near and far, a distribution or what is none, or a class."""
    n = len(x)
    if entry.takes == "class":
        return draw.randrange(n)
    if entry.target_domain.members is not None:
        return [draw.choice(entry.target_domain.members) for _ in x]
    if entry.takes == "values" and entry.target_domain is not UNIT:
        return [_target(draw, entry.target_domain, a, pivots) for a in x]
    shares = draw.choice((vector(draw, UNIT, n, []), [draw.random() ** draw.choice((1, 9, 99)) for _ in x]))
    own = draw.randrange(n)
    whole = sum(shares) or 1.0
    return draw.choice((shares, [share / whole for share in shares], [float(i == own) for i in range(n)]))


def _joint(
    draw: random.Random, entry: JointLoss, parameters: dict[str, Any], pivots: list[float]
) -> tuple[Any, ...] | None:
    n = draw.randint(1, 4)
    if entry.rank == 1:
        x = vector(draw, ANY, n, pivots)
        sign = (draw.choice((-1.0, 1.0)),) if entry.takes == "sign" else ()
        return (x, *sign, *(_partner(draw, x, pivots) for _ in entry.further))
    rows = [vector(draw, ANY, n + (entry.takes == "sequence"), pivots)]
    while len(rows) < 4 and draw.random() < 0.8:
        rows.append(_partner(draw, rows[0], pivots))
    blank = parameters.get("blank")
    labels = [draw.randrange(n + 1 if blank is not None else 3) for _ in rows]
    if blank is not None:
        labels = [label for label in labels if label != blank][: draw.randint(0, 3)]
    try:
        if entry.fits:
            import numpy as np

            entry.fits(np.array(rows), np.array(labels, dtype=int), parameters)
    except InputError:
        return None
    return rows, labels


def _partner(draw: random.Random, x: list[float], pivots: list[float]) -> list[float]:
    """A vector of the same length: near, parallel, or any other."""
    scale = draw.choice((1.0, 1.0, draw.uniform(-3, 3), number(draw, ANY, pivots)))
    spread = draw.choice((0.0, 1e-16, 1e-9, 0.1, 1.0))
    near = [a * scale * (1.0 + draw.gauss(0, spread)) for a in x]
    return draw.choice((near, vector(draw, ANY, len(x), pivots))) if all(map(math.isfinite, near)) else list(x)
