"""The list of functions: every family's entries, found by name or alias."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import chain

from gradcalc.errors import UsageError, near, quoted, simplified
from gradcalc.functions.entry import Entry

#: Every family, a module each; the ones that courses begin with stand first. Those whose text has the name that is
#: looked for are imported first, until it is met, so that a further family costs `eval` next to nothing.
FAMILIES = (
    "relu", "sigmoid", "vector", "regression", "binary", "categorical", "margin", "norm",
    "rectified", "hard", "gated", "smooth", "shrink", "exponential", "special",
    "pooled", "sparsemax", "standardize", "robust", "relative", "binary_margin", "counts", "focal", "divergence",
    "classes", "scores", "overlap", "pairs", "distances", "contrastive", "ctc",
)  # fmt: skip

_by_name: dict[str, Entry] = {}


def family(name: str) -> tuple[Entry, ...]:
    """The entries of one family."""
    found: tuple[Entry, ...] = import_module(f"{__name__}.{name}").ENTRIES
    return found


def entries() -> tuple[Entry, ...]:
    """Every function there is, family by family."""
    return tuple(entry for name in FAMILIES for entry in family(name))


def find(name: str) -> Entry:
    """The function of that name or alias, without regard to case, dashes and underscores.

    UsageError with near names where there is none.
    """
    wanted = simplified(name)
    for entry in () if wanted in _by_name else _in_turn(name):
        _by_name.update(dict.fromkeys(map(simplified, (entry.name, *entry.aliases)), entry))
        if wanted in _by_name:
            break
    if wanted in _by_name:
        return _by_name[wanted]
    hint = meant(name) or "'gradcalc list functions' names them all"
    raise UsageError(f"there is no function {quoted(name)}", hint=hint)


def meant(name: str, others: Iterable[str] = ()) -> str:
    """A hint on what an unknown name may mean: a function some library calls so, or the nearest name here or of others.

    Modules before the name are passed over.
    """
    from gradcalc.functions.elsewhere import elsewhere  # late: only errors need it

    known = [known for entry in entries() for known in (entry.name, *entry.aliases)]
    return elsewhere(name, entries()) or near(name.rpartition(".")[2], (*others, *known))


def _in_turn(wanted: str) -> Iterator[Entry]:
    """Every function, each family imported when it is come to: those that mention the name first."""
    for name in chain((name for name in FAMILIES if _mentions(name, wanted)), FAMILIES):
        yield from family(name)


def _mentions(name: str, wanted: str) -> bool:
    """Whether a family's text has a name as it is spelt. Reading it is far cheaper than importing it."""
    try:
        with open(f"{__path__[0]}/{name}.py", "rb") as text:  # noqa: PTH123  # pathlib would be loaded for it
            return f'"{wanted}"'.encode(errors="replace") in text.read()
    except OSError:  # installed without its text: each is imported in turn
        return False
