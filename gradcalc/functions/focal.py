"""Binary focal losses: cross-entropy times a power of how far the prediction is from the target.

On logits everything is a function of r = |x|, t = e^-r, and of A, the target's weight against the side x is on, with
B = 1 - A: CE = A r + log(1 + t), q = (A + B t) / (1 + t), and the signed slope of CE is (A - B t) / (1 + t).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.functions.binary import bce_by_smoothed_target, bce_value
from gradcalc.functions.entry import NOT_NEGATIVE, UNIT, Domain, ElementwiseLoss, Param
from gradcalc.numerics.cancelling import anew
from gradcalc.numerics.careful import anywhere, weighted
from gradcalc.numerics.doubled import (
    Pair,
    added,
    decay,
    logarithm,
    minus,
    multiplied,
    over,
    over_square,
    plus,
    raised,
    times,
)
from gradcalc.numerics.split import decays, finite

_OPEN_UNIT = Domain("above 0 and below 1", 0.0, 1.0, open_low=True, open_high=True)
_GAMMA = "power of the distance from the target; 0 gives plain cross-entropy"
_ALPHA = "weight of the target 1, with 1 - alpha for the target 0"


def _balance(xp: Any, y: Any, alpha: float | None) -> Any:
    """The class weight alpha y + (1 - alpha) (1 - y)."""
    return 1.0 if alpha is None else _balance_pair(xp, y, alpha)[0]


def _balance_pair(xp: Any, y: Any, alpha: float) -> Pair:
    of_zero = times(xp, added(xp, 1.0, -alpha), added(xp, 1.0, -y))
    return plus(xp, multiplied(xp, y, alpha), of_zero)


_LIFT = 2.0**100
_PLAIN = 1e280  # nothing up to it overflows
_STEEP = 100.0  # past such a power the digits of what it is a power of count too often
_FAINT, _HUGE = 1e-290, 1e290  # beyond these a factor has lost digits, or a part of the result has


def _strays(xp: Any, found: Any, power: Any, balance: Any, gamma: float) -> Any:
    """Whether a result may have lost digits to what overflowed or underflowed on the way, or to a huge gamma."""
    size = xp.absolute(found)
    sound = (size > _FAINT) & (size < _HUGE) & (power > _FAINT) & (balance > _FAINT)
    return xp.where(sound & (gamma < _STEEP), False, True)


def _on_logits(xp: Any, found: Any, at: _Logit, what: str, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    """`found`, in decimals where it strays; alone, underflow of the power is the result's own."""
    balance = _balance(xp, y, alpha)
    hard = _strays(xp, found, at.power, balance, gamma)
    if not anywhere(hard):
        return found
    huge = (found != found) | (xp.absolute(found) > _HUGE) | ((balance < _FAINT) & (balance > 0))
    hard = hard & (at.r < xp.inf) & (y == y) & ((at.A > 0) | huge | (gamma > _STEEP))

    def compute(*decimals: Any) -> Any:
        from gradcalc.functions.focal_decimals import ON_LOGITS

        return ON_LOGITS[what](*decimals)

    return anew(found, hard, None, compute, x, y, gamma, *_weights(alpha))


def _on_probabilities(
    xp: Any, found: Any, power: Any, what: str, x: Any, y: Any, gamma: float, alpha: float | None
) -> Any:
    """The same for probabilities."""
    hard = _strays(xp, found, power, _balance(xp, y, alpha), gamma)
    if not anywhere(hard):
        return found

    def compute(*decimals: Any) -> Any:
        from gradcalc.functions.focal_decimals import ON_PROBABILITIES

        return ON_PROBABILITIES[what](*decimals)

    return anew(found, hard & (x == x) & (y == y), None, compute, x, y, gamma, *_weights(alpha))


def _weights(alpha: float | None) -> tuple[float, float]:
    """Alpha, and what the class weights are multiplied with: without alpha they are twice those of 1/2."""
    return (0.5, 2.0) if alpha is None else (alpha, 1.0)


