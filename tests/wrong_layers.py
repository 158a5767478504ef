"""Layers other than dense ones on rows, computed in straight lines of NumPy, right or with one mistake planted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from plain_grids import Slide, conv, conv_back
from wrong_ways import sigmoid

Array = Any
Numbers = dict[str, Array]

#: A wrong step in a computation, by name; empty for the right one.
Compute = Callable[[str], Numbers]


class Subject(NamedTuple):
    """A spec, what a student computes for it under a mistake, and the mistakes: "id variant"."""

    spec: dict[str, Any]
    compute: Compute
    mistakes: tuple[str, ...]


def random(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).standard_normal(shape)


def _spec(x: Array, layer: dict[str, Any], dy: Array) -> dict[str, Any]:
    written = {key: q.tolist() if isinstance(q, np.ndarray) else q for key, q in layer.items()}
    return {"input": x.tolist(), "layers": [{"name": "l", **written}], "upstream": dy.tolist()}


def _last(by: Array, axis: int = 1) -> Array:
    """Zeros but in the last entry along an axis."""
    kept = np.zeros_like(by)
    kept[(slice(None),) * axis + (-1,)] = by[(slice(None),) * axis + (-1,)]
    return kept


def _summed(wrong: str, name: str, dz: Array) -> Array:
    """A bias's gradient from dz (N, T, n)."""
    variants = {
        f"bias_not_summed {name} rows": lambda: dz,
        f"bias_not_summed {name} over examples only": lambda: dz.sum(axis=0),
        f"bias_not_summed {name} over steps only": lambda: dz.sum(axis=1),
        f"bias_not_summed {name} last step": lambda: dz[:, -1].sum(axis=0),
        f"bias_summed_over_units {name}": lambda: np.full(dz.shape[-1], dz.sum()),
        f"constant_factor {name} mean": lambda: dz.sum(axis=0).mean(axis=0),
    }
    return variants.get(wrong, lambda: dz.sum(axis=(0, 1)))()


def _weighed(wrong: str, name: str, x: Array, dz: Array) -> Array:
    """A weight's gradient from what it multiplies and dz, (N, T, n) both."""
    dz = {f"weights_not_summed {name} last step": lambda: _last(dz), f"weights_not_summed {name} last example":
          lambda: _last(dz, 0)}.get(wrong, lambda: dz)()  # fmt: skip
    found = np.einsum("nti,ntj->ij", x, dz)
    return found.T if wrong == f"transposed {name}" else found


def dense() -> Subject:
    x, W, b, dy = random(0, 2, 3, 3), random(1, 3, 3), random(2, 3), random(3, 2, 3, 3)

    def compute(wrong: str) -> Numbers:
        a = np.tanh(x @ W + b)
        dz = dy if wrong == "missing_activation_derivative" else dy * (1 - a**2)
        dx = {
            "weights_not_transposed_back": lambda: dz @ W,
            "sum_over_outputs_missing": lambda: dz[..., :1] * W[:, 0],
        }.get(wrong, lambda: dz @ W.T)()
        return {"a": a, "dz": dz, "dW": _weighed(wrong, "W", x, dz), "db": _summed(wrong, "b", dz), "dx": dx}

    mistakes = (
        "missing_activation_derivative", "weights_not_transposed_back", "sum_over_outputs_missing",
        *_sums("W", "b"), "transposed W",
    )  # fmt: skip
    layer = {"type": "dense", "activation": "tanh", "weights": W, "bias": b}
    return Subject(_spec(x, layer, dy), compute, mistakes)


def _sums(weight: str, bias: str) -> tuple[str, ...]:
    kinds = ("rows", "over examples only", "over steps only", "last step")
    return (
        *(f"weights_not_summed {weight} last {part}" for part in ("step", "example")),
        *(f"bias_not_summed {bias} {kind}" for kind in kinds),
        f"bias_summed_over_units {bias}",
        f"constant_factor {bias} mean",
    )


