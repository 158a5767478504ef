"""A value of a spec together with where it stands: asks for what it should be, or says what is wrong and where."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcalc.errors import Part, Path, SpecError, listed, near, quoted
from gradcalc.layers.declaration import Key
from gradcalc.shapes import Array, Shape, shape_text
from gradcalc.spec.limits import size_text

if TYPE_CHECKING:
    from gradcalc.formula.tokens import FormulaError


class Reading:
    """What reading a spec needs besides the spec: where files are, what is allowed, and entries set from the shell."""

    def __init__(self, folder: FilePath, *, allow_outside: bool, memory_limit: int) -> None:
        self.folder, self.allow_outside, self.memory_limit = folder, allow_outside, memory_limit
        self.reserved = 0
        self.dtype = np.dtype(np.float64)
        self.entries: dict[Path, list[tuple[tuple[int, ...], float]]] = {}
        self.entered: set[Path] = set()
        self.overridden: list[Path] = []

    def file_access(self, path: Path) -> tuple[FilePath, bool]:
        """The folder of a file named at `path`, and whether it may be anywhere, as one that the user's option names."""
        if any(path[: len(own)] == own for own in self.overridden):
            return FilePath(), True
        return self.folder, self.allow_outside

    def reserve(self, numbers: int, path: Path, what: str, of_it: str = "") -> None:
        """Counts numbers about to be kept; SpecError where that is more memory than allowed, and what part of it is."""
        self.reserved += numbers * self.dtype.itemsize
        if self.reserved > self.memory_limit:
            needed, limit = size_text(self.reserved), size_text(self.memory_limit)
            raise SpecError(
                f"{what} would need {needed} of memory{of_it}, over the limit of {limit}",
                hint="--memory-limit raises it",
                path=path,
            )


