"""References of the piecewise activations, branch by branch."""

from __future__ import annotations

from typing import Any

from references.reference import Reference


def _clip(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def _zero(*_: Any) -> int:
    return 0


def _onnx(z: Any, alpha: Any, beta: Any) -> Any:
    return _clip(alpha * z + beta, 0, 1)


def _onnx_inside(z: Any, alpha: Any, beta: Any) -> bool:
    """With the rounded places of the kinks, for they are declared as floats."""
    edges = (
        sorted((float(-beta) / float(alpha), (1.0 - float(beta)) / float(alpha)))
        if alpha
        else [z - 1 if 0 < beta < 1 else z, z + 1]
    )
    return edges[0] < z < edges[1]


REFERENCES = {
    "sign": Reference(lambda z: (z > 0) - (z < 0), _zero, _zero),
    "relu6": Reference(lambda z: _clip(z, 0, 6), lambda z: int(0 < z < 6), _zero),
    "hard_sigmoid": Reference(
        lambda z: _clip((z + 3) / 6, 0, 1), lambda z: 1 / (z * 0 + 6) if abs(z) < 3 else 0, _zero
    ),
    "hard_sigmoid_onnx": Reference(
        value=_onnx,
        derivative=lambda z, alpha, beta: alpha if _onnx_inside(z, alpha, beta) else 0,
        second=_zero,
        by_parameter={
            "alpha": lambda z, alpha, beta: z if _onnx_inside(z, alpha, beta) else 0,
            "beta": lambda z, alpha, beta: int(_onnx_inside(z, alpha, beta)),
        },
        parameters=({}, {"alpha": 0.3, "beta": 0.1}, {"alpha": -2.0}, {"alpha": 0.0}),
        hard=(({"beta": -2.2128656066600205e17}, (1.1064328033300102e18,)),),
    ),
    "sparse_sigmoid": Reference(
        lambda z: _clip((z + 1) / 2, 0, 1), lambda z: 1 / (z * 0 + 2) if abs(z) < 1 else 0, _zero
    ),
    "sparse_plus": Reference(
        value=lambda z: z if z >= 1 else max(z + 1, 0) ** 2 / 4,
        derivative=lambda z: _clip((z + 1) / 2, 0, 1),
        second=lambda z: 1 / (z * 0 + 2) if abs(z) < 1 else 0,
    ),
    "hard_tanh": Reference(
        value=_clip,
        derivative=lambda z, low, high: int(low < z < high),
        second=_zero,
        by_parameter={
            "min_val": lambda z, low, high: int(z < low < high),
            "max_val": lambda z, low, high: int(z > high or low >= high),
        },
        parameters=({}, {"min_val": -2.5, "max_val": 0.3}, {"min_val": 0.5, "max_val": 0.5}),
    ),
    "hard_silu": Reference(
        value=lambda z: z * _clip(z + 3, 0, 6) / 6,
        derivative=lambda z: 0 if z <= -3 else 1 if z >= 3 else (2 * z + 3) / 6,
        second=lambda z: 1 / (z * 0 + 3) if abs(z) < 3 else 0,
    ),
}
