"""The way back of a recurrent layer with another dz: of all steps at once, or of an rnn step by step."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.base import Quantities
from gradcalc.layers.rnn import RNN
from gradcalc.mistakes.tape import Run
from gradcalc.mistakes.terms import matrix, terms
from gradcalc.shapes import Array


def with_dz(run: Run, at: int, found: Quantities, dz: Array) -> Quantities:
    """The gradients of a recurrent layer when dz of all its steps is another."""
    changed = {**found, "dz": dz}
    for one in terms(run, at, changed):
        changed |= {name: array for name, array in one.of(one.by).items() if name in found}
    return changed


def back_in_time(
    run: Run, at: int, found: Quantities, slope: Array | None = None, *, transposed: bool = True
) -> Quantities:
    """The gradients of an rnn with another slope (N, T, units), or with Wh as it stands on the way back."""
    layer = run.layers[at]
    assert isinstance(layer, RNN)
    slope = found["f_prime"] if slope is None else slope
    Wh = matrix(layer, "Wh", layer.units)
    dh = np.zeros_like(slope)
    if layer.return_sequences:
        dh += found["da"]
    else:
        dh[:, -1] = found["da"]
    for t in reversed(range(1, dh.shape[1])):
        dh[:, t - 1] += (dh[:, t] * slope[:, t]) @ (Wh.T if transposed else Wh)
    return with_dz(run, at, {**found, "dh": dh}, dh * slope)
