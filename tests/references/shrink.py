"""References of the shrinking functions."""

from __future__ import annotations

from typing import Any

from references.reference import Reference
from references.sigmoid import tangent


def _outside(z: Any, k: Any) -> int:
    return int(abs(z) > k or k == 0)


def _zero(*_: Any) -> int:
    return 0


_LAMBDAS = ({}, {"lambd": 0.3}, {"lambd": 0.0}, {"lambd": 1e10})

REFERENCES = {
    "tanhshrink": Reference(
        value=lambda z: z - tangent(z),
        derivative=lambda z: tangent(z) ** 2,
        second=lambda z: 2 * tangent(z) * (1 - tangent(z) ** 2),
        hard=(({}, (0.7976556916574088,)), ({}, (0.7633307693408109,))),
    ),
    "softshrink": Reference(
        value=lambda z, k: z - k if z > k else z + k if z < -k else 0,
        derivative=_outside,
        second=_zero,
        by_parameter={"lambd": lambda z, k: (z < -k) - (z > k)},
        parameters=_LAMBDAS,
    ),
    "hardshrink": Reference(
        value=lambda z, k: z if abs(z) > k else 0,
        derivative=_outside,
        second=_zero,
        parameters=_LAMBDAS,
    ),
}