def convolution() -> Subject:
    x, W, b, dy = random(4, 2, 2, 4, 4), random(5, 2, 2, 2, 2), random(6, 2), random(7, 2, 2, 3, 3)
    slide = Slide((2, 2))

    def compute(wrong: str) -> Numbers:
        z = conv(x, W, slide) + b[:, None, None]
        dz = dy if wrong == "missing_activation_derivative" else dy * (1 - np.tanh(z) ** 2)
        dW, dx = conv_back(x, W, dz, slide)
        if wrong == "sum_over_outputs_missing":
            dx = conv_back(x, W, _last(dz), slide)[1]
        if wrong == "weights_not_summed last example":
            dW = conv_back(x, W, _last(dz, 0), slide)[0]
        dW = {"transposed": dW.swapaxes(0, 1), "kernel_flipped": dW[:, :, ::-1, ::-1]}.get(wrong, dW)
        db = {
            "bias_not_summed places": lambda: dz.sum(axis=0),
            "bias_not_summed examples": lambda: dz.sum(axis=(2, 3)),
            "bias_not_summed last example": lambda: dz[-1].sum(axis=(1, 2)),
            "constant_factor mean": lambda: dz.mean(axis=(2, 3)).sum(axis=0),
            "bias_summed_over_units": lambda: np.full(2, dz.sum()),
        }.get(wrong, lambda: dz.sum(axis=(0, 2, 3)))()
        return {"z": z, "dz": dz, "dW": dW, "db": db, "dx": dx}

    mistakes = (
        "missing_activation_derivative", "sum_over_outputs_missing", "weights_not_summed last example", "transposed",
        "kernel_flipped", "bias_not_summed places", "bias_not_summed examples", "bias_not_summed last example",
        "constant_factor mean", "bias_summed_over_units",
    )  # fmt: skip
    return Subject(_spec(x, {"type": "conv2d", "activation": "tanh", "weights": W, "bias": b}, dy), compute, mistakes)


def rnn() -> Subject:
    x, Wx, Wh, b, dy = random(8, 2, 3, 2), random(9, 2, 2), random(10, 2, 2), random(11, 2), random(12, 2, 3, 2)

    def compute(wrong: str) -> Numbers:
        h = np.zeros((2, 4, 2))
        for t in range(3):
            h[:, t] = np.tanh(x[:, t] @ Wx + h[:, t - 1] @ Wh + b)  # h[:, -1] is h0
        z, dz, carried = np.arctanh(h[:, :3]), np.zeros((2, 3, 2)), 0 * dy[:, 0]
        slope = {
            "missing_activation_derivative": np.ones_like(z),
            "derivative_at_output": 1 - np.tanh(h[:, :3]) ** 2,
            "derivative_of_output_as_input": 1 - z**2,
        }.get(wrong, 1 - h[:, :3] ** 2)
        for t in (2, 1, 0):
            dz[:, t] = (dy[:, t] + carried) * slope[:, t]
            carried = dz[:, t] @ (Wh if wrong == "weights_not_transposed_back time" else Wh.T)
            carried = carried * (wrong != "not_carried_through_time")
        before = np.stack([h[:, 3], h[:, 0], h[:, 1]], axis=1)
        dx = dz @ (Wx if wrong == "weights_not_transposed_back" else Wx.T)
        if wrong == "sum_over_outputs_missing":
            dx = dz[..., 1:] * Wx[:, 1]
        return {
            "h": h[:, :3], "dz": dz, "dWx": _weighed(wrong, "Wx", x, dz), "dWh": _weighed(wrong, "Wh", before, dz),
            "db": _summed(wrong, "b", dz), "dx": dx,
        }  # fmt: skip

    mistakes = (
        "missing_activation_derivative", "derivative_at_output", "derivative_of_output_as_input",
        "weights_not_transposed_back time", "weights_not_transposed_back", "not_carried_through_time",
        "sum_over_outputs_missing", *_sums("Wx", "b"), "weights_not_summed Wh last step", "transposed Wh",
    )  # fmt: skip
    return Subject(_spec(x, {"type": "rnn", "Wx": Wx, "Wh": Wh, "bias": b}, dy), compute, mistakes)


