"""References of the step, the identity and the rectified linear units."""

from __future__ import annotations

from references.reference import Reference

_LEAKY = {
    "value": lambda z, alpha: z if z > 0 else alpha * z,
    "derivative": lambda z, alpha: 1 if z > 0 else alpha,
    "second": lambda z, alpha: 0,
    "by_parameter": {"alpha": lambda z, alpha: min(z, 0)},
}

REFERENCES = {
    "identity": Reference(value=lambda z: z, derivative=lambda z: 1, second=lambda z: 0),
    "step": Reference(
        value=lambda z, at_zero: 1 if z > 0 else 0 if z < 0 else at_zero,
        derivative=lambda z, at_zero: 0,
        second=lambda z, at_zero: 0,
        by_parameter={"at_zero": lambda z, at_zero: 1 if z == 0 else 0},
        parameters=({}, {"at_zero": 0.5}),
    ),
    "relu": Reference(value=lambda z: max(z, 0), derivative=lambda z: 1 if z > 0 else 0, second=lambda z: 0),
    "leaky_relu": Reference(**_LEAKY, parameters=({}, {"alpha": 0.3}, {"alpha": -2.0}, {"alpha": 0.0})),
    "prelu": Reference(**_LEAKY, parameters=({}, {"alpha": 1e-3})),
}
