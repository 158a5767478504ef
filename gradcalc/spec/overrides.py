"""Changes to a spec from the shell: --set hidden.W[0][1]=0.3, --input, --target, --learning-rate, --convention."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gradcalc.errors import GradcalcError, Path, UsageError, listed, near, quoted
from gradcalc.layers.declaration import LETTERS
from gradcalc.shapes import Array
from gradcalc.spec.document import parse_value

#: A quantity's letter and the key that holds it, where it is not the letter itself.
_KEYS = {letter: key for key, letter in LETTERS.items()}
_SHORT = re.compile(r"([A-Za-z]+)([0-9]{1,5})")
_WEIGHTS = re.compile(r"weights|W[a-z]?")
_PART = re.compile(r"[^.\[\]]+|\[\d+\]")
#: Numbers the first of which is written as a formula that begins with a function, a bracket or a constant.
_FORMULA = re.compile(r"\s*[-+]?([a-z][a-z0-9]*\s*\(|\(|(pi|e)\s*([-+*/^,]|$))")
_NUMBER = re.compile(r"^[\s\[]*[-+]?(\d|\.\d|inf|nan)", re.IGNORECASE)


class Override:
    """One change: where, to what, and the option as it was typed, for errors."""

    def __init__(self, option: str, path: Path, value: Any, index: tuple[int, ...] = ()) -> None:
        self.option, self.path, self.value, self.index = option, path, value, index


def set_override(text: str, spec: Any) -> Override:
    """The change that `--set PATH=VALUE` asks for, in this spec. Errors: UsageError."""
    option = f"--set {text}"
    target, equals, value = text.partition("=")
    parts = _PART.findall(target)
    if not equals or not parts or "".join(parts) != target.replace(".", ""):
        raise UsageError(
            f"--set {quoted(text)} is not PATH=VALUE",
            hint="e.g. --set hidden.W[0][1]=0.3 or --set layers.0.units=3",
        )
    path = _path(option, [part.strip("[]") if part.startswith("[") else part for part in parts], spec)
    return _split_entry(Override(option, path, parse_value(value, option)))


def array_override(option: str, key: str, text: str, memory_limit: int) -> Override:
    """--input or --target: numbers as typed, or the name of a file with them."""
    if _FORMULA.match(text):
        return Override(f"{option} {text}", (key,), [_constant(part, f"{option}: it") for part in _parts(text)])
    if _NUMBER.match(text) or text.lstrip().startswith("["):
        listing = text if text.lstrip().startswith("[") else re.sub(r"[\s,]+", ", ", text.strip())
        value = parse_value(listing if listing.startswith("[") or "," not in listing else f"[{listing}]", option)
        return Override(f"{option} {text}", (key,), value)
    from gradcalc.spec.arrays import load_user_file

    try:
        found: Array = load_user_file(text, None, memory_limit)
    except GradcalcError as error:
        if "," in text and not error.hint:
            error.hint = "numbers are written 0.05,0.1"
        raise
    return Override(f"{option} {text}", (key,), found)


def apply(spec: Any, overrides: list[Override]) -> Any:
    """The spec with every change made; the given one stays as it was."""
    for override in overrides:
        if not override.index:
            spec = _replaced(spec, override.path, override)
    return spec


def _path(option: str, parts: list[str], spec: Any) -> Path:
    """Keys and positions from the top: a layer may be meant by its name, its W by that letter, or by W1, b2 ..."""
    layers = spec.get("layers") if isinstance(spec, Mapping) else None
    layers = layers if isinstance(layers, list) else []
    names = [_layer_name(layer, position) for position, layer in enumerate(layers)]
    head, rest = parts[0], parts[1:]
    path: Path
    short = _SHORT.fullmatch(head)
    if head in ("a0", "A0") and head not in names:  # the input's address among the quantities
        head = "input"
    if head in names and rest:
        path = ("layers", names.index(head))
    elif short and head not in names and _is_letter(short[1], layers):
        counted = [i for i, layer in enumerate(layers) if any(map(_WEIGHTS.fullmatch, _keys(layer)))]
        if not 0 < int(short[2]) <= len(counted):
            raise UsageError(f"{option}: there is no layer {short[2]} with weights", hint=f"there are {len(counted)}")
        path, rest = ("layers", counted[int(short[2]) - 1]), [short[1], *rest]
    elif isinstance(spec, Mapping) and head in _input_names(spec):
        path = ("input", head)
    else:
        path = (head,)
        if isinstance(spec, Mapping) and rest and head != "layers" and head not in spec:
            raise UsageError(
                f"{option}: there is no layer {quoted(head)}",
                hint=near(head, names) or f"the layers are {listed(names)}",
            )
    for part in rest:
        in_layer = len(path) == 2 and path[0] == "layers"
        path = (*path, _KEYS.get(part, part) if in_layer else int(part) if part.isdigit() else part)
    return path


def _is_letter(letter: str, layers: list[Any]) -> bool:
    """Whether a letter is that of a parameter: of a dense layer's, or a key of one of the layers."""
    return letter in _KEYS or any(letter in _keys(layer) for layer in layers)


