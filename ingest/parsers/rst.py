"""reStructuredText: sections, code and tables as docutils finds them, around the lines as they are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...core.errors import UnreadableFile
from ...core.values import EMPTY
from ..text.structure import Block, Heading, ParsedDocument, nest, paragraphs
from .protocols import Content

if TYPE_CHECKING:
    from docutils import nodes

MAX_CHARS = 1_000_000  # docutils takes 13 s for as many; what is longer is read as plain text

CHARS_PER_SECOND = 40_000  # that docutils reads at least

MAX_FIELD_CHARS = 500

_SETTINGS = {
    "file_insertion_enabled": False,  # `include` and its like read any file
    "raw_enabled": False,
    "report_level": 5,  # none: what Sphinx adds is unknown here
    "halt_level": 5,
    "warning_stream": False,
    "syntax_highlight": "none",
    "line_length_limit": 2 * MAX_CHARS,
    "_disable_config": True,  # no files of settings
}

_DIRECTIVE = re.compile(r"\s*\.\. [\w:.+-]+::")

# With options that only Sphinx knows, docutils sees an error and not code.
_CODE = re.compile(
    r"\s*\.\. (?:code(?:-block)?|sourcecode|parsed-literal|prompt|math|test\w+|doctest|graphviz|mermaid)::"
)

_OPTION = re.compile(r"\s+:[\w-]+:")

_ROLE = re.compile(r":[\w:.+-]+:`([^`]*)`")

_TARGET = re.compile(r"\s*<[^<>]*>$")

_MARKS = re.compile(r"\*\*|``|(?<!\w)\*|\*(?!\w)|`_{0,2}")

_SIGNS = re.compile(r"^={4,}\n[^\n]+\n={4,}$|^\.\. [\w-]+::(?:\s|$)", re.MULTILINE)

_FIELD_NAME = re.compile(r"[\w-]+")


class RstParser:
    """Reads reStructuredText; the title is the first section, and fields at the top become metadata."""

    suffixes = frozenset((".rst", ".rest"))
    is_binary = False

    def sniff(self, text: str) -> bool:
        """Return whether the text has an overlined title or a directive."""
        return _SIGNS.search(text) is not None

    def parse(self, content: Content) -> ParsedDocument:
        """Return the sections of the document. What docutils cannot parse is plain text, and a note says so."""
        lines = content.text.split("\n")
        marked: list[Block | Heading] = []
        metadata: Mapping[str, Any] = EMPTY
        notes: tuple[str, ...] = ()
        try:
            content.more_time(min(len(content.text), MAX_CHARS) / CHARS_PER_SECOND)
            document = _document(content.text)
            marked = sorted(_marked(document, lines), key=lambda part: part.first)
            metadata = _metadata(document)
        except UnreadableFile as error:
            notes = (f"{content.source or 'A text'} was read as plain text: {error}",)
        outermost = [part.text for part in marked if isinstance(part, Heading) and part.level == 1]
        return ParsedDocument(
            lines=lines,
            line_numbers=range(1, len(lines) + 1),
            sections=nest(_parts(marked, lines)),
            title=outermost[0] if len(outermost) == 1 else "",  # of several, each is a chapter
            metadata=metadata,
            notes=notes,
        )


class _Inliner:
    """Takes text as it is: markup inside lines does not matter to where a document is cut."""

    def init_customizations(self, settings: Any) -> None:
        """Do nothing: there are no patterns to prepare."""

    def parse(
        self, text: str, lineno: int, memo: Any, parent: nodes.Element
    ) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the text as one node."""
        from docutils import nodes

        return [nodes.Text(text)], []

    def adjust_uri(self, uri: str) -> str:
        """Return the address of a link as it is."""
        return uri


def _document(text: str) -> nodes.document:
    """Return the tree of a document.

    Raises:
        UnreadableFile: docutils cannot parse it, or would take too long.
    """
    from docutils.frontend import get_default_settings
    from docutils.parsers.rst import Parser, roles
    from docutils.utils import new_document

    if len(text) > MAX_CHARS:
        raise UnreadableFile(f"it has more than {MAX_CHARS:,} characters.")
    settings: Any = get_default_settings(Parser)
    for name, value in _SETTINGS.items():
        setattr(settings, name, value)
    document = new_document("", settings)
    known = dict(roles._roles)  # pyright: ignore  # directives add to them for good
    try:
        inliner: Any = _Inliner()
        Parser(inliner=inliner).parse(text, document)
    except RecursionError as error:
        raise UnreadableFile("its parts are nested too deeply.") from error
    except Exception as error:  # docutils raises whatever a directive does
        raise UnreadableFile(f"docutils cannot parse it ({type(error).__name__}).") from error
    finally:
        roles._roles.clear()  # pyright: ignore
        roles._roles.update(known)  # pyright: ignore
    return document


