"""HTML: headings, paragraphs and preformatted text, each with its line in the source."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape

from ..text.structure import Block, Heading, ParsedDocument, check_length, nest
from ..text.tags import Kind, tokens_of
from .protocols import Content

_PAGE_START = re.compile(r"\s*(?:<!doctype html|<html[\s>]|<body[\s>])", re.IGNORECASE)

_INVISIBLE = {"script", "style", "noscript", "template", "svg", "title"}

# Left out, except inside an article, whose header often holds the only h1.
_BOILERPLATE = {"nav", "header", "footer"}

_CONTENT = {"main", "article", "section"}

_TRACKED = {*_BOILERPLATE, *_CONTENT, *_INVISIBLE, "pre", "body", "div", "aside"}

_HEADINGS = {f"h{level}": level for level in range(1, 7)}

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
        return ParsedDocument(lines=page.lines, line_numbers=page.line_numbers, sections=nest(page.parts), title=title)


def _first_heading(parts: Sequence[Block | Heading]) -> str:
    return next((part.text for part in parts if isinstance(part, Heading) and part.level == 1), "")


def _read(text: str, *, boilerplate: bool) -> "_Page":
    page = _Page(boilerplate=boilerplate)
    for kind, value, line in tokens_of(text):
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


class _Page:
    """Turns tags and text into lines, blocks and headings."""

    def __init__(self, *, boilerplate: bool) -> None:
        self.lines: list[str] = []
        self.line_numbers: list[int] = []
        self.parts: list[Block | Heading] = []
        self.title: list[str] = []
        self._boilerplate = boilerplate
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._block: list[_Line] = []
        self._level = 0
        self._is_hidden = False

    def start(self, tag: str, line: int) -> None:
        """Begin a block, a heading, a line or a table cell."""
        if tag in _BLOCKS:
            self.end_block()
        if tag in _TRACKED:
            self._open.append(tag)
            self._count[tag] += 1
            self._is_hidden = self._hides()
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        elif tag == "br":
            self._block.append(_Line(line))
        elif tag in {"td", "th"} and self._block and self._block[-1].has_text and not self._is_hidden:
            self._block[-1].add(" | ")

    def end(self, tag: str) -> None:
        """End a block, and every tag that was left open inside it."""
        if tag in _BLOCKS:
            self.end_block()
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

    def end_block(self) -> None:
        """Append the current block to the lines and parts, if it has any text."""
        verbatim = self._count["pre"] > 0
        block, self._block = self._block, []
        written = [(line.number, text) for line in block if (text := _text(line, verbatim=verbatim)) or verbatim]
        if not any(text for _, text in written):
            return
        level, self._level = self._level, 0
        first = len(self.lines)
        check_length(first)
        self.lines += [text for _, text in written]
        self.line_numbers += [number for number, _ in written]
        last = len(self.lines)
        words = " ".join(" ".join(self.lines[first:last]).split())
        self.parts.append(
            Heading(first=first, last=last, level=level, text=words) if level else Block(first, last, verbatim=verbatim)
        )
        self.lines.append("")
        self.line_numbers.append(self.line_numbers[-1])

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
