"""Source code: a section for each function, class and method, with its comments and decorators."""

import ast
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath

from ..text.structure import ParsedDocument, Section, merge_bare_headings, paragraphs
from .protocols import Content, suffix_of

# Languages by suffix: source code, and data formats in which lines matter.
_LANGUAGES: dict[str, str] = {
    **dict.fromkeys((".py", ".pyi", ".pyw"), "python"),
    **dict.fromkeys((".js", ".mjs", ".cjs", ".jsx"), "javascript"),
    **dict.fromkeys((".ts", ".tsx", ".mts", ".cts"), "typescript"),
    **dict.fromkeys((".c", ".h"), "c"),
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".hh", ".hpp"), "cpp"),
    **dict.fromkeys((".sh", ".bash", ".zsh"), "shell"),
    **dict.fromkeys((".kt", ".kts"), "kotlin"),
    **dict.fromkeys((".ex", ".exs"), "elixir"),
    **dict.fromkeys((".yaml", ".yml"), "yaml"),
    **dict.fromkeys((".ini", ".cfg", ".conf", ".properties"), "ini"),
    ".cs": "csharp", ".dart": "dart", ".go": "go", ".java": "java", ".jl": "julia", ".lua": "lua", ".php": "php",
    ".pl": "perl", ".ps1": "powershell", ".r": "r", ".rb": "ruby", ".rs": "rust", ".scala": "scala", ".sql": "sql",
    ".swift": "swift", ".zig": "zig", ".hs": "haskell", ".clj": "clojure", ".erl": "erlang", ".ml": "ocaml",
    ".css": "css", ".scss": "scss", ".vue": "vue", ".svelte": "svelte", ".proto": "protobuf", ".graphql": "graphql",
    ".tf": "terraform", ".toml": "toml", ".xml": "xml",
}  # fmt: skip

# Python 3.11 takes time quadratic in the f-strings of a text: 6 s for this many characters, 10 minutes for ten times as
# many. Hand-written modules are shorter; a longer one is cut at its definitions, as other languages are.
_MAX_PARSED_CHARS = 500_000

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

# A function in C, Java, Go or shell: a name with parameters at the left margin, no call and no condition.
_SIGNATURE = re.compile(
    r"(?!(?:if|for|while|switch|return|else|elif|case|do)\b)(?=[A-Za-z_])"
    r"[\w\s*&<>:,\[\]]*?(?<![\w:~])(?P<name>[\w:~]+)\s*\([^;]*$"
)

_ABOVE = re.compile(r"\s*(?://|/\*|\*|#|@|--|;|\[|\(\*|%)")


@dataclass(frozen=True, slots=True)
class _Region:
    """Lines (from 0, `last` excluded) and the names of the definitions around them."""

    path: tuple[str, ...]
    first: int
    last: int
    is_heading_only: bool = False
    """Whether it is the first line of a class without docstring or fields."""


class CodeParser:
    """Reads source code; the title of a Python module has the first line of its docstring."""

    suffixes = frozenset(_LANGUAGES)
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return False: only a suffix tells that a text is source code."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the sections: by the syntax tree for Python, else by the definitions at the left margin."""
        lines = content.text.split("\n")
        language = _LANGUAGES.get(suffix_of(content.source), "")
        tree = _parse_python(content.text) if language in {"python", ""} else None
        regions = _python_regions(tree, lines) if tree is not None else _regions(lines)
        sections = [_section(region, lines) for region in regions]
        return ParsedDocument(
            lines=lines,
            line_numbers=range(1, len(lines) + 1),
            sections=merge_bare_headings(section for section in sections if section.blocks),
            title=_title(tree, content.source) if tree is not None and language else "",
            metadata={"language": language} if language else {},
        )


def _title(tree: ast.Module, source: str) -> str:
    """Return the file name with the first line of the docstring, or "" without one."""
    first = (ast.get_docstring(tree) or "").partition("\n")[0].strip()
    return f"{PurePath(source).name}: {first}" if first else ""


def _parse_python(text: str) -> ast.Module | None:
    """Return the syntax tree of Python source, or None when it is too long or this interpreter cannot parse it."""
    if len(text) > _MAX_PARSED_CHARS:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _section(region: _Region, lines: Sequence[str]) -> Section:
    return Section(
        region.path, tuple(paragraphs(lines, region.first, region.last, verbatim=True)), region.is_heading_only
    )


def _python_regions(tree: ast.Module, lines: Sequence[str]) -> Iterator[_Region]:
    """Yield the definitions of a module, and the lines between them."""
    yield from _body(tree.body, (), lines, 0, len(lines))


def _body(
    body: Sequence[ast.stmt], path: tuple[str, ...], lines: Sequence[str], first: int, last: int
) -> Iterator[_Region]:
    """Yield the regions from line `first` to `last`; lines between the definitions belong to `path` itself."""
    done = first
    for node in body:
        if not isinstance(node, _Definition):
            continue
        start = max(_start(node, lines), done)
        end = max(node.end_lineno or node.lineno, start)
        if done < start:
            yield _Region(path=path, first=done, last=start)
        yield from _definition(node, path, lines, start, end)
        done = end
    if done < last:
        yield _Region(path=path, first=done, last=last)


def _definition(
    node: _Definition, path: tuple[str, ...], lines: Sequence[str], first: int, last: int
) -> Iterator[_Region]:
    """Yield a function as one region, a class as a region for each method."""
    inner = (*path, node.name)
    methods = [child for child in node.body if isinstance(child, _Definition)]
    if not isinstance(node, ast.ClassDef) or not methods:
        yield _Region(path=inner, first=first, last=last)
        return
    opening = max(_start(methods[0], lines), first)
    # The line of a class without docstring or fields says nothing alone: it stays with the first method.
    yield _Region(path=inner, first=first, last=opening, is_heading_only=methods[0] is node.body[0])
    yield from _body(node.body, inner, lines, opening, last)


def _start(node: _Definition, lines: Sequence[str]) -> int:
    """Return the index of the first line of a definition, including decorators and the comments right above."""
    start = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _regions(lines: Sequence[str]) -> Iterator[_Region]:
    """Yield a region for each definition at the left margin, up to the next one."""
    starts = [(_with_comments(index, lines), name) for index, name in _definitions(lines)]
    if not starts or starts[0][0] > 0:
        starts.insert(0, (0, ""))
    for (first, name), (last, _) in pairwise([*starts, (len(lines), "")]):
        yield _Region(path=(name,) if name else (), first=first, last=last)


def _definitions(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    for index, line in enumerate(lines):
        # A line of generated code can have a megabyte; the name is near its beginning.
        start = line[:300]
        if not start or start[0].isspace():
            continue
        match = _KEYWORD.match(start) or _BOUND.match(start) or _STATEMENT.match(start)
        if match is None and (index == 0 or not lines[index - 1].strip() or _ABOVE.match(lines[index - 1])):
            match = _SIGNATURE.match(start)
        if match:
            yield index, match["name"].strip('"`:')


def _with_comments(index: int, lines: Sequence[str]) -> int:
    """Return the index of the first comment or decorator right above a definition, else of the definition."""
    while index > 0 and _ABOVE.match(lines[index - 1]):
        index -= 1
    return index
