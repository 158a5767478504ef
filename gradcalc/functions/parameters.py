"""What numbers and words a function takes: the domains of its inputs, and its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gradcalc.errors import InputError, listed, quoted

if TYPE_CHECKING:
    from gradcalc.functions.kinks import KinkText

Kernel = Callable[..., Any]

inf = float("inf")


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


class Whole(Domain):
    """The whole numbers from some number on."""

    __slots__ = ()

    def __contains__(self, x: float) -> bool:
        return x - x == 0.0 and x == int(x) and x >= self.low

    def outside(self, np: Any, x: Any) -> Any:
        return ~(np.isfinite(x) & (x == np.floor(x)) & (x >= self.low))


ANY = Domain("any number")
WHOLE = Whole("a whole number")
UNIT = Domain("in [0, 1]", 0.0, 1.0)
POSITIVE = Domain("above 0", 0.0, open_low=True)
NOT_ZERO = Domain("any number but 0", hole=0.0)
NOT_NEGATIVE = Domain("at least 0", 0.0)
BELOW_HALF = Domain("above 0 and below 0.5", 0.0, 0.5, open_low=True, open_high=True)


class Param:
    """A parameter: name, default, meaning, domain, other spellings, and its derivative where it is trainable.

    `choices` makes it a word instead of a number; a default of None makes "none" a value;
    `per_unit` lets it be one number per unit; `derivative(xp, inputs..., parameters...)` is d value / d parameter,
    and `one_sided` the same from the left and from the right, where the value has kinks in the parameter: `kinks` are
    those as a card says them, and `jumps`, which takes the same, is true where the value itself jumps. `trained` says
    that gradient descent changes it, as it does weights; `at_most` names the parameter that it may not exceed.
    """

    __slots__ = (
        "aliases",
        "at_most",
        "choices",
        "default",
        "derivative",
        "doc",
        "domain",
        "jumps",
        "kinks",
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
        jumps: Kernel | None = None,
        kinks: tuple[KinkText, ...] = (),
        trained: bool = False,
        at_most: str = "",
    ) -> None:
        self.name, self.default, self.doc, self.domain = name, default, doc, domain
        self.aliases, self.choices, self.per_unit, self.derivative = aliases, choices, per_unit, derivative
        self.one_sided, self.jumps, self.kinks = one_sided, jumps, kinks
        self.trained, self.at_most = trained, at_most

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
