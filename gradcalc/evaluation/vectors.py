"""Functions of a vector: one point at a time through the NumPy kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.errors import InputError, UsageError
from gradcalc.evaluation.kinks import by_parameter, told
from gradcalc.evaluation.targets import Target, read_target, vector
from gradcalc.functions.entry import VectorActivation, VectorLoss, VectorToScalar, choose
from gradcalc.results import KinkMet, Points

if TYPE_CHECKING:
    from collections.abc import Callable

    from gradcalc.evaluation.question import Question
    from gradcalc.evaluation.reading import Whole
    from gradcalc.functions.entry import Param


def answer(question: Question, point: Whole) -> Points:
    """The one point of a vector input."""
    import numpy as np

    with np.errstate(all="ignore"):
        asked = _Asked(np, question, point)
        names = question.columns(upstream=asked.g is not None)
        columns = {name: [_plain(getattr(asked, name)())] for name in names}
    return Points(columns, [True] if asked.kinks else None, (*asked.kinks, *asked.ties))


def _plain(value: Any) -> Any:
    """A number or nested lists of Python's own."""
    return value.tolist() if hasattr(value, "tolist") else value


class _Asked:
    """One vector with what belongs to it. Each quantity is a method, so that only what is asked for is worked out.

    x (n) is the input, g the upstream gradient: one number, or for an activation as many as its value has.
    """

    def __init__(self, np: Any, question: Question, point: Whole) -> None:
        self.np, self.question = np, question
        self.entry: Any = question.entry
        self.parameters = list(question.parameters.values())
        self.x = vector(np, point.input, "the input")
        _check(question, self.x)
        self.y: Target | None = read_target(np, question, point, self.x)
        if isinstance(self.entry, VectorLoss) and self.entry.takes == "distribution" and self.y:
            _check_sum(question, self.y.shown, "target", "its target")
        if self.y and self.y.smoothed:
            self.parameters = list({**question.parameters, "label_smoothing": 0.0}.values())
        self.g = question.upstream.next() if question.upstream and point.upstream is None else point.upstream
        self.kinks: dict[KinkMet, None] = {}
        self.ties: list[KinkMet] = []

    def input(self) -> Any:
        """The vector itself."""
        return self.x

    def target(self) -> Any:
        """The target as it was meant: without weights."""
        return self.y and self.y.shown

    def value(self) -> Any:
        """The function's value."""
        if self.y is None:
            return self.entry.value(self.np, self.x, *self.parameters)
        if self.y.weights is None:
            return self._call(self.entry.value) * self.y.factor + 0.0
        return self.np.dot(self._shares(), self.y.weights) * self.y.factor + 0.0

    def derivative(self) -> Any:
        """The Jacobian of an activation, the gradient of anything else, or the derivative by what was named."""
        if self.question.param:
            return self._by_parameter(self.question.param)
        if isinstance(self.entry, VectorActivation):
            return self._jacobian()
        if self.question.wrt:
            return self._by_target()
        found = self._settled(self._gradient)
        self._tell_of_a_tie(found)
        return found

    def upstream(self) -> Any:
        """The incoming gradient."""
        if self.g is None:
            raise UsageError("no upstream gradient is given", hint="give one with --upstream (-u)")
        if isinstance(self.entry, VectorToScalar | VectorLoss) and isinstance(self.g, list):
            raise InputError(f"{self.entry.name} gives one number, so its upstream gradient is one number")
        return self.g

    def vjp(self) -> Any:
        """The upstream gradient times the derivative."""
        if not isinstance(self.entry, VectorActivation):
            return self.upstream() * self.derivative() + 0.0
        g = vector(self.np, self.upstream(), "the upstream gradient")
        size = self.np.size(self.value())
        if g.size != size:
            numbers = f"{g.size} number{'s' if g.size != 1 else ''}"
            raise InputError(f"the upstream gradient has {numbers} for an output of {size}")
        if self.question.param:
            return self.np.sum(g * self.derivative())
        return self.entry.vjp(self.np, self.x, g, *self.parameters)

    def _jacobian(self) -> Any:
        """All the derivatives of an activation, unless they are too many to be meant."""
        n = len(self.x)
        if n > _LONGEST:
            hint = "ask for --only value, or with --upstream for --only vjp"
            raise InputError(f"the Jacobian of {n} inputs has {n * n} numbers", hint=hint)
        found = self.entry.jacobian(self.np, self.x, *self.parameters)
        if self.entry.one_sided:
            self._tell_of_jumps(found)
        return found

    def _tell_of_jumps(self, jacobian: Any) -> None:
        """Where a Jacobian's one-sided entries differ; its rule for kinks has been applied."""
        left, right = (self.entry.one_sided(self.np, self.x, side, *self.parameters) for side in ("left", "right"))
        differ = (left != right) & ~self.np.isnan(left + right)
        for i, j in self.np.argwhere(differ)[:_TOLD]:
            sides = (float(left[i, j]), float(right[i, j]), float(jacobian[i, j]))
            self.kinks[told(KinkMet(f"z[{j}] = {self.x[j] + 0.0:g} for output {i}", *sides))] = None

    def _call(self, kernel: Any, *side: str) -> Any:
        """A kernel with all it takes."""
        target = () if self.y is None else (self.y.kernel,)
        return kernel(self.np, self.x, *target, *side, *self.parameters)

    def _factor(self) -> Any:
        """What every derivative is multiplied by: the scale, and the weights of a sum's terms."""
        if self.y is None:
            return 1.0
        return self.y.factor if self.y.weights is None else self.y.factor * self.y.weights

    def _gradient(self, side: str) -> Any:
        return self._call(self.entry.gradient, side) * self._factor() + 0.0

    def _by_parameter(self, param: Param) -> Any:
        """The derivative by a parameter, with the user's rule applied where its one-sided ones differ."""
        found, kink = by_parameter(
            self.question, param, lambda kernel: self._call(kernel) * self._factor(), self.np.isfinite
        )
        if kink:
            self.kinks[kink] = None
        return found

    def _by_target(self) -> Any:
        """The derivative by the target. A kink where x meets y is one in both: such a loss is symmetric."""
        y = self.y
        assert y is not None  # Question has checked that there is a target to differentiate by
        if self.entry.takes == "values" and self.entry.additive and self.entry.at_kink:
            gradient = self.entry.gradient
            return self._settled(
                lambda side: gradient(self.np, y.kernel, self.x, side, *self.parameters) * self._factor() + 0.0
            )
        if self.entry.target_sides:
            sided, at_kink = self.entry.target_sides
            return self._settled(lambda side: self._call(sided, side) * self._factor() + 0.0, at_kink)
        found = self._call(self.entry.by_target) * self._factor()
        return found if y.class_weights is None else found * y.class_weights

    def _settled(self, sided: Callable[[str], Any], at_kink: Any = None) -> Any:
        """The gradient, with the user's rule applied where its one-sided ones differ."""
        gradient = sided("default")
        at_kink = at_kink or self.entry.at_kink
        if at_kink is None:
            return gradient
        met = self._call(at_kink)
        if not met.any():
            return gradient
        left, right = sided("left"), sided("right")
        if self.question.kink != "default":
            gradient = self.np.where(met, choose(self.question.kink, left, right), gradient)
        letter = "y" if self.question.wrt else "a" if self.entry.kind == "loss" else "z"
        at = self.y.kernel if self.y and self.question.wrt else self.x
        for j in self.np.flatnonzero(met & (left != right)):
            sides = (float(left[j]), float(right[j]), float(gradient[j]))
            self.kinks[told(KinkMet(f"{letter}[{j}] = {at[j] + 0.0:g}", *sides))] = None
        return gradient

    def _tell_of_a_tie(self, gradient: Any) -> None:
        """Where entries tie for a maximum the parameter `ties` has decided."""
        at_tie = getattr(self.entry, "at_tie", None)
        if at_tie is None:
            return
        tied = self.np.flatnonzero(self._call(at_tie))
        if tied.size:
            names = [f"z[{j}]" for j in tied[:_TIED]] + ["..."] * (tied.size > _TIED)
            rule = self.question.parameters["ties"]
            self.ties.append(KinkMet(", ".join(names), 0.0, 1.0, float(gradient[tied[0]]), ties=rule))

    def _shares(self) -> Any:
        """What each element adds to a loss that is a sum or mean over elements, before weights."""
        n = len(self.x)
        one, zero = self.np.ones(n), self.np.zeros(n)
        share = self._loss(one, zero) / (n * self._loss(one[:1], zero[:1]))  # 1 for a sum, 1/n for a mean
        return share * self._loss(self.x[:, None], self.y.kernel[:, None] if self.y else None)

    def _loss(self, x: Any, y: Any) -> Any:
        return self.entry.value(self.np, x, y, *self.parameters)


