"""Where a derivative jumps: kinks as functions declare them, and the user's choice between the two sides."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from gradcalc.functions.parameters import Kernel

Side = Literal["left", "right", "midpoint", "undefined", "default"]
SIDES: tuple[Side, ...] = ("default", "left", "right", "midpoint", "undefined")


class KinkText(NamedTuple):
    """A kink as a card says it, where its slopes are no numbers but depend on parameters, targets or the length."""

    when: str
    left: str
    right: str
    default: str


class Kink:
    """A point where the derivative jumps: its place, both one-sided derivatives, and the one shown by default.

    `at`, `left` and `right` take the parameters (a loss's take the target first) and work on numbers and arrays.
    For the kinks in a loss's target, the prediction comes first instead. `default` is a side, or "zero" or "active":
    of two sides one of which is 0, that one or the other. `jump` says that the value itself jumps there: then no
    derivative exists, only the branches' slopes. `text` is what a card says of a kink that only some parameters make.
    """

    __slots__ = ("at", "default", "jump", "left", "right", "text", "when")

    def __init__(
        self,
        at: Kernel,
        left: Kernel,
        right: Kernel,
        default: Literal["left", "right", "midpoint", "zero", "active"],
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
    if side == "active":
        return left + right
    return (left + right) / 2 if side == "midpoint" else (left + right) * float("nan")


def settled(np: Any, sides: tuple[Any, Any, Any], kink: Side, found: Any) -> Any:
    """Derivatives `found` with the user's choice where the (left, right, jump) of `one_sided` differ."""
    left, right, jump = sides
    here = ((left != right) | jump) & (left == left) & (right == right)
    return found if kink == "default" else np.where(here, choose(kink, left, right), found)
