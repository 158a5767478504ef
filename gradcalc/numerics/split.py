"""Arguments carried as a sum of two floats: where rounding an argument would cost digits of its exponential.

Each runs on both number systems (`xp`). `low` is what rounding took from the number before it, or near enough.
"""

from __future__ import annotations

from typing import Any

from gradcalc.numerics.vectors import product_error, two_sum

_HUGE = 2.0**970  # the products of halves that tell a rounding would overflow
_SHIFT = 2.0**60
_NORMAL = 600.0  # e^-size is a normal number, and its products keep their digits
_NOTHING = 1500.0  # e^-size is 0, whatever it is multiplied by


def decays(xp: Any, factor: Any, size: Any, low: Any = 0.0) -> Any:
    """factor * e^-(size + low) for size >= 0, where nothing but the product itself may underflow."""
    root = xp.exp(-0.5 * size)
    once = xp.exp(-size)
    halves = factor * root * root
    far = xp.where(halves == 0, halves, halves - halves * low)  # -0 less -0 would be 0
    found = xp.where(size < _NORMAL, factor * (once - once * low), far)
    return xp.where(size > _NOTHING, xp.where(factor < 0, -0.0, 0.0), found)


def grows(xp: Any, high: Any, low: Any) -> Any:
    """e^(high + low)."""
    whole = xp.exp(high)
    return xp.where((low == 0.0) | (whole == xp.inf), whole, whole + whole * low)


def product(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """a * b rounded, and what the rounding lost; 0 for the loss where the product is not finite."""
    shift = xp.where(xp.absolute(a) > _HUGE, _SHIFT, xp.where(xp.absolute(b) > _HUGE, 1.0 / _SHIFT, 1.0))
    a, b = a / shift, b * shift
    high = a * b
    return high, finite(xp, product_error(a, b, high))


def quotient(xp: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """a / b rounded, and what the rounding lost; 0 for the loss where there is no telling it."""
    high, size = a / b, xp.absolute(a)
    unit = xp.where(size < 1e-250, 2.0**500, xp.where(size > 1e250, 2.0**-100, 1.0))
    a, b = a * unit, b * unit
    back = high * b
    return high, finite(xp, xp.divide((a - back) - product_error(high, b, back), b))


def square(xp: Any, x: Any) -> tuple[Any, Any]:
    """x^2 rounded, and what the rounding lost."""
    return product(xp, x, x)


def times(xp: Any, factor: float, factor_low: float, high: Any, low: Any) -> tuple[Any, Any]:
    """(factor + factor_low) * (high + low), again as a sum of two."""
    whole, lost = product(xp, factor, high)
    return whole, lost + factor * low + factor_low * high


def plus(high: Any, low: Any, number: float, number_low: float) -> tuple[Any, Any]:
    """high + low + number + number_low, again as a sum of two; all are finite."""
    whole, lost = two_sum(number, high)
    return whole, lost + low + number_low


def finite(xp: Any, low: Any) -> Any:
    """A loss, or 0 where there is no telling it."""
    return xp.where(xp.absolute(low) < xp.inf, low, 0.0)
