"""The end of a report: the losses of all steps, and the layers with their sizes and gradient norms."""

from __future__ import annotations

from collections.abc import Sequence

from gradcalc.backpropagation import BackpropResult
from gradcalc.layer_results import LayerResult
from gradcalc.report.tables import norm
from gradcalc.results import Cell, Table
from gradcalc.shapes import sizes_text

#: A longer loss history is cut in the middle to its first and last steps.
_STEPS_SHOWN = 10


def history_table(history: Sequence[float]) -> Table:
    """The loss before each step."""
    rows: list[list[Cell]] = [[step, loss] for step, loss in enumerate(history, 1)]
    if len(rows) > 2 * _STEPS_SHOWN:
        rows[_STEPS_SHOWN:-_STEPS_SHOWN] = [["...", None]]
    return Table("", ["step", "loss before it"], rows)


def closing_table(result: BackpropResult) -> Table:
    """The layers in order: size, number of parameters, and the norms of the gradients, which show where they vanish."""
    names = _gradients(result)
    columns = ["layer", "type", "activation", "size", "parameters", *(f"|{name}|" for name in names)]
    counts = [_own_count(result, position) for position in range(len(result.layers))]
    rows: list[list[Cell]] = [
        [
            layer.name, layer.type, layer.activation, _sizes(layer), count,
            *(norm(layer.quantities[name]) if name in layer.quantities else None for name in names),
        ]
        for layer, count in zip(result.layers, counts, strict=True)
    ]  # fmt: skip
    if len(rows) > 1:
        rows.append(["all", None, None, None, sum(counts), *[None] * len(names)])
    return Table("", columns, rows, wrap=True, digits=(4, 6))


def _own_count(result: BackpropResult, position: int) -> int:
    """How many parameters a layer has, without those that are another layer's."""
    shared = result.problem.shared
    parameters = result.problem.layers[position].parameters
    return sum(array.size for letter, array in parameters.items() if (position, letter) not in shared)


def _sizes(layer: LayerResult) -> str:
    return f"{', '.join(map(sizes_text, layer.takes))} -> {sizes_text(layer.gives)}"


def _gradients(result: BackpropResult) -> list[str]:
    """da, then the parameters' derivatives in the order they first appear, of those that were computed."""
    names = ["da", *(f"d{letter}" for layer in result.problem.layers for letter in layer.parameters)]
    return [name for name in dict.fromkeys(names) if any(name in layer.quantities for layer in result.layers)]
