"""Definitions in Python, by the syntax tree of the standard library."""

import ast
import warnings
from collections.abc import Sequence

from .definitions import Definition

# Python 3.11 takes time quadratic in the f-strings of a text: 6 s for this many characters, 10 minutes for ten times as
# many. Hand-written modules are shorter; a longer one is cut at its definitions, as other languages are.
MAX_CHARS = 500_000

_Node = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parse_python(text: str) -> ast.Module | None:
    """Return the syntax tree of Python source, or None when it is too long or this interpreter cannot parse it."""
    if len(text) > MAX_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def python_definitions(tree: ast.Module, lines: Sequence[str]) -> list[Definition]:
    """Return the functions and classes of a module; the methods of a class are its members."""
    return _definitions(tree.body, lines)


def summary_of(tree: ast.Module) -> str:
    """Return the first line of the docstring of a module, or ""."""
    return (ast.get_docstring(tree) or "").partition("\n")[0].strip()


def _definitions(body: Sequence[ast.stmt], lines: Sequence[str]) -> list[Definition]:
    return [_definition(node, lines) for node in body if isinstance(node, _Node)]


def _definition(node: _Node, lines: Sequence[str]) -> Definition:
    members = _definitions(node.body, lines) if isinstance(node, ast.ClassDef) else []
    return Definition(
        path=(node.name,),
        first=_first_line(node, lines),
        last=node.end_lineno or node.lineno,
        members=members,
        # The line of a class without docstring or fields says nothing alone: it stays with the first method.
        is_bare=bool(members) and isinstance(node.body[0], _Node),
    )


def _first_line(node: _Node, lines: Sequence[str]) -> int:
    """Return the index of the first line of a definition, including decorators and the comments right above."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
    while first > 0 and lines[first - 1].lstrip().startswith("#"):
        first -= 1
    return first
