"""Inputs from the whole of float64: all exponents, tails, kinks, subnormals; the same ones each time."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

from gradcalc.functions.entry import ANY, UNIT, Domain

ANYWHERE = ANY

_MAGNITUDES = (
    0.0, 5e-324, 1e-323, 1e-310, 2.2250738585072014e-308, 1e-200, 1e-162, 1e-154, 1e-16, 1e-8, 1e-5, 0.1, 0.25, 0.5,
    1.0, 1.5, 2.0, 3.0, 10.0, 17.0, 30.6, 36.0, 36.7, 37.0, 38.5, 40.0, 100.0, 300.0, 354.0, 372.3, 372.6, 700.0, 709.7,
    710.0, 744.4, 745.0, 745.2, 746.0, 1e3, 1e10, 1e150, 1.4e154, 1e200, 1e300, 1.7e308,
)  # fmt: skip

_SHARES = (0.0, 5e-324, 1e-300, 1e-17, 1e-7, 0.01, 0.25, 0.4999999, 0.5, 0.75, 0.9999999, 0.99, 1 - 2**-53, 1.0)


def _beside(x: float) -> tuple[float, float, float]:
    return math.nextafter(x, -math.inf), x, math.nextafter(x, math.inf)


def numbers(domain: Domain, count: int, seed: str) -> list[float]:
    """Numbers of a domain: special ones and their neighbours, then random ones of every size."""
    draw = random.Random(seed)
    if domain.members is not None:
        return [draw.choice(domain.members) for _ in range(count)]
    if (domain.low, domain.high) == (0.0, 1.0):
        special = [near for share in _SHARES for near in _beside(share)]
        rest = [
            draw.choice((draw.random(), 10 ** draw.uniform(-323, 0), 1 - 10 ** draw.uniform(-16, 0)))
            for _ in range(count)
        ]
    else:
        special = [sign * near for m in _MAGNITUDES for near in _beside(m) for sign in (1.0, -1.0)]
        rest = [_any_number(draw) for _ in range(count)]
    return [x for x in special + rest if x in domain]


def _any_number(draw: random.Random) -> float:
    size = draw.choice((10 ** draw.uniform(-323, 308), draw.uniform(0, 760), draw.uniform(0, 5), draw.uniform(0, 1)))
    return draw.choice((-1.0, 1.0)) * size


def pairs(domain: Domain, targets: Domain, count: int, seed: str) -> Iterator[tuple[float, float]]:
    """A prediction and a target; where targets are free, some are near the prediction."""
    draw = random.Random(seed)
    for x in numbers(domain, count, seed):
        if targets.members is not None:
            yield from ((x, y) for y in targets.members)
        elif targets is UNIT:
            yield x, draw.choice((0.0, 1.0, 0.5, 0.3, draw.random(), 1e-10, 1 - 1e-10, 10 ** draw.uniform(-323, 0)))
        else:
            near = (_any_number(draw), x, _beside(x)[0], x * draw.uniform(-1, 2), -x)
            yield x, draw.choice([y for y in near if y in targets and abs(y) < math.inf] or [abs(near[0])])


def vectors(domain: Domain, seed: str) -> list[list[float]]:
    """Vectors of a domain: named difficulties, then random ones of many lengths and spreads."""
    draw = random.Random(seed)
    if domain is UNIT:
        special = [
            [0.2, 0.3, 0.5],
            [1.0, 0.0],
            [1.0],
            [1.0, 1e-20],
            [1e-320, 1e-323],
            [1.0, 9.5515364e-317],
            [0.95, 1e-300, 0.5],
            [1 - 2**-53, 2**-53],
        ]
        drawn = [numbers(UNIT, n, f"{seed}{n}")[-n:] for n in (2, 3, 5, 10, 40)]
        return special + drawn + [[share / 1000 for share in numbers(UNIT, 100, seed)[-100:]]]
    special = [
        [0.0], [3.0, -4.0], [40.0, 0.0], [0.0, 36.5, -1.0], [745.0, 0.0], [-1000.0, 1000.0, 999.0], [2.5, 2.5, 2.5],
        [0.0, 0.0], [1e308, 1.0, 1e308], [1.7e308, 0.0, -1.7e308], [1e200, 1e-200, 3e199], [3e-200, 4e-200, 1e-210],
        [5e-324, 1e-323],
        [1e-310, -3e-310, 0.0], [0.1, 0.2, 0.1 + 2**-56], [1.0, 1 - 2**-53, -1 - 2**-52], [0.0, 700.1, 700.3, 663.4],
    ]  # fmt: skip
    spreads = (1e-170, 1e-9, 0.1, 1.0, 5.0, 30.0, 300.0, 1e5, 1e160)
    drawn = [[draw.gauss(0, spread) for _ in range(n)] for spread in spreads for n in (2, 3, 5, 10)]
    mixed = [[_any_number(draw) for _ in range(n)] for n in (2, 2, 2, 3, 3, 5, 10)]
    found = special + drawn + mixed + [[draw.gauss(0, 2) for _ in range(1000)], [draw.random() for _ in range(300)]]
    return found if domain.low < 0 else [[abs(entry) for entry in x] for x in found]


def targets_of(x: list[float], takes: str, domain: Domain, seed: str) -> Iterator[Any]:
    """Targets of a vector: values near and far, distributions that sum to 1 and do not, or a class."""
    draw, n = random.Random(f"{seed}{x[:3]}"), len(x)
    if takes == "class":
        yield from {draw.randrange(n), x.index(max(x))}
    elif domain is UNIT or domain.members is not None:
        values = domain.members or (0.0, 1.0, 0.3, 1e-10, draw.random())
        yield [draw.choice(values) if i < 50 else 0.0 for i in range(n)]
        yield [1.0, *(0.0 for _ in x[1:])]
    elif takes == "values":
        near = [draw.choice((_any_number(draw), entry * draw.uniform(0, 2), entry)) for entry in x]
        for y in (near, [entry + draw.gauss(0, 1) for entry in x]):
            yield y if domain.low < 0 else [abs(entry) for entry in y]
    else:
        for own in {draw.randrange(n), x.index(max(x))}:
            yield [float(i == own) for i in range(n)]
        yield [draw.random() for _ in x]
        yield [draw.choice((0.0, 1e-20, 1.0)) for _ in x]
