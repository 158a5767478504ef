"""What a reference is: plain formulas, evaluated by mpmath with digits enough for every tail of float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from mpmath import mp

#: Digits that hold 1 + 5e-324 and 1 - exp(-745) with 40 to spare.
DIGITS = 365
mp.dps = DIGITS

#: A formula takes the inputs and parameters and gives a number, or the terms of a sum: near a root of the sum
#: its error is counted in units of the largest term.
Formula = Callable[..., Any]


class Reference(NamedTuple):
    """The formulas of one function. `parameters` are the settings to try; {} are the defaults.

    A function with further inputs says which points to try: what its kernels take before its parameters.
    `hard` are further settings with a point each, at which a kernel has once been wrong.
    """

    value: Formula
    derivative: Formula
    second: Formula | None = None
    by_target: Formula | None = None
    by_parameter: Mapping[str, Formula] = MappingProxyType({})
    by_input: Mapping[str, Formula] = MappingProxyType({})
    points: Callable[[], list[tuple[Any, ...]]] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ({},)
    hard: tuple[tuple[Mapping[str, Any], tuple[Any, ...]], ...] = ()
