"""Losses of the right class: on log-probabilities, on logits, and the focal and generalized cross-entropies."""

from __future__ import annotations

import math
from typing import Any

from gradcalc.functions.categorical import normalized, weighted_total
from gradcalc.functions.entry import NOT_NEGATIVE, UNIT, Domain, Param, VectorLoss
from gradcalc.functions.parameters import WHOLE
from gradcalc.numerics import doubled
from gradcalc.numerics.blocks import blockwise
from gradcalc.numerics.careful import weighted
from gradcalc.numerics.split import finite

_LIFT = 2.0**300  # products keep their digits
_SMALL = 1e-250  # of powers of which the half of the exponent is taken twice
_BESIDE, _STEEP = 1e-6, 1e6  # probabilities of whose powers no others are left, and such powers

_UP_TO_ONE = Domain("above 0 and at most 1", 0.0, 1.0, open_low=True)

IGNORE = Param(
    "ignore_index",
    None,
    "the class, or a number that is none, whose examples count nothing (PyTorch: -100)",
    WHOLE,
    aliases=("ignore_class",),
)
WEIGHTED = (
    "PyTorch's weighted mean divides by the sum of the weights: in a spec, reduction: sum and scale: 1 / that sum"
)
IGNORING = "ignored examples have loss and derivative 0, and in a spec a mean is over the others, as in PyTorch"


def _of_class(np: Any, x: Any, y: Any) -> Any:
    """The entry of the class, (...)."""
    return np.take_along_axis(x, y[..., None], axis=-1)[..., 0]


def nan_of(np: Any, x: Any) -> Any:
    """0, or NaN for vectors with one in them; (..., 1)."""
    return 0.0 * np.where(np.isnan(x), x, 0.0).sum(axis=-1, keepdims=True)


def _placed(np: Any, x: Any, y: Any, number: Any) -> Any:
    """Zeros like x (NaN where x is) with a number at the class."""
    found = np.where(x == x, 0.0, x)
    np.put_along_axis(found, y[..., None], np.asarray(number)[..., None], axis=-1)
    return found


def _counted(np: Any, y: Any, ignore_index: float | None) -> tuple[Any, Any]:
    """The classes with 0 in place of the one to ignore, and 1 where a class counts."""
    if ignore_index is None:
        return y, np.ones(y.shape)
    counts = y != ignore_index
    return np.where(counts, y, 0), 1.0 * counts


def _nll(np: Any, x: Any, y: Any, ignore_index: float | None) -> Any:
    y, counts = _counted(np, y, ignore_index)
    return weighted(np, counts, -_of_class(np, x, y)) + nan_of(np, x)[..., 0]


def _nll_gradient(np: Any, x: Any, y: Any, side: str, ignore_index: float | None) -> Any:
    y, counts = _counted(np, y, ignore_index)
    own = _of_class(np, x, y)
    return _placed(np, x, y, np.where(own == own, -counts, own)) + 0.0


def _sparse_ce(np: Any, x: Any, y: Any, ignore_index: float | None) -> Any:
    from gradcalc.numerics.softened import soften

    y, counts = _counted(np, y, ignore_index)
    soft = soften(np, x)
    return weighted(np, counts, _of_class(np, soft.surprise(np) / soft.unit, y))


def _sparse_ce_gradient(np: Any, x: Any, y: Any, side: str, ignore_index: float | None) -> Any:
    from gradcalc.numerics.softened import soften

    y, counts = _counted(np, y, ignore_index)
    p, q = soften(np, x).shares(np)
    np.put_along_axis(p, y[..., None], -np.take_along_axis(q, y[..., None], axis=-1), axis=-1)
    return weighted(np, counts[..., None], p)


