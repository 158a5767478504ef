"""What holds for every layer there is: shapes, derivatives, linearity, precision, and that nothing is changed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from gradcalc import layers
from gradcalc.backpropagation import backprop
from gradcalc.errors import SpecError
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.declaration import LayerEntry
from gradcalc.report import report
from gradcalc.shapes import Array
from gradcalc.spec.document import parse_value
from layer_samples import BATCH, CASES, Case, built, derivatives, inputs, upstream

each_case = pytest.mark.parametrize("case", CASES, ids=str)
each_entry = pytest.mark.parametrize("entry", layers.entries(), ids=lambda entry: entry.type)

#: The network's passes keep NumPy quiet, and say themselves what is not finite.
pytestmark = pytest.mark.usefixtures("quiet")

STEP = 1e-5
KNOWN = re.compile(r"d?(x|z|a)(\[\d+\])?|f_prime")


@pytest.fixture
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"):
        yield


def both_passes(layer: Layer, given: list[Array], da: Array) -> tuple[Quantities, Quantities]:
    step = layer.forward(*given)
    return step.quantities, step.back(da, None)


@each_case
def test_shapes_and_names_are_as_declared(case: Case) -> None:
    given = inputs(case)
    layer = built(case, given)
    assert layer.takes == case.sample.shapes
    step = layer.forward(*given)
    assert step.a.shape == (BATCH, *layer.gives)
    assert list(step.quantities)[-1] == "a"
    assert step.quantities["a"] is step.a
    back = step.back(upstream(layer), None)
    x = ["x"] if len(given) == 1 else [f"x[{i}]" for i in range(len(given))]
    assert list(step.quantities)[: len(x)] == x
    if not case.sample.whole:
        assert list(back)[-len(x) :] == [f"d{name}" for name in x]
        assert [back[f"d{name}"].shape for name in x] == [array.shape for array in given]
    for letter, array in layer.parameters.items():
        assert back[f"d{letter}"].shape == array.shape
    assert set(layer.parameters) <= set(step.quantities)
    for name in [*step.quantities, *back]:
        names = (name, name.removeprefix("d"))
        assert KNOWN.fullmatch(name) or any(n in layer.parameters or case.entry.quantity(n) for n in names), name
    assert set(step.slope()) <= {"f_prime"}


@each_case
def test_derivatives_are_those_of_central_differences(case: Case) -> None:
    given = inputs(case)
    layer = built(case, given)
    da = upstream(layer)
    _, back = both_passes(layer, given, da)

    def total(one: Layer, arrays: list[Array]) -> float:
        return float((one.forward(*arrays).a * da).sum())

    for letter, array in layer.parameters.items():
        slope = differences(lambda v, q=letter: total(layer.with_parameters({**layer.parameters, q: v}), given), array)
        assert_close(back[f"d{letter}"], slope, letter)
    for i, array in enumerate([] if case.sample.whole else given):
        slope = differences(lambda v, i=i: total(layer, [*given[:i], v, *given[i + 1 :]]), array)
        assert_close(back["dx" if len(given) == 1 else f"dx[{i}]"], slope, f"x[{i}]")


def differences(value: Callable[[Array], float], array: Array) -> Array:
    """The slope by every number of `array`."""
    found = np.empty(array.shape)
    for index in np.ndindex(array.shape):
        there, here = array.copy(), array.copy()
        there[index] += STEP
        here[index] -= STEP
        found[index] = (value(there) - value(here)) / (there[index] - here[index])
    return found


def assert_close(got: Array, wanted: Array, name: str) -> None:
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6 * max(1.0, np.abs(wanted).max()), err_msg=name)


@each_case
def test_the_way_back_is_linear(case: Case) -> None:
    given = inputs(case)
    layer = built(case, given)
    step, u, v = layer.forward(*given), upstream(layer), upstream(layer, seed=6)
    of_u, of_v, of_both = (derivatives(step.back(da, None)) for da in (u, v, 2 * u - 3 * v))
    for name, array in of_both.items():
        np.testing.assert_allclose(array, 2 * of_u[name] - 3 * of_v[name], rtol=1e-9, atol=1e-10, err_msg=name)


@each_case
def test_float32_stays_float32(case: Case) -> None:
    given = inputs(case, dtype=np.float32)
    layer = built(case, given, np.float32)
    forward, back = both_passes(layer, given, upstream(layer).astype(np.float32))
    floats = {n: a.dtype for n, a in {**forward, **back}.items() if a.dtype.kind == "f"}
    assert {n for n, dtype in floats.items() if dtype != np.float32} == set()
    assert {n for n, a in layer.parameters.items() if a.dtype != np.float32} == set()


@each_case
def test_nothing_is_changed_in_place(case: Case) -> None:
    given = inputs(case)
    layer = built(case, given)
    da = upstream(layer)
    held = [*given, da, *layer.parameters.values()]
    kept = [array.copy() for array in held]
    step = layer.forward(*given)
    first = {name: array.copy() for name, array in step.quantities.items()}
    once, again = step.back(da, None), step.back(da, None)
    layer.with_parameters({letter: 2 * array for letter, array in layer.parameters.items()}).forward(*given)
    for array, copy in zip(held, kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    for name, array in step.quantities.items():
        np.testing.assert_array_equal(array, first[name])
    for name, array in once.items():
        np.testing.assert_array_equal(array, again[name])


@pytest.mark.parametrize("case", [case for case in CASES if not case.sample.coupled], ids=str)
def test_a_batch_is_its_examples(case: Case) -> None:
    given = inputs(case)
    layer = built(case, given)
    da = upstream(layer)
    step = layer.forward(*given)
    back = step.back(da, None)
    alone = [both_passes(layer, [array[i : i + 1] for array in given], da[i : i + 1]) for i in range(BATCH)]
    np.testing.assert_allclose(step.a, np.concatenate([one["a"] for one, _ in alone]), rtol=1e-12, atol=1e-14)
    for name, array in back.items():
        parts = [one[name] for _, one in alone]
        if name.startswith("dx"):
            np.testing.assert_allclose(array, np.concatenate(parts), rtol=1e-11, atol=1e-12, err_msg=name)
        elif name[1:] in layer.parameters:
            np.testing.assert_allclose(array, sum(parts), rtol=1e-11, atol=1e-11, err_msg=name)


@each_case
def test_what_is_written_can_be_read_back(case: Case) -> None:
    """So that a shared parameter and its gradient find their way between two layers."""
    layer = built(case, inputs(case))
    for letter, array in layer.as_written(layer.parameters).items():
        for name, own in layer.from_written(letter, array).items():
            np.testing.assert_array_equal(own, layer.parameters[name])


@each_entry
def test_the_example_runs_in_full(entry: LayerEntry) -> None:
    result = backprop(parse_value(entry.example, "example"))
    assert entry.type in [layer.type for layer in result.layers]
    assert "da" in result.layers[0].quantities
    assert report(result)


@each_entry
def test_an_empty_batch_is_refused(entry: LayerEntry) -> None:
    sample = entry.samples[0]
    names = [f"in{i}" for i in range(len(sample.shapes))]
    given = {name: np.zeros((0, *shape)) for name, shape in zip(names, sample.shapes, strict=True)}
    layer = {"type": entry.type, "inputs": names if len(names) > 1 else "input", **sample.keys}
    with pytest.raises(SpecError, match=r"no numbers|empty"):
        backprop({"input": given if len(names) > 1 else given["in0"], "layers": [layer]})


def test_every_type_is_declared_where_it_is_said_to_be() -> None:
    for module, types in layers.MODULES.items():
        assert tuple(layers.find(one).type for one in types) == types, module
    names = [name for entry in layers.entries() for name in (entry.type, *entry.aliases)]
    assert sorted(names) == sorted(set(names))
