"""Each quantity in symbols, as the spec's layout has it: z = x W + b, dW = x^T dL/dz, dx = dL/dz W^T."""

from __future__ import annotations

from gradcalc.layers import find
from gradcalc.layers.activation import Activation, ActivationLayer
from gradcalc.layers.base import Layer
from gradcalc.layers.dense import Dense
from gradcalc.network import Problem, Source, output_position
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
    own = _own(problem, layer)
    new = {f"{letter}_new": f"{letter} - r dL/d{letter}" for letter in layer.parameters}
    found = {**own, **new, **_sources(problem, position), **_gradient_sources(problem, position)}
    found["x"] = found.get("x", "") + own.get("x", "")
    found |= _shared(problem, position)
    z = "dx" if isinstance(layer, ActivationLayer) else "dz"
    if position == output_position(problem) and linked_activation(problem):
        found[z] = found.get(z, "dL/da * f'(z)") + ", see loss"
    return found


def input_symbols(problem: Problem, number: int) -> dict[str, str]:
    """What the derivative by an input comes from."""
    return _arriving(problem, -1 - number)


def _own(problem: Problem, layer: Layer) -> dict[str, str]:
    """The quantities of the layer itself, as it declares them or, where layouts change them, as they are here."""
    if isinstance(layer, Dense):
        return _dense(problem, layer)
    if isinstance(layer, ActivationLayer):
        return _activation_layer(problem, layer)
    declared = {one.name: one.symbol for one in find(layer.type).quantities if one.symbol} | layer.symbols()
    if len(layer.takes) > 1 and "dx" in declared:
        declared = {**{f"dx[{i}]": declared["dx"] for i in range(len(layer.takes))}, **declared}
    if layer.activation is not None:
        declared = {**_function(layer.activation, "z", columns=False), **declared}
    return {**declared, **{name: text + _with_penalty(problem, layer, name) for name, text in declared.items()}}


def _with_penalty(problem: Problem, layer: Layer, name: str) -> str:
    """What average and penalties add to a parameter's derivative."""
    letter = name[1:]
    if name[0] != "d" or letter not in layer.parameters:
        return ""
    mean = f" / {problem.counted}" if problem.average_parameters and problem.counted > 1 else ""
    return mean + _penalty_term(problem, layer, letter)


def _penalty_term(problem: Problem, layer: Layer, letter: str) -> str:
    """The penalties' part of a parameter's derivative."""
    entry = find(layer.type)
    on_weights, on_biases = bool(problem.penalties), any(penalty.biases for penalty in problem.penalties)
    on = (letter in entry.weights and on_weights) or (letter in entry.biases and on_biases)
    return f" + dR/d{letter}" if on else ""


def _sources(problem: Problem, position: int) -> dict[str, str]:
    """What a layer takes: hidden.a, or the input."""
    taken = [_output_name(problem, source) for source in problem.takes(position)]
    return {"x": taken[0]} if len(taken) == 1 else {f"x[{i}]": name for i, name in enumerate(taken)}


def _output_name(problem: Problem, source: Source) -> str:
    if source < 0 and len(problem.inputs) == 1:
        return "input"
    return f"{problem.source_name(source)}.a"


def _gradient_sources(problem: Problem, position: int) -> dict[str, str]:
    if position + 1 < len(problem.layers):
        return _arriving(problem, position)
    return {"da": "upstream, given" if problem.upstream is not None else "dL/da, see loss"}


def _arriving(problem: Problem, source: Source) -> dict[str, str]:
    """What da is: the dx of the layer that takes this output, or the sum of several."""
    terms = {user: _back_names(problem, source, user) for user in problem.users(source)}
    if len(terms) == 1:
        return {"da": next(iter(terms.values()))}
    each = {f"da_terms.{problem.layers[user].name}": name for user, name in terms.items()}
    return {"da": " + ".join(terms.values()), **each}


def _back_names(problem: Problem, source: Source, user: int) -> str:
    name, taken = problem.layers[user].name, problem.takes(user)
    if len(taken) == 1:
        return f"{name}.dx"
    return " + ".join(f"{name}.dx[{i}]" for i, one in enumerate(taken) if one == source)


def _shared(problem: Problem, position: int) -> dict[str, str]:
    """Of a parameter that several layers use: whose it is, and that its derivative is the sum of their shares."""
    found: dict[str, str] = {}
    for (at, letter), (owner, its) in problem.shared.items():
        name, own = problem.layers[at].name, problem.layers[owner].name
        if at == position:
            found |= {letter: f"{own}.{its}", f"d{letter}": f"{own}.d{its}"}
        if owner == position:
            found[f"d{its}"] = "sum of the terms below" + _penalty_term(problem, problem.layers[owner], its)
            found[f"d{its}_terms.{name}"] = f"share of {name}"
            found[f"d{its}_terms.{own}"] = f"share of {own}"
    return found


def _dense(problem: Problem, layer: Dense) -> dict[str, str]:
    """Of a dense layer; where the bias is in W, its input is extended by a 1."""
    folded = layer.bias_form.form == "folded"
    columns = problem.examples.columns
    one = ("[1; x]" if columns else "[1 x]") if folded else "x"
    z, dW, dx = (product.format(x=one, xt=f"{one}^T") for product in _PRODUCTS[columns, layer.weight_form.layout])
    mean = f" / {problem.counted}" if problem.average_parameters and problem.counted > 1 else ""
    several = len(problem.x) > 1 or layer.leading or (layer.bias_form.form == "shared" and layer.W.shape[1] > 1)
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
