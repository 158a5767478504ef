"""The L_p norm for any p above 0."""

from __future__ import annotations

import math
import sys
from typing import Any, NamedTuple

from gradcalc.functions.entry import POSITIVE, KinkText, Norm, Param


class _Powers(NamedTuple):
    """The entries by the largest, r_i = |x_i| / m, without what rounding and underflow would take from a power.

    r = ratio (1 + error) / 2^(2 * 550) where it is tiny, else ratio (1 + error); and m = largest 2^exponent.
    """

    ratio: Any
    error: Any
    tiny: Any
    top: Any  # index of the largest, (..., 1)
    largest: Any
    exponent: Any

    def power(self, np: Any, p: float, scale: float = 1.0) -> Any:
        """r^p times a scale; an error of r counts p times."""
        if p > _STEEP:
            return self.beside_one(np, p) * scale
        shift = np.power(np.where(self.tiny, _HALF_SHIFT, 1.0), p)
        power = np.power(self.ratio, p)
        return (power + power * np.expm1(p * self.error)) * shift * scale * shift

    def beside_one(self, np: Any, p: float) -> Any:
        """r^p for a p so large that only where r is all but 1 it is not 0: e^(p (d - d^2 / 2)) with d = r - 1."""
        from gradcalc.numerics import arrays, split
        from gradcalc.numerics.vectors import two_sum

        gap, low = two_sum(self.ratio - 1.0, self.ratio * self.error)
        high, lost = split.product(arrays, p, gap)
        small = np.where(high > -800.0, lost + p * low - 0.5 * high * gap, 0.0)
        return split.grows(arrays, high, small)

    def over_ratio(self, np: Any, p: float) -> Any:
        """r^(p - 1) for p < 1, as r^p / r: p - 1 may be rounded."""
        half = np.where(self.tiny, _HALF_SHIFT, 1.0)
        shift = np.power(half, p) / half
        quotient = np.power(self.ratio, p) / self.ratio
        return (quotient + quotient * np.expm1((p - 1.0) * self.error)) * shift * shift

    def log(self, np: Any) -> Any:
        """log r."""
        return (np.log(self.ratio) + self.error) + np.where(self.tiny, 2.0 * np.log(_HALF_SHIFT), 0.0)

    def rest(self, np: Any, terms: Any) -> Any:
        """The sum of terms but for the largest entry's, (..., 1)."""
        from gradcalc.numerics.vectors import total, without

        return total(np, without(np, terms, self.top))[..., None]


_TINY = 2.0**-900  # ratios below it are kept 2^1100 times as large, as long as their powers matter
_HALF_SHIFT = 2.0**-550
_MATTERS = 4.0
_STEEP = 2.0**60
_SMALL = 0.5
_LARGEST = sys.float_info.max
_NO_LOW = None  # of entries that are exact


def _powers(np: Any, x: Any, p: float, low: Any) -> _Powers:
    """`low` is what rounding took from x, or 0."""
    from gradcalc.numerics.vectors import finite_or_zero, product_error, scaled

    magnitude, exponent = scaled(np, np.absolute(x))
    top = _top(np, x, magnitude, low)
    largest = np.take_along_axis(magnitude, top, axis=-1)
    tiny = (magnitude < _TINY) & (p < _MATTERS)
    kept = np.where(tiny, np.ldexp(np.absolute(x), 1100 - exponent), magnitude)
    ratio = kept / largest
    product = ratio * largest
    lost = (kept - product) - product_error(ratio, largest, product)
    error = finite_or_zero(np, lost / product)
    if low is not _NO_LOW:
        own = finite_or_zero(np, low / x)
        error = error + (own - np.take_along_axis(own, top, axis=-1))
    return _Powers(ratio, error, tiny, top, largest, exponent)


def _top(np: Any, x: Any, magnitude: Any, low: Any) -> Any:
    """The index of the largest entry, (..., 1)."""
    if low is _NO_LOW:
        return magnitude.argmax(axis=-1)[..., None]
    tied = magnitude == magnitude.max(axis=-1, keepdims=True)
    return np.where(tied, np.sign(x) * low, -np.inf).argmax(axis=-1)[..., None]


def _root(np: Any, powers: _Powers, p: float, less: int = 0) -> Any:
    """S^(1/p - less) with S = sum r^p = 1 + the rest, (..., 1)."""
    return _root_of_one_plus(np, powers.rest(np, powers.power(np, p)), p, less)


