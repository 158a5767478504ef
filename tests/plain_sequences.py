"""Recurrent layers and attention written out step by step, for complex numbers too, and derivatives by complex steps.

A function of real arrays that is written without absolute values has at x + ih the imaginary part h f'(x), to all
digits for a tiny h: no difference is taken, so that nothing cancels.

Each reference takes arrays by name, with `plus` added to a quantity as soon as it is computed: the loss's derivative
by plus["c"] is what the program calls dc. They give every quantity, `a` among them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Arrays = dict[str, Any]

TINY = 1e-30


def complex_gradients(loss: Callable[[Arrays], Any], arrays: Arrays) -> Arrays:
    """The derivative of a loss by every entry of every array."""
    found = {}
    for name, array in arrays.items():
        found[name] = np.zeros(np.shape(array))
        for index in np.ndindex(np.shape(array)):
            moved = np.array(array, dtype=complex)
            moved[index] += 1j * TINY
            found[name][index] = loss({**arrays, name: moved}).imag / TINY
    return found


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


class Kept(dict[str, Any]):
    """Quantities (N, T, n) filled step by step, each with what is to be added to it."""

    def __init__(self, arrays: Arrays) -> None:
        super().__init__()
        self.arrays = arrays

    def keep(self, name: str, t: int, value: Any) -> Any:
        """`value` of step t, with what is added."""
        if f"plus {name}" in self.arrays:
            value = value + self.arrays[f"plus {name}"][:, t]
        self.setdefault(name, []).append(value)
        return value

    def stacked(self, last: bool, behind: Callable[[Any], Any]) -> Arrays:
        found = {name: np.stack(values, axis=1) for name, values in self.items()}
        found["a"] = behind(found["h"][:, -1] if last else found["h"])
        return found


def rnn(arrays: Arrays, *, f: Callable[[Any], Any], last: bool = False) -> Arrays:
    x, kept = arrays["x"], Kept(arrays)
    h = 0 * x[:, 0] @ arrays["Wx"] + arrays["h0"]
    for t in range(x.shape[1]):
        z = x[:, t] @ arrays["Wx"] + h @ arrays["Wh"] + arrays["b"] + arrays["bh"]
        h = kept.keep("h", t, f(kept.keep("z", t, z)))
    return kept.stacked(last, lambda states: states)


def lstm(arrays: Arrays, *, order: str, last: bool = False, behind: Callable[[Any], Any] = np.asarray) -> Arrays:
    x, kept, n = arrays["x"], Kept(arrays), len(arrays["Wh"])
    h, c = (0 * x[:, 0, :1] + arrays[name] for name in ("h0", "c0"))
    for t in range(x.shape[1]):
        z = kept.keep("z", t, x[:, t] @ arrays["Wx"] + h @ arrays["Wh"] + arrays["b"] + arrays["bh"])
        block = {gate: z[:, k * n : k * n + n] for k, gate in enumerate(order)}
        i, f, o = (kept.keep(gate, t, sigmoid(block[gate])) for gate in "ifo")
        g = kept.keep("g", t, np.tanh(block["g"]))
        c = kept.keep("c", t, f * c + i * g)
        h = kept.keep("h", t, o * np.tanh(c))
    return kept.stacked(last, behind)


def gru(
    arrays: Arrays,
    *,
    order: str,
    reset: str,
    update: str = "old",
    last: bool = False,
    behind: Callable[[Any], Any] = np.asarray,
) -> Arrays:
    """z is filled block by block: n's needs r's."""
    x, kept, n = arrays["x"], Kept(arrays), len(arrays["Wh"])
    at = {gate: slice(k * n, k * n + n) for k, gate in enumerate(order)}
    Wx, Wh, b, bh = ({gate: arrays[name][..., at[gate]] for gate in order} for name in ("Wx", "Wh", "b", "bh"))
    plus = arrays.get("plus z", np.zeros((*x.shape[:2], 3 * n)))
    h = 0 * x[:, 0, :1] + arrays["h0"]
    for t in range(x.shape[1]):
        z = {gate: x[:, t] @ Wx[gate] + b[gate] + plus[:, t, at[gate]] for gate in order}
        for gate in "rz":
            z[gate] = z[gate] + h @ Wh[gate] + bh[gate]
        r, u = kept.keep("r", t, sigmoid(z["r"])), kept.keep("u", t, sigmoid(z["z"]))
        m = kept.keep("m", t, h @ Wh["n"] + bh["n"] if reset == "after" else r * h)
        z["n"] = z["n"] + (r * m if reset == "after" else m @ Wh["n"] + bh["n"])
        new = kept.keep("n", t, np.tanh(z["n"]))
        h = kept.keep("h", t, u * h + (1 - u) * new if update == "old" else u * new + (1 - u) * h)
    return kept.stacked(last, behind)


def attention(arrays: Arrays, *, heads: int, mask: Any, scale: float) -> Arrays:
    """One example after the other, one head after the other, one query after the other."""
    given = [arrays[name] for name in ("x", "x[0]", "x[1]", "x[2]") if name in arrays]
    sources = {1: given * 3, 2: [*given, given[-1]], 3: given}[len(given)]

    def projected(letter: str, x: Any) -> Any:
        x = x @ arrays[f"W{letter}"] if f"W{letter}" in arrays else x
        return x + arrays[f"b{letter}"] if f"b{letter}" in arrays else x

    found: dict[str, list[Any]] = {name: [] for name in ("q", "k", "v", "scores", "weights", "context", "a")}
    for example in range(len(given[0])):
        added = {name[5:]: arrays[name][example] for name in arrays if name.startswith("plus ")}
        rows = {letter: projected(letter, x[example]) for letter, x in zip("qkv", sources, strict=True)}
        of_heads: dict[str, list[Any]] = {name: [] for name in found if name != "a"}
        for head in range(heads):
            plus = {name: array[head] for name, array in added.items()}
            q, k, v = (np.split(rows[letter], heads, axis=1)[head] + plus.get(letter, 0) for letter in "qkv")
            scores = scale * np.einsum("te,se->ts", q, k) + plus.get("scores", 0)
            weights = np.array([_shares(row, mask[example][t]) for t, row in enumerate(scores)])
            weights = weights + plus.get("weights", 0)
            context = np.einsum("ts,se->te", weights, v) + plus.get("context", 0)
            for name, value in zip(of_heads, (q, k, v, scores, weights, context), strict=True):
                of_heads[name].append(value)
        for name, values in of_heads.items():
            found[name].append(values)
        found["a"].append(projected("o", np.concatenate(of_heads["context"], axis=1)))
    return {name: np.array(values) for name, values in found.items()}


def _shares(scores: Any, seen: Any) -> Any:
    """Softmax of the scores that are seen, 0 elsewhere."""
    e = np.where(seen, np.exp(scores), 0)
    return e / e.sum() if np.any(seen) else e
