"""A loss with its further inputs bound in: what is left is a loss of an output and its target, as networks have it."""

from __future__ import annotations

from typing import Any

from gradcalc.functions.entry import ANY, ElementwiseLoss, Entry, Kernel, Kink, VectorLoss
from gradcalc.functions.joint import JointLoss

#: What a declaration keeps: all but what is bound.
_COMMON = [name for name in Entry.__slots__ if name not in ("kind", "further")]


class BoundJoint(VectorLoss):
    """A joint loss of vectors for each example: output (N, n), target (N, n) with a sign all along, if it has one."""

    __slots__ = ("joint",)

    def __init__(self, entry: JointLoss, further: tuple[Any, ...]) -> None:
        self.joint = entry

        def given(x: Any, y: Any) -> tuple[Any, ...]:
            return (x, y[..., 0], *further) if entry.takes else (x, *further)

        def gradient(np: Any, x: Any, y: Any, side: str, *rest: Any) -> Any:
            return entry.gradient(np, *given(x, y), side, *rest)

        def at_kink(np: Any, x: Any, y: Any, *rest: Any) -> Any:
            left, right = (gradient(np, x, y, side, *rest) for side in ("left", "right"))
            return (left != right) & (left == left) & (right == right)

        super().__init__(
            value=lambda np, x, y, *rest: entry.value(np, *given(x, y), *rest),
            gradient=gradient,
            by_target=None,
            takes="values",
            at_kink=at_kink,
            kinks=entry.kinks,
            target_domain=entry.target_domain if entry.takes else ANY,
            additive=False,
            **{name: getattr(entry, name) for name in _COMMON},
        )

    @property
    def one_target(self) -> bool:
        """Whether its target is one number for each example."""
        return self.joint.takes == "sign"

    @property
    def has_target(self) -> bool:
        """Whether it takes a target."""
        return self.joint.has_target


def bound(entry: Entry, further: tuple[Any, ...]) -> ElementwiseLoss | VectorLoss:
    """The loss of an output and its target that is left when its further inputs are these arrays."""
    if isinstance(entry, JointLoss):
        return BoundJoint(entry, further)
    assert isinstance(entry, ElementwiseLoss | VectorLoss)
    if not further:
        return entry
    assert isinstance(entry, ElementwiseLoss)  # no other takes further inputs
    return ElementwiseLoss(
        value=_with(entry.value, further),
        derivative=_with(entry.derivative, further),
        second=_with(entry.second, further),
        by_target=_with(entry.by_target, further) if entry.by_target else None,
        kinks=tuple(_bound_kink(kink, further) for kink in entry.kinks),
        target_domain=entry.target_domain,
        targets_by_choice=entry.targets_by_choice,
        domains=entry.domains,
        logits=entry.logits,
        **{name: getattr(entry, name) for name in _COMMON},
    )


def _with(kernel: Kernel, further: tuple[Any, ...]) -> Kernel:
    return lambda xp, x, y, *rest: kernel(xp, x, y, *further, *rest)


def _bound_kink(kink: Kink, further: tuple[Any, ...]) -> Kink:
    def of_target(part: Kernel) -> Kernel:
        return lambda y, *rest: part(y, *further, *rest)

    sides = (of_target(kink.left), of_target(kink.right))
    return Kink(of_target(kink.at), *sides, kink.default, when=kink.when, jump=kink.jump, text=kink.text)
