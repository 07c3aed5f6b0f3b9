"""What an installation brings along."""

import ast
import json
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from resift.tests.project.tree import ROOT, files, parse

HEAVY = {"torch", "transformers", "sentence-transformers", "datasets", "pyarrow", "scikit-learn"}
HEAVY_IMPORTS = {name.replace("-", "_") for name in HEAVY}
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _required(name: str, extra: str) -> list[str]:
    """Return what a distribution requires; one that is not installed is taken to require nothing."""
    if name == "resift":
        return PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    try:
        return requires(name) or []
    except PackageNotFoundError:
        return []


def _reached(lines: list[str]) -> set[str]:
    """Return the names of all that the requirements bring along, by the metadata of what is installed."""
    seen: set[tuple[str, str]] = set()
    open_lines = [(line, "") for line in lines]
    while open_lines:
        line, of_extra = open_lines.pop()
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": of_extra}):
            continue
        for name, extra in _asked(requirement):
            if (name, extra) not in seen:
                seen.add((name, extra))
                open_lines += [(each, extra) for each in _required(name, extra)]
    return {name for name, _ in seen}


def _asked(requirement: Requirement) -> Iterator[tuple[str, str]]:
    name = requirement.name.lower().replace("_", "-")
    yield name, ""
    yield from ((name, extra) for extra in sorted(requirement.extras))


def test_the_default_installation_and_its_tests_need_no_torch() -> None:
    default = _reached(PROJECT["dependencies"])
    assert {"numpy", "onnxruntime", "pydantic-core"} <= default
    tested = _reached(["resift[dev]"])
    assert {"pytest", "hypothesis", "openai"} | default <= tested
    assert {name for name in tested if name in HEAVY or name.startswith("nvidia-")} == set()


def _unchecked_without_torch() -> set[str]:
    lines = (ROOT / "pyright-without-torch.json").read_text(encoding="utf-8").splitlines()
    return set(json.loads("\n".join(line for line in lines if not line.startswith("//")))["ignore"])


def _imports(path: Path) -> set[str]:
    """Return the top-level packages that a module imports when it is imported itself."""
    found: set[str] = set()
    for node in parse(path).body:
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_files_that_are_not_type_checked_without_torch_exist() -> None:
    ignored = _unchecked_without_torch()
    assert len(ignored) > 5
    assert [name for name in ignored if not (ROOT / name).is_file()] == []


def test_every_module_that_imports_torch_is_left_out_where_torch_is_missing() -> None:
    importing = {path.as_posix() for path in files() if _imports(path) & HEAVY_IMPORTS}
    assert "training/network.py" in importing
    assert importing - _unchecked_without_torch() == set()
