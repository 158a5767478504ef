"""Layers that take mean and variance from numbers and show how the gradient comes back through each of them."""

from __future__ import annotations

from abc import abstractmethod

from gradcalc.layers.base import Quantities
from gradcalc.layers.declaration import Quantity
from gradcalc.layers.norm import X_HAT, Norm, Normalised
from gradcalc.layers.norm_arithmetic import Standardized, standardized
from gradcalc.shapes import Array


class Centred(Norm):
    """x_hat = (x - mean) / sqrt(var + eps), of which mean and var are each over numbers that stand in one row."""

    @abstractmethod
    def rows(self, x: Array) -> Array:
        """x (N, *shape) with what is normalised together along the last axis."""

    @abstractmethod
    def joined(self, rows: Array) -> Array:
        """The way back from `rows`."""

    def statistics(self, found: Standardized, count: int) -> Quantities:
        """The quantities on the way to x_hat; each mean is over `count` numbers."""
        return {"mean": found.mean[..., 0], "var": found.var[..., 0], "std": found.std[..., 0]}

    def normalised(self, x: Array) -> Normalised:
        """By the numbers' own mean and variance."""
        rows = self.rows(x)
        found = standardized(rows, self.eps)

        def back(dx_hat: Array) -> Quantities:
            paths = found.back(self.rows(dx_hat))
            return {name: self.joined(array) if name.startswith("dx") else array for name, array in paths.items()}

        return Normalised(self.joined(found.x_hat), self.statistics(found, rows.shape[-1]), back)

    def choice_met(self, x: Array) -> str:
        """Of a single number the mean is the number itself."""
        if self.rows(x).shape[-1] > 1:
            return ""
        return f"{self.name}: each mean is over a single number, which is its own mean, so x_hat and dx are 0."


FORWARD = ("std = sqrt(var + eps), x_hat = (x - mean) / std", "z = gamma x_hat + beta, a = f(z)")
BACKWARD = (
    "dL/dgamma = sum of dL/dz x_hat, dL/dbeta = sum of dL/dz, dL/dx_hat = dL/dz gamma",
    "dL/dvar = -1/2 sum of dL/dx_hat (x - mean) / std^3",
    "dL/dmean = -sum of dL/dx_hat / std",
    "dL/dx = dL/dx_hat / std + dL/dvar 2 (x - mean) / n + dL/dmean / n",
    "      = (dL/dx_hat - mean of dL/dx_hat - x_hat mean of (dL/dx_hat x_hat)) / std",
)


def quantities(of: str, *, examples: bool) -> tuple[Quantity, ...]:
    """The quantities of a layer whose means are over `of`, one for each example or for all of them together."""
    return (
        Quantity("mean", "mean of x", f"the mean over {of}", examples),
        Quantity("var", "mean of (x - mean)^2", "the variance, n its divisor (biased)", examples),
        Quantity("std", "sqrt(var + eps)", "what is divided by", examples),
        Quantity("x_hat", "(x - mean) / std", X_HAT),
        Quantity("dvar", "-1/2 sum of dL/dx_hat (x - mean) / std^3", "dL/dvar", examples),
        Quantity("dmean", "-sum of dL/dx_hat / std", "dL/dmean at fixed var, in which the mean's part is 0", examples),
        Quantity("dx_through_x_hat", "dL/dx_hat / std", "first term of dx: mean and var held fixed"),
        Quantity("dx_through_var", "dL/dvar 2 (x - mean) / n", "second term of dx"),
        Quantity("dx_through_mean", "dL/dmean / n", "third term of dx, the same for all n numbers"),
        Quantity("dx", "sum of its three terms"),
    )


NOTES = (
    "dx is the sum of its three terms, computed by the shorter form, in which less cancels",
    "of equal numbers x_hat is 0; with eps: 0 it is NaN",
)
