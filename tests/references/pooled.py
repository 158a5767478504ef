"""References of the logarithms of a sum and a mean of exponentials; their terms may cancel."""

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
    "logsumexp": Reference(value=lambda z: (max(z), log1p(_rest(z))), derivative=softmax),
    "logmeanexp": Reference(value=lambda z: (max(z), log((1 + _rest(z)) / len(z))), derivative=softmax),
}
