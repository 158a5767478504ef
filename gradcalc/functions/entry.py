"""What a function declares of itself, and what is derived from that: one entry holds all there is to know.

Kernels are written against a number system `xp` (`numerics.scalar` or `numerics.arrays`; vector kernels get
NumPy itself and work along the last axis). An entry's parameters follow the inputs, in declared order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from gradcalc.errors import InputError, UsageError, listed, near, quoted, simplified
from gradcalc.functions.further import Input
from gradcalc.functions.kinks import SIDES, Kink, KinkText, Side, choose, settled
from gradcalc.functions.parameters import (
    ANY,
    BELOW_HALF,
    NOT_NEGATIVE,
    NOT_ZERO,
    POSITIVE,
    UNIT,
    Domain,
    Kernel,
    Param,
)

#: With what is declared, all that its declaration takes.
__all__ = [
    "ANY", "BELOW_HALF", "NOT_NEGATIVE", "NOT_ZERO", "POSITIVE", "SIDES", "UNIT", "Domain", "Elementwise",
    "ElementwiseLoss", "Entry", "Input", "Kernel", "Kind", "Kink", "KinkText", "Norm", "Param", "Side",
    "VectorActivation", "VectorLoss", "VectorToScalar", "choose", "settled",
]  # fmt: skip

Kind = Literal["activation", "loss", "norm"]
NOWHERE: Mapping[str, str] = {}


class Entry:
    """What every function declares; the classes below add their kernels. `libraries` has its name in each.

    `image` is the range of its values; for a loss or norm that does not say it, it is [0, inf).
    `variants` have the formula where a parameter that does not stand in it is not as it is by default.

    `rank` is that of an input by itself: 0 for a number, 1 for a vector, 2 for a matrix.
    """

    __slots__ = (
        "aliases", "derivative_formula", "domain", "formula", "further", "image", "kind", "libraries", "name", "notes",
        "params", "sample", "source", "title", "variants",
    )  # fmt: skip
    rank = 1

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
        further: tuple[Input, ...] = (),
        domain: Domain = ANY,
        image: str = "",
        notes: tuple[str, ...] = (),
        libraries: Mapping[str, str] = NOWHERE,
        variants: Mapping[str, str] = NOWHERE,
        sample: tuple[float, float] = (-6.0, 6.0),
    ) -> None:
        self.name, self.title, self.kind, self.aliases = name, title, kind, aliases
        self.libraries, self.further, self.variants = libraries, further, variants
        self.image = image or ("" if kind == "activation" else "[0, inf)")
        self.formula, self.derivative_formula = formula, derivative_formula
        self.params, self.domain, self.notes, self.source, self.sample = params, domain, notes, source, sample

    def inputs(self, parameters: Mapping[str, Any]) -> Domain:
        """Where inputs may lie under these parameters."""
        return self.domain

    @property
    def has_target(self) -> bool:
        """Whether it takes a target."""
        return self.kind == "loss"

    @property
    def signature(self) -> str:
        """What it is called in its formula, with all that it is a function of: f(z), or L(a, other, y)."""
        if self.kind != "loss":
            return "f(z)" if self.kind == "activation" else "norm(x)"
        letters = ["a", *(one.name for one in self.further), *(["y"] if self.has_target else [])]
        return f"L({', '.join(letters)})"

    def further_input(self, name: str) -> Input | None:
        """The further input of that name or alias, if there is one."""
        for one in self.further:
            if simplified(name) in map(simplified, (one.name, *one.aliases)):
                return one
        return None

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
        found = self.read(given)
        values = {p.name: found.get(p.name, p.default) for p in self.params}
        for low, high in ((p.name, p.at_most) for p in self.params if p.at_most):
            if values[low] > values[high]:
                message = (
                    f"{self.name}: {low} must be at most {high}, not {values[low]:g} with {high} = {values[high]:g}"
                )
                raise InputError(message)
        return values

    def read(self, given: Mapping[str, object]) -> dict[str, Any]:
        """The given parameters alone, each read and checked by itself. Errors as above."""
        found: dict[str, Any] = {}
        for name, value in given.items():
            param = self.param(name)
            if param.name in found:
                raise UsageError(f"{self.name}: {param.name} is given twice")
            found[param.name] = param.read(value, self.name)
        return found


class Elementwise(Entry):
    """An activation R -> R: value, derivative and second derivative by z, with its kinks.

    A formula's kinks cannot be listed: `one_sided(letter)` is a kernel that gives, at any point, the left and the right
    derivative by that letter, and whether the value jumps.
    """

    __slots__ = ("derivative", "kinks", "one_sided", "second", "value")
    rank = 0

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
    `one_sided` is as in Elementwise. Kernels and kinks take further inputs behind the target.
    """

    __slots__ = (
        "by_target", "derivative", "domains", "kinks", "logits", "one_sided", "second", "target_domain",
        "target_kinks", "targets_by_choice", "value",
    )  # fmt: skip
    rank = 0

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
    otherwise; for lengths the function cannot take, `outputs` raises InputError. `one_sided(np, x, side, ...)` is the
    Jacobian from the "left" or the "right", where a function has kinks and says so.
    """

    __slots__ = ("jacobian", "one_sided", "outputs", "value", "vjp")

    def __init__(
        self,
        *,
        value: Kernel,
        jacobian: Kernel,
        vjp: Kernel,
        outputs: Callable[[int], int] = int,
        one_sided: Kernel | None = None,
        **common: Any,
    ) -> None:
        super().__init__(kind="activation", **common)
        self.value, self.jacobian, self.vjp, self.outputs = value, jacobian, vjp, outputs
        self.one_sided = one_sided


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
    classes; `target_sides` are gradient and at_kink once more, in the target, where by_target has kinks of its own.
    `logits` names the same loss on logits, where there is one. `additive` says that a loss of values is the
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
        "target_sides",
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
        target_sides: tuple[Kernel, Kernel] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(kind="loss", **common)
        self.additive, self.target_sides = additive, target_sides
        self.value, self.gradient, self.by_target, self.takes = value, gradient, by_target, takes
        self.at_kink, self.kinks, self.target_domain, self.logits = at_kink, kinks, target_domain, logits
