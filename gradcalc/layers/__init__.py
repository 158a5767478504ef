"""Layers: one small file each, a forward pass that returns its own way back; found by type, imported when met."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcalc.layers.declaration import LayerEntry

#: Every file of layers with the types it declares in its ENTRIES, in the order in which they are listed.
MODULES: dict[str, tuple[str, ...]] = {
    "dense": ("dense",),
    "activation": ("activation",),
    "dropout": ("dropout",),
    "flatten": ("flatten",),
    "reshape": ("reshape",),
    "transpose": ("transpose",),
    "add": ("add",),
    "multiply": ("multiply",),
    "concat": ("concat",),
    "conv1d": ("conv1d",),
    "conv2d": ("conv2d",),
    "max_pool": ("max_pool1d", "max_pool2d"),
    "avg_pool": ("avg_pool1d", "avg_pool2d"),
    "global_pool": ("global_avg_pool", "global_max_pool"),
    "batch_norm": ("batch_norm",),
    "layer_norm": ("layer_norm",),
    "rms_norm": ("rms_norm",),
    "group_norm": ("group_norm",),
    "normalize": ("normalize",),
    "embedding": ("embedding",),
    "rnn": ("rnn",),
    "lstm": ("lstm",),
    "gru": ("gru",),
    "attention": ("attention",),
}

#: Every type of layer.
TYPES = tuple(type_ for types in MODULES.values() for type_ in types)


@cache
def find(type_: str) -> LayerEntry:
    """The declaration of one of TYPES; only its own file is imported."""
    module = next(module for module, types in MODULES.items() if type_ in types)
    declared: tuple[LayerEntry, ...] = import_module(f"{__name__}.{module}").ENTRIES
    return next(entry for entry in declared if entry.type == type_)


def entries() -> tuple[LayerEntry, ...]:
    """Every layer there is."""
    return tuple(find(type_) for type_ in TYPES)
