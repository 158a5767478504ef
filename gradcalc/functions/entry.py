"""What a function declares of itself, and what is derived from that: one entry holds all there is to know.

Kernels are written against a number system `xp` (`numerics.scalar` or `numerics.arrays`; vector kernels get
NumPy itself and work along the last axis). An entry's parameters follow the inputs, in declared order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

from gradcalc.errors import InputError, UsageError, listed, near, quoted, simplified

Kernel = Callable[..., Any]
Kind = Literal["activation", "loss", "norm"]
Side = Literal["left", "right", "midpoint", "undefined", "default"]
SIDES: tuple[Side, ...] = ("default", "left", "right", "midpoint", "undefined")

inf = float("inf")
NOWHERE: Mapping[str, str] = {}


class Domain:
    """An interval (less one number), or a set of numbers, with an error's words for it. NaN in gives NaN out."""

    __slots__ = ("high", "hole", "low", "members", "open_high", "open_low", "text")

    def __init__(
        self,
        text: str,
        low: float = -inf,
        high: float = inf,
        *,
        open_low: bool = False,
        open_high: bool = False,
        members: tuple[float, ...] | None = None,
        hole: float | None = None,
    ) -> None:
        self.text, self.hole = text, hole
        self.low, self.high = low, high
        self.open_low, self.open_high = open_low, open_high
        self.members = members

    def __contains__(self, x: float) -> bool:
        if self.members is not None:
            return x in self.members or x != x
        if x < self.low or x > self.high or x == self.hole:
            return False
        return not ((self.open_low and x == self.low) or (self.open_high and x == self.high))

    def outside(self, np: Any, x: Any) -> Any:
        """A boolean array: which entries of `x` lie outside."""
        if self.members is not None:
            return ~(np.isin(x, self.members) | np.isnan(x))
        low = x <= self.low if self.open_low else x < self.low
        high = x >= self.high if self.open_high else x > self.high
        return low | high if self.hole is None else low | high | (x == self.hole)


ANY = Domain("any number")
UNIT = Domain("in [0, 1]", 0.0, 1.0)
POSITIVE = Domain("above 0", 0.0, open_low=True)
NOT_ZERO = Domain("any number but 0", hole=0.0)
NOT_NEGATIVE = Domain("at least 0", 0.0)
BELOW_HALF = Domain("above 0 and below 0.5", 0.0, 0.5, open_low=True, open_high=True)


class Param:
    """A parameter: name, default, meaning, domain, other spellings, and its derivative where it is trainable.

    `choices` makes it a word instead of a number; a default of None makes "none" a value;
    `per_unit` lets it be one number per unit; `derivative(xp, inputs..., parameters...)` is d value / d parameter,
    and `one_sided` the same from the left and from the right, where the value has kinks in the parameter;
    `trained` says that gradient descent changes it, as it does weights.
    """

    __slots__ = (
        "aliases",
        "choices",
        "default",
        "derivative",
        "doc",
        "domain",
        "name",
        "one_sided",
        "per_unit",
        "trained",
    )

    def __init__(
        self,
        name: str,
        default: Any,
        doc: str,
        domain: Domain = ANY,
        *,
        aliases: tuple[str, ...] = (),
        choices: tuple[str, ...] = (),
        per_unit: bool = False,
        derivative: Kernel | None = None,
        one_sided: tuple[Kernel, Kernel] | None = None,
        trained: bool = False,
    ) -> None:
        self.name, self.default, self.doc, self.domain = name, default, doc, domain
        self.aliases, self.choices, self.per_unit, self.derivative = aliases, choices, per_unit, derivative
        self.one_sided, self.trained = one_sided, trained

    def read(self, value: object, owner: str) -> Any:
        """The parameter's value from a user's text, number or list; InputError where it cannot be one."""
        if isinstance(self.default, bool):
            return self._read_flag(value, owner)
        if self.choices:
            for choice in self.choices:
                if str(value) == choice or (choice.isdigit() and value == int(choice)):  # YAML reads 01 as 1
                    return choice
            raise InputError(f"{owner}: {self.name} must be {listed(self.choices, 'or')}, not {quoted(value)}")
        if self.default is None and (value is None or str(value).lower() == "none"):
            return None
        if self.per_unit and isinstance(value, str) and ("," in value or value.startswith("[")):
            value = [part for part in value.strip("[] ").replace(",", " ").split() if part]
        if self.per_unit and isinstance(value, list | tuple):
            return [self._read_number(part, owner) for part in value]
        return self._read_number(value, owner)

    def _read_flag(self, value: object, owner: str) -> bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        text = str(value).lower()
        if text not in words:
            raise InputError(f"{owner}: {self.name} must be true or false, not {quoted(value)}")
        return words[text]

    def _read_number(self, value: object, owner: str) -> float:
        try:
            if isinstance(value, bool | list | dict) or value is None or "_" in str(value):
                raise ValueError
            number = float(value)  # type: ignore[arg-type]  # text or a number: float() itself decides
        except (TypeError, ValueError, OverflowError):
            orelse = " or none" if self.default is None else ""
            raise InputError(f"{owner}: {self.name} must be a number{orelse}, not {quoted(value)}") from None
        if number != number or number not in self.domain:
            wanted = "a number" if self.domain is ANY else self.domain.text
            raise InputError(f"{owner}: {self.name} must be {wanted}, not {number:g}")
        return number