def _check(question: Question, x: Any) -> None:
    """The input's domain, and warnings for what is allowed but hardly meant."""
    import numpy as np

    from gradcalc.evaluation.pointwise import outside

    entry = question.entry
    out = np.flatnonzero(entry.domain.outside(np, x))
    if out.size:
        where = f" at position {out[0] + 1}" if len(x) > 1 else ""
        raise outside(entry, entry.domain, x[out[0]], where)
    if isinstance(entry, VectorActivation):
        entry.outputs(len(x))
    if len(x) == 1:
        alone = f"{entry.name} takes a vector, and a single number makes one of length 1"
        question.warn(f"{alone}; --vector joins the lines of a stream")
    if isinstance(entry, VectorLoss) and entry.logits and not question.parameters.get("normalize"):
        _check_sum(question, x, "input", "its input")


def _check_sum(question: Question, x: Any, about: str, what: str) -> None:
    """A warning where probabilities do not sum to 1."""
    total = x.sum()
    if abs(total - 1.0) > _ROUNDED:
        told = (
            f"{question.entry.name} takes probabilities as {what}, and those given do not sum to 1 but to {total:.4g}"
        )
        question.warn(told, f"sum of {about}")


#: So many entries that tie are named.
_TIED = 5

#: So many kinks of a Jacobian are told.
_TOLD = 100

#: Longer vectors have no Jacobian printed: 200 MB at this length.
_LONGEST = 5000

#: How far from 1 the sum of probabilities printed with a few decimals may be.
_ROUNDED = 1.001e-3
