"""What there is, as records: functions, conventions, examples, layers, and the card of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from gradcalc import layers
from gradcalc.conventions import CONVENTIONS, OPTIONS, Convention
from gradcalc.errors import UsageError, listed, quoted, simplified
from gradcalc.examples import Example, examples
from gradcalc.functions import entries, meant
from gradcalc.functions.entry import (
    ANY,
    Elementwise,
    ElementwiseLoss,
    Entry,
    Input,
    Kink,
    KinkText,
    Param,
    VectorActivation,
)
from gradcalc.numerics import scalar
from gradcalc.results import Block, Report, Section, Table, Text

if TYPE_CHECKING:
    from gradcalc.mistakes.entry import Mistake


class Card(NamedTuple):
    """An answer in three forms: `record` for JSON, `table` for rows of data, `report` for people."""

    record: Any
    table: Table
    report: Report


def list_functions() -> Card:
    """Every function: name, kind, aliases, title."""
    found = entries()
    record = [{"name": e.name, "kind": e.kind, "aliases": list(e.aliases), "title": e.title} for e in found]
    rows = [[e.name, e.kind, ", ".join(e.aliases), e.title] for e in found]
    report: list[Block] = []
    for kind, heading in (("activation", "activations"), ("loss", "losses"), ("norm", "norms")):
        of_kind = [[e.name, e.title, ", ".join(e.aliases)] for e in found if e.kind == kind]
        report.append(Table("", [heading, "", "also called"], of_kind))
    hint = Text(["'gradcalc show NAME' prints the card of one."])
    return Card(record, Table("", ["name", "kind", "aliases", "title"], rows), [*report, hint])


def list_mistakes() -> Card:
    """Every mistake that `check` names, the plainest first."""
    from gradcalc.mistakes import MISTAKES  # late: it computes with NumPy, which other cards do not need

    record = [{"name": one.name, "title": one.title} for one in MISTAKES]
    table = Table("", ["name", "title"], [[one.name, one.title] for one in MISTAKES])
    hint = Text(["The plainest come first. 'gradcalc show NAME' prints the card of one."])
    return Card(record, table, [table, hint])


def list_conventions() -> Card:
    """Every preset, option by option, with its source; and what the options' choices mean."""
    names = [option.name for option in OPTIONS]
    record = [_convention_record(c) for c in CONVENTIONS]
    rows = [[c.name, *(str(getattr(c, name)) for name in names), str(c.classes_from), c.source] for c in CONVENTIONS]
    table = Table("", ["name", *names, "classes_from", "source"], rows)
    side_by_side = Table("", ["convention", *names], [row[: 1 + len(names)] for row in rows])
    sources = Table("", ["convention", "source"], [[c.name, _source(c)] for c in CONVENTIONS])
    choices = [
        [option.name if first else "", choice, meaning]
        for option in OPTIONS
        for first, (choice, meaning) in zip([True] + [False] * 9, option.choices.items(), strict=False)
    ]
    meanings = Table("", ["option", "choice", "meaning"], choices)
    return Card(record, table, [side_by_side, Section("Sources"), sources, Section("Options"), meanings])


def list_examples() -> Card:
    """Every bundled spec: its name and what it is."""
    record = [{"name": e.name, "title": e.title} for e in examples()]
    table = Table("", ["name", "title"], [[e.name, e.title] for e in examples()])
    hint = Text(["'gradcalc example NAME' prints one; 'gradcalc example NAME | gradcalc backprop -' runs it."])
    return Card(record, table, [table, hint])


def list_named(named: Sequence[tuple[str, str]], hint: str) -> Card:
    """Anything else that has a name and a title."""
    record = [{"name": name, "title": title} for name, title in named]
    table = Table("", ["name", "title"], [list(pair) for pair in named])
    return Card(record, table, [table, Text([hint])])


def show(name: str) -> Card:
    """The card of a layer, function, mistake, convention or example. Errors: UsageError with near names.

    A layer goes before an example that is named after it, and before a function's alias.
    """
    known = _cards()
    for title, card in known.items():
        if simplified(title) == simplified(name):
            return card()
    hint = meant(name, known) or "'gradcalc list functions' names the functions"
    raise UsageError(f"there is nothing named {quoted(name)} to show", hint=hint)


def _cards() -> dict[str, Callable[[], Card]]:
    """Every name that can be shown, aliases included, with what makes its card."""
    from gradcalc.layer_cards import layer_card  # late: it makes cards too

    found: dict[str, Callable[[], Card]] = {}
    for layer in layers.entries():
        found |= dict.fromkeys((layer.type, *layer.aliases), partial(layer_card, layer))
    found |= {one.name: partial(_example_card, one) for one in examples()}
    found |= {one.name: partial(_convention_card, one) for one in CONVENTIONS}
    for entry in entries():
        names = [name for name in (entry.name, *entry.aliases) if name not in found]
        found |= dict.fromkeys(names, partial(_function_card, entry))
    return found | _mistake_cards()


