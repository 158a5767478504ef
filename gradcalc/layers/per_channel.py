"""What belongs to each feature or channel of an example: gamma, beta, an activation's parameters."""

from __future__ import annotations

from gradcalc.layers.activation import Activation
from gradcalc.layers.declaration import Settings
from gradcalc.layers.norm import Affine, read_affine
from gradcalc.layers.sliding import Grid


def read_per_channel(settings: Settings, grid: Grid) -> Affine:
    """gamma and beta with a number for each channel."""
    ones = (1,) * len(grid.size)
    view = grid.shape(grid.channels, ones)
    return read_affine(settings, (grid.channels,), view, (each(grid),))


def channel_activation(settings: Settings, grid: Grid) -> Activation | None:
    """The function behind, a parameter of its own for each channel."""
    return settings.activation(grid.shape(grid.channels, grid.size), axis=-1 if grid.last else 0)


def each(grid: Grid) -> str:
    """What the numbers of an axis are called: features, or channels of several places."""
    return "channels" if grid.size else "features"
