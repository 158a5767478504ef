"""Activations of a whole vector: softmax and its logarithm."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import VectorActivation
from gradcalc.numerics.blocks import blockwise


@blockwise(1)
def _softmax(np: Any, z: Any) -> Any:
    from gradcalc.numerics.softened import soften

    return soften(np, z).p


def _softmax_jacobian(np: Any, z: Any) -> Any:
    """p_i (delta_ij - p_j), with p_i q_i on the diagonal."""
    from gradcalc.numerics.softened import soften

    p, q = soften(np, z).shares(np)
    return _with_diagonal(np, -p[..., :, None] * p[..., None, :], p * q)


@blockwise(2)
def _softmax_vjp(np: Any, z: Any, upstream: Any) -> Any:
    """p_j (g_j - sum_i p_i g_i); g is counted from the top entry's, which has most of the weight."""
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import total

    soft = soften(np, z)
    p = soft.p
    g = upstream - np.take_along_axis(upstream, soft.top, axis=-1)
    g -= total(np, p * g)[..., None]
    g *= p
    return g


@blockwise(1)
def _log_softmax(np: Any, z: Any) -> Any:
    from gradcalc.numerics.softened import soften

    soft = soften(np, z)
    return -soft.surprise(np) / soft.unit


def _log_softmax_jacobian(np: Any, z: Any) -> Any:
    """delta_ij - p_j, with q_i on the diagonal."""
    from gradcalc.numerics.softened import soften

    p, q = soften(np, z).shares(np)
    return _with_diagonal(np, np.repeat(-p[..., None, :], z.shape[-1], axis=-2), q)


@blockwise(2)
def _log_softmax_vjp(np: Any, z: Any, upstream: Any) -> Any:
    """g_j q_j - p_j sum_{i != j} g_i."""
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import total, without

    soft = soften(np, z)
    p, q = soft.shares(np)
    others = total(np, upstream)[..., None] - upstream
    top_others = total(np, without(np, upstream, soft.top))[..., None]
    np.put_along_axis(others, soft.top, top_others, axis=-1)
    return upstream * q - p * others


def _with_diagonal(np: Any, matrix: Any, diagonal: Any) -> Any:
    i = np.arange(diagonal.shape[-1])
    matrix[..., i, i] = diagonal
    return matrix


ENTRIES = (
    VectorActivation(
        name="softmax",
        title="Softmax",
        formula="exp(z) / sum(exp(z))",
        derivative_formula="J[i][j] = p[i] * ((1 if i == j else 0) - p[j]) with p = softmax(z)",
        value=_softmax,
        jacobian=_softmax_jacobian,
        vjp=_softmax_vjp,
        notes=("one infinite entry takes all the weight; several have no limit and give NaN",),
        source="Bridle 1990; Konopczynski, Handy DL (2017), eq. 9-15",
    ),
    VectorActivation(
        name="log_softmax",
        title="Logarithm of softmax",
        formula="z - log(sum(exp(z)))",
        derivative_formula="J[i][j] = (1 if i == j else 0) - softmax(z)[j]",
        value=_log_softmax,
        jacobian=_log_softmax_jacobian,
        vjp=_log_softmax_vjp,
        notes=("one infinite entry takes all the weight; several have no limit and give NaN",),
        source="PyTorch log_softmax, JAX log_softmax",
    ),
)
