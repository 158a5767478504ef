"""Functions of a whole vector, on NumPy arrays whose last axis is the vector: sums, extremes, norms and softmax.

Derivatives by several entries at once lie along an axis before the last, one row for each direction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcalc.errors import InputError
from gradcalc.formula import arrays, series
from gradcalc.formula.evaluate import evaluate
from gradcalc.formula.limits import PAIRS, TIED
from gradcalc.formula.parse import parse
from gradcalc.formula.series import Series


def counted(n: float) -> float:
    """A number of entries, which must be whole."""
    if not n.is_integer() or n < 1:
        raise InputError("this formula takes halves of its input, which must have an even number of entries")
    return n


def check_pairs(n: float, axes: int) -> None:
    """Sums over several indices look at every pair, or triple, of entries."""
    if n**axes > PAIRS:
        raise InputError(
            f"the formula's indices take {n:.0f} entries to {n**axes:.3g} combinations, of which there may be {PAIRS}"
        )


def check_tied(n: float, indices: int) -> None:
    """At a tie the derivative by each entry takes a look at all pairs, or triples."""
    if indices and n ** (1 + indices) > TIED:
        raise InputError(
            f"entries of the input tie, where the formula's indices would take the derivatives by {n:.0f} entries to "
            f"{n ** (1 + indices):.3g} combinations, of which there may be {TIED}",
            hint="give fewer entries, or none that are equal",
        )


def parts(op: str, lengths: list[float], given: tuple[Series, ...]) -> Series:
    """The first or second half of a vector, or vectors one after the other."""
    terms = max(map(len, given))
    filled = [
        [_full(term, int(n)) for term in (*u, *[0.0] * (terms - len(u)))] for u, n in zip(given, lengths, strict=True)
    ]
    if op == "join":
        return tuple(_joined(list(pieces)) for pieces in zip(*filled, strict=True))
    half = int(counted(lengths[0] / 2))
    return tuple(term[..., :half] if op == "first_half" else term[..., half:] for term in filled[0])


def _joined(pieces: list[Any]) -> Any:
    shape = np.broadcast_shapes(*(piece.shape[:-1] for piece in pieces))
    return np.concatenate([np.broadcast_to(piece, (*shape, piece.shape[-1])) for piece in pieces], axis=-1)


def reduced(op: str, n: float, side: int, u: Series, *more: Series) -> Series:
    """The function `op` of the vector u of n entries; for a norm its p may follow."""
    u = tuple(_full(term, int(n)) for term in u)
    if op in ("sum", "mean"):
        return tuple(term.sum(axis=-1, keepdims=True) / (n if op == "mean" else 1.0) for term in u)
    if op == "prod":
        return _product(u)
    if op == "max":
        return _largest(u, side)
    if op == "min":
        return series.negative(_largest(series.negative(u), side))
    if op == "norm":
        return _norm(u, more[0] if more else (2.0,), side)
    return _softened(op, u)


def _full(term: Any, n: int) -> Any:
    """A term with all its n entries, also where they are one number."""
    term = np.asarray(term)
    return np.broadcast_to(term, (*term.shape[:-1], n))


def _product(u: Series) -> Series:
    """Entry by entry, so that an entry of 0 does no harm."""
    found: Series = (1.0,)
    for j in range(u[0].shape[-1]):
        found = series.multiply(found, tuple(term[..., j : j + 1] for term in u))
    return found


def _largest(u: Series, side: int) -> Series:
    """max(u). Of several that tie, the one that is ahead a little to the side; by default all share the slope."""
    top = u[0].max(axis=-1, keepdims=True)
    if len(u) == 1:
        return (top,)
    terms = np.broadcast_arrays(*u)
    tied = terms[0] == top
    if not side:
        share = tied / tied.sum(axis=-1, keepdims=True)
        return (top, *((np.where(tied, term, 0.0) * share).sum(axis=-1, keepdims=True) for term in terms[1:]))
    ahead = np.where(tied, terms[1] * side, -np.inf)
    chosen = ahead.argmax(axis=-1)[..., None]
    return (top, *(np.take_along_axis(term, chosen, axis=-1) for term in terms[1:]))


def _norm(u: Series, p: Series, side: int) -> Series:
    """(sum |u_i|^p)^(1/p), of entries made smaller by the largest so that no power overflows."""
    size = series.magnitude(arrays, u, side)
    if len(p) == 1 and np.ndim(p[0]) == 0 and p[0] == np.inf:
        return _largest(size, side)
    top = size[0].max(axis=-1, keepdims=True)
    scale = np.where((top > 0.0) & np.isfinite(top), top, 1.0)
    names = {"u": tuple(term / scale for term in size), "p": p, "n": (float(u[0].shape[-1]),)}
    tree = _ROOT if len(p) == 1 and np.ndim(p[0]) == 0 and p[0] == 2.0 else _POWERS
    found = evaluate(arrays, tree, names, main="u", side=side, guarded=True, vectors=("u",))
    return tuple(term * scale for term in found)


_ROOT = parse("sqrt(sum(u^2))", ("u",))
_POWERS = parse("sum(u^p)^(1/p)", ("u", "p"))


def _softened(op: str, u: Series) -> Series:
    """softmax and its relatives, counted from the largest entry so that no exponential overflows."""
    top = u[0].max(axis=-1, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    names = {"u": (u[0] - top, *u[1:]), "n": (float(u[0].shape[-1]),)}
    found = evaluate(arrays, _SOFT[op], names, main="u", guarded=True, vectors=("u",))
    return (found[0] + top, *found[1:]) if op == "logsumexp" else found


_SOFT = {
    "logsumexp": parse("log(sum(exp(u)))", ("u",)),
    "log_softmax": parse("u - log(sum(exp(u)))", ("u",)),
    "softmax": parse("exp(u) / sum(exp(u))", ("u",)),
}
