"""The tree of sources as the project's own checks read it."""

import ast
import gc
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import resift

ROOT = Path(resift.__file__).parent
LAYERS = (
    "server",
    "tools",
    "api",
    "evaluation",
    "factories",
    "settings",
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
"""From the top down: a layer imports itself and the ones below."""
BESIDE = {"examples": {"core"}, "training": {"evaluation", "pipeline", "ingest", "models", "core"}}
"""Packages beside the layers, each with the layers it may import. Only `server` may import them."""
NEVER_SHIPPED = {"tests", "benchmarks", "docs"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def files() -> tuple[Path, ...]:
    """Return every Python file below the root's folders, relative to the root."""
    found = (path.relative_to(ROOT) for path in ROOT.glob("*/**/*.py"))
    return tuple(sorted(path for path in found if not path.parts[0].startswith(".") and path.parts[0] != "build"))


def modules() -> Iterator[Path]:
    """Yield the files of the layers and the packages beside them."""
    return (path for path in files() if path.parts[0] in {*LAYERS, *BESIDE})


@cache
def source(path: Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def _trees() -> dict[Path, ast.Module]:
    """Parse every file, out of sight of the garbage collector, which would go through 700,000 nodes again and again."""
    gc.collect()
    gc.disable()
    try:
        found = {path: ast.parse(source(path)) for path in files()}
    finally:
        gc.enable()
    gc.freeze()
    return found


def parse(path: Path) -> ast.Module:
    return _trees()[path]


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """Return every node of a module's syntax tree."""
    return tuple(ast.walk(parse(path)))


def dotted(path: Path) -> str:
    """Return a module's name below the root: `store.edge.wire`."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def words(name: str) -> list[str]:
    """Return the words of an identifier in lower case: `_lay_Ground` gives lay, ground."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]
