"""The parser of source code: by the syntax tree of Python, by grammars, or by the beginnings of lines."""

from collections.abc import Sequence
from pathlib import PurePath

from ...text.structure import ParsedDocument, merge_bare_headings
from ..protocols import Content, suffix_of
from .definitions import Definition, sections_of
from .grammars import grammar_definitions
from .patterns import pattern_definitions
from .python import parse_python, python_definitions, summary_of

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


class CodeParser:
    """Reads source code; the title of a Python module has the first line of its docstring."""

    suffixes = frozenset(_LANGUAGES)
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return False: only a suffix tells that a text is source code."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return a section for each definition, with the names of what it stands in as headings."""
        lines = content.text.split("\n")
        language = _LANGUAGES.get(suffix_of(content.source), "")
        title, definitions = _read(content, language, lines)
        return ParsedDocument(
            lines=lines,
            line_numbers=range(1, len(lines) + 1),
            sections=merge_bare_headings(sections_of(definitions, lines)),
            title=title,
            metadata={"language": language} if language else {},
        )


def _read(content: Content, language: str, lines: Sequence[str]) -> tuple[str, list[Definition]]:
    """Return the title and the definitions of a text."""
    tree = parse_python(content.text) if language in {"python", ""} else None
    if tree is not None:
        summary = summary_of(tree) if language else ""
        title = f"{PurePath(content.source).name}: {summary}" if summary else ""
        return title, python_definitions(tree, lines)
    found = grammar_definitions(content.text, language, lines)
    return "", pattern_definitions(lines, language) if found is None else found
