"""The arithmetic of a convolution: matrix products of the kernels with columns, made for a few places at a time.

A column is all that a kernel meets at one place. All columns at once would be as many times the input as the kernel
has entries, so they are made block by block, and thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcalc.layers.windows import Windows
from gradcalc.shapes import Array, Shape

#: A block of columns has at most that share of the input's and output's size, or so many entries if they are small.
SHARE, SMALL = 4, 1 << 16


def convolve(x: Array, W: Array, windows: Windows, groups: int, z: Array) -> None:
    """z (N, out, *places) is filled from x (N, in, *size) and W (out, in / groups, *kernel), which is not flipped."""
    kernels = W.reshape(groups, len(W) // groups, -1)
    for examples, rows in blocks(x, z, windows):
        part, met = windows.strip(rows, x.shape[2])
        target = z[examples, :, rows]
        columns = _columns(part.padded(x[examples, :, met]), part, target.shape, groups)
        target[...] = _examples_first(kernels @ columns, target.shape)


def convolve_back(x: Array, W: Array, dz: Array, windows: Windows, groups: int, dx: Array) -> Array:
    """dW, which is dz times the columns; what every tap's weight sends back is added to dx."""
    kernels = W.reshape(groups, len(W) // groups, -1)
    dW = np.zeros_like(kernels)
    for examples, rows in blocks(x, dz, windows):
        part, met = windows.strip(rows, x.shape[2])
        some = dz[examples, :, rows]
        upstream = _channels_first(some, groups)
        grid = part.padded(x[examples, :, met])
        dW += upstream @ _columns(grid, part, some.shape, groups).swapaxes(1, 2)
        sent = _sent_back(kernels.swapaxes(1, 2) @ upstream, grid.shape, part, some.shape)
        target = dx[examples, :, met]
        target += sent[part.inside(target.shape[2:])]
    return dW.reshape(W.shape)


def blocks(x: Array, z: Array, windows: Windows) -> Iterator[tuple[slice, slice]]:
    """The places of z in blocks: several examples whole, or rows (places of the first axis) of one example."""
    limit = max(SMALL, (x.size + z.size) // SHARE)
    rows = z.shape[2]
    per_row = x.shape[1] * windows.taps * (z[0, 0].size // rows)
    examples = max(1, limit // (per_row * rows))
    strip = rows if examples > 1 else min(rows, max(1, limit // per_row))
    for first in range(0, len(x), examples):
        for row in range(0, rows, strip):
            yield slice(first, first + examples), slice(row, min(row + strip, rows))


def _columns(grid: Array, part: Windows, shape: Shape, groups: int) -> Array:
    """(groups, channels of a group * taps, N * places): a column for every place of a block of z of that shape."""
    met = part.view(grid, shape[2:])
    return met.reshape(groups, len(met) // groups * part.taps, -1)


def _sent_back(found: Array, grid: Shape, part: Windows, shape: Shape) -> Array:
    """What the taps send back, laid out as columns are, added up where they met it in the padded grid."""
    sent = np.zeros(grid, found.dtype)
    by_tap = found.reshape(grid[1], part.taps, grid[0], *shape[2:])
    for tap, place in enumerate(part.places(shape[2:])):
        sent[place] += by_tap[:, tap].swapaxes(0, 1)
    return sent


def _channels_first(dz: Array, groups: int) -> Array:
    """(N, out, *places) as (groups, out / groups, N * places)."""
    found: Array = dz.swapaxes(0, 1).reshape(groups, dz.shape[1] // groups, -1)
    return found


def _examples_first(found: Array, shape: Shape) -> Array:
    """(groups, out / groups, N * places) as (N, out, *places), the shape that is given."""
    examples, units, *places = shape
    ordered: Array = found.reshape(units, examples, *places).swapaxes(0, 1)
    return ordered