def _mistake_cards() -> dict[str, Callable[[], Card]]:
    from gradcalc.mistakes import MISTAKES  # late: it computes with NumPy

    return {one.name: partial(_mistake_card, one) for one in MISTAKES}


def _mistake_card(mistake: Mistake) -> Card:
    record = {
        "name": mistake.name,
        "kind": "mistake",
        "title": mistake.title,
        "sentence": mistake.pattern,
        "example": mistake.example,
    }
    rows = [["mistake", mistake.title], ["example", mistake.example], ["check says", mistake.pattern]]
    return _rows_card(record, mistake.name, rows)


def _function_card(entry: Entry) -> Card:
    """All that a function declares of itself."""
    from gradcalc.formula_cards import formula_latex  # late: it makes cards too

    latex = formula_latex(entry)
    record = {
        "name": entry.name,
        "kind": entry.kind,
        "title": entry.title,
        "aliases": list(entry.aliases),
        "formula": entry.formula,
        "derivative": entry.derivative_formula,
        **latex,
        "variants": dict(entry.variants),
        "inputs": [_input_record(one) for one in entry.further],
        "parameters": [_param_record(param) for param in entry.params],
        "kinks": [_kink_record(entry, kink) for kink in _kinks(entry)],
        "domain": entry.domain.text,
        **_target_record(entry),
        "range": entry.image,
        "limits": _limits(entry),
        "libraries": dict(entry.libraries),
        "notes": list(entry.notes),
        "source": entry.source,
    }
    rows: list[list[str]] = [
        [entry.kind, entry.title],
        [entry.signature, entry.formula],
        ["derivative", entry.derivative_formula],
        *([f"with {name}", formula] for name, formula in entry.variants.items()),
        *(["further input", _further_text(one)] for one in entry.further),
        *(["parameter", _param_text(param)] for param in entry.params),
        *(["kink", _kink_text(entry, kink)] for kink in _kinks(entry)),
        ["domain", entry.domain.text],
        *(["target", text] for text in _target_record(entry).values()),
        ["range", entry.image],
        *(["limits", _limits_text(limits)] for limits in [_limits(entry)] if limits),
        *([["also called", ", ".join(entry.aliases)]] if entry.aliases else []),
        *(["note", note] for note in entry.notes),
        *([["in libraries", _libraries(entry)]] if entry.libraries else []),
        ["source", entry.source],
    ]
    return _rows_card(record, entry.name, rows)


def _limits(entry: Entry) -> list[dict[str, Any]]:
    """Value and derivative of an activation of one number at -inf and inf, where its domain has them."""
    if not isinstance(entry, Elementwise):
        return []
    parameters = [param.default for param in entry.params]
    return [
        {
            "input": _number(end),
            "value": _number(entry.value(scalar, end, *parameters)),
            "derivative": _number(entry.derivative(scalar, end, *parameters)),
        }
        for end in (-math.inf, math.inf)
        if end in entry.domain
    ]


def _number(x: float) -> float | str:
    """A number as strict JSON has it."""
    return float(x) + 0.0 if math.isfinite(x) else "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"


def _limits_text(limits: list[dict[str, Any]]) -> str:
    """E.g. 0 at -inf, with the slope 0; inf at inf, with the slope 1."""
    shown = [[f"{float(number):g}" for number in limit.values()] for limit in limits]
    slopes = ["no slope" if slope == "nan" else f"the slope {slope}" for *_, slope in shown]
    return "; ".join(f"{value} at {end}, with {said}" for (end, value, _), said in zip(shown, slopes, strict=True))


def _libraries(entry: Entry) -> str:
    """E.g. PyTorch F.relu; JAX nn.relu."""
    return "; ".join(f"{library} {name}" for library, name in entry.libraries.items())


def _input_record(one: Input) -> dict[str, Any]:
    return {"name": one.name, "meaning": one.doc, "shape": one.shape, "aliases": list(one.aliases)}


def _further_text(one: Input) -> str:
    """E.g. other: the vector to compare with, as long as the input (--with other=VALUES; also called x2)."""
    said = [f"--with {one.name}=VALUES"] + ([f"also called {listed(one.aliases)}"] if one.aliases else [])
    said += ["--target gives it too"] if one.may_be_target else []
    return f"{one.name}: {one.doc}, {one.shape} ({'; '.join(said)})"


def _param_record(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "default": param.default,
        "meaning": param.doc,
        "domain": " | ".join(param.choices) or param.domain.text,
        "aliases": list(param.aliases),
    }


