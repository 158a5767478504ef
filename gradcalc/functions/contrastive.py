"""Losses of a batch of embeddings with labels: each against all others of its label and of the other labels."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcalc.errors import InputError
from gradcalc.functions.entry import NOT_NEGATIVE, POSITIVE, Domain, KinkText, Param
from gradcalc.functions.joint import JointLoss
from gradcalc.numerics.digits import kept


def _masks(np: Any, labels: Any) -> tuple[Any, Any]:
    """Which pairs have one label, but for an embedding with itself; and which have two."""
    same = labels[:, None] == labels[None, :]
    return same & ~np.eye(len(labels), dtype=bool), ~same


def _check_pairs(x: Any, labels: Any, parameters: dict[str, Any]) -> None:
    if len(set(labels.tolist())) == len(labels):
        hint = "each row of the input is an embedding, and --target has a label for each"
        raise InputError("ntxent is a mean over the pairs with one label, and no two labels are the same", hint=hint)


# --- ntxent: of positive pairs (i, j) the mean of log(1 + sum_k e^((s_ik - s_ij) / T)), k of other labels ---


class _Similar(NamedTuple):
    """Directions u (B, n), lengths (B, 1), whether they count (B, 1), s / T less the largest of a row, and its slopes.

    `ratio` (B, B) is sum_k e^((s_ik - s_ij) / T) for pairs of one label, else 0. `slopes` (B, B) are dL/ds.
    """

    directions: Any
    lengths: Any
    counts: Any
    similarity: Any
    ratio: Any
    slopes: Any
    pairs: int


def _similar(np: Any, x: Any, labels: Any, temperature: float, eps: float) -> _Similar:
    from gradcalc.numerics import digits
    from gradcalc.numerics.digits import ONE, ZERO

    x, (least, heat) = digits.exactly(np, x), digits.exactly(np, [eps, temperature])
    lengths = digits.sqrt(np, (x * x).sum(axis=-1, keepdims=True))
    counts = lengths >= least
    directions = x / np.where(counts, lengths, least)
    similarity = directions @ directions.T
    positive, negative = _masks(np, labels)
    e = digits.exp(np, (similarity - similarity.max(axis=-1, keepdims=True)) / heat)
    rest = np.where(negative, e, ZERO).sum(axis=-1, keepdims=True)
    ratio = np.where(positive, rest / np.where(positive, e, ONE), ZERO)
    pairs = int(positive.sum())
    shares = np.where(positive, ONE / (np.where(positive, e, ONE) + rest), ZERO)
    of_others = np.where(negative, e * shares.sum(axis=-1, keepdims=True), ZERO)
    slopes = (of_others - rest * shares) / (heat * pairs)
    return _Similar(directions, np.where(counts, lengths, least), counts, similarity, ratio, slopes, pairs)


def _ntxent(np: Any, x: Any, labels: Any, temperature: float, eps: float) -> Any:
    from gradcalc.functions.ntxent_in_floats import similar
    from gradcalc.numerics import digits

    ordinary = similar(np, x, _masks(np, labels), temperature, eps)
    if ordinary is not None:
        return ordinary.value(np)

    def compute() -> Any:
        at = _similar(np, x, labels, temperature, eps)
        return digits.log1p(np, at.ratio).sum() / at.pairs

    return digits.settled(np, compute, digits.span(np, x))


def _ntxent_gradient(np: Any, x: Any, labels: Any, side: str, temperature: float, eps: float) -> Any:
    """With g = dL/du: (g - u (u.g)) / length, or g / eps where a length counts as eps."""
    from gradcalc.functions.ntxent_in_floats import similar
    from gradcalc.numerics import digits

    ordinary = similar(np, x, _masks(np, labels), temperature, eps)
    found = ordinary and ordinary.gradient(np)
    if found is not None:
        return found

    def compute() -> Any:
        at = _similar(np, x, labels, temperature, eps)
        g = (at.slopes + at.slopes.T) @ at.directions
        along = at.directions * (at.directions * g).sum(axis=-1, keepdims=True)
        return np.where(at.counts, g - along, g) / at.lengths

    return digits.settled(np, compute, digits.span(np, x))


def _ntxent_by_temperature(np: Any, x: Any, labels: Any, temperature: float, eps: float) -> Any:
    """The loss depends on s / T alone: -(sum dL/ds s) / T."""
    from gradcalc.functions.ntxent_in_floats import similar
    from gradcalc.numerics import digits

    ordinary = similar(np, x, _masks(np, labels), temperature, eps)
    found = ordinary and ordinary.by_temperature(np)
    if found is not None:
        return found

    def compute() -> Any:
        at = _similar(np, x, labels, temperature, eps)
        return -(at.slopes * at.similarity).sum() / digits.exactly(np, temperature)[()]

    return digits.settled(np, compute, digits.span(np, x))


# --- circle: the mean over embeddings of log(1 + P N), P the sum of e^w over those of its label, N over the others ---


class _Circle(NamedTuple):
    """For each embedding its exponent log(P N), (B,); for pairs (B, B): masks, distances and their weights in P and N.

    `gap` is 1 - s, of which the distance is what is above 0. `scale` and `m` are the parameters.
    """

    exponent: Any
    pulls: Any
    pushes: Any
    gap: Any
    distance: Any
    w: Any
    weights: Any
    scale: Any
    m: Any

    def pushed(self, np: Any) -> Any:
        """d log(1 + P N) / d log(P N), (B, 1)."""
        from gradcalc.numerics import digits
        from gradcalc.numerics.digits import ONE

        small = digits.exp(np, -abs(self.exponent))
        return (np.where(self.exponent > 0, ONE, small) / (ONE + small))[:, None]

    def by_distance(self, np: Any, *, rising: bool) -> Any:
        """dw / dd from the side on which s rises, where d falls, or the other one."""
        m, d = self.m, self.distance
        near, far = _above_zero(np, d + m), _above_zero(np, 1 + m - d)
        pulled, pushed = (d + m > 0, 1 + m - d >= 0) if rising else (d + m >= 0, 1 + m - d > 0)
        pull = near - np.where(pulled, m - d, 0 * d)
        push = -far - np.where(pushed, 1 - m - d, 0 * d)
        return self.scale * np.where(self.pulls, pull, push)

    def slopes(self, np: Any, *, rising: bool) -> Any:
        """dL/ds, (B, B), from the side on which s rises, or the other one."""
        found = -self.pushed(np) * self.weights * self.by_distance(np, rising=rising) / len(self.gap)
        moves = self.gap > 0 if rising else self.gap >= 0
        return np.where(moves, found, 0 * found)


def _above_zero(np: Any, x: Any) -> Any:
    """max(0, x); NaN stays."""
    return np.where(x > 0, x, 0 * x)


def _circle_parts(np: Any, x: Any, labels: Any, gamma: float, margin: float) -> _Circle:
    from gradcalc.numerics import digits
    from gradcalc.numerics.digits import ZERO

    x, (scale, m) = digits.exactly(np, x), digits.exactly(np, [gamma, margin])
    pulls, pushes = _masks(np, labels)
    gap = 1 - x @ x.T
    d = _above_zero(np, gap)
    w = scale * np.where(pulls, _above_zero(np, d + m) * (d - m), _above_zero(np, 1 + m - d) * (1 - m - d))
    (pull, of_pull, high), (push, of_push, low) = _weighed(np, w, pulls), _weighed(np, w, pushes)
    exponent = (high + low) + (digits.log(np, of_pull) + digits.log(np, of_push))
    weights = np.where(pulls, pull, np.where(pushes, push, ZERO))
    return _Circle(exponent, pulls, pushes, gap, d, w, weights, scale, m)


def _weighed(np: Any, w: Any, among: Any) -> tuple[Any, Any, Any]:
    """Softmax of the entries of a mask (B, B), and the two parts of the log of their sum, (B,): log(sum) + top."""
    from decimal import Decimal

    from gradcalc.numerics import digits
    from gradcalc.numerics.digits import ONE, ZERO

    top = np.where(among, w, Decimal("-Infinity")).max(axis=-1)
    top = np.where(among.any(axis=-1), top, ZERO)
    e = np.where(among, digits.exp(np, np.where(among, w - top[:, None], ZERO)), ZERO)
    whole = e.sum(axis=-1)
    return e / np.where(among.any(axis=-1), whole, ONE)[:, None], whole, top


def _circle(np: Any, x: Any, labels: Any, gamma: float, margin: float) -> Any:
    from gradcalc.functions.circle_in_floats import circled
    from gradcalc.numerics import digits

    ordinary = circled(np, x, _masks(np, labels), gamma, margin)
    if ordinary is not None:
        return ordinary.value(np)

    def compute() -> Any:
        a = _circle_parts(np, x, labels, gamma, margin).exponent
        return (np.where(a > 0, a, 0) + digits.log1p(np, digits.exp(np, -abs(a)))).sum() / len(a)

    return digits.settled(np, compute, digits.span(np, x, margin))


def _circle_gradient(np: Any, x: Any, labels: Any, side: str, gamma: float, margin: float) -> Any:
    from gradcalc.functions.circle_in_floats import circled

    ordinary = circled(np, x, _masks(np, labels), gamma, margin)
    found = ordinary and ordinary.gradient(np)
    if found is not None:
        return found
    left, right = _circle_sides(np, x, labels, gamma, margin)
    return {"left": left, "right": right}.get(side, (left + right) / 2)


@kept
def _circle_sides(np: Any, x: Any, labels: Any, gamma: float, margin: float) -> Any:
    """dL/dx_ak = sum_b (dL/ds_ab + dL/ds_ba) x_bk; where x_bk is below 0, s falls as x_ak rises. (2, B, n)."""
    from gradcalc.numerics import digits

    def compute() -> Any:
        at, exact = _circle_parts(np, x, labels, gamma, margin), digits.exactly(np, x)
        rising, falling = (slopes + slopes.T for slopes in (at.slopes(np, rising=True), at.slopes(np, rising=False)))
        if (rising == falling).all():
            return np.stack([rising @ exact] * 2)
        up, down = _above_zero(np, exact), -_above_zero(np, -exact)
        return np.stack([falling @ up + rising @ down, rising @ up + falling @ down])

    return digits.settled(np, compute, digits.span(np, x, margin))


def _circle_by_gamma(np: Any, x: Any, labels: Any, gamma: float, margin: float) -> Any:
    from gradcalc.functions.circle_in_floats import circled
    from gradcalc.numerics import digits

    ordinary = circled(np, x, _masks(np, labels), gamma, margin)
    found = ordinary and ordinary.by_gamma(np)
    if found is not None:
        return found

    def compute() -> Any:
        at = _circle_parts(np, x, labels, gamma, margin)
        return (at.pushed(np) * at.weights * at.w).sum() / (at.scale * len(x))

    return digits.settled(np, compute, digits.span(np, x, margin))


def _circle_by_margin(np: Any, x: Any, labels: Any, gamma: float, margin: float) -> Any:
    """max(0, d + m) (d - m) and max(0, 1 + m - d) (1 - m - d) by m: -2 m in either, where they are not 0."""
    from gradcalc.functions.circle_in_floats import circled
    from gradcalc.numerics import digits

    ordinary = circled(np, x, _masks(np, labels), gamma, margin)
    if ordinary is not None:
        return ordinary.by_margin(np)

    def compute() -> Any:
        at = _circle_parts(np, x, labels, gamma, margin)
        counts = np.where(at.pulls, at.distance + at.m > 0, 1 + at.m - at.distance > 0)
        slope = np.where(counts, -2 * at.m, 0 * at.distance)
        return (at.pushed(np) * at.weights * at.scale * slope).sum() / len(x)

    return digits.settled(np, compute, digits.span(np, x, margin))


_TEMPERATURE = Domain("at least 1e-12", 1e-12)

ENTRIES = (
    JointLoss(
        name="ntxent",
        aliases=("nt_xent", "ntxent_loss"),
        title="Normalized temperature-scaled cross-entropy of a batch of embeddings",
        rank=2,
        takes="labels",
        params=(
            Param(
                "temperature",
                0.07,
                "divides the cosine similarities",
                _TEMPERATURE,
                aliases=("T", "tau"),
                derivative=_ntxent_by_temperature,
            ),
            Param("eps", 0.0, "lengths count at least that", NOT_NEGATIVE),
        ),
        formula="mean of log(1 + sum_k exp((s[i,k] - s[i,j]) / temperature)) over all pairs i, j of one label,"
        " k over the rows of other labels, s the cosine similarities of the rows",
        derivative_formula="by s[i,k] of a row of another label sum_j q[i,j,k] / temperature, by s[i,j]"
        " -sum_k q[i,j,k] / temperature, over the number of pairs; then that of each cosine",
        value=_ntxent,
        gradient=_ntxent_gradient,
        fits=_check_pairs,
        notes=(
            "the input is a matrix with an embedding in each row: gradcalc eval ntxent 1,0 0.9,0.2 0,1 -y 0,0,1",
            "q[i,j,k] is softmax of s / temperature over j and all k; other rows of the label of i are left out of"
            " it, as in optax",
            "a pair counts twice, as i, j and as j, i; without two rows of one label there is nothing to take the mean"
            " of, which is an error here and NaN in optax",
            "optax has eps=2.2e-16; a row of zeros has no direction, and gives NaN without eps",
            "worked out in twice the precision of floats, or in decimals where that would not do",
        ),
        libraries={"optax.losses": "ntxent"},
        source="Chen, Kornblith, Norouzi & Hinton 2020; optax ntxent",
    ),
    JointLoss(
        name="circle",
        aliases=("circle_loss",),
        title="Circle loss of a batch of embeddings",
        rank=2,
        takes="labels",
        params=(
            Param("gamma", 80.0, "multiplies the exponents", POSITIVE, derivative=_circle_by_gamma),
            Param("margin", 0.4, "how near a label's rows should be, and how far others", derivative=_circle_by_margin),
        ),
        formula="mean over the rows i of log(1 + sum_j exp(gamma * max(0, d[i,j] + margin) * (d[i,j] - margin))"
        " * sum_k exp(gamma * max(0, 1 + margin - d[i,k]) * (1 - margin - d[i,k]))), j over the other rows of the label"
        " of i, k over those of other labels, d[i,j] = max(0, 1 - a[i] . a[j])",
        derivative_formula="sigmoid of the row's log of the product, times softmax of its exponents among their sum,"
        " times 2 * gamma * d by d[i,j] and 2 * gamma * (d - 1) by d[i,k], over the number of rows",
        value=_circle,
        gradient=_circle_gradient,
        kinks=(
            KinkText("a[i] . a[j] = 1, a slope g by it below", left="g", right="0", default="g / 2"),
            KinkText(
                "d[i,k] = 1 + margin, a slope g of the exponent below",
                left="0 or g",
                right="g or 0",
                default="g / 2",
            ),
        ),
        notes=(
            "the input is a matrix with an embedding in each row: gradcalc eval circle 1,0 0.6,0.8 0,1 -y 0,0,1",
            "rows are taken as they are: Keras too expects them to have length 1",
            "Keras' loss class takes the same mean over the batch, its function gives one number for each row",
            "the weights max(0, ...) are part of the loss and differentiated, as in Keras; the paper holds them fixed",
            "a row that has no other of its label, or none of another, adds 0",
            "worked out in twice the precision of floats, or in decimals where that would not do",
        ),
        libraries={"Keras": "circle"},
        source="Sun et al. 2020; Keras circle",
    ),
)
