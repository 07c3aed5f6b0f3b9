"""The shape of the tree: what imports what, how long modules get, which packages ship."""

import ast
import tomllib
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

import resift

ROOT = Path(resift.__file__).parent
FLOORS = (
    "server",
    "factories",
    "settings",
    "tools",
    "evaluation",
    "pipeline",
    "ingest",
    "rerank",
    "search",
    "store",
    "encoders",
    "prompts",
    "models",
    "core",
)
"""From the top down: a floor imports itself and the ones below."""
BESIDE = {"examples": {"core"}, "training": {"evaluation", "pipeline", "ingest", "models", "core"}}
"""Folders beside the floors, and the floors they stand on; only the application may use them."""
NEVER_SHIPPED = {"tests", "benchmarks", "docs"}
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 40  # besides its parameters: those of tools and commands are their arguments and options
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def _modules() -> Iterator[Path]:
    for folder in sorted(path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")):
        if folder.name in {*FLOORS, *BESIDE}:
            yield from sorted(folder.rglob("*.py"))


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(path: Path, *, only_at_import: bool = False) -> set[str]:
    """Return the modules of ours that a module imports, by their names below the root."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).parent.parts
    found: set[str] = set()
    for node in tree.body if only_at_import else ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".") if node.module else []
            if node.level:
                start = [*package[: len(package) - node.level + 1], *parts]
            elif parts[:1] == ["resift"]:
                start = parts[1:]
            else:
                continue
            found |= {".".join([*start, alias.name]) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.removeprefix("resift.") for alias in node.names if alias.name.startswith("resift.")}
    return found


def _may_import(floor: str) -> set[str]:
    if floor in BESIDE:
        return {floor, *BESIDE[floor]}
    below: set[str] = set(FLOORS[FLOORS.index(floor) :])
    return below | set(BESIDE) if floor == "server" else below


def _packaging() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


@pytest.mark.parametrize("path", tuple(_modules()), ids=_name)
def test_imports_go_down_only(path: Path) -> None:
    allowed = _may_import(_name(path).partition(".")[0])
    reached = {name.partition(".")[0] for name in _imports(path)}
    # What a module imports from the root itself is its version.
    assert reached - allowed <= {"__version__"}


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {_name(path): path for path in _modules()}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        imported = _imports(path, only_at_import=True)
        graph[name] = {each if each in names else each.rpartition(".")[0] for each in imported} & names.keys() - {name}
    assert len(tuple(TopologicalSorter(graph).static_order())) == len(names)


@pytest.mark.parametrize(
    "path", [path for path in sorted(ROOT.glob("*/**/*.py")) if ".venv" not in path.parts], ids=_name
)
def test_module_stays_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    if path.relative_to(ROOT).parts[0] not in NEVER_SHIPPED:
        assert ast.get_docstring(ast.parse(text))


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function's body, without those of functions inside it."""
    found: list[ast.AST] = list(function.body)
    lines = (function.end_lineno or 0) - function.body[0].lineno + 1
    while found:
        node = found.pop()
        if isinstance(node, FUNCTIONS):
            lines -= (node.end_lineno or 0) - node.lineno + 1
        else:
            found.extend(ast.iter_child_nodes(node))
    return lines


def test_functions_stay_short() -> None:
    paths = [path for path in sorted(ROOT.glob("*/**/*.py")) if not path.relative_to(ROOT).parts[0].startswith(".")]
    functions = [
        (f"{_name(path)}.{node.name}", _length(node))
        for path in paths
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, FUNCTIONS)
    ]
    assert len(functions) > 1000
    assert [found for found in functions if found[1] > MOST_LINES_OF_A_FUNCTION] == []


def test_every_folder_of_code_is_listed_as_a_package() -> None:
    folders = {path.parent for path in ROOT.glob("*/**/*.py") if not path.relative_to(ROOT).parts[0].startswith(".")}
    named = {".".join(["resift", *folder.relative_to(ROOT).parts]) for folder in folders}
    shipped = {name for name in named if name.split(".")[1] not in {*NEVER_SHIPPED, "build"}} - {
        "resift.training.bundle"
    }
    assert {"resift", *shipped} == set(_packaging()["packages"])


def test_every_folder_of_code_is_a_known_floor() -> None:
    listed = {name.split(".")[1] for name in _packaging()["packages"] if "." in name}
    assert listed <= {*FLOORS, *BESIDE}
