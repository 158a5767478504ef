"""Sliding windows: where a kernel stands on a padded grid, for convolution and pooling over one axis or two."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from gradcalc.shapes import Array

Sizes = tuple[int, ...]
Padding = tuple[tuple[int, int], ...]
#: What selects a part of a grid.
Place = tuple[slice, ...]

_WHOLE = (slice(None), slice(None))  # all examples and channels


class Windows(NamedTuple):
    """A kernel's way over a grid. Along each axis: its size, its stride, its dilation, the padding before and after.

    Grids are (N, channels, *size). A kernel's entries are its taps, counted row by row.
    """

    kernel: Sizes
    stride: Sizes
    dilation: Sizes
    padding: Padding

    @property
    def taps(self) -> int:
        """How many entries the kernel has."""
        return prod(self.kernel)

    @property
    def reach(self) -> Sizes:
        """From a window's first entry to its last, both included: longer than the kernel where it is dilated."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))

    def counts(self, size: Sizes) -> Sizes:
        """How many windows fit along each axis; below 1 where none does."""
        room = zip(size, self.padding, self.reach, self.stride, strict=True)
        return tuple((n + before + after - reach) // s + 1 for n, (before, after), reach, s in room)

    def within(self, size: Sizes) -> Windows:
        """The same windows of a padded grid of that size, with no step longer than it has any use for."""
        stride = tuple(min(s, n) for s, n in zip(self.stride, size, strict=True))
        dilation = tuple(d if k > 1 else 1 for d, k in zip(self.dilation, self.kernel, strict=True))
        return self._replace(stride=stride, dilation=dilation)

    def near(self, size: Sizes) -> Windows:
        """The same windows of a grid of that size without the outer taps that meet padding alone, wherever they stand.

        A kernel far larger than the grid has millions of them.
        """
        first, last = [], []
        along = zip(size, self.counts(size), self.kernel, self.stride, self.dilation, self.padding, strict=True)
        for n, count, k, s, d, (before, after) in along:
            first.append(min(max(0, before - s * (count - 1)) // d, k - 1))
            last.append(min(max(0, k - 1 - (n - 1 + before) // d), after // d, k - 1 - first[-1]))
        dropped = list(zip(first, last, strict=True))
        return self._replace(
            kernel=tuple(k - sum(both) for k, both in zip(self.kernel, dropped, strict=True)),
            padding=tuple(
                (before - i * d, after - j * d)
                for (before, after), d, (i, j) in zip(self.padding, self.dilation, dropped, strict=True)
            ),
        )

    def padded(self, x: Array, fill: float = 0.0) -> Array:
        """x with its padding: x itself where there is none, so that it must not be written to."""
        size = x.shape[2:]
        if self.around(size) == size:
            return np.ascontiguousarray(x)
        whole = np.full((*x.shape[:2], *self.around(size)), fill, x.dtype)
        whole[self.inside(size)] = x
        return whole

    def around(self, size: Sizes) -> Sizes:
        """The size of a grid with its padding."""
        return tuple(n + before + after for n, (before, after) in zip(size, self.padding, strict=True))

    def inside(self, size: Sizes) -> Place:
        """Where in a padded grid the grid itself is."""
        along = (slice(before, before + n) for n, (before, _) in zip(size, self.padding, strict=True))
        return *_WHOLE, *along

    def places(self, counts: Sizes) -> Iterator[Place]:
        """For each tap, where in a padded grid it stands while the kernel moves: slices that select `counts`."""
        for tap in product(*map(range, self.kernel)):
            along = zip(tap, self.dilation, self.stride, counts, strict=True)
            yield *_WHOLE, *(slice(t * d, t * d + s * (n - 1) + 1, s) for t, d, s, n in along)

    def strip(self, rows: slice, size: int) -> tuple[Windows, slice]:
        """The windows at some places of the first axis, and the rows of x that they meet, of the `size` there are."""
        start = rows.start * self.stride[0] - self.padding[0][0]
        stop = (rows.stop - 1) * self.stride[0] - self.padding[0][0] + self.reach[0]
        met = slice(min(max(start, 0), size), min(max(stop, 0), size))
        before = max(0, min(stop, 0) - start)
        after = stop - start - before - (met.stop - met.start)
        return self._replace(padding=((before, after), *self.padding[1:])), met

    def view(self, grid: Array, counts: Sizes) -> Array:
        """What every tap meets at every place, (channels, *kernel, N, *counts): a view of the padded grid."""
        per_example, per_channel, *steps = grid.strides
        taps = [step * d for step, d in zip(steps, self.dilation, strict=True)]
        moves = [step * s for step, s in zip(steps, self.stride, strict=True)]
        shape = (grid.shape[1], *self.kernel, grid.shape[0], *counts)
        return as_strided(grid, shape, (per_channel, *taps, per_example, *moves), writeable=False)

    def indices(self, size: Sizes) -> Iterator[Array]:
        """For each tap, the flat indices in the grid of what it meets, (*counts); below 0 in the padding."""
        for place in self.places(self.counts(size)):
            flat: Array = np.zeros((), dtype=np.int64)
            for n, at, (before, _) in zip(size, place[len(_WHOLE) :], self.padding, strict=True):
                along = np.arange(at.start, at.stop, at.step) - before
                outside = (along < 0) | (along >= n)  # a row outside stays below 0: -1 * n + along < 0
                flat = np.where(outside, -1, flat[..., None] * n + along)
            yield flat

    def blind(self, size: Sizes) -> bool:
        """Whether some window meets padding alone."""
        along = zip(size, self.counts(size), self.kernel, self.stride, self.dilation, self.padding, strict=True)
        for n, count, k, s, d, (before, _) in along:
            start = np.arange(count) * s - before
            first = np.maximum(-(start // d), 0)  # the first tap that is not before the grid
            if ((first >= k) | (start + first * d >= n)).any():
                return True
        return False


def same_padding(size: Sizes, kernel: Sizes, stride: Sizes, dilation: Sizes) -> Padding:
    """The padding that gives ceil(n / stride) places along each axis; what is uneven goes to the end."""
    found = []
    for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
        total = max((-(-n // s) - 1) * s + d * (k - 1) + 1 - n, 0)
        found.append((total // 2, total - total // 2))
    return tuple(found)
