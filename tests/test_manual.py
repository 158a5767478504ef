"""The manual and the README: built from what the program is, whole, and every example in them runs."""

from __future__ import annotations

import doctest
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import click
import pytest

import gradcalc
from facts import EXIT_CODES, find_command
from gradcalc import layers
from gradcalc.cli import COMMANDS
from gradcalc.conventions import CONVENTIONS, OPTIONS
from gradcalc.functions import entries
from gradcalc.mistakes import MISTAKES
from gradcalc.render import FORMATS, GRADERS
from gradcalc.spec import keys
from manual import FOLDER, Page, build, pages
from mdoc import argument
from readme import README, refreshed
from transcript import Example, difference, parse, run

PAGES = pages()
TEXTS = {page.name: page.built.read_text("utf-8").replace(r"\-", "-") for page in PAGES}
READ_ME = README.read_text("utf-8")
MODULES = ["gradcalc", *(module.name for module in pkgutil.walk_packages(gradcalc.__path__, "gradcalc."))]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
each_command = pytest.mark.parametrize("name", COMMANDS)


class NearlyEqual(doctest.OutputChecker):
    """Compares what a docstring's example prints as the manual's examples are compared: digits with a tolerance."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return super().check_output(want, got, optionflags) or not difference(want, got)


def doctests(name: str) -> list[doctest.DocTest]:
    """The examples in a module's docstrings, or in the README."""
    if name == "README":
        blocks = re.findall(r"^```pycon\n(.*?)^```$", READ_ME, re.MULTILINE | re.DOTALL)
        return [doctest.DocTestParser().get_doctest("\n".join(blocks), {}, name, str(README), 0)]
    found = doctest.DocTestFinder().find(import_module(name))
    return [test for test in found if test.examples]


# Pages


@each_page
def test_a_page_is_what_would_be_built_and_its_examples_print_what_it_says(page: Page) -> None:
    assert difference(page.built.read_text("utf-8"), build(page)) == ""


@each_page
def test_a_page_has_the_usual_sections(page: Page) -> None:
    usual = ["NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"]
    if page.section == "1":
        usual[1:1] = ["SYNOPSIS"]
        usual.insert(usual.index("EXAMPLES"), "EXIT STATUS")
    assert [s for s in re.findall(r"^\.Sh (.*)$", TEXTS[page.name], re.MULTILINE) if s in usual] == usual


@each_page
def test_a_page_is_ascii_and_refers_to_pages_that_exist(page: Page) -> None:
    assert TEXTS[page.name].isascii()
    referred = re.findall(r"\bXr (gradcalc\S*) (\d)", TEXTS[page.name])
    assert {Page(name, section) for name, section in referred} == set(PAGES) - {page}


def test_no_built_page_has_lost_its_source() -> None:
    assert set(FOLDER.glob("man*/*")) == {page.built for page in PAGES}


# Everything is named


@each_command
def test_a_command_has_a_page_that_names_each_of_its_options_and_arguments(name: str) -> None:
    command, context = find_command(name)
    text = TEXTS[f"gradcalc-{name}"]
    for param in command.get_params(context):
        if isinstance(param, click.Argument):
            words = re.findall(r"\w+", param.metavar or (param.name or "").upper())
            assert [word for word in words if not re.search(rf"^\.(Op )?.*(Ar|Cm) {word}", text, re.MULTILINE)] == []
            continue
        for spelling in (*param.opts, *param.secondary_opts):
            assert re.search(rf"^\.It .*Fl {re.escape(spelling[1:])}\b", text, re.MULTILINE), spelling
            assert getattr(param, "help", None), f"{spelling} has no help"


@each_command
def test_a_command_is_named_in_the_overview_and_in_the_readme(name: str) -> None:
    assert f".It Xr gradcalc-{name} 1" in TEXTS["gradcalc"]
    assert f"gradcalc {name}" in READ_ME


def named(page: str, word: str) -> bool:
    return re.search(rf"\bCm (\\&)?{re.escape(word)}(?![\w-])", TEXTS[page]) is not None


def test_every_function_with_its_aliases_and_parameters_is_named() -> None:
    for entry in entries():
        assert [name for name in (entry.name, *entry.aliases) if not named("gradcalc-functions", name)] == []
        assert [p.name for p in entry.params if f"\n{p.name} = " not in TEXTS["gradcalc-functions"]] == []


def test_every_convention_with_its_choices_is_named() -> None:
    words = [preset.name for preset in CONVENTIONS]
    words += [word for option in OPTIONS for word in (option.name, *option.choices)]
    assert [word for word in words if not named("gradcalc-conventions", word)] == []


