"""What is asked about a function, checked once: parameters, variable, kink rule, and what goes with the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.errors import InputError, UsageError, listed, near, quoted
from gradcalc.evaluation.further import joined, told_apart
from gradcalc.evaluation.reading import flat, numbers
from gradcalc.evaluation.series import Series
from gradcalc.evaluation.variables import check_there, no_target
from gradcalc.functions import find
from gradcalc.functions.entry import SIDES, Elementwise, ElementwiseLoss, Param, VectorActivation, VectorLoss
from gradcalc.functions.unsaid import unsaid
from gradcalc.results import Heading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gradcalc.functions.entry import Entry, Input

#: What eval can say of a point behind its input, further inputs and target, in the order it says it.
ANSWERS = ("value", "derivative", "second_derivative", "upstream", "vjp")

REDUCTIONS = ("none", "mean", "sum")


class Question:
    """A function with everything that is asked about it, ready to be answered for any inputs.

    `targets`, `classes`, `further` (by name), `upstream` and `weights` are the series that go with the inputs; `only`
    names the quantities that are wanted, where not all are, so that no Jacobian is made that nobody asked for.
    """

    __slots__ = (
        "classes", "entry", "further", "kink", "only", "order", "parameters", "per_unit", "reduction", "scale",
        "targets", "tell", "told", "upstream", "weights", "wrt",
    )  # fmt: skip

    def __init__(
        self,
        function: str,
        *,
        formula: str | None = None,
        parameters: Mapping[str, object] | None = None,
        target: Any = None,
        target_class: Any = None,
        with_: Mapping[str, Any] | None = None,
        wrt: str | None = None,
        reduction: str = "none",
        scale: float = 1.0,
        upstream: Any = None,
        kink: str = "default",
        order: int = 1,
        only: Iterable[str] | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.tell, self.told = warn or _warn, set[str]()
        self.kink: Any = _one_of("kink", kink, SIDES)
        self.entry = find(function) if formula is None else _formula(formula, parameters or {}, self.kink)
        given = told_apart(self.entry, with_)
        self.parameters = self.entry.parameters(joined(self.entry, parameters, given.parameters))
        self.per_unit = {
            name: Series(name, value) for name, value in self.parameters.items() if isinstance(value, list)
        }
        self.wrt = _variable(self.entry, wrt)
        check_there(self.entry, self.param, self.parameters)
        self.order = _order(self.entry, order, self.wrt)
        self.reduction = _reduction(self.entry, _one_of("reduction", reduction, REDUCTIONS))
        self.scale = _scale(self.entry, scale)
        self.further = _further(self.entry, given.inputs, target)
        self.targets, self.classes = _targets(self.entry, target, target_class)
        self.upstream = _series("upstream", upstream, vectors=isinstance(self.entry, VectorActivation))
        if self.reduction != "none" and self.upstream and len(self.upstream.values) > 1:
            raise InputError("a reduced loss is one number, and so is its upstream gradient")
        self.weights = _series("weight", given.weight, vectors=not self.elementwise)
        self.only = _only(self.entry, self.order, only)

    @property
    def elementwise(self) -> bool:
        """Whether each number is an input by itself."""
        return self.entry.rank == 0

    @property
    def joint(self) -> bool:
        """Whether it is a loss of several arrays together."""
        return self.entry.kind == "loss" and not isinstance(self.entry, ElementwiseLoss | VectorLoss)

    @property
    def param(self) -> Param | None:
        """The parameter to differentiate by, if it is one."""
        if self.wrt in (None, "target") or self.by_further:
            return None
        return self.entry.param(str(self.wrt))

    @property
    def by_further(self) -> Input | None:
        """The further input to differentiate by, if it is one."""
        return self.entry.further_input(self.wrt) if self.wrt and self.wrt != "target" else None

    def columns(self, *, upstream: bool) -> list[str]:
        """The quantities a point has, in order: those asked for, or all there are."""
        if self.only is not None:
            return self.only
        return _quantities(self.entry, second=self.order == 2, upstream=upstream)

    def heading(self) -> Heading:
        """What the answers are answers to."""
        entry = self.entry
        return Heading(
            entry.name, entry.kind, entry.signature, self.parameters, unsaid(entry, self.parameters), self.kink,
            self.wrt, entry.formula, entry.derivative_formula, self.reduction, self.scale,
            self.columns(upstream=self.upstream is not None),
        )  # fmt: skip

    def warn(self, text: str, about: str = "") -> None:
        """Pass on a warning, once for each thing it is about."""
        if (about or text) not in self.told:
            self.told.add(about or text)
            self.tell(text)

    def finish(self) -> None:
        """Everything that goes with the inputs must have found one; lists given whole parameters are not counted."""
        counted = [series for series in self.per_unit.values() if series.used]
        for series in (self.targets, self.classes, *self.further.values(), self.upstream, self.weights, *counted):
            if series:
                series.finish()


def _warn(text: str) -> None:
    import warnings

    warnings.warn(text, stacklevel=2)


def _formula(text: str, parameters: Mapping[str, object], kink: str) -> Entry:
    """A formula as a function; its parameters are known by being given."""
    from gradcalc.formula.entries import Formula  # late: few ask for one

    return Formula(text, parameters).entry(kink)


def an(kind: str) -> str:
    """A kind of function with its article."""
    return f"an {kind}" if kind == "activation" else f"a {kind}"


def _one_of(name: str, word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        raise UsageError(f"{name} cannot be {quoted(word)}", hint=f"it can be {listed(words, 'or')}")
    return word


def _variable(entry: Entry, wrt: str | None) -> str | None:
    """The canonical name of what to differentiate by; None is the input."""
    if wrt is None:
        return None
    further = entry.further_input(wrt) or (_as_target(entry) if wrt == "target" else None)
    if further:
        return further.name
    by_target = getattr(entry, "by_target", None) is not None
    real = [one.name for one in entry.further] + [p.name for p in entry.params if p.derivative]
    if wrt == "target":
        if not by_target:
            raise no_target(entry, real)
        return wrt
    real += ["target"] * by_target
    has = f"it can be {listed(real, 'or')}" if real else f"{entry.name} has none by anything but its input"
    try:
        param = entry.param(wrt)
    except UsageError:
        raise UsageError(f"no derivative by {quoted(wrt)}", hint=near(wrt, real) or has) from None
    if param.derivative is None:
        raise UsageError(f"{entry.name} has no derivative by {param.name}", hint=has)
    return param.name


def _order(entry: Entry, order: int, wrt: str | None) -> int:
    if order not in (1, 2):
        raise UsageError(f"the order can be 1 or 2, not {quoted(order)}")
    if order == 2 and not isinstance(entry, Elementwise | ElementwiseLoss):
        raise UsageError(f"{entry.name} is a function of a vector: second derivatives are for elementwise functions")
    if order == 2 and wrt:
        raise UsageError(f"second derivatives are by the input, not by {wrt}")
    return order


def _reduction(entry: Entry, reduction: str) -> str:
    if reduction != "none" and not isinstance(entry, ElementwiseLoss):
        reason = "gives one number per example already" if entry.kind == "loss" else f"is {an(entry.kind)}"
        raise UsageError(f"a reduction is for elementwise losses: {entry.name} {reason}")
    return reduction


def _scale(entry: Entry, scale: float) -> float:
    if scale != 1.0 and entry.kind != "loss":
        raise UsageError(f"a scale multiplies a loss, and {entry.name} is {an(entry.kind)}")
    if scale != scale:
        raise InputError("the scale must be a number, not nan")
    return scale


def _targets(entry: Entry, target: Any, target_class: Any) -> tuple[Series | None, Series | None]:
    check_target(entry, target, target_class)
    if _as_target(entry):
        return None, None
    vectors = isinstance(entry, VectorLoss) or getattr(entry, "takes", "") in ("labels", "sequence")
    return _series("target", target, vectors=vectors), _series("target class", target_class, vectors=False)


def _as_target(entry: Entry) -> Input | None:
    """The further input that a target is, for a loss without another target."""
    return next((one for one in entry.further if one.may_be_target), None)


def further_of(entry: Entry, given: Mapping[str, Any], target: Any) -> dict[str, Any]:
    """Further inputs by name, with what was given as the target and is one of them."""
    one = _as_target(entry)
    if one is None or target is None:
        return dict(given)
    if one.name in given:
        raise UsageError(f"{entry.name}: {one.name} is given with --with and as the target")
    return {**given, one.name: target}


def _further(entry: Entry, given: Mapping[str, Any], target: Any) -> dict[str, Series]:
    """The series of each further input that was given for all inputs."""
    found = {
        name: _series(name, value, vectors=entry.rank > 0) for name, value in further_of(entry, given, target).items()
    }
    return {name: series for name, series in found.items() if series}


def check_target(entry: Entry, target: Any, target_class: Any) -> None:
    """What is given as the target must be of the kind that the function takes, if it takes any."""
    if entry.kind != "loss" and (target is not None or target_class is not None):
        raise UsageError(f"{entry.name} is {an(entry.kind)} and takes no target")
    if not entry.has_target and not _as_target(entry) and (target is not None or target_class is not None):
        names = listed([one.name for one in entry.further])
        raise UsageError(f"{entry.name} takes no target, but {names}", hint="give them by --with NAME=VALUES")
    if target is not None and target_class is not None:
        raise UsageError("a target and a target class exclude each other")
    if target_class is not None and not takes_classes(entry):
        raise UsageError(f"{entry.name} takes numbers as its target, not a class", hint="give them with --target")


def takes_classes(entry: Entry) -> bool:
    """Whether a class can be the target."""
    return isinstance(entry, VectorLoss) and entry.takes != "values"


def _series(name: str, value: Any, *, vectors: bool) -> Series | None:
    """A series from a number or a list; where each point has a vector, a flat list is one of them."""
    if value is None:
        return None
    value = numbers(value, name)
    if not isinstance(value, list):
        return Series(name, [value])
    if vectors:
        kinds = {isinstance(part, list) for part in value}
        if len(kinds) > 1:
            raise UsageError(f"{name}: give single numbers or vectors, not both", hint="a vector of one is [1]")
        return Series(name, value if True in kinds else [value])
    return Series(name, flat(value))


def _quantities(entry: Entry, *, second: bool, upstream: bool) -> list[str]:
    """Everything a point of a function has, in the order it is said."""
    given = ["input", *(one.name for one in entry.further), *(["target"] if entry.has_target else [])]
    absent = {"second_derivative"} if not second else set()
    absent |= {"upstream", "vjp"} if not upstream else set()
    return given + [name for name in ANSWERS if name not in absent]


def _only(entry: Entry, order: int, only: Iterable[str] | None) -> list[str] | None:
    """The quantities asked for; UsageError for one that no point has."""
    if only is None:
        return None
    there = _quantities(entry, second=order == 2, upstream=True)
    asked = list(only)
    for name in asked:
        if name in there:
            continue
        if name in ("target", *ANSWERS):
            without = f"{entry.name} has none" if entry.kind == "loss" else f"{entry.name} is {an(entry.kind)}"
            raise UsageError(
                f"there is no {name} here", hint="--order 2 adds it" if name == "second_derivative" else without
            )
        raise UsageError(f"there is no quantity {quoted(name)}", hint=near(name, there) or f"there are {listed(there)}")
    return asked
