"""Which text of a page its readers see: scripts, menus and what the markup hides are left out."""

import re
from collections import Counter
from html import unescape

from .tags import attributes_of

_INVISIBLE = {"script", "style", "noscript", "template", "svg", "title"}

# Left out, except inside an article, whose header often holds the only h1.
_BOILERPLATE = {"nav", "header", "footer"}

CONTENT = {"main", "article", "section"}

_TRACKED = {*_BOILERPLATE, *CONTENT, *_INVISIBLE, "pre", "body", "div", "aside"}

BLOCKS = {
    "h1", "h2", "h3", "h4", "h5", "h6", *CONTENT, *_BOILERPLATE, "address", "aside", "blockquote", "body", "caption",
    "dd", "details", "div", "dl", "dt", "fieldset", "figcaption", "figure", "form", "hr", "li", "ol", "option", "p",
    "pre", "summary", "table", "tbody", "textarea", "tfoot", "thead", "tr", "ul",
}  # fmt: skip

_VOID = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
}  # fmt: skip

_NEVER_HIDDEN = {*_VOID, "html", "body"}  # scripts show a whole page that begins hidden

_ROW_ENDS = {"tr", "tbody", "thead", "tfoot"}

# Start tags that end an element whose end tag may be left out, unless they are inside one of _HOLDERS in it.
_ENDED_BY = {
    "p": BLOCKS,
    "li": {"li"},
    "td": {"td", "th", *_ROW_ENDS},
    "th": {"td", "th", *_ROW_ENDS},
    "tr": _ROW_ENDS,
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "option": {"option"},
}

_HOLDERS = {"ul", "ol", "table", "dl", "select"}

_HIDING_STYLE = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse))\s*(?:!\s*important\s*)?(?:;|$)",
    re.IGNORECASE,
)


class Visibility:
    """Follows the open tags of a page, and tells whether its readers see the text inside them."""

    def __init__(self, *, boilerplate: bool) -> None:
        """Begin a page; with `boilerplate`, menus count as text."""
        self.is_hidden = False
        self._boilerplate = boilerplate
        self._open: list[str] = []
        self._count: Counter[str] = Counter()
        self._hiding: int | None = None
        """The place among the open tags of an element that the markup hides, with all that is in it."""
        self._inside: Counter[str] = Counter()
        """How many of each tag are open inside that element."""

    def is_in(self, tag: str) -> bool:
        """Return whether a tag is open."""
        return self._count[tag] > 0

    def start(self, tag: str, attributes: str) -> None:
        """Open a tag."""
        if self._hiding is not None and self._is_over_at(tag, self._open[self._hiding]):
            self._close_from(self._hiding)
        is_hiding = self._hiding is None and bool(attributes) and tag not in _NEVER_HIDDEN and hides(attributes)
        if tag in _TRACKED or is_hiding or (self._hiding is not None and tag not in _VOID):
            if is_hiding:
                self._hiding = len(self._open)
            elif self._hiding is not None:
                self._inside[tag] += 1
            self._open.append(tag)
            self._count[tag] += 1
        self.is_hidden = self._hides()

    def end(self, tag: str) -> None:
        """Close a tag, and every tag that was left open inside it."""
        if self._hiding is not None and self._is_over_after(tag, self._open[self._hiding]):
            self._close_from(self._hiding)
        if self._count[tag]:
            place = len(self._open) - 1
            while self._open[place] != tag:
                place -= 1
            self._close_from(place)
        self.is_hidden = self._hides()

    def _is_over_at(self, tag: str, hidden: str) -> bool:
        """Return whether a start tag ends the hidden element."""
        return tag in _ENDED_BY.get(hidden, ()) and not any(self._inside[each] for each in _HOLDERS)

    def _is_over_after(self, tag: str, hidden: str) -> bool:
        """Return whether an end tag is that of an element around the hidden one. A stray `</p>` ends nothing."""
        is_around = tag in BLOCKS and tag != hidden and not self._inside[tag]
        return is_around and (tag != "p" or hidden not in BLOCKS)

    def _close_from(self, place: int) -> None:
        self._count.subtract(self._open[place:])
        if self._hiding is not None:
            self._inside.subtract(self._open[max(place, self._hiding + 1) :])
            if self._hiding >= place:
                self._hiding = None
        del self._open[place:]

    def _hides(self) -> bool:
        """Return whether one of the open tags hides its text."""
        if self._hiding is not None or any(self._count[tag] for tag in _INVISIBLE):
            return True
        if self._boilerplate:
            return False
        inside = any(self._count[tag] for tag in CONTENT)
        return any(self._count[tag] for tag in _BOILERPLATE if tag == "nav" or not inside)


def hides(attributes: str) -> bool:
    """Return whether a tag with these attributes hides its content. What only screen readers skip is seen."""
    values = attributes_of(attributes)
    if "hidden" in values and values["hidden"].lower() != "until-found":
        return True
    return _HIDING_STYLE.search(unescape(values.get("style", ""))) is not None
