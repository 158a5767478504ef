"""Losses that grow like a square near the target and like the distance far away."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, ElementwiseLoss, Kink, Param
from gradcalc.numerics.careful import constant
from gradcalc.numerics.doubled import Distance, Pair, distance, minus, multiplied, over, plus, root, times
from gradcalc.numerics.split import decays, finite

_LOG_2, _LOG_2_LOW = 0.6931471805599453, 2.3190468138462996e-17
_TINY = 1e-9  # the square of a smaller argument is beyond the digits
_SUBNORMAL = 1e-290  # and near enough


def _signed(xp: Any, d: Distance, size: Any) -> Any:
    """The size with the sign of x - y; NaN where that is."""
    return xp.where(d.high > 0, size, xp.where(d.high < 0, -size, d.high))


def _inside(d: Distance, k: Any) -> Any:
    """Whether |x - y| < k, also where the difference rounds to k."""
    return (d.size < k * d.c) | ((d.size == k * d.c) & (d.low < 0))


def _huber(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    d = distance(xp, x, y)
    line = delta * (d.size - 0.5 * delta * d.c) / d.c
    return xp.where(d.size <= delta * d.c, (0.5 * d.size) * d.size, line)


def _huber_slope(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    d = distance(xp, x, y)
    return xp.where(d.size > delta * d.c, _signed(xp, d, delta), d.high / d.c)


def _huber_second(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    d = distance(xp, x, y)
    return xp.where(_inside(d, delta), 1.0, constant(xp, 0.0, d.high))


def _huber_by_delta(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    d = distance(xp, x, y)
    return xp.where(_inside(d, delta), 0.0, ((d.size - delta * d.c) + d.low) / d.c)


def _smooth_l1(xp: Any, x: Any, y: Any, beta: float) -> Any:
    d = distance(xp, x, y)
    line = (d.size - 0.5 * beta * d.c) / d.c
    return xp.where(d.size < beta * d.c, (0.5 * d.size) * xp.divide(d.size, beta), line)


def _smooth_l1_slope(xp: Any, x: Any, y: Any, beta: float) -> Any:
    d = distance(xp, x, y)
    return xp.where(d.size < beta * d.c, xp.divide(d.high, beta), _signed(xp, d, 1.0))


def _smooth_l1_second(xp: Any, x: Any, y: Any, beta: float) -> Any:
    d = distance(xp, x, y)
    return xp.where(_inside(d, beta), xp.divide(1.0, beta), constant(xp, 0.0, d.high))


def _smooth_l1_by_beta(xp: Any, x: Any, y: Any, beta: float) -> Any:
    d = distance(xp, x, y)
    ratio, ratio_low = over(xp, d.pair, (beta, 0.0))
    inside = -0.5 * ratio * (ratio + 2.0 * ratio_low)
    return xp.where(d.size < beta * d.c, inside, constant(xp, -0.5, d.high))


class _Hypotenuse(NamedTuple):
    """r = |x - y| / k or its inverse, whichever is below 1, and w = sqrt(1 + r^2)."""

    small: Any  # whether r is |x - y| / k
    r: Pair
    w: Pair


def _hypotenuse(xp: Any, d: Distance, k: Any) -> _Hypotenuse:
    k = k * d.c
    small = d.size <= k
    r = over(xp, (xp.where(small, d.size, k), xp.where(small, d.low, 0.0)),
             (xp.where(small, k, d.size), xp.where(small, 0.0, d.low)))  # fmt: skip
    return _Hypotenuse(small, r, root(xp, plus(xp, times(xp, r, r), (1.0, 0.0))))


def _pseudo_huber(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    """d^2 / (1 + w) near the target, delta |d| / (r + w) far away."""
    d = distance(xp, x, y)
    small, r, w = _hypotenuse(xp, d, delta)
    near, low = over(xp, d.pair, plus(xp, w, (1.0, 0.0)))
    far, _ = over(xp, d.pair, plus(xp, r, w))
    lost = finite(xp, d.low * near + d.size * low)
    return xp.where(small, d.size * near + lost, far * delta / d.c)


def _pseudo_huber_slope(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    d = distance(xp, x, y)
    small, _, (w, _) = _hypotenuse(xp, d, delta)
    return _signed(xp, d, xp.where(small, d.size, delta) / w)


def _pseudo_huber_second(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    d = distance(xp, x, y)
    small, r, w = _hypotenuse(xp, d, delta)
    r = (xp.where(small, 1.0, r[0]), xp.where(small, 0.0, r[1]))
    share, low = over(xp, r, w)
    return share * share * (share + 3.0 * low)


def _pseudo_huber_by_delta(xp: Any, x: Any, y: Any, delta: Any) -> Any:
    """delta (s - 1)^2 / s with s = sqrt(1 + (d / delta)^2)."""
    d = distance(xp, x, y)
    small, r, w = _hypotenuse(xp, d, delta)
    excess, low = over(xp, times(xp, r, r), plus(xp, w, (1.0, 0.0)))
    whole = plus(xp, r, w)
    far, _ = over(xp, d.pair, times(xp, w, times(xp, whole, whole)))
    return xp.where(small, (delta * excess) * (excess + 2.0 * low) / w[0], far / d.c)


class _Argument(NamedTuple):
    """t = |a (x - y)| = size + low."""

    size: Any
    low: Any


def _argument(xp: Any, d: Distance, a: float) -> _Argument:
    size, low = multiplied(xp, d.size, a / d.c)
    return _Argument(size, finite(xp, low + a * d.low))


def _half_square(xp: Any, d: Distance, t: Any, a: float) -> Any:
    """a (x - y)^2 / 2, of a distance that is no larger than 1e-9 / a; where t has lost digits its square has not."""
    return xp.where(t < _SUBNORMAL, (0.5 * d.size * d.size) * a, d.size * (0.5 * t) / d.c)


def _log_cosh(xp: Any, x: Any, y: Any, a: float) -> Any:
    d = distance(xp, x, y)
    t = _argument(xp, d, a)
    near, low = _log_cosh_near(xp, t.size)
    middle, low = over(xp, (near, low + t.low * xp.tanh(t.size)), (a, 0.0))
    line = ((d.size - _LOG_2 * d.c / a) + (xp.log1p(xp.exp(-2.0 * t.size)) * d.c / a + d.low)) / d.c
    return xp.where(t.size < _TINY, _half_square(xp, d, t.size, a), xp.where(t.size < 1.0, middle + low, line))


def _log_cosh_near(xp: Any, t: Any) -> Pair:
    """log cosh t = log(1 + m^2 / (2 (1 + m))) with m = e^t - 1, for t from 0 to 1."""
    m = (xp.expm1(xp.minimum(t, 1.0)), 0.0)
    excess, low = over(xp, times(xp, m, m), plus(xp, m, (1.0, 0.0)))
    return xp.log1p(0.5 * excess), 0.5 * low


def _tanh_near(xp: Any, t: Any) -> Pair:
    """tanh t = q / (q + 2) with q = m (m + 2): from the same m as log cosh, so that its error matters to neither."""
    m = (xp.expm1(xp.minimum(t, 1.0)), 0.0)
    q = times(xp, m, plus(xp, m, (2.0, 0.0)))
    return over(xp, q, plus(xp, q, (2.0, 0.0)))


def _log_cosh_slope(xp: Any, x: Any, y: Any, a: float) -> Any:
    d = distance(xp, x, y)
    return _signed(xp, d, xp.tanh(_argument(xp, d, a).size))


def _log_cosh_second(xp: Any, x: Any, y: Any, a: float) -> Any:
    """4 a u / (1 + u)^2 with u = e^-2|t|."""
    t = _argument(xp, distance(xp, x, y), a)
    u = xp.exp(-2.0 * t.size)
    return decays(xp, a, 2.0 * t.size, 2.0 * t.low) / (0.25 + u * (0.5 + 0.25 * u))


def _log_cosh_by_a(xp: Any, x: Any, y: Any, a: float) -> Any:
    """(t tanh t - log cosh t) / a^2."""
    d = distance(xp, x, y)
    t = _argument(xp, d, a)
    u, most = xp.exp(-2.0 * t.size), xp.minimum(t.size, 1e300)
    product = times(xp, (xp.minimum(t.size, 1.0), 0.0), _tanh_near(xp, t.size))
    near, near_low = minus(xp, product, _log_cosh_near(xp, t.size))
    drop = decays(xp, 2.0 * most, 2.0 * t.size) / (1.0 + u)
    far, far_low = minus(xp, plus(xp, (_LOG_2, _LOG_2_LOW), (-xp.log1p(u), 0.0)), (drop, 0.0))
    low = xp.where(t.size < 1.0, near_low, far_low) + t.low * (4.0 * u / (1.0 + u) / (1.0 + u)) * most
    high, low = over(xp, over(xp, (xp.where(t.size < 1.0, near, far), low), (a, 0.0)), (a, 0.0))
    return xp.where(t.size < _TINY, 0.5 * d.size * d.size, high + low)


_SMOOTH_L1_KINK = Kink(
    at=lambda y, beta: y if beta == 0 else float("nan"),
    left=lambda y, beta: -1.0,
    right=lambda y, beta: 1.0,
    default="midpoint",
    when="a = y (for beta = 0)",
)

ENTRIES = (
    ElementwiseLoss(
        name="huber",
        aliases=("huber_loss",),
        title="Huber loss",
        params=(
            Param("delta", 1.0, "distance at which the square becomes a line", POSITIVE, derivative=_huber_by_delta),
        ),
        formula="(a - y)^2 / 2 if abs(a - y) <= delta else delta * (abs(a - y) - delta / 2)",
        derivative_formula="a - y if abs(a - y) <= delta else delta * sign(a - y)",
        value=_huber,
        derivative=_huber_slope,
        second=_huber_second,
        by_target=lambda xp, x, y, delta: _huber_slope(xp, y, x, delta),
        notes=(
            "smooth_l1 is this divided by its beta; pseudo_huber has no seam",
            "at the seam the second derivative does not exist; 0, the line's, is shown",
        ),
        libraries={
            "PyTorch": "F.huber_loss",
            "optax.losses": "huber_loss",
            "Keras": "huber",
            "SciPy": "special.huber(delta, a - y)",
        },
        source="Huber 1964",
    ),
    ElementwiseLoss(
        name="smooth_l1",
        aliases=("smooth_l1_loss",),
        title="Smooth L1 loss",
        params=(
            Param(
                "beta", 1.0, "distance at which the square becomes a line", NOT_NEGATIVE, derivative=_smooth_l1_by_beta
            ),
        ),
        formula="(a - y)^2 / (2 * beta) if abs(a - y) < beta else abs(a - y) - beta / 2",
        derivative_formula="(a - y) / beta if abs(a - y) < beta else sign(a - y)",
        value=_smooth_l1,
        derivative=_smooth_l1_slope,
        second=_smooth_l1_second,
        by_target=lambda xp, x, y, beta: _smooth_l1_slope(xp, y, x, beta),
        kinks=(_SMOOTH_L1_KINK,),
        target_kinks=(
            Kink(
                at=_SMOOTH_L1_KINK.at,
                left=_SMOOTH_L1_KINK.left,
                right=_SMOOTH_L1_KINK.right,
                default="midpoint",
                when="y = a (for beta = 0)",
            ),
        ),
        notes=(
            "huber with delta = beta, divided by beta; beta = 0 is absolute_error",
            "at the seam the second derivative does not exist; 0, the line's, is shown",
        ),
        libraries={"PyTorch": "F.smooth_l1_loss"},
        source="Girshick 2015",
    ),
    ElementwiseLoss(
        name="pseudo_huber",
        aliases=("pseudo_huber_loss",),
        title="Pseudo-Huber loss",
        params=(
            Param("delta", 1.0, "distance at which it turns into a line", POSITIVE, derivative=_pseudo_huber_by_delta),
        ),
        formula="delta^2 * (sqrt(1 + ((a - y) / delta)^2) - 1)",
        derivative_formula="(a - y) / sqrt(1 + ((a - y) / delta)^2)",
        value=_pseudo_huber,
        derivative=_pseudo_huber_slope,
        second=_pseudo_huber_second,
        by_target=lambda xp, x, y, delta: _pseudo_huber_slope(xp, y, x, delta),
        libraries={"SciPy": "special.pseudo_huber(delta, a - y)"},
        source="Charbonnier, Blanc-Feraud, Aubert & Barlaud 1997",
    ),
    ElementwiseLoss(
        name="log_cosh",
        aliases=("logcosh",),
        title="Logarithm of the hyperbolic cosine",
        params=(
            Param(
                "a",
                1.0,
                "the formula's sharpness, where a is the prediction",
                POSITIVE,
                aliases=("sharpness",),
                derivative=_log_cosh_by_a,
            ),
        ),
        formula="log(cosh(sharpness * (a - y))) / sharpness",
        derivative_formula="tanh(sharpness * (a - y))",
        value=_log_cosh,
        derivative=_log_cosh_slope,
        second=_log_cosh_second,
        by_target=lambda xp, x, y, a: _log_cosh_slope(xp, y, x, a),
        notes=(
            "with the parameter a = s it is log(cosh(s * d)) / s of the difference d, its derivative tanh(s * d)",
            "optax and Keras subtract log 2 and so lose all digits of small differences",
        ),
        libraries={"optax.losses": "log_cosh", "Keras": "log_cosh"},
        source="optax log_cosh, Keras log_cosh",
    ),
)
