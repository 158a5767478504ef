"""The loss of a sequence of labels that stands, at unknown times, in a longer sequence of outputs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple

from gradcalc.errors import InputError
from gradcalc.functions.entry import Param
from gradcalc.functions.joint import CLASS, JointLoss
from gradcalc.numerics.digits import kept


class _Ring(NamedTuple):
    """How probabilities are kept, added and multiplied: as they are, or as their logarithms."""

    to_log: Callable[[Any], Any]
    to_plain: Callable[[Any], Any]
    plus: Callable[[Any, Any], Any]
    times: Callable[[Any, Any], Any]
    over: Callable[[Any, Any], Any]
    nothing: Any
    everything: Any


class _Aligned(NamedTuple):
    """-log of the sum over all alignments; the probabilities p (T, C), and the shares (T, C) of outputs in that sum."""

    loss: Any
    p: Any
    shares: Any


#: Sums of gaps between logits up to here leave probabilities that decimals can hold.
_WIDE = 1e17

#: Logarithms as large as floats can be, added up, have so many digits before the point.
_LONG = 330

#: A loss at least as large is right with a few digits; a smaller one is 1 less a sum, of as many more as it is small.
_PLAIN = 1e-15


def _check(x: Any, labels: Any, parameters: dict[str, Any]) -> None:
    """Labels are numbers of classes, and none is the blank."""
    classes, blank = x.shape[1], int(parameters["blank"])
    if blank >= classes:
        raise InputError(f"ctc: the blank is class {blank:g}, but a row has {classes} logits, one for each class")
    for label in labels.tolist():
        if not 0 <= label < classes:
            raise InputError(f"ctc: there is no class {label} among {classes}", hint=f"0 to {classes - 1} are there")
        if label == blank:
            raise InputError(f"ctc: {label} is the blank, and no label", hint="-p blank=K has another class for it")


# --- alignments: the labels with a blank before, between and behind them, S = 2 L + 1 places ---


def _path(np: Any, labels: Any, blank: float) -> tuple[Any, Any]:
    """The class at each place, and to which places a step may leave out the one before: between unequal labels."""
    path = np.full(2 * len(labels) + 1, int(blank))
    path[1::2] = labels
    skips = np.zeros(len(path), dtype=bool)
    skips[2:] = (path[2:] != int(blank)) & (path[2:] != path[:-2])
    return path, skips


def _arrivals(np: Any, ring: _Ring, p: Any, skips: Any) -> Any:
    """How likely each place is reached at each time, (T, S), its own output not counted."""
    found = np.full(p.shape, ring.nothing, dtype=object)
    found[0, :2] = ring.everything
    for t in range(len(p) - 1):
        sent = ring.times(found[t], p[t])
        found[t + 1] = sent
        found[t + 1, 1:] = ring.plus(sent[1:], sent[:-1])
        skipped = ring.plus(found[t + 1, 2:], sent[:-2])
        found[t + 1, 2:] = np.where(skips[2:], skipped, found[t + 1, 2:])
    return found


def _aligned(np: Any, ring: _Ring, probabilities: Any, path: Any, skips: Any) -> _Aligned:
    """From the front and from behind to each place at each time, and both together."""
    p, back = probabilities[:, path], np.zeros_like(skips)
    back[2:] = skips[2:][::-1]
    ahead = ring.times(_arrivals(np, ring, p, skips), p)
    behind = _arrivals(np, ring, p[::-1, ::-1], back)[::-1, ::-1]
    whole = ahead[-1, -1] if len(path) == 1 else ring.plus(ahead[-1, -1:], ahead[-1, -2:-1])[0]
    parts = ring.to_plain(ring.over(ring.times(ahead, behind), whole))
    shares = np.zeros(probabilities.shape, dtype=object)
    for k in set(path.tolist()):
        shares[:, k] = parts[:, path == k].sum(axis=1)
    return _Aligned(-ring.to_log(whole)[()], ring.to_plain(probabilities), shares)


def _rings(np: Any) -> tuple[_Ring, _Ring]:
    """Probabilities as they are, and as logarithms."""
    from gradcalc.numerics import digits
    from gradcalc.numerics.digits import ONE, ZERO

    def log_plus(a: Any, b: Any) -> Any:
        pair = np.stack([a, b], axis=-1)
        return digits.log_sum(np, pair, np.full(pair.shape, fill_value=True))

    def exp(x: Any) -> Any:
        return digits.exp(np, x)

    def log(x: Any) -> Any:
        return digits.log(np, x)

    plain = _Ring(log, np.asarray, operator.add, operator.mul, operator.truediv, ZERO, ONE)
    impossible = digits.exactly(np, -np.inf)[()]
    return plain, _Ring(np.asarray, exp, log_plus, operator.add, operator.sub, impossible, ZERO)


def _softmax(np: Any, x: Any, *, logs: bool) -> Any:
    """Softmax of each row, or its logarithm, in decimals: the largest entry's is 1 / (1 + rest)."""
    from gradcalc.numerics import digits
    from gradcalc.numerics.digits import ONE, ZERO

    top = x.argmax(axis=-1)[:, None]
    first = np.arange(x.shape[1]) == top
    x = digits.exactly(np, x)
    gap = x - np.take_along_axis(x, top, axis=-1)  # with one rounding: a sum would round its terms before
    powers = digits.exp(np, gap)
    rest = np.where(first, ZERO, powers).sum(axis=-1, keepdims=True)
    return gap - digits.log1p(np, rest) if logs else powers / (ONE + rest)