def _root_of_one_plus(np: Any, rest: Any, p: float, less: int = 0) -> Any:
    """(1 + rest)^(1/p - less), with the roundings of 1 + rest and of the exponent put right."""
    from fractions import Fraction

    base = 1.0 + rest
    exact = 1 / Fraction(p) - less
    if exact > _LARGEST:
        return np.power(base, np.inf)
    exponent = float(exact)
    lost = rest - (base - 1.0)
    power = np.power(base, exponent)
    return power + power * (exponent * (lost / base) + float(exact - Fraction(exponent)) * np.log(base))


def norm_value(np: Any, x: Any, p: float, ties: str, low: Any = _NO_LOW) -> Any:
    """The norm of x, from which rounding took `low`."""
    magnitude = np.absolute(x)
    largest = magnitude.max(axis=-1)
    if p == np.inf:
        return largest
    return np.where((largest == 0) | ~np.isfinite(largest), largest, _finite_value(np, x, p, low))


def _finite_value(np: Any, x: Any, p: float, low: Any) -> Any:
    from gradcalc.numerics.vectors import scaled, total

    if p in (1, 2):
        magnitude, exponent = scaled(np, np.absolute(x))
        found = total(np, magnitude) if p == 1 else np.sqrt(total(np, magnitude * magnitude))
        return np.ldexp(found, exponent[..., 0])
    if p < _SMALL:
        from gradcalc.functions import small_power

        return small_power.value(np, x, _top(np, x, np.absolute(x), low), p, low)
    powers = _powers(np, x, p, low)
    return np.ldexp(powers.largest * _root(np, powers, p), powers.exponent)[..., 0]


def norm_gradient(np: Any, x: Any, side: str, p: float, ties: str, low: Any = _NO_LOW) -> Any:
    """The derivative by x, from which rounding took `low`."""
    magnitude = np.absolute(x)
    largest = magnitude.max(axis=-1, keepdims=True)
    if p == np.inf:
        slopes = _shares(np, _largest(np, x, magnitude == largest, low), ties)
    elif p == 1:
        slopes = np.where(magnitude > 0, 1.0, magnitude)
    else:
        slopes = np.where(np.isinf(largest), _limit(np, magnitude, p), _slopes(np, x, p, low))
    found = np.where(magnitude == 0, 0.0, np.sign(x) * slopes)
    found = np.where(largest == largest, found, largest)
    at_kink = _one_sided(np, largest, side, p)
    return np.where(_at_kink(np, x, p, ties), at_kink, found)


def _largest(np: Any, x: Any, tied: Any, low: Any) -> Any:
    """Which entries are largest: what rounding took from them tells some of those apart that are equal without it."""
    if low is _NO_LOW:
        return tied
    beyond = np.where(tied, np.sign(x) * low, -np.inf)
    return tied & (beyond == beyond.max(axis=-1, keepdims=True))


def _shares(np: Any, tied: Any, ties: str) -> Any:
    """How the slope 1 of a maximum is given to those who tie for it."""
    if ties == "split":
        return tied / tied.sum(axis=-1, keepdims=True)
    return tied & (np.cumsum(tied, axis=-1) == 1)


def _slopes(np: Any, x: Any, p: float, low: Any) -> Any:
    """(|x_j| / norm)^(p - 1) = r^(p - 1) S^((1 - p) / p)."""
    from gradcalc.numerics.vectors import scaled, total

    if p == 2:
        magnitude, _ = scaled(np, np.absolute(x))
        return magnitude / np.sqrt(total(np, magnitude * magnitude))[..., None]
    if p < _SMALL:
        from gradcalc.functions import small_power

        return small_power.slopes(np, x, _top(np, x, np.absolute(x), low), p, low)
    powers = _powers(np, x, p, low)
    ratios = powers.power(np, p - 1.0) if p > 1 else powers.over_ratio(np, p)
    return ratios * _root(np, powers, p, less=1)


def _limit(np: Any, magnitude: Any, p: float) -> Any:
    """The slopes as one entry goes to infinity; several infinite entries have no limit."""
    infinite = np.isinf(magnitude)
    single = infinite.sum(axis=-1, keepdims=True) == 1
    slopes = np.where(infinite, 1.0, 0.0 if p > 1 else np.inf)
    return np.where(single, slopes, np.nan)


def _one_sided(np: Any, largest: Any, side: str, p: float) -> Any:
    """The slope of |x_j|^p from one side at x_j = 0: infinite for p < 1, unless all other entries are 0 too."""
    sign = {"left": -1.0, "right": 1.0}.get(side, 0.0)
    if p >= 1 or sign == 0:
        return sign
    return np.where(largest == 0, sign, sign * np.inf)


