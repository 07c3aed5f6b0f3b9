"""Markdown: sections by ATX and Setext headings, fenced code kept whole, metadata from front matter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING

from ...core.errors import UnreadableFile
from ..text.front_matter import FrontMatter, read_front_matter
from ..text.structure import Block, Heading, ParsedDocument, nest, paragraphs
from .protocols import Content

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token

# For one document: about a minute. 20 MB of prose take 600,000, and a list of 1 MB with three letters a line 1,000,000.
MAX_STEPS = 5_000_000

_MAX_HEADING_CHARS = 1000  # more than a passage shows; the library's inline rules are quadratic in some of their input


def _count_step(state: StateBlock, _start: int, _end: int, _silent: bool) -> bool:
    """Count a step of the block parser. This is a rule that never matches, asked before all others.

    Raises:
        UnreadableFile: The document takes more steps than one document may.
    """
    state.env["steps_left"] -= 1
    if state.env["steps_left"] < 0:
        raise UnreadableFile(
            "Its Markdown takes too many steps to read: quotes and lists are nested too deeply in too many lines. "
            "Split the document, or save it as plain text (.txt)."
        )
    return False


@cache
def _blocks() -> MarkdownIt:
    """Return the parser of blocks. Inline markup takes half the time, and does not matter to where a text is cut."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    blocks = ["paragraph", "reference", "blockquote", "list"]
    parser.block.ruler.before("code", "count_step", _count_step, {"alt": blocks})
    return parser


@cache
def _inline() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


_VERBATIM = {"fence", "code_block", "html_block"}

# One heading, fence or link is enough. Lists and emphasis occur in plain text as well.
_SIGNS = re.compile(
    r"^(?:#{1,6}[ \t]+\S|```|~~~)|^[^\n]+\n(?:=|-){3,}[ \t]*$|\[[^\]\n]{1,200}\]\([^)\n]{1,500}\)", re.MULTILINE
)


class MarkdownParser:
    """Reads Markdown; the title is that of the front matter, or else the first level-1 heading."""

    suffixes = frozenset((".md", ".markdown", ".mdx", ".mkd", ".qmd", ".rmd"))
    is_binary = False

    def __init__(self, max_steps: int = MAX_STEPS) -> None:
        self._max_steps = max_steps

    def sniff(self, text: str) -> bool:
        """Return whether the text has a heading, a fence or a link."""
        return _SIGNS.search(text) is not None

    def parse(self, content: Content) -> ParsedDocument:
        """Return the sections of the document; front matter becomes metadata."""
        lines = content.text.split("\n")
        front_matter = read_front_matter(lines)
        tokens = _blocks().parse("\n".join(lines[front_matter.lines :]), {"steps_left": self._max_steps})
        parts = list(_parts(lines, front_matter, tokens))
        metadata = dict(front_matter.fields)
        title = metadata.pop("title", "")
        return ParsedDocument(
            lines=lines,
            line_numbers=range(1, len(lines) + 1),
            sections=nest(parts),
            title=title if title and isinstance(title, str) else _first_heading(parts),
            metadata=metadata,
            notes=_notes(content.source, front_matter),
        )


def _notes(source: str, front_matter: FrontMatter) -> tuple[str, ...]:
    if not front_matter.problem:
        return ()
    return (f"The front matter of {source or 'a text'} {front_matter.problem}, so it was read as text.",)


def _first_heading(parts: Sequence[Block | Heading]) -> str:
    return next((part.text for part in parts if isinstance(part, Heading) and part.level == 1), "")


def _parts(lines: Sequence[str], front_matter: FrontMatter, tokens: Sequence[Token]) -> Iterator[Block | Heading]:
    """Yield headings and verbatim blocks, and as paragraphs every line between them, so that no text is lost."""
    done = front_matter.lines
    if front_matter.problem:  # a colon too many, say: still worth finding, and no heading of the text
        yield Block(0, done, verbatim=True)
    for part in _marked_parts(tokens, done):
        if part.first < done:
            continue
        yield from paragraphs(lines, done, part.first)
        yield part
        done = part.last
    yield from paragraphs(lines, done, len(lines))


def _marked_parts(tokens: Sequence[Token], first_line: int) -> Iterator[Block | Heading]:
    """Yield the headings outside lists and quotes, and the verbatim blocks."""
    for index, token in enumerate(tokens):
        if token.map is None:
            continue
        first, last = token.map[0] + first_line, token.map[1] + first_line
        if token.type == "heading_open" and token.level == 0:
            yield Heading(first=first, last=last, level=int(token.tag[1:]), text=_plain(tokens[index + 1].content))
        elif token.type in _VERBATIM:
            yield Block(first, last, verbatim=True)
        elif token.type == "table_open":
            yield Block(first, last, verbatim=True, header=(first, first + 1))


def _plain(markup: str) -> str:
    """Return the words of a heading on one line, without the marks of emphasis, links and code."""
    leaves = [leaf for token in _inline().parseInline(markup[:_MAX_HEADING_CHARS]) for leaf in token.children or []]
    words = "".join(" " if leaf.type == "softbreak" else leaf.content for leaf in leaves if leaf.type != "html_inline")
    return " ".join(words.split())
