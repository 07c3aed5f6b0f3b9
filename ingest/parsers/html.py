"""HTML: headings, paragraphs and preformatted text, each with its line in the source."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from .protocols import Content
from .structure import Block, Heading, ParsedDocument, nest

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
    page.feed(_escape_unfinished(text))
    page.close()
    page.end_block()
    return page


def _escape_unfinished(text: str) -> str:
    """Return `text` with the `<` of tags and comments that never end escaped.

    The parser would search the rest of the text for the end of each (120 s for 400 kB).
    """
    tags = text.rfind(">") + 1
    text = text[:tags] + text[tags:].replace("<", "&lt;")
    comments = text.rfind("-->") + 1
    return text[:comments] + text[comments:].replace("<!--", "&lt;!--")


@dataclass(slots=True)
class _Line:
    """The pieces of text of one line, and the line of the source on which it begins."""

    number: int
    pieces: list[str] = field(default_factory=list[str])


class _Page(HTMLParser):
    """Turns tags and text into lines, blocks and headings."""

    def __init__(self, *, boilerplate: bool) -> None:
        # The parser would turn `&#10;` into a newline, which would count as a line of the source.
        super().__init__(convert_charrefs=False)
        self.lines: list[str] = []
        self.line_numbers: list[int] = []
        self.parts: list[Block | Heading] = []
        self.title: list[str] = []
        self._boilerplate = boilerplate
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._block: list[_Line] = []
        self._level = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a block, a heading, a line or a table cell."""
        if tag in _BLOCKS:
            self.end_block()
        if tag in _TRACKED:
            self._open.append(tag)
            self._count[tag] += 1
        if tag in _HEADINGS:
            self._level = _HEADINGS[tag]
        elif tag == "br":
            self._block.append(_Line(self.getpos()[0]))
        elif tag in {"td", "th"} and self._block and "".join(self._block[-1].pieces).strip():
            self._add(" | ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Treat `<br/>` as `<br>`: in HTML the slash has no meaning."""
        self.handle_starttag(tag, attrs)
        if tag in _INVISIBLE:
            self._close(tag)

    def handle_endtag(self, tag: str) -> None:
        """End a block, and every tag that was left open inside it."""
        if tag in _BLOCKS:
            self.end_block()
        if tag in _HEADINGS:
            self._level = 0
        self._close(tag)

    def handle_data(self, data: str) -> None:
        """Add text to the lines on which it stands."""
        if self._count["title"] and not self._count["svg"]:
            self.title.append(data)
        first, *rest = data.split("\n")
        self._add(first)
        for offset, line in enumerate(rest, start=1):
            self._block.append(_Line(self.getpos()[0] + offset))
            self._add(line)

    def handle_entityref(self, name: str) -> None:
        """Add the character of a named reference; an unknown name is kept as text."""
        known = unescape(f"&{name};")
        self._add_character(known if not known.endswith(";") else f"&{name}")

    def handle_charref(self, name: str) -> None:
        """Add the character of a numeric reference."""
        self._add_character(unescape(f"&#{name};"))

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Skip `<![...]>`: the library raises AssertionError for a kind it does not know."""
        end = self.rawdata.find(">", i)
        return end + 1 if end >= 0 else -1

    def end_block(self) -> None:
        """Append the current block to the lines and parts, if it has any text."""
        verbatim = self._count["pre"] > 0
        block, self._block = self._block, []
        written = [(line.number, text) for line in block if (text := _text(line, verbatim=verbatim)) or verbatim]
        if not any(text for _, text in written):
            return
        level, self._level = self._level, 0
        first = len(self.lines)
        self.lines += [text for _, text in written]
        self.line_numbers += [number for number, _ in written]
        last = len(self.lines)
        words = " ".join(" ".join(self.lines[first:last]).split())
        self.parts.append(
            Heading(first=first, last=last, level=level, text=words) if level else Block(first, last, verbatim)
        )
        self.lines.append("")
        self.line_numbers.append(self.line_numbers[-1])

    def _add_character(self, characters: str) -> None:
        if self._count["title"]:
            self.title.append(characters)
        self._add(characters.replace("\n", " ").replace("\r", " ").replace("\0", "\ufffd"))

    def _add(self, text: str) -> None:
        if not self._is_hidden():
            if not self._block:
                self._block.append(_Line(self.getpos()[0]))
            self._block[-1].pieces.append(text)

    def _is_hidden(self) -> bool:
        if any(self._count[tag] for tag in _INVISIBLE):
            return True
        if self._boilerplate:
            return False
        inside = any(self._count[tag] for tag in _CONTENT)
        return any(self._count[tag] for tag in _BOILERPLATE if tag == "nav" or not inside)

    def _close(self, tag: str) -> None:
        while self._count[tag]:
            closed = self._open.pop()
            self._count[closed] -= 1
            if closed == tag:
                return


def _text(line: _Line, *, verbatim: bool) -> str:
    text = "".join(line.pieces)
    return text.rstrip() if verbatim else " ".join(text.split())
