"""The API behind `backprop`: a spec in, every quantity of both passes out, in the spec's own shapes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradcalc.addresses import Address, resolve, split_index
from gradcalc.advice import warnings
from gradcalc.chain import ChainProduct, chain_products
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.layers.activation import ActivationLayer, slope_is_large
from gradcalc.layers.base import Layer, Quantities
from gradcalc.layers.dense import Dense
from gradcalc.network import Problem, descend, run
from gradcalc.shapes import Array, Examples

if TYPE_CHECKING:
    from gradcalc.spec.document import Document

#: The order in which a layer's quantities are shown; other parameters (alpha) stand with W, their gradients with dW.
_ORDER = (
    "x",
    "W",
    "b",
    "*",
    "z",
    "a",
    "f_prime",
    "da",
    "dz",
    "dW",
    "db",
    "d*",
    "dx",
    "W_new",
    "b_new",
    "*_new",
)


class LayerResult(NamedTuple):
    """One layer's quantities by their letters, in the spec's shapes and the chain rule's order.

    `inputs`, `outputs` are its sizes; `activation` its function's name or None.
    """

    name: str
    type: str
    activation: str | None
    inputs: int
    outputs: int
    quantities: Quantities


class BackpropResult(NamedTuple):
    """What `backprop` computed. Arrays have the shapes and layout of the spec; see `to_dict` for the JSON form.

    `input` has the input and the loss's derivative by it, a0 and da0, where no layer has them as its x and dx.
    """

    problem: Problem
    loss: float | None
    loss_terms: dict[str, float | None]
    loss_history: list[float]
    layers: list[LayerResult]
    chain: list[ChainProduct]
    input: Quantities
    warnings: list[str]

    @property
    def conventions(self) -> dict[str, str]:
        """The conventions that were applied, by option."""
        return self.problem.conventions

    def quantity(self, address: str) -> Array:
        """The numbers of one quantity, e.g. hidden.dW, dW1, loss or hidden.dW[0][1]. Errors: UsageError."""
        found = self.locate(address)
        numbers = self._numbers(found)
        try:
            return np.asarray(numbers[found.place])
        except IndexError:
            raise UsageError(f"{address}: the index is outside its shape {numbers.shape}") from None

    def locate(self, address: str) -> Address:
        """The address in full that a long or short one, in any case, speaks of. Errors: UsageError."""
        name, index = split_index(address)
        if name.lower() == "loss" or name.lower() in self.input:
            return Address("", name.lower(), index)
        listed = [(layer.name, layer.type, self._names(i)) for i, layer in enumerate(self.layers)]
        try:
            position, quantity = resolve(name, listed)
        except UsageError:
            self._check_computed(name)
            raise
        return Address(self.layers[max(position, 0)].name, quantity, index)

    def _check_computed(self, name: str) -> None:
        """UsageError where the name is that of a quantity which this spec does not ask for."""
        every = [(layer.name, layer.type, _possible(self._names(i))) for i, layer in enumerate(self.layers)]
        try:
            _, quantity = resolve(name, every)
        except UsageError:
            return
        if quantity.endswith("_new"):
            raise UsageError(f"{name} is not computed", hint="only with a learning_rate are there new parameters")
        raise UsageError(f"{name} is not computed", hint="the spec gives neither loss and target nor upstream")

    def _numbers(self, address: Address) -> Array:
        if address.layer:
            position = [layer.name for layer in self.layers].index(address.layer)
            found = self.layers[position].quantities.get(address.quantity)
            return self._large_jacobian(position) if found is None else found
        if address.quantity != "loss":
            return self.input[address.quantity]
        if self.loss is None:
            given = "upstream in its place" if self.problem.upstream is not None else "neither loss nor upstream"
            raise UsageError("there is no loss", hint=f"the spec gives {given}")
        return np.asarray(self.loss)

    def _names(self, position: int) -> list[str]:
        """The quantities that can be asked for: a Jacobian too large to be shown is still made when asked for."""
        layer, shown = self.problem.layers[position], self.layers[position].quantities
        large = isinstance(layer, Dense | ActivationLayer) and slope_is_large(layer.activation, layer.outputs)
        return [*shown, *(("f_prime",) if large else ())]

    def _large_jacobian(self, position: int) -> Array:
        layer, found = self.problem.layers[position], self.layers[position]
        assert isinstance(layer, Dense | ActivationLayer)
        assert layer.activation is not None
        z = self.problem.examples.read(found.quantities["z" if isinstance(layer, Dense) else "x"])
        with np.errstate(all="ignore"):
            jacobian = layer.activation.slope(z)
        return jacobian[0] if self.problem.examples.flat else jacobian

    def addresses(self) -> Iterator[tuple[str, str, Array]]:
        """Every quantity as (layer, letter, numbers); the loss comes first, and has an empty layer as has the input."""
        if self.loss is not None:
            yield "", "loss", np.asarray(self.loss)
        for letter, numbers in self.input.items():
            yield "", letter, numbers
        for layer in self.layers:
            for letter, numbers in layer.quantities.items():
                yield layer.name, letter, numbers

    def to_dict(self) -> dict[str, Any]:
        """The result as plain lists and floats under the contract's keys; numbers that are not finite stay floats."""
        return {key: _made(value) for key, value in self.parts().items()}

    def parts(self) -> dict[str, Any]:
        """The result under the same keys, each quantity as a function that makes its lists: all at once are large."""
        found: dict[str, Any] = {"loss": self.loss, "loss_terms": self.loss_terms, "loss_history": self.loss_history}
        found["conventions"] = dict(self.conventions)
        found.update({letter: partial(plain, numbers) for letter, numbers in self.input.items()})
        found["layers"] = [
            {
                "name": layer.name,
                "type": layer.type,
                "activation": layer.activation,
                **{letter: partial(plain, numbers) for letter, numbers in layer.quantities.items()},
            }
            for layer in self.layers
        ]
        return found


