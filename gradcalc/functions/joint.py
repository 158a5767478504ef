"""Losses that are one number of several arrays together: of pairs and triplets, of batches, of sequences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from gradcalc.functions.entry import ANY, Domain, Entry, Kernel, KinkText
from gradcalc.functions.parameters import WHOLE, Whole

#: What the target of such a loss is: none, -1 or 1, a label for each row, or the labels of a sequence in their order.
Takes = Literal["", "sign", "labels", "sequence"]

CLASS = Whole("a whole number, at least 0", 0.0)
SIGN = Domain("-1 or 1", members=(-1.0, 1.0))


class JointLoss(Entry):
    """A loss of an input x and its further inputs, all vectors (rank 1), or of a matrix x (rank 2).

    value(np, x, [y,] further..., parameters...) is one number, for rank 1 one for each vector along the last axis;
    gradient(np, x, [y,] further..., side, parameters...) and each further input's derivative have the shape of what
    they are by, and `side` is "left", "right" or "default". y is there if `takes` says so; labels are integers.
    fits(x, y, parameters) raises InputError for what does not go together. Without `kinks` there are none.
    """

    __slots__ = ("fits", "gradient", "kinks", "rank", "takes", "value")

    def __init__(
        self,
        *,
        value: Kernel,
        gradient: Kernel,
        takes: Takes = "",
        rank: int = 1,
        kinks: tuple[KinkText, ...] = (),
        fits: Callable[[Any, Any, dict[str, Any]], None] | None = None,
        **common: Any,
    ) -> None:
        super().__init__(kind="loss", **common)
        self.value, self.gradient, self.takes, self.rank = value, gradient, takes, rank
        self.kinks, self.fits = kinks, fits

    @property
    def has_target(self) -> bool:
        """Whether it takes a target."""
        return bool(self.takes)

    @property
    def target_domain(self) -> Domain:
        """What numbers its target is made of."""
        return {"sign": SIGN, "labels": WHOLE, "sequence": WHOLE}.get(self.takes, ANY)
