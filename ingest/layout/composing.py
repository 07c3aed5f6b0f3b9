"""From pages to a document: running heads out, columns and tables found, paragraphs joined, headings nested."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ...core.values import EMPTY, Metadata
from ..text.decoding import normalise
from ..text.structure import Block, Heading, ParsedDocument, check_length, nest
from ..text.table_lines import header_of, names_columns, table_lines
from .cells import Table, tables_and_text
from .columns import regions_of
from .heading_levels import OutlineEntry, levels_of, title_index
from .prose import Paragraph, continued, extended, paragraphs_of, with_whole_word, words_of
from .running_heads import PageText, without_running_heads
from .segments import rows_of

_MAX_BETWEEN = 8  # footnotes and tables between the halves of a paragraph


@dataclass(frozen=True, slots=True)
class Facts:
    """What a document says about itself, and what its reader has to say about it."""

    title: str = ""
    outline: Sequence[OutlineEntry] = ()
    notes: tuple[str, ...] = ()
    has_lines: bool = False
    """Whether the rows of a page count as lines of the source, as those of a picture do."""
    metadata: Metadata = field(default_factory=lambda: EMPTY)


@dataclass(frozen=True, slots=True)
class _PlacedTable:
    rows: list[list[str]]
    page: int


_Item = Paragraph | _PlacedTable


def compose(pages: Sequence[PageText], facts: Facts) -> ParsedDocument:
    """Return the document that pages with their segments make up."""
    items = _items(without_running_heads(pages))
    text = [item for item in items if isinstance(item, Paragraph)]
    levels = {id(text[index]): level for index, level in levels_of(text, facts.outline).items()}
    written = _Writer()
    for index, item in enumerate(items):
        below = items[index + 1] if index + 1 < len(items) else None
        written.add(item, levels.get(id(item), 0), is_continued=_goes_on(item, below))
    title = facts.title or _title(text)
    return ParsedDocument(
        lines=written.lines,
        line_numbers=written.rows if facts.has_lines else [0] * len(written.lines),
        sections=nest(written.parts),
        title=title,
        page_numbers=written.pages,
        notes=facts.notes,
        metadata=facts.metadata,
    )


def _title(text: Sequence[Paragraph]) -> str:
    index = title_index(text) if text else None
    return " ".join(normalise(text[index].text).split()) if index is not None else ""


def _items(pages: Sequence[PageText]) -> list[_Item]:
    """Return the paragraphs and tables of all pages; a paragraph that goes on in the next column is one."""
    words = words_of(row for page in pages for layer in page.layers for row in rows_of(layer))
    items: list[_Item] = []
    for page in pages:
        for item in _items_of(page, words):
            begun = _begun(items, item)
            above = items[begun] if begun >= 0 else None
            if not isinstance(above, Paragraph) or not isinstance(item, Paragraph):
                items.append(item)
            elif above.page == item.page:
                items[begun] = extended(above, item, words)
            else:  # footnotes go before the paragraph, so that its halves stand together
                del items[begun]
                items += with_whole_word(above, item, words)
    return items


def _begun(items: Sequence[_Item], item: _Item) -> int:
    """Return the index of the paragraph that an item continues, across footnotes and figures; -1 if there is none."""
    if not isinstance(item, Paragraph):
        return -1
    for index in range(len(items) - 1, max(len(items) - 1 - _MAX_BETWEEN, -1), -1):
        above = items[index]
        if isinstance(above, Paragraph) and above.size > 0.95 * item.size:
            return index if continued(above, item) and above.page >= item.page - 1 else -1
    return -1


def _items_of(page: PageText, words: Collection[str]) -> Iterator[_Item]:
    for layer in page.layers:
        # Numbers and bullets join their items first: alone they look like a column.
        for region in regions_of([segment for row in rows_of(layer) for segment in row.segments]):
            for part in tables_and_text(region):
                if isinstance(part, Table):
                    yield _PlacedTable(part.rows, page.number)
                else:
                    yield from paragraphs_of(part, page.number, words)


def _goes_on(item: _Item, below: _Item | None) -> bool:
    """Return whether a paragraph goes on at the top of the next page."""
    if not isinstance(item, Paragraph) or not isinstance(below, Paragraph):
        return False
    return below.page == item.page + 1 and continued(item, below)


class _Writer:
    """Appends lines with their pages, and the blocks and headings that they make."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.pages: list[int] = []
        self.rows: list[int] = []
        """The row of the page on which each line begins, counted from 1."""
        self._row: int = 0
        self._page: int = 0
        self.parts: list[Block | Heading] = []
        self._is_open = False

    def add(self, item: _Item, level: int, *, is_continued: bool) -> None:
        """Append a paragraph, a heading or a table."""
        first = len(self.lines)
        lines = _lines_of(item)
        check_length(first + len(lines))
        self.lines += lines
        self.pages += [item.page] * len(lines)
        self._count_rows(item, len(lines))
        last = len(self.lines)
        verbatim = isinstance(item, _PlacedTable) or item.is_mono
        if level:
            self.parts.append(Heading(first=first, last=last, level=level, text=" ".join(lines)))
        elif self._is_open and isinstance(above := self.parts[-1], Block):
            self.parts[-1] = replace(above, last=last)
        elif lines:
            header = header_of(lines) if isinstance(item, _PlacedTable) else 0
            self.parts.append(
                Block(first, last, verbatim=verbatim, header=(first, first + header) if header else (0, 0))
            )
        self._is_open = is_continued and not level
        if not self._is_open:
            self.lines.append("")
            self.pages.append(item.page)
            self.rows.append(self._row)

    def _count_rows(self, item: _Item, lines: int) -> None:
        if item.page != self._page:
            self._page, self._row = item.page, 0
        rows = item.rows if isinstance(item, Paragraph) else len(item.rows)
        first = self._row + 1
        self._row += rows
        self.rows += [min(first + place, self._row) for place in range(lines)]


def _lines_of(item: _Item) -> list[str]:
    if isinstance(item, _PlacedTable):
        below = item.rows[1:]
        has_header = any(map(any, below)) and names_columns(item.rows[0], below, least=len(item.rows[0]))
        return [normalise(line) for line in table_lines(item.rows, has_header=has_header)]
    return normalise(item.text).split("\n")
