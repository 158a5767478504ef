"""Activations of a whole vector: softmax, its mirror image and its logarithm, and the gated linear unit."""

from __future__ import annotations

from typing import Any

from gradcalc.errors import InputError
from gradcalc.functions.entry import VectorActivation
from gradcalc.numerics.blocks import blockwise
from gradcalc.numerics.careful import sigmoid
from gradcalc.numerics.split import decays


@blockwise(1)
def _softmax(np: Any, z: Any) -> Any:
    from gradcalc.numerics.softened import soften

    return soften(np, z).p


def _softmax_jacobian(np: Any, z: Any) -> Any:
    """p_i (delta_ij - p_j), with p_i q_i on the diagonal; the rounding of S would count in both factors."""
    from gradcalc.numerics.softened import soften

    soft = soften(np, z)
    p, q = soft.shares(np)
    right = p - p * (2.0 * soft.lost / soft.whole)
    return _with_diagonal(np, -right[..., :, None] * p[..., None, :], right * q)


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


def _softmin(np: Any, z: Any) -> Any:
    return _softmax(np, -z)


def _softmin_jacobian(np: Any, z: Any) -> Any:
    return -_softmax_jacobian(np, -z)


def _softmin_vjp(np: Any, z: Any, upstream: Any) -> Any:
    return -_softmax_vjp(np, -z, upstream)


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


def _glu(np: Any, x: Any) -> Any:
    """a sigma(b) for x = [a, b]."""
    a, b = _halves(x)
    over = a / (1.0 + np.exp(-np.absolute(b)))
    return np.where(b < 0, decays(np, over, np.absolute(b)), over)


def _glu_slopes(np: Any, x: Any) -> tuple[Any, Any]:
    """sigma(b), and a sigma'(b)."""
    a, b = _halves(x)
    t = np.exp(-np.absolute(b))
    return sigmoid(np, b), decays(np, a / (1.0 + t * (2.0 + t)), np.absolute(b))


def _glu_jacobian(np: Any, x: Any) -> Any:
    """Two diagonals side by side."""
    by_a, by_b = _glu_slopes(np, x)
    m = by_a.shape[-1]
    empty = np.zeros((*x.shape[:-1], m, m))
    return np.concatenate([_with_diagonal(np, empty, by_a), _with_diagonal(np, empty.copy(), by_b)], axis=-1)


def _glu_vjp(np: Any, x: Any, upstream: Any) -> Any:
    by_a, by_b = _glu_slopes(np, x)
    return np.concatenate([upstream * by_a, upstream * by_b], axis=-1)


def _halves(x: Any) -> tuple[Any, Any]:
    m = x.shape[-1] // 2
    return x[..., :m], x[..., m:]


def _half(n: int) -> int:
    """How many outputs glu has."""
    if n % 2:
        raise InputError(f"glu takes two halves of the same length, and {n} is odd")
    return n // 2


def _with_diagonal(np: Any, matrix: Any, diagonal: Any) -> Any:
    i = np.arange(diagonal.shape[-1])
    matrix[..., i, i] = diagonal
    return matrix


ENTRIES = (
    VectorActivation(
        name="softmax",
        title="Softmax",
        image="(0, 1), with the sum 1",
        formula="exp(z) / sum(exp(z))",
        derivative_formula="J[i][j] = p[i] * ((1 if i == j else 0) - p[j]) with p = softmax(z)",
        value=_softmax,
        jacobian=_softmax_jacobian,
        vjp=_softmax_vjp,
        libraries={
            "PyTorch": "F.softmax(dim)",
            "JAX": "nn.softmax",
            "Keras": "softmax",
            "SciPy": "special.softmax (over all axes)",
            "ONNX": "Softmax",
        },
        notes=("one infinite entry takes all the weight; several have no limit and give NaN",),
        source="Bridle 1990; Konopczynski, Handy DL (2017), eq. 9-15",
    ),
    VectorActivation(
        name="softmin",
        title="Softmin: softmax of -z",
        image="(0, 1), with the sum 1",
        formula="exp(-z) / sum(exp(-z))",
        derivative_formula="J[i][j] = -p[i] * ((1 if i == j else 0) - p[j]) with p = softmin(z)",
        value=_softmin,
        jacobian=_softmin_jacobian,
        vjp=_softmin_vjp,
        libraries={"PyTorch": "F.softmin"},
        notes=("one entry of -inf takes all the weight; several have no limit and give NaN",),
        source="PyTorch softmin",
    ),
    VectorActivation(
        name="glu",
        title="Gated linear unit",
        image="(-inf, inf)",
        formula="first_half(z) * sigmoid(second_half(z))",
        derivative_formula="J^T upstream = join(upstream * s, upstream * first_half(z) * s * (1 - s))"
        " with s = sigmoid(second_half(z))",
        value=_glu,
        jacobian=_glu_jacobian,
        vjp=_glu_vjp,
        outputs=_half,
        libraries={"PyTorch": "F.glu", "JAX": "nn.glu", "Keras": "glu"},
        notes=("it has half as many outputs as inputs, so the number of inputs is even",),
        source="Dauphin, Fan, Auli & Grangier 2016",
    ),
    VectorActivation(
        name="log_softmax",
        title="Logarithm of softmax",
        image="(-inf, 0)",
        formula="z - log(sum(exp(z)))",
        derivative_formula="J[i][j] = (1 if i == j else 0) - softmax(z)[j]",
        value=_log_softmax,
        jacobian=_log_softmax_jacobian,
        vjp=_log_softmax_vjp,
        libraries={
            "PyTorch": "F.log_softmax(dim)",
            "JAX": "nn.log_softmax",
            "Keras": "log_softmax",
            "SciPy": "special.log_softmax (over all axes)",
            "ONNX": "LogSoftmax",
        },
        notes=("one infinite entry takes all the weight; several have no limit and give NaN",),
        source="PyTorch log_softmax, JAX log_softmax",
    ),
)
