"""How a convolution's kernels are read: four axes (three for conv1d), one kernel alone, or drawn at random."""

from __future__ import annotations

from math import prod

from gradcalc.layers.declaration import Settings
from gradcalc.layers.sliding import Grid
from gradcalc.layers.windows import Sizes
from gradcalc.shapes import Array

_AXES = ("length",), ("height", "width")


def read_groups(settings: Settings, channels: int) -> int:
    """How many groups the channels fall into."""
    groups = settings.whole("groups")
    if channels % groups:
        raise settings.error(
            f"layer {settings.name}: {_do_not_fall(channels, 'channel')} into {groups} equal groups",
            f"groups must divide the channels of {settings.sources[0]}",
            key="groups",
        )
    return groups


def read_kernels(settings: Settings, grid: Grid, groups: int) -> tuple[Array, bool]:
    """W (units, channels / groups, *kernel), and whether it was written as one kernel without the first two axes."""
    rank = len(grid.size)
    kernel = settings.wholes("kernel", rank) if settings.has("kernel") else None
    units = settings.whole("units") if settings.has("units") else None
    channels = grid.channels // groups
    if units in (None, 1) and channels == 1 and not settings.is_recipe("weights"):
        alone = settings.numbers("weights", rank + 2)
        if alone.ndim == rank and kernel in (None, alone.shape):
            return alone.reshape(1, 1, *alone.shape), True
    shape = (units, channels, *(kernel or (None,) * rank))
    axes = ("units", "channels / groups" if groups > 1 else "channels", *_AXES[rank - 1])
    W = settings.array("weights", shape, axes, _fans(settings, units, channels, kernel))
    _check_units(settings, W, groups)
    return W, False


def _fans(settings: Settings, units: int | None, channels: int, kernel: Sizes | None) -> tuple[int, int] | None:
    """How many numbers lead into an output, and how many outputs one input leads into, for {init: ...}."""
    if not settings.is_recipe("weights"):
        return None
    missing = [key for key, value in (("units", units), ("kernel", kernel)) if value is None]
    if units is None or kernel is None:
        raise settings.error(
            f"layer {settings.name} needs {' and '.join(missing)}, because its weights are initialised", key="weights"
        )
    return channels * prod(kernel), units * prod(kernel)


def _check_units(settings: Settings, W: Array, groups: int) -> None:
    """Every group has the same number of units."""
    if len(W) % groups:
        raise settings.error(
            f"layer {settings.name}: {_do_not_fall(len(W), 'unit')} into {groups} equal groups",
            "groups must divide the units",
            key="groups",
        )


def _do_not_fall(count: int, what: str) -> str:
    return f"1 {what} does not fall" if count == 1 else f"{count} {what}s do not fall"