@blockwise(2)
def _poly(np: Any, x: Any, y: Any, epsilon: float) -> Any:
    from gradcalc.numerics.softened import soften

    soft = soften(np, x)
    _, q = soft.shares(np)
    unit = np.asarray(soft.unit)[..., 0] if np.ndim(soft.unit) else soft.unit
    return (weighted_total(np, y, soft.surprise(np)) + epsilon * (weighted_total(np, y, q) * unit)) / unit


@blockwise(2)
def _poly_gradient(np: Any, x: Any, y: Any, side: str, epsilon: float) -> Any:
    """p_j (sum_{i != j} y_i (1 + epsilon p_i)) - y_j q_j (1 + epsilon p_j)."""
    from gradcalc.functions.soft_targets import poly_less_targets, where_cancelled
    from gradcalc.numerics.softened import soften
    from gradcalc.numerics.vectors import others

    soft = soften(np, x)
    p, q = soft.shares(np)
    rest, rivals = others(np, y)[1], others(np, y * p)[1]
    push = p * (rest + epsilon * rivals)
    found = push - y * q * (1.0 + epsilon * p)
    # every row in which terms cancel at all is worked out anew: they have many roundings
    return where_cancelled(np, found, push, soft, y, lambda r, own: poly_less_targets(np, r, own, epsilon), little=1.0)


def _poly_by_target(np: Any, x: Any, y: Any, epsilon: float) -> Any:
    from gradcalc.numerics.softened import soften

    soft = soften(np, x)
    return (soft.surprise(np) + epsilon * (soft.shares(np)[1] * soft.unit)) / soft.unit + 0.0 * y


def _poly_by_epsilon(np: Any, x: Any, y: Any, epsilon: float) -> Any:
    from gradcalc.numerics.softened import soften

    return weighted_total(np, y, soften(np, x).shares(np)[1])


def _shares(np: Any, x: Any) -> tuple[doubled.Pair, doubled.Pair]:
    """x / sum(x) and 1 - x / sum(x), that from the sum of the others where x is most of the sum."""
    from gradcalc.numerics import arrays
    from gradcalc.numerics.vectors import lifted, total, without

    x, _ = lifted(np, x)
    top = x.argmax(axis=-1)[..., None]
    fewer = without(np, x, top)
    rest = total(np, fewer)[..., None]
    of_top = rest, total(np, np.concatenate([fewer, -rest], axis=-1))[..., None]
    whole = doubled.plus(arrays, (np.take_along_axis(x, top, axis=-1), 0.0), of_top)
    high, low = doubled.minus(arrays, whole, (x, 0.0))
    for array, own in zip((high, low), of_top, strict=True):
        np.put_along_axis(array, top, own, axis=-1)
    return doubled.over(arrays, (x, 0.0), whole), doubled.over(arrays, (high, low), whole)


