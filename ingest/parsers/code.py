"""Lay out source code: a section for each function, class and method, with its comments and decorators."""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .structure import ParsedText, Section, fold, paragraphs

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_MODIFIERS = (
    r"export|default|declare|pub(?:\([\w: ]+\))?|public|private|protected|internal|static|abstract|final|sealed|open|"
    r"data|partial|async|unsafe|inline|virtual|override|extern|local"
)

_KEYWORDS = (
    r"function\*?|func|fun|fn|def|defp|defmodule|sub|proc|class|struct|enum|union|trait|impl|interface|protocol|extension|"
    r"record|object|module|namespace|package|type|macro_rules!|message|service"
)

_KEYWORD = re.compile(
    rf"(?:(?:{_MODIFIERS})\s+)*(?:{_KEYWORDS})\b(?:\s*<[^>]*>)?(?:\s*\([^)]*\))?\s+(?P<name>[\w$:.]+)"
)

_BOUND = re.compile(
    r"(?:export\s+)?(?:const|let|var)\s+(?P<name>[\w$]+)\s*(?::[^=]+)?=\s*(?:async\b\s*)?(?:function\b|\(|\w+\s*=>)"
)

_STATEMENT = re.compile(
    r"CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP\w*\s+)?\w+\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>[\w.\"`]+)", re.IGNORECASE
)

# C, Java, Go and shell: a name with its parameters at the left margin, neither a call nor a condition.
_SIGNATURE = re.compile(
    r"(?!(?:if|for|while|switch|return|else|elif|case|do)\b)(?=[A-Za-z_])"
    r"[\w\s*&<>:,\[\]]*?(?<![\w:~])(?P<name>[\w:~]+)\s*\([^;]*$"
)

_ABOVE = re.compile(r"\s*(?://|/\*|\*|#|@|--|;|\[|\(\*|%)")


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines (from 0, `last` excluded) with the names they lie under; `opens` marks a bare class header."""

    path: tuple[str, ...]
    first: int
    last: int
    opens: bool = False


def lay_out(text: str, language: str = "") -> ParsedText:
    """Return the sections of source code; by its syntax tree for Python, else by the lines at the left margin."""
    lines = text.split("\n")
    tree = parse(text) if language in {"python", ""} else None
    regions = _module(tree, lines) if tree is not None else _generic(lines)
    found = [_section(region, lines) for region in regions]
    return ParsedText(lines, range(1, len(lines) + 1), fold(section for section in found if section.blocks))


def parse(text: str) -> ast.Module | None:
    """Return the syntax tree of Python source, or None when it is not Python this interpreter knows."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _section(region: _Region, lines: Sequence[str]) -> Section:
    return Section(region.path, tuple(paragraphs(lines, region.first, region.last, verbatim=True)), region.opens)


def _module(tree: ast.Module, lines: Sequence[str]) -> Iterator[_Region]:
    """Yield the definitions of a module and what stands between them."""
    yield from _body(tree.body, (), lines, 0, len(lines))


def _body(
    body: Sequence[ast.stmt], path: tuple[str, ...], lines: Sequence[str], first: int, last: int
) -> Iterator[_Region]:
    """Yield the regions from line `first` to `last`; the lines between definitions lie under `path` itself."""
    done = first
    for node in body:
        if not isinstance(node, _Definition):
            continue
        start = max(_start(node, lines), done)
        end = max(node.end_lineno or node.lineno, start)
        if done < start:
            yield _Region(path, done, start)
        yield from _definition(node, path, lines, start, end)
        done = end
    if done < last:
        yield _Region(path, done, last)


def _definition(
    node: _Definition, path: tuple[str, ...], lines: Sequence[str], first: int, last: int
) -> Iterator[_Region]:
    """Yield a function whole; a class by its methods."""
    inner = (*path, node.name)
    methods = [child for child in node.body if isinstance(child, _Definition)]
    if not isinstance(node, ast.ClassDef) or not methods:
        yield _Region(inner, first, last)
        return
    opening = max(_start(methods[0], lines), first)
    # Without docstring or fields a class header says nothing alone: it goes with the first method.
    yield _Region(inner, first, opening, opens=methods[0] is node.body[0])
    yield from _body(node.body, inner, lines, opening, last)


def _start(node: _Definition, lines: Sequence[str]) -> int:
    """Return the index of the first line of a definition, its decorators and the comments right above included."""
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _generic(lines: Sequence[str]) -> Iterator[_Region]:
    """Cut before every definition at the left margin."""
    starts = [(_with_comments(index, lines), name) for index, name in _definitions(lines)]
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, ""))
    for (first, name), (last, _) in pairwise([*starts, (len(lines), "")]):
        yield _Region((name,) if name else (), first, last)


def _definitions(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    for index, line in enumerate(lines):
        # Generated code has lines of a megabyte; the name of a definition stands at the beginning.
        head = line[:300]
        if not head or head[0].isspace():
            continue
        match = _KEYWORD.match(head) or _BOUND.match(head) or _STATEMENT.match(head)
        if match is None and (index == 0 or not lines[index - 1].strip() or _ABOVE.match(lines[index - 1])):
            match = _SIGNATURE.match(head)
        if match:
            yield index, match["name"].strip('"`:')


def _with_comments(index: int, lines: Sequence[str]) -> int:
    """Move up over comments, decorators and attributes that stand right above, at the left margin or starred."""
    while index > 0 and _ABOVE.match(lines[index - 1]):
        index -= 1
    return index
