"""The shape of the tree: what imports what, what a folder holds, how long modules and functions are."""

import ast
import tomllib
from collections import Counter
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from resift.tests.project.tree import (
    BESIDE,
    FUNCTIONS,
    LAYERS,
    NEVER_SHIPPED,
    ROOT,
    dotted,
    files,
    modules,
    nodes,
    parse,
    source,
)

MOST_MODULES = 15
FEWEST_LINES, MOST_LINES = 40, 300
MOST_LINES_OF_A_FUNCTION = 40  # besides its parameters: those of tools and commands are their arguments and options
SEAMS = {
    "*/__init__.py": "what a package exports",
    "tools/*.py": "one file per tool",
    "ingest/parsers/*.py": "one file per document format",
    "core/text.py": "what five layers do with texts from outside",
    "server/clients.py": "what `resift demo` and the README say about MCP clients",
    "server/entry.py": "the entry point, which imports next to nothing",
    "settings/*.py": "one file per family of settings",
}
"""Modules that may be shorter than `FEWEST_LINES`, each with the reason."""


def _imports(path: Path) -> set[str]:
    """Return what a module imports of ours, even if inside a function or only for types, by names below the root."""
    package = path.parent.parts
    found: set[str] = set()
    for node in nodes(path):
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


def _may_import(layer: str) -> set[str]:
    if layer in BESIDE:
        return {layer, *BESIDE[layer]}
    below: set[str] = set(LAYERS[LAYERS.index(layer) :])
    return below | set(BESIDE) if layer == "server" else below


def _packaging() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]


def test_imports_go_down_only() -> None:
    # What a module imports from the root itself is its version.
    assert [
        f"{path} imports {layer}"
        for path in modules()
        for layer in {name.partition(".")[0] for name in _imports(path)} - _may_import(path.parts[0]) - {"__version__"}
    ] == []


def test_imports_inside_functions_and_for_types_count() -> None:
    assert "server.relay.forward.forward" in _imports(Path("server/entry.py"))
    assert "ingest.sources.Files" in _imports(Path("ingest/job.py"))


def test_no_modules_import_each_other_in_a_circle() -> None:
    names = {dotted(path): path for path in modules()}
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        imported = {each if each in names else each.rpartition(".")[0] for each in _imports(path)}
        graph[name] = imported & names.keys() - {name}
    assert len(tuple(TopologicalSorter(graph).static_order())) == len(names)


def test_folder_holds_few_enough_modules_to_take_in_at_a_glance() -> None:
    held = Counter(path.parent for path in files() if path.name not in {"__init__.py", "conftest.py"})
    assert [str(folder) for folder in held if held[folder] > MOST_MODULES] == []


def test_modules_are_neither_fragments_nor_too_long() -> None:
    assert [str(path) for path in files() if len(source(path).splitlines()) > MOST_LINES] == []
    short = [path for path in modules() if len(source(path).splitlines()) < FEWEST_LINES]
    assert [str(path) for path in short if not any(fnmatch(str(path), seam) for seam in SEAMS)] == []


def test_every_seam_is_one() -> None:
    for seam in SEAMS:
        assert any(fnmatch(str(path), seam) for path in modules()), seam


@pytest.mark.parametrize("path", [path for path in files() if path.parts[0] not in NEVER_SHIPPED], ids=dotted)
def test_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(parse(path))


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
    functions = [
        (f"{dotted(path)}.{node.name}", _length(node))
        for path in files()
        for node in nodes(path)
        if isinstance(node, FUNCTIONS)
    ]
    assert len(functions) > 1000
    assert [found for found in functions if found[1] > MOST_LINES_OF_A_FUNCTION] == []


def test_every_folder_of_code_is_listed_as_a_package() -> None:
    folders = {path.parent for path in files() if path.parts[0] not in NEVER_SHIPPED}
    named = {".".join(["resift", *folder.parts]) for folder in folders} - {"resift.training.bundle"}
    assert {"resift", *named} == set(_packaging()["packages"])


def test_every_folder_of_code_is_a_known_layer() -> None:
    listed = {name.split(".")[1] for name in _packaging()["packages"] if "." in name}
    assert listed <= {*LAYERS, *BESIDE}
