"""What normalising layers have in common: x_hat from x, then gamma x_hat + beta where they are given, then a function.

Inside they count in float64 whatever the type of x is; what they show has the type of x.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from copy import copy
from typing import NamedTuple

import numpy as np

from gradcalc.layers.activation import Activation, back_through, jacobian_size, slope_at
from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import ACTIVATION_KEY, Key, Quantity, Settings
from gradcalc.shapes import Array, Shape, size


class Normalised(NamedTuple):
    """x_hat, in the shape of x; quantities that arise on the way to it; and all derivatives from dx_hat, dx last."""

    x_hat: Array
    quantities: Quantities
    back: Callable[[Array], Quantities]


class Affine(NamedTuple):
    """gamma and beta, where they are given, as they are written: of that `shape`, a row, a column or one number.

    In `view` they go along the axes of an example that are theirs.
    """

    shape: Shape
    view: Shape
    given: Quantities

    def applied(self, x_hat: Array) -> Array:
        """gamma x_hat + beta."""
        found = self.scaled(x_hat)
        return found + self._along("beta") if "beta" in self.given else found

    def scaled(self, array: Array) -> Array:
        """Times gamma."""
        return array * self._along("gamma") if "gamma" in self.given else array

    def gradients(self, x_hat: Array, dz: Array) -> Quantities:
        """dL/dgamma and dL/dbeta: sums over the examples, and over the places that share them."""
        terms = {"gamma": dz * x_hat if "gamma" in self.given else dz, "beta": dz}
        return {f"d{letter}": self._summed(terms[letter], array) for letter, array in self.given.items()}

    def _along(self, letter: str) -> Array:
        array = self.given[letter]
        return array.reshape(self.view) if array.ndim else array

    def _summed(self, terms: Array, written: Array) -> Array:
        if written.ndim == 0:
            return np.asarray(terms.sum())
        axes = (0, *(axis + 1 for axis, length in enumerate(self.view) if length == 1))
        return np.asarray(terms.sum(axis=axes)).reshape(written.shape)


class Norm(Layer):
    """A layer that makes x_hat of x; z = gamma x_hat + beta is a quantity only where a function follows."""

    def __init__(self, name: str, shape: Shape, affine: Affine, activation: Activation | None, eps: float) -> None:
        super().__init__(name, takes=(shape,), gives=shape if activation is None else activation.outputs(shape))
        self.affine, self.activation, self.eps = affine, activation, eps

    @abstractmethod
    def normalised(self, x: Array) -> Normalised:
        """From x (N, *shape) in float64."""

    @property
    def parameters(self) -> Quantities:
        return {**self.affine.given, **(self.activation.trained if self.activation else {})}

    def with_parameters(self, parameters: Quantities) -> Norm:
        """A copy with others."""
        new = copy(self)
        new.affine = self.affine._replace(given={letter: parameters[letter] for letter in self.affine.given})
        if self.activation:
            new.activation = self.activation.with_trained({q: parameters[q] for q in self.activation.trained})
        return new

    def forward(self, *inputs: Array) -> Step:
        """x_hat and what it came from; a = f(z) where there is a function, else a = gamma x_hat + beta."""
        (x,) = inputs
        found = self.normalised(x.astype(np.float64, copy=False))
        x_hat = found.x_hat.astype(x.dtype, copy=False)
        z = self.affine.applied(x_hat)
        a = z if self.activation is None else self.activation.value(z)

        def back(da: Array, dz: Array | None = None) -> Quantities:
            slope, dz, trained = self._through(z, da, dz)
            dx_hat = self.affine.scaled(dz)
            paths = found.back(dx_hat.astype(np.float64, copy=False))
            gradients = self.affine.gradients(x_hat, dz)
            return {**slope, "da": da, **trained, **gradients, "dx_hat": dx_hat, **_as(x.dtype, paths)}

        shown = {"x": x, **self.parameters, **_as(x.dtype, found.quantities), "x_hat": x_hat}
        behind = {} if self.activation is None else {"z": z}
        slope = no_slope if self.activation is None else lambda: slope_at(self.activation, z)
        return Step(a, {**shown, **behind, "a": a}, slope, back)

    def _through(self, z: Array, da: Array, dz: Array | None) -> tuple[Quantities, Array, Quantities]:
        """f' as a quantity, dL/dz, and dz with the function's own derivatives as quantities; without one just da."""
        if self.activation is None:
            return {}, da, {}
        slope, dz = back_through(self.activation, z, da, dz)
        return slope, dz, {"dz": dz, **self.activation.gradients(z, da)}

    def symbols(self) -> dict[str, str]:
        """With gamma, beta and a function, or without."""
        upstream = "dL/dz" if self.activation else "dL/da"
        scaled = "gamma x_hat" if "gamma" in self.affine.given else "x_hat"
        return {
            "z" if self.activation else "a": scaled + (" + beta" if "beta" in self.affine.given else ""),
            "dgamma": f"sum of {upstream} x_hat",
            "dbeta": f"sum of {upstream}",
            "dx_hat": f"{upstream} gamma" if "gamma" in self.affine.given else upstream,
        }

    def kept(self, examples: int) -> int:
        """With x_hat, dx_hat, the terms of dx and what is made on the way."""
        (shape,) = self.takes
        return super().kept(examples) + examples * (6 * size(shape) + jacobian_size(self.activation, shape))


def _as(dtype: np.dtype[np.floating], found: Quantities) -> Quantities:
    return {name: np.asarray(array, dtype=dtype) for name, array in found.items()}


def read_affine(settings: Settings, shape: Shape, view: Shape, axes: tuple[str, ...]) -> Affine:
    """gamma and beta of that shape, whose axes are called that, from the keys of a spec; what is left out is none."""
    given = {key: read_each(settings, key, shape, axes) for key in ("gamma", "beta") if settings.has(key)}
    return Affine(shape, view, given)


def read_each(settings: Settings, key: str, shape: Shape, axes: tuple[str, ...]) -> Array:
    """An array of that shape, or one number for all; what belongs to one axis may be a row or a column too."""
    if settings.is_recipe(key):
        return settings.drawn(key, shape, (size(shape), size(shape)))
    array = settings.numbers(key, max(2, len(shape)))
    line = len(shape) == 1 and array.size == shape[0] and 1 in array.shape
    if array.ndim and not line and array.shape != shape:
        return settings.array(key, shape, axes)  # says what is wrong
    settings.reserve(array.size, f"{key} of layer {settings.name}", key)
    return array


def affine_keys(each: str) -> tuple[Key, ...]:
    """gamma, beta and activation; `each` says what has a number of its own."""
    return (
        Key("gamma", "array", f"what x_hat is multiplied by, a number per {each} or one for all; left out: nothing"),
        Key("beta", "array", f"what is added to that, a number per {each} or one for all; left out: nothing"),
        ACTIVATION_KEY,
    )


def eps_key(doc: str, default: float = 1e-5) -> Key:
    """The small number that keeps a division from being by 0."""
    said = f"{default:g}".replace("e-0", "e-")
    return Key("eps", "number", f"{doc}; {said} where it is left out", default=default)


X_HAT = "x normalised; a = gamma x_hat + beta"

#: What every normalising layer shows.
COMMON = (
    Quantity("f_prime", doc="f'(z), only with an activation, as z and dz"),
    Quantity("z", doc="gamma x_hat + beta, only with an activation, which is applied to it"),
)

AFFINE_NOTE = (
    "gamma and beta are parameters only where they are given; PyTorch's and Keras' layers have them unless asked not "
    "to, and start with gamma 1 and beta 0: write them out for their gradients"
)
PENALTY_NOTE = "penalties act on gamma and beta only with biases: true"
