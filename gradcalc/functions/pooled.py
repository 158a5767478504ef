"""One number of a whole vector: the logarithm of the sum and of the mean of exponentials."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import VectorToScalar


def _logsumexp(np: Any, z: Any) -> Any:
    """m + log1p(the others' e^(z - m)) with m = max z."""
    from gradcalc.numerics.softened import soften

    largest = z.max(axis=-1)
    found = np.where(np.isinf(largest), largest, largest + np.log1p(soften(np, z).rest[..., 0]))
    return _beside_zero(np, found, largest, z, 1)


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
    return _beside_zero(np, np.where(np.isinf(largest), largest, largest + log_mean), largest, z, n)


def _beside_zero(np: Any, found: Any, largest: Any, z: Any, n: int) -> Any:
    """`found`, in twice the precision where m all but cancels the logarithm of the sum, or of its n-th part."""
    from gradcalc.numerics.roots import patched

    near = np.absolute(found) < 0.5 * np.maximum(np.absolute(largest), np.absolute(found - largest))
    found = patched(near, lambda z: _closely(np, z, n), found, z)
    if n == 1:
        return found
    small = np.absolute(z).max(axis=-1) < _SMALL
    return patched(near & small, lambda z: _of_small(np, z), found, z)


_SMALL = 0.25


def _closely(np: Any, z: Any, n: int) -> Any:
    """log(S / n) with S the sum of all e^z."""
    from gradcalc.numerics import arrays, doubled, powers

    top = z.argmax(axis=-1)[..., None]
    largest = np.take_along_axis(z, top, axis=-1)
    power, k = powers.exponential(np, doubled.added(arrays, z, -largest))
    terms = np.ldexp(power[0], k), np.ldexp(power[1], k)
    for part in terms:
        np.put_along_axis(part, top, 0.0, axis=-1)
    of_sum = powers.logarithm_beyond_one(np, powers.summed(np, terms))
    if n > 1:
        of_count = powers.logarithm(np, (np.full(largest.shape, float(n)), 0.0 * largest))
        of_sum = doubled.minus(arrays, of_sum, of_count)
    high, low = doubled.plus(arrays, (largest, 0.0), of_sum)
    return (high + low)[..., 0]


def _of_small(np: Any, z: Any) -> Any:
    """log1p(mean of e^z - 1), of whose terms all digits may be needed."""
    from gradcalc.numerics import arrays, doubled, powers

    high, low = powers.risen((z, 0.0 * z))
    faint = np.absolute(z) < 1e-200  # whose parts would be subnormal
    whole = powers.summed(np, (np.where(faint, z, high), np.where(faint, 0.0, low)))
    mean, low = doubled.over(arrays, whole, (float(z.shape[-1]), 0.0))
    return (np.log1p(mean) + low / (1.0 + mean))[..., 0]


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