def _keys(layer: Any) -> list[str]:
    return [key for key in layer if isinstance(key, str)] if isinstance(layer, Mapping) else []


def _input_names(spec: Mapping[str, Any]) -> list[str]:
    """The names of several inputs."""
    given = spec.get("input")
    return _keys(given) if isinstance(given, Mapping) and "file" not in given else []


def _layer_name(layer: Any, position: int) -> str:
    name = layer.get("name") if isinstance(layer, Mapping) else None
    return name if isinstance(name, str) else f"layer{position + 1}"


def _split_entry(override: Override) -> Override:
    """An entry of an array (positions at the end of the path) is set once the array is there: it may be a file's."""
    path: list[str | int] = list(override.path)
    index: list[str | int] = []
    while len(path) > 1 and isinstance(path[-1], int) and path[-2] != "layers":
        index.insert(0, path.pop())
    if not index or path[-1] in ("loss", "regularization", "layers"):
        return override
    if isinstance(override.value, str):
        override.value = _constant(override.value, f"{override.option}: an entry")
    if isinstance(override.value, bool) or not isinstance(override.value, int | float):
        raise UsageError(f"{override.option}: an entry must be a number, not {quoted(override.value)}")
    if not math.isfinite(override.value):
        raise UsageError(f"{override.option}: an entry must be a finite number, not {override.value}")
    return Override(override.option, tuple(path), float(override.value), tuple(int(i) for i in index))


def _parts(text: str) -> list[str]:
    from gradcalc.formula.constants import parted  # late: most numbers are plain

    return parted(text)


def _constant(text: str, what: str) -> float:
    """A constant formula's value; UsageError says what is wrong in it."""
    from gradcalc.formula.constants import constant  # late: most numbers are plain

    try:
        return constant(text)
    except GradcalcError as error:
        raise UsageError(f"{what} must be a number, not {quoted(text)}", hint=error.message) from None


def _replaced(value: Any, path: Path, override: Override) -> Any:
    """A copy of `value` with what stands at `path` replaced; a missing key of a mapping is added."""
    if not path:
        return override.value
    key, rest = path[0], path[1:]
    if isinstance(value, list):
        if not isinstance(key, int) or not key < len(value):
            raise UsageError(
                f"{override.option}: there is no item {key}", hint=f"there are {len(value)}, counted from 0"
            )
        return [_replaced(item, rest, override) if i == key else item for i, item in enumerate(value)]
    if isinstance(value, str) and rest == () and isinstance(key, str):
        # a function by its name alone: hidden.activation.alpha=0.1
        value = {"name": value}
    if not isinstance(value, Mapping):
        raise UsageError(f"{override.option}: there is no {quoted(str(key))} to set")
    return {**value, str(key): _replaced(value.get(str(key)), rest, override)}
