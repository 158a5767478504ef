"""What a formula's own parameters must be, where the functions they are put into ask for it: beta above 0, say."""

from __future__ import annotations

from gradcalc.formula.calls import bound, constant_of, elementwise, vectorial
from gradcalc.formula.tree import Node, walk
from gradcalc.functions import find
from gradcalc.functions.entry import ANY, Entry
from gradcalc.functions.parameters import Domain


def domain(tree: Node, letter: str) -> Domain:
    """Where a parameter may lie, by all calls in which it stands alone as a function's parameter."""
    found = [one for entry, given in _calls(tree) for one in _of_call(entry, given, letter) if one is not ANY]
    if not found:
        return ANY
    low, high = max(found, key=_low), min(found, key=_high)
    return Domain(
        " and ".join(dict.fromkeys(one.text for one in found)),
        low.low,
        high.high,
        open_low=low.open_low,
        open_high=high.open_high,
        hole=next((one.hole for one in found if one.hole is not None), None),
    )


def upper(tree: Node, letter: str) -> str:
    """The parameter that another may not exceed; empty where there is none."""
    for entry, given in _calls(tree):
        for param in entry.params:
            high = given.get(param.at_most)
            if _is(given.get(param.name), letter) and high is not None and high.op == "name":
                return str(high.value)
    return ""


def _low(one: Domain) -> tuple[float, bool]:
    return one.low, one.open_low


def _high(one: Domain) -> tuple[float, bool]:
    return one.high, not one.open_high


def _calls(tree: Node) -> list[tuple[Entry, dict[str, Node]]]:
    """The catalogue's functions that are called with parameters, and these by name."""
    found: list[tuple[Entry, dict[str, Node]]] = []
    for node in walk(tree):
        if len(node.args) > 1:
            entry = find("lp_norm") if node.op == "norm" else elementwise(node.op) or vectorial(node.op)
            if entry is not None:
                found.append((entry, bound(entry, node.args)))
    return found


def _of_call(entry: Entry, given: dict[str, Node], letter: str) -> list[Domain]:
    """What one call asks of a parameter: the domain of what it is put in as, and a bound that is a number."""
    found = [entry.param(name).domain for name, arg in given.items() if _is(arg, letter)]
    for param in entry.params:
        if param.at_most:
            low, high = (given.get(name) for name in (param.name, param.at_most))
            least = param.default if low is None else constant_of(low)
            most = entry.param(param.at_most).default if high is None else constant_of(high)
            if _is(low, letter) and isinstance(most, float | int):
                found.append(Domain(f"at most {most:g}", high=float(most)))
            if _is(high, letter) and isinstance(least, float | int):
                found.append(Domain(f"at least {least:g}", float(least)))
    return found


def _is(arg: Node | None, letter: str) -> bool:
    return arg is not None and arg.op == "name" and arg.value == letter
