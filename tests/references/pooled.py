"""References of the logarithms of a sum and a mean of exponentials."""

from __future__ import annotations

from typing import Any

from references.elementary import exp, log, log1p
from references.reference import Reference
from references.vector import softmax


def _rest(z: Any) -> Any:
    """The sum of e^(z_i - max z), but for the largest."""
    ordered = sorted(z)
    return sum((exp(entry - ordered[-1]) for entry in ordered[:-1]), 0 * z[0])


REFERENCES = {
    "logsumexp": Reference(
        value=lambda z: max(z) + log1p(_rest(z)),
        derivative=softmax,
        hard=(({}, ([-0.6931471, -0.6931473],)), ({}, ([-40.0, -1e-17, -41.0],)), ({}, ([-1.0, -2.0, -0.7],))),
    ),
    "logmeanexp": Reference(
        value=lambda z: max(z) + log((1 + _rest(z)) / len(z)),
        derivative=softmax,
        hard=(({}, ([1.0986, -30.0, -1.0],)), ({}, ([1e-9, -1e-9, 3e-9],))),
    ),
}
