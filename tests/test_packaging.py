"""What is installed: the version from one place, the promised metadata, and everything a wheel has to carry."""

from __future__ import annotations

import re
from importlib import resources
from importlib.metadata import distribution
from pathlib import Path

import pytest

import gradcalc

ROOT = Path(__file__).parents[1]
PROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
INSTALLED = distribution("gradcalc")

#: The only things that may stand at the top, hidden ones aside.
TOP = {"LICENSE", "README.md", "gradcalc", "man", "pyproject.toml", "tests"}
MADE_BY_TOOLS = {"build", "dist"}


def test_the_version_has_one_place() -> None:
    assert INSTALLED.version == gradcalc.__version__
    assert gradcalc.__version__ not in PROJECT


def test_python_has_a_lower_bound_only() -> None:
    assert INSTALLED.metadata["Requires-Python"] == ">=3.10"


def test_four_packages_are_needed_and_none_is_held_back() -> None:
    needed = [line for line in INSTALLED.requires or () if "extra ==" not in line]
    assert {re.split(r"\W", line)[0].lower() for line in needed} == {"click", "numpy", "tabulate", "pyyaml"}
    assert not [line for line in needed if "<" in line or "==" in line]


def test_the_command_runs_what_python_m_runs() -> None:
    (script,) = (point for point in INSTALLED.entry_points if point.group == "console_scripts")
    assert (script.name, script.value) == ("gradcalc", "gradcalc.__main__:main")
    assert callable(script.load())


def test_the_package_is_typed_and_brings_its_examples() -> None:
    files = resources.files("gradcalc")
    assert files.joinpath("py.typed").is_file()
    assert [path.name for path in files.joinpath("examples").iterdir() if path.name.endswith((".yaml", ".json"))]


@pytest.mark.parametrize("folder", sorted(ROOT.glob("man/man?")), ids=lambda path: path.name)
def test_pages_go_where_man_looks(folder: Path) -> None:
    assert f'"man/{folder.name}" = "share/man/{folder.name}"' in PROJECT


def test_nothing_else_stands_at_the_top() -> None:
    names = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert names - MADE_BY_TOOLS - {name for name in names if name.endswith(".egg-info")} == TOP
