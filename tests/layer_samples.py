"""Layers built from the samples of their declarations, with random numbers for their inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gradcalc import layers
from gradcalc.conventions import OPTIONS, find_convention
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.declaration import LayerEntry, Sample
from gradcalc.shapes import Array
from gradcalc.spec.graph import read_graph
from gradcalc.spec.layers import build_layers
from gradcalc.spec.nodes import Node, Reading

BATCH = 3


class Case(NamedTuple):
    """One sample of one type of layer."""

    entry: LayerEntry
    sample: Sample

    def __str__(self) -> str:
        said = [
            f"{key}={'...' if isinstance(value, list | dict) else value}" for key, value in self.sample.keys.items()
        ]
        return "-".join([self.entry.type, *said])


CASES = [Case(entry, sample) for entry in layers.entries() for sample in entry.samples]


def inputs(case: Case, count: int = BATCH, dtype: Any = np.float64) -> list[Array]:
    """Random inputs of so many examples; integers where the layer takes them."""
    draw = np.random.default_rng(11)
    if case.sample.whole:
        return [draw.integers(0, case.sample.whole, (count, *shape)).astype(dtype) for shape in case.sample.shapes]
    return [draw.normal(size=(count, *shape)).astype(dtype) for shape in case.sample.shapes]


def built(case: Case, given: list[Array], dtype: Any = np.float64) -> Layer:
    """The layer of a case, for these inputs, as the spec reader builds it."""
    reading = Reading(Path(), allow_outside=False, memory_limit=2**30)
    reading.dtype = np.dtype(dtype)
    names = [f"in{i}" for i in range(len(given))]
    stated_layer = {"name": "one", "type": case.entry.type, "inputs": names, **case.sample.keys}
    stated = read_graph(Node([stated_layer], ("layers",), reading), names)
    preset = find_convention("default")
    conventions = {option.name: str(getattr(preset, option.name)) for option in OPTIONS}
    return build_layers(stated, list(zip(names, given, strict=True)), len(given[0]), conventions).layers[0]


def upstream(layer: Layer, count: int = BATCH, seed: int = 5) -> Array:
    """A random dL/da."""
    return np.random.default_rng(seed).normal(size=(count, *layer.gives))


def derivatives(found: Quantities) -> Quantities:
    """What `back` gave but for f_prime."""
    return {name: array for name, array in found.items() if name != "f_prime"}
