"""Lay out HTML: headings, paragraphs and preformatted text with the lines of the source they stand on."""

from collections import Counter
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

from .structure import Block, Heading, ParsedText, nest

_NEVER_READ = {"script", "style", "noscript", "template", "svg", "title"}

# Furniture of a page. Inside an article its header often holds the only h1, so there it is read.
_FURNITURE = {"nav", "header", "footer"}

_CONTENT = {"main", "article", "section"}

_TRACKED = {*_FURNITURE, *_CONTENT, *_NEVER_READ, "pre", "body", "div", "aside"}

# A title stands above the text; reading 5 MB for it would double the work.
_TITLE_CHARS = 200_000

_HEADINGS = {f"h{level}": level for level in range(1, 7)}

_BLOCKS = {
    *_HEADINGS, *_CONTENT, *_FURNITURE, "address", "aside", "blockquote", "body", "caption", "dd", "details", "div",
    "dl", "dt", "fieldset", "figcaption", "figure", "form", "hr", "li", "ol", "option", "p", "pre", "summary", "table",
    "tbody", "textarea", "tfoot", "thead", "tr", "ul",
}  # fmt: skip


def lay_out(text: str) -> ParsedText:
    """Return the sections of the page `text`, which has only newlines as line ends; broken markup as far as it goes."""
    page = _read(text, furniture=False)
    if not page.parts:
        # A `nav` that is never closed swallows the page; better its furniture than nothing.
        page = _read(text, furniture=True)
    return ParsedText(page.lines, page.numbers, nest(page.parts))


def title_of(text: str) -> str:
    """Return the `<title>` of the page, else its first h1, else ""."""
    page = _read(text[:_TITLE_CHARS], furniture=False)
    first = next((part.text for part in page.parts if isinstance(part, Heading) and part.level == 1), "")
    return " ".join("".join(page.title).split()) or first


def _read(text: str, *, furniture: bool) -> "_Page":
    page = _Page(furniture=furniture)
    page.feed(_finished(text))
    page.close()
    page.end_block()
    return page


def _finished(text: str) -> str:
    """Take tags and comments that never end as text: the parser looks for each one's end anew (400 kB took 120 s)."""
    tags = text.rfind(">") + 1
    text = text[:tags] + text[tags:].replace("<", "&lt;")
    comments = text.rfind("-->") + 1
    return text[:comments] + text[comments:].replace("<!--", "&lt;!--")


@dataclass(slots=True)
class _Line:
    """Text gathered for one line, and the line of the source it began on."""

    number: int
    pieces: list[str] = field(default_factory=list[str])


class _Page(HTMLParser):
    """Turns tags and text into lines and blocks as they come by."""

    def __init__(self, *, furniture: bool) -> None:
        # Resolving references here keeps `&#10;` from counting as a line of the source.
        super().__init__(convert_charrefs=False)
        self.lines: list[str] = []
        self.numbers: list[int] = []
        self.parts: list[Block | Heading] = []
        self.title: list[str] = []
        self._furniture = furniture
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._block: list[_Line] = []
        self._level = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a block, a heading or a cell."""
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
        """Treat `<br/>` as `<br>`; HTML knows no other tag that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag in _NEVER_READ:
            self._close(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close a block, and whatever was left open inside it."""
        if tag in _BLOCKS:
            self.end_block()
        if tag in _HEADINGS:
            self._level = 0
        self._close(tag)

    def handle_data(self, data: str) -> None:
        """Take text with its line numbers."""
        if self._count["title"] and not self._count["svg"]:
            self.title.append(data)
        first, *rest = data.split("\n")
        self._add(first)
        for offset, line in enumerate(rest, start=1):
            self._block.append(_Line(self.getpos()[0] + offset))
            self._add(line)

    def handle_entityref(self, name: str) -> None:
        """Take a named character; an unknown name stays as it was written."""
        known = unescape(f"&{name};")
        self._refer(known if not known.endswith(";") else f"&{name}")

    def handle_charref(self, name: str) -> None:
        """Take a numbered character."""
        self._refer(unescape(f"&#{name};"))

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Skip `<![...]>` up to its end; the library raises AssertionError for one it does not know."""
        end = self.rawdata.find(">", i)
        return end + 1 if end >= 0 else -1

    def end_block(self) -> None:
        """Write the block gathered so far, if it has any text."""
        verbatim = self._count["pre"] > 0
        gathered, self._block = self._block, []
        written = [(line.number, text) for line in gathered if (text := _text(line, verbatim=verbatim)) or verbatim]
        if not any(text for _, text in written):
            return
        level, self._level = self._level, 0
        first = len(self.lines)
        self.lines += [text for _, text in written]
        self.numbers += [number for number, _ in written]
        last = len(self.lines)
        words = " ".join(" ".join(self.lines[first:last]).split())
        self.parts.append(Heading(first, last, level=level, text=words) if level else Block(first, last, verbatim))
        self.lines.append("")
        self.numbers.append(self.numbers[-1])

    def _refer(self, characters: str) -> None:
        if self._count["title"]:
            self.title.append(characters)
        self._add(characters.replace("\n", " ").replace("\r", " ").replace("\0", "\ufffd"))

    def _add(self, text: str) -> None:
        if not self._is_dropping():
            if not self._block:
                self._block.append(_Line(self.getpos()[0]))
            self._block[-1].pieces.append(text)

    def _is_dropping(self) -> bool:
        if any(self._count[tag] for tag in _NEVER_READ):
            return True
        if self._furniture:
            return False
        inside = any(self._count[tag] for tag in _CONTENT)
        return any(self._count[tag] for tag in _FURNITURE if tag == "nav" or not inside)

    def _close(self, tag: str) -> None:
        while self._count[tag]:
            closed = self._open.pop()
            self._count[closed] -= 1
            if closed == tag:
                return


def _text(line: _Line, *, verbatim: bool) -> str:
    text = "".join(line.pieces)
    return text.rstrip() if verbatim else " ".join(text.split())
