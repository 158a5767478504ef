"""Batch normalisation: each feature by its mean and variance over the batch, or by running ones."""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

import numpy as np

from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.centred import BACKWARD, FORWARD, NOTES, Centred, quantities
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.layers.norm import AFFINE_NOTE, COMMON, PENALTY_NOTE, Affine, Normalised, affine_keys, eps_key, read_each
from gradcalc.layers.norm_arithmetic import Standardized
from gradcalc.layers.per_channel import channel_activation, each, read_per_channel
from gradcalc.layers.sliding import DATA_FORMAT, Grid, read_grid
from gradcalc.shapes import Array


class Running(NamedTuple):
    """The running statistics (channels,) by their names, as far as they are given, and their momentum."""

    given: Quantities
    momentum: float

    def moved(self, mean: Array, unbiased: Array) -> Quantities:
        """running_mean_new and running_var_new, which take the momentum's share of the batch's."""
        share, batch = self.momentum, {"running_mean": mean, "running_var": unbiased}
        return {f"{name}_new": (1 - share) * old + share * batch[name] for name, old in self.given.items()}


class BatchNorm(Centred):
    """In training: each channel over all examples and places."""

    type = "batch_norm"

    def __init__(
        self, name: str, grid: Grid, affine: Affine, activation: Activation | None, eps: float, running: Running
    ) -> None:
        super().__init__(name, grid.shape(grid.channels, grid.size), affine, activation, eps)
        self.grid, self.running = grid, running

    def rows(self, x: Array) -> Array:
        """(channels, numbers of a channel)."""
        first = np.moveaxis(self.grid.channels_first(x), 1, 0)
        return np.ascontiguousarray(first).reshape(self.grid.channels, -1)

    def joined(self, rows: Array) -> Array:
        first = rows.reshape(self.grid.channels, -1, *self.grid.size)
        return np.ascontiguousarray(self.grid.given_back(np.moveaxis(first, 0, 1)))

    def statistics(self, found: Standardized, count: int) -> Quantities:
        """The batch's, and what the running ones become; running_var takes the variance with divisor count - 1."""
        own = super().statistics(found, count)
        unbiased = own["var"] * (count / (count - 1)) if count > 1 else own["var"]
        return {**self.running.given, **own, **self.running.moved(own["mean"], unbiased)}

    def after(self, quantities: Quantities) -> Layer:
        """With the running statistics after this batch."""
        new = copy(self)
        new.running = self.running._replace(given={name: quantities[f"{name}_new"] for name in self.running.given})
        return new


class BatchNormEval(BatchNorm):
    """In evaluation: each number by itself, by the running statistics."""

    def normalised(self, x: Array) -> Normalised:
        """Mean and variance are constants, so that the gradient takes one path alone."""
        mean, var = (self.running.given[name].astype(np.float64) for name in ("running_mean", "running_var"))
        std = np.sqrt(var + self.eps)
        x_hat = (self.rows(x) - mean[:, None]) / std[:, None]

        def back(dx_hat: Array) -> Quantities:
            return {"dx": self.joined(self.rows(dx_hat) / std[:, None])}

        return Normalised(self.joined(x_hat), {**self.running.given, "std": std}, back)

    def after(self, quantities: Quantities) -> Layer:
        """The running statistics stay as they are."""
        return self

    def choice_met(self, x: Array) -> str:
        """A single number is no special case here."""
        return ""

    def symbols(self) -> dict[str, str]:
        return {
            **super().symbols(),
            "std": "sqrt(running_var + eps)",
            "x_hat": "(x - running_mean) / std",
            "dx": "dL/dx_hat / std",
        }


def _build(settings: Settings) -> BatchNorm:
    grid = read_grid(settings)
    train = settings.choice("mode", ("train", "eval")) == "train"
    made = BatchNorm if train else BatchNormEval
    affine, activation = read_per_channel(settings, grid), channel_activation(settings, grid)
    running = Running(_read_running(settings, grid, train=train), _read_momentum(settings))
    return made(settings.name, grid, affine, activation, settings.real("eps", least=0), running)


def _read_momentum(settings: Settings) -> float:
    momentum = settings.real("momentum", least=0)
    if momentum > 1:
        raise settings.error(
            f"layer {settings.name}: momentum is the batch's share, from 0 to 1, not {momentum:g}", key="momentum"
        )
    return momentum


def _read_running(settings: Settings, grid: Grid, *, train: bool) -> Quantities:
    """Those that are given; in evaluation those that are not are 0 and 1."""
    found: Quantities = {}
    for key, initial in (("running_mean", 0.0), ("running_var", 1.0)):
        if settings.has(key):
            array = read_each(settings, key, (grid.channels,), (each(grid),))
            found[key] = np.broadcast_to(array.reshape(-1), (grid.channels,))
        elif not train:
            found[key] = np.full(grid.channels, initial, dtype=settings.dtype)
    _check_running_var(settings, grid, found, train=train)
    return found


