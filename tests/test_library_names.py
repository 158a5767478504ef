"""Names other libraries use: each is found here, or the error says which function is meant."""

from __future__ import annotations

import re

import pytest

from gradcalc.cards import show
from gradcalc.errors import UsageError
from gradcalc.functions import entries, find
from gradcalc.functions.entry import Entry


def hint(name: str) -> str:
    """What the error says that there is for a name, or for one that is known."""
    try:
        find(name)
    except UsageError as error:
        return error.hint
    return ""


def names(entry: Entry) -> set[str]:
    """Every library's name of a function, without what stands in brackets behind it."""
    return {
        name.strip(" -") for text in entry.libraries.values() for name in re.sub(r"\([^()]*\)", "", text).split(",")
    }


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.name)
def test_the_name_in_a_library_leads_to_the_function(entry: Entry) -> None:
    for name in names(entry):
        said = hint(name)
        assert re.search(rf"\b{entry.name}\b", said) or (not said and "." not in name), (name, said)


KNOWN = [
    ("Shrink", "did you mean softshrink (ONNX Shrink(bias=lambd)) or hardshrink (ONNX Shrink(lambd))?"),
    ("optax.kl_divergence", "did you mean kl_divergence_log (optax.losses kl_divergence)?"),
    ("jax.nn.silu", "did you mean silu (JAX nn.silu)?"),
    ("torch.nn.CrossEntropyLoss", "did you mean softmax_cross_entropy (PyTorch nn.CrossEntropyLoss)?"),
    ("mylib.sigmoid_", "did you mean sigmoid"),
    ("mylib.nothing_like_it", "'gradcalc list functions' names them all"),
]


@pytest.mark.parametrize(("name", "expected"), KNOWN, ids=str)
def test_names_with_modules_and_names_of_several_functions(name: str, expected: str) -> None:
    assert hint(name).startswith(expected)


def test_layer_norm_is_a_function_too_and_its_card_the_layer_s() -> None:
    assert find("LayerNormalization") is find("standardize")
    assert show("layer_norm").record["name"] == "layer_norm"


def test_show_says_it_too() -> None:
    with pytest.raises(UsageError, match=r"did you mean relu6 \(ONNX Clip\(0, 6\)\) or hard_tanh"):
        show("Clip")
