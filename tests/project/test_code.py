"""How code is written: values are constructed by keywords, and every test can fail."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from resift.tests.project.tree import FUNCTIONS, files, nodes

MOST_POSITIONAL = 2
LARGE = 4  # fields of a dataclass from which on the limit holds
ASSERTING = {"pytest.raises", "pytest.fail", "pytest.warns"}


@dataclass(frozen=True, slots=True)
class _Class:
    path: Path
    node: ast.ClassDef


def _is_dataclass(node: ast.ClassDef) -> bool:
    decorators = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
    return any(ast.unparse(each).split(".")[-1] == "dataclass" for each in decorators)


def _dataclasses() -> dict[str, list[_Class]]:
    found: dict[str, list[_Class]] = {}
    for path in files():
        for node in nodes(path):
            if isinstance(node, ast.ClassDef) and _is_dataclass(node):
                found.setdefault(node.name, []).append(_Class(path, node))
    return found


def _fields(one: _Class, known: dict[str, list[_Class]]) -> set[str]:
    """Return the names of a dataclass's fields, those of its bases among them."""
    names = {each.id for each in (base for base in one.node.bases) if isinstance(each, ast.Name)} - {one.node.name}
    inherited = {field for name in names for base in known.get(name, ()) for field in _fields(base, known)}
    own = {
        each.target.id
        for each in one.node.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and not ast.unparse(each.annotation).startswith("ClassVar")
    }
    return inherited | own


def _ours(path: Path) -> dict[str, tuple[str, str]]:
    """Return what a module calls our classes: for each name, the class's own name and the module it comes from."""
    found = {node.name: (node.name, "") for node in nodes(path) if isinstance(node, ast.ClassDef)}
    for node in nodes(path):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] == "resift"):
            module = (node.module or "").rpartition(".")[2]
            found |= {alias.asname or alias.name: (alias.name, module) for alias in node.names}
    return found


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield the calls of a module, each with the name that is called; `cls` is the class it stands in."""
    for top in nodes(path):
        if isinstance(top, ast.ClassDef):
            inside = (node for node in ast.walk(top) if isinstance(node, ast.Call))
            yield from ((top.name, node) for node in inside if ast.unparse(node.func) == "cls")
        elif isinstance(top, ast.Call) and isinstance(top.func, ast.Name):
            yield top.func.id, top
        elif isinstance(top, ast.Call) and isinstance(top.func, ast.Attribute):
            yield top.func.attr, top


def _is_positional(call: ast.Call) -> bool:
    return len(call.args) > MOST_POSITIONAL or any(isinstance(each, ast.Starred) for each in call.args)


def _found(path: Path, known: dict[str, list[_Class]]) -> Iterator[str]:
    ours = _ours(path)
    for called, call in _calls(path):
        name, module = ours.get(called, (called, ""))
        # `tune.TuneRequest`: the class is ours if the module is.
        owner = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else called
        if not _is_positional(call) or name not in known or owner not in ours:
            continue
        classes = [one for one in known[name] if (one.path.stem == module if module else one.path == path)]
        if any(len(_fields(one, known)) >= LARGE for one in classes or known[name]):
            yield f"{path} {name}"


def test_dataclasses_of_more_than_three_fields_are_constructed_by_keywords() -> None:
    known = _dataclasses()
    assert len(known) > 100
    assert [each for path in files() for each in _found(path, known)] == []


def _can_fail(test: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    calls = (ast.unparse(node.func) for node in ast.walk(test) if isinstance(node, ast.Call))
    asserts = any(isinstance(node, ast.Assert) for node in ast.walk(test))
    return asserts or any(call in ASSERTING or call.startswith("assert_") for call in calls)


def test_every_test_asserts_something() -> None:
    tests = [
        (path, node)
        for path in files()
        if path.parts[0] == "tests"
        for node in nodes(path)
        if isinstance(node, FUNCTIONS) and node.name.startswith("test_")
    ]
    assert len(tests) > 1000
    assert [f"{path} {test.name}" for path, test in tests if not _can_fail(test)] == []