def _param_text(param: Param) -> str:
    """E.g. alpha = 0.01: slope where z < 0 (also called negative_slope)."""
    said = [param.domain.text] if not param.choices and param.domain.text != "any number" else []
    said += [f"also called {listed(param.aliases)}"] if param.aliases else []
    said += ["one number, or one per unit"] if param.per_unit else []
    said += [f"at most {param.at_most}"] if param.at_most else []
    said += ["changed by gradient descent"] if param.trained else []
    return f"{param.name} = {_default(param)}: {param.doc}" + (f" ({'; '.join(said)})" if said else "")


def _default(param: Param) -> str:
    if param.default is None or isinstance(param.default, bool):
        return "none" if param.default is None else str(param.default).lower()
    return param.default if isinstance(param.default, str) else f"{param.default:g}"


def _kinks(entry: Entry) -> Sequence[Kink | KinkText]:
    own = () if isinstance(entry, VectorActivation) else entry.kinks  # type: ignore[attr-defined]  # all others have
    return (*own, *(kink for param in entry.params for kink in param.kinks))


def _kink_record(entry: Entry, kink: Kink | KinkText) -> dict[str, Any]:
    """A kink's one-sided derivatives under the default parameters, and for the target 1 where it is a loss.

    Where they are no numbers they are said in words.
    """
    if isinstance(kink, KinkText):
        return kink._asdict()
    if entry.further and kink.text:
        return kink.text._asdict()
    target = {} if isinstance(entry, Elementwise) else {"target": 1.0}
    args = (*target.values(), *(param.default for param in entry.params))
    place = kink.at(*args)
    if place != place and kink.text:  # a kink that only some parameters make
        return kink.text._asdict()
    sides = {"left": kink.left(*args), "right": kink.right(*args), "default": kink.shown("default", *args)}
    return {"when": kink.when, **target, **{side: float(slope) for side, slope in sides.items()}}


def _kink_text(entry: Entry, kink: Kink | KinkText) -> str:
    record = _kink_record(entry, kink)
    slopes = {side: record[side] for side in ("left", "right", "default") if side in record}
    said = [f"{side} {slope if isinstance(slope, str) else f'{slope:g}'}" for side, slope in slopes.items()]
    of_target = " (for the target 1)" if "target" in record else ""
    jump = "; the value jumps, so no derivative exists" if getattr(kink, "jump", False) else ""
    return f"{kink.when}: {', '.join(said)}{of_target}{jump}" if said else kink.when


def _target_record(entry: Entry) -> dict[str, str]:
    """What a loss takes as its target."""
    if isinstance(entry, ElementwiseLoss):
        return {"target": entry.target_domain.text}
    takes = getattr(entry, "takes", "")
    if not takes:
        return {}
    domain = getattr(entry, "target_domain", ANY)
    kinds = {
        "values": f"as many numbers as there are outputs, {domain.text}",
        "distribution": "a probability for each class, or the number of the right class",
        "class": "the number of the right class",
        "sign": domain.text,
        "labels": "a label for each row, a whole number",
        "sequence": "the labels in their order, numbers of classes; [] for none",
    }
    return {"target": kinds[takes]}


def _convention_card(convention: Convention) -> Card:
    meanings = {option.name: option.choices for option in OPTIONS}
    rows = [
        [name, f"{getattr(convention, name)}: {choices[getattr(convention, name)]}"]
        for name, choices in meanings.items()
    ]
    rows += [["classes_from", f"{convention.classes_from}: the first class label"], ["source", convention.source]]
    rows += [["note", convention.note]] if convention.note else []
    return _rows_card(
        _convention_record(convention), convention.name, [["convention", "a preset of conventions"], *rows]
    )


def _convention_record(convention: Convention) -> dict[str, Any]:
    return convention._asdict()


def _source(convention: Convention) -> str:
    """The source, then what the table of options has no column for."""
    first = "; class labels start at 1" if convention.classes_from == 1 else ""
    note = f"; {convention.note}" if convention.note else ""
    return f"{convention.source}{first}{note}"


def _example_card(example: Example) -> Card:
    about = [line.removeprefix("#").strip() for line in example.text.splitlines() if line.startswith("#")]
    record = {"name": example.name, "title": example.title, "text": example.text}
    rows = [["example", "a spec for backprop"], ["title", example.title]]
    rows += [["about", " ".join(about[1:])]] if about[1:] else []
    rows += [["print it", f"gradcalc example {example.name}"]]
    rows += [["run it", f"gradcalc example {example.name} | gradcalc backprop -"]]
    return _rows_card(record, example.name, rows)


def _rows_card(record: Any, name: str, rows: Sequence[Sequence[str]]) -> Card:
    """A card of labelled lines, the first of which is said in the heading.

    A name much longer than the labels stands beside its title, so that it takes no room from all that follows.
    """
    (kind, title), *rest = rows
    table = Table("", ["field", "value"], [["name", name], [kind, title], *rest])
    long = len(name) > max(len(label) for label, _ in rest) + 4
    return Card(record, table, [Table("", [kind, f"{name}: {title}"] if long else [name, title], [*rest])])
