"""References of the L_p norm: powers, their sum, and its root, without any scaling."""

from __future__ import annotations

from functools import cache
from typing import Any

from mpmath import isinf, sign

from references.elementary import log, log1p
from references.reference import Reference


@cache
def _powers(z: Any, p: Any) -> list[Any]:
    return [abs(entry) ** p for entry in z]


@cache
def lp_norm(z: Any, p: Any, ties: str) -> Any:
    """(sum |z_i|^p)^(1/p), and the largest |z_i| for p = inf."""
    if isinf(p):
        return max(abs(entry) for entry in z)
    total = sum(_powers(z, p))
    return total ** (1 / p) if total else total


def _gradient(z: Any, p: Any, ties: str) -> list[Any]:
    norm = lp_norm(z, p, ties)
    if not norm:
        return [0 for _ in z]
    if isinf(p):
        tied = [i for i, entry in enumerate(z) if abs(entry) == norm]
        chosen = tied if ties == "split" else tied[:1]
        return [sign(entry) / len(chosen) if i in chosen else 0 for i, entry in enumerate(z)]
    whole = norm ** (1 - p)
    return [power / entry * whole if entry else 0 for entry, power in zip(z, _powers(z, p), strict=True)]


def _by_p(z: Any, p: Any, ties: str) -> Any:
    norm = lp_norm(z, p, ties)
    if not norm or isinf(p):
        return 0
    largest = max(map(abs, z))
    powers = sorted((power / largest**p for power in _powers(z, p) if power), reverse=True)
    ratios = sorted((abs(entry) for entry in z if entry), reverse=True)
    logs = sum(power * (log(ratio) - log(largest)) for power, ratio in zip(powers, ratios, strict=True))
    return norm * (logs / (p * sum(powers)) - log1p(sum(powers[1:])) / p**2)


POWERS = (0.1, 0.45, 0.5, 0.7, 1.0, 1.3, 2.0, 3.0, 7.3, 40.0, 1000.0, float("inf"))

REFERENCES = {
    "lp_norm": Reference(
        value=lp_norm,
        derivative=_gradient,
        by_parameter={"p": _by_p},
        parameters=(*({"p": p} for p in POWERS), {"p": float("inf"), "ties": "first"}),
        hard=(
            (
                {"p": 1.6701682996716954e230, "ties": "first"},
                (
                    [
                        -33.3928409405654,
                        -33.395943605319914,
                        -33.39535911799093,
                        -33.395943605319914,
                        -32.18243735220764,
                    ],
                ),
            ),
            ({"p": 0.7}, ([3.894e50, 8.363e42],)),
            ({"p": 1e-16}, ([-0.1836839681393047, 1.4252521336350463, -0.17742133519846803],)),
            ({"p": 0.3}, ([1e200, 1e-200, 3e199],)),
            ({"p": 3.4393520176682613e186}, ([1e154, 1e154, 1e154],)),
            ({"p": 1.005999125218419e-129}, ([0.012433629225861578, 0.01243362922586155, 0.01243362922586155],)),
            ({"p": 0.02}, ([1e200, 1e-200, 3e199],)),
        ),
    ),
}
