"""Lay out Markdown: sections by ATX and Setext headings, fences kept as they stand, front matter left out."""

import re
from collections.abc import Iterator, Mapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .structure import Block, Heading, ParsedText, nest, paragraphs

# Only blocks are parsed: inline markup is half the time and decides nothing about where to cut.
_BLOCKS = MarkdownIt("commonmark").disable("inline")

_INLINE = MarkdownIt("commonmark")

_VERBATIM = {"fence", "code_block", "html_block"}

# A rule of dashes on line 1 of prose is no front matter: every line must look like YAML, and the end must be near.
_FRONT_MATTER_LINES = 200

# A title stands above the text; parsing 5 MB for it would double the work.
_TITLE_LINES = 500

_ENTRY = re.compile(r"(?P<key>[\w-]+)[ \t]*:(?:[ \t]+(?P<value>.*))?$")

_ITEM = re.compile(r"\s*-[ \t]+(?P<value>.+)$")

_YAML_LINE = re.compile(r"(?:[\w.-]+[ \t]*:(?:\s|$)|\s|-[ \t]|#|$)")


def lay_out(text: str) -> ParsedText:
    """Return the sections of Markdown `text`, which has only newlines as line ends."""
    lines = text.split("\n")
    start = front_matter_lines(lines)
    tokens = _BLOCKS.parse("\n".join(lines[start:]))
    parts = _parts(tokens, lines, start)
    return ParsedText(lines, range(1, len(lines) + 1), nest(parts))


def title_of(text: str) -> str:
    """Return `title` of the front matter, else the first level-1 heading near the top, else ""."""
    named = front_matter(text).get("title", "")
    if isinstance(named, str) and named:
        return named
    lines = text.split("\n", _TITLE_LINES)[:_TITLE_LINES]
    start = front_matter_lines(lines)
    marks = _marks(_BLOCKS.parse("\n".join(lines[start:])), start)
    return next((mark.text for _, mark in marks if isinstance(mark, Heading) and mark.level == 1), "")


def front_matter_lines(lines: Sequence[str]) -> int:
    """Return how many lines at the top are front matter, both rules included; 0 when there is none."""
    if not lines or lines[0].rstrip() != "---":
        return 0
    for index, line in enumerate(lines[1 : _FRONT_MATTER_LINES + 1], start=1):
        if line.rstrip() in {"---", "..."}:
            return index + 1 if index > 1 else 0
        if not _YAML_LINE.match(line):
            return 0
    return 0


def front_matter(text: str) -> Mapping[str, str | list[str]]:
    """Return the simple `key: value` entries of the front matter: strings as written, and lists of strings.

    Values stay strings, so that `version: 1.10` is not read as a number; nested entries are left out.
    """
    lines = text.split("\n", _FRONT_MATTER_LINES + 2)
    inside = lines[1 : max(front_matter_lines(lines) - 1, 1)]
    entries: dict[str, str | list[str]] = {}
    key = ""
    for line in inside:
        if entry := _ENTRY.match(line):
            key, value = entry["key"], (entry["value"] or "").strip()
            entries[key] = _value(value)
        elif key and (item := _ITEM.match(line)):
            known = entries[key]
            entries[key] = [*(known if isinstance(known, list) else []), _bare(item["value"])]
        elif line[:1].isspace():
            key = ""
    return {key: value for key, value in entries.items() if value}


def _value(text: str) -> str | list[str]:
    if text.startswith("[") and text.endswith("]"):
        return [bare for item in text[1:-1].split(",") if (bare := _bare(item))]
    return _bare(text)


def _bare(text: str) -> str:
    """Strip blanks and one pair of quotes."""
    text = text.strip()
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _parts(tokens: Sequence[Token], lines: Sequence[str], start: int) -> Iterator[Block | Heading]:
    """Yield headings, verbatim blocks and, for every line between them, paragraphs: nothing is left out."""
    done = start
    for first, mark in _marks(tokens, start):
        if first < done:
            continue
        yield from paragraphs(lines, done, first)
        yield mark
        done = mark.last
    yield from paragraphs(lines, done, len(lines))


def _marks(tokens: Sequence[Token], start: int) -> Iterator[tuple[int, Block | Heading]]:
    """Yield the headings outside lists and quotes, and the verbatim blocks, each with its first line."""
    for index, token in enumerate(tokens):
        if token.map is None:
            continue
        first, last = token.map[0] + start, token.map[1] + start
        if token.type == "heading_open" and token.level == 0:
            yield first, Heading(first, last, level=int(token.tag[1:]), text=_plain(tokens[index + 1].content))
        elif token.type in _VERBATIM:
            yield first, Block(first, last, verbatim=True)


def _plain(markup: str) -> str:
    """Return the words of a heading without emphasis, links and code marks, on one line."""
    leaves = [leaf for token in _INLINE.parseInline(markup) for leaf in token.children or []]
    words = "".join(" " if leaf.type == "softbreak" else leaf.content for leaf in leaves if leaf.type != "html_inline")
    return " ".join(words.split())
