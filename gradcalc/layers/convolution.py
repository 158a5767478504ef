"""The arithmetic of a convolution: matrix products of the kernels with columns, made for a few places at a time.

A column is all that a kernel meets at one place. All columns at once would be as many times the input as the kernel
has entries, so they are made block by block, and thrown away.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcalc.layers.windows import Windows
from gradcalc.shapes import Array, Shape

#: A block of columns has at most that share of the input's and output's size, and at least so many entries.
SHARE, LEAST = 8, 1 << 16


def convolve(x: Array, W: Array, windows: Windows, groups: int, z: Array) -> None:
    """z (N, out, *places) is filled from x (N, in, *size) and W (out, in / groups, *kernel), which is not flipped."""
    kernels = W.reshape(groups, len(W) // groups, -1)
    for examples, strips in _blocks(x, z, windows):
        grid = windows.padded(x[examples])
        for rows in strips:
            target = z[examples, :, rows]
            target[...] = _examples_first(kernels @ _columns(grid, windows, rows, target.shape, groups), target.shape)


def convolve_back(x: Array, W: Array, dz: Array, windows: Windows, groups: int, dx: Array) -> Array:
    """dW, which is dz times the columns; dx is filled with what every tap's weight sends back."""
    kernels = W.reshape(groups, len(W) // groups, -1)
    dW = np.zeros_like(kernels)
    for examples, strips in _blocks(x, dz, windows):
        grid = windows.padded(x[examples])
        sent = np.zeros_like(grid)
        for rows in strips:
            some = dz[examples, :, rows]
            upstream = _channels_first(some, groups)
            dW += upstream @ _columns(grid, windows, rows, some.shape, groups).swapaxes(1, 2)
            _send_back(kernels.swapaxes(1, 2) @ upstream, sent, windows, rows, some.shape)
        dx[examples] = sent[windows.inside(x.shape[2:])]
    return dW.reshape(W.shape)


def _blocks(x: Array, z: Array, windows: Windows) -> Iterator[tuple[slice, list[slice]]]:
    """The batch in blocks of examples, each in strips of rows (places of the first axis), many for a large example."""
    limit = max(LEAST, (x.size + z.size) // SHARE)
    rows = z.shape[2]
    per_row = x.shape[1] * windows.taps * (z[0, 0].size // rows)
    examples = max(1, limit // (per_row * rows))
    strip = rows if examples > 1 else min(rows, max(1, limit // per_row))
    strips = [slice(row, min(row + strip, rows)) for row in range(0, rows, strip)]
    for first in range(0, len(x), examples):
        yield slice(first, first + examples), strips


def _strip(grid: Array, windows: Windows, rows: slice) -> Array:
    """The part of a padded grid that the windows of these rows meet."""
    stride = windows.stride[0]
    return grid[:, :, rows.start * stride : (rows.stop - 1) * stride + windows.reach[0]]


def _columns(grid: Array, windows: Windows, rows: slice, shape: Shape, groups: int) -> Array:
    """(groups, channels of a group * taps, N * places): a column for every place of a strip of z of that shape."""
    met = windows.view(_strip(grid, windows, rows), shape[2:])
    return met.reshape(groups, len(met) // groups * windows.taps, -1)


def _send_back(found: Array, sent: Array, windows: Windows, rows: slice, shape: Shape) -> None:
    """Adds what the taps send back, laid out as columns are, where they met it in the padded grid."""
    grid, places = _strip(sent, windows, rows), shape[2:]
    by_tap = found.reshape(sent.shape[1], windows.taps, len(sent), *places)
    for tap, place in enumerate(windows.places(places)):
        grid[place] += by_tap[:, tap].swapaxes(0, 1)


def _channels_first(dz: Array, groups: int) -> Array:
    """(N, out, *places) as (groups, out / groups, N * places)."""
    found: Array = dz.swapaxes(0, 1).reshape(groups, dz.shape[1] // groups, -1)
    return found


def _examples_first(found: Array, shape: Shape) -> Array:
    """(groups, out / groups, N * places) as (N, out, *places), the shape that is given."""
    examples, units, *places = shape
    ordered: Array = found.reshape(units, examples, *places).swapaxes(0, 1)
    return ordered
