"""Arrays of decimal numbers of many digits, for losses of batches and sequences, whose terms cancel too far for floats.

Decimals have exponents without end, so that no product of probabilities underflows. NumPy's arrays of objects hold
them, and its sums, products and matrix products work as they are.
"""

from __future__ import annotations

import decimal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import wraps
from typing import Any

#: Digits for sums and products of a few terms: three times those of a float, and some.
ENOUGH = 60

#: Beyond this there is nothing left to settle: the exponents of floats span 630 digits, of products twice as many.
_MOST = 5000

ZERO, ONE = Decimal(0), Decimal(1)


@contextmanager
def digits(count: int) -> Iterator[None]:
    """Arithmetic with so many digits, in which what has no result is NaN."""
    ours = decimal.Context(prec=count, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])
    with decimal.localcontext(ours):
        yield


def exactly(np: Any, x: Any) -> Any:
    """Floats as the decimals they are."""
    return _each(np, Decimal, np.asarray(x, dtype=float))


def rounded(np: Any, x: Any) -> Any:
    """The nearest floats; infinities for what is beyond them."""
    return _each(np, float, x).astype(float)


def settled(np: Any, compute: Callable[[], Any], least: int = ENOUGH) -> Any:
    """The floats of a computation, done with more and more digits until they no longer change.

    `least` are the digits to begin with: with too few, what is lost twice in the same way would seem settled.
    """
    found, count = None, least
    while count < _MOST:
        with digits(count):
            last, found = found, rounded(np, compute())
        if last is not None and _agree(np, last, found):
            break
        count *= 2
    return found


def span(np: Any, *arrays: Any) -> int:
    """Digits that hold products of the largest and the smallest of some floats beside 1, with enough to spare."""
    sizes = np.concatenate([np.absolute(np.asarray(array, dtype=float)).ravel() for array in (*arrays, 1.0)])
    exponents = np.log10(sizes[(sizes > 0) & np.isfinite(sizes)])
    return ENOUGH + 2 * int(exponents.max() - exponents.min())


def in_rows(np: Any, hard: Any, found: Any, compute: Callable[..., Any], *arrays: Any) -> Any:
    """`found`, its hard rows (along the last axis) worked out anew: compute(rows of the arrays, as decimals)."""
    if not hard.any():
        return found
    found, arrays = np.array(found, dtype=float), tuple(np.asarray(array, dtype=float) for array in arrays)
    wide = [np.broadcast_to(array, np.broadcast_shapes(array.shape, (*hard.shape, 1))) for array in arrays]
    for place in map(tuple, np.argwhere(hard).tolist()):
        found[place] = _of_row(np, compute, [array[place] for array in wide])
    return found


def _of_row(np: Any, compute: Callable[..., Any], rows: list[Any]) -> Any:
    decimals = [exactly(np, row) for row in rows]
    return settled(np, lambda: compute(*decimals), span(np, *rows))


def _agree(np: Any, last: Any, found: Any) -> bool:
    """Whether both are the same but for a rounding of their largest entry."""
    known = np.isfinite(found)
    if not ((known == np.isfinite(last)).all() and np.array_equal(last[~known], found[~known], equal_nan=True)):
        return False
    largest = np.absolute(found[known]).max(initial=0.0)
    return bool((np.absolute(last[known] - found[known]) <= 1e-16 * largest).all())


def kept(compute: Callable[..., Any]) -> Callable[..., Any]:
    """A function (np, array, labels, numbers...) that keeps its last answer: value and slopes are asked for in turn."""
    last: dict[Any, Any] = {}

    @wraps(compute)
    def answer(np: Any, x: Any, labels: Any, *numbers: Any) -> Any:
        key = (x.shape, x.tobytes(), labels.tobytes(), numbers)
        if key not in last:
            last.clear()
            last[key] = compute(np, x, labels, *numbers)
        return last[key]

    return answer


def exp(np: Any, x: Any) -> Any:
    """e^x."""
    return _each(np, Decimal.exp, x)


def log(np: Any, x: Any) -> Any:
    """The natural logarithm; -infinity of 0."""
    return _each(np, Decimal.ln, x)


def log1p(np: Any, x: Any) -> Any:
    """log(1 + x), also for the smallest x."""
    return _each(np, _log1p, x)


def sqrt(np: Any, x: Any) -> Any:
    """The square root."""
    return _each(np, Decimal.sqrt, x)


def log_sum(np: Any, x: Any, among: Any) -> Any:
    """log(sum e^x) over the last axis, among the entries of a mask; -infinity of none."""
    kept = np.where(among, x, Decimal("-Infinity"))
    largest = kept.max(axis=-1)
    shift = np.where(largest == Decimal("-Infinity"), ZERO, largest)
    return shift + log(np, np.where(among, exp(np, kept - shift[..., None]), ZERO).sum(axis=-1))


def _log1p(x: Decimal) -> Decimal:
    context = decimal.getcontext()
    if not x or not x.is_finite():
        return (1 + x).ln()
    below = max(0, -x.adjusted())  # digits that the sum with 1 would lose
    if below > context.prec:
        return x - x * x / 2
    with decimal.localcontext() as more:
        more.prec += below
        found = (1 + x).ln()
    return +found


def _each(np: Any, function: Callable[..., Any], x: Any) -> Any:
    """A function of one number for each entry, as an array also where there is but one."""
    found = np.empty(np.shape(x), dtype=object)
    found[...] = np.frompyfunc(function, 1, 1)(x)
    return found
