"""Functions by name in a formula: the language's own and the catalogue's, with their arguments counted."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gradcalc.errors import GradcalcError, listed, near, quoted
from gradcalc.formula.rules import ALIASES, ARGUMENTS, CONSTANTS, KINKED, STEPS, UNARY
from gradcalc.formula.tokens import FormulaError
from gradcalc.formula.tree import ARITHMETIC, COMPARISONS, LOGIC, Node, Span, is_condition, walk
from gradcalc.functions import entries, find
from gradcalc.functions.entry import Elementwise, Entry, VectorActivation, VectorToScalar


def call(name: str, arguments: tuple[Node, ...], text: str, span: Span, at: Span) -> Node:
    """The node of a function's call; `at` is where its name stands. FormulaError where there is no such call."""
    own = ALIASES.get(name, name)
    if own == "^":
        _count(name, arguments, (2, 2), text, span)
        return Node("^", arguments, None, span)
    if own in ARGUMENTS:
        arguments = _norm_arguments(arguments) if own == "norm" else arguments
        for argument in arguments:
            if argument.op == "=":
                message = f"{name} has no parameter {quoted(str(argument.value))}"
                raise FormulaError(message, text, argument.span, "its arguments stand in their order")
        _count(name, arguments, ARGUMENTS[own], text, span)
        if own == "norm":
            _check_norm(arguments, text)
        if own == "where":
            return Node("if", _condition_first(arguments, text), None, span)
        return Node(own, arguments, None, span)
    entry = elementwise(name) or vectorial(name)
    if entry is None:
        raise FormulaError(f"unknown function {quoted(name)}", text, at, _near(name))
    _count(name, tuple(a for a in arguments if a.op != "="), (1, 1 + len(entry.params)), text, span)
    _check_parameters(entry, arguments, text)
    return Node(entry.name, arguments, None, span)


@lru_cache(maxsize=256)
def elementwise(name: str) -> Elementwise | None:
    """The catalogue's elementwise activation of that name, if there is one that the language has not itself."""
    if name in _OWN:
        return None
    try:
        entry = find(name)
    except GradcalcError:
        return None
    return entry if isinstance(entry, Elementwise) else None


@lru_cache(maxsize=256)
def vectorial(name: str) -> VectorActivation | VectorToScalar | None:
    """The catalogue's activation of a whole vector of that name, if there is one that the language has not itself."""
    if name in _OWN:
        return None
    try:
        entry = find(name)
    except GradcalcError:
        return None
    return entry if isinstance(entry, VectorActivation | VectorToScalar) else None


#: Operators and functions of the language itself: the catalogue need not be asked for them.
_OWN = {*ARITHMETIC, *COMPARISONS, *LOGIC, *ARGUMENTS, "neg", "if", "at", "=", "with"}


def bound(entry: Entry, arguments: tuple[Node, ...]) -> dict[str, Node]:
    """The parameters given in a call, by name."""
    found: dict[str, Node] = {}
    given = iter(entry.params)
    for argument in arguments[1:]:
        if argument.op == "=":
            found[entry.param(str(argument.value)).name] = argument.args[0]
        else:
            found[next(given).name] = argument
    return found


def _check_parameters(entry: Entry, arguments: tuple[Node, ...], text: str) -> None:
    """Names and fixed values of parameters, in the order of a call: positions first, each once."""
    seen: dict[str, tuple[Any, Span]] = {}
    named = False
    for i, argument in enumerate(arguments):
        if i == 0 and argument.op == "=":
            raise FormulaError(f"{entry.name} needs its argument first", text, argument.span)
        if i == 0:
            continue
        if named and argument.op != "=":
            raise FormulaError("named parameters come last", text, argument.span)
        named = argument.op == "="
        try:
            param = entry.param(str(argument.value)) if named else entry.params[i - 1]
            value = constant_of(argument.args[0] if named else argument)
            known = {} if value is None else entry.read({param.name: value})
        except GradcalcError as error:
            raise FormulaError(error.message, text, argument.span, error.hint) from None
        if param.name in seen:
            raise FormulaError(f"{entry.name}: {param.name} is given twice", text, argument.span)
        seen[param.name] = (known.get(param.name), argument.span)
    for param in entry.params:
        if param.at_most:
            _check_order(entry, {name: seen[name] for name in (param.name, param.at_most) if name in seen}, text)


def _check_order(entry: Entry, bounds: dict[str, tuple[Any, Span]], text: str) -> None:
    """A lower bound above an upper one, where both are known."""
    if any(value is None for value, _ in bounds.values()):
        return
    try:
        entry.parameters({name: value for name, (value, _) in bounds.items()})
    except GradcalcError as error:
        raise FormulaError(error.message, text, max(span for _, span in bounds.values()), error.hint) from None


def _check_norm(arguments: tuple[Node, ...], text: str) -> None:
    """The power of a norm is that of the catalogue's."""
    power = constant_of(arguments[1]) if len(arguments) > 1 else None
    if power is not None:
        try:
            find("lp_norm").param("p").read(power, "norm")
        except GradcalcError as error:
            raise FormulaError(error.message, text, arguments[1].span, error.hint) from None


def constant_of(value: Node) -> float | str | None:
    """A parameter's value where it is known already: a number, a word, or a formula of numbers."""
    if value.op in ("number", "word"):
        return value.value
    if value.names - CONSTANTS.keys() or value.op == "=" or not all(_of_numbers(part) for part in walk(value)):
        return None
    from gradcalc.formula import floats  # late: what computes needs to know the calls
    from gradcalc.formula.evaluate import evaluate

    return float(evaluate(floats, value, {})[0])


def _of_numbers(node: Node) -> bool:
    """Whether a node is elementwise."""
    if node.op in ("max", "min"):
        return len(node.args) > 1
    alone = node.op in (*ARITHMETIC, *COMPARISONS, *LOGIC, "number", "name", "neg", "if", "=", "clip", *UNARY)
    return alone or node.op in (*STEPS, *KINKED) or elementwise(node.op) is not None


def _count(name: str, arguments: tuple[Node, ...], allowed: tuple[int, int | None], text: str, span: Span) -> None:
    least, most = allowed
    if least <= len(arguments) and (most is None or len(arguments) <= most):
        return
    wanted = str(least) if least == most else f"at least {least}" if most is None else f"{least} to {most}"
    plural = "" if (most or least) == 1 else "s"
    raise FormulaError(f"{name} takes {wanted} argument{plural}, not {len(arguments)}", text, span)


def _norm_arguments(arguments: tuple[Node, ...]) -> tuple[Node, ...]:
    """norm(z, p=3) as norm(z, 3)."""
    return tuple(a.args[0] if i == 1 and a.op == "=" and a.value == "p" else a for i, a in enumerate(arguments))


def _condition_first(arguments: tuple[Node, ...], text: str) -> tuple[Node, ...]:
    if not is_condition(arguments[0]):
        raise FormulaError(
            "this is a number, where a condition is needed", text, arguments[0].span, "where(z > 0, z, 0)"
        )
    return arguments


def _near(name: str) -> str:
    """A hint for a function there is not."""
    known = [*ARGUMENTS, *ALIASES]
    callable_ = (Elementwise, VectorActivation, VectorToScalar)
    known += [word for e in entries() if isinstance(e, callable_) for word in (e.name, *e.aliases)]
    try:
        entry = find(name)
    except GradcalcError:
        return near(name, known) or f"for example {listed(['exp', 'log', 'tanh', 'max', 'sum'])}"
    return f"{entry.name} is {'a norm' if entry.kind == 'norm' else f'a {entry.kind} of its own'}"
