"""Each quantity in symbols, as the spec's layout has it: z = x W + b, dW = x^T dL/dz, dx = dL/dz W^T."""

from __future__ import annotations

from gradcalc.layers.activation import Activation, ActivationLayer
from gradcalc.layers.base import Layer
from gradcalc.layers.dense import Dense
from gradcalc.network import Problem, output_position
from gradcalc.statements import linked_activation

#: Products by (examples in columns, W's layout): z, dW and dx of x, W and g = dL/dz.
_PRODUCTS = {
    (False, "in_out"): ("{x} W", "{xt} dL/dz", "dL/dz W^T"),
    (False, "out_in"): ("{x} W^T", "(dL/dz)^T {x}", "dL/dz W"),
    (True, "in_out"): ("W^T {x}", "{x} (dL/dz)^T", "W dL/dz"),
    (True, "out_in"): ("W {x}", "dL/dz {xt}", "W^T dL/dz"),
}


def symbols(problem: Problem, position: int) -> dict[str, str]:
    """What each quantity of a layer is equal to, by its letter; a name such as hidden.a is another layer's quantity."""
    layer = problem.layers[position]
    own = _dense(problem, layer) if isinstance(layer, Dense) else _activation_layer(problem, layer)
    new = {f"{letter}_new": f"{letter} - r dL/d{letter}" for letter in layer.parameters}
    found = {**own, **new, "x": _source(problem, position) + own["x"], "da": _gradient_source(problem, position)}
    z = "dz" if isinstance(layer, Dense) else "dx"
    if position == output_position(problem.layers) and linked_activation(problem):
        found[z] += ", see loss"
    return found


def _source(problem: Problem, position: int) -> str:
    return f"{problem.layers[position - 1].name}.a" if position else "input"


def _gradient_source(problem: Problem, position: int) -> str:
    if position + 1 < len(problem.layers):
        return f"{problem.layers[position + 1].name}.dx"
    return "upstream, given" if problem.upstream is not None else "dL/da, see loss"


def _dense(problem: Problem, layer: Dense) -> dict[str, str]:
    """Of a dense layer; where the bias is in W, its input is extended by a 1."""
    folded = layer.bias_form.form == "folded"
    columns = problem.examples.columns
    one = ("[1; x]" if columns else "[1 x]") if folded else "x"
    z, dW, dx = (product.format(x=one, xt=f"{one}^T") for product in _PRODUCTS[columns, layer.weight_form.layout])
    mean = f" / {problem.counted}" if problem.average_parameters and problem.counted > 1 else ""
    several = len(problem.x) > 1 or (layer.bias_form.form == "shared" and layer.outputs > 1)
    summed = "sum of dL/dz" if several else "dL/dz"
    return {
        "x": " = dz/dW",
        "W": "dz/dx",
        "z": z if folded or layer.b is None else f"{z} + b",
        **_function(layer.activation, "z", columns=columns),
        "dW": dW + mean + (" + dR/dW" if problem.penalties else ""),
        "db": summed + mean + (" + dR/db" if any(p.biases for p in problem.penalties) else ""),
        "dx": f"{dx} (no bias)" if folded else dx,
    }


def _activation_layer(problem: Problem, layer: Layer) -> dict[str, str]:
    """Of a layer that only applies a function: its derivative goes straight to dx."""
    assert isinstance(layer, ActivationLayer)
    own = _function(layer.activation, "x", columns=problem.examples.columns)
    return {"x": "", **own, "dx": own["dx"]}


def _function(activation: Activation | None, z: str, *, columns: bool) -> dict[str, str]:
    """a, f' and the derivative by `z`, the function's input; of the function's own parameters too."""
    if activation is None:
        return {"a": z, "f_prime": f"da/d{z} = 1", f"d{z}": "dL/da"}
    own = {f"d{name}": f"dL/d{name}" for name in activation.trained}
    own["a"] = f"{activation.entry.name}({z})"
    if activation.vector:
        product = "J^T dL/da" if columns else "dL/da J"
        return {**own, "f_prime": f"J = da/d{z}", f"d{z}": product}
    return {**own, "f_prime": f"da/d{z} = f'({z})", f"d{z}": f"dL/da * f'({z})"}
