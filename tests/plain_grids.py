"""Convolution and pooling over two axes as the definition has them: loops over single numbers, nothing else."""

from __future__ import annotations

from itertools import product
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Slide(NamedTuple):
    """How a kernel moves: (rows, columns) of its size, stride, dilation, and of the padding at both ends."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)

    def count(self, axis: int, size: int) -> int:
        """How many places fit: the kernel is moved while its last entry is on the padded grid."""
        found, last = 0, self.dilation[axis] * (self.kernel[axis] - 1)
        while last < size + self.before[axis] + self.after[axis]:
            found, last = found + 1, last + self.stride[axis]
        return found

    def met(self, place: tuple[int, int], tap: tuple[int, int]) -> tuple[int, int]:
        """The row and column of x that an entry of the kernel meets; outside of x in the padding."""
        found = [place[i] * self.stride[i] + tap[i] * self.dilation[i] - self.before[i] for i in (0, 1)]
        return found[0], found[1]


def inside(x: Array, at: tuple[int, int]) -> bool:
    """Whether that row and column are of x, and not of the padding."""
    return 0 <= at[0] < x.shape[-2] and 0 <= at[1] < x.shape[-1]


def places_of(x: Array, slide: Slide) -> list[tuple[int, int]]:
    """Every place of the kernel."""
    return list(product(range(slide.count(0, x.shape[2])), range(slide.count(1, x.shape[3]))))


def conv(x: Array, W: Array, slide: Slide, groups: int = 1) -> Array:
    """z[n, o, h, w], the sum over the group's channels and the kernel of W times what it meets."""
    z = np.zeros((len(x), len(W), slide.count(0, x.shape[2]), slide.count(1, x.shape[3])))
    for n, o, place in product(range(len(x)), range(len(W)), places_of(x, slide)):
        for c, tap in product(range(W.shape[1]), np.ndindex(*slide.kernel)):
            at = slide.met(place, tap)
            if inside(x, at):
                z[(n, o, *place)] += W[(o, c, *tap)] * x[(n, channel(W, o, c, groups), *at)]
    return z


def conv_back(x: Array, W: Array, dz: Array, slide: Slide, groups: int = 1) -> tuple[Array, Array]:
    """dW and dx: every product of the forward pass sends dz times the one factor to the other."""
    dW, dx = np.zeros_like(W), np.zeros_like(x)
    for n, o, place in product(range(len(x)), range(len(W)), places_of(x, slide)):
        for c, tap in product(range(W.shape[1]), np.ndindex(*slide.kernel)):
            at = slide.met(place, tap)
            if inside(x, at):
                source = (n, channel(W, o, c, groups), *at)
                dW[(o, c, *tap)] += dz[(n, o, *place)] * x[source]
                dx[source] += dz[(n, o, *place)] * W[(o, c, *tap)]
    return dW, dx


def channel(W: Array, o: int, c: int, groups: int) -> int:
    """The channel of x that is the c-th of unit o's group."""
    return o // (len(W) // groups) * W.shape[1] + c


def max_pool(x: Array, da: Array, slide: Slide, ties: str) -> tuple[Array, Array, Array]:
    """a, the flat indices of the first maxima, and dx by the rule for ties."""
    a, taken, dx = np.zeros(da.shape), np.zeros(da.shape, int), np.zeros_like(x)
    for n, c, place in product(range(len(x)), range(x.shape[1]), places_of(x, slide)):
        met = [at for tap in np.ndindex(*slide.kernel) if inside(x, at := slide.met(place, tap))]
        largest = max(x[(n, c, *at)] for at in met)
        winners = [at for at in met if x[(n, c, *at)] == largest]
        a[(n, c, *place)] = largest
        taken[(n, c, *place)] = winners[0][0] * x.shape[3] + winners[0][1]
        for at in winners[:1] if ties == "first" else winners:
            dx[(n, c, *at)] += da[(n, c, *place)] / (len(winners) if ties == "split" else 1)
    return a, taken, dx


def avg_pool(x: Array, da: Array, slide: Slide, count_padding: bool) -> tuple[Array, Array]:
    """a and dx."""
    a, dx = np.zeros(da.shape), np.zeros_like(x)
    for n, c, place in product(range(len(x)), range(x.shape[1]), places_of(x, slide)):
        met = [at for tap in np.ndindex(*slide.kernel) if inside(x, at := slide.met(place, tap))]
        divisor = slide.kernel[0] * slide.kernel[1] if count_padding else len(met)
        for at in met:
            a[(n, c, *place)] += x[(n, c, *at)] / divisor
            dx[(n, c, *at)] += da[(n, c, *place)] / divisor
    return a, dx
