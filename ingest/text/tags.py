"""The tokens of HTML: tags, and the text between them, in one pass over the source."""

import re
from collections.abc import Iterator
from enum import Enum, auto
from html import unescape
from typing import NamedTuple


class Kind(Enum):
    """What a token of HTML is."""

    START = auto()
    END = auto()
    TEXT = auto()


class Token(NamedTuple):
    """A token, and the line of the source on which it begins, counted from 1."""

    kind: Kind
    value: str
    """The name of a tag in lower case, or text as the source has it, with its character references."""
    line: int
    attributes: str = ""
    """What a start tag has besides its name, as the source has it."""


# Text up to the next tag or comment. A `<` before anything else than these characters is text.
_TEXT = re.compile(r"[^<]*+(?:<(?![a-zA-Z/!?])[^<]*+)*+")

_TAG_START = re.compile(r"</?[a-zA-Z]")

# Possessive throughout: what an attempt has read is not read again, so each tag costs its own length. A quote without
# its partner is an ordinary character; that is found out at most once in a document for each kind of quote.
_TAG = re.compile(
    r"""<(?P<end>/?)(?P<name>[a-zA-Z][^\s/>]*+)
    (?>
        [\s/]++
      | [^\s/>][^\s/>=]*+ (?:\s*+ = \s*+ (?>"[^"]*+" | '[^']*+' | [^\s>]++)?)?+
    )*+
    >""",
    re.VERBOSE,
)

_ATTRIBUTE = re.compile(r"""(?P<name>[^\s/>=]++)(?:\s*+=\s*+(?P<value>"[^"]*+"|'[^']*+'|[^\s>]++))?+""")

_COMMENT_END = re.compile(r"--!?>")

# Their content is no markup. The end is searched from their start tag only, and the text is over when there is none.
_RAW = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style")}


def tokens_of(text: str) -> Iterator[Token]:
    """Yield the tokens of a page in time linear in its length, whatever the markup.

    Comments, declarations, and the content of scripts and styles are left out. Markup that
    never ends is text: people write `a <b`, and a page cut off in the middle keeps its words.
    """
    scanner = _Scanner(text)
    while scanner.position < len(text):
        yield from scanner.step()


def meta_content(attributes: str, name: str) -> str:
    """Return what a `meta` tag with these attributes says of a name, or "" if it says something else."""
    values = attributes_of(attributes)
    if unescape(values.get("name", "")).strip().lower() != name:
        return ""
    return unescape(values.get("content", "")).strip()


def attributes_of(attributes: str) -> dict[str, str]:
    """Return the values of attributes by their names in lower case, with their character references."""
    found = [(each["name"].lower(), each["value"] or "") for each in _ATTRIBUTE.finditer(attributes)]
    # Of two of one name the first counts, as in browsers.
    return {key: value.strip("\"'").strip() for key, value in reversed(found)}


class _Scanner:
    """Reads tokens from `position` on, and counts the lines that it passes."""

    def __init__(self, text: str) -> None:
        self.position = 0
        self._text = text
        self._line = 1
        self._comments = True
        """Whether a comment that begins here may end: when one does not, no later one does."""

    def step(self) -> Iterator[Token]:
        """Yield the next token; a self-closing tag has two, and a comment none."""
        start = self.position
        if end := _match_end(_TEXT, self._text, start):
            yield self._take(Kind.TEXT, self._text[start:end], end)
        elif self._text.startswith("<!--", start):
            yield from self._comment()
        elif tag := _TAG.match(self._text, start):
            yield from self._tag(tag)
        elif _TAG_START.match(self._text, start):
            yield self._rest_as_text(start)
        else:
            yield from self._skip_to(self._text.find(">", start) + 1)

    def _tag(self, tag: re.Match[str]) -> Iterator[Token]:
        name = tag["name"].lower()
        is_self_closing = self._text[tag.end() - 2] == "/"
        token = self._take(Kind.END if tag["end"] else Kind.START, name, tag.end())
        if token.kind is Kind.START and len(tag[0]) > len(name) + 2:
            token = token._replace(attributes=tag[0][len(name) + 1 : -1].removesuffix("/"))
        yield token
        if token.kind is Kind.START and is_self_closing:
            yield Token(Kind.END, name, token.line)
        elif token.kind is Kind.START and name in _RAW:
            end = _RAW[name].search(self._text, self.position)
            self._advance(end.start() if end else len(self._text))

    def _comment(self) -> Iterator[Token]:
        start = self.position
        if self._text.startswith(("<!-->", "<!--->"), start):
            yield from self._skip_to(self._text.find(">", start) + 1)
            return
        end = _COMMENT_END.search(self._text, start + 4) if self._comments else None
        self._comments = end is not None
        if end:
            yield from self._skip_to(end.end())
        else:
            yield self._take(Kind.TEXT, "<!--", start + 4)

    def _skip_to(self, end: int) -> Iterator[Token]:
        """Leave out the markup before `end`; without an end, 0, it is text."""
        if end:
            self._advance(end)
        else:
            yield self._rest_as_text(self.position)

    def _rest_as_text(self, start: int) -> Token:
        return self._take(Kind.TEXT, self._text[start:], len(self._text))

    def _take(self, kind: Kind, value: str, end: int) -> Token:
        token = Token(kind, value, self._line)
        self._advance(end)
        return token

    def _advance(self, end: int) -> None:
        self._line += self._text.count("\n", self.position, end)
        self.position = end


def _match_end(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Return where the match at `start` ends, or 0 when it is empty."""
    match = pattern.match(text, start)
    return match.end() if match and match.end() > start else 0
