"""The further inputs a function takes beside its input and target: the second vector of a pair, the third of three."""

from __future__ import annotations

from gradcalc.functions.kinks import Kink
from gradcalc.functions.parameters import Kernel


class Input:
    """A further input: its name, what it is, what shape it has, other spellings, and the derivative by it.

    `derivative` takes what the function's own derivative takes. `kinks` are those in this input of an elementwise
    loss; what `at`, `left` and `right` take of them is the prediction, the target, any other further inputs and the
    parameters. `may_be_target` says that it may be given as a target, for a loss that has no other.
    """

    __slots__ = ("aliases", "derivative", "doc", "kinks", "may_be_target", "name", "shape")

    def __init__(
        self,
        name: str,
        doc: str,
        shape: str,
        *,
        derivative: Kernel,
        aliases: tuple[str, ...] = (),
        kinks: tuple[Kink, ...] = (),
        may_be_target: bool = False,
    ) -> None:
        self.name, self.doc, self.shape, self.derivative = name, doc, shape, derivative
        self.aliases, self.kinks, self.may_be_target = aliases, kinks, may_be_target