class _Focus:
    """Probabilities p and q = 1 - p exactly enough for its powers, and -log p."""

    __slots__ = ("lifted", "p", "p_low", "q", "q_low", "surprise")

    def __init__(self, np: Any, x: Any, normalize: bool) -> None:
        from gradcalc.numerics.vectors import others, two_sum

        if normalize:
            self.p, _, self.surprise = normalized(np, x)
            self.lifted = (x * _LIFT) / others(np, x)[0]
            (_, self.p_low), (self.q, self.q_low) = _shares(np, x)
            return
        self.p, self.p_low, self.lifted, self.surprise = x, 0.0 * x, x * _LIFT, -np.log(x)
        self.q, self.q_low = two_sum(1.0, -x)

    def power(self, np: Any, gamma: float) -> Any:
        """q^gamma; beside 1 as e^-(gamma (p + p^2 / 2 + p^3 / 3)), of which all digits of the exponent count."""
        from gradcalc.numerics import arrays, split
        from gradcalc.numerics.vectors import two_sum

        found = np.power(self.q, gamma)
        found = found + np.where((found > 0) & (self.q > 0), found * np.expm1(gamma * (self.q_low / self.q)), 0.0)
        if gamma < _STEEP:
            return found
        p = np.minimum(self.p, _BESIDE)
        high, low = doubled.times(arrays, (gamma + 0.0 * p, 0.0 * p), (p, self.p_low))
        size, lost = two_sum(high, high * p * (0.5 + p / 3.0))
        return np.where(self.p < _BESIDE, split.decays(arrays, 1.0, size, finite(arrays, low + lost)), found)

    def _power_and_half(self, np: Any, gamma: float) -> tuple[Any, Any]:
        """q^gamma and q^(gamma / 2), for a product with both where the first is small."""
        power = self.power(np, gamma)
        small = (power < _SMALL) & (self.q > 0)
        return power, np.where(small, self.power(np, gamma / 2.0), power) if small.any() else power

    def times_power(self, np: Any, factor: Any, gamma: float) -> Any:
        """factor q^gamma, where nothing but the product itself may underflow."""
        power, half = self._power_and_half(np, gamma)
        return weighted(np, np.where(power < _SMALL, half, power), np.where(power < _SMALL, half * factor, factor))

    def log_q(self, np: Any) -> Any:
        """log q, which is -p for a small p, times 2^300."""
        of_q = np.log(self.q) + np.where(self.q > 0, self.q_low / self.q, 0.0)
        found = np.where(self.p < 0.5, np.log1p(-self.p), of_q) * _LIFT
        return np.where(self.p < _SMALL, -self.lifted, found)

    def drop(self, np: Any, gamma: float, lift: Any = 0) -> Any:
        """-p d (q^gamma (-log p)) / dp = q^gamma (1 - gamma p log p / q), times 2^lift."""
        per_q = np.where(self.q == 0, 1.0, self.surprise / self.q)
        power, half = self._power_and_half(np, gamma)
        lifted = np.where(power < _SMALL, np.ldexp(half, lift) * half, np.ldexp(power, lift))
        return lifted * (1.0 + (gamma * weighted(np, self.p, per_q) if gamma else 0.0))


@blockwise(2)
def _focal(np: Any, x: Any, y: Any, gamma: float, alpha: float, normalize: bool) -> Any:
    at = _Focus(np, x, normalize)
    return _times_alpha(np, alpha, weighted_total(np, y, at.times_power(np, at.surprise * _LIFT, gamma)))


def _times_alpha(np: Any, alpha: float, lifted: Any) -> Any:
    """Alpha times what carries the factor 2^300; nothing where alpha is 0."""
    fraction, exponent = math.frexp(alpha)
    return np.ldexp(weighted(np, fraction, lifted), exponent - 300)


@blockwise(2)
def _focal_gradient(np: Any, x: Any, y: Any, side: str, gamma: float, alpha: float, normalize: bool) -> Any:
    """-alpha y_j drop_j / x_j; normalized what the others drop, over the sum, less q_j of that."""
    from gradcalc.numerics.vectors import lifted, others

    x = x + 0.0  # -0 is a plain 0
    at = _Focus(np, x, normalize)
    fraction, up = math.frexp(alpha)
    x, exponent = lifted(np, x)
    lift = np.clip(300 - exponent, 0, 1000)  # a power may underflow where its quotient by a small sum does not
    drop, down = fraction * weighted(np, y, at.drop(np, gamma, lift)), up - exponent - lift
    mantissa, own = np.frexp(x)
    pull = np.where(drop == 0, 0.0, (at.q if normalize else 1.0) * drop / mantissa)
    if not normalize:
        return np.where(x == x, np.ldexp(-pull, down - own) + 0.0, x)
    push, near = others(np, drop)[1] / others(np, x)[0], np.ldexp(pull, -own)
    apart = np.ldexp(push, down) - np.ldexp(pull, down - own)
    return np.where(np.isfinite(near), np.ldexp(push - near, down), apart)


