"""Divergences of a distribution from another: element by element, and of a whole example."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gradcalc.functions.entry import ANY, NOT_NEGATIVE, POSITIVE, UNIT, Domain, ElementwiseLoss, Param, VectorLoss
from gradcalc.numerics.careful import constant, weighted
from gradcalc.numerics.doubled import added, log_ratio, minus, over, over_square

# u - log(1 + u) = w (u - 2 w^2 (1/3 + w^2/5 + w^4/7 + ...)) with w = u / (2 + u)
_MAY_OVERFLOW = 690.0  # e^y times what is here
_SERIES = tuple(1.0 / (2 * k + 3) for k in range(18))


def exp_times(xp: Any, factor: Any, z: Any) -> Any:
    """factor * e^z, where nothing but the product itself may overflow or underflow."""
    root = xp.exp(0.5 * z)
    once = factor * xp.exp(z)
    found = xp.where(xp.absolute(z) < 700.0, once, factor * root * root)
    return xp.where((z < -1500.0) | ((factor == 0) & (z == z)), constant(xp, 0.0, factor), found)


def _log_or_one(xp: Any, y: Any) -> Any:
    """log y, and 0 for y = 0, where it counts nothing."""
    return xp.log(xp.where(y == 0, 1.0, y))


def _kl(xp: Any, x: Any, y: Any, log_target: bool) -> Any:
    """y (log y - x); of the logarithm of a target e^y (y - x)."""
    if log_target:
        return exp_times(xp, y - x, y)
    top = xp.where(y > _BESIDE_TOP, y, _TOP)
    gap, low = added(xp, _LOG_TOP, -x)
    above = gap + (low + (_LOG_TOP_LOW + xp.log(top / _TOP)))  # no rounding of a large logarithm
    return weighted(xp, y, xp.where(y > _BESIDE_TOP, above, _log_or_one(xp, y) - x))


_TOP, _BESIDE_TOP = 2.0**1023, 2.0**1000
_LOG_TOP, _LOG_TOP_LOW = 709.0895657128241, -3.12321908132976e-14  # of _TOP


def _kl_slope(xp: Any, x: Any, y: Any, log_target: bool) -> Any:
    return constant(xp, 1.0, x) * -(xp.exp(y) if log_target else y) + 0.0


def _kl_by_target(xp: Any, x: Any, y: Any, log_target: bool) -> Any:
    """log y - x + 1; of a logarithm e^y (y - x + 1)."""
    if not log_target:
        return (xp.log(y) - x) + 1.0
    gap, low = added(xp, y, -x)
    rise, lost = added(xp, gap, 1.0)
    return exp_times(xp, rise + (lost + low), y)


def _kl_domains(parameters: Mapping[str, Any]) -> tuple[Domain, Domain]:
    return ANY, ANY if parameters["log_target"] else NOT_NEGATIVE


def _log_quotient(xp: Any, y: Any, x: Any) -> Any:
    """log(y / x)."""
    found = log_ratio(xp, (xp.where(y == 0, 1.0, y), 0.0), (x, 0.0))
    return xp.where(y == 0, xp.where(x > 0, -xp.inf, xp.nan), found)


def _relative_entropy(xp: Any, x: Any, y: Any) -> Any:
    return weighted(xp, y, xp.where(y == 0, constant(xp, 0.0, x), _log_quotient(xp, y, x)))


def log1p_gap(xp: Any, u: Any, low: Any) -> Any:
    """u - log(1 + u) for u >= -1, where u + low has more digits than u."""
    w = u / (2.0 + u)
    square = w * w
    tail = 0.0 * w
    for coefficient in reversed(_SERIES):
        tail = tail * square + coefficient
    near = w * (u - 2.0 * square * tail) + low * u / (1.0 + u)
    return xp.where(xp.absolute(w) < 1.0 / 3.0, near, u - xp.log1p(u))


def _generalized(xp: Any, x: Any, y: Any) -> Any:
    """y log(y / x) - y + x = y (u - log(1 + u)) with u = (x - y) / y."""
    divisor = xp.where(y == 0, 1.0, y)
    u, low = over(xp, minus(xp, (x, 0.0), (y, 0.0)), (divisor, 0.0))
    near = y * log1p_gap(xp, xp.where(u < 0.0, xp.maximum(u, -0.75), xp.minimum(u, 3.0)), low)
    far = (x - y) + _relative_entropy(xp, x, y)
    halved = y * _gap_beside_half(xp, xp.maximum(xp.minimum(u, -0.25), -0.75), low)
    beside = xp.where((u <= -0.5) & (u > -0.75) & (y > 0), halved, far)
    return xp.where((u > -0.5) & (u < 1.0) & (y > 0), near, beside)


def _gap_beside_half(xp: Any, u: Any, low: Any) -> Any:
    """u - log(1 + u) near u = -1/2, with 1 + u doubled: the logarithm is small, and what it is added to exact."""
    risen, lost = added(xp, u, _LOG_2)
    return (risen - xp.log1p(1.0 + 2.0 * u)) + (lost + low * u / (1.0 + u))


_LOG_2 = 0.6931471805599453


def _arrays() -> Any:
    """The number system of arrays, which loads NumPy."""
    from gradcalc.numerics import arrays

    return arrays


def _total(np: Any, terms: Any) -> Any:
    from gradcalc.numerics.vectors import total

    return total(np, terms)


def _ratio(np: Any, x: Any, y: Any) -> Any:
    """y / x, where y = 0 counts nothing and -0 is a plain 0."""
    return np.where((y == 0) & (x == x), 0.0, y / (x + 0.0))


def _log_error(x: Any, y: Any) -> Any:
    return _kl(_arrays(), x, y, False)


def _log_targets_divergence(np: Any, x: Any, y: Any) -> Any:
    """sum e^y (y - x), by the largest e^y where that may overflow."""
    from gradcalc.numerics.vectors import finite_or_zero, two_sum

    xp, largest = _arrays(), np.where(x == y, -np.inf, y).max(axis=-1, keepdims=True)
    unit = np.where((largest > _MAY_OVERFLOW) & (largest < np.inf), largest, 0.0)
    gap, low = two_sum(y, -unit)
    terms = exp_times(xp, (y - x) * (1.0 + finite_or_zero(np, low)), gap)
    return exp_times(xp, _total(np, terms), unit[..., 0])


def _kl_divergence(np: Any, x: Any, y: Any) -> Any:
    return _total(np, _relative_entropy(_arrays(), x, y))


def _kl_divergence_by_target(np: Any, x: Any, y: Any) -> Any:
    return _log_quotient(_arrays(), y, x) + 1.0


def _generalized_divergence(np: Any, x: Any, y: Any) -> Any:
    """sum y (log y - x) + sum (e^x - y)."""
    return _total(np, np.concatenate([_log_error(x, y), np.exp(x), -y + 0.0 * x], axis=-1))


_LOG_TARGETS = "targets are logarithms too"

ENTRIES = (
    ElementwiseLoss(
        name="kl_div",
        aliases=("kl_div_loss",),
        title="Term of the Kullback-Leibler divergence, of log-probabilities",
        image="(-inf, inf)",
        params=(Param("log_target", False, _LOG_TARGETS),),
        formula="y * (log(y) - a)",
        variants={
            "log_target": "exp(y) * (y - a)",
        },
        derivative_formula="-y",
        value=_kl,
        derivative=_kl_slope,
        second=lambda xp, x, y, log_target: constant(xp, 0.0, x + 0.0 * y),
        by_target=_kl_by_target,
        target_domain=NOT_NEGATIVE,
        domains=_kl_domains,
        notes=(
            "with log_target it is exp(y) * (y - a), its derivative -exp(y)",
            "PyTorch's reduction mean divides by the number of elements, batchmean by the number of examples",
            "of a whole example it is kl_divergence_log",
        ),
        libraries={"PyTorch": "F.kl_div"},
        source="Kullback & Leibler 1951; PyTorch kl_div",
    ),
    ElementwiseLoss(
        name="rel_entr",
        aliases=("relative_entropy",),
        title="Term of the relative entropy, of probabilities",
        image="(-inf, inf)",
        formula="y * log(y / a)",
        derivative_formula="-y / a",
        value=_relative_entropy,
        derivative=lambda xp, x, y: -xp.divide(y, x + 0.0) + 0.0,
        second=lambda xp, x, y: over_square(xp, y, x),
        by_target=lambda xp, x, y: _log_quotient(xp, y, x) + 1.0,
        domain=POSITIVE,
        target_domain=NOT_NEGATIVE,
        notes=("0 * log(0) is 0; SciPy takes the target first",),
        libraries={"SciPy": "special.rel_entr(y, a)"},
        source="Kullback & Leibler 1951; SciPy rel_entr",
        sample=(0.1, 4.0),
    ),
    ElementwiseLoss(
        name="generalized_kl",
        aliases=("generalised_kl",),
        title="Term of the generalized Kullback-Leibler divergence",
        formula="y * log(y / a) - y + a",
        derivative_formula="(a - y) / a",
        value=_generalized,
        derivative=lambda xp, x, y: xp.where(x == xp.inf, constant(xp, 1.0, y), xp.divide(x - y, x + 0.0)),
        second=lambda xp, x, y: over_square(xp, y, x),
        by_target=lambda xp, x, y: _log_quotient(xp, y, x),
        domain=POSITIVE,
        target_domain=NOT_NEGATIVE,
        notes=("0 * log(0) is 0; SciPy calls it kl_div and takes the target first",),
        libraries={"SciPy": "special.kl_div(y, a)"},
        source="SciPy kl_div",
        sample=(0.1, 4.0),
    ),
    VectorLoss(
        name="kl_divergence",
        aliases=("kullback_leibler", "kld"),
        title="Kullback-Leibler divergence of probabilities",
        image="(-inf, inf); [0, inf) of distributions",
        formula="sum(y * log(y / a))",
        derivative_formula="-y / a",
        takes="distribution",
        value=_kl_divergence,
        gradient=lambda np, x, y, side: -_ratio(np, x, y) + 0.0,
        by_target=_kl_divergence_by_target,
        domain=UNIT,
        target_domain=NOT_NEGATIVE,
        additive=False,
        notes=("0 * log(0) is 0", "Keras clips both to [1e-7, 1]; of log-probabilities it is kl_divergence_log"),
        libraries={"Keras": "kl_divergence"},
        source="Kullback & Leibler 1951; Keras kl_divergence",
        sample=(0.01, 0.99),
    ),
    VectorLoss(
        name="kl_divergence_log",
        title="Kullback-Leibler divergence of log-probabilities",
        image="(-inf, inf); [0, inf) of distributions",
        formula="sum(y * (log(y) - a))",
        derivative_formula="-y",
        takes="distribution",
        value=lambda np, x, y: _total(np, _log_error(x, y)),
        gradient=lambda np, x, y, side: 0.0 * x - y,
        by_target=lambda np, x, y: (np.log(y) - x) + 1.0,
        target_domain=NOT_NEGATIVE,
        additive=False,
        notes=("0 * log(0) is 0", "kl_div has its terms one by one"),
        libraries={"optax.losses": "kl_divergence"},
        source="Kullback & Leibler 1951; optax kl_divergence",
        sample=(-4.0, 0.0),
    ),
    VectorLoss(
        name="kl_divergence_log_targets",
        aliases=("kl_divergence_with_log_targets",),
        title="Kullback-Leibler divergence of log-probabilities and logarithms of targets",
        image="(-inf, inf); [0, inf) of distributions",
        formula="sum(exp(y) * (y - a))",
        derivative_formula="-exp(y)",
        takes="values",
        value=_log_targets_divergence,
        gradient=lambda np, x, y, side: 0.0 * x - np.exp(y),
        by_target=lambda np, x, y: _kl_by_target(_arrays(), x, y, True),
        additive=False,
        libraries={"optax.losses": "kl_divergence_with_log_targets"},
        source="optax kl_divergence_with_log_targets",
        sample=(-4.0, 0.0),
    ),
    VectorLoss(
        name="generalized_kl_divergence",
        aliases=("convex_kl_divergence",),
        title="Generalized Kullback-Leibler divergence of log-predictions",
        formula="sum(y * (log(y) - a)) + sum(exp(a) - y)",
        derivative_formula="exp(a) - y",
        takes="distribution",
        value=_generalized_divergence,
        gradient=lambda np, x, y, side: np.exp(x) - y,
        by_target=lambda np, x, y: np.log(y) - x,
        target_domain=NOT_NEGATIVE,
        additive=False,
        notes=("0 * log(0) is 0",),
        libraries={"optax.losses": "generalized_kl_divergence, convex_kl_divergence"},
        source="optax convex_kl_divergence",
        sample=(-4.0, 1.0),
    ),
)
