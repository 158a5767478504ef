"""Specs: from a YAML or JSON text, or a Python mapping, to a Problem ready to be solved."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc.errors import GradcalcError, SpecError, UsageError

if TYPE_CHECKING:
    from gradcalc.network import Problem
    from gradcalc.spec.document import Document
    from gradcalc.spec.overrides import Override

#: Memory a spec may ask for, in bytes, unless told otherwise.
MEMORY_LIMIT = 4 * 2**30


class Loaded(NamedTuple):
    """A problem and where it was stated: `placed` gives an error that comes up later its place in the spec."""

    problem: Problem
    placed: Callable[[GradcalcError], GradcalcError]


def load_spec(source: str | os.PathLike[str] | Mapping[str, Any] | Document, **options: Any) -> Problem:
    """The problem that a spec states; options and errors are those of `load`."""
    return load(source, **options).problem


def load(
    source: str | os.PathLike[str] | Mapping[str, Any] | Document,
    *,
    convention: str | None = None,
    input: str | None = None,
    target: str | None = None,
    learning_rate: str | float | None = None,
    sets: Sequence[str] = (),
    allow_outside: bool = False,
    memory_limit: int = MEMORY_LIMIT,
) -> Loaded:
    """The problem that a spec states: a file's name, "-" for stdin, or its values; options override it.

    `input` and `target` are numbers as typed ("0.05, 0.1", "[[1, 2], [3, 4]]") or a file's name; `sets` are texts such
    as "hidden.W[0][1]=0.3". Errors: SpecError with file, line and column; UsageError for an option.
    """
    from gradcalc.spec.document import Document, document_of, read_document
    from gradcalc.spec.nodes import Node, Reading
    from gradcalc.spec.overrides import apply
    from gradcalc.spec.schema import read_problem

    if isinstance(source, Document):
        document = source
    elif isinstance(source, Mapping):
        document = document_of(dict(source))
    else:
        document = read_document(os.fspath(source))
    named = {"convention": convention, "learning_rate": learning_rate}
    arrays = {"input": input, "target": target}
    overrides = _overrides(document.value, named, arrays, sets, memory_limit)
    reading = Reading(document.folder, allow_outside=allow_outside, memory_limit=memory_limit)
    for override in overrides:
        if override.index:
            reading.entries.setdefault(override.path, []).append((override.index, override.value))
        else:
            reading.overridden.append(override.path)
    try:
        problem = read_problem(Node(apply(document.value, overrides), (), reading))
        for override in overrides:
            if override.index and override.path not in reading.entered:
                raise UsageError(f"{override.option}: there are no entries to set one of")
    except GradcalcError as error:
        raise _placed(error, document, overrides) from None
    return Loaded(problem, lambda error: _placed(error, document, overrides))


def _overrides(
    spec: Any,
    named: Mapping[str, str | float | None],
    arrays: Mapping[str, str | None],
    sets: Sequence[str],
    memory_limit: int,
) -> list[Override]:
    from gradcalc.spec.document import parse_value
    from gradcalc.spec.overrides import Override, array_override, set_override

    found = []
    for key, text in named.items():
        if text is not None:
            option = f"--{key.replace('_', '-')} {text}"
            found.append(Override(option, (key,), parse_value(text, option) if isinstance(text, str) else text))
    classes = isinstance(spec, Mapping) and "target_classes" in spec
    for key, text in arrays.items():
        if text is not None:
            held = "target_classes" if key == "target" and classes else key
            found.append(array_override(f"--{key}", held, text, memory_limit))
    return found + [set_override(text, spec) for text in sets]


def _placed(error: GradcalcError, document: Document, overrides: Sequence[Override]) -> GradcalcError:
    """The error with its place in the text, or with the option that brought the culprit."""
    if error.place is not None or error.path is None:
        return error
    path = error.path
    for override in reversed(overrides):
        if override.path == path[: len(override.path)]:
            return UsageError(f"{override.option}: {error.message}", hint=error.hint)
    at_key = isinstance(error, SpecError) and error.at_key
    part = error.part if isinstance(error, SpecError) else None
    error.place = document.key_place(path) if at_key else document.place(path, part)
    return error
