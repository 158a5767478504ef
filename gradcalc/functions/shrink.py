"""Functions that draw small inputs to 0: tanhshrink, softshrink, hardshrink."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import NOT_NEGATIVE, Elementwise, Kink, KinkText, Param
from gradcalc.numerics.careful import constant
from gradcalc.numerics.doubled import added, over
from gradcalc.numerics.normal import polynomial
from gradcalc.numerics.split import decays

_NAN = float("nan")

#: (x cosh x - sinh x) / x^3 by powers of x^2: 2 k / (2k + 1)! from k = 1 on.
_SERIES = (
    0.3333333333333333, 0.03333333333333333, 0.0011904761904761906, 2.2045855379188714e-05,
    2.505210838544172e-07, 1.9270852604185937e-09, 1.0706029224547743e-11, 4.498331606952833e-14,
    1.4797143443923793e-16, 3.9145882126782523e-19,
)  # fmt: skip
#: cosh x by powers of x^2.
_COSH = (
    1.0, 0.5, 0.041666666666666664, 0.001388888888888889, 2.48015873015873e-05, 2.755731922398589e-07,
    2.08767569878681e-09, 1.1470745597729725e-11, 4.779477332387385e-14, 1.5619206968586225e-16,
    4.110317623312165e-19, 8.896791392450574e-22, 1.6117375710961184e-24,
)  # fmt: skip
_NEAR = 1.2


def _tanhshrink(xp: Any, z: Any) -> Any:
    """x - tanh x, where x is small as (x cosh x - sinh x) / cosh x with a series that has no cancellation."""
    x = xp.where(xp.absolute(z) < _NEAR, z, 0.0)
    square = x * x
    near = x * (square * polynomial(_SERIES, square)) / polynomial(_COSH, square)
    return xp.where(xp.absolute(z) < _NEAR, near, z - xp.tanh(z))


def _tanhshrink_slope(xp: Any, z: Any) -> Any:
    """tanh^2, of tanh |z| = e / (2 - e) with e = 1 - e^-2|z|."""
    e = -xp.expm1(-2.0 * xp.absolute(z))
    high, low = over(xp, (e, 0.0), added(xp, 2.0, -e))
    return high * high + 2.0 * high * low


def _tanhshrink_curvature(xp: Any, z: Any) -> Any:
    """2 tanh tanh' = 8 tanh t / (1 + t)^2 with t = e^-2|z|."""
    size = 2.0 * xp.absolute(z)
    t = xp.exp(-size)
    return decays(xp, 8.0 * xp.tanh(z) / (1.0 + t * (2.0 + t)), size)


def _shrunk(xp: Any, z: Any, k: Any, found: Any) -> Any:
    """What was found where |z| > k, else 0; for k = 0 nothing is drawn to 0."""
    return xp.where((xp.absolute(z) > k) | (k == 0), found, constant(xp, 0.0, z))


def _outside(xp: Any, z: Any, k: Any) -> Any:
    return _shrunk(xp, z, k, constant(xp, 1.0, z))


def _edge(sign: float, *, jump: bool) -> Kink:
    """The kink at -k or k; there is none for k = 0."""
    return Kink(
        at=lambda k: sign * k if k > 0 else _NAN,
        left=lambda k: 1.0 if sign < 0 else 0.0,
        right=lambda k: 0.0 if sign < 0 else 1.0,
        default="zero",
        when="z = -lambd" if sign < 0 else "z = lambd",
        jump=jump,
    )


def _softshrink(xp: Any, z: Any, k: Any) -> Any:
    return _shrunk(xp, z, k, xp.where(z > 0, z - k, z + k))


def _by_threshold(xp: Any, z: Any, k: Any) -> Any:
    """The slope where |z| > k, also from the right where they are equal."""
    return xp.where(z > k, -1.0, xp.where(z < -k, 1.0, constant(xp, 0.0, z)))


def _by_threshold_left(xp: Any, z: Any, k: Any) -> Any:
    away = xp.where(z > 0, -1.0, xp.where(z < 0, 1.0, z))
    return xp.where(xp.absolute(z) >= k, away, constant(xp, 0.0, z))


ENTRIES = (
    Elementwise(
        name="tanhshrink",
        title="z minus its tanh",
        image="(-inf, inf)",
        formula="z - tanh(z)",
        derivative_formula="tanh(z)^2",
        value=_tanhshrink,
        derivative=_tanhshrink_slope,
        second=_tanhshrink_curvature,
        libraries={"PyTorch": "F.tanhshrink", "Keras": "tanh_shrink"},
        notes=("PyTorch and Keras subtract, which leaves 8 digits at 1e-4 and none at 1e-8",),
        source="PyTorch tanhshrink",
    ),
    Elementwise(
        name="softshrink",
        title="Soft shrinkage",
        image="(-inf, inf)",
        params=(
            Param(
                "lambd",
                0.5,
                "what is drawn to 0",
                NOT_NEGATIVE,
                aliases=("threshold",),
                derivative=_by_threshold,
                one_sided=(_by_threshold_left, _by_threshold),
                kinks=(KinkText("lambd = |z| above 0, in lambd", left="-1 for z > 0, else 1", right="0", default="0"),),
            ),
        ),
        formula="z - lambd if z > lambd else z + lambd if z < -lambd else 0",
        derivative_formula="1 if abs(z) > lambd else 0",
        value=_softshrink,
        derivative=_outside,
        second=lambda xp, z, k: constant(xp, 0.0, z),
        kinks=(_edge(-1.0, jump=False), _edge(1.0, jump=False)),
        libraries={"PyTorch": "F.softshrink(lambd)", "Keras": "soft_shrink(threshold)", "ONNX": "Shrink(bias=lambd)"},
        notes=("of NaN Keras on JAX makes 0",),
        source="Donoho & Johnstone 1994",
    ),
    Elementwise(
        name="hardshrink",
        title="Hard shrinkage",
        image="0, and what is beyond -lambd and lambd",
        params=(Param("lambd", 0.5, "what is drawn to 0", NOT_NEGATIVE, aliases=("threshold",)),),
        formula="z if abs(z) > lambd else 0",
        derivative_formula="1 if abs(z) > lambd else 0",
        value=lambda xp, z, k: _shrunk(xp, z, k, z),
        derivative=_outside,
        second=lambda xp, z, k: constant(xp, 0.0, z),
        kinks=(_edge(-1.0, jump=True), _edge(1.0, jump=True)),
        libraries={"PyTorch": "F.hardshrink(lambd)", "Keras": "hard_shrink(threshold)", "ONNX": "Shrink(lambd)"},
        notes=("the value jumps at -lambd and lambd", "of NaN Keras on JAX makes 0"),
        source="Donoho & Johnstone 1994",
    ),
)