class KinkText(NamedTuple):
    """A kink as a card says it, where its slopes are no numbers but depend on parameters, targets or the length."""

    when: str
    left: str
    right: str
    default: str


class Kink:
    """A point where the derivative jumps: its place, both one-sided derivatives, and the one shown by default.

    `at`, `left` and `right` take the parameters (a loss's take the target first) and work on numbers and arrays.
    For the kinks in a loss's target, the prediction comes first instead. `default` is a side, or "zero": the
    inactive branch, whichever side it is on. `jump` says that the value itself jumps there: then no derivative
    exists, only the branches' slopes. `text` is what a card says of a kink that only some parameters make.
    """

    __slots__ = ("at", "default", "jump", "left", "right", "text", "when")

    def __init__(
        self,
        at: Kernel,
        left: Kernel,
        right: Kernel,
        default: Literal["left", "right", "midpoint", "zero"],
        *,
        when: str,
        jump: bool = False,
        text: KinkText | None = None,
    ) -> None:
        self.at, self.left, self.right = at, left, right
        self.default, self.jump, self.when, self.text = default, jump, when, text

    def shown(self, side: Side, *args: Any) -> Any:
        """The derivative to print at the kink under the user's choice."""
        return choose(self.default if side == "default" else side, self.left(*args), self.right(*args))


def choose(side: str, left: Any, right: Any) -> Any:
    """One number from two one-sided derivatives."""
    if side == "left":
        return left
    if side == "right":
        return right
    if side == "zero":
        return 0.0
    return (left + right) / 2 if side == "midpoint" else (left + right) * float("nan")


def settled(np: Any, sides: tuple[Any, Any, Any], kink: Side, found: Any) -> Any:
    """Derivatives `found` with the user's choice where the (left, right, jump) of `one_sided` differ."""
    left, right, jump = sides
    here = ((left != right) | jump) & (left == left) & (right == right)
    return found if kink == "default" else np.where(here, choose(kink, left, right), found)


