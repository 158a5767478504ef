"""The right numbers by the names that students use, looked up once for all files."""

from __future__ import annotations

import re
from functools import cached_property
from typing import NamedTuple

import numpy as np

from gradcalc.addresses import Address, split_index
from gradcalc.backpropagation import BackpropResult
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.layers.dense import Dense
from gradcalc.shapes import Array
from gradcalc.spec.npy import Room

#: A place in an array, as an index.
Place = tuple[int | slice, ...]

#: So many times the right number of numbers, and so many more, are read of an answer: it may be wrong in ways we know.
_FAR_MORE = 4
_ANYWAY = 100_000

_BIAS = re.compile(r"(?P<before>.*(\.|^)d?)b(?P<after>[0-9]*(_new)?)")


class Meant(NamedTuple):
    """What a name means: its address, and the place in the quantity `layer`.`letter` where its numbers stand."""

    address: str
    layer: str
    letter: str
    place: Place
    expected: Array


class Lookup:
    """A result whose quantities are found by name, each name once."""

    def __init__(self, result: BackpropResult) -> None:
        self.result = result
        self._found: dict[str, Meant | GradcalcError] = {}
        self._layers = {layer.name: layer for layer in result.problem.layers}

    @cached_property
    def room(self) -> Room:
        """How many numbers an answer may have: far more than the largest quantity's cannot be right."""
        sizes = [array.size for *_, array in self.result.addresses()]
        each, together = max(sizes, default=0), sum(sizes)
        return Room(_FAR_MORE * each + _ANYWAY, _FAR_MORE * together + 10 * _ANYWAY)

    def find(self, name: str) -> Meant:
        """What a name means. Errors: UsageError with near names."""
        if name not in self._found:
            try:
                self._found[name] = self._meant(name)
            except GradcalcError as error:
                self._found[name] = error
        found = self._found[name]
        if isinstance(found, GradcalcError):
            raise found
        return found

    def _meant(self, name: str) -> Meant:
        try:
            address = self.result.locate(name)
            return Meant(str(address), address.layer, address.quantity, address.place, self._numbers(address))
        except GradcalcError:
            folded = self._bias_among_weights(name)
            if folded is None:
                raise
            return folded

    def _numbers(self, address: Address) -> Array:
        """The right numbers. UsageError where the index is outside, without the address: it is told of an answer."""
        try:
            return self.result.quantity(str(address))
        except UsageError as error:
            raise UsageError(error.message.removeprefix(f"{address}: "), hint=error.hint) from None

    def _bias_among_weights(self, name: str) -> Meant | None:
        """A bias that the spec keeps in W: its row or column there; None where the name is no such bias."""
        own, index = split_index(name)
        match = _BIAS.fullmatch(own)
        if match is None:
            return None
        try:
            address = self.result.locate(f"{match['before']}W{match['after']}")
        except GradcalcError:
            return None
        place = self.folded(address.layer, bias=True)
        if place is None:
            return None
        whole = np.asarray(self.result.quantity(str(address))[place])
        if any(i >= n for i, n in zip(index, whole.shape, strict=False)) or len(index) > whole.ndim:
            return None
        shown = Address(address.layer, address.quantity.replace("W", "b"), index)
        entry = place if not index else (index[0], 0) if len(place) == 2 else (0, index[0])
        return Meant(str(shown), address.layer, address.quantity, entry, np.asarray(whole[index]))

    def folded(self, layer: str, *, bias: bool) -> Place | None:
        """Where in W a layer keeps its bias, or else its weights; None where they are not together."""
        found = self._layers.get(layer)
        if not isinstance(found, Dense) or not found.weight_form.folded:
            return None
        line: int | slice = 0 if bias else slice(1, None)
        return (slice(None), line) if found.weight_form.layout == "out_in" else (line,)
