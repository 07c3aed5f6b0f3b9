"""The structure that every format is parsed into: lines, and sections made of blocks of lines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...core.errors import UnreadableFile
from ...core.text import composed
from ...core.values import EMPTY, Metadata

# 20 MB of source code have 600,000. Each takes about 1 kB of memory until the document is cut.
MAX_LINES = 1_000_000


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together: indexes from 0, `last` excluded. A verbatim block is cut only at line ends."""

    first: int
    last: int
    verbatim: bool = False
    header: tuple[int, int] = (0, 0)
    """Lines such as the header of a table, which every part of the block begins with if it has to be torn."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading: its lines (indexes from 0, `last` excluded), its level from 1, and its text without markup."""

    first: int
    last: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks under one path of headings, outermost heading first."""

    path: tuple[str, ...]
    blocks: tuple[Block, ...]
    is_heading_only: bool = False


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """A document as its parser read it: lines of text, their sections in order, a title and metadata."""

    lines: Sequence[str]
    line_numbers: Sequence[int]
    """The line of the source on which each line stands, counted from 1; 0 for a format without lines."""
    sections: tuple[Section, ...]
    title: str = ""
    """The title that the document gives itself; empty when it gives none."""
    page_numbers: Sequence[int] = ()
    """The page, slide or sheet on which each line stands, counted from 1; empty for a format without them."""
    has_separate_pages: bool = False
    """Whether each page is a text of its own, such as a slide or a sheet, so that no passage goes beyond one."""
    notes: tuple[str, ...] = ()
    """Sentences for the reader of the ingest report, such as which pages have no text."""
    metadata: Metadata = field(default_factory=lambda: EMPTY)

    def __post_init__(self) -> None:
        if len(self.lines) != len(self.line_numbers):
            raise ValueError(f"{len(self.lines)} lines have {len(self.line_numbers)} line numbers: give one for each")
        if self.page_numbers and len(self.page_numbers) != len(self.lines):
            raise ValueError(f"{len(self.lines)} lines have {len(self.page_numbers)} page numbers: give one for each")
        for block in (block for section in self.sections for block in section.blocks):
            if not 0 <= block.first < block.last <= len(self.lines):
                raise ValueError(f"{block} lies outside the {len(self.lines)} lines, or is empty")
            if block.header != (0, 0) and not block.first <= block.header[0] < block.header[1] <= block.last:
                raise ValueError(f"The header of {block} lies outside it, or is empty")


def with_composed_characters(parsed: ParsedDocument) -> ParsedDocument:
    """Return the document with composed characters: parsers decode entities, which can write "é" as two."""
    return replace(
        parsed,
        lines=list(map(composed, parsed.lines)),
        sections=tuple(replace(each, path=tuple(map(composed, each.path))) for each in parsed.sections),
        title=composed(parsed.title),
    )


def check_length(lines: int) -> None:
    """Refuse a document that would take more memory than one document may.

    Raises:
        UnreadableFile: It has too many lines, or pieces of text as short as lines.
    """
    if lines > MAX_LINES:
        raise UnreadableFile(f"It has more than {MAX_LINES:,} lines, sentences or headings. Split it.")


def paragraphs(lines: Sequence[str], first: int, last: int, *, verbatim: bool = False) -> Iterator[Block]:
    """Yield a block for each run of non-blank lines between the indexes `first` and `last` (excluded)."""
    start = -1
    for index in range(first, last):
        if lines[index].strip():
            start = index if start < 0 else start
        elif start >= 0:
            yield Block(start, index, verbatim=verbatim)
            start = -1
    if start >= 0:
        yield Block(start, last, verbatim=verbatim)


def nest(parts: Iterable[Block | Heading]) -> tuple[Section, ...]:
    """Return the sections that headings and blocks, given in their order, make up."""
    sections: list[Section] = []
    above: list[Heading] = []
    blocks: list[Block] = []
    is_heading_only = False
    for part in parts:
        if isinstance(part, Block):
            # A heading stays with the block below it: alone it answers no question.
            blocks.append(replace(part, first=blocks.pop().first) if is_heading_only else part)
            is_heading_only = False
            continue
        if blocks:
            sections.append(Section(_path(above), tuple(blocks), is_heading_only))
        above = [*(heading for heading in above if heading.level < part.level), part]
        blocks, is_heading_only = [Block(part.first, part.last)], True
    if blocks:
        sections.append(Section(_path(above), tuple(blocks), is_heading_only))
    return merge_bare_headings(sections)


def merge_bare_headings(sections: Iterable[Section]) -> tuple[Section, ...]:
    """Return the sections with each one that holds only a heading merged into the subsection below it."""
    merged: list[Section] = []
    for section in sections:
        above = merged[-1] if merged else None
        if above and above.is_heading_only and section.path[: len(above.path)] == above.path:
            first, *rest = section.blocks
            joined = replace(first, first=above.blocks[0].first)
            merged[-1] = replace(section, blocks=(joined, *rest))
        else:
            merged.append(section)
    return tuple(merged)


def _path(above: Iterable[Heading]) -> tuple[str, ...]:
    return tuple(heading.text for heading in above if heading.text)
