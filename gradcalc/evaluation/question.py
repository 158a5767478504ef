"""What is asked about a function, checked once: parameters, variable, kink rule, and what goes with the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gradcalc.errors import InputError, UsageError, listed, near, quoted
from gradcalc.evaluation.reading import flat, numbers
from gradcalc.evaluation.series import Series
from gradcalc.evaluation.variables import check_there, no_target
from gradcalc.functions import find
from gradcalc.functions.entry import SIDES, Elementwise, ElementwiseLoss, Param, VectorActivation, VectorLoss
from gradcalc.results import Heading

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gradcalc.functions.entry import Entry

#: Everything eval can say of a point, in the order it says it.
QUANTITIES = ("input", "target", "value", "derivative", "second_derivative", "upstream", "vjp")

REDUCTIONS = ("none", "mean", "sum")


class Question:
    """A function with everything that is asked about it, ready to be answered for any inputs.

    `targets`, `classes`, `upstream` and `weights` are the series that go with the inputs; `only` names the
    quantities that are wanted, where not all are, so that no Jacobian is made that nobody asked for.
    """

    __slots__ = (
        "classes", "entry", "kink", "only", "order", "parameters", "per_unit", "reduction", "scale", "targets",
        "tell", "told", "upstream", "weights", "wrt",
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
        more, with_ = further_parameters(self.entry, with_)
        self.parameters = self.entry.parameters(joined(self.entry, parameters, more))
        self.per_unit = {
            name: Series(name, value) for name, value in self.parameters.items() if isinstance(value, list)
        }
        self.wrt = _variable(self.entry, wrt)
        check_there(self.entry, self.param, self.parameters)
        self.order = _order(self.entry, order, self.wrt)
        self.reduction = _reduction(self.entry, _one_of("reduction", reduction, REDUCTIONS))
        self.scale = _scale(self.entry, scale)
        self.targets, self.classes = _targets(self.entry, target, target_class)
        self.upstream = _series("upstream", upstream, vectors=isinstance(self.entry, VectorActivation))
        if self.reduction != "none" and self.upstream and len(self.upstream.values) > 1:
            raise InputError("a reduced loss is one number, and so is its upstream gradient")
        self.weights = _series("weight", weight_of(self.entry, with_), vectors=not self.elementwise)
        self.only = _only(self.entry, self.order, only)

    @property
    def elementwise(self) -> bool:
        """Whether each number is an input by itself."""
        return isinstance(self.entry, Elementwise | ElementwiseLoss)

    @property
    def param(self) -> Param | None:
        """The parameter to differentiate by, if it is one."""
        return self.entry.param(self.wrt) if self.wrt not in (None, "target") else None

    def columns(self, *, upstream: bool) -> list[str]:
        """The quantities a point has, in order: those asked for, or all there are."""
        if self.only is not None:
            return self.only
        there = {"input", "value", "derivative"}
        there |= {"target"} if self.entry.kind == "loss" else set()
        there |= {"second_derivative"} if self.order == 2 else set()
        there |= {"upstream", "vjp"} if upstream else set()
        return [name for name in QUANTITIES if name in there]

    def heading(self) -> Heading:
        """What the answers are answers to."""
        entry = self.entry
        return Heading(
            entry.name, entry.kind, self.parameters, self.kink, self.wrt, entry.formula, entry.derivative_formula,
            self.reduction, self.scale, self.columns(upstream=self.upstream is not None),
        )  # fmt: skip

    def warn(self, text: str, about: str = "") -> None:
        """Pass on a warning, once for each thing it is about."""
        if (about or text) not in self.told:
            self.told.add(about or text)
            self.tell(text)

    def finish(self) -> None:
        """Everything that goes with the inputs must have found one; lists given whole parameters are not counted."""
        counted = [series for series in self.per_unit.values() if series.used]
        for series in (self.targets, self.classes, self.upstream, self.weights, *counted):
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
    by_target = getattr(entry, "by_target", None) is not None
    real = [p.name for p in entry.params if p.derivative]
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
    targets = _series("target", target, vectors=isinstance(entry, VectorLoss))
    return targets, _series("target class", target_class, vectors=False)


def check_target(entry: Entry, target: Any, target_class: Any) -> None:
    """What is given as the target must be of the kind that the function takes, if it takes any."""
    if entry.kind != "loss" and (target is not None or target_class is not None):
        raise UsageError(f"{entry.name} is {an(entry.kind)} and takes no target")
    if target is not None and target_class is not None:
        raise UsageError("a target and a target class exclude each other")
    if target_class is not None and not takes_classes(entry):
        raise UsageError(f"{entry.name} takes numbers as its target, not a class", hint="give them with --target")


def takes_classes(entry: Entry) -> bool:
    """Whether a class can be the target."""
    return isinstance(entry, VectorLoss) and entry.takes != "values"


def further_parameters(entry: Entry, with_: Mapping[str, Any] | None) -> tuple[dict[str, object], dict[str, Any]]:
    """The further inputs that are a loss's parameters, one for each prediction (a variance), and the others."""
    own = {p.name for p in entry.params if p.per_unit} if entry.kind == "loss" else set()
    given = dict(with_ or {})
    columns = {name: flat(numbers(given.pop(name), name)) for name in list(given) if name in own}
    return {name: column if len(column) > 1 else column[0] for name, column in columns.items()}, given


def joined(entry: Entry, parameters: Mapping[str, object] | None, more: Mapping[str, object]) -> dict[str, object]:
    """Parameters from both places; UsageError where one is given twice."""
    for name in parameters or {}:
        if entry.param(name).name in more:
            raise UsageError(f"{entry.name}: {entry.param(name).name} is given as a parameter and with --with")
    return {**(parameters or {}), **more}


def weight_of(entry: Entry, with_: Mapping[str, Any] | None) -> Any:
    """The weights among the further inputs; UsageError for any other name, and where there is nothing to weigh."""
    for name in with_ or {}:
        if entry.kind != "loss":
            raise UsageError(f"{entry.name} is {an(entry.kind)} and takes no further inputs")
        if name != "weight":
            known = ["weight", *(p.name for p in entry.params if p.per_unit)]
            raise UsageError(f"{entry.name} takes no {quoted(name)}", hint=f"it takes {listed(known)}")
        if isinstance(entry, VectorLoss) and not entry.additive:
            raise UsageError(f"{entry.name} takes no weight", hint="write it into the formula, or use --scale")
    return (with_ or {}).get("weight")


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


def _only(entry: Entry, order: int, only: Iterable[str] | None) -> list[str] | None:
    """The quantities asked for; UsageError for one that no point has."""
    if only is None:
        return None
    absent = {"target"} if entry.kind != "loss" else set()
    absent |= {"second_derivative"} if order == 1 else set()
    there = [name for name in QUANTITIES if name not in absent]
    asked = list(only)
    for name in asked:
        if name in absent:
            reason = "--order 2 adds it" if name == "second_derivative" else f"{entry.name} is {an(entry.kind)}"
            raise UsageError(f"there is no {name} here", hint=reason)
        if name not in there:
            raise UsageError(
                f"there is no quantity {quoted(name)}", hint=near(name, there) or f"there are {listed(there)}"
            )
    return asked
