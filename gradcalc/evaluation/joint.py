"""Losses of several arrays together: one point at a time, with all that belongs to it, through the NumPy kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.errors import InputError, UsageError
from gradcalc.evaluation.further import missing, told_apart
from gradcalc.evaluation.kinks import by_parameter, told
from gradcalc.evaluation.question import check_target, further_of
from gradcalc.evaluation.targets import fitted, vector
from gradcalc.functions.entry import choose
from gradcalc.results import KinkMet, Points

if TYPE_CHECKING:
    from gradcalc.evaluation.question import Question
    from gradcalc.evaluation.reading import Whole
    from gradcalc.functions.entry import Kernel


def answer(question: Question, point: Whole) -> Points:
    """The one point of an input."""
    import numpy as np

    with np.errstate(all="ignore"):
        asked = _Asked(np, question, point)
        names = question.columns(upstream=asked.g is not None)
        columns = {name: [_plain(asked.quantity(name))] for name in names}
    return Points(columns, [True] if asked.kinks else None, tuple(asked.kinks))


def _plain(value: Any) -> Any:
    """A number or nested lists of Python's own."""
    return value.tolist() if hasattr(value, "tolist") else value


class _Asked:
    """One input x with what belongs to it; g is the upstream gradient. Each answer is worked out when asked for."""

    def __init__(self, np: Any, question: Question, point: Whole) -> None:
        self.np, self.question = np, question
        self.entry: Any = question.entry
        self.x = _matrix(np, point.input) if self.entry.rank == 2 else vector(np, point.input, "the input")
        self.further = _further(np, question, point, len(self.x))
        self.y = _target(np, question, point, self.x) if self.entry.has_target else None
        self.parameters = list(question.parameters.values())
        fits = getattr(question.entry, "fits", None)
        if fits:
            fits(self.x, self.y, question.parameters)
        self.g = question.upstream.next() if question.upstream and point.upstream is None else point.upstream
        self.kinks: dict[KinkMet, None] = {}

    def quantity(self, name: str) -> Any:
        """What is to be said of the point under that name."""
        given = {"input": self.x, "target": self.y, **self.further}
        if name in given:
            return given[name]
        found: Any = {"value": self.value, "derivative": self.derivative, "upstream": self.upstream, "vjp": self.vjp}
        return found[name]()

    def value(self) -> Any:
        """The loss."""
        return self._call(self.entry.value) * self.question.scale + 0.0

    def derivative(self) -> Any:
        """The derivative by the input, by a further input, or by a parameter."""
        if self.question.param:
            scale = self.question.scale
            found, kink = by_parameter(
                self.question, self.question.param, lambda kernel: self._call(kernel) * scale + 0.0, self.np.isfinite
            )
            if kink:
                self.kinks[kink] = None
            return found
        if self.question.by_further:
            name = self.question.by_further.name
            return self._settled(self.question.by_further.derivative, name, self.further[name])
        return self._settled(self.entry.gradient, "a", self.x)

    def upstream(self) -> Any:
        """The incoming gradient."""
        if self.g is None:
            raise UsageError("no upstream gradient is given", hint="give one with --upstream (-u)")
        if isinstance(self.g, list):
            raise InputError(f"{self.entry.name} gives one number, so its upstream gradient is one number")
        return self.g

    def vjp(self) -> Any:
        """The upstream gradient times the derivative."""
        return self.upstream() * self.derivative() + 0.0

    def _call(self, kernel: Kernel, *side: str) -> Any:
        """A kernel with all it takes."""
        target = () if self.y is None else (self.y,)
        return kernel(self.np, self.x, *target, *self.further.values(), *side, *self.parameters)

    def _settled(self, kernel: Kernel, letter: str, at: Any) -> Any:
        """A gradient, with the user's rule applied where its one-sided ones differ."""
        found = self._call(kernel, "default") * self.question.scale + 0.0
        if not self.entry.kinks:
            return found
        left, right = (self._call(kernel, side) * self.question.scale + 0.0 for side in ("left", "right"))
        met = (left != right) & (left == left) & (right == right)
        if self.question.kink != "default":
            found = self.np.where(met, choose(self.question.kink, left, right), found)
        for place in map(tuple, self.np.argwhere(met)):
            sides = (float(left[place]), float(right[place]), float(found[place]))
            index = "".join(f"[{i}]" for i in place)
            self.kinks[told(KinkMet(f"{letter}{index} = {at[place] + 0.0:g}", *sides))] = None
        return found


def _further(np: Any, question: Question, point: Whole, n: int) -> dict[str, Any]:
    """Each further input, the point's own or the question's, as long as the input."""
    check_target(question.entry, point.target, point.target_class)
    own = told_apart(question.entry, point.extra).inputs
    if not question.entry.has_target:
        own = further_of(question.entry, own, point.target)
    found = {}
    for one in question.entry.further:
        series = question.further.get(one.name)
        value = own[one.name] if one.name in own else series.next() if series else None
        if value is None:
            raise missing(question.entry, one.name)
        found[one.name] = fitted(np, value, n, one.name)
    return found


def _matrix(np: Any, value: Any) -> Any:
    """A matrix from lists of numbers of one length; a single list is one row."""
    rows = value if isinstance(value, list) else [value]
    if not any(isinstance(row, list) for row in rows):
        rows = [rows]
    found = [vector(np, row, f"row {i} of the input") for i, row in enumerate(rows)]
    lengths = [len(row) for row in found]
    for i, length in enumerate(lengths):
        if length != lengths[0]:
            raise InputError(
                f"the rows of a matrix have one length, but row 0 has {lengths[0]} and row {i} has {length}"
            )
    return np.stack(found)


def _target(np: Any, question: Question, point: Whole, x: Any) -> Any:
    """A sign, or labels as whole numbers: one for each row, or as many as a sequence has."""
    entry: Any = question.entry
    value = question.targets.next() if point.target is None and question.targets else point.target
    if value is None:
        raise UsageError(f"{entry.name} needs a target", hint="give one with --target (-y)")
    if entry.takes == "sign":
        values = value if isinstance(value, list) else [value]
        if len(values) != 1 or isinstance(values[0], list) or values[0] not in entry.target_domain:
            raise InputError(f"{entry.name}: the target must be one number, {entry.target_domain.text}")
        return np.float64(values[0])
    labels = _labels(np, entry, value)
    if entry.takes == "labels" and len(labels) != len(x):
        rows = f"{len(x)} row{'s' * (len(x) != 1)}"
        raise InputError(f"{entry.name}: {len(labels)} label{'s' * (len(labels) != 1)} for {rows}", hint="one for each")
    return labels


def _labels(np: Any, entry: Any, value: Any) -> Any:
    """Labels from numbers that are whole; there may be none."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, list) for one in values):
        raise InputError(f"{entry.name}: the target is one list of labels")
    for one in values:
        if one not in entry.target_domain or abs(one) > 2**53:
            raise InputError(f"{entry.name}: a label is a whole number, not {one:g}")
    return np.array(values, dtype=float).astype(np.int64)
