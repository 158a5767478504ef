"""Layers in a spec: each built from its keys and the shapes of what it takes, known to fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from gradcalc.errors import SpecError, listed
from gradcalc.layers.base import Layer
from gradcalc.network import Parameter
from gradcalc.shapes import Array, shape_text
from gradcalc.spec.graph import Stated
from gradcalc.spec.limits import size_text
from gradcalc.spec.nodes import Reading
from gradcalc.spec.settings import LayerSettings, Source

Conventions = dict[str, str]


class Built(NamedTuple):
    """The layers, and which of their parameters are another layer's."""

    layers: list[Layer]
    shared: dict[Parameter, Parameter]


def build_layers(
    stated: Sequence[Stated], inputs: Sequence[tuple[str, Array]], examples: int, conventions: Conventions
) -> Built:
    """The layers in order, each from the shapes of what it takes. Errors: SpecError."""
    built: dict[str, Layer] = {}
    shared: dict[Parameter, Parameter] = {}
    places = {one.name: position for position, one in enumerate(stated)}
    for position, one in enumerate(stated):
        sources = [_source(place, stated, inputs, built) for place in one.sources]
        _check_ranks(one, sources)
        settings = LayerSettings(
            one.node,
            one.entry,
            one.name,
            one.keys,
            sources=sources,
            examples=examples,
            conventions=conventions,
            built=built,
        )
        built[one.name] = one.entry.build(settings)
        for letter, (owner, its_letter) in settings.shared.items():
            whose = (places[owner], its_letter)
            shared[position, letter] = shared.get(whose, whose)  # the first owner's, along any way
    return Built(list(built.values()), shared)


def _source(
    place: int, stated: Sequence[Stated], inputs: Sequence[tuple[str, Array]], built: dict[str, Layer]
) -> Source:
    if place >= 0:
        name = stated[place].name
        return Source(name, built[name].gives)
    name, array = inputs[-1 - place]
    label = f"the input {name}" if len(inputs) > 1 else "the input"
    return Source(label, array.shape[1:], array, ("input", name) if len(inputs) > 1 else ("input",))


def _check_ranks(one: Stated, sources: Sequence[Source]) -> None:
    """The first input has as many axes as the layer needs."""
    ranks = one.entry.ranks
    if ranks and len(sources[0].shape) not in ranks:
        axes = f" ({', '.join(one.entry.axes)})" if one.entry.axes else ""
        raise one.node.error(
            f"layer {one.name} ({one.entry.type}) takes examples of {listed([str(r) for r in ranks], 'or')} "
            f"axes{axes}, but {sources[0].name} gives {shape_text(sources[0].shape)}",
            "a reshape layer before it gives examples another shape",
        )


def reserve_passes(reading: Reading, layers: Sequence[Layer], examples: int) -> None:
    """Counts what a forward and backward pass keeps, parameters' gradients included; the error is at the largest."""
    if layers:
        kept = [layer.kept(examples) for layer in layers]
        at = kept.index(max(kept))
        of_it = f", {size_text(kept[at] * reading.dtype.itemsize)} of it for layer {layers[at].name}"
        reading.reserve(sum(kept), ("layers", at), "this network with so many examples", of_it)


def rank_error(one: Stated, array: Array, path: tuple[str, ...]) -> SpecError:
    """The error for an input of a number of axes that the layer which decides on it does not take."""
    ranks = sorted(one.entry.ranks)
    wanted = listed([str(rank) for rank in ranks], "or")
    axes = f" ({', '.join(one.entry.axes)})" if one.entry.axes else ""
    return SpecError(
        f"layer {one.name} ({one.entry.type}) takes examples of {wanted} axes{axes}, so the input has {wanted} axes, "
        f"or {ranks[-1] + 1} for a batch, not {array.ndim}",
        hint="a reshape layer before it gives examples another shape",
        path=path,
    )