def _marked(document: nodes.document, lines: Sequence[str]) -> Iterator[Block | Heading]:
    """Yield the headings of sections, code and tables."""
    from docutils import nodes

    done = 0
    for node in document.findall():
        if isinstance(node, nodes.section):
            if heading := _heading(node, lines):
                yield heading
                done = heading.last
        elif isinstance(node, nodes.literal_block | nodes.doctest_block):
            is_code = not isinstance(node.parent, nodes.system_message) or _CODE.match(node.astext())
            if is_code and (block := _literal(node, lines, done)):
                yield block
                done = block.last
        elif isinstance(node, nodes.table) and node.line and node.line - 1 >= done:
            block = _table(node.line - 1, lines)
            yield block
            done = block.last


def _heading(section: nodes.section, lines: Sequence[str]) -> Heading | None:
    """Return the heading of a section, whose line is that of its underline."""
    title = section.next_node()
    line = section.line or 0
    if title is None or not 2 <= line <= len(lines):
        return None
    first = line - 2
    under = lines[line - 1].rstrip()
    if first > 0 and lines[first - 1].rstrip() == under:
        first -= 1
    depth = 1
    parent = section.parent
    while parent is not None and parent.tagname == "section":
        depth, parent = depth + 1, parent.parent
    return Heading(first=first, last=line, level=depth, text=_plain(title.astext()))


def _plain(markup: str) -> str:
    """Return a title without the marks of roles, links and emphasis."""
    without_roles = _ROLE.sub(lambda role: _TARGET.sub("", role[1]), markup)
    return " ".join(_MARKS.sub("", without_roles).replace("\\", "").split())


def _literal(node: nodes.Element, lines: Sequence[str], done: int) -> Block | None:
    """Return where code stands, with the line of its directive. docutils names the line after it, or none."""
    written = node.astext().rstrip().split("\n")
    first_line = written[0].strip()
    start = max(done, (node.line or done) - len(written) - 3)
    near = range(start, min(start + 2 * len(written) + 40, len(lines)))
    found = next((index for index in near if lines[index].strip() == first_line and first_line), None)
    if found is None:
        return None
    first = found
    while first > done and (not lines[first - 1].strip() or _OPTION.match(lines[first - 1])):
        first -= 1
    if first > done and _CODE.match(lines[first - 1]) and _indent(lines[first - 1]) < _indent(lines[found]):
        first -= 1
    else:
        first = found
    return Block(first, min(found + len(written), len(lines)), verbatim=True)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _table(first: int, lines: Sequence[str]) -> Block:
    """Return where a table stands: a simple one ends at its third rule, others at a line that is not theirs."""
    last = first + 1
    if _DIRECTIVE.match(lines[first]):
        while last < len(lines) and (not lines[last].strip() or _indent(lines[last]) > _indent(lines[first])):
            last += 1
    elif lines[first].lstrip().startswith("="):
        while last < len(lines) and not (
            lines[last].lstrip().startswith("=") and (last + 1 == len(lines) or not lines[last + 1].strip())
        ):
            last += 1
        last = min(last + 1, len(lines))
    else:
        while last < len(lines) and lines[last].lstrip().startswith(("+", "|")):
            last += 1
    while last > first + 1 and not lines[last - 1].strip():
        last -= 1
    return Block(first, last, verbatim=True)


def _parts(marked: Sequence[Block | Heading], lines: Sequence[str]) -> Iterator[Block | Heading]:
    """Yield what is marked, and as paragraphs every line between, so that no text is lost."""
    done = 0
    for part in marked:
        if part.first < done:
            continue
        yield from paragraphs(lines, done, part.first)
        yield part
        done = part.last
    yield from paragraphs(lines, done, len(lines))


def _metadata(document: nodes.document) -> Mapping[str, Any]:
    """Return the fields at the top of a document, before or below its title."""
    from docutils import nodes

    for node in document.findall(lambda each: isinstance(each, nodes.field_list | nodes.paragraph)):
        if not isinstance(node, nodes.field_list) or node.parent not in (document, *document.children[:2]):
            return EMPTY
        fields = [[part.astext().strip() for part in field.children] for field in node.findall(nodes.field)]
        return {
            name.lower(): value
            for name, value in fields
            if value and len(value) <= MAX_FIELD_CHARS and _FIELD_NAME.fullmatch(name)
        }
    return EMPTY
