"""References of the overlaps, by their definitions."""

from __future__ import annotations

from typing import Any

from mpmath import mp, mpf, sqrt

from references.reference import Reference

_NAN = mpf("nan")
_EXACT = 1400  # digits: what is left of parallel vectors is nothing


def _dot(x: Any, y: Any) -> Any:
    return sum((a * t for a, t in zip(x, y, strict=True)), mpf(0))


def _length(x: Any, eps: Any) -> Any:
    return max(sqrt(_dot(x, x)), eps)


def _terms(x: Any, y: Any, eps: Any) -> tuple[Any, ...]:
    lengths = _length(x, eps) * _length(y, eps)
    return tuple(a * t / lengths for a, t in zip(x, y, strict=True)) if lengths else (_NAN,)


def _similarity_gradient(x: Any, y: Any, eps: Any) -> list[Any]:
    if not _length(x, eps) * _length(y, eps):
        return [_NAN] * len(x)
    lengths = _length(x, eps) * _length(y, eps)
    square = _dot(x, x)
    if square < eps**2:
        return [t / lengths for t in y]
    with mp.workdps(_EXACT):
        share = _dot(x, y) / _dot(x, x)
        across = [t - a * share for a, t in zip(x, y, strict=True)]
    return [part / lengths for part in across]


def _tversky(x: Any, y: Any, alpha: Any, beta: Any, smooth: Any) -> tuple[Any, Any, Any, Any]:
    ones = [mpf(1)] * len(x)
    false_positives, false_negatives = _dot(x, ones) - _dot(x, y), _dot(y, ones) - _dot(x, y)
    return alpha * false_positives + beta * false_negatives, _dot(x, y) + smooth, false_positives, false_negatives


def _fraction(missed: Any, kept: Any) -> Any:
    return missed / (missed + kept) if missed + kept else _NAN


def _tversky_gradient(x: Any, y: Any, alpha: Any, beta: Any, smooth: Any) -> list[Any]:
    missed, kept, _, _ = _tversky(x, y, alpha, beta, smooth)
    if not missed + kept:
        return [_NAN] * len(x)
    whole = (missed + kept) ** 2
    return [(alpha * (1 - t) * kept / whole, -beta * t * kept / whole, -missed * t / whole) for t in y]


def _over_square(part: Any, missed: Any, kept: Any) -> Any:
    return part / (missed + kept) ** 2 if missed + kept else _NAN


def _by_weight(which: int) -> Any:
    def formula(x: Any, y: Any, *parameters: Any) -> Any:
        found = _tversky(x, y, *parameters)
        return _over_square(found[which] * found[1], found[0], found[1])

    return formula


def _by_smooth(x: Any, y: Any, *parameters: Any) -> Any:
    missed, kept, _, _ = _tversky(x, y, *parameters)
    return _over_square(-missed, missed, kept)


def _dice(x: Any, y: Any, smooth: Any, squared: bool) -> tuple[Any, Any]:
    """What is missed and what is kept."""
    whole = _dot(x, x) + _dot(y, y) if squared else sum(x) + sum(y)
    return whole - 2 * _dot(x, y), 2 * _dot(x, y) + smooth


def _dice_terms(x: Any, y: Any, smooth: Any, squared: bool) -> Any:
    missed, kept = _dice(x, y, smooth, squared)
    if not missed + kept:
        return _NAN
    if squared:
        return missed / (missed + kept)
    return tuple(term / (missed + kept) for a, t in zip(x, y, strict=True) for term in (a * (1 - t), t * (1 - a)))


def _dice_gradient(x: Any, y: Any, smooth: Any, squared: bool) -> list[Any]:
    missed, kept = _dice(x, y, smooth, squared)
    if not missed + kept:
        return [_NAN] * len(x)
    whole = (missed + kept) ** 2
    if squared:
        return [(2 * (a - t) * kept / whole, -2 * t * missed / whole) for a, t in zip(x, y, strict=True)]
    return [(kept / whole, -2 * t * kept / whole, -2 * t * missed / whole) for t in y]


