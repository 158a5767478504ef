"""The bundled examples: each says what it is, runs in every format, and has gradients that differences confirm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gradcalc.examples
from commands import in_process
from gradcalc.backpropagation import BackpropResult, backprop
from gradcalc.errors import simplified
from gradcalc.examples import Example, examples
from gradcalc.render import FORMATS

#: What moves an example off the kink it is there to show: differences know no sides.
OFF_THE_KINK = {"kinks-prelu": ("units.b[0]=-0.01",)}

#: One pass, at the parameters as they are written.
NO_STEP = ("learning_rate=0.001", "steps=1")

CHECKED = 6  # numbers of each quantity
STEP = 1e-5

each_example = pytest.mark.parametrize("example", examples(), ids=lambda example: example.name)


@each_example
def test_an_example_says_what_it_is_and_where_it_is_from(example: Example) -> None:
    assert 20 < len(example.title) < 110 and not example.title.startswith(("{", "#"))
    if not example.text.startswith("{"):
        assert example.text.startswith(f"# {example.title}\n# ")
        assert "# Source: " in example.text
    assert example.text.isascii() and example.text.endswith("\n")
    assert max(map(len, example.text.splitlines())) <= 120


def test_no_two_examples_are_spelled_alike() -> None:
    names = [simplified(example.name) for example in examples()]
    assert len(names) == len(set(names)) >= 12


def test_every_file_beside_them_is_an_example() -> None:
    folder = Path(gradcalc.examples.__file__).parent
    files = {path.stem for path in folder.iterdir() if path.suffix in (".yaml", ".json", ".yml")}
    assert files == {example.name for example in examples()}


@pytest.mark.parametrize("format_name", FORMATS)
@each_example
def test_an_example_runs_in_every_format(example: Example, format_name: str) -> None:
    outcome = in_process("backprop", "-", "--format", format_name, stdin=example.text)
    assert (outcome.code, outcome.err) == (0, "")
    assert len(outcome.out) > 20


@each_example
def test_gradients_agree_with_central_differences(example: Example, tmp_path: Path) -> None:
    path = tmp_path / f"{example.name}.yaml"
    path.write_text(example.text)
    sets = OFF_THE_KINK.get(example.name, ()) + NO_STEP
    result = run(path, sets)
    assert result.layers or result.input
    for position, (layer, own) in enumerate(zip(result.layers, result.problem.layers, strict=True)):
        for letter in own.parameters:
            shared = (position, letter) in result.problem.shared
            if f"d{letter}" in layer.quantities and not shared:
                confirm(path, sets, f"{layer.name}.{letter}", layer.quantities[letter], layer.quantities[f"d{letter}"])


def run(path: Path, sets: tuple[str, ...]) -> BackpropResult:
    return backprop(path, sets=sets)


def confirm(path: Path, sets: tuple[str, ...], address: str, numbers: Any, gradient: Any) -> None:
    """Some of a parameter's numbers are moved to both sides, and the loss read."""
    rng = np.random.default_rng(0)
    places = list(np.ndindex(numbers.shape))
    for place in (places[i] for i in rng.permutation(len(places))[:CHECKED]):
        ends = [numbers[place] + side * STEP for side in (1, -1)]
        losses = [loss(run(path, (*sets, moved(address, numbers, place, end)))) for end in ends]
        assert (losses[0] - losses[1]) / (2 * STEP) == pytest.approx(gradient[place], rel=1e-6, abs=1e-9)


def moved(address: str, numbers: Any, place: tuple[int, ...], value: float) -> str:
    """What sets one number of a parameter; a function's parameter stands in its activation, and is set as a whole."""
    layer, letter = address.split(".")
    if letter != "alpha":
        return f"{address}{''.join(f'[{i}]' for i in place)}={float(value)!r}"
    changed = numbers.copy()
    changed[place] = value
    return f"{layer}.activation.alpha={changed.tolist()}"


def loss(result: BackpropResult) -> float:
    """The loss; where only its derivative is given, what has that derivative: the sum of upstream * a."""
    if result.loss is not None:
        return result.loss
    assert result.problem.upstream is not None
    last = result.problem.examples.read(result.layers[-1].quantities["a"])
    return float((result.problem.upstream * last).sum())
