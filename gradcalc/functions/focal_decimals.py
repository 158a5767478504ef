"""The binary focal losses in decimals: where powers and terms leave the range of floats, or what rounding takes counts.

A loss is c q^gamma CE with its class weight c. Every kernel takes decimals (x, y, gamma, alpha, unit), for which c is
unit * (alpha y + (1 - alpha) (1 - y)), and gives its result and the size of its terms:
none, as its digits are enough for any.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from gradcalc.numerics.cancelling import fallen
from gradcalc.numerics.digits import ONE, ZERO, digits

_DIGITS = 80
_NOTHING = -10_000  # e^this is 0 with any factors that floats make up
_SMALL = Decimal("1e-8")

Kernel = Callable[[Decimal, Decimal, Decimal, Decimal, Decimal], tuple[Decimal, Decimal]]


class Parts(NamedTuple):
    """Log q, q' / q and q'' / q, CE and its derivatives, by the target q' CE / q and CE'."""

    log_q: Decimal
    steep: Decimal
    bent: Decimal
    entropy: Decimal
    slope: Decimal
    curve: Decimal
    entropy_by_q: Decimal
    by_target: Decimal


def of_logit(x: Decimal, y: Decimal) -> Parts:
    """With r = |x|, t = e^-r, and the weight A of the target on the side of x: q = (A + B t) / (1 + t)."""
    r, sign = abs(x), ONE if x >= 0 else -ONE
    t, fall = (-r).exp(), fallen(r)
    A, B = (1 - y, y) if x >= 0 else (y, 1 - y)
    whole, above = 1 + t, log1p(t)
    entropy, pull = A * r + above, A - B * t if r > 1 else (A - B) + B * fall
    if A:
        numerator, below = A + B * t, (B + A * t) / whole
        log_q = log1p(-below) if below < Decimal("0.5") else (numerator / whole).ln()
        steep, rate = (A - B) * t / (whole * numerator), entropy * whole / numerator
    else:
        log_q, steep = -r - above, -1 / whole
        rate = (above / t if t else ONE) * whole
    return Parts(
        log_q, sign * steep, -steep * fall / whole, entropy, sign * pull / whole, t / whole**2,
        -sign * rate * fall / whole, -x,
    )  # fmt: skip


def of_probability(x: Decimal, y: Decimal) -> Parts:
    """Q = (1 - y) x + y (1 - x)."""
    q, below = (1 - y) * x + y * (1 - x), (1 - y) * (1 - x) + y * x
    log_q = log1p(-below) if below < Decimal("0.5") else q.ln()
    log_x, log_rest = x.ln(), log1p(-x)
    entropy = -y * log_x - (1 - y) * log_rest
    return Parts(
        log_q, (1 - 2 * y) / q, ZERO, entropy, (1 - y) / (1 - x) - y / x, y / x**2 + (1 - y) / (1 - x) ** 2,
        (1 - 2 * x) * entropy / q, log_rest - log_x,
    )  # fmt: skip


def log1p(x: Decimal) -> Decimal:
    """log(1 + x), by its series where x is small."""
    if abs(x) > _SMALL:
        return (1 + x).ln()
    found, power, k = x, -x * x, 2
    while found + power / k != found:
        found, power, k = found + power / k, -power * x, k + 1
    return found


def value(at: Parts, gamma: Decimal) -> Decimal:
    """CE."""
    return at.entropy


def derivative(at: Parts, gamma: Decimal) -> Decimal:
    """CE' + gamma q' / q CE."""
    return at.slope + gamma * at.steep * at.entropy


def second(at: Parts, gamma: Decimal) -> Decimal:
    """CE'' + 2 gamma q' / q CE' + gamma CE ((gamma - 1) (q' / q)^2 + q'' / q)."""
    turn = (gamma - 1) * at.steep**2 + at.bent
    return at.curve + 2 * gamma * at.steep * at.slope + gamma * at.entropy * turn


def by_target(at: Parts, gamma: Decimal) -> Decimal:
    """CE' + gamma q' / q CE, but by the target."""
    return at.by_target + gamma * at.entropy_by_q


def by_gamma(at: Parts, gamma: Decimal) -> Decimal:
    """CE log q."""
    return at.entropy * at.log_q


def _kernel(parts: Callable[[Decimal, Decimal], Parts], bracket: Callable[[Parts, Decimal], Decimal]) -> Kernel:
    """c q^gamma times a bracket, and what a target adds to its own class weight."""

    def computed(x: Decimal, y: Decimal, gamma: Decimal, alpha: Decimal, unit: Decimal) -> tuple[Decimal, Decimal]:
        with digits(_DIGITS):
            at = parts(x, y)
            size = gamma * at.log_q
            if size < _NOTHING:
                return ZERO, -ONE
            found = (alpha * y + (1 - alpha) * (1 - y)) * bracket(at, gamma)
            if bracket is by_target:
                found += (2 * alpha - 1) * at.entropy
            found *= unit * size.exp()
            return found, -ONE

    return computed


_BRACKETS = (value, derivative, second, by_target, by_gamma)
ON_LOGITS = {bracket.__name__: _kernel(of_logit, bracket) for bracket in _BRACKETS}
ON_PROBABILITIES = {bracket.__name__: _kernel(of_probability, bracket) for bracket in _BRACKETS}
