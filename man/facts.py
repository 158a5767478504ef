"""What the manual takes from the program's declarations: commands, options, functions, conventions, keys, formats."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from importlib import import_module

import click

from gradcalc.cards import show
from gradcalc.cli import COMMANDS, gradcalc
from gradcalc.conventions import CONVENTIONS, OPTIONS, Convention
from gradcalc.evaluation.further import per_prediction
from gradcalc.functions import entries
from gradcalc.functions.entry import Entry
from gradcalc.layer_cards import COMMON, layer_card
from gradcalc.layers import entries as layer_entries
from gradcalc.layers import find as find_layer
from gradcalc.layers.declaration import Key, LayerEntry
from gradcalc.mistakes import MISTAKES
from gradcalc.mistakes.entry import Mistake
from gradcalc.render import FORMATS, GRADERS
from gradcalc.spec import keys
from gradcalc.spec.initial import initialise
from mdoc import argument, escaped, literal, paragraph, tagged
from measured import accuracy

EXIT_CODES = (
    ("0", "Done; and everything compared agrees."),
    ("1", "Compared, and differs; it never means an error."),
    ("2", "Wrong use, a bad spec or bad input, an element of a stream included."),
    ("3", "An internal error, or output that cannot be written."),
    ("130", "Interrupted."),
)


#: A word that begins a sentence, and not a formula: "a preset", but not "a = f(z)" or "dL/da".
_WORD = re.compile(r"\A(a|[a-z]{2,}(-[a-z]+)*)(?=[ ,]+[A-Za-z(\d]|: |$)")


def sentence(text: str) -> str:
    """A phrase of a declaration as a sentence."""
    return _WORD.sub(lambda word: word[0].capitalize(), text.rstrip(".")) + "."


def find_command(name: str) -> tuple[click.Command, click.Context]:
    """The command `gradcalc NAME`, or gradcalc itself, and the context it is described in."""
    if name == "gradcalc":
        return gradcalc, click.Context(gradcalc, info_name=name)
    command: click.Command = import_module(COMMANDS[name]).command
    return command, click.Context(command, info_name=f"gradcalc {name}")


def purpose(name: str) -> str:
    """A command in one line, as its help begins, without the full stop."""
    command, _ = find_command(name)
    first = (command.help or "").strip().split("\n\n")[0]
    words = " ".join(first.split()).split(". ")[0].rstrip(".")
    return words[:1].lower() + words[1:]


def synopsis(name: str) -> list[str]:
    """How the command is called: its options, then its arguments."""
    command, context = find_command(name)
    params = command.get_params(context)
    options = [f".Op {_flag(max(p.opts, key=len), p)}" for p in params if isinstance(p, click.Option)]
    arguments = [line for p in params if isinstance(p, click.Argument) for line in _argument(p)]
    if isinstance(command, click.Group):
        arguments = [".Ar COMMAND", ".Op Ar ARGUMENT ..."]
    return [f".Nm {context.info_name}", *options, *arguments]


def _argument(param: click.Argument) -> list[str]:
    """An argument as macros: Ar INPUT ..., or the words it may be, a line each so that they can be broken."""
    word = (param.metavar or (param.name or "").upper()).strip("[].")
    if "|" in word:
        *words, last = (f".Cm {argument(choice)}" for choice in word.split("|"))
        return [".Oo", *(f"{choice} |" for choice in words), last, ".Oc"]
    return [f".{'' if param.required else 'Op '}Ar {word}{' ...' if param.nargs == -1 else ''}"]


def _flag(spelling: str, param: click.Option) -> str:
    """An option as macros: Fl -format Ar FORMAT."""
    return f"Fl {escaped(spelling[1:])}{'' if param.is_flag else f' {_value(param)}'}"


def _value(param: click.Option) -> str:
    """What an option takes: NAME=VALUE is two arguments with a sign between, START STOP NUM three."""
    if param.metavar is None and isinstance(param.type, click.Choice):
        return _words([str(choice) for choice in param.type.choices])
    words = (param.metavar or "VALUE").split()
    return " ".join(f"Ar {word}".replace("=", " Ns = Ns Ar ") for word in words)


def _words(words: Sequence[str]) -> str:
    return " | ".join(f"Cm {argument(word)}" for word in words)


def options(name: str) -> list[str]:
    """Every option with its spellings and help."""
    command, context = find_command(name)
    found = [p for p in command.get_params(context) if isinstance(p, click.Option) and not p.hidden]
    return tagged([(" , ".join(_flag(s, p) for s in (*p.opts, *p.secondary_opts)), _help(p)) for p in found])


def _help(param: click.Option) -> list[str]:
    return paragraph(sentence(param.help or ""))


def commands(_: str) -> list[str]:
    """Every command with its page and purpose."""
    return tagged([(f"Xr gradcalc-{name} 1", paragraph(sentence(purpose(name)))) for name in COMMANDS])


def exit_status(_: str) -> list[str]:
    """The exit codes, the same for every command."""
    return tagged([(code, paragraph(text)) for code, text in EXIT_CODES], "130")


def formats(_: str) -> list[str]:
    """The output formats."""
    return tagged([(f"Cm {argument(f.name)}", paragraph(sentence(f.title))) for f in (FORMATS | GRADERS).values()])


def functions(kind: str) -> list[str]:
    """Every function of a kind: names, formula, derivative, parameters, kinks, notes, source."""
    return tagged([(_names(entry), _card(entry)) for entry in entries() if entry.kind == kind])


def _names(entry: Entry) -> str:
    aliases = " , ".join(f"Cm {argument(alias)}" for alias in entry.aliases)
    return f"Cm {argument(entry.name)}" + (f" Pq {aliases}" if aliases else "")


def _card(entry: Entry) -> list[str]:
    """What `gradcalc show` prints, without the names that stand above it."""
    rows = [(str(label), str(text)) for label, text in show(entry.name).table.rows[2:] if label != "also called"]
    items = [line for label, text in rows for line in (f".It {label}", *paragraph(text))]
    return [*paragraph(sentence(entry.title)), ".Bl -tag -width derivative -compact", *items, ".El"]


def further_inputs(_: str) -> list[str]:
    """Every function that takes further inputs, with each of them; and parameters that may be one for each input."""
    items: list[tuple[str, list[str]]] = []
    for entry in entries():
        said = [f"{one.name}: {one.doc}, {one.shape}" for one in entry.further]
        said += [f"{param.name}: {param.doc}" for param in per_prediction(entry)]
        if said:
            items.append((f"Cm {argument(entry.name)}", paragraph("; ".join(said) + ".")))
    return tagged(items)


def mistakes(_: str) -> list[str]:
    """Every mistake that check names: what it is, what is said of it, and an example."""
    return tagged([(f"Cm {argument(one.name)}", _mistake(one)) for one in MISTAKES])


def _mistake(mistake: Mistake) -> list[str]:
    said = [("Said", mistake.pattern), ("Example", mistake.example)]
    items = [line for label, text in said for line in (f".It {label}", *paragraph(text))]
    return [*paragraph(sentence(mistake.title)), ".Bl -tag -width Example -compact", *items, ".El"]


def convention_options(_: str) -> list[str]:
    """Every disagreement with its choices."""
    return tagged(
        [
            (
                f"Cm {option.name}",
                [*paragraph(sentence(option.title)), *_choices(option.choices)],
            )
            for option in OPTIONS
        ]
    )


def _choices(choices: dict[str, str]) -> list[str]:
    return tagged([(f"Cm {argument(name)}", paragraph(meaning)) for name, meaning in choices.items()], "batch_mean")


def presets(_: str) -> list[str]:
    """Every preset: what it sets, where that is written, and what is to be known."""
    return tagged([(f"Cm {argument(preset.name)}", _preset(preset)) for preset in CONVENTIONS])


def _preset(preset: Convention) -> list[str]:
    chosen = [f"{option.name} {getattr(preset, option.name)}" for option in OPTIONS]
    labels = f", classes_from {preset.classes_from}"
    note = paragraph(sentence(preset.note)) if preset.note else []
    return [*paragraph(sentence(preset.source)), ".br", *paragraph(f"Sets {', '.join(chosen)}{labels}."), *note]


def spec_keys(table: str) -> list[str]:
    """The keys of one kind of mapping in a spec."""
    return _key_list(getattr(keys, table))


def _key_list(declared: Sequence[Key]) -> list[str]:
    return tagged([(_key(key), paragraph(sentence(key.doc))) for key in declared])


def _key(key: Key) -> str:
    needed = " Pq needed" if key.required else ""
    return f"Cm {key.name} : Ar {argument(key.holds)}{needed}"


def layer_types(_: str) -> list[str]:
    """Every type of layer with its title."""
    return tagged([(f"Cm {entry.type}", paragraph(sentence(entry.title))) for entry in layer_entries()], "activation")


def layer_cards(_: str) -> list[str]:
    """Every type of layer: formulas, keys, quantities, notes and an example."""
    return [line for entry in layer_entries() for line in _layer(entry)]


def _layer(entry: LayerEntry) -> list[str]:
    """What `gradcalc show` prints, without what holds for all layers."""
    rows = [(str(label), str(text)) for label, text in layer_card(entry).table.rows[2:] if text != COMMON]
    items = [line for label, text in rows for line in (f".It {label}", *paragraph(text))]
    listing = [".Bl -tag -width backward -compact", *items, ".El"]
    title = paragraph(sentence(entry.title))
    return [f".Ss {argument(entry.type)}", *title, *listing, *literal(entry.example.splitlines())]


def inits(_: str) -> list[str]:
    """The recipes for initial parameters, from the table in the docstring of the function that follows it."""
    rows = re.findall(r"^ *\| (?!init)(\w+) \| (.*?) \|$", initialise.__doc__ or "", re.MULTILINE)
    return tagged([(f"Cm {name}", paragraph(sentence(text))) for name, text in rows], "glorot_uniform")


#: What a source page may ask for, as a line "@name argument".
FACTS: dict[str, Callable[[str], list[str]]] = {
    "synopsis": synopsis,
    "options": options,
    "commands": commands,
    "exit-status": exit_status,
    "formats": formats,
    "functions": functions,
    "accuracy": accuracy,
    "further-inputs": further_inputs,
    "mistakes": mistakes,
    "convention-options": convention_options,
    "presets": presets,
    "keys": spec_keys,
    "layer-keys": lambda type_: _key_list(find_layer(type_).keys),
    "layer-types": layer_types,
    "layer-cards": layer_cards,
    "loss-keys": lambda _: _key_list([key for key in keys.LOSS if key not in keys.FUNCTION]),
    "inits": inits,
}
