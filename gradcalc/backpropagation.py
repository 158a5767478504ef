"""The API behind `backprop`: a spec in, every quantity of both passes out, in the spec's own shapes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gradcalc.addresses import Address, resolve, resolve_indexed, split_index
from gradcalc.advice import warnings
from gradcalc.chain import ChainProduct, chain_products
from gradcalc.errors import GradcalcError, UsageError
from gradcalc.layer_results import LayerResult, input_results, layer_result, with_new
from gradcalc.layers.base import Layer, Quantities
from gradcalc.network import Problem, descend, run
from gradcalc.shapes import Array, Examples

if TYPE_CHECKING:
    from gradcalc.spec.document import Document


class BackpropResult(NamedTuple):
    """What `backprop` computed. Arrays have the shapes and layout of the spec; see `to_dict` for the JSON form.

    `input` has the input and the loss's derivative by it, a0 and da0, of a net without layers. `inputs` have a and da
    of each input, where there are several or several layers take it, so that no layer has them as its x and dx.
    """

    problem: Problem
    loss: float | None
    loss_terms: dict[str, float | None]
    loss_history: list[float]
    layers: list[LayerResult]
    chain: list[ChainProduct]
    input: Quantities
    inputs: list[LayerResult]
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

    @property
    def _named(self) -> list[tuple[LayerResult, Layer | None]]:
        """All that has a name and quantities: inputs, then layers."""
        return [*((one, None) for one in self.inputs), *zip(self.layers, self.problem.layers, strict=True)]

    def locate(self, address: str) -> Address:
        """The address in full that a long or short one, in any case, speaks of. Errors: UsageError."""
        name, index = split_index(address)
        if name.lower() == "loss" or name.lower() in self.input:
            return Address("", name.lower(), index)
        named = self._named
        listed = [(one.name, one.type, _names(one, layer)) for one, layer in named]
        try:
            position, quantity, used = resolve_indexed(name, index, listed)
        except UsageError:
            self._check_computed(name)
            raise
        return Address(named[max(position, 0)][0].name, quantity, index[used:])

    def _check_computed(self, name: str) -> None:
        """UsageError where the name is that of a quantity which this spec does not ask for."""
        every = [(one.name, one.type, _possible(_names(one, layer))) for one, layer in self._named]
        try:
            _, quantity = resolve(name, every)
        except UsageError:
            return
        if quantity.endswith("_new"):
            raise UsageError(f"{name} is not computed", hint="only with a learning_rate are there new parameters")
        raise UsageError(f"{name} is not computed", hint="the spec gives neither loss and target nor upstream")

    def _numbers(self, address: Address) -> Array:
        if address.layer:
            result, layer = next((one, layer) for one, layer in self._named if one.name == address.layer)
            found = result.quantities.get(address.quantity)
            if found is not None:
                return found
            assert layer is not None  # an input has no Jacobian
            return self._large_jacobian(result, layer)
        if address.quantity != "loss":
            return self.input[address.quantity]
        if self.loss is None:
            given = "upstream in its place" if self.problem.upstream is not None else "neither loss nor upstream"
            raise UsageError("there is no loss", hint=f"the spec gives {given}")
        return np.asarray(self.loss)

    def function_input(self, result: LayerResult, layer: Layer) -> Array:
        """What the function of a layer with one is applied to, z or x, in our shape (N, ...)."""
        letter = "z" if "z" in result.quantities else "x"
        rank = len(layer.takes[0]) if letter == "x" else len(layer.gives)
        return self.problem.examples.read(result.quantities[letter], rank)

    def _large_jacobian(self, result: LayerResult, layer: Layer) -> Array:
        assert layer.activation is not None
        with np.errstate(all="ignore"):
            jacobian = layer.activation.slope(self.function_input(result, layer))
        return np.asarray(jacobian[0]) if self.problem.examples.flat else jacobian

    def addresses(self) -> Iterator[tuple[str, str, Array]]:
        """Every quantity as (layer, letter, numbers); the loss comes first, and has an empty layer as has the input."""
        if self.loss is not None:
            yield "", "loss", np.asarray(self.loss)
        for letter, numbers in self.input.items():
            yield "", letter, numbers
        for one, _ in self._named:
            for letter, numbers in one.quantities.items():
                yield one.name, letter, numbers

    def to_dict(self) -> dict[str, Any]:
        """The result as plain lists and floats under the contract's keys; numbers that are not finite stay floats."""
        return {key: _made(value) for key, value in self.parts().items()}

    def parts(self) -> dict[str, Any]:
        """The result under the same keys, each quantity as a function that makes its lists: all at once are large."""
        found: dict[str, Any] = {"loss": self.loss, "loss_terms": self.loss_terms, "loss_history": self.loss_history}
        found["conventions"] = dict(self.conventions)
        found.update({letter: partial(plain, numbers) for letter, numbers in self.input.items()})
        if self.inputs:
            found["inputs"] = {one.name: _grouped(one.quantities) for one in self.inputs}
        found["layers"] = [
            {
                "name": layer.name,
                "type": layer.type,
                "activation": layer.activation,
                **_grouped(layer.quantities),
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
        layer_result(problem.examples, layer, quantities)
        for layer, quantities in zip(layers, last.quantities, strict=True)
    ]
    if problem.learning_rate is not None:
        results = [with_new(result, layer) for result, layer in zip(results, moved, strict=True)]
    problem = problem._replace(layers=layers)
    return BackpropResult(
        problem=problem,
        loss=last.loss,
        loss_terms={
            "data": last.data_loss,
            "regularization": last.penalty,
        },
        loss_history=history,
        layers=results,
        chain=chain_products(layers, last, problem),
        inputs=input_results(problem, last.arrived),
        input={} if layers else _input(problem.examples, problem.x, last.da),
        warnings=warnings(problem, last.quantities[-1]["a"] if layers else problem.x),
    )


def _input(examples: Examples, x: Array, da: Array | None) -> Quantities:
    """The input a0 and, after a backward pass, the loss's derivative by it, in the user's shapes."""
    return {"a0": examples.write(x), **({} if da is None else {"da0": examples.write(da)})}


def _grouped(quantities: Quantities) -> dict[str, Any]:
    """Quantities for JSON, made when asked for: x[0], x[1] as the list x, and da_terms.join in the mapping da_terms."""
    found: dict[str, Any] = {}
    for name, numbers in quantities.items():
        whole, _, part = name.partition(".")
        several = name.partition("[")[0]
        if part:
            found.setdefault(whole, {})[part] = partial(plain, numbers)
        elif several != name:
            every = [array for one, array in quantities.items() if one.startswith(f"{several}[")]
            found[several] = partial(_plain_each, every)
        else:
            found[name] = partial(plain, numbers)
    return found


def _plain_each(arrays: list[Array]) -> list[Any]:
    return [plain(array) for array in arrays]


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


def _names(result: LayerResult, layer: Layer | None) -> list[str]:
    """The quantities that can be asked for: a Jacobian too large to be shown is still made when asked for."""
    large = layer is not None and layer.activation is not None and layer.activation.vector
    return [*result.quantities, *(("f_prime",) if large and "f_prime" not in result.quantities else ())]


def _possible(names: Iterable[str]) -> list[str]:
    """These quantities, and those that a backward pass and a step would add to them."""
    own = [name for name in names if not name.endswith("_new")]
    passed = [name for name in own if name != "f_prime" and not (name[0] == "d" and name[1:] in own)]
    more = [f"d{name}" for name in passed]
    parameters = [f"{name}_new" for name in passed if name not in ("x", "z", "a")]
    return list(dict.fromkeys([*names, *more, *parameters]))
