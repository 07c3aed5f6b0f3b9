"""HTML: headings, paragraphs and preformatted text, each with its line in the source."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import groupby, takewhile

from ..text.properties import facts_of
from ..text.structure import Block, Heading, ParsedDocument, check_length, nest
from ..text.tags import Kind, meta_content, tokens_of
from .protocols import Content

_PAGE_START = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<body[\s>])", re.IGNORECASE)

_INVISIBLE = {"script", "style", "noscript", "template", "svg", "title"}

# Left out, except inside an article, whose header often holds the only h1.
_BOILERPLATE = {"nav", "header", "footer"}

_CONTENT = {"main", "article", "section"}

_TRACKED = {*_BOILERPLATE, *_CONTENT, *_INVISIBLE, "pre", "body", "div", "aside"}

_HEADINGS = {f"h{level}": level for level in range(1, 7)}

_CELLS = {"td", "th"}

_IN_CELL = {"p", "div"}  # the first of a cell does not begin a block, nor does the last end one

_LONG_CELL = 300  # characters: a cell that is longer keeps the lines of the source

_BLOCKS = {
    *_HEADINGS, *_CONTENT, *_BOILERPLATE, "address", "aside", "blockquote", "body", "caption", "dd", "details", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "form", "hr", "li", "ol", "option", "p", "pre", "summary", "table",
    "tbody", "textarea", "tfoot", "thead", "tr", "ul",
}  # fmt: skip


class HtmlParser:
    """Reads HTML; the title is the `<title>`, or else the first h1."""

    suffixes = frozenset((".html", ".htm", ".xhtml"))
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return whether the text begins as an HTML page does."""
        return _PAGE_START.match(text) is not None

    def parse(self, content: Content) -> ParsedDocument:
        """Return the sections of the page's visible text, as far as broken markup can be read."""
        page = _read(content.text, boilerplate=False)
        title = " ".join("".join(page.title).split()) or _first_heading(page.parts)
        if not page.parts:
            # A `nav` that is never closed hides the whole page; its menus are better than no text.
            page = _read(content.text, boilerplate=True)
        parts = list(page.rows.merged(page.parts))
        return ParsedDocument(
            lines=page.lines,
            line_numbers=page.line_numbers,
            sections=nest(parts),
            title=title,
            metadata=facts_of(author=", ".join(dict.fromkeys(page.authors))),
        )


def _first_heading(parts: Sequence[Block | Heading]) -> str:
    return next((part.text for part in parts if isinstance(part, Heading) and part.level == 1), "")


def _read(text: str, *, boilerplate: bool) -> "_Page":
    page = _Page(boilerplate=boilerplate)
    for kind, value, line, attributes in tokens_of(text):
        if author := meta_content(attributes, "author"):
            page.authors.append(author)
        if kind is Kind.TEXT:
            page.add_text(value, line)
        elif kind is Kind.START:
            page.start(value, line)
        else:
            page.end(value)
    page.end_block()
    return page


@dataclass(slots=True)
class _Line:
    """The pieces of text of one line, and the line of the source on which it begins."""

    number: int
    pieces: list[str] = field(default_factory=list[str])
    has_text: bool = False

    def add(self, text: str) -> None:
        """Add a piece of text."""
        self.pieces.append(text)
        self.has_text = self.has_text or not text.isspace()


@dataclass(slots=True)
class _Rows:
    """The rows of tables: which of the page's parts they are, and which of them are headers."""

    tables: list[int] = field(default_factory=list[int])
    """The numbers of the open tables, the innermost last."""
    is_open: bool = False
    """Whether a row is open."""
    is_head: bool = False
    """Whether the open rows are those of a `thead`."""
    cells: set[str] = field(default_factory=set[str])
    """The kinds of cells that the row has so far."""
    found: dict[int, tuple[int, int, bool]] = field(default_factory=dict[int, tuple[int, int, bool]])
    """By the place of a part: the numbers of its table and row, and whether the row is a header."""
    _count: int = 0
    _row: int = 0

    def start(self, tag: str) -> None:
        """Begin a table, a row or a cell."""
        if tag == "table":
            self._count += 1
            self.tables.append(self._count)
            self.is_open = False
        elif tag == "tr":
            self._row += 1
            self.is_open, self.cells = bool(self.tables), set()
        elif tag in _CELLS:
            self.cells.add(tag)
        elif tag in {"thead", "tbody", "tfoot"}:
            self.is_head = tag == "thead"

    def end(self, tag: str) -> None:
        """End a table or a row."""
        if tag == "table" and self.tables:
            self.tables.pop()
        if tag in {"table", "thead"}:
            self.is_head = False
        if tag in {"table", "tr"}:
            self.is_open = False

    def note(self, place: int) -> None:
        """Record that the part at a place belongs to the open row."""
        self.found[place] = (self.tables[-1], self._row, self.is_head or self.cells == {"th"})

    def merged(self, parts: Sequence[Block | Heading]) -> Iterator[Block | Heading]:
        """Yield the parts with the rows of each table as one block, unless its cells hold blocks of their own."""
        for table, group in groupby(enumerate(parts), lambda each: self.found.get(each[0], (0, 0, False))[0]):
            places, members = zip(*group, strict=True)
            rows = [self.found[place] for place in places] if table else []
            blocks = [each for each in members if isinstance(each, Block)]
            if len(rows) < 2 or len({row for _, row, _ in rows}) < len(rows) or len(blocks) < len(members):
                yield from members
                continue
            headers = list(takewhile(lambda each: each[1][2], zip(blocks, rows, strict=True)))
            header = (blocks[0].first, headers[-1][0].last) if headers and len(headers) < len(rows) else (0, 0)
            yield Block(blocks[0].first, blocks[-1].last, verbatim=True, header=header)