def lstm() -> Subject:
    x, Wx, Wh, b, dy = random(13, 2, 3, 2), random(14, 2, 8), random(15, 2, 8), random(16, 8), random(17, 2, 3, 2)

    def compute(wrong: str) -> Numbers:
        order = "ifgo" if wrong == "gates_in_other_order forward" else "ifog"
        at = {gate: slice(2 * k, 2 * k + 2) for k, gate in enumerate(order)}
        h, c, z = np.zeros((2, 4, 2)), np.zeros((2, 4, 2)), np.zeros((2, 3, 8))
        gate = {letter: np.zeros((2, 3, 2)) for letter in "ifog"}
        for t in range(3):
            z[:, t] = x[:, t] @ Wx + h[:, t - 1] @ Wh + b
            for letter, f in zip("ifog", (sigmoid, sigmoid, sigmoid, np.tanh), strict=True):
                gate[letter][:, t] = f(z[:, t, at[letter]])
            i, f, o, g = (gate[letter][:, t] for letter in "ifog")
            c[:, t] = f * c[:, t - 1] + i * g
            h[:, t] = o * np.tanh(c[:, t])
        dz, dh, dc = np.zeros((2, 3, 8)), 0 * dy[:, 0], 0 * dy[:, 0]
        for t in (2, 1, 0):
            i, f, o, g = (gate[letter][:, t] for letter in "ifog")
            dh = dh + dy[:, t]
            dc = dc + dh * o * (1 - np.tanh(c[:, t]) ** 2)
            dz[:, t, at["i"]] = dc * g * i * (1 - i)
            dz[:, t, at["f"]] = dc * c[:, t - 1] * f * (1 - f)
            dz[:, t, at["o"]] = dh * np.tanh(c[:, t]) * o * (1 - o)
            dz[:, t, at["g"]] = dc * i * (1 - g**2)
            dh, dc = dz[:, t] @ Wh.T, dc * f
            if wrong == "not_carried_through_time":
                dh, dc = 0 * dh, 0 * dc
        before = np.stack([h[:, 3], h[:, 0], h[:, 1]], axis=1)
        dx = dz[..., at["f"]] @ Wx[:, at["f"]].T if wrong == "sum_over_outputs_missing" else dz @ Wx.T
        found = {
            "h": h[:, :3], "dz": dz, "dWx": _weighed(wrong, "Wx", x, dz), "dWh": _weighed(wrong, "Wh", before, dz),
            "db": _summed(wrong, "b", dz), "dx": dx,
        }  # fmt: skip
        if wrong == "gates_in_other_order written":  # columns i, f, g, o
            found |= {name: found[name][..., [0, 1, 2, 3, 6, 7, 4, 5]] for name in ("dWx", "dWh", "db")}
        return found

    mistakes = (
        "gates_in_other_order forward", "gates_in_other_order written", "not_carried_through_time",
        "sum_over_outputs_missing", *_sums("Wx", "b"), "weights_not_summed Wh last step",
    )  # fmt: skip
    layer = {"type": "lstm", "gate_order": "i,f,o,g", "Wx": Wx, "Wh": Wh, "bias": b}
    return Subject(_spec(x, layer, dy), compute, mistakes)


def gru() -> Subject:
    x, Wx, Wh, b, dy = random(18, 2, 3, 2), random(19, 2, 6), random(20, 2, 6), random(21, 6), random(22, 2, 3, 2)

    def compute(wrong: str) -> Numbers:
        order = "zrn" if wrong == "gates_in_other_order" else "rzn"
        at = {gate: slice(2 * k, 2 * k + 2) for k, gate in enumerate(order)}
        h, n, m, r, u = (np.zeros((2, 4, 2)) for _ in range(5))
        for t in range(3):
            by_x, by_h = x[:, t] @ Wx + b, h[:, t - 1] @ Wh
            r[:, t], u[:, t] = (sigmoid(by_x[:, at[gate]] + by_h[:, at[gate]]) for gate in "rz")
            m[:, t] = by_h[:, at["n"]]
            n[:, t] = np.tanh(by_x[:, at["n"]] + r[:, t] * m[:, t])
            h[:, t] = u[:, t] * h[:, t - 1] + (1 - u[:, t]) * n[:, t]
        dz, dzh, dh = np.zeros((2, 3, 6)), np.zeros((2, 3, 6)), 0 * dy[:, 0]
        for t in (2, 1, 0):
            dh = dh + dy[:, t]
            dn = dh * (1 - u[:, t]) * (1 - n[:, t] ** 2)
            dz[:, t, at["n"]] = dn
            dz[:, t, at["z"]] = dh * (h[:, t - 1] - n[:, t]) * u[:, t] * (1 - u[:, t])
            dz[:, t, at["r"]] = dn * m[:, t] * r[:, t] * (1 - r[:, t])
            dzh[:, t] = dz[:, t]
            dzh[:, t, at["n"]] = dn * r[:, t]
            dh = dh * u[:, t] + dzh[:, t] @ Wh.T
            dh = dh * (wrong != "not_carried_through_time")
        before = np.stack([h[:, 3], h[:, 0], h[:, 1]], axis=1)
        return {
            "h": h[:, :3], "dWx": _weighed(wrong, "Wx", x, dz), "dWh": _weighed(wrong, "Wh", before, dzh),
            "db": _summed(wrong, "b", dz),
        }  # fmt: skip

    mistakes = (
        "gates_in_other_order", "not_carried_through_time", *_sums("Wx", "b"), "weights_not_summed Wh last step"
    )  # fmt: skip
    return Subject(
        _spec(x, {"type": "gru", "gate_order": "r,z,n", "Wx": Wx, "Wh": Wh, "bias": b}, dy), compute, mistakes
    )


