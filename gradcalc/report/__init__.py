"""What `backprop` tells people: a result as headings, tables and formulas, in the order of the derivation."""

from __future__ import annotations

from collections.abc import Iterator

from gradcalc import statements
from gradcalc.backpropagation import BackpropResult
from gradcalc.chain import ChainProduct, is_chain
from gradcalc.report.closing import closing_table, history_table
from gradcalc.report.kinks import kinks_met
from gradcalc.report.symbols import input_symbols, symbols
from gradcalc.report.tables import Values, in_full, quantity_tables
from gradcalc.results import Block, Formula, Line, Report, Section, Table, Text
from gradcalc.shapes import Array

__all__ = ["Values", "report"]

#: The chain rule is written out while there are at most so many products.
_PRODUCTS_SHOWN = 20

#: A loss's formula stands in the table itself up to this length.
_FORMULA_WIDTH = 20


def report(result: BackpropResult, values: Values = "auto") -> Report:
    """The net, its forward pass, the loss, the backward pass, the new parameters, and what it all comes to."""
    return [
        *_introduction(result, values),
        *_forward(result, values),
        *_loss(result, values),
        *_backward(result, values),
        *_chain(result),
        *_new_parameters(result, values),
        *_history(result),
        *_closing(result),
    ]


def _introduction(result: BackpropResult, values: Values) -> Iterator[Block]:
    problem = result.problem
    said = [statements.overview(problem), statements.conventions_used(problem), *statements.passes(problem)]
    said += [*statements.readings(problem), *statements.shared_parameters(problem)]
    said += [*statements.function_parameters(problem), *kinks_met(result)]
    if values == "auto" and any(not in_full(layer.quantities, values) for layer in result.layers):
        said.append("Large layers are summarised; --values full prints every number.")
    yield Text(said)
    formulas = statements.functions_used(problem)
    if formulas:
        yield Formula(formulas)


def _forward(result: BackpropResult, values: Values) -> Iterator[Block]:
    yield Section("Forward pass")
    yield from _input_tables(result, "a0", "given", values)
    for one in result.inputs:
        given = {"a": one.quantities["a"]}
        yield from quantity_tables(one.name, given, {"a": "given"}, in_full(given, values))
    for position in range(len(result.layers)):
        yield from _layer_tables(result, position, "forward", values)


def _layer_tables(result: BackpropResult, position: int, part: str, values: Values) -> Iterator[Table]:
    """The tables of one layer in one part of the report."""
    layer = result.layers[position]
    ahead = layer.forward
    names = {
        "forward": ahead,
        "backward": [q for q in layer.quantities if q not in ahead and not q.endswith("_new")],
        "new": [q for q in layer.quantities if q not in ahead and q.endswith("_new")],
    }
    shown = {q: layer.quantities[q] for q in names[part]}
    if part == "backward":  # the chain starts with dL/da; f' comes next
        first = [q for q in shown if q == "da" or q.startswith("da_terms.")]
        shown = {**{q: shown[q] for q in first}, **shown}
    full = in_full(layer.quantities, values)
    yield from quantity_tables(layer.name, shown, symbols(result.problem, position), full)


def _input_tables(result: BackpropResult, name: str, symbol: str, values: Values) -> Iterator[Table]:
    """The input or its derivative, where no layer has them as its x and dx."""
    if name in result.input:
        shown = {name: result.input[name]}
        yield from quantity_tables("input", shown, {name: symbol}, in_full(shown, values))


def _loss(result: BackpropResult, values: Values) -> Iterator[Block]:
    problem = result.problem
    if problem.objective is None:
        return
    yield Section("Loss")
    yield Text(statements.loss_notes(problem))
    yield Formula(statements.loss_formulas(problem))
    formula = problem.objective.entry.formula
    told = len(formula) <= _FORMULA_WIDTH and problem.objective.weight is None
    known = {"y": "target", "term": formula if told else "loss of one"}
    terms = _loss_terms(result)
    yield from quantity_tables("loss", terms, known, in_full(terms, values))
    yield Formula([statements.loss_numbers(result)])


def _loss_terms(result: BackpropResult) -> dict[str, Array]:
    """The targets, and each element's or example's own loss, in the shape of the outputs."""
    problem = result.problem
    objective = problem.objective
    assert objective is not None
    examples = problem.examples
    target = objective.shown_target
    terms = objective.terms(*statements.last_output(result))
    shown = {"y": examples.write(target) if target.ndim > 1 else target} if objective.entry.has_target else {}
    return {**shown, "term": examples.write(terms) if terms.ndim > 1 else terms}


def _backward(result: BackpropResult, values: Values) -> Iterator[Block]:
    if result.problem.objective is None and result.problem.upstream is None:
        return
    yield Section("Backward pass (dQ is dL/dQ)")
    yield from _input_tables(result, "da0", "dL/da, see loss", values)
    for position in reversed(range(len(result.layers))):
        yield from _layer_tables(result, position, "backward", values)
    for number, one in enumerate(result.inputs):
        back = {q: array for q, array in one.quantities.items() if q != "a"}
        if back:
            yield from quantity_tables(one.name, back, input_symbols(result.problem, number), in_full(back, values))


def _chain(result: BackpropResult) -> Iterator[Block]:
    """The product to every weight of a net of one unit per layer, factor by factor."""
    problem, count = result.problem, len(result.chain)
    if (
        problem.graph is not None
        or not is_chain(problem.layers)
        or (problem.objective is None and problem.upstream is None)
    ):
        return
    yield Section("Chain rule, factor by factor")
    if not 0 < count <= _PRODUCTS_SHOWN:
        many = f"the {len(problem.x)} examples here" if not count else f"the {count} weights and biases here"
        least = "one example" if not count else f"at most {_PRODUCTS_SHOWN} of them"
        yield Text([f"Written out for {least}, not for {many}."])
        return
    if result.problem.penalties:
        yield Text(["dR/dW of the penalties is added to these products."])
    for product in result.chain:
        yield Formula(_chain_lines(product))


def _chain_lines(product: ChainProduct) -> list[Line]:
    """The product in symbols, in numbers, and what it comes to."""
    name = f"dL/d{product.weight}"
    blank = " " * len(name)
    numbers: list[str | float] = []
    for _, value in product.factors:
        times = " * " if numbers else ""
        numbers += [f"{times}(", value, ")"] if value < 0 else [times, value]
    return [
        f"{name} = {' * '.join(label for label, _ in product.factors)}",
        (f"{blank} = ", *numbers),
        (f"{blank} = ", product.product),
    ]


def _new_parameters(result: BackpropResult, values: Values) -> Iterator[Block]:
    problem = result.problem
    if problem.learning_rate is None:
        return
    yield Section("After the step" if problem.steps == 1 else f"After {problem.steps} steps")
    each = "Each parameter Q becomes" if problem.steps == 1 else "In every step each parameter Q becomes"
    yield Text([(f"{each} Q - r dL/dQ, with the learning rate r = ", problem.learning_rate, ".")])
    for position in range(len(result.layers)):
        yield from _layer_tables(result, position, "new", values)


def _history(result: BackpropResult) -> Iterator[Block]:
    if len(result.loss_history) > 1:
        yield Section("Loss history")
        yield history_table(result.loss_history)


def _closing(result: BackpropResult) -> Iterator[Block]:
    if result.layers:
        yield Section("Layers")
        yield closing_table(result)
