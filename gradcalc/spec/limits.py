"""How large a spec may be: enough for five million numbers, too little to harm whoever reads it."""

from __future__ import annotations

#: Bytes of a spec's text.
MAX_BYTES = 200_000_000
#: Collections inside one another.
MAX_DEPTH = 64
#: Scalars and collections together: five million numbers, even if each stands in a list of its own.
MAX_NODES = 10_500_000
#: Layers of a network.
MAX_LAYERS = 10_000
#: Inputs of one layer.
MAX_INPUTS = 1_000
#: Keys of one mapping; none that is read has half as many.
MAX_KEYS = 100
#: Keys of the mapping in an answer file: every quantity of a deep network.
MAX_ANSWERS = 100_000
#: Bytes of an answer file's text; more numbers than that belong into a .npz file.
MAX_ANSWER_BYTES = 64_000_000

TOO_DEEP = f"nested more than {MAX_DEPTH} deep"
TOO_MANY = f"more than {MAX_NODES} values"
LARGE_HINT = "keep large arrays in a .npy or .npz file and name it: {file: w.npz, key: W1}"


def too_many_keys(most: int) -> str:
    """What is said of a mapping with more keys."""
    return f"a mapping with more than {most} keys"


def size_text(count: int) -> str:
    """Bytes for people: 1.5 GiB."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.3g} {unit}" if count < 10**6 * size else f"{count // size} {unit}"
    return f"{count} bytes"
