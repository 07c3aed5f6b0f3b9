"""HTML: headings, paragraphs and preformatted text, each with its line in the source."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape

from ..text.html_lists import Lists
from ..text.html_tables import CELLS, EDGE, Rows
from ..text.html_visibility import BLOCKS, Visibility, hides
from ..text.properties import facts_of
from ..text.structure import Block, Heading, ParsedDocument, check_length, nest
from ..text.tags import Kind, attributes_of, meta_content, tokens_of
from .protocols import Content

_PAGE_START = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<body[\s>])", re.IGNORECASE)

_HEADINGS = {f"h{level}": level for level in range(1, 7)}

_IN_CELL = {"p", "div"}  # the first of a cell does not begin a block, nor does the last end one

_LONG_CELL = 300  # characters: a cell that is longer keeps the lines of the source

_FILE_NAME = re.compile(r"\S+\.(?:png|jpe?g|gif|svg|webp|bmp|tiff?)", re.IGNORECASE)


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
        page.rows.write_bars(page.lines, page.parts)
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
        if value == "meta" and (author := meta_content(attributes, "author")):
            page.authors.append(author)
        if kind is Kind.TEXT:
            page.add_text(value, line)
        elif kind is Kind.START:
            page.start(value, line, attributes)
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


class _Page:
    """Turns tags and text into lines, blocks and headings."""

    def __init__(self, *, boilerplate: bool) -> None:
        self.lines: list[str] = []
        self.line_numbers: list[int] = []
        self.parts: list[Block | Heading] = []
        self.title: list[str] = []
        self.authors: list[str] = []
        self.rows = Rows()
        self._visibility = Visibility(boilerplate=boilerplate)
        self._lists = Lists()
        self._block: list[_Line] = []
        self._cell: tuple[list[_Line], int, int] = (self._block, 0, 0)
        """Where the open cell begins: its block, and how many lines and pieces of the last line come before."""
        self._level = 0
        self._is_item = False  # whether the last block begins an item of a list
        self._is_paragraph_over = False  # in a cell: what comes next in it is a block of its own

    def start(self, tag: str, line: int, attributes: str) -> None:
        """Begin a block, a heading, a line or a table cell."""
        if self.rows.ends_at(tag):
            self._end_row()
        if tag in BLOCKS and (not (self.rows.is_open and tag in _IN_CELL) or self._is_paragraph_over):
            self.end_block()
        self._visibility.start(tag, attributes)
        self.rows.start(tag)
        self._lists.start(tag, attributes)
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        elif tag == "br":
            self._block.append(_Line(line))
        elif tag == "img":
            self._add_picture(attributes, line)
        elif tag in CELLS:
            self._is_paragraph_over = False
            if not self._visibility.is_hidden:
                self._start_cell(attributes, line)

    def end(self, tag: str) -> None:
        """End a block, and every tag that was left open inside it."""
        if self.rows.ends_at(tag):
            self._end_row()
        if self.rows.is_open and tag in _IN_CELL:
            self._is_paragraph_over = any(line.has_text for line in self._block)
        elif tag in BLOCKS:
            self.end_block()
        self.rows.end(tag)
        self._lists.end(tag)
        if tag in _HEADINGS:
            self._level = 0
        self._visibility.end(tag)

    def _start_cell(self, attributes: str, number: int) -> None:
        if self.rows.is_open:
            columns = self.rows.columns[-1]
            before = columns.next_cell(attributes, last=self._tall_text())
        else:
            before = " | " if any(line.has_text for line in self._block) else ""
        self._add_before_text(before, number)
        self._cell = (self._block, len(self._block), len(self._block[-1].pieces) if self._block else 0)

    def _end_row(self) -> None:
        if self._block:
            self._add_before_text(self.rows.columns[-1].end_row(last=self._tall_text()), 0)

    def _add_before_text(self, before: str, number: int) -> None:
        """Add what is not the text of this row or cell; a row of nothing else is left out."""
        if before:
            if not self._block:
                self._block.append(_Line(number))
            self._block[-1].pieces.append(before)

    def _tall_text(self) -> str:
        """Return the text of the last cell if rows below it need it, unless it is long or has blocks of its own."""
        block, lines, pieces = self._cell
        if not self.rows.columns[-1].is_tall or block is not self._block:
            return ""
        first = block[lines - 1].pieces[pieces:] if lines else []
        text = " ".join(["".join(first), *("".join(line.pieces) for line in block[lines:])])
        return plain if len(plain := " ".join(text.split())) < _LONG_CELL else ""

    def _add_picture(self, attributes: str, number: int) -> None:
        """Add the text that stands for a picture, unless it is the name of a file."""
        text = " ".join(attributes_of(attributes).get("alt", "").split())
        if text and not _FILE_NAME.fullmatch(text) and not hides(attributes):
            self.add_text(f" {text} ", number)

    def add_text(self, text: str, number: int) -> None:
        """Add text to the lines on which it stands. The first of them has a number in the source."""
        if self._visibility.is_in("title") and not self._visibility.is_in("svg"):
            self.title.append(_decoded(text))
        if self.rows.is_open and not self._visibility.is_in("pre"):
            text, number = self._cell_text(text, number)
        first, *rest = text.split("\n")
        is_hidden = self._visibility.is_hidden
        if not is_hidden and first:
            if not self._block:
                self._block.append(_Line(number))
            elif not self._block[-1].has_text and not first.isspace():
                self._block[-1].number = number
            self._block[-1].add(_decoded(first))
        is_verbatim = self._visibility.is_in("pre")
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
        if self._is_paragraph_over and not self._visibility.is_hidden:
            self.end_block()
        number += text[: text.index(plain[0])].count("\n")
        return (f" {' '.join(plain.split())} " if len(plain) < _LONG_CELL else plain), number

    def end_block(self) -> None:
        """Append the current block to the lines and parts, if it has any text."""
        self._is_paragraph_over = False
        verbatim = self._visibility.is_in("pre")
        block, self._block = self._block, []
        if not any(line.has_text for line in block):
            return
        written = [(line.number, text) for line in block if (text := _text(line, verbatim=verbatim)) or verbatim]
        level, self._level = self._level, 0
        mark = "" if verbatim else self._lists.take_mark()
        if mark and not (level and mark.endswith("- ")):
            written[0] = (written[0][0], mark + written[0][1])
        if self.rows.is_open:
            self.rows.note(len(self.parts))
        elif self.lines and self.lines[-1]:  # rows of a table stand below each other
            self._append("", self.line_numbers[-1])
        first = len(self.lines)
        check_length(first)
        self.lines += [text for _, text in written]
        self.line_numbers += [number for number, _ in written]
        last = len(self.lines)
        words = " ".join(" ".join(self.lines[first:last]).replace(EDGE, " ").split())
        self.parts.append(
            Heading(first=first, last=last, level=level, text=words) if level else Block(first, last, verbatim=verbatim)
        )
        if not self.rows.is_open:
            self._append("", self.line_numbers[-1])

    def _append(self, line: str, number: int) -> None:
        self.lines.append(line)
        self.line_numbers.append(number)


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
