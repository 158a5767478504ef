"""References of the relative errors."""

from __future__ import annotations

from typing import Any

from mpmath import sign

from references.elementary import log
from references.reference import Reference


def _mape_by_target(x: Any, y: Any, eps: Any) -> Any:
    if abs(y) > eps:
        return -100 * sign(x - y) * sign(y) * x / y**2
    return -100 * sign(x - y) / eps


def _clipped(x: Any, clip: Any) -> Any:
    return x if clip is None else max(x, clip)


def _counts(x: Any, clip: Any) -> int:
    return 1 if clip is None or x >= clip else 0


def _error(x: Any, y: Any, offset: Any, clip: Any) -> Any:
    return log((offset + _clipped(x, clip)) / (offset + _clipped(y, clip)))


def _slope(x: Any, y: Any, offset: Any, clip: Any) -> Any:
    return 2 * _error(x, y, offset, clip) / (offset + x) if _counts(x, clip) else 0


def _second(x: Any, y: Any, offset: Any, clip: Any) -> tuple[Any, Any]:
    if not _counts(x, clip):
        return 0, 0
    return 2 / (offset + x) ** 2, -2 * _error(x, y, offset, clip) / (offset + x) ** 2


def _by_offset(x: Any, y: Any, offset: Any, clip: Any) -> Any:
    above, below = offset + _clipped(x, clip), offset + _clipped(y, clip)
    return -2 * log(above / below) * (above - below) / (above * below)


REFERENCES = {
    "mape": Reference(
        value=lambda x, y, eps: 100 * abs(x - y) / max(abs(y), eps),
        derivative=lambda x, y, eps: 100 * sign(x - y) / max(abs(y), eps),
        second=lambda x, y, eps: 0,
        by_target=_mape_by_target,
        by_parameter={"eps": lambda x, y, eps: -100 * abs(x - y) / eps**2 if abs(y) < eps else 0},
        parameters=({}, {"eps": 0.5}),
        hard=(
            ({"eps": 572.373578810109}, (-8.900000000000001e307, -0.425085795241804)),
            ({"eps": 1.1453644278454689e79}, (-3.134068874837841e304, 1.7976931348623155e308)),
            ({"eps": 5e-324}, (-1e-323, -1e-323)),
            ({"eps": 9.083255506569573e305}, (1e300, -2371.4820908714496)),
        ),
    ),
    "msle": Reference(
        value=lambda x, y, offset, clip: _error(x, y, offset, clip) ** 2,
        derivative=_slope,
        second=_second,
        by_target=lambda x, y, offset, clip: _slope(y, x, offset, clip),
        by_parameter={"offset": _by_offset},
        parameters=({}, {"offset": 0.3}, {"clip": 1e-7}, {"offset": 2.0, "clip": 0.01}),
        hard=(
            ({"offset": 0.02388256263666542}, (-5.0387927e-317, -7.932592e-317)),
            ({"offset": 1.7976931348623157e308}, (4.830943681759051e307, -3.975843132391749e-301)),
            ({"offset": 1e-154}, (2.225073858507201e-308, 2.2250738585072004e-308)),
            ({"offset": 1e16, "clip": 0.9999999999999999}, (1.1804612887733015, -0.9999999999999999)),
        ),
    ),
}
