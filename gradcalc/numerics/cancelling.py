"""What is left where two terms cancel: worked out anew for the few entries for which floats are too short.

Of arrays in sums of two floats first; in decimals what these do not settle, and single numbers. Where the number
system is one that does not round, what was found is right as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from gradcalc.numerics.doubled import Pair

Kernel = Callable[..., Any]

#: Digits to work with until there are enough of them; the last hold sums and products of any floats.
_DIGITS = (30, 110, 800)

_KNOWN = 20  # digits that a result is to have


def anew(found: Any, hard: Any, in_pairs: Kernel | None, in_decimals: Kernel, *inputs: Any) -> Any:
    """`found`, but where `hard` what the kernels make of the inputs; each is a number or an array like `found`.

    The one in pairs takes arrays, and gives the results and which of them it is sure of; the one in decimals gives
    the result and the size of the terms that make it up.
    """
    if isinstance(found, float):
        return _computed(in_decimals, inputs) if hard else found
    if not hasattr(found, "shape") or not hard.any():
        return found
    import numpy as np

    found = np.array(found)
    columns = [np.broadcast_to(entries, found.shape)[hard] for entries in inputs]
    found[hard] = _in_pieces(np, in_pairs, in_decimals, columns)
    return found


_PIECE = 1 << 13  # entries, whose many intermediate results stay in the processor's cache


def _in_pieces(np: Any, in_pairs: Kernel | None, in_decimals: Kernel, columns: list[Any]) -> Any:
    if in_pairs is None:
        return [_computed(in_decimals, entries) for entries in zip(*(c.tolist() for c in columns), strict=True)]
    pieces = [
        _settled(np, in_pairs, in_decimals, [column[i : i + _PIECE] for column in columns])
        for i in range(0, len(columns[0]), _PIECE)
    ]
    return np.concatenate(pieces)


def _settled(np: Any, in_pairs: Kernel, in_decimals: Kernel, columns: list[Any]) -> Any:
    found, sure = in_pairs(*columns)
    for i in np.flatnonzero(~sure).tolist():
        found[i] = _computed(in_decimals, [column[i] for column in columns])
    return found


def _computed(compute: Kernel, inputs: Any) -> float:
    from decimal import Decimal

    from gradcalc.numerics.digits import digits

    decimals, found = [Decimal(float(number)) for number in inputs], Decimal(0)
    for count in _DIGITS:
        with digits(count):
            found, size = compute(*decimals)
            if abs(found) > size.scaleb(_KNOWN - count):
                break
    return float(found)


def fallen(r: Any) -> Any:
    """1 - e^-r of a decimal r >= 0, with all its digits also where r is small."""
    if r > _SMALL:
        return 1 - (-r).exp()
    found, term, k = r, -r * r / 2, 2
    while found + term != found:
        found, term, k = found + term, -term * r / (k + 1), k + 1
    return found


_SMALL = 0.01


def fallen_pair(np: Any, r: Any) -> Pair:
    """1 - e^-r for an array of 0 <= r <= FARTHEST, to some 73 bits: e^-r is e^-p e^-q, with p from a table."""
    from gradcalc.numerics import arrays, doubled
    from gradcalc.numerics.vectors import product_error, two_sum

    place = np.rint(r * _STEPS)
    q = r - place / _STEPS
    square = q * q
    rest = q * square * (1 / 6 - q * (1 / 24 - q * (1 / 120 - q * (1 / 720 - q * (1 / 5040 - q / 40320)))))
    high, low = two_sum(q, -0.5 * square)
    near = high, low + (rest - 0.5 * product_error(q, q, square))  # 1 - e^-q
    fall, left = _table(np)
    index = place.astype(int)
    beyond = doubled.times(arrays, (left[0][index], left[1][index]), near)
    return doubled.plus(arrays, (fall[0][index], fall[1][index]), beyond)


FARTHEST = 16.0
_STEPS = 32


@cache
def _table(np: Any) -> tuple[Pair, Pair]:
    """1 - e^-p and e^-p at the steps p."""
    from gradcalc.numerics import arrays, doubled

    left = doubled.decay(arrays, np.arange(FARTHEST * _STEPS + 1) / _STEPS)
    return doubled.minus(arrays, (1.0, 0.0), left), left
