"""What a name means that other libraries use: hints for those who know a function by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gradcalc.errors import listed, simplified

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gradcalc.functions.entry import Entry

#: The library that the first word of a dotted name tells.
_MODULES = {
    "torch": "PyTorch", "F": "PyTorch", "jax": "JAX", "jnp": "JAX", "optax": "optax.losses", "keras": "Keras",
    "tf": "Keras", "tensorflow": "Keras", "scipy": "SciPy", "numpy": "NumPy", "np": "NumPy", "onnx": "ONNX",
}  # fmt: skip


def elsewhere(name: str, entries: Iterable[Entry]) -> str:
    """A hint that names the functions which some library calls `name`, each with what it is called there in full.

    The library that a dotted name begins with is asked first. Empty where none knows the name.
    """
    module, _, last = name.rpartition(".")
    library = _MODULES.get(module.partition(".")[0])
    found = [
        (entry.name, its, spelling)
        for entry in entries
        for its, spelling in _spellings(entry)
        if simplified(_bare(spelling)) == simplified(last)
    ]
    theirs = [one for one in found if one[1] == library] or found
    called = {ours: f"{ours} ({its} {spelling})" for ours, its, spelling in reversed(theirs)}
    return f"did you mean {listed(list(called.values())[::-1], 'or')}?" if called else ""


def _spellings(entry: Entry) -> Iterator[tuple[str, str]]:
    """Every name the function has in a library: library and name, with what stands in brackets behind it."""
    for library, text in entry.libraries.items():
        start = depth = 0
        for i, letter in enumerate(f"{text},"):
            depth += (letter == "(") - (letter == ")")
            if letter == "," and not depth:
                yield library, text[start:i].strip()
                start = i + 1


def _bare(spelling: str) -> str:
    """A spelling without modules, brackets and sign: l1_loss of F.l1_loss(reduction='none')."""
    return spelling.partition("(")[0].strip(" -").rpartition(".")[2]