def backprop(spec: str | os.PathLike[str] | Mapping[str, Any] | Document, **options: Any) -> BackpropResult:
    """Forward and backward pass of a network: a file's name, "-" for stdin, or the spec itself as a mapping.

    Options are those of `gradcalc.spec.load`. Errors: SpecError, InputError, UsageError.
    """
    from gradcalc.spec import load

    loaded = load(spec, **options)
    try:
        return solve(loaded.problem)
    except GradcalcError as error:
        raise loaded.placed(error) from None


def solve(problem: Problem) -> BackpropResult:
    """All passes of a problem: the last one's quantities, and the parameters after the last step."""
    history: list[float] = []
    layers = moved = problem.layers
    for _ in range(problem.steps):
        layers = moved
        last = run(problem, layers)
        if last.loss is not None:
            history.append(last.loss)
        if problem.learning_rate is not None:
            moved = descend(layers, last.quantities, problem.learning_rate)
    results = [
        _layer_result(problem.examples, layer, quantities)
        for layer, quantities in zip(layers, last.quantities, strict=True)
    ]
    if problem.learning_rate is not None:
        results = [_with_new(result, layer) for result, layer in zip(results, moved, strict=True)]
    return BackpropResult(
        problem=problem._replace(layers=layers),
        loss=last.loss,
        loss_terms={
            "data": last.data_loss,
            "regularization": last.penalty,
        },
        loss_history=history,
        layers=results,
        chain=chain_products(layers, last, problem),
        input={} if layers else _input(problem.examples, problem.x, last.da),
        warnings=warnings(problem, last.quantities[-1]["a"] if layers else problem.x),
    )


def _input(examples: Examples, x: Array, da: Array | None) -> Quantities:
    """The input a0 and, after a backward pass, the loss's derivative by it, in the user's shapes."""
    return {"a0": examples.write(x), **({} if da is None else {"da0": examples.write(da)})}


def _made(value: Any) -> Any:
    """A part of the result with its quantities made."""
    if isinstance(value, list):
        return [_made(item) for item in value]
    if isinstance(value, dict):
        return {key: _made(item) for key, item in value.items()}
    return value() if callable(value) else value


def plain(numbers: Array) -> Any:
    """An array as nested lists of floats; float32 by its shortest text, so that 0.1 stays 0.1."""
    if numbers.dtype == np.float32:
        return numbers.astype(str).astype(np.float64).tolist()
    return numbers.tolist()


def _layer_result(examples: Examples, layer: Layer, quantities: Quantities) -> LayerResult:
    """A layer's quantities in the user's shapes, in the order of `_ORDER`."""
    shown = {name: _as_written(examples, layer, name, quantities) for name in sorted(quantities, key=_rank)}
    if isinstance(layer, Dense) and layer.bias_form.form == "folded":
        shown = {name: numbers for name, numbers in shown.items() if name not in ("b", "db")}
    activation = (
        layer.activation.entry.name if isinstance(layer, Dense | ActivationLayer) and layer.activation else None
    )
    return LayerResult(layer.name, layer.type, activation, layer.inputs, layer.outputs, shown)


def written(examples: Examples, layer: Layer, quantities: Quantities, moved: Layer | None) -> Quantities:
    """A layer's quantities, and its parameters after the step if it was `moved`, in the user's shapes."""
    result = _layer_result(examples, layer, quantities)
    return (result if moved is None else _with_new(result, moved)).quantities


def _as_written(examples: Examples, layer: Layer, name: str, quantities: Quantities) -> Array:
    numbers = quantities[name]
    if name in ("x", "z", "a", "da", "dz", "dx"):
        return examples.write(numbers)
    if name == "f_prime":
        return examples.write(numbers) if numbers.ndim == 2 else numbers[0] if examples.flat else numbers
    if isinstance(layer, Dense) and name in ("W", "dW"):
        return layer.weight_form.write(numbers, quantities.get("b" if name == "W" else "db"))
    return layer.bias_form.write(numbers) if isinstance(layer, Dense) and name in ("b", "db") else numbers


def _with_new(result: LayerResult, moved: Layer) -> LayerResult:
    """The layer's result with its parameters after the step, as W_new, b_new ..."""
    new = _layer_result(Examples(flat=True, columns=False), moved, moved.parameters).quantities
    return result._replace(quantities={**result.quantities, **{f"{name}_new": v for name, v in new.items()}})


def _possible(names: Iterable[str]) -> list[str]:
    """These quantities, and those that a backward pass and a step would add to them."""
    own = [name for name in names if not name.endswith("_new")]
    passed = [name for name in own if name != "f_prime" and not (name[0] == "d" and name[1:] in own)]
    more = [f"d{name}" for name in passed]
    parameters = [f"{name}_new" for name in passed if name not in ("x", "z", "a")]
    return list(dict.fromkeys([*names, *more, *parameters]))


def _rank(name: str) -> int:
    if name in _ORDER:
        return _ORDER.index(name)
    return _ORDER.index("d*" if name.startswith("d") else "*")
