"""Which format a text has: one table from the suffix of a file, and a guess for text without one."""

import re
from pathlib import PurePath
from typing import Literal

Format = Literal["markdown", "html", "code", "text"]

# Suffix to language; source code and data whose lines matter are cut at line ends.
LANGUAGES: dict[str, str] = {
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
    ".tf": "terraform", ".json": "json", ".jsonl": "json", ".toml": "toml", ".xml": "xml",
}  # fmt: skip

FORMATS: dict[str, Format] = {
    **dict.fromkeys((".md", ".markdown", ".mdx", ".mkd", ".qmd", ".rmd"), "markdown"),
    **dict.fromkeys((".html", ".htm", ".xhtml"), "html"),
    **dict.fromkeys((".txt", ".text", ".rst", ".adoc", ".org", ".tex", ".log", ".csv", ".tsv"), "text"),
    **dict.fromkeys(LANGUAGES, "code"),
}

_HTML = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<body[\s>])", re.IGNORECASE)

# A heading, a fence or a link is enough; a lone list or emphasis also occurs in plain text.
_MARKDOWN = re.compile(
    r"^(?:#{1,6}[ \t]+\S|```|~~~)|^[^\n]+\n(?:=|-){3,}[ \t]*$|\[[^\]\n]{1,200}\]\([^)\n]{1,500}\)", re.MULTILINE
)

# Enough to see a heading or a link; the guess must not read 5 MB.
_GUESS_CHARS = 20_000


def language_of(source: str) -> str:
    """Return the programming language a source's suffix stands for, or "" when it stands for none."""
    return LANGUAGES.get(_suffix(source), "")


def guess_format(source: str, text: str) -> Format:
    """Return the format of `text` from the suffix of `source`, a path or URI or "", else from how it looks."""
    known = FORMATS.get(_suffix(source))
    if known:
        return known
    head = text[:_GUESS_CHARS]
    if _HTML.match(head):
        return "html"
    return "markdown" if _MARKDOWN.search(head) else "text"


def _suffix(source: str) -> str:
    """Return the lower-case suffix of a path or URI, without query and fragment."""
    path = re.sub(r"[?#].*$", "", source) if "://" in source else source
    return PurePath(path).suffix.lower()