@kept
def _sums(np: Any, x: Any, labels: Any, blank: float) -> _Aligned | None:
    """Loss and shares in floats; None for logits without probabilities: NaN, several +inf in a row, or nothing else."""
    from gradcalc.numerics import digits

    infinite = (x == np.inf).sum(axis=-1, keepdims=True)
    if np.isnan(x).any() or (infinite > 1).any() or (x.max(axis=-1) == -np.inf).any():
        return None
    x = np.where(infinite > 0, np.where(x == np.inf, 0.0, -np.inf), x)  # its limit: all the probability
    path, skips = _path(np, labels, blank)
    gaps = np.where(np.isfinite(x), x.max(axis=-1, keepdims=True) * 0.25 - x * 0.25, 0.0).max(axis=-1).sum() * 4.0
    plain, logs = _rings(np)
    wide = not gaps < _WIDE
    enough = digits.ENOUGH + _LONG * wide
    rounds = [enough, digits.ENOUGH + int(min(_LONG, gaps / 2.3 + x.shape[0] * np.log10(x.shape[1])))]
    for count in rounds:
        with digits.digits(count):
            found = _aligned(np, logs if wide else plain, _softmax(np, x, logs=wide), path, skips)
            loss, slopes = (digits.rounded(np, part) for part in (found.loss, found.p - found.shares))
        if loss >= _PLAIN:
            break
    return _Aligned(loss, found.p, slopes)


def _ctc(np: Any, x: Any, labels: Any, blank: float, zero_infinity: bool) -> Any:
    found = _sums(np, x, labels, blank)
    if found is None:
        return np.float64(np.nan)
    return np.where((found.loss == np.inf) & zero_infinity, 0.0, found.loss)


def _ctc_gradient(np: Any, x: Any, labels: Any, side: str, blank: float, zero_infinity: bool) -> Any:
    """p less the share of the alignments that have that output; NaN where there is no alignment."""
    found = _sums(np, x, labels, blank)
    if found is None:
        return np.full(x.shape, np.nan)
    return np.where(found.loss == np.inf, 0.0 if zero_infinity else np.nan, found.shares)


ENTRIES = (
    JointLoss(
        name="ctc",
        aliases=("ctc_loss",),
        title="Connectionist temporal classification of a sequence of labels",
        rank=2,
        takes="sequence",
        params=(
            Param("blank", 0.0, "the class that is no label", CLASS, aliases=("blank_id",)),
            Param("zero_infinity", False, "0, and slopes of 0, for a target that no alignment can give"),
        ),
        formula="-log(sum over all alignments of the product over all times t of softmax(a[t])[k(t)]), an alignment k"
        " one that gives the target once repetitions are merged and blanks left out",
        derivative_formula="softmax(a[t])[k] less the share of the alignments with k(t) = k in the sum",
        value=_ctc,
        gradient=_ctc_gradient,
        fits=_check,
        notes=(
            "the input is a matrix of logits, a row for each time and a column for each class, the target the labels"
            " in their order: gradcalc eval ctc 1,2,0 0,3,1 -y 1; -y [] for none, which leaves only blanks",
            "a target that is too long (a blank has to stand between two labels that are the same) has the loss inf,"
            " and no derivative: NaN; optax has about 1e5",
            "PyTorch takes log-probabilities, log_softmax of the logits, but its gradient is that of the logits,"
            " as here",
            "PyTorch's reduction mean divides each loss by the length of its target (an empty one counts as 1), then"
            " takes the mean over the batch: --scale 1/length",
            "worked out in decimals, 60 digits and as many more as a small loss needs",
        ),
        libraries={"PyTorch": "F.ctc_loss", "optax.losses": "ctc_loss", "Keras": "ctc"},
        source="Graves, Fernandez, Gomez & Schmidhuber 2006",
    ),
)
