"""Rows (..., n) made of mean 0 and variance 1, or of mean square 1, and the way back through them, path by path.

Squares are taken of numbers near 1: each row is counted in a power of 2, which rounds nothing, so that no square
overflows, and none that matters underflows. What is one number per row has the shape (..., 1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradcalc.layers.base import Quantities
from gradcalc.shapes import Array

#: A unit is 2^-1000 to 2^1000: both are numbers, and rows in them have squares.
_FURTHEST = 1000


class Standardized(NamedTuple):
    """Rows of mean 0 and mean square var / (var + eps), and what they had before; std = sqrt(var + eps)."""

    x_hat: Array
    mean: Array
    var: Array
    std: Array

    def back(self, dx_hat: Array) -> Quantities:
        """dvar and dmean, (...), the three terms of dx, and dx.

        dx is not the sum of the terms, which may cancel: without its own mean, an even dx_hat leaves nothing.
        """
        mean, uneven = centred(dx_hat)
        slope = (uneven * self.x_hat).mean(axis=-1, keepdims=True)
        n = dx_hat.shape[-1]
        return {
            "dvar": (-0.5 * n * slope / self.std / self.std)[..., 0],
            "dmean": (-n * mean / self.std)[..., 0],
            "dx_through_x_hat": dx_hat / self.std,
            "dx_through_var": -self.x_hat * slope / self.std,
            "dx_through_mean": np.broadcast_to(-mean / self.std, dx_hat.shape),
            "dx": (uneven - self.x_hat * slope) / self.std,
        }


class Rooted(NamedTuple):
    """Rows over rms = sqrt(mean square + eps)."""

    x_hat: Array
    rms: Array

    def back(self, dx_hat: Array) -> Quantities:
        """drms, (...), the two terms of dx, and dx."""
        slope = (dx_hat * self.x_hat).mean(axis=-1, keepdims=True)
        return {
            "drms": (-dx_hat.shape[-1] * slope / self.rms)[..., 0],
            "dx_through_x_hat": dx_hat / self.rms,
            "dx_through_rms": -self.x_hat * slope / self.rms,
            "dx": (dx_hat - self.x_hat * slope) / self.rms,
        }


def standardized(rows: Array, eps: float) -> Standardized:
    """The variance is the mean of the squared differences from the mean: n is the divisor."""
    unit = _unit(rows, eps)
    mean, deviation = centred(rows * unit)
    var = (deviation * deviation).mean(axis=-1, keepdims=True)
    std = np.sqrt(var + eps * unit * unit)
    return Standardized(deviation / std, mean / unit, var / unit / unit, std / unit)


def rooted(rows: Array, eps: float) -> Rooted:
    """x / sqrt(mean(x^2) + eps)."""
    unit = _unit(rows, eps)
    counted = rows * unit
    rms = np.sqrt((counted * counted).mean(axis=-1, keepdims=True) + eps * unit * unit)
    return Rooted(counted / rms, rms / unit)


def centred(rows: Array) -> tuple[Array, Array]:
    """The means, and the rows less their mean.

    A sum is rounded, so that the mean of equal numbers may lie beside them; what it is off is the mean of the
    differences, which are so small that their sum is not rounded.
    """
    mean = rows.mean(axis=-1, keepdims=True)
    deviation = rows - mean
    rest = deviation.mean(axis=-1, keepdims=True)
    deviation -= rest
    return mean + rest, deviation


def _unit(rows: Array, eps: float) -> Array:
    """The power of 2 times which the largest number of a row, or the root of eps where it is larger, is near 1."""
    largest = np.maximum(rows.max(axis=-1, keepdims=True), -rows.min(axis=-1, keepdims=True))
    floor = math.frexp(math.sqrt(eps))[1] if eps else -_FURTHEST
    exponent = np.clip(np.frexp(largest)[1], max(floor, -_FURTHEST), _FURTHEST)
    return np.asarray(np.ldexp(1.0, -exponent))