class _Logit(NamedTuple):
    """The module's letters, `power` = q^gamma and lean = (1 - 2 y) sign(x).

    Where A is 0 (`alone`) q and CE are t times a number near 1, which underflows before their powers do: then
    `per_t` is CE / t, and q^gamma is `share` e^-`line`, a sum of two. `steep` is q' / q = sigmoid' / q lean, and by_t
    is 1 / (1 + t) / (A + B t).
    """

    sign: Any
    r: Any
    t: Any
    A: Any
    B: Any
    lean: Any
    alone: Any
    entropy: Any
    per_t: Any
    share: Any
    line: Pair
    power: Any
    by_t: Any
    bottom: Any
    numerator: Any

    @property
    def pull(self) -> Any:
        """d CE / dr."""
        return (self.A - self.B * self.t) / (1.0 + self.t)

    def twice_pull(self, xp: Any) -> Pair:
        """Twice that, as a sum of two."""
        rise = plus(xp, (2.0 * self.A, 0.0), multiplied(xp, -2.0 * self.B, self.t))
        return over(xp, rise, added(xp, 1.0, self.t))

    def entropy_times(self, xp: Any, factor: Any) -> Any:
        """factor * CE."""
        return xp.where(self.alone, decays(xp, factor * self.per_t, self.r), weighted(xp, factor, self.entropy))

    def steep(self, xp: Any) -> Any:
        """q' / q."""
        return self.lean * xp.where(self.alone, 1.0 / (1.0 + self.t), xp.divide(self.t, self.bottom))


def _logit(xp: Any, x: Any, y: Any, gamma: float) -> _Logit:
    r, sign = xp.absolute(x), xp.where(x >= 0, 1.0, xp.where(x < 0, -1.0, x))
    (rest, lost), above = added(xp, 1.0, -y), x >= 0
    A, A_low = xp.where(above, rest, y), xp.where(above, lost, 0.0)
    B, B_low = xp.where(above, y, rest), xp.where(above, 0.0, lost)
    t, t_low = decay(xp, r)
    whole = plus(xp, (1.0, 0.0), (t, t_low))
    numerator = plus(xp, (A, A_low), times(xp, (B, B_low), (t, t_low)))
    alone = A == 0
    bottom, _ = times(xp, whole, numerator)
    per_t = xp.where(t < 1e-17, 1.0, xp.divide(xp.log1p(t), t))
    line, line_low = multiplied(xp, xp.where(r < 1e300, r, 1e300), gamma)
    share = 1.0 / raised(xp, whole, gamma)
    pure = decays(xp, share, line, line_low)
    mixed = raised(xp, over(xp, numerator, whole), gamma)
    entropy = weighted(xp, A, r) + (A_low * xp.minimum(r, 1e300) + xp.log1p(t))
    lean = sign * (1.0 - 2.0 * y)
    power = xp.where(alone, pure, mixed)
    by_t = xp.divide(1.0 + 0.0 * t, bottom)
    return _Logit(
        sign, r, t, A, B, lean, alone, entropy, per_t, share, (line, line_low), power, by_t, bottom, numerator[0]
    )


def _log_q(xp: Any, at: _Logit) -> Any:
    """log q = log(1 - B (1 - t)) - log(1 + t): both terms are below 0."""
    shrunk = at.B * -xp.expm1(-at.r)
    log_n = xp.where(at.alone, -at.r, xp.where(shrunk < 0.5, xp.log1p(-shrunk), xp.log(at.A + at.B * at.t)))
    return log_n - xp.log1p(at.t)