@blockwise(2)
def _focal_by_gamma(np: Any, x: Any, y: Any, gamma: float, alpha: float, normalize: bool) -> Any:
    at = _Focus(np, x, normalize)
    rate = at.times_power(np, weighted(np, at.log_q(np), at.surprise), gamma)
    return _times_alpha(np, alpha, weighted_total(np, y, np.where(at.q == 0, 0.0, rate)))


def _focal_by_target(np: Any, x: Any, y: Any, gamma: float, alpha: float, normalize: bool) -> Any:
    at = _Focus(np, x, normalize)
    return _times_alpha(np, alpha, at.times_power(np, at.surprise * _LIFT, gamma)) + 0.0 * y


def _focal_by_alpha(np: Any, x: Any, y: Any, gamma: float, alpha: float, normalize: bool) -> Any:
    return _focal(np, x, y, gamma, 1.0, normalize)


def _generalized(np: Any, x: Any, y: Any, q: float) -> Any:
    """-expm1(q log p) / q."""
    log_p = np.log(_of_class(np, x, y))
    faint = np.absolute(q * log_p) < _FAINT
    return -np.where(faint, log_p, np.expm1(q * log_p) / q) + nan_of(np, x)[..., 0]


_FAINT = 1e-20


def _generalized_gradient(np: Any, x: Any, y: Any, side: str, q: float) -> Any:
    own = _of_class(np, x, y)
    # q - 1 is exact from 1/2 on; below it the quotient has more digits.
    power = np.power(own, q - 1.0) if q >= 0.5 else np.power(own, q) / own
    slope = np.where(own == 0, -np.inf, -power) if q < 1.0 else np.where(own == own, -1.0, own)
    return _placed(np, x, y, slope)


def _generalized_by_q(np: Any, x: Any, y: Any, q: float) -> Any:
    """-e^-v (e^v - 1 - v) / q^2 with v = q s and s = -log p."""
    from gradcalc.numerics.vectors import finite_or_zero, product_error

    s = -np.log(_of_class(np, x, y))
    v = q * s
    low = finite_or_zero(np, product_error(q, s, v))
    tail = np.ones_like(v)
    for k in range(36, 2, -1):  # e^v - 1 - v = v^2 / 2 (1 + v/3 (1 + v/4 (1 + ...)))
        tail = 1.0 + np.minimum(v, 3.0) * tail / k
    far = -np.expm1(-v) - weighted(np, np.exp(-v), v * (1.0 - low))
    near = np.exp(-v) * (1.0 - low) * (0.5 * s * s * tail)
    return -np.where(v < 3.0, near, far / (q * q)) + 0.0


