"""Building blocks that keep their digits in the tails; each runs on both number systems (`xp`)."""

from __future__ import annotations

from typing import Any


def weighted(xp: Any, weight: Any, x: Any) -> Any:
    """weight * x, where a weight of 0 switches even an infinite x off."""
    return xp.where((weight == 0) & (x == x), 0.0, weight * x)


def constant(xp: Any, number: float, x: Any) -> Any:
    """A number in the shape of `x`; NaN where x is."""
    return xp.where(x == x, number, x)


def sigmoid(xp: Any, z: Any) -> Any:
    """1 / (1 + e^-z) for z >= 0, e^z / (1 + e^z) below: no exponential overflows."""
    return xp.exp(xp.minimum(z, 0.0)) / (1.0 + xp.exp(-xp.absolute(z)))


def sigmoid_slope(xp: Any, z: Any) -> Any:
    """sigmoid'(z) = t / (1 + t)^2 with t = e^-|z|: no 1 - sigmoid that would cancel.

    (1 + t)^2 is 1 + t (2 + t), so that the rounding of 1 + t is not squared; likewise below.
    """
    t = xp.exp(-xp.absolute(z))
    return t / (1.0 + t * (2.0 + t))


def sigmoid_curvature(xp: Any, z: Any, factor: float = 1.0) -> Any:
    """factor * sigmoid''(z) = -+ t (1 - t) / (1 + t)^3 with t = e^-|z|."""
    t = xp.exp(-xp.absolute(z))
    size = decayed(xp, -factor * xp.expm1(-xp.absolute(z)), z) / (1.0 + t * (3.0 + t * (3.0 + t)))
    return xp.where(z > 0, -size, size)


def tanh_slope(xp: Any, z: Any) -> Any:
    """tanh'(z) = 4 sigmoid'(2z)."""
    return 4.0 * sigmoid_slope(xp, 2.0 * z)


def decayed(xp: Any, factor: Any, z: Any) -> Any:
    """factor * e^-|z|, where nothing but the product itself may underflow."""
    size = xp.absolute(z)
    root = xp.exp(-0.5 * size)
    return xp.where(size < 700.0, factor * xp.exp(-size), factor * root * root)


def softplus_tail(xp: Any, z: Any) -> Any:
    """log(1 + e^-|z|): what log(1 + e^z) is above max(z, 0)."""
    return xp.log1p(xp.exp(-xp.absolute(z)))


def softplus(xp: Any, z: Any) -> Any:
    """log(1 + e^z)."""
    return xp.where(z > 0, z, 0.0) + softplus_tail(xp, z)


def product_of_three(xp: Any, a: Any, b: Any, c: Any) -> Any:
    """a * b * c, where nothing but the result itself may overflow or underflow: some pair of them does not."""
    ab, ac = a * b, a * c
    last = xp.where(_within(xp, ac), ac * b, (b * c) * a)
    return xp.where(_within(xp, ab), ab * c, last)


def _within(xp: Any, x: Any) -> Any:
    size = xp.absolute(x)
    return (size > 1e-290) & (size < xp.inf)


def weighted_twice(xp: Any, factor: Any, weight: Any, x: Any) -> Any:
    """factor * weight * x, where either of 0 switches even an infinite x off."""
    if isinstance(factor, float) and factor == 1.0:
        return weighted(xp, weight, x)
    return xp.where(((weight == 0) | (factor == 0)) & (x == x), 0.0, product_of_three(xp, factor, weight, x))


def weighted_softplus(xp: Any, weight: Any, z: Any, factor: Any = 1.0) -> Any:
    """factor * weight * log(1 + e^z), where a weight of 0 counts; far below 0 the logarithm is e^z."""
    return xp.where(z < -700.0, decayed(xp, factor * weight, z), weighted_twice(xp, factor, weight, softplus(xp, z)))


def chosen(condition: Any, x: Any, y: Any) -> Any:
    """x where the condition holds, else y, for numbers and arrays alike: what a kink says of itself knows no `xp`."""
    if isinstance(condition, bool):
        return x if condition else y
    import numpy as np

    return np.where(condition, x, y)


def anywhere(condition: Any) -> bool:
    """Whether a condition holds anywhere: what is rarely needed and takes long is not done for nothing."""
    return condition if isinstance(condition, bool) else bool(condition.any())


def system(x: Any) -> Any:
    """The number system of x: that of numbers, or that of arrays."""
    if isinstance(x, float | int):
        from gradcalc.numerics import scalar

        return scalar
    from gradcalc.numerics import arrays

    return arrays