class _Page:
    """Turns tags and text into lines, blocks and headings."""

    def __init__(self, *, boilerplate: bool) -> None:
        self.lines: list[str] = []
        self.line_numbers: list[int] = []
        self.parts: list[Block | Heading] = []
        self.title: list[str] = []
        self.authors: list[str] = []
        self._boilerplate = boilerplate
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._block: list[_Line] = []
        self._level = 0
        self._is_hidden = False
        self.rows = _Rows()
        self._is_paragraph_over = False  # in a cell: what comes next in it is a block of its own

    def start(self, tag: str, line: int) -> None:
        """Begin a block, a heading, a line or a table cell."""
        if tag in _BLOCKS and (not (self.rows.is_open and tag in _IN_CELL) or self._is_paragraph_over):
            self.end_block()
        self.rows.start(tag)
        if tag in _TRACKED:
            self._open.append(tag)
            self._count[tag] += 1
            self._is_hidden = self._hides()
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        elif tag == "br":
            self._block.append(_Line(line))
        elif tag in _CELLS:
            self._is_paragraph_over = False
            if not self._is_hidden and any(line.has_text for line in self._block):
                self._block[-1].add(" | ")

    def end(self, tag: str) -> None:
        """End a block, and every tag that was left open inside it."""
        if self.rows.is_open and tag in _IN_CELL:
            self._is_paragraph_over = any(line.has_text for line in self._block)
        elif tag in _BLOCKS:
            self.end_block()
        self.rows.end(tag)
        if tag in _HEADINGS:
            self._level = 0
        if self._count[tag]:
            while (closed := self._open.pop()) != tag:
                self._count[closed] -= 1
            self._count[tag] -= 1
            self._is_hidden = self._hides()

    def add_text(self, text: str, number: int) -> None:
        """Add text to the lines on which it stands. The first of them has a number in the source."""
        if self._count["title"] and not self._count["svg"]:
            self.title.append(_decoded(text))
        if self.rows.is_open and not self._count["pre"]:
            text, number = self._cell_text(text, number)
        first, *rest = text.split("\n")
        is_hidden = self._is_hidden
        if not is_hidden and first:
            if not self._block:
                self._block.append(_Line(number))
            self._block[-1].add(_decoded(first))
        is_verbatim = self._count["pre"] > 0
        for offset, line in enumerate(rest, start=1):
            # What comes next stands on the last line; blank lines before it count in preformatted text only.
            if offset == len(rest) or (not is_hidden and (is_verbatim or line.strip())):
                self._block.append(_Line(number + offset))
            if line and not is_hidden:
                self._block[-1].add(_decoded(line))

    def _cell_text(self, text: str, number: int) -> tuple[str, int]:
        """Return the text of a cell as one line, unless it is long, and its number in the source.

        After a paragraph of the cell, more text is a block of its own.
        """
        plain = text.strip()
        if not plain:
            return " " if text else "", number
        if self._is_paragraph_over and not self._is_hidden:
            self.end_block()
        number += text[: text.index(plain[0])].count("\n")
        return (f" {' '.join(plain.split())} " if len(plain) < _LONG_CELL else plain), number

    def end_block(self) -> None:
        """Append the current block to the lines and parts, if it has any text."""
        self._is_paragraph_over = False
        verbatim = self._count["pre"] > 0
        block, self._block = self._block, []
        written = [(line.number, text) for line in block if (text := _text(line, verbatim=verbatim)) or verbatim]
        if not any(text for _, text in written):
            return
        level, self._level = self._level, 0
        if self.rows.is_open:
            self.rows.note(len(self.parts))
        elif self.lines and self.lines[-1]:  # rows of a table stand below each other
            self._append("", self.line_numbers[-1])
        first = len(self.lines)
        check_length(first)
        self.lines += [text for _, text in written]
        self.line_numbers += [number for number, _ in written]
        last = len(self.lines)
        words = " ".join(" ".join(self.lines[first:last]).split())
        self.parts.append(
            Heading(first=first, last=last, level=level, text=words) if level else Block(first, last, verbatim=verbatim)
        )
        if not self.rows.is_open:
            self._append("", self.line_numbers[-1])

    def _append(self, line: str, number: int) -> None:
        self.lines.append(line)
        self.line_numbers.append(number)

    def _hides(self) -> bool:
        """Return whether one of the open tags hides its text."""
        if any(self._count[tag] for tag in _INVISIBLE):
            return True
        if self._boilerplate:
            return False
        inside = any(self._count[tag] for tag in _CONTENT)
        return any(self._count[tag] for tag in _BOILERPLATE if tag == "nav" or not inside)


# More digits than the last character has, after any zeros: `unescape` would convert them all.
_TOO_LONG = re.compile(r"&#(?:0*+\d{8}|[xX]0*+[\da-fA-F]{7})[\da-fA-F]*+;?")


def _decoded(text: str) -> str:
    """Return one line of the source without character references; one of a line end does not make a line."""
    if "&" not in text:
        return text
    characters = unescape(_TOO_LONG.sub("\ufffd", text))
    return characters.replace("\n", " ").replace("\r", " ").replace("\0", "\ufffd")


def _text(line: _Line, *, verbatim: bool) -> str:
    text = "".join(line.pieces)
    return text.rstrip() if verbatim else " ".join(text.split())
