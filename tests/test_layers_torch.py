"""Every layer beside PyTorch's, for random settings in float64: to 1e-10, the output and all gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradcalc.layers import TYPES
from made_layers import both_ways, made
from torch_settings import Array, Draw, Setting, Tensors, channels_first, channels_last, torch, whole
from torch_structure import STRUCTURE

TRIALS = 25
TOLERANCE = 1e-10


def conv(rank: int) -> Draw:
    def draw(random: np.random.Generator) -> Setting:
        groups, kernel = int(random.integers(1, 4)), whole(random, 1, 3, rank)
        dilation, stride, padding = (whole(random, low, 3, rank) for low in (1, 1, 0))
        size = [int(d * (k - 1) + 1 + random.integers(0, 5)) for k, d in zip(kernel, dilation, strict=True)]
        channels, units = (groups * int(random.integers(1, 4)) for _ in range(2))
        x = random.standard_normal((int(random.integers(1, 5)), channels, *size))
        keys = {
            "weights": random.standard_normal((units, channels // groups, *kernel)),
            "bias": random.standard_normal(units),
            "stride": list(stride),
            "dilation": list(dilation),
            "padding": list(padding),
            "groups": groups,
        }
        if random.integers(3) == 0:
            keys |= {"stride": 1, "padding": "same"}
            stride, padding = (1,) * rank, "same"
        x, turned = channels_last(random, x, keys)
        theirs = getattr(torch.nn.functional, f"conv{rank}d")
        return Setting(
            f"conv{rank}d",
            keys,
            [x],
            lambda t: turned(
                theirs(channels_first(keys, t["x"]), t["W"], t["b"], stride, padding, dilation, groups),
            ),
        )

    return draw


def pooled(random: np.random.Generator, rank: int) -> tuple[dict[str, Any], Array]:
    """The keys of a pooling layer that PyTorch takes too, and an input."""
    kernel, stride = whole(random, 1, 3, rank), whole(random, 1, 3, rank)
    padding = [int(random.integers(0, k // 2 + 1)) for k in kernel]
    size = [int(2 * (k - 1) + 1 + random.integers(0, 5)) for k in kernel]
    x = random.standard_normal((int(random.integers(1, 5)), int(random.integers(1, 4)), *size))
    return {"kernel": list(kernel), "stride": list(stride), "padding": padding}, x


def pool(kind: str, rank: int) -> Draw:
    def draw(random: np.random.Generator) -> Setting:
        keys, x = pooled(random, rank)
        asked = (keys["kernel"], keys["stride"], keys["padding"])
        own: dict[str, Any] = {"dilation": list(whole(random, 1, 2, rank))} if kind == "max" else {}
        own |= {"count_include_pad": bool(random.integers(2))} if kind == "avg" else {}
        if random.integers(2):
            x = np.round(x)  # with ties
        keys |= own
        x, turned = channels_last(random, x, keys)
        theirs = getattr(torch.nn.functional, f"{kind}_pool{rank}d")
        return Setting(
            f"{kind}_pool{rank}d", keys, [x], lambda t: turned(theirs(channels_first(keys, t["x"]), *asked, **own))
        )

    return draw


def global_pool(name: str) -> Draw:
    def draw(random: np.random.Generator) -> Setting:
        keys: dict[str, Any] = {}
        x, _ = channels_last(random, random.standard_normal(whole(random, 1, 5, 4)), keys)
        reduced = {"avg": lambda x: x.mean((2, 3)), "max": lambda x: x.flatten(2).max(2).values}[name]
        return Setting(f"global_{name}_pool", keys, [x], lambda t: reduced(channels_first(keys, t["x"])))

    return draw


def recurrent(type_: str, blocks: int, order: str) -> Draw:
    """A recurrent layer in PyTorch's layout, with both of its biases and its first states."""

    def draw(random: np.random.Generator) -> Setting:
        examples, steps, features, units = whole(random, 1, 4, 4)
        shapes = {"Wx": (blocks * units, features), "Wh": (blocks * units, units), "bias": (blocks * units,)}
        shapes |= {"recurrent_bias": shapes["bias"], "h0": (examples, units)}
        shapes |= {"c0": (examples, units)} if type_ == "lstm" else {}
        keys: dict[str, Any] = {name: random.standard_normal(shape) for name, shape in shapes.items()}
        keys |= {"layout": "out_in", "return_sequences": bool(random.integers(2))}
        keys |= {"gate_order": order} if order else {"activation": ["tanh", "relu"][int(random.integers(2))]}
        name = f"{type_}_{keys['activation']}" if type_ == "rnn" else type_
        x = random.standard_normal((examples, steps, features))
        return Setting(type_, keys, [x], lambda t: run(getattr(torch, name), t, keys["return_sequences"]))

    return draw


def run(walk: Any, t: Tensors, sequences: bool) -> Any:
    """PyTorch's walk along time; first states have an axis for the layers of a stack."""
    states = [t[name][None] for name in ("h0", "c0") if name in t]
    start = states if len(states) == 2 else states[0]
    output, *_ = walk(t["x"], start, [t["Wx"], t["Wh"], t["b"], t["bh"]], True, 1, 0.0, False, False, True)
    return output if sequences else output[:, -1]