def _dice_by_smooth(x: Any, y: Any, smooth: Any, squared: bool) -> Any:
    missed, kept = _dice(x, y, smooth, squared)
    if squared or not missed + kept:
        return _over_square(-missed, missed, kept)
    whole = (missed + kept) ** 2
    return tuple(-term / whole for a, t in zip(x, y, strict=True) for term in (a * (1 - t), t * (1 - a)))


REFERENCES = {
    "cosine_similarity": Reference(
        value=_terms,
        derivative=_similarity_gradient,
        by_target=lambda x, y, eps: _similarity_gradient(y, x, eps),
        parameters=({}, {"eps": 1e-8}),
        hard=(
            (
                {"eps": 1.875067176360581e-308},
                ([0.0, 0.0, 0.0], [-2.7975615579095006e298, -1.8750671763605806e-308, 1e-310]),
            ),
            ({"eps": 10.999999999999998}, ([-2.618926675334961e-101], [10.999999999999996])),
        ),
    ),
    "cosine_distance": Reference(
        value=lambda x, y, eps: 1 - sum(_terms(x, y, eps)),
        derivative=lambda x, y, eps: [-slope for slope in _similarity_gradient(x, y, eps)],
        by_target=lambda x, y, eps: [-slope for slope in _similarity_gradient(y, x, eps)],
        parameters=({}, {"eps": 1e-8}),
        hard=(
            ({"eps": 1e-310}, ([0.0, 0.0, 0.0], [2.3411353187576163e284, -5e-324, 5.795515012722964e21])),
            ({}, ([-1.1720926893158638e-292, -12.164964535137898], [-1.1720926893158633e-292, -12.164964535137896])),
        ),
    ),
    "tversky": Reference(
        value=lambda x, y, *parameters: _fraction(*_tversky(x, y, *parameters)[:2]),
        derivative=_tversky_gradient,
        by_target=lambda x, y, alpha, beta, smooth: _tversky_gradient(y, x, beta, alpha, smooth),
        by_parameter={"alpha": _by_weight(2), "beta": _by_weight(3), "smooth": _by_smooth},
        parameters=({}, {"alpha": 0.3, "beta": 0.7}, {"smooth": 1.0}),
        hard=(
            (
                {"alpha": 0.860242028003852, "beta": 548.8879437096717},
                (
                    [0.17228565067479518, 0.8708461928221555, 0.8918612307885756],
                    [0.0, 0.8708461928221554, 0.04515192649467825],
                ),
            ),
            ({"beta": 5e-324}, ([5e-324, 5e-324, 5e-324], [1.0, 0.0, 0.0])),
            ({"alpha": 4.984369105291404, "beta": 1e300}, ([1.0], [1.0])),
            ({"alpha": 1e-300, "beta": 4.1937008992597e166, "smooth": 0.5}, ([1.0] * 4, [0.0, 0.0, 1.0, 0.0])),
            ({"alpha": 4.27496422546254e-310}, ([0.107, 0.5, 0.093], [0.0, 0.0, 0.0])),
            ({}, ([5e-324], [5e-324])),
            ({}, ([5.796443469469973e-216], [2.342229615416986e-216])),
            (
                {"alpha": 4.6710587889387045e-263, "beta": 1.5222705662222817e304},
                (
                    [0.670707145885757, 0.9999999999896203, 0.9999999999999999],
                    [5.6038272060431364e-152, 0.9985164903906364, 4.947939283572601e-63],
                ),
            ),
        ),
    ),
    "dice": Reference(
        value=_dice_terms,
        derivative=_dice_gradient,
        by_target=lambda x, y, smooth, squared: _dice_gradient(y, x, smooth, squared),
        by_parameter={"smooth": _dice_by_smooth},
        parameters=({}, {"smooth": 1.0}, {"smooth": 1.0, "squared": True}),
        hard=(
            ({}, ([2e-323], [6e-323])),
            (
                {"squared": True},
                ([7.565802533653806e-276, 9.332973117003474e-277], [2.5726745423304635e-234, 4.5650936643948435e-205]),
            ),
            ({}, ([1.7976931348623155e308, 4.137033756169003], [1.7976931348623157e308, 4.137033756169002])),
            (
                {"smooth": 3.244239197159557e-05, "squared": True},
                ([1.0843758132235397e-234, 1.3429435859066646e-234], [5.926457686310485e-164, 1.5e-323]),
            ),
        ),
    ),
}