def _check_running_var(settings: Settings, grid: Grid, found: Quantities, *, train: bool) -> None:
    if "running_var" not in found:
        return
    if (found["running_var"] < 0).any():
        raise settings.error(f"layer {settings.name}: a variance is not below 0", key="running_var")
    if train and settings.examples * np.prod(grid.size, dtype=int) == 1:
        raise settings.error(
            f"layer {settings.name}: running_var takes the unbiased variance, which one number has not",
            "the batch needs two examples; without running_var one is normalised too",
            key="running_var",
        )


_RUNNING = (
    ("running_mean", "", "as given; 0 in eval without"),
    ("running_var", "", "as given; 1 in eval without"),
    (
        "running_mean_new",
        "(1 - momentum) running_mean + momentum mean",
        "running_mean after this batch; in train, where it is given",
    ),
    (
        "running_var_new",
        "(1 - momentum) running_var + momentum var n / (n - 1)",
        "running_var after this batch; in train, where it is given",
    ),
)

ENTRIES = (
    LayerEntry(
        type="batch_norm",
        title="Batch normalisation",
        build=_build,
        keys=(
            *affine_keys("feature or channel"),
            eps_key("added to the variance"),
            Key("momentum", "number", "the batch's share in the new running statistics", default=0.1),
            Key(
                "mode",
                "train | eval",
                "train: by the batch's own mean and variance; eval: by the running ones",
                default="train",
            ),
            Key(
                "running_mean",
                "array",
                "a number per feature or channel, or one for all; left out: none in train, 0 in eval",
            ),
            Key(
                "running_var",
                "array",
                "a number per feature or channel, or one for all; left out: none in train, 1 in eval",
            ),
            DATA_FORMAT,
        ),
        forward=(
            "train: mean and var of each feature or channel over its n numbers: all examples, all places",
            *FORWARD,
            "running_mean_new = (1 - momentum) running_mean + momentum mean",
            "running_var_new = (1 - momentum) running_var + momentum var n / (n - 1)",
            "eval: std = sqrt(running_var + eps), x_hat = (x - running_mean) / std",
        ),
        backward=(*BACKWARD, "eval: dL/dx = dL/dx_hat / std"),
        example="""\
input: [[1, 4], [7, 0], [1, 0], [7, 4]]
layers:
  - {type: batch_norm, gamma: [2, 5], beta: [-1, 2], eps: 0}
upstream: [[-6, 2], [-12, 16], [-12, 20], [-6, 2]]
""",
        samples=(
            Sample({}, ((3,),), coupled=True),
            Sample(
                {"gamma": [1.5, -0.5], "beta": [0.1, 0.2], "running_mean": [0.5, 1], "running_var": 2, "momentum": 0.3},
                ((2,),),
                coupled=True,
            ),
            Sample({"gamma": [1, 2, 0.5], "eps": 0.1, "activation": "tanh"}, ((3, 2, 2),), coupled=True),
            Sample(
                {
                    "gamma": 1.5,
                    "beta": [[0.5], [1]],
                    "data_format": "channels_last",
                    "activation": {"name": "prelu", "alpha": [0.1, 0.2]},
                },
                ((3, 2),),
                coupled=True,
            ),
            Sample({"mode": "eval", "gamma": {"init": "normal", "seed": 1}, "beta": [0.1, 0.2, 0.3]}, ((3,),)),
            Sample(
                {"mode": "eval", "running_mean": [0.5, 1], "running_var": [2, 0.5], "activation": "softmax"},
                ((2, 3),),
            ),
        ),
        quantities=(
            *COMMON,
            *(Quantity(name, symbol, doc, examples=False) for name, symbol, doc in _RUNNING),
            *quantities("the batch, for each feature or channel", examples=False),
        ),
        biases=("gamma", "beta"),
        aliases=("batchnorm", "batch_normalization"),
        notes=(
            "x_hat takes the variance with divisor n, running_var the one with n - 1, both as in PyTorch",
            "momentum is PyTorch's, the share of the batch; Keras' is the share of the old: its 0.99 is 0.01 here",
            "eps is 1e-5 in PyTorch, 1e-3 in Keras",
            "in each step of several the running statistics are those that the step before has left",
            "a batch of one number per feature: x_hat and dx are 0 and a = beta (PyTorch refuses it)",
            "examples are (features), (channels, length), (channels, height, width) ...; a first layer takes an input "
            "of more axes than one as a batch of them",
            *NOTES,
            AFFINE_NOTE,
            PENALTY_NOTE,
        ),
        source="Ioffe & Szegedy 2015",
    ),
)