def _softmax(scores: Array) -> Array:
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def attention() -> Subject:
    """Two heads of two numbers each, causal."""
    x, dy = random(23, 2, 3, 4), random(24, 2, 3, 4)
    W = {letter: random(25 + k, 4, 4) for k, letter in enumerate("qkvo")}
    seen = np.tri(3) > 0

    def compute(wrong: str) -> Numbers:
        def split(q: Array) -> Array:
            return q.reshape(2, 3, 2, 2).swapaxes(1, 2)

        def joined(q: Array) -> Array:
            return q.swapaxes(1, 2).reshape(2, 3, 4)

        q, k, v = (split(x @ W[letter]) for letter in "qkv")
        scale = 1.0 if wrong == "attention_scale_missing" else 2**-0.5
        scores = scale * np.einsum("nhte,nhse->nhts", q, k)
        p = _softmax(scores if wrong == "mask_ignored" else np.where(seen, scores, -np.inf))
        context = p @ v
        dcontext = split(dy @ W["o"].T)
        dp, dv = np.einsum("nhte,nhse->nhts", dcontext, v), np.einsum("nhts,nhte->nhse", p, dcontext)
        ds = p * (dp - (p * dp).sum(axis=-1, keepdims=True))
        if wrong == "softmax_elementwise":
            ds = dp * p * (1 - p)
        back = 1.0 if wrong == "attention_scale_missing back" else scale
        dq, dk = back * ds @ k, back * ds.swapaxes(-1, -2) @ q
        by = {"q": dq, "k": dk, "v": dv}
        paths = {"sum_over_outputs_missing v": "v", "sum_over_outputs_missing qk": "qk"}.get(wrong, "qkv")
        if wrong == "sum_over_outputs_missing head":
            dx = sum(joined(_last(by[one])) @ W[one].T for one in "qkv")
        else:
            dx = sum(
                joined(by[one]) @ (W[one] if wrong == "weights_not_transposed_back" else W[one].T) for one in paths
            )
        found = {f"dW{one}": _weighed(wrong, f"W{one}", x, joined(by[one])) for one in "qkv"}
        return {
            "weights": p, "a": joined(context) @ W["o"], "dq": dq, "dk": dk, "dv": dv, **found,
            "dWo": _weighed(wrong, "Wo", joined(context), dy), "dx": dx,
        }  # fmt: skip

    mistakes = (
        "attention_scale_missing", "attention_scale_missing back", "mask_ignored", "softmax_elementwise",
        "sum_over_outputs_missing v", "sum_over_outputs_missing qk", "sum_over_outputs_missing head",
        "weights_not_transposed_back", "weights_not_summed Wq last step", "weights_not_summed Wo last example",
        "transposed Wv",
    )  # fmt: skip
    layer = {"type": "attention", "heads": 2, "mask": "causal", **{f"W{letter}": W[letter] for letter in W}}
    return Subject(_spec(x, layer, dy), compute, mistakes)


def batch_norm() -> Subject:
    x, gamma, beta, dy = random(30, 4, 3), random(31, 3), random(32, 3), random(33, 4, 3)

    def compute(wrong: str) -> Numbers:
        std = np.sqrt(x.var(axis=0) + 1e-5)
        x_hat = (x - x.mean(axis=0)) / std
        d = dy * gamma
        through_var = -x_hat * (d * x_hat).mean(axis=0) / std
        through_mean = -d.mean(axis=0) / std
        paths = {
            "statistics_held_fixed": 0, "statistics_held_fixed var": through_mean,
            "statistics_held_fixed mean": through_var,
        }  # fmt: skip
        dbeta = {
            "bias_not_summed rows": lambda: dy, "bias_not_summed first": lambda: dy[0],
        }.get(wrong, lambda: dy.sum(axis=0))()  # fmt: skip
        dgamma = (dy * x_hat)[-1] if wrong == "weights_not_summed" else (dy * x_hat).sum(axis=0)
        dx = d / std + paths.get(wrong, through_var + through_mean)
        return {"a": gamma * x_hat + beta, "dgamma": dgamma, "dbeta": dbeta, "dx": dx}

    mistakes = (
        "statistics_held_fixed", "statistics_held_fixed var", "statistics_held_fixed mean", "bias_not_summed rows",
        "bias_not_summed first", "weights_not_summed",
    )  # fmt: skip
    return Subject(_spec(x, {"type": "batch_norm", "gamma": gamma, "beta": beta}, dy), compute, mistakes)


SUBJECTS = {make.__name__: make() for make in (dense, convolution, rnn, lstm, gru, attention, batch_norm)}

#: Every mistake of every subject.
PLANTED = [(name, wrong) for name, subject in SUBJECTS.items() for wrong in subject.mistakes]


def nonsense(seed: int, right: Numbers) -> Numbers:
    """Random numbers in the place of some."""
    draw = np.random.default_rng(seed)
    keys = [key for key in right if draw.integers(3) == 0] or [next(iter(right))]
    return {key: draw.standard_normal(np.shape(q)) if key in keys else q for key, q in right.items()}
