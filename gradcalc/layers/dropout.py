"""Dropout: in training a number is kept or becomes 0, as a mask says."""

from __future__ import annotations

import numpy as np

from gradcalc.layers.base import Layer, Quantities, Step, no_slope
from gradcalc.layers.declaration import Key, LayerEntry, Quantity, Sample, Settings
from gradcalc.shapes import Array, Shape, shape_text

_MOST_AXES = 8


class Dropout(Layer):
    """a = x * mask * scale. The mask is given, or drawn from its seed, the same in every pass; None: all is kept."""

    type = "dropout"

    def __init__(self, name: str, shape: Shape, p: float, mask: Array | int | None, scale: float) -> None:
        super().__init__(name, takes=(shape,), gives=shape)
        self.p, self.mask, self.scale = p, mask, scale

    def _mask(self, shape: Shape) -> Array | None:
        """1 where a number is kept, for a batch of that shape."""
        if isinstance(self.mask, int):
            return np.random.default_rng(self.mask).random(shape) >= self.p
        return None if self.mask is None else np.broadcast_to(self.mask, shape)

    def forward(self, *inputs: Array) -> Step:
        """Back, da goes where its number was kept, times the same scale."""
        (x,) = inputs
        drawn = self._mask(x.shape)
        factor = np.asarray(self.scale, dtype=x.dtype)
        mask = None if drawn is None else drawn.astype(x.dtype)
        a = _kept(x, mask) * factor

        def back(da: Array, dz: Array | None = None) -> Quantities:
            return {"da": da, "dx": _kept(da, mask) * factor}

        shown = {} if mask is None else {"mask": mask}
        return Step(a, {"x": x, **shown, "a": a}, no_slope, back)


def _kept(array: Array, mask: Array | None) -> Array:
    return array if mask is None else array * mask


def _build(settings: Settings) -> Dropout:
    (shape,) = settings.shapes
    alone = settings.has("mask") and not settings.has("p")  # the mask is the whole factor
    p = 0.0 if alone else settings.real("p", least=0)
    if p >= 1:
        raise settings.error(
            f"layer {settings.name}: p must be below 1, not {p:g}: a number is dropped with it", key="p"
        )
    inverted = settings.choice("scale", ("inverted", "none")) == "inverted"
    if settings.has("mask") and settings.has("seed"):
        raise settings.error(f"layer {settings.name} has a mask and a seed for one; give either", key="seed")
    drawn = not settings.has("mask")
    mask: Array | int = settings.whole("seed", least=0) if drawn else _read_mask(settings, shape, factors=alone)
    if settings.choice("mode", ("train", "eval")) == "eval":
        return Dropout(settings.name, shape, p, None, 1.0 if inverted else 1 - p)
    return Dropout(settings.name, shape, p, mask, 1 / (1 - p) if inverted else 1.0)


def _read_mask(settings: Settings, shape: Shape, *, factors: bool) -> Array:
    """The mask of a batch, or one for all examples; `factors`: with any numbers."""
    mask = settings.mask("mask", _MOST_AXES)
    batch = (settings.examples, *shape)
    if mask.shape not in (shape, batch):
        raise settings.error(
            f"layer {settings.name} takes {shape_text(shape)} from {settings.sources[0]}, so its mask has that shape, "
            f"or {shape_text(batch)} for the batch, not {shape_text(mask.shape)}",
            key="mask",
        )
    if not factors and not np.isin(mask, (0, 1)).all():
        raise settings.error(
            f"the mask of layer {settings.name} has other numbers than 0 (dropped) and 1 (kept)",
            "kept numbers are divided by 1 - p by itself; leave p out where the mask has that in it",
            key="mask",
        )
    settings.reserve(mask.size, f"the mask of layer {settings.name}", "mask")
    return mask


ENTRIES = (
    LayerEntry(
        type="dropout",
        title="Dropout",
        build=_build,
        keys=(
            Key("p", "number", "how likely a number is dropped; left out: 0.5, or 0 with a mask", default=0.5),
            Key(
                "mask",
                "array",
                "1 or true where a number is kept, 0 or false where it is dropped: for one example or for the batch; "
                "without p, x is multiplied by it as it stands",
            ),
            Key(
                "seed", "whole number", "in place of a mask: one is drawn, the same each time; 0 if left out", default=0
            ),
            Key("mode", "train | eval", "eval keeps every number; train where it is left out", default="train"),
            Key(
                "scale",
                "inverted | none",
                "inverted: kept numbers are divided by 1 - p; none: a is multiplied by 1 - p in eval",
                default="inverted",
            ),
        ),
        forward=("a = x * mask / (1 - p) in training", "a = x in eval"),
        backward=("dL/dx = dL/da * mask / (1 - p)", "dL/dx = dL/da in eval"),
        example="""\
input: [1, 2, 3, 4]
layers:
  - {type: dropout, p: 0.5, mask: [1, 0, 1, 1]}
upstream: [1, 1, 1, 1]
""",
        samples=(
            Sample({"p": 0.3, "seed": 4}, ((3,),), coupled=True),
            Sample({"p": 0.25, "mask": [[1, 0, 1], [0, 1, 1]], "scale": "none"}, ((2, 3),)),
            Sample({"mask": [2, 0, 2]}, ((3,),)),
            Sample({"mode": "eval"}, ((4,),)),
            Sample({"mode": "eval", "p": 0.2, "scale": "none"}, ((4,),)),
        ),
        quantities=(
            Quantity("mask", doc="1 where a number is kept, 0 where it is dropped"),
            Quantity("a", "x times mask and scale"),
            Quantity("dx", "dL/da times mask and scale"),
        ),
        notes=(
            "a drawn mask keeps a number where NumPy's default_rng(seed).random(shape) is at least p, shape that of "
            "the whole batch; it is the same in every step",
        ),
        source="Srivastava et al. 2014; inverted as CS231n and PyTorch do it",
    ),
)
