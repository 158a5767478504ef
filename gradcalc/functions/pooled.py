"""One number of a whole vector: the logarithm of the sum and of the mean of exponentials."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import VectorToScalar


def _logsumexp(np: Any, z: Any) -> Any:
    """m + log1p(the others' e^(z - m)) with m = max z."""
    from gradcalc.numerics.softened import soften

    largest = z.max(axis=-1)
    return np.where(np.isinf(largest), largest, largest + np.log1p(soften(np, z).rest[..., 0]))


def _logmeanexp(np: Any, z: Any) -> Any:
    """m + log1p(mean of e^(z - m) - 1), or m + log(mean of e^(z - m)) where the mean is below 1/2."""
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import total

    soft, n = soften(np, z), z.shape[-1]
    falls = np.expm1(soft.gap / soft.unit)
    falls = np.where(np.isfinite(soft.gap_low), falls + soft.e * soft.gap_low, falls)
    mean = soft.whole[..., 0] / n
    log_mean = np.where(mean < 0.5, np.log(mean), np.log1p(total(np, falls) / n))
    largest = z.max(axis=-1)
    return np.where(np.isinf(largest), largest, largest + log_mean)


def _shares(np: Any, z: Any, side: str) -> Any:
    """softmax(z)."""
    from gradcalc.numerics.softened import soften

    return soften(np, z).p


ENTRIES = (
    VectorToScalar(
        name="logsumexp",
        title="Logarithm of the sum of exponentials",
        image="(-inf, inf), from the largest entry to log(n) above it",
        formula="log(sum(exp(z)))",
        derivative_formula="softmax(z)",
        value=_logsumexp,
        gradient=_shares,
        libraries={
            "PyTorch": "logsumexp",
            "JAX": "nn.logsumexp",
            "Keras": "ops.logsumexp",
            "SciPy": "special.logsumexp",
            "ONNX": "ReduceLogSumExp",
        },
        notes=("a smooth maximum; one infinite entry takes all of the gradient, several have none",),
        source="PyTorch logsumexp, SciPy logsumexp",
    ),
    VectorToScalar(
        name="logmeanexp",
        title="Logarithm of the mean of exponentials",
        image="(-inf, inf), from the mean to the largest entry",
        formula="log(mean(exp(z)))",
        derivative_formula="softmax(z)",
        value=_logmeanexp,
        gradient=_shares,
        libraries={"JAX": "nn.logmeanexp"},
        notes=("logsumexp less log(n); one infinite entry takes all of the gradient, several have none",),
        source="JAX logmeanexp",
    ),
)