class Node:
    """A value and its path. Methods return the value as what it should be, or raise a SpecError with its place."""

    __slots__ = ("path", "reading", "value")

    def __init__(self, value: Any, path: Path, reading: Reading) -> None:
        self.value, self.path, self.reading = value, path, reading

    def error(self, message: str, hint: str = "") -> SpecError:
        return SpecError(message, hint=hint, path=self.path)

    @property
    def label(self) -> str:
        """The last key, with the positions behind it: "units", "layers[0]", "weights[0][1]"."""
        positions: list[str] = []
        for part in reversed(self.path):
            if isinstance(part, str):
                return part + "".join(reversed(positions))
            positions.append(f"[{part}]")
        return "the spec"

    def mapping(
        self,
        keys: Sequence[Key],
        what: str,
        *,
        elsewhere: Callable[[str], str] = lambda _: "",
    ) -> dict[str, Node]:
        """The values by key; unknown and missing keys are errors. `elsewhere` is a hint where else there is a key."""
        if not isinstance(self.value, Mapping):
            raise self.error(f"{what} must be a mapping of keys to values, not {_kind(self.value)}")
        known = [key.name for key in keys]
        for name in self.value:
            if name not in known:
                hint = _meant(str(name), known)
                other = elsewhere(str(name)) if not hint else ""
                hint = hint or (near(str(name), known) if not other else "") or f"the keys are {listed(known)}"
                hint = f"{other}; {hint}" if other else hint
                raise SpecError(f"{what} has no key {quoted(name)}", hint=hint, path=(*self.path, name), at_key=True)
        for key in keys:
            if key.required and self.value.get(key.name) is None:
                state = "is empty" if key.name in self.value else "is missing"
                path = (*self.path, key.name) if key.name in self.value else self.path
                raise SpecError(f"{what}: {key.name} {state}", hint=f"{key.name}: {key.doc}", path=path)
        return {name: Node(value, (*self.path, name), self.reading) for name, value in self.value.items()}

    def items(self, what: str) -> Iterator[Node]:
        """The items of a list."""
        if not isinstance(self.value, list | tuple):
            raise self.error(self.unfit(f"a list of {what}"))
        for position, value in enumerate(self.value):
            yield Node(value, (*self.path, position), self.reading)

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.error(self.unfit("text" if self.label in ("name", "formula") else "a name"))
        return self.value

    def unfit(self, wanted: str) -> str:
        """That the value is not what it should be."""
        if self.value is None:
            return f"{self.label} is empty; it must be {wanted}"
        return f"{self.label} must be {wanted}, not {_kind(self.value)}"

    def choice(self, choices: Sequence[str]) -> str:
        """One of the words."""
        if self.value not in choices:
            hint = near(self.value, choices) if isinstance(self.value, str) else ""
            raise self.error(self.unfit(listed(list(choices), "or")), hint)
        return str(self.value)

    def flag(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.error(self.unfit("true or false"))
        return self.value

    def number(self) -> float:
        """A finite number, or a constant formula such as ln(3) or 1/3."""
        self.value = self.evaluated()
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.error(self.unfit("a number"), _number_hint(self.value))
        if not math.isfinite(self.value):
            raise self.error(f"{self.label} must be a finite number, not {self.value}")
        return float(self.value)

    def evaluated(self) -> Any:
        """A constant formula as its number, all else as it is; SpecError at the place of what is wrong in a formula."""
        if not isinstance(self.value, str) or not _FORMULA.search(self.value) or _NO_FORMULA.fullmatch(self.value):
            return self.value
        from gradcalc.formula.constants import constant  # late: few specs have one
        from gradcalc.formula.tokens import FormulaError

        if _number_hint(self.value):
            return self.value
        try:
            return constant(self.value)
        except FormulaError as error:
            raise in_formula(error, self.value, self.path) from None

    def whole(self, least: int) -> int:
        """A whole number of at least `least`."""
        if self.value == math.inf:  # so are more digits than any number has
            raise self.error(f"{self.label} is too large")
        if isinstance(self.value, float) and self.value.is_integer():
            self.value = int(self.value)
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < least:
            bound = "above 0" if least == 1 else f"of at least {least}"
            hint = _number_hint(self.value)
            raise self.error(self.unfit(f"a whole number {bound}"), hint)
        return self.value

    def array(self, most: int = 2) -> Array:
        """Numbers as float64, from the text or a file: one (), a flat list (n,), rows of equal length (m, n) ...

        `most` is how many axes they may have.
        """
        if isinstance(self.value, np.ndarray):
            found: Array = self.value
        elif isinstance(self.value, Mapping):
            found = self._from_file(most)
        elif isinstance(self.value, list | tuple):
            found = self._from_list(self.value, most)
        elif isinstance(self.evaluated(), int | float) and not isinstance(self.value, bool):
            found = np.asarray(self.number())
        else:
            hint = _number_hint(self.value)
            raise self.error(self.unfit("numbers or {file: ...}"), hint)
        return self.fitting(self.with_entries(found))

    def fitting(self, array: Array) -> Array:
        """The array itself; SpecError where a number is too large for the dtype of the spec."""
        largest = np.finfo(self.reading.dtype).max
        if self.reading.dtype == np.float32 and (np.abs(array) > largest).any():
            raise self.error(f"{self.label} has numbers too large for float32, over {largest:.3g}")
        return array

    def with_entries(self, array: Array) -> Array:
        """The array with the entries that were set from the shell; `entered` keeps that they were."""
        self.reading.entered.add(self.path)
        for index, value in self.reading.entries.get(self.path, ()):
            if len(index) != array.ndim or any(i >= n for i, n in zip(index, array.shape, strict=True)):
                written = "".join(f"[{i}]" for i in index)
                raise self.error(f"{self.label}{written} is outside its shape {array.shape}")
            array = array.copy()
            array[index] = value
        return array

    def _from_file(self, most: int) -> Array:
        from gradcalc.spec.arrays import load_array

        if "file" not in self.value:
            drawn = self.path[0] == "layers"
            hint = near(str(next(iter(self.value), "")), ("file", "init") if drawn else ("file",))
            if "init" in self.value:
                hint = "init is for the parameters of layers"
            raise self.error(self.unfit("numbers or {file: ...}"), hint)
        reading = self.reading
        folder, allow_outside = reading.file_access((*self.path, "file"))
        found = load_array(
            dict(self.value),
            folder,
            path=self.path,
            allow_outside=allow_outside,
            memory_limit=reading.memory_limit - reading.reserved,
        )
        if found.ndim > most:
            many = "two" if most == 2 else str(most)
            raise self.error(f"{self.label} must have at most {many} axes, but the file's array has {found.ndim}")
        return found

    def _from_list(self, rows: Sequence[Any], most: int) -> Array:
        found, _ = self._nested(rows, self.path, most)
        return np.array(found, dtype=np.float64)

    def _nested(self, rows: Sequence[Any], path: Path, most: int) -> tuple[Sequence[Any], Shape]:
        """Finite numbers in lists of lists, all checked, and their shape."""
        if not rows:
            what = f"row {path[-1]} of {self.label} is empty" if path != self.path else f"{self.label} is an empty list"
            raise SpecError(what, path=path)
        if most == 1 or not any(isinstance(row, list | tuple) for row in rows):
            return self._numbers(rows, path, most + len(path) - len(self.path)), (len(rows),)
        found: list[Sequence[Any]] = []
        first: Shape = ()
        for position, row in enumerate(rows):
            if not isinstance(row, list | tuple):
                what = f"{self._labelled(path)} mixes rows and single numbers: row {position} is {_kind(row)}"
                raise SpecError(what, path=(*path, position))
            numbers, shape = self._nested(row, (*path, position), most - 1)
            first = first or shape
            if shape != first:
                raise SpecError(self._unequal(path, first, position, shape), path=(*path, position))
            found.append(numbers)
        return found, (len(rows), *first)

    def _labelled(self, path: Path) -> str:
        """The label of a part of this value."""
        return Node(None, path, self.reading).label

    def _unequal(self, path: Path, first: Shape, position: int, shape: Shape) -> str:
        if len(first) == 1 == len(shape):
            numbers = f"{first[0]} number{'s' * (first[0] != 1)}"
            return (
                f"the rows of {self._labelled(path)} differ in length: row 0 has {numbers}, "
                f"row {position} has {shape[0]}"
            )
        label, there = self._labelled(path), shape_text(shape)
        return f"the parts of {label} differ in shape: {label}[0] has {shape_text(first)}, {label}[{position}] {there}"

    def _numbers(self, row: Sequence[Any], path: Path, most: int) -> Sequence[float]:
        """Finite numbers, all: first by a quick look at the types, then one by one to name the culprit."""
        if set(map(type, row)) <= {int, float} and all(map(math.isfinite, row)):
            return row
        found = []
        for position, value in enumerate(row):
            if isinstance(value, list | tuple):
                enough = {1: "a flat list is enough", 2: "rows of numbers are enough"}.get(
                    most, f"{most} axes are enough"
                )
                raise SpecError(f"{self.label} is nested too deep: {enough}", path=(*path, position))
            found.append(Node(value, (*path, position), self.reading).number())
        return found


def _kind(value: object) -> str:
    """A value as an error names it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"a mapping with {listed([quoted(str(k)) for k in list(value)[:3]])}" if value else "an empty mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return quoted(value)


#: Keys as formulas and other tools have them, and ours.
_MEANT = {
    "W": ("weights",),
    "w": ("weights",),
    "weight": ("weights",),
    "b": ("bias",),
    "bias": ("bq",),
    "biases": ("bias", "bq"),
    "filters": ("units",),
    "out_channels": ("units",),
    "out_features": ("units",),
    "hidden_size": ("units",),
    "embedding_dim": ("units",),
    "num_embeddings": ("vocabulary",),
    "kernel_size": ("kernel",),
    "pool_size": ("kernel",),
    "size": ("kernel",),
    "rate": ("p",),
    "dim": ("axis",),
    "perm": ("axes",),
    "weight_ih": ("Wx",),
    "weight_hh": ("Wh",),
    "bias_ih": ("bias",),
    "bias_hh": ("recurrent_bias",),
}


def _meant(name: str, known: Sequence[str]) -> str:
    return next((f"write {key}" for key in _MEANT.get(name, ()) if key in known), "")


#: What a text has in it that is meant as a formula, and the names of files, which have some of it too.
_FORMULA = re.compile(r"[a-z]\(|[-+*/^()]|^(pi|e)$")
_NO_FORMULA = re.compile(r"[\w./-]*\.[a-z]\w*")


def in_formula(error: FormulaError, text: str, path: Path) -> SpecError:
    """A fault in a formula of a spec, with its place in the spec."""
    start = error.place.column - 1 if error.place and error.place.column else 0
    width = error.place.width if error.place else 1
    return SpecError(error.message, hint=error.hint, path=path, part=Part(text, start, start + width))


def _number_hint(value: object) -> str:
    if not isinstance(value, str):
        return ""
    if re.fullmatch(r"\s*[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]+)?\s*", value, re.IGNORECASE):
        return "take away the quotes"
    if re.fullmatch(r"[-+]?\.?(inf|infinity|nan)", value, re.IGNORECASE):
        return "the numbers of a spec are finite"
    if not value.isascii() and value.isdecimal():
        return "digits are 0 to 9"
    return "a decimal number has a point" if re.fullmatch(r"[-+]?\d+,\d+", value) else ""
