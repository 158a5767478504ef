"""Rectified linear units with thresholds and bounds, and the exponential ones."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import NOT_ZERO, Elementwise, Kink, KinkText, Param
from gradcalc.numerics.careful import constant, weighted
from gradcalc.numerics.normal import polynomial
from gradcalc.numerics.split import decays, grows, quotient

_NAN = float("nan")
_UNIT = 2.0**-64
_OVERFLOWS = 2.0**969  # no difference from a smaller number does


def _flat(xp: Any, z: Any, *_: Any) -> Any:
    return constant(xp, 0.0, z)


def _general(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    below = weighted(xp, slope, z - threshold)
    if abs(threshold) > _OVERFLOWS:
        halves = 2.0 * weighted(xp, slope, 0.5 * z - 0.5 * threshold)
        below = xp.where(xp.absolute(z - threshold) < xp.inf, below, halves)
    found = xp.where(z > threshold, z, below)
    return found if largest is None else xp.where(z >= largest, largest, found)


def _general_slope(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    found = xp.where(z > threshold, 1.0, constant(xp, slope, z))
    return found if largest is None else xp.where(z >= largest, 0.0, found)


def _general_by_slope(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    found = xp.where(z > threshold, 0.0, z - threshold)
    return found if largest is None else xp.where(z >= largest, 0.0, found)


def _general_by_threshold(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    """-slope where z does not pass: at the threshold the slope from the right."""
    found = xp.where(z > threshold, 0.0, constant(xp, -slope, z))
    return found if largest is None else xp.where(z >= largest, 0.0, found)


def _general_by_threshold_left(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    return xp.where(z == threshold, 0.0, _general_by_threshold(xp, z, slope, largest, threshold))


def _general_jumps_at_threshold(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    return (z == threshold) & (z != 0) & (z < (xp.inf if largest is None else largest))


def _general_by_largest(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    """1 where the bound holds: at it the slope from the left."""
    bound = xp.inf if largest is None else largest
    return xp.where((z >= bound) & (largest is not None), 1.0, constant(xp, 0.0, z))


def _general_by_largest_right(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    bound = xp.inf if largest is None else largest
    return xp.where(z > bound, 1.0, constant(xp, 0.0, z))


def _general_jumps_at_largest(xp: Any, z: Any, slope: Any, largest: Any, threshold: Any) -> Any:
    return (z == largest) & (_general(xp, z, slope, None, threshold) != z)


def _general_corner(slope: Any, largest: Any, threshold: Any) -> float:
    """The threshold, where the value does not jump there."""
    return threshold if threshold == 0 and _reached(threshold, largest) else _NAN


def _general_jump(slope: Any, largest: Any, threshold: Any) -> float:
    return threshold if threshold != 0 and _reached(threshold, largest) else _NAN


def _reached(threshold: Any, largest: Any) -> bool:
    return largest is None or threshold < largest


def _general_top(slope: Any, largest: Any, threshold: Any) -> float:
    return largest if largest is not None and threshold < largest else _NAN


def _general_drop(slope: Any, largest: Any, threshold: Any) -> float:
    """The bound, where it lies below the threshold and cuts the branch of the slope off."""
    return largest if largest is not None and threshold >= largest else _NAN


def _leaky_slope(lower: Any, upper: Any) -> Any:
    return 0.5 * lower + 0.5 * upper


def _leaky(xp: Any, z: Any, lower: Any, upper: Any) -> Any:
    """z times the mean slope below 0, the half taken of z where it would be lost from the slope."""
    both = lower + upper
    below = weighted(xp, both, 0.5 * z) if abs(both) < _UNIT else weighted(xp, _leaky_slope(lower, upper), z)
    return xp.where(z > 0, z, below)


def _half_below(xp: Any, z: Any, lower: Any, upper: Any) -> Any:
    return xp.where(z > 0, 0.0, 0.5 * z)


def _threshold_corner(theta: Any, value: Any) -> float:
    return theta if theta == value else _NAN


def _threshold_jump(theta: Any, value: Any) -> float:
    return theta if theta != value else _NAN


def _below(xp: Any, z: Any) -> Any:
    """z up to 0, of which -0 is kept."""
    return xp.where(z > 0, 0.0, z)


def _elu(xp: Any, z: Any, alpha: Any) -> Any:
    return xp.where(z > 0, z, alpha * xp.expm1(_below(xp, z)))


def _elu_slope(xp: Any, z: Any, alpha: Any) -> Any:
    """alpha e^z below 0."""
    return xp.where(z > 0, 1.0, decays(xp, alpha, -_below(xp, z)))


def _elu_curvature(xp: Any, z: Any, alpha: Any) -> Any:
    return xp.where(z > 0, 0.0, decays(xp, alpha, -_below(xp, z)))


def _celu_exponent(xp: Any, z: Any, alpha: Any) -> tuple[Any, Any]:
    """z / alpha below 0, as a sum of two."""
    return quotient(xp, _below(xp, z), alpha)


def _celu(xp: Any, z: Any, alpha: Any) -> Any:
    """alpha expm1(z / alpha); z where the quotient is so small that it may have lost digits."""
    high, low = _celu_exponent(xp, z, alpha)
    risen = xp.expm1(high)
    found = alpha * xp.where((low == 0) | (risen == xp.inf), risen, risen + (risen + 1.0) * low)
    found = xp.where(risen == xp.inf, _grown(xp, alpha, high, low), found)
    return xp.where((z > 0) | (xp.absolute(high) < _TINY), z, found)


def _grown(xp: Any, factor: Any, high: Any, low: Any) -> Any:
    """factor * e^(high + low), where the power by itself may overflow."""
    root = xp.exp(0.5 * high)
    return factor * root * root * (1.0 + xp.where(high > 1500.0, 0.0, low))


_TINY = 1e-20


def _celu_slope(xp: Any, z: Any, alpha: Any) -> Any:
    return xp.where(z > 0, 1.0, grows(xp, *_celu_exponent(xp, z, alpha)))


def _celu_curvature(xp: Any, z: Any, alpha: Any) -> Any:
    high, low = _celu_exponent(xp, z, alpha)
    found = _falls_over(xp, alpha, -high, -low) if alpha > 0 else _grown(xp, 1.0 / alpha, high, low)
    return xp.where(z > 0, 0.0, found)


def _falls_over(xp: Any, alpha: Any, size: Any, low: Any) -> Any:
    """e^-(size + low) / alpha for alpha > 0, whose inverse may overflow."""
    unit = _UNIT if alpha < _UNIT else 1.0
    near = decays(xp, unit / alpha, size, low) / unit
    halfway = decays(xp, unit / alpha, 0.5 * size, 0.5 * low) / unit
    return xp.where((size < 100.0) | (unit == 1.0), near, decays(xp, halfway, 0.5 * size, 0.5 * low))


def _celu_by_alpha(xp: Any, z: Any, alpha: Any) -> Any:
    """e^q (1 - q) - 1 with q = z / alpha; near 0 as -e^q q^2 (1/2! - q/3! + q^2/4! - ...)."""
    high, low = _celu_exponent(xp, z, alpha)
    power = grows(xp, high, low)
    far = xp.where(power == 0, 0.0, power * ((1.0 - high) - low)) - 1.0
    q = xp.maximum(xp.minimum(high, 1.0), -2.0)
    near = -xp.exp(q) * q * (q * polynomial(_INVERSE_FACTORIALS, -q) + low)
    return xp.where(z >= 0, 0.0, xp.where((high < 1.0) & (high > -2.0), near, far))


#: 1 / (k + 2)!
_INVERSE_FACTORIALS = (
    0.5, 0.16666666666666666, 0.041666666666666664, 0.008333333333333333, 0.001388888888888889,
    0.0001984126984126984, 2.48015873015873e-05, 2.7557319223985893e-06, 2.755731922398589e-07,
    2.505210838544172e-08, 2.08767569878681e-09, 1.6059043836821613e-10, 1.1470745597729725e-11,
    7.647163731819816e-13, 4.779477332387385e-14, 2.8114572543455206e-15, 1.5619206968586225e-16,
    8.22063524662433e-18, 4.110317623312165e-19, 1.9572941063391263e-20, 8.896791392450574e-22,
    3.868170170630684e-23, 1.6117375710961184e-24,
)  # fmt: skip


def _selu(xp: Any, z: Any) -> Any:
    return xp.where(z > 0, _SCALE * z, _SCALED_ALPHA * xp.expm1(_below(xp, z)))


_SCALE = 1.0507009873554804934193349852946
_SCALED_ALPHA = 1.7580993408473768599402175208123  # alpha times the scale, to all digits


ENTRIES = (
    Elementwise(
        name="relu_general",
        title="Rectified linear unit with slope, bound and threshold",
        image="[0, max_value], and below 0 with a negative_slope",
        params=(
            Param("negative_slope", 0.0, "slope up to the threshold", derivative=_general_by_slope),
            Param(
                "max_value",
                None,
                "largest value, or none",
                derivative=_general_by_largest,
                one_sided=(_general_by_largest, _general_by_largest_right),
                jumps=_general_jumps_at_largest,
                kinks=(
                    KinkText(
                        "max_value = z, in max_value (the value jumps where z does not pass)",
                        left="1",
                        right="0",
                        default="1",
                    ),
                ),
            ),
            Param(
                "threshold",
                0.0,
                "where z begins to pass",
                derivative=_general_by_threshold,
                one_sided=(_general_by_threshold_left, _general_by_threshold),
                jumps=_general_jumps_at_threshold,
                kinks=(
                    KinkText(
                        "threshold = z, in threshold (the value jumps unless z = 0)",
                        "0",
                        "-negative_slope",
                        "-negative_slope",
                    ),
                ),
            ),
        ),
        formula="max_value if z >= max_value else z if z > threshold else negative_slope * (z - threshold)",
        derivative_formula="0 if z >= max_value else 1 if z > threshold else negative_slope",
        value=_general,
        derivative=_general_slope,
        second=_flat,
        kinks=(
            Kink(_general_corner, lambda s, m, t: s, lambda s, m, t: 1.0, "left", when="z = threshold"),
            Kink(
                _general_jump,
                lambda s, m, t: s,
                lambda s, m, t: 1.0,
                "left",
                when="z = threshold, where it is not 0",
                jump=True,
            ),
            Kink(_general_top, lambda s, m, t: 1.0, lambda s, m, t: 0.0, "right", when="z = max_value"),
            Kink(
                _general_drop,
                lambda s, m, t: s,
                lambda s, m, t: 0.0,
                "right",
                when="z = max_value, where the threshold is no less",
                jump=True,
            ),
        ),
        libraries={"Keras": "relu(negative_slope, max_value, threshold)"},
        notes=(
            "without max_value the first condition is never met",
            "the value jumps at a threshold that is not 0",
            "at max_value Keras on JAX has the slope 1/2 (--kink midpoint)",
        ),
        source="Keras",
    ),
    Elementwise(
        name="rrelu",
        title="Randomized leaky rectified linear unit, in evaluation",
        image="(-inf, inf) for slopes above 0",
        params=(
            Param("lower", 1 / 8, "least slope where z < 0", derivative=_half_below, at_most="upper"),
            Param("upper", 1 / 3, "largest slope where z < 0", derivative=_half_below),
        ),
        formula="z if z > 0 else (lower + upper) / 2 * z",
        derivative_formula="1 if z > 0 else (lower + upper) / 2",
        value=_leaky,
        derivative=lambda xp, z, lower, upper: xp.where(z > 0, 1.0, constant(xp, _leaky_slope(lower, upper), z)),
        second=_flat,
        kinks=(Kink(lambda a, b: 0.0, _leaky_slope, lambda a, b: 1.0, "left", when="z = 0"),),
        libraries={"PyTorch": "F.rrelu(lower, upper)"},
        notes=("in training the slope is drawn between lower and upper; this is the mean that evaluation takes",),
        source="Xu, Wang, Chen & Li 2015",
    ),
    Elementwise(
        name="threshold",
        aliases=("thresholded_relu",),
        title="Threshold",
        image="value, and (theta, inf)",
        params=(
            Param("theta", 0.0, "where z begins to pass", aliases=("threshold", "alpha")),
            Param(
                "value",
                0.0,
                "value up to there",
                aliases=("default_value",),
                derivative=lambda xp, z, theta, value: xp.where(z > theta, 0.0, constant(xp, 1.0, z)),
            ),
        ),
        formula="z if z > theta else value",
        derivative_formula="1 if z > theta else 0",
        value=lambda xp, z, theta, value: xp.where(z > theta, z, constant(xp, value, z)),
        derivative=lambda xp, z, theta, value: xp.where(z > theta, 1.0, constant(xp, 0.0, z)),
        second=_flat,
        kinks=(
            Kink(_threshold_corner, lambda t, v: 0.0, lambda t, v: 1.0, "left", when="z = theta"),
            Kink(
                _threshold_jump,
                lambda t, v: 0.0,
                lambda t, v: 1.0,
                "left",
                when="z = theta, where value is another",
                jump=True,
            ),
        ),
        libraries={
            "PyTorch": "F.threshold(threshold, value)",
            "Keras": "threshold(threshold, default_value)",
            "ONNX": "ThresholdedRelu(alpha)",
        },
        notes=(
            "ONNX' ThresholdedRelu has theta = 1",
            "the value jumps at theta unless it is theta there; of NaN Keras on JAX makes value",
        ),
        source="Konda, Memisevic & Krueger 2014; PyTorch",
    ),
    Elementwise(
        name="elu",
        title="Exponential linear unit",
        image="(-alpha, inf)",
        params=(
            Param(
                "alpha",
                1.0,
                "minus the limit at -inf",
                derivative=lambda xp, z, alpha: xp.where(z > 0, 0.0, xp.expm1(_below(xp, z))),
            ),
        ),
        formula="z if z > 0 else alpha * (exp(z) - 1)",
        derivative_formula="1 if z > 0 else alpha * exp(z)",
        value=_elu,
        derivative=_elu_slope,
        second=_elu_curvature,
        kinks=(Kink(lambda alpha: 0.0, lambda alpha: alpha, lambda alpha: 1.0, "left", when="z = 0"),),
        libraries={"PyTorch": "F.elu(alpha)", "JAX": "nn.elu(alpha)", "Keras": "elu(alpha)", "ONNX": "Elu(alpha)"},
        notes=(
            "JAX computes the slope as expm1(z) + 1, which has no digits left below -37",
            "at NaN PyTorch has the slope 1",
        ),
        source="Clevert, Unterthiner & Hochreiter 2015",
    ),
    Elementwise(
        name="celu",
        title="Continuously differentiable exponential linear unit",
        image="(-alpha, inf)",
        params=(
            Param(
                "alpha",
                1.0,
                "minus the limit at -inf",
                NOT_ZERO,
                derivative=_celu_by_alpha,
            ),
        ),
        formula="z if z > 0 else alpha * (exp(z / alpha) - 1)",
        derivative_formula="1 if z > 0 else exp(z / alpha)",
        value=_celu,
        derivative=_celu_slope,
        second=_celu_curvature,
        libraries={"PyTorch": "F.celu(alpha)", "JAX": "nn.celu(alpha)", "Keras": "celu(alpha)", "ONNX": "Celu(alpha)"},
        notes=(
            "its slope is 1 from both sides at 0 for every alpha; elu's is alpha",
            "PyTorch takes 1 / alpha in single precision",
        ),
        source="Barron 2017",
    ),
    Elementwise(
        name="selu",
        title="Scaled exponential linear unit",
        image="(-1.75810, inf)",
        formula="1.0507009873554804934193 * (z if z > 0 else 1.6732632423543772848170 * (exp(z) - 1))",
        derivative_formula="1.0507009873554804934193 if z > 0 else 1.7580993408473768599402 * exp(z)",
        value=_selu,
        derivative=lambda xp, z: xp.where(z > 0, _SCALE, decays(xp, _SCALED_ALPHA, -_below(xp, z))),
        second=lambda xp, z: xp.where(z > 0, 0.0, decays(xp, _SCALED_ALPHA, -_below(xp, z))),
        kinks=(Kink(lambda: 0.0, lambda: _SCALED_ALPHA, lambda: _SCALE, "left", when="z = 0"),),
        libraries={"PyTorch": "F.selu", "JAX": "nn.selu", "Keras": "selu", "ONNX": "Selu(alpha, gamma)"},
        notes=("tinygrad has 1.67326 and 1.0507, ONNX both numbers in single precision",),
        source="Klambauer, Unterthiner, Mayr & Hochreiter 2017",
    ),
)