def _at_kink(np: Any, x: Any, p: float, ties: str) -> Any:
    """Where an entry is 0: for p <= 1, and in the zero vector for every p."""
    zero = x == 0
    return zero if p <= 1 else zero & zero.all(axis=-1, keepdims=True)


def _at_tie(np: Any, x: Any, p: float, ties: str) -> Any:
    """Which entries are largest together, for p = inf; in the zero vector there is a kink instead."""
    magnitude = np.absolute(x)
    largest = (magnitude == magnitude.max(axis=-1, keepdims=True)) & (magnitude > 0) & (p == np.inf)
    return largest & (largest.sum(axis=-1, keepdims=True) > 1)


def norm_by_p(np: Any, x: Any, p: float, ties: str, low: Any = _NO_LOW) -> Any:
    """d norm / dp = norm (p sum_i w_i log r_i - log(S)) / p^2 with w_i = r_i^p / S."""
    largest = np.absolute(x).max(axis=-1)
    if p == np.inf:
        return np.where(largest == largest, 0.0, largest)
    if p < _SMALL:
        from gradcalc.functions import small_power

        found = small_power.by_p(np, x, _top(np, x, np.absolute(x), low), p, low)
        return np.where(largest == 0, 0.0, found)
    return np.where(largest == 0, 0.0, _by_p(np, x, p, low))


def _by_p(np: Any, x: Any, p: float, low: Any) -> Any:
    from gradcalc.numerics import arrays, doubled

    powers = _powers(np, x, p, low)
    terms, scale = _scaled_terms(np, powers, p)
    rest = powers.rest(np, terms)
    products, lost = doubled.multiplied(arrays, terms, np.where(terms == 0, 0.0, powers.log(np)))
    logs = doubled.added(arrays, powers.rest(np, products), powers.rest(np, lost))
    whole = doubled.added(arrays, np.where(scale, 0.0, rest), 1.0)
    of_sum = np.where(scale, rest, np.log1p(rest))
    pull = doubled.times(arrays, doubled.over(arrays, logs, whole), (p, 0.0))
    slope = sum(doubled.minus(arrays, pull, (of_sum, 0.0)))
    mantissa, exponent = math.frexp(p)
    norm = powers.largest * _root_of_one_plus(np, np.where(scale, 0.0, rest), p)
    return np.ldexp(norm * slope / mantissa / mantissa, powers.exponent - scale - 2 * exponent)[..., 0]


def _scaled_terms(np: Any, powers: _Powers, p: float) -> tuple[Any, Any]:
    """r^p times 2^scale: where all but the largest are so small that m r^p is a number and r^p is none."""
    terms = powers.power(np, p)
    small = powers.rest(np, terms) < 2.0**-500
    halves = powers.power(np, p / 2.0, 2.0**750)
    return np.where(small, halves * halves, terms), np.where(small, 1500, 0)


ENTRIES = (
    Norm(
        name="lp_norm",
        aliases=("norm", "pnorm"),
        title="L_p norm",
        params=(
            Param(
                "p",
                2.0,
                "the power; inf is the largest absolute entry",
                POSITIVE,
                aliases=("ord",),
                derivative=norm_by_p,
            ),
            Param(
                "ties",
                "split",
                "who has the slope in a tie for p = inf: all, or the first",
                choices=("first", "split"),
            ),
        ),
        formula="sum(abs(z)^p)^(1/p)",
        derivative_formula="sign(z) * (abs(z) / lp_norm(z))^(p - 1)",
        value=norm_value,
        gradient=norm_gradient,
        at_kink=_at_kink,
        kinks=(
            KinkText("z[i] = 0 for p = 1", left="-1", right="1", default="0"),
            KinkText("z[i] = 0 for p < 1, but for the zero vector", left="-inf", right="inf", default="0"),
            KinkText("z[i] = 0 in the zero vector, for every p", left="-1", right="1", default="0"),
        ),
        at_tie=_at_tie,
        libraries={
            "PyTorch": "linalg.vector_norm(ord)",
            "JAX": "jnp.linalg.norm(ord)",
            "NumPy": "linalg.norm(ord)",
            "Keras": "ops.norm(ord)",
        },
        notes=(
            "for p < 1 it is no norm, and its slope at an entry 0 is infinite from either side",
            "at the zero vector the gradient shown is 0, as in PyTorch; JAX has NaN there for finite p > 1 (--kink"
            " undefined)",
            "at an entry 0 JAX takes the right slope, 1 for p = 1 and inf for p < 1: --kink right",
        ),
        source="Konopczynski, Handy DL (2017), eq. 28-34 (31 misprinted); PyTorch vector_norm",
    ),
)