def test_every_mistake_is_named_with_what_is_said_of_it() -> None:
    text = " ".join(TEXTS["gradcalc-check"].replace(r"\&", "").split())
    for mistake in MISTAKES:
        assert named("gradcalc-check", mistake.name)
        assert all(" ".join(said.split()) in text for said in (mistake.pattern, mistake.example)), mistake.name


def test_every_key_of_a_spec_is_named() -> None:
    tables = (keys.TOP, keys.LAYER, keys.FUNCTION, keys.LOSS, keys.PENALTY)
    assert [key.name for table in tables for key in table if not named("gradcalc-spec", key.name)] == []


def test_every_layer_with_its_keys_is_named() -> None:
    for entry in layers.entries():
        assert named("gradcalc-spec", entry.type)
        page = TEXTS["gradcalc-layers"]
        start = page.index(f".Ss {argument(entry.type)}\n")
        own = page[start : page.find("\n.S", start)]
        assert [key.name for key in entry.keys if f".It key\n{key.name}: " not in own] == []


def test_every_format_and_exit_code_is_named() -> None:
    assert [name for name in (*FORMATS, *GRADERS) if not named("gradcalc", name) or f"`{name}`" not in READ_ME] == []
    for code, meaning in EXIT_CODES:
        assert all(f".It {code}\n" in TEXTS[page.name] for page in PAGES if page.section == "1")
        assert f"| {code} |" in READ_ME, meaning


# Examples


def test_the_readme_prints_what_it_says() -> None:
    assert difference(READ_ME, refreshed(READ_ME)) == ""


@pytest.mark.parametrize("name", ["README", *MODULES])
def test_examples_in_python_print_what_they_say(name: str) -> None:
    for test in doctests(name):
        runner = doctest.DocTestRunner(NearlyEqual(), verbose=False, optionflags=doctest.ELLIPSIS)
        assert runner.run(test).failed == 0, test.name


@pytest.mark.parametrize("name", ["install", "test"])
def test_the_readme_has_the_lines_to_copy_that_ci_runs(name: str) -> None:
    found = re.search(rf"^```sh {name}\n(.*)\n```$", READ_ME, re.MULTILINE)
    assert found is not None
    assert found[1].startswith("python3 -m venv .venv && .venv/bin/pip install -q ")
    assert f"run_from_readme {name}" in (README.parent / ".ci" / "run").read_text("utf-8")


def test_the_readme_shows_the_homework_check_that_is_tested() -> None:
    script = (Path(__file__).parent / "cases" / "homework.sh").read_text("utf-8")
    assert f"```sh homework.sh\n{script}```\n" in READ_ME


# How examples are compared


def test_a_transcript_is_read_command_by_command() -> None:
    text = ["$ one", "out", "", "$ two \\", "> more", "$ three", "", "a"]
    assert parse(text) == [Example("one", ("out",)), Example("two \\\nmore", ()), Example("three", ("a",))]
    with pytest.raises(ValueError, match="no command stands before"):
        parse(["out"])


def test_commands_share_a_folder_variables_and_exit_codes_whoever_runs_them() -> None:
    commands = ["gradcalc eval 'no such' 1 -o out", "echo $?", "a=3", "gradcalc eval relu 2 --only value", "echo $a $?"]
    commands += ["cat net.yaml; false", "echo $?", "gradcalc backprop net.yaml --only loss"]
    refused, *found = run(commands, {"net.yaml": "input: 1\nlayers: []\ntarget: 3\nloss: square\n"})
    assert refused.output[0].startswith("gradcalc: error: there is no function 'no such'")
    assert [one.output for one in found[:4]] == [("2",), (), ("2",), ("3 0",)]
    assert [one.output[-1] for one in found[4:]] == ["loss: square", "1", "4"]
    with pytest.raises(ValueError, match="the shell left before the end: so"):
        run(["echo so; exit 3", "echo never"])


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("value  0.62245933", "value 0.62245934"),
        ("1.0000000000000002", "1"),
        (r"x \-2.5e-10", "x -2.5e-10"),
        ("-----  --", "-------  --"),
        ("a\n\nb 1", "a\n\nb 1.0\n"),
    ],
)
def test_numbers_agree_up_to_their_last_digit(expected: str, got: str) -> None:
    assert difference(expected, got) == ""


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("0.62245933", "0.62245943"),
        ("3", "4"),
        ("1.5", "-1.5"),
        ("1e-3", "1e-4"),
        ("relu 1", "relu_1"),
        ("1 2", "1"),
        ("a", "a\nb"),
        ("nan", "0"),
    ],
)
def test_other_numbers_and_words_do_not_agree(expected: str, got: str) -> None:
    assert difference(expected, got) != ""