class Entry:
    """What every function declares; the classes below add their kernels. `libraries` has its name in each."""

    __slots__ = (
        "aliases", "derivative_formula", "domain", "formula", "kind", "libraries", "name", "notes", "params",
        "sample", "source", "title",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        title: str,
        kind: Kind,
        formula: str,
        derivative_formula: str,
        source: str,
        aliases: tuple[str, ...] = (),
        params: tuple[Param, ...] = (),
        domain: Domain = ANY,
        notes: tuple[str, ...] = (),
        libraries: Mapping[str, str] = NOWHERE,
        sample: tuple[float, float] = (-6.0, 6.0),
    ) -> None:
        self.name, self.title, self.kind, self.aliases = name, title, kind, aliases
        self.libraries = libraries
        self.formula, self.derivative_formula = formula, derivative_formula
        self.params, self.domain, self.notes, self.source, self.sample = params, domain, notes, source, sample

    def inputs(self, parameters: Mapping[str, Any]) -> Domain:
        """Where inputs may lie under these parameters."""
        return self.domain

    def param(self, name: str) -> Param:
        """The parameter of that name or alias; UsageError with near names where there is none."""
        for param in self.params:
            if simplified(name) in map(simplified, (param.name, *param.aliases)):
                return param
        known = [p.name for p in self.params]
        has = f"it has {listed(known)}" if known else "it has none"
        raise UsageError(f"{self.name} has no parameter {quoted(name)}", hint=near(name, known) or has)

    def parameters(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Every parameter's value: the given ones read and checked, the others' defaults.

        UsageError for a parameter there is not, InputError for a value that cannot be.
        """
        found: dict[str, Any] = {}
        for name, value in given.items():
            param = self.param(name)
            if param.name in found:
                raise UsageError(f"{self.name}: {param.name} is given twice")
            found[param.name] = param.read(value, self.name)
        return {p.name: found.get(p.name, p.default) for p in self.params}


class Elementwise(Entry):
    """An activation R -> R: value, derivative and second derivative by z, with its kinks.

    A formula's kinks cannot be listed: `one_sided(letter)` is a kernel that gives, at any point, the left and the right
    derivative by that letter, and whether the value jumps.
    """

    __slots__ = ("derivative", "kinks", "one_sided", "second", "value")

    def __init__(
        self,
        *,
        value: Kernel,
        derivative: Kernel,
        second: Kernel,
        kinks: tuple[Kink, ...] = (),
        one_sided: Callable[[str], Kernel] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(kind="activation", **common)
        self.value, self.derivative, self.second, self.kinks = value, derivative, second, kinks
        self.one_sided = one_sided


class ElementwiseLoss(Entry):
    """A loss of one prediction x and its target y: value, derivatives by x, derivative by y, with its kinks.

    `target_domain` is where targets may lie by default, `targets(parameters)` where under given parameters;
    `domains(parameters)` are where predictions and targets may lie, where that depends on parameters.
    `target_kinks` are the kinks in y (by --wrt target). `logits` names the same loss on logits, where there is one.
    `one_sided` is as in Elementwise.
    """

    __slots__ = (
        "by_target", "derivative", "domains", "kinks", "logits", "one_sided", "second", "target_domain",
        "target_kinks", "targets_by_choice", "value",
    )  # fmt: skip

    def __init__(
        self,
        *,
        value: Kernel,
        derivative: Kernel,
        second: Kernel,
        by_target: Kernel | None,
        target_domain: Domain = ANY,
        kinks: tuple[Kink, ...] = (),
        target_kinks: tuple[Kink, ...] = (),
        targets_by_choice: Mapping[str, Domain] | None = None,
        domains: Callable[[Mapping[str, Any]], tuple[Domain, Domain]] | None = None,
        logits: str = "",
        one_sided: Callable[[str], Kernel] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(kind="loss", **common)
        self.value, self.derivative, self.second, self.by_target = value, derivative, second, by_target
        self.target_domain, self.kinks, self.target_kinks, self.logits = (
            target_domain,
            kinks,
            target_kinks,
            logits,
        )
        self.targets_by_choice = targets_by_choice or {}
        self.domains = domains
        self.one_sided = one_sided

    def inputs(self, parameters: Mapping[str, Any]) -> Domain:
        """Where predictions may lie under these parameters."""
        return self.domains(parameters)[0] if self.domains else self.domain

    def targets(self, parameters: Mapping[str, Any]) -> Domain:
        """Where targets may lie under these parameters: a parameter may be a choice of labels."""
        if self.domains:
            return self.domains(parameters)[1]
        for value in parameters.values():
            if isinstance(value, str) and value in self.targets_by_choice:
                return self.targets_by_choice[value]
        return self.target_domain


class VectorActivation(Entry):
    """An activation of a whole vector (last axis): value, Jacobian J[i][j] = d out_i / d in_j, and J^T upstream.

    value(np, x, ...): x (..., n) -> (..., m);  jacobian(np, x, ...) -> (..., m, n);
    vjp(np, x, upstream, ...) -> (..., n), without forming the Jacobian. m = outputs(n) is n unless `outputs` says
    otherwise; for lengths the function cannot take, `outputs` raises InputError.
    """

    __slots__ = ("jacobian", "outputs", "value", "vjp")

    def __init__(
        self,
        *,
        value: Kernel,
        jacobian: Kernel,
        vjp: Kernel,
        outputs: Callable[[int], int] = int,
        **common: Any,
    ) -> None:
        super().__init__(kind="activation", **common)
        self.value, self.jacobian, self.vjp, self.outputs = value, jacobian, vjp, outputs


class VectorToScalar(Entry):
    """A scalar of a vector (last axis): value(np, x, ...) -> (...); gradient(np, x, side, ...) -> (..., n).

    `side` is "left", "right" or "default"; at_kink(np, x, ...) -> (..., n) says where the one-sided ones differ,
    and `kinks` says it in words. at_tie(np, x, ...) -> (..., n) says which entries tie for a maximum: there not a
    side decides, but the parameter `ties`. Both are None where there are none.
    """

    __slots__ = ("at_kink", "at_tie", "gradient", "kinks", "value")

    def __init__(
        self,
        *,
        value: Kernel,
        gradient: Kernel,
        at_kink: Kernel | None = None,
        kinks: tuple[KinkText, ...] = (),
        at_tie: Kernel | None = None,
        kind: Kind = "activation",
        **common: Any,
    ) -> None:
        super().__init__(kind=kind, **common)
        self.value, self.gradient, self.at_kink, self.kinks, self.at_tie = value, gradient, at_kink, kinks, at_tie


class Norm(VectorToScalar):
    """The size of a vector."""

    __slots__ = ()

    def __init__(self, *, at_kink: Kernel, **common: Any) -> None:
        super().__init__(kind="norm", at_kink=at_kink, **common)


class VectorLoss(Entry):
    """A loss of a whole example (last axis): x (..., n) and its target -> (...).

    `takes` says what a target is: "values" (y like x), "distribution" (y like x, or a class, which becomes one-hot)
    or "class" (an integer array (...) of classes from 0). gradient(np, x, y, side, ...) -> (..., n), with `side` and
    at_kink(np, x, y, ...) and `kinks` as in Norm; by_target(np, x, y, ...) -> (..., n), or None where targets are
    classes. `logits` names the same loss on logits, where there is one. `additive` says that a loss of values is the
    sum or mean of a term of each element, the same for x and y exchanged; else elements can have no own weights.
    """

    __slots__ = (
        "additive",
        "at_kink",
        "by_target",
        "gradient",
        "kinks",
        "logits",
        "takes",
        "target_domain",
        "value",
    )

    def __init__(
        self,
        *,
        value: Kernel,
        gradient: Kernel,
        by_target: Kernel | None,
        takes: Literal["values", "distribution", "class"],
        at_kink: Kernel | None = None,
        kinks: tuple[KinkText, ...] = (),
        target_domain: Domain = ANY,
        logits: str = "",
        additive: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(kind="loss", **common)
        self.additive = additive
        self.value, self.gradient, self.by_target, self.takes = value, gradient, by_target, takes
        self.at_kink, self.kinks, self.target_domain, self.logits = at_kink, kinks, target_domain, logits