def _sigmoid_focal(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    at = _logit(xp, x, y, gamma)
    found = at.entropy_times(xp, at.power * _balance(xp, y, alpha))
    return _on_logits(xp, found, at, "value", x, y, gamma, alpha)


def _sigmoid_focal_slope(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    """q^gamma (CE' + gamma q' / q CE); alone everything has the factor t."""
    at = _logit(xp, x, y, gamma)
    factor = _balance(xp, y, alpha) * at.sign
    mixed = at.pull + gamma * weighted(xp, at.steep(xp), at.entropy)
    alone = (gamma * at.lean * at.per_t - at.B) / (1.0 + at.t)
    # one exponential of the whole line is one rounding less than t times the power
    size, low = plus(xp, at.line, (at.r, 0.0))
    found = xp.where(at.alone, decays(xp, factor * at.share * alone, size, low), factor * at.power * mixed)
    return _on_logits(xp, found, at, "derivative", x, y, gamma, alpha)


def _sigmoid_focal_second(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    """q^gamma (CE'' + 2 gamma q' / q CE' + gamma CE ((gamma - 1) (q' / q)^2 + q'' / q)), with the factor t outside."""
    at = _logit(xp, x, y, gamma)
    steep, bent = at.steep(xp), -xp.tanh(0.5 * at.r)
    turn = (gamma - 1.0) * steep + bent
    bracket = plus(xp, multiplied(xp, at.entropy, turn), at.twice_pull(xp))
    steepest, low = times(xp, over(xp, bracket, (at.bottom, 0.0)), (gamma * at.lean, 0.0))
    mixed = xp.where(at.by_t == xp.inf, 0.0, steepest)
    alone = gamma * steep * (at.per_t * turn - 2.0 * at.B / (1.0 + at.t))
    curve = 1.0 / (1.0 + at.t * (2.0 + at.t)) + xp.where(at.alone, alone, mixed)
    curve = curve + xp.where(at.alone | (mixed == 0), 0.0, low)
    # one exponential of the whole line, as in the derivative
    size, size_low = plus(xp, at.line, (at.r, 0.0))
    size, size_low = xp.where(at.alone, size, at.r), xp.where(at.alone, size_low, 0.0)
    factor = xp.where(at.alone, at.share, at.power) * _balance(xp, y, alpha)
    found = decays(xp, factor * curve, size, size_low) + 0.0 * at.sign
    return _on_logits(xp, found, at, "second", x, y, gamma, alpha)


def _sigmoid_focal_by_target(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    """-+ q^gamma (r + gamma CE / q (1 - t) / (1 + t)), and what the class weight adds."""
    at = _logit(xp, x, y, gamma)
    c = xp.where(at.r > 1e300, 2.0**-60, 1.0)
    fall = -xp.expm1(-at.r)
    share = xp.divide(fall, at.numerator)
    faint = xp.divide(at.A, at.numerator) * (c * at.r) + c * at.per_t * xp.divide(at.t, at.numerator)
    beside = xp.where(at.numerator < 1e-290, faint * fall, c * at.entropy * share)
    rise = c * at.r + (gamma * xp.where(at.alone, c * at.per_t * fall, beside) if gamma else 0.0)
    half = _logit(xp, x, y, 0.5 * gamma).power
    product = xp.where(at.power < 1e-290, half * weighted(xp, half, rise), weighted(xp, at.power, rise))
    slope = -at.sign * (_balance(xp, y, alpha) * product) / c
    own = 0.0 if alpha is None else 2.0 * alpha - 1.0
    found = slope if alpha is None else slope + at.entropy_times(xp, own * at.power)
    lean = at.sign * _balance(xp, y, alpha)
    mixed = at.power * (at.entropy * (own - lean * gamma * share) - lean * at.r)
    found = xp.where((at.A > _FAINT) & (c == 1), mixed, found)
    return _on_logits(xp, found, at, "by_target", x, y, gamma, alpha)


def _sigmoid_focal_by_gamma(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    """q^gamma CE log q; where log q = -(B + t) is subnormal, with a factor that keeps its digits."""
    at = _logit(xp, x, y, gamma)
    factor = _balance(xp, y, alpha) * at.power
    faint = (at.r > 600.0) & (at.B < 1e-250)
    lifted = factor * at.entropy * (-at.B * _LIFT - decays(xp, _LIFT, at.r)) / _LIFT
    found = xp.where(faint, lifted, at.entropy_times(xp, weighted(xp, factor, _log_q(xp, at))))
    return _on_logits(xp, found, at, "by_gamma", x, y, gamma, alpha)


def _sigmoid_focal_by_alpha(xp: Any, x: Any, y: Any, gamma: float, alpha: float) -> Any:
    """(2 y - 1) q^gamma CE."""
    return weighted(xp, 2.0 * y - 1.0, _sigmoid_focal(xp, x, y, gamma, None))


def _distance(xp: Any, x: Any, y: Any) -> Pair:
    """q = (1 - y) x + y (1 - x)."""
    return plus(xp, times(xp, added(xp, 1.0, -y), (x, 0.0)), times(xp, added(xp, 1.0, -x), (y, 0.0)))


def _binary_focal(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    q = _distance(xp, x, y)
    power = xp.power(q[0], gamma)
    found = _balance(xp, y, alpha) * (power * bce_value(xp, x, y, 0.0, None))
    found = found + found * _lost(xp, q, gamma, y, alpha)
    return _on_probabilities(xp, found, power, "value", x, y, gamma, alpha)


def _lost(xp: Any, q: Pair, power: float, y: Any, alpha: float | None) -> Any:
    """What rounding takes from c q^power by rounding q and c, as a share of it."""
    lost = power * finite(xp, xp.divide(q[1], q[0]))
    if alpha is None:
        return lost
    high, low = _balance_pair(xp, y, alpha)
    return lost + finite(xp, xp.divide(low, high))


def _per_distance(xp: Any, x: Any, y: Any, q: Pair) -> Any:
    """CE / q."""
    of_one = xp.where(y == 0, 0.0, -xp.divide(y, q[0]) * xp.log(x))
    return of_one - (1.0 - y) * xp.divide(xp.log1p(-x), q[0])


def _binary_focal_slope(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    """q^gamma (CE' + gamma (1 - 2 y) CE / q), the power in halves beside y / x, which may overflow."""
    x = x + 0.0  # -0 is a plain 0
    q, balance = _distance(xp, x, y), _balance(xp, y, alpha)
    half, ratio = raised(xp, q, 0.5 * gamma), xp.divide(y, x)
    power = raised(xp, q, gamma)
    plain = (ratio < _PLAIN) & (power > 1.0 / _PLAIN) & (q[0] > 1.0 / _PLAIN)
    slope = (1.0 - y) / (1.0 - x) + gamma * (1.0 - 2.0 * y) * _per_distance(xp, x, y, q)
    rest = minus(xp, over(xp, added(xp, 1.0, -y), added(xp, 1.0, -x)), over(xp, (y, 0.0), (x, 0.0)))
    lean = times(xp, (gamma, 0.0), added(xp, 1.0, -2.0 * y))
    whole, low = plus(xp, rest, times(xp, lean, over(xp, (bce_value(xp, x, y, 0.0, None), 0.0), q)))
    steepest = xp.divide(balance * half * y / _LIFT, x) * half * _LIFT
    steep = xp.where(ratio == xp.inf, steepest, balance * half * ratio * half)
    found = xp.where(plain, balance * (power * (whole + low)), balance * (power * slope) - steep)
    return _on_probabilities(xp, found, power, "derivative", x, y, gamma, alpha)


def _binary_focal_second(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    """q^(gamma - 1) (q CE'' + 2 gamma (1 - 2 y) CE' + gamma (gamma - 1) (1 - 2 y)^2 CE / q)."""
    x = x + 0.0  # -0 is a plain 0
    q, lean = _distance(xp, x, y), gamma * (1.0 - 2.0 * y)
    balance = _balance(xp, y, alpha)
    if gamma == 0:
        return balance * (over_square(xp, y, x) + over_square(xp, 1.0 - y, 1.0 - x))
    # gamma - 1 is exact from 1/2 on; below it the quotient has more digits.
    power = xp.power(q[0], gamma - 1.0) if gamma >= 0.5 else xp.divide(xp.power(q[0], gamma), q[0])
    of_one, of_zero = xp.divide(y, x), (1.0 - y) / (1.0 - x)
    bracket = q[0] * (xp.divide(of_one, x) + of_zero / (1.0 - x))
    bracket = bracket + 2.0 * lean * xp.divide(x - y, x * (1.0 - x))
    bracket = bracket + lean * (1.0 - 2.0 * y) * (gamma - 1.0) * _per_distance(xp, x, y, q)
    found = balance * (power * bracket)
    found = found + found * _lost(xp, q, gamma - 1.0, y, alpha)
    return _on_probabilities(xp, found, power, "second", x, y, gamma, alpha)


def _binary_focal_by_target(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    q = _distance(xp, x, y)
    power, slope = xp.power(q[0], gamma), bce_by_smoothed_target(xp, x, None)
    if alpha is None:
        by_target = power * (slope + gamma * (1.0 - 2.0 * x) * _per_distance(xp, x, y, q))
    else:
        balance = _balance_pair(xp, y, alpha)
        lean = times(xp, balance, times(xp, (gamma, 0.0), added(xp, 1.0, -2.0 * x)))
        rate, low = plus(xp, over(xp, lean, q), added(xp, -1.0, 2.0 * alpha))
        entropy = bce_value(xp, x, y, 0.0, None)
        by_target = power * ((balance[0] * slope + rate * entropy) + (balance[1] * slope + low * entropy))
    by_target = by_target + by_target * _lost(xp, q, gamma, y, None)
    return _on_probabilities(xp, by_target, power, "by_target", x, y, gamma, alpha)


def _binary_focal_by_gamma(xp: Any, x: Any, y: Any, gamma: float, alpha: float | None) -> Any:
    q = _distance(xp, x, y)
    power = xp.power(q[0], gamma)
    found = _balance(xp, y, alpha) * (power * (bce_value(xp, x, y, 0.0, None) * logarithm(xp, q)))
    found = found + found * _lost(xp, q, gamma, y, alpha)
    return _on_probabilities(xp, found, power, "by_gamma", x, y, gamma, alpha)


def _binary_focal_by_alpha(xp: Any, x: Any, y: Any, gamma: float, alpha: float) -> Any:
    return (2.0 * y - 1.0) * _binary_focal(xp, x, y, gamma, None)


ENTRIES = (
    ElementwiseLoss(
        name="sigmoid_focal",
        aliases=("sigmoid_focal_loss",),
        title="Focal loss of a logit",
        params=(
            Param("gamma", 2.0, _GAMMA, NOT_NEGATIVE, derivative=_sigmoid_focal_by_gamma),
            Param("alpha", None, _ALPHA, UNIT, derivative=_sigmoid_focal_by_alpha),
        ),
        formula="((1 - y) * sigmoid(a) + y * sigmoid(-a))^gamma * ((1 - y) * log(1 + exp(a)) + y * log(1 + exp(-a)))",
        variants={
            "alpha": "(alpha * y + (1 - alpha) * (1 - y)) * q^gamma * CE"
            " with q = (1 - y) * sigmoid(a) + y * sigmoid(-a), CE = (1 - y) * log(1 + exp(a)) + y * log(1 + exp(-a))",
        },
        derivative_formula="q^gamma * (s - y) + gamma * q^(gamma - 1) * (1 - 2 * y) * s * (1 - s) * CE"
        " with s = sigmoid(a), q = (1 - y) * s + y * (1 - s), CE = (1 - y) * log(1 + exp(a)) + y * log(1 + exp(-a))",
        value=_sigmoid_focal,
        derivative=_sigmoid_focal_slope,
        second=_sigmoid_focal_second,
        by_target=_sigmoid_focal_by_target,
        target_domain=UNIT,
        notes=(
            "with alpha the loss is multiplied by alpha * y + (1 - alpha) * (1 - y)",
            "optax and Keras leave alpha out unless asked; Keras' class balancing has alpha=0.25, torchvision too",
            "Keras on logits: from_logits=True; its label_smoothing=s is the target (1 - s) * y + s / 2 here",
        ),
        libraries={
            "optax.losses": "sigmoid_focal_loss",
            "Keras": "binary_focal_crossentropy",
            "torchvision": "ops.sigmoid_focal_loss",
        },
        source="Lin, Goyal, Girshick, He & Dollar 2017",
    ),
    ElementwiseLoss(
        name="binary_focal",
        aliases=("binary_focal_crossentropy",),
        title="Focal loss of a probability",
        params=(
            Param("gamma", 2.0, _GAMMA, NOT_NEGATIVE, derivative=_binary_focal_by_gamma),
            Param("alpha", None, _ALPHA, UNIT, derivative=_binary_focal_by_alpha),
        ),
        formula="-((1 - y) * a + y * (1 - a))^gamma * (y * log(a) + (1 - y) * log(1 - a))",
        variants={
            "alpha": "(alpha * y + (1 - alpha) * (1 - y)) * q^gamma * CE"
            " with q = (1 - y) * a + y * (1 - a), CE = -(y * log(a) + (1 - y) * log(1 - a))",
        },
        derivative_formula="q^gamma * ((1 - y) / (1 - a) - y / a) + gamma * q^(gamma - 1) * (1 - 2 * y) * CE"
        " with q = (1 - y) * a + y * (1 - a), CE = -y * log(a) - (1 - y) * log(1 - a)",
        value=_binary_focal,
        derivative=_binary_focal_slope,
        second=_binary_focal_second,
        by_target=_binary_focal_by_target,
        domain=_OPEN_UNIT,
        target_domain=UNIT,
        logits="sigmoid_focal",
        notes=(
            "with alpha the loss is multiplied by alpha * y + (1 - alpha) * (1 - y)",
            "Keras clips a to [1e-7, 1 - 1e-7], and has alpha=0.25 only with apply_class_balancing",
        ),
        libraries={"Keras": "binary_focal_crossentropy"},
        source="Lin, Goyal, Girshick, He & Dollar 2017",
        sample=(0.01, 0.99),
    ),
)
