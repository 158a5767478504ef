"""The import ladder: imports go down, outside packages have one home, and `eval` loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(__file__).parents[1] / "gradcalc"

#: The rungs from top to bottom; a package stands for all its modules. An import goes down or stays.
LADDER = (
    ("gradcalc.__main__",),
    ("gradcalc.cli",),
    ("gradcalc.report", "gradcalc.statements", "gradcalc.cards", "gradcalc.formula_cards", "gradcalc.layer_cards"),
    ("gradcalc", "gradcalc.evaluation", "gradcalc.checking", "gradcalc.differencing"),
    ("gradcalc.mistakes",),
    ("gradcalc.backpropagation",),
    ("gradcalc.spec",),
    ("gradcalc.chain", "gradcalc.layer_results"),
    ("gradcalc.network", "gradcalc.objective", "gradcalc.penalty", "gradcalc.addresses", "gradcalc.advice"),
    ("gradcalc.layers", "gradcalc.shapes"),
    ("gradcalc.conventions", "gradcalc.examples"),
    ("gradcalc.formula",),
    ("gradcalc.functions",),
    ("gradcalc.numerics",),
    ("gradcalc.errors", "gradcalc.results", "gradcalc.suites"),
)
RUNG = {name: height for height, names in enumerate(reversed(LADDER)) for name in names}

#: `render` stands beside the ladder: it knows answers and errors, and only the command line knows it.
RENDER_KNOWS = ("gradcalc.render", "gradcalc.errors", "gradcalc.results", "gradcalc.suites")

#: Where outside packages may be imported.
HOMES = {"click": ("gradcalc.cli",), "tabulate": ("gradcalc.render",), "yaml": ("gradcalc.spec",)}

HEAVY = ("numpy", "tabulate", "yaml", "importlib.metadata")
LIGHT_FORMATS = ("table", "plain", "json", "jsonl", "csv", "tsv")
LIGHT_COMMANDS = (
    *(("-m", "gradcalc", "eval", "sigmoid", "0.5", "--format", name) for name in LIGHT_FORMATS),
    ("-m", "gradcalc", "eval", "leaky_relu", "0", "-p", "alpha=0.2", "--only", "derivative"),
    ("-m", "gradcalc", "eval", "square", "0.5", "--target", "1"),
    ("-m", "gradcalc", "eval", "--formula", "z * max(sigmoid(b * z), 0)", "-p", "b=ln(3)", "0", "1/3"),
    ("-m", "gradcalc", "eval", "--formula", "z * tanh(z)", "--symbolic"),
    ("-m", "gradcalc", "eval", "--help"),
    ("-m", "gradcalc", "--help"),
    ("-m", "gradcalc", "--version"),
    ("-c", "import gradcalc"),
)


class Import(NamedTuple):
    """One import: who imports what, on which line, and whether at start-up (not late, not for types only)."""

    importer: str
    imported: str
    line: int
    at_start: bool


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees() -> dict[str, ast.Module]:
    """Every module's tree, parsed when a test first wants it."""
    return {name: ast.parse(path.read_text("utf-8")) for name, path in PATHS.items()}


def imported_names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The modules an import statement names: `from package import module` names the module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, f"line {node.lineno}: relative import; write it in full"
    assert node.module is not None
    for alias in node.names:
        inner = f"{node.module}.{alias.name}"
        yield inner if inner in PATHS else node.module


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def walk(importer: str, node: ast.AST, at_start: bool = True) -> Iterator[Import]:
    """Every import below `node`, late ones and those for types included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield from (Import(importer, name, child.lineno, at_start) for name in imported_names(child))
        late = is_for_types(child) or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from walk(importer, child, at_start and not late)


@cache
def imports() -> list[Import]:
    """Every import of the program."""
    return [found for name, tree in trees().items() for found in walk(name, tree)]


@cache
def own_imports() -> list[Import]:
    """Those of its own modules."""
    return [found for found in imports() if found.imported.split(".")[0] == "gradcalc"]


def within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def rung(module: str) -> int:
    """The height of the longest package name in the ladder that holds this module."""
    name = module
    while name not in RUNG:
        name = name.rpartition(".")[0]
        assert name not in ("", "gradcalc"), f"{module} has no rung: give it one in LADDER"
    return RUNG[name]


@pytest.mark.parametrize("module", sorted(set(PATHS) - {m for m in PATHS if within(m, ("gradcalc.render",))}))
def test_imports_only_go_down(module: str) -> None:
    own = rung(module)
    below = [
        found
        for found in own_imports()
        if found.importer == module and not within(found.imported, ("gradcalc.render",))
    ]
    up = [f"line {found.line}: {found.imported}" for found in below if rung(found.imported) > own]
    assert not up, f"{module} imports upwards"


def test_render_knows_results_and_errors_only_and_only_the_command_line_knows_it() -> None:
    inside = [
        f for f in own_imports() if within(f.importer, ("gradcalc.render",)) and not within(f.imported, RENDER_KNOWS)
    ]
    outside = [f for f in own_imports() if within(f.imported, ("gradcalc.render",))]
    outside = [f for f in outside if not within(f.importer, ("gradcalc.cli", "gradcalc.render"))]
    assert inside + outside == []


@pytest.mark.parametrize("package", HOMES)
def test_an_outside_package_is_imported_in_its_home_only(package: str) -> None:
    users = [found for found in imports() if found.imported.split(".")[0] == package]
    assert [found for found in users if not within(found.importer, HOMES[package])] == []


def test_modules_import_one_another_in_no_circle() -> None:
    """At start-up, that is: a package's own __init__ counts for whoever imports one of its modules."""
    needs: dict[str, set[str]] = {name: set() for name in PATHS}
    for found in own_imports():
        if found.at_start and found.imported != found.importer:
            needs[found.importer].add(found.imported)
    while ready := [name for name, rest in needs.items() if not rest & needs.keys()]:
        for name in ready:
            del needs[name]
    assert not needs, "these wait for one another"


def test_only_the_command_line_prints_and_exits() -> None:
    told = ("print", "exit", "quit", "input", "breakpoint")
    calls = [
        f"{name}:{node.lineno}"
        for name, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) in told or ast.unparse(node.func) in ("sys.exit", "os._exit"))
    ]
    assert [call for call in calls if not within(call.split(":")[0], ("gradcalc.cli", "gradcalc.__main__"))] == []


@pytest.mark.parametrize("command", LIGHT_COMMANDS, ids=" ".join)
def test_nothing_heavy_is_loaded(command: tuple[str, ...]) -> None:
    """Python's own account of its imports, so that no wrapper of ours stands between."""
    line = [sys.executable, "-X", "importtime", *command]
    run = subprocess.run(line, check=False, capture_output=True, text=True, timeout=60)
    loaded = [line.rpartition("|")[2].strip() for line in run.stderr.splitlines() if line.startswith("import time:")]
    assert run.returncode == 0, run.stderr
    assert "gradcalc" in loaded
    assert [name for name in loaded if within(name, HEAVY)] == []


def test_a_function_is_found_without_the_families_before_its_own() -> None:
    program = (
        "import sys; from gradcalc import functions as f; f.find('margin_ranking'); "
        "print([name for name in f.FAMILIES[:8] if f'{f.__name__}.{name}' in sys.modules]); "
        "f.__path__[:] = ['nowhere']; print(f._mentions('relu', 'relu'))"
    )
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert run.stdout.splitlines() == ["[]", "False"]
