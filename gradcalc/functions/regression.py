"""Squared and absolute errors: of one prediction, and of all the outputs of an example.

The three scalings in use each have a name of their own: squared (no factor), half squared, and their means.
"""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import ElementwiseLoss, Kink, KinkText, VectorLoss
from gradcalc.numerics.blocks import blockwise
from gradcalc.numerics.careful import constant


def _sign(xp: Any, d: Any) -> Any:
    return xp.where(d > 0, 1.0, xp.where(d < 0, -1.0, xp.where(d == 0, 0.0, d)))


def _scaled_difference(np: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """c (x - y), and c (..., 1): a difference may overflow where a mean of them does not."""
    from gradcalc.numerics.vectors import quarter_if_huge

    largest = np.maximum(np.absolute(x), np.absolute(y)).max(axis=-1, keepdims=True)
    c = quarter_if_huge(np, largest)
    return x * c - y * c, c


@blockwise(2)
def _sum_of_squares(np: Any, x: Any, y: Any, divisor: float) -> Any:
    """Sum of (x - y)^2 / divisor over the last axis, without overflow or underflow on the way."""
    from gradcalc.numerics.vectors import scaled, total

    d, c = _scaled_difference(np, x, y)
    d, exponent = scaled(np, d)
    mean = total(np, d * d) / (divisor * c * c)[..., 0]
    return np.ldexp(mean, 2 * exponent[..., 0])


@blockwise(2)
def _squares_gradient(np: Any, x: Any, y: Any, factor: float, divisor: float) -> Any:
    """factor (x - y) / divisor."""
    d, c = _scaled_difference(np, x, y)
    return d / divisor * (factor / c)


@blockwise(2)
def _mean_of_absolutes(np: Any, x: Any, y: Any) -> Any:
    from gradcalc.numerics.vectors import scaled, total

    d, c = _scaled_difference(np, x, y)
    d, exponent = scaled(np, np.absolute(d))
    return np.ldexp(total(np, d) / (x.shape[-1] * c[..., 0]), exponent[..., 0])


@blockwise(2)
def _absolutes_gradient(np: Any, x: Any, y: Any, side: str) -> Any:
    d = x - y
    at_kink = {"left": -1.0, "right": 1.0}.get(side, 0.0)
    return np.where(d == 0, at_kink, _sign(np, d)) / x.shape[-1]


_WHERE_EQUAL = "where a = y PyTorch has the slope 0, JAX and the course notes 1 (--kink right), Keras on JAX -1 (left)"

ENTRIES = (
    ElementwiseLoss(
        name="squared_error",
        aliases=("square", "squared_loss"),
        title="Squared error",
        formula="(a - y)^2",
        derivative_formula="2 * (a - y)",
        value=lambda xp, x, y: (x - y) * (x - y),
        derivative=lambda xp, x, y: 2.0 * (x - y),
        second=lambda xp, x, y: constant(xp, 2.0, x - y),
        by_target=lambda xp, x, y: 2.0 * (y - x),
        libraries={"PyTorch": "F.mse_loss(reduction='none')", "optax.losses": "squared_error"},
        notes=("the derivative has the factor 2; half_squared_error has not",),
        source="MIT 6.390 notes, Activation Derivatives, eq. 11 and 16; PyTorch mse_loss, optax squared_error",
    ),
    ElementwiseLoss(
        name="half_squared_error",
        aliases=("half_square", "l2_loss"),
        title="Half squared error",
        formula="(a - y)^2 / 2",
        derivative_formula="a - y",
        value=lambda xp, x, y: (0.5 * (x - y)) * (x - y),
        derivative=lambda xp, x, y: x - y,
        second=lambda xp, x, y: constant(xp, 1.0, x - y),
        by_target=lambda xp, x, y: y - x,
        libraries={"optax.losses": "l2_loss"},
        source="Konopczynski, Handy DL (2017), eq. 25-26; optax l2_loss",
    ),
    ElementwiseLoss(
        name="absolute_error",
        aliases=("absolute", "linear_loss", "l1", "l1_loss"),
        title="Absolute error",
        formula="abs(a - y)",
        derivative_formula="1 if a > y else -1 if a < y else 0",
        value=lambda xp, x, y: xp.absolute(x - y),
        derivative=lambda xp, x, y: _sign(xp, x - y),
        second=lambda xp, x, y: constant(xp, 0.0, x - y),
        by_target=lambda xp, x, y: _sign(xp, y - x),
        kinks=(Kink(at=lambda y: y, left=lambda y: -1.0, right=lambda y: 1.0, default="midpoint", when="a = y"),),
        target_kinks=(
            Kink(at=lambda x: x, left=lambda x: -1.0, right=lambda x: 1.0, default="midpoint", when="y = a"),
        ),
        libraries={"PyTorch": "F.l1_loss(reduction='none')"},
        notes=(_WHERE_EQUAL,),
        source="MIT 6.390 notes, Activation Derivatives, eq. 12-14 and 17; PyTorch l1_loss",
    ),
    VectorLoss(
        name="mean_squared_error",
        aliases=("mse",),
        title="Mean squared error",
        formula="mean((a - y)^2)",
        derivative_formula="2 * (a - y) / n",
        takes="values",
        value=lambda np, x, y: _sum_of_squares(np, x, y, float(x.shape[-1])),
        gradient=lambda np, x, y, side: _squares_gradient(np, x, y, 2.0, x.shape[-1]),
        by_target=lambda np, x, y: _squares_gradient(np, y, x, 2.0, x.shape[-1]),
        libraries={"PyTorch": "F.mse_loss", "Keras": "mean_squared_error"},
        notes=("the mean is over the n outputs of one example",),
        source="PyTorch mse_loss, Keras mean_squared_error",
    ),
    VectorLoss(
        name="mean_half_squared_error",
        aliases=("squared_norm",),
        title="Mean half squared error",
        formula="mean((a - y)^2) / 2",
        derivative_formula="(a - y) / n",
        takes="values",
        value=lambda np, x, y: _sum_of_squares(np, x, y, 2.0 * x.shape[-1]),
        gradient=lambda np, x, y, side: _squares_gradient(np, x, y, 1.0, x.shape[-1]),
        by_target=lambda np, x, y: _squares_gradient(np, y, x, 1.0, x.shape[-1]),
        notes=("the squared L2 norm of the course notes: halved, and a mean over the n outputs of one example",),
        source="Konopczynski, Handy DL (2017), eq. 23-26",
    ),
    VectorLoss(
        name="sum_half_squared_error",
        aliases=("half_sse",),
        title="Sum of half squared errors",
        formula="sum((a - y)^2) / 2",
        derivative_formula="a - y",
        takes="values",
        value=lambda np, x, y: _sum_of_squares(np, x, y, 2.0),
        gradient=lambda np, x, y, side: x - y,
        by_target=lambda np, x, y: y - x,
        source="course notes on backpropagation: E = 1/2 sum (g(z) - t)^2",
    ),
    VectorLoss(
        name="mean_absolute_error",
        aliases=("mae",),
        title="Mean absolute error",
        formula="mean(abs(a - y))",
        derivative_formula="(1 if a > y else -1 if a < y else 0) / n",
        takes="values",
        value=_mean_of_absolutes,
        gradient=_absolutes_gradient,
        by_target=lambda np, x, y: _absolutes_gradient(np, y, x, "default"),
        at_kink=lambda np, x, y: x - y == 0,
        kinks=(KinkText("a[i] = y[i]", left="-1 / n", right="1 / n", default="0"),),
        libraries={"PyTorch": "F.l1_loss", "Keras": "mean_absolute_error"},
        notes=(_WHERE_EQUAL,),
        source="PyTorch l1_loss, Keras mean_absolute_error",
    ),
)