def dot_product_attention(random: np.random.Generator) -> Setting:
    """Without projections; every query sees a key, since PyTorch's softmax of none is NaN."""
    examples, queries, others, heads, width, values = whole(random, 1, 4, 6)
    shapes = [(queries, heads * width), (others, heads * width), (others, heads * values)]
    inputs = [random.standard_normal((examples, *shape)) for shape in shapes]
    mask = random.integers(0, 2, (queries, others))
    mask[:, 0] = 1
    kind = int(random.integers(3))

    def output(t: Tensors) -> Any:
        q, k, v = (t[f"x[{i}]"].unflatten(2, (heads, -1)).transpose(1, 2) for i in range(3))
        seen = torch.tensor(mask, dtype=torch.bool) if kind == 2 else None
        theirs = torch.nn.functional.scaled_dot_product_attention
        return theirs(q, k, v, attn_mask=seen, is_causal=kind == 1).transpose(1, 2).flatten(2)

    return Setting("attention", {"heads": heads, "mask": ["none", "causal", mask][kind]}, inputs, output)


def multi_head_attention(random: np.random.Generator) -> Setting:
    """All projections and biases, in PyTorch's layout; queries of their own or all of one input."""
    examples, queries, others, heads, width = whole(random, 1, 4, 5)
    size, alone = heads * width, bool(random.integers(2))
    shapes = {f"W{letter}": (size, size) for letter in "qkvo"} | {f"b{letter}": (size,) for letter in "qkvo"}
    keys: dict[str, Any] = {name: random.standard_normal(shape) for name, shape in shapes.items()}
    keys |= {"heads": heads, "layout": "out_in", "mask": "causal" if alone else "none"}
    inputs = [random.standard_normal((examples, steps, size)) for steps in ((queries,) if alone else (queries, others))]

    def output(t: Tensors) -> Any:
        given = [t["x"]] * 3 if alone else [t["x[0]"], t["x[1]"], t["x[1]"]]
        hidden = torch.ones(queries, queries, dtype=torch.bool).triu(1) if alone else None
        found, _ = torch.nn.functional.multi_head_attention_forward(
            *(x.transpose(0, 1) for x in given), size, heads, None,
            torch.cat([t["bq"], t["bk"], t["bv"]]), None, None, False, 0.0, t["Wo"], t["bo"], attn_mask=hidden,
            use_separate_proj_weight=True, q_proj_weight=t["Wq"], k_proj_weight=t["Wk"], v_proj_weight=t["Wv"],
        )  # fmt: skip
        return found.transpose(0, 1)

    return Setting("attention", keys, inputs, output)


def affine(random: np.random.Generator, shape: tuple[int, ...]) -> dict[str, Any]:
    """gamma and beta of that shape, both or neither: neither every other time."""
    return {name: random.standard_normal(shape) for name in ("gamma", "beta")} if random.integers(2) else {}


def batch_norm(random: np.random.Generator) -> Setting:
    """In both modes, over features, lengths and images, with and without running statistics."""
    examples, channels, *size = whole(random, 2, 4, int(random.integers(2, 5)))
    keys = {**affine(random, (channels,)), "eps": float(random.uniform(1e-6, 1e-2))}
    training = bool(random.integers(2))
    mean, var = random.standard_normal(channels), random.uniform(0.5, 2, channels)
    if not training:
        keys |= {"mode": "eval", "running_mean": mean, "running_var": var}
    x, turned = channels_last(random, random.standard_normal((examples, channels, *size)), keys)
    theirs = torch.nn.functional.batch_norm

    def output(t: Tensors) -> Any:
        running = torch.tensor(mean), torch.tensor(var)
        x = channels_first(keys, t["x"])
        return turned(theirs(x, *running, t.get("gamma"), t.get("beta"), training, 0.1, keys["eps"]))

    return Setting("batch_norm", keys, [x], output)


def layer_norm(random: np.random.Generator) -> Setting:
    x = random.standard_normal(whole(random, 2, 4, int(random.integers(2, 5))))
    shape = x.shape[1:] if random.integers(2) else x.shape[-1:]
    keys = {**affine(random, shape), "axis": "last" if len(shape) == 1 else "all", "eps": random.uniform(1e-6, 1e-2)}
    theirs = torch.nn.functional.layer_norm
    return Setting("layer_norm", keys, [x], lambda t: theirs(t["x"], shape, t.get("gamma"), t.get("beta"), keys["eps"]))


def rms_norm(random: np.random.Generator) -> Setting:
    x = random.standard_normal(whole(random, 1, 4, int(random.integers(2, 5))))
    keys = {"gamma": random.standard_normal(x.shape[-1]), "eps": float(random.uniform(1e-6, 1e-2))}
    theirs = torch.nn.functional.rms_norm
    return Setting("rms_norm", keys, [x], lambda t: theirs(t["x"], x.shape[-1:], t["gamma"], keys["eps"]))