ENTRIES = (
    VectorLoss(
        name="nll_loss",
        aliases=("negative_log_likelihood",),
        title="Negative log-likelihood of log-probabilities",
        image="(-inf, inf); [0, inf) of log-probabilities",
        params=(IGNORE,),
        formula="-sum(y * a)",
        variants={
            "ignore_index": "0 if sum(k, y[k] * (k - 1)) == ignore_index else -sum(y * a)",
        },
        derivative_formula="-y",
        takes="class",
        value=_nll,
        gradient=_nll_gradient,
        by_target=None,
        notes=(
            "y is 1 for the class and 0 for its rivals; nll is the binary loss on a probability",
            WEIGHTED,
            IGNORING,
        ),
        libraries={"PyTorch": "F.nll_loss"},
        source="PyTorch nll_loss",
        sample=(-4.0, 0.0),
    ),
    VectorLoss(
        name="sparse_softmax_cross_entropy",
        aliases=("sparse_cross_entropy",),
        title="Cross-entropy of logits for a class",
        params=(IGNORE,),
        formula="-sum(y * log_softmax(a))",
        variants={
            "ignore_index": "0 if sum(k, y[k] * (k - 1)) == ignore_index else -sum(y * log_softmax(a))",
        },
        derivative_formula="softmax(a) - y",
        takes="class",
        value=_sparse_ce,
        gradient=_sparse_ce_gradient,
        by_target=None,
        notes=(
            "y is 1 for the class and 0 for its rivals; softmax_cross_entropy also takes distributions",
            WEIGHTED,
            IGNORING,
        ),
        libraries={
            "PyTorch": "F.cross_entropy(ignore_index)",
            "Keras": "sparse_categorical_crossentropy (from_logits=True, ignore_class)",
            "optax.losses": "softmax_cross_entropy_with_integer_labels",
        },
        source="PyTorch cross_entropy",
    ),
    VectorLoss(
        name="poly_loss",
        aliases=("poly_loss_cross_entropy", "polyloss"),
        title="PolyLoss: cross-entropy of logits and a multiple of 1 - p",
        image="[0, inf) for epsilon >= -1",
        params=(Param("epsilon", 2.0, "weight of 1 - p", derivative=_poly_by_epsilon),),
        formula="sum(y * (epsilon * (1 - softmax(a)) - log_softmax(a)))",
        derivative_formula="p * sum(y * (1 + epsilon * p)) - y * (1 + epsilon * p) with p = softmax(a)",
        takes="distribution",
        value=_poly,
        gradient=_poly_gradient,
        by_target=_poly_by_target,
        libraries={"optax.losses": "poly_loss_cross_entropy"},
        source="Leng et al. 2022; optax poly_loss_cross_entropy",
    ),
    VectorLoss(
        name="categorical_focal",
        aliases=("categorical_focal_crossentropy",),
        title="Focal loss of probabilities",
        params=(
            Param(
                "gamma",
                2.0,
                "power of 1 - p; 0 gives plain cross-entropy",
                NOT_NEGATIVE,
                derivative=_focal_by_gamma,
            ),
            Param("alpha", 0.25, "multiplies the loss", NOT_NEGATIVE, derivative=_focal_by_alpha),
            Param("normalize", False, "divides a by its sum first, as Keras does"),
        ),
        formula="-alpha * sum(y * (1 - a)^gamma * log(a))",
        variants={"normalize": "-alpha * sum(y * (1 - p)^gamma * log(p)) with p = a / sum(a)"},
        derivative_formula="-alpha * y * ((1 - a)^gamma / a - gamma * (1 - a)^(gamma - 1) * log(a))",
        takes="distribution",
        value=_focal,
        gradient=_focal_gradient,
        by_target=_focal_by_target,
        domain=UNIT,
        notes=(
            "Keras divides a by its sum (-p normalize=true) and clips it to [1e-7, 1 - 1e-7]",
            "with normalize, gamma of 35 and alpha in the thousands the gradient was measured 4.4 ulp off, by its many"
            " roundings; powers that underflow are 0 even where alpha, above 1e180, would bring them back",
        ),
        libraries={"Keras": "categorical_focal_crossentropy"},
        source="Lin, Goyal, Girshick, He & Dollar 2017; Keras categorical_focal_crossentropy",
        sample=(0.01, 0.99),
    ),
    VectorLoss(
        name="generalized_cross_entropy",
        aliases=("gce",),
        title="Generalized cross-entropy of probabilities",
        image="[0, 1 / q]",
        params=(Param("q", 0.5, "0 is cross-entropy, 1 the absolute error", _UP_TO_ONE, derivative=_generalized_by_q),),
        formula="(1 - sum(y * a)^q) / q",
        derivative_formula="-y * sum(y * a)^(q - 1)",
        takes="class",
        value=_generalized,
        gradient=_generalized_gradient,
        by_target=None,
        domain=UNIT,
        notes=(
            "y is 1 for the class and 0 for its rivals",
            "Keras' class has q=0.5, its function no default",
        ),
        libraries={"Keras": "categorical_generalized_cross_entropy(q)"},
        source="Zhang & Sabuncu 2018",
        sample=(0.01, 0.99),
    ),
)
