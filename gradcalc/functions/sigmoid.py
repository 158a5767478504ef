"""The sigmoid and the hyperbolic tangent."""

from __future__ import annotations

from gradcalc.functions.entry import Elementwise
from gradcalc.numerics.careful import sigmoid, sigmoid_curvature, sigmoid_slope, tanh_slope

ENTRIES = (
    Elementwise(
        name="sigmoid",
        aliases=("logistic", "expit"),
        title="Logistic sigmoid",
        image="(0, 1)",
        formula="1 / (1 + exp(-z))",
        derivative_formula="sigmoid(z) * (1 - sigmoid(z))",
        value=sigmoid,
        derivative=sigmoid_slope,
        second=sigmoid_curvature,
        libraries={
            "PyTorch": "sigmoid",
            "JAX": "nn.sigmoid",
            "Keras": "sigmoid",
            "SciPy": "special.expit",
            "ONNX": "Sigmoid",
        },
        notes=(
            "computed as t / (1 + t)^2 with t = exp(-abs(z)), which keeps its digits where 1 - sigmoid(z) has none",
        ),
        source="Verhulst 1838; Rumelhart, Hinton & Williams 1986",
    ),
    Elementwise(
        name="tanh",
        aliases=("hyperbolic_tangent",),
        title="Hyperbolic tangent",
        image="(-1, 1)",
        formula="tanh(z)",
        derivative_formula="1 - tanh(z)^2",
        value=lambda xp, z: xp.tanh(z),
        derivative=tanh_slope,
        second=lambda xp, z: sigmoid_curvature(xp, 2.0 * z, 8.0),
        libraries={"PyTorch": "tanh", "JAX": "nn.tanh", "Keras": "tanh", "NumPy": "tanh", "ONNX": "Tanh"},
        notes=(
            "computed as 4 u / (1 + u)^2 with u = exp(-2 abs(z)), which keeps its digits where 1 - tanh(z)^2 has none",
        ),
        source="LeCun, Bottou, Orr & Mueller 1998",
    ),
)