def group_norm(random: np.random.Generator) -> Setting:
    examples, groups, each, *size = whole(random, 2, 4, int(random.integers(3, 6)))
    keys = {**affine(random, (groups * each,)), "groups": groups, "eps": float(random.uniform(1e-6, 1e-2))}
    x, turned = channels_last(random, random.standard_normal((examples, groups * each, *size)), keys)
    theirs = torch.nn.functional.group_norm
    return Setting(
        "group_norm",
        keys,
        [x],
        lambda t: turned(theirs(channels_first(keys, t["x"]), groups, t.get("gamma"), t.get("beta"), keys["eps"])),
    )


def normalize(random: np.random.Generator) -> Setting:
    """With entries that are 0, whole vectors of them, and ties."""
    x = random.standard_normal(whole(random, 1, 4, int(random.integers(2, 5))))
    x = np.round(x) if random.integers(2) else x
    p = [1, 1.5, 2, 3, np.inf][int(random.integers(5))]
    axis = int(random.integers(x.ndim - 1))
    keys = {"axis": axis, "p": "inf" if p == np.inf else p, "eps": 0.5}
    return Setting("normalize", keys, [x], lambda t: torch.nn.functional.normalize(t["x"], p, axis + 1, 0.5))


ROWS: dict[str, Draw] = {
    **STRUCTURE,
    "conv1d": conv(1),
    "conv2d": conv(2),
    "max_pool1d": pool("max", 1),
    "max_pool2d": pool("max", 2),
    "avg_pool1d": pool("avg", 1),
    "avg_pool2d": pool("avg", 2),
    "global_avg_pool": global_pool("avg"),
    "global_max_pool": global_pool("max"),
    "rnn": recurrent("rnn", 1, ""),
    "lstm": recurrent("lstm", 4, "i,f,g,o"),
    "gru": recurrent("gru", 3, "r,z,n"),
    "attention, dot product": dot_product_attention,
    "attention, multi-head": multi_head_attention,
    "batch_norm": batch_norm,
    "layer_norm": layer_norm,
    "rms_norm": rms_norm,
    "group_norm": group_norm,
    "normalize": normalize,
}


def test_every_layer_has_a_row() -> None:
    assert {row.partition(",")[0] for row in ROWS} == set(TYPES)


@pytest.mark.filterwarnings("ignore:Using padding='same'")  # PyTorch tells that it copies
@pytest.mark.parametrize("row", ROWS)
def test_output_and_gradients_are_pytorch_s(row: str) -> None:
    worst = 0.0
    for seed in range(TRIALS):
        setting = ROWS[row](np.random.default_rng(seed))
        for name, (ours, theirs) in compared(setting, np.random.default_rng(seed + TRIALS)).items():
            assert ours.shape == theirs.shape, f"{name} of {setting}"
            error = float((np.abs(ours - theirs) / np.maximum(1, np.abs(theirs))).max(initial=0.0))
            assert error <= TOLERANCE, f"{name} of {setting}: {error}"
            worst = max(worst, error)
    print(f"{row}: {TRIALS} settings, largest difference {worst:.1e}")


def test_running_statistics_are_pytorch_s() -> None:
    """The batch's share is momentum, and of the variance it is the unbiased one."""
    random = np.random.default_rng(3)
    x, mean, var = random.standard_normal((4, 3, 5)), random.standard_normal(3), random.uniform(0.5, 2, 3)
    layer = made("batch_norm", {"running_mean": mean, "running_var": var, "momentum": 0.3}, x)
    theirs = torch.tensor(mean), torch.tensor(var)
    torch.nn.functional.batch_norm(torch.tensor(x), *theirs, training=True, momentum=0.3)
    ours = both_ways(layer, x)
    for name, tensor in zip(("running_mean_new", "running_var_new"), theirs, strict=True):
        np.testing.assert_allclose(ours[name], tensor.numpy(), rtol=TOLERANCE)


def compared(setting: Setting, random: np.random.Generator) -> dict[str, tuple[Array, Array]]:
    """The output and every gradient, ours and theirs."""
    layer = made(setting.type, setting.keys, *setting.inputs)
    letters = ["x"] if len(setting.inputs) == 1 else [f"x[{i}]" for i in range(len(setting.inputs))]
    arrays = {**layer.as_written(layer.parameters), **dict(zip(letters, setting.inputs, strict=True))}
    tensors = {
        name: torch.tensor(array, requires_grad=np.asarray(array).dtype.kind == "f") for name, array in arrays.items()
    }
    output = setting.output(tensors)
    da = random.standard_normal(tuple(output.shape))
    output.backward(torch.tensor(da))
    ours = layer.as_written(both_ways(layer, *setting.inputs, da=da))
    theirs = {f"d{name}": tensor.grad.numpy() for name, tensor in tensors.items() if tensor.grad is not None}
    theirs["a"] = output.detach().numpy()
    return {name: (ours[name], array) for name, array in theirs.items()}
