"""Beside a root terms cancel that have digits of their own: there a power series of the distance to it has them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from gradcalc.numerics.normal import polynomial


def patched(near: Any, compute: Callable[..., Any], found: Any, *arrays: Any) -> Any:
    """`found`, but where `near` holds what is computed of the arrays: of their few entries there alone."""
    if getattr(near, "ndim", 0) == 0:
        return compute(*arrays) if near else found
    found[near] = compute(*(array[near] for array in arrays))
    return found


class Root(NamedTuple):
    """A root of f as a sum of two floats, and f(root + d) / d by powers of d, to all digits up to |d| = radius.

    `lows` are what rounding took from the first coefficients, where that counts.
    """

    high: float
    low: float
    radius: float
    series: tuple[float, ...]
    lows: tuple[float, ...] = (0.0,)

    def beside(self, x: Any, low: Any, found: Any, factor: Any = 1.0) -> Any:
        """`found`, but near the root f(x + low), or `factor` times that."""
        low, factor = low + 0.0 * x, factor + 0.0 * x
        return patched(abs(x - self.high) < self.radius, self._value, found, x, low, factor)

    def _value(self, x: Any, low: Any, factor: Any) -> Any:
        distance = (x - self.high) + (low - self.low)
        return factor * (distance * _closely(self.series, self.lows, distance))


class Expansion(NamedTuple):
    """f(center + d) by powers of d, to all digits up to |d| = radius: where f's own formula has too many roundings."""

    center: float
    radius: float
    series: tuple[float, ...]
    lows: tuple[float, ...]

    def beside(self, x: Any, found: Any) -> Any:
        """`found`, but near the center f(x)."""
        return patched(abs(x - self.center) < self.radius, self._value, found, x)

    def _value(self, x: Any) -> Any:
        return _closely(self.series, self.lows, x - self.center)


def _closely(series: tuple[float, ...], lows: tuple[float, ...], d: Any) -> Any:
    """The sum of (series[k] + lows[k]) * d^k, its largest term added last."""
    return series[0] + (d * polynomial(series[1:], d) + polynomial(lows, d))
