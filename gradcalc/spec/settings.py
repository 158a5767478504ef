"""A layer's keys in a spec, asked for as what they should be: the `Settings` of its declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcalc.errors import InputError, Path, SpecError, listed, near, quoted
from gradcalc.layers.activation import Activation
from gradcalc.layers.base import Layer
from gradcalc.layers.declaration import LETTERS, LayerEntry
from gradcalc.shapes import Array, Shape, shape_text, size
from gradcalc.spec.functions import AXIS, parameter_node, read_activation
from gradcalc.spec.nodes import Node

#: No parameter of a layer has more axes.
_MOST_AXES = 8


class Source(NamedTuple):
    """What a layer takes: its name, the shape of one example, and numbers and path if it is the spec's own input."""

    name: str
    shape: Shape
    given: Array | None = None
    path: Path | None = None


class Shared(NamedTuple):
    """A parameter that is another layer's: the owner's name and letter."""

    layer: str
    letter: str


class LayerSettings:
    """The keys of one layer; see `gradcalc.layers.declaration.Settings`."""

    def __init__(
        self,
        node: Node,
        entry: LayerEntry,
        name: str,
        keys: Mapping[str, Node],
        *,
        sources: Sequence[Source],
        examples: int,
        conventions: Mapping[str, str],
        built: Mapping[str, Layer],
    ) -> None:
        self._node, self._entry, self._keys, self._built = node, entry, keys, built
        self._sources = sources
        self.name, self.type = name, entry.type
        self.shapes = tuple(source.shape for source in sources)
        self.sources = tuple(source.name for source in sources)
        self.examples, self.dtype, self.conventions = examples, node.reading.dtype, conventions
        self.shared: dict[str, Shared] = {}

    def _default(self, key: str) -> Any:
        return next(declared.default for declared in self._entry.keys if declared.name == key)

    def _asked(self, key: str) -> Node:
        """The key's value, or its default; SpecError where it has neither."""
        if self.has(key):
            return self._keys[key]
        default = self._default(key)
        if default is None:
            doc = next(declared.doc for declared in self._entry.keys if declared.name == key)
            raise self.error(f"layer {self.name}: {key} is missing", f"{key}: {doc}")
        return Node(default, (*self._node.path, key), self._node.reading)

    def has(self, key: str) -> bool:
        return key in self._keys and self._keys[key].value is not None

    def value(self, key: str) -> Any:
        return self._keys[key].value if self.has(key) else self._default(key)

    def whole(self, key: str, least: int = 1) -> int:
        return self._asked(key).whole(least)

    def wholes(self, key: str, count: int, least: int = 1) -> tuple[int, ...]:
        node = self._asked(key)
        if not isinstance(node.value, list | tuple):
            return (node.whole(least),) * count
        found = tuple(item.whole(least) for item in node.items("whole numbers"))
        if len(found) != count:
            raise node.error(
                f"{key} of layer {self.name} has {len(found)} number{'s' * (len(found) != 1)}, not {count}",
                "or one number for all",
            )
        return found

    def real(self, key: str, *, above: float | None = None, least: float | None = None) -> float:
        node = self._asked(key)
        found = node.number()
        if above is not None and not found > above:
            raise node.error(f"{key} must be above {above:g}, not {found:g}")
        if least is not None and not found >= least:
            raise node.error(f"{key} must be at least {least:g}, not {found:g}")
        return found

    def flag(self, key: str) -> bool:
        return self._asked(key).flag()

    def choice(self, key: str, choices: Sequence[str]) -> str:
        return self._asked(key).choice(choices)

    def is_recipe(self, key: str) -> bool:
        return self._is_mapping_with(key, "init")

    def _is_mapping_with(self, key: str, word: str) -> bool:
        value = self.value(key)
        return isinstance(value, Mapping) and word in value

    def numbers(self, key: str, most: int = 2) -> Array:
        if self._is_mapping_with(key, "same_as"):
            return self._same(key)
        return self._asked(key).array(most).astype(self.dtype, copy=False)

    def mask(self, key: str, most: int) -> Array:
        node = self._asked(key)
        return Node(_as_numbers(node.value), node.path, node.reading).array(most).astype(self.dtype, copy=False)

    def array(
        self,
        key: str,
        shape: Sequence[int | None],
        axes: Sequence[str] = (),
        fans: tuple[int, int] | None = None,
    ) -> Array:
        if self.is_recipe(key):
            return self._drawn_as(key, shape, axes, fans)
        array = self.numbers(key, max(len(shape), 2) if len(shape) < _MOST_AXES else _MOST_AXES)
        if not _fits(array.shape, shape):
            raise self.error(*self._misfit(key, array, shape, axes), key=key)
        if not self._is_mapping_with(key, "same_as"):
            self.reserve(array.size, f"{key} of layer {self.name}", key)
        return array

    def _misfit(self, key: str, array: Array, shape: Sequence[int | None], axes: Sequence[str]) -> tuple[str, str]:
        named = axes or ["any"] * len(shape)
        wanted = shape_text(tuple(word if n is None else n for n, word in zip(shape, named, strict=True)))  # type: ignore[misc]  # words among numbers
        meaning = f" ({', '.join(axes)})" if axes else ""
        has = "that of one number" if array.ndim == 0 else shape_text(array.shape)
        if not shape:
            return f"{key} of layer {self.name} must be one number, but it has the shape {has}", ""
        takes = " and ".join(f"{shape_text(source.shape)} from {source.name}" for source in self._sources)
        return (
            f"layer {self.name} takes {takes}, so its {key}{meaning} must have the shape {wanted}, not {has}",
            _order_hint(array.shape, shape, axes),
        )

    def _drawn_as(
        self, key: str, shape: Sequence[int | None], axes: Sequence[str], fans: tuple[int, int] | None
    ) -> Array:
        """A recipe for an array of which every length is known."""
        missing = [axes[i] if axes else f"axis {i}" for i, n in enumerate(shape) if n is None]
        if missing:
            raise self.error(
                f"layer {self.name} needs {listed(missing)} to be given, because its {key} are initialised", key=key
            )
        known = tuple(n for n in shape if n is not None)
        return self.drawn(key, known, fans or (size(known[:-1]), known[-1] if known else 1))

    def drawn(self, key: str, shape: Shape, fans: tuple[int, int]) -> Array:
        from gradcalc.spec.initial import initialise  # late: few specs draw

        node = self._keys[key]
        self.reserve(size(shape), f"the {key} of layer {self.name}, {' x '.join(map(str, shape))},", key)
        found = initialise(shape, *fans, dict(node.value), path=node.path)
        return node.fitting(node.with_entries(found)).astype(self.dtype, copy=False)

    def _same(self, key: str) -> Array:
        """The parameter of an earlier layer, in the shape in which that layer's is written."""
        node = self._keys[key]
        for word in node.value:
            if word != "same_as":
                raise SpecError(
                    f"a parameter that is another layer's has no key {quoted(str(word))}", hint="it has same_as alone",
                    path=(*node.path, word), at_key=True,
                )  # fmt: skip
        named = Node(node.value["same_as"], (*node.path, "same_as"), node.reading)
        name, _, letter = named.text().partition(".")
        letter = LETTERS.get(letter or key, letter or key)
        if name not in self._built:
            hint = near(name, self._built) or "the owner stands before the layer that shares its parameter"
            raise named.error(f"there is no earlier layer {quoted(name)}", hint)
        owner = self._built[name]
        written = owner.as_written(owner.parameters)
        if letter not in written:
            has = f"it has {listed(list(written))}" if written else "it has no parameters"
            raise named.error(f"layer {name} has no {letter}", f"{has}; another one is named {name}.Q")
        if node.path in node.reading.entries:
            raise self.error(f"{key} of layer {self.name} is {name}.{letter}", f"set that: {name}.{letter}", key=key)
        self.shared[LETTERS.get(key, key)] = Shared(name, letter)
        return written[letter]

    def activation(self, shape: Shape, axis: int = -1, key: str = "activation") -> Activation | None:
        if key not in self._keys:
            return None
        node = self._keys[key]
        found = read_activation(node, self.conventions["kink"])
        if found is None:
            return None
        along = self._along(found.axis, shape, node) if found.vector else axis
        found = Activation(found.entry, found.values, found.kink, along)
        found = found.with_trained({letter: v.astype(self.dtype) for letter, v in found.trained.items()})
        units = shape[along]
        try:
            found.outputs(shape)
        except InputError as error:
            raise node.error(f"layer {self.name}: {error.message}", error.hint) from None
        for letter, value in found.values.items():
            if np.ndim(value) and np.size(value) != units:
                numbers, of = f"{value.size} number{'s' * (value.size != 1)}", f"{units} unit{'s' * (units != 1)}"
                culprit = parameter_node(node, found.entry, letter)
                raise culprit.error(f"layer {self.name}: {letter} has {numbers} for {of}")
        return found

    def _along(self, axis: int, shape: Shape, node: Node) -> int:
        """The axis of an example that a function of vectors acts along, counted from 0; -1 for the last."""
        if not -len(shape) <= axis < len(shape):
            culprit = Node(axis, (*node.path, AXIS), node.reading)
            raise culprit.error(f"layer {self.name} has no axis {axis}: its function takes {shape_text(shape)}")
        return -1 if axis in (-1, len(shape) - 1) else axis % len(shape)

    def given(self, position: int = 0) -> Array | None:
        return self._sources[position].given

    def wrong_input(self, message: str, hint: str = "", position: int = 0) -> SpecError:
        return SpecError(message, hint=hint, path=self._sources[position].path or self._node.path)

    def reserve(self, numbers: int, what: str, key: str = "") -> None:
        self._node.reading.reserve(numbers, self._path(key), what)

    def error(self, message: str, hint: str = "", key: str = "", index: tuple[int, ...] = ()) -> SpecError:
        return SpecError(message, hint=hint, path=(*self._path(key), *index))

    def _path(self, key: str) -> Path:
        return (*self._node.path, key) if key in self._keys else self._node.path


def _order_hint(shape: Shape, wanted: Sequence[int | None], axes: Sequence[str]) -> str:
    """Where the axes would fit in another order: that of a transposed matrix, or of Keras' kernels."""
    if len(shape) == 2 and _fits(shape[::-1], wanted):
        return "it would fit transposed"
    if len(shape) == 4 and axes and _fits((*shape[:1:-1], *shape[:2]), wanted):
        theirs = ", ".join((*axes[2:], *axes[1::-1]))
        return f"it would fit if ({theirs}) were its axes, as in Keras; here they are ({', '.join(axes)})"
    return ""


def _as_numbers(value: Any) -> Any:
    """Lists of true and false as lists of 1 and 0; all else as it is."""
    if isinstance(value, list | tuple):
        return [_as_numbers(item) for item in value]
    return int(value) if isinstance(value, bool) else value


def _fits(shape: Shape, wanted: Sequence[int | None]) -> bool:
    return len(shape) == len(wanted) and all(w in (None, n) for n, w in zip(shape, wanted, strict=True))
