"""Word, PowerPoint and Excel: headings, lists, tables, notes, slides and sheets, by undoc."""

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from itertools import pairwise

from ...core.errors import BlankFile, UnreadableFile
from ..packed.office_json import Chapter, Footnote, OfficeDocument, OfficeParagraph, OfficePart, OfficeTable, read_json
from ..packed.office_parts import hidden_sheets, note_on_hidden
from ..packed.speaker_notes import speaker_notes
from ..text.decoding import normalise
from ..text.draft import Draft
from ..text.properties import facts_of, sane_title
from ..text.structure import ParsedDocument
from ..text.table_lines import header_of, sheet_lines, table_lines
from .protocols import Content, suffix_of

_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # begins files of Office before 2007, and encrypted ones

_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the name of what holds an encrypted document

_MAX_HEADING_CHARS = 100  # of a bold paragraph that is taken for a heading


class OfficeParser:
    """Reads the formats of Microsoft Office; the title is that of the document, or else of its properties."""

    suffixes = frozenset((".docx", ".docm", ".pptx", ".pptm", ".xlsx", ".xlsm", ".xls"))
    is_binary = True

    def sniff(self, text: str) -> bool:
        """Return False: the formats are binary."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the text of a document, of the slides of a presentation with their notes, or of the rows of sheets.

        Raises:
            UnreadableFile: The file is damaged, needs a password, or is of another format.
        """
        document = read_json(_json_of(content))
        match document.format:
            case "docx":
                return _text_document(document)
            case "pptx":
                return _slides(document, speaker_notes(content.data))
            case _:
                return _sheets(document, hidden=hidden_sheets(content.data))


def _json_of(content: Content) -> str:
    from undoc import UndocError, parse_bytes
    from undoc.undoc import ErrorKind

    if not content.data:
        raise BlankFile("It is empty. Leave it out.")
    try:
        with parse_bytes(content.data) as document:
            return document.to_json(compact=True)
    except UndocError as error:
        is_encrypted = error.kind == ErrorKind.ENCRYPTED or _ENCRYPTED in content.data
        raise UnreadableFile(_why(content, is_encrypted=is_encrypted)) from error


def _why(content: Content, *, is_encrypted: bool) -> str:
    """Return why a file cannot be read, and what to do."""
    if is_encrypted:
        return "It is encrypted and needs a password. Save a copy without a password, and ingest that."
    if content.data.startswith(_OLD) and suffix_of(content.source) != ".xls":
        return "It was saved in a format of Office before 2007. Save it as .docx, .pptx or .xlsx."
    return "It is not an Office file, or it is damaged, such as by an incomplete download. Get the file again."


class _Writer(Draft):
    """A draft that knows the slide or sheet of each line."""

    __slots__ = ("pages",)

    def __init__(self) -> None:
        super().__init__()
        self.pages: list[int] = []

    def block(self, lines: Sequence[str], page: int = 0, *, verbatim: bool = False, header: int = 0) -> None:
        """Add a block of lines, each of which may be several."""
        written = [line for text in lines for line in normalise(text).split("\n")]
        self.add(written, [0] * len(written), verbatim=verbatim, header=header)
        self._count(page)

    def heading(self, text: str, level: int, page: int = 0) -> None:
        """Add a heading on one line."""
        self.head(" ".join(normalise(text).split()), level=level)
        self._count(page)

    def _count(self, page: int) -> None:
        self.pages += [page] * (len(self.lines) - len(self.pages))


def _finished(writer: _Writer, document: OfficeDocument, *, title: str, pages: int = 0) -> ParsedDocument:
    properties = document.properties
    metadata = facts_of(author=str(properties.get("author", "")), pages=pages)
    parsed = writer.finish(title=normalise(title), metadata=metadata)
    return replace(parsed, page_numbers=writer.pages if any(writer.pages) else (), has_separate_pages=True)


def _text_document(document: OfficeDocument) -> ParsedDocument:
    parts = [part for chapter in document.chapters for part in chapter.parts]
    paragraphs = [part for part in parts if isinstance(part, OfficeParagraph)]
    titles = [each.text for each in paragraphs if each.is_title and each.text.strip()]
    if not any(each.heading for each in paragraphs if not each.is_title):
        parts = _with_bold_headings(parts)
    writer = _Writer()
    _write(writer, parts, page=0, shift=1 if titles else 0)
    title = titles[0] if titles else sane_title(str(document.properties.get("title", "")))
    pages = int(document.properties.get("page_count", 0)) if document.properties.get("word_count") else 0
    return _finished(writer, document, title=title or _first_heading(parts), pages=pages)


def _with_bold_headings(parts: Sequence[OfficePart]) -> list[OfficePart]:
    """Return the parts with bold lines above text as headings, for documents that have no others."""
    found = list(parts)
    for index, (part, below) in enumerate(pairwise(parts)):
        if isinstance(part, OfficeParagraph) and _looks_like_heading(part) and not _is_bold(below):
            found[index] = replace(part, heading=1)
    return found


def _looks_like_heading(part: OfficeParagraph) -> bool:
    text = part.text.strip()
    return part.is_bold and not part.item and 1 < len(text) <= _MAX_HEADING_CHARS and text[-1] not in ".,;"


def _is_bold(part: OfficePart) -> bool:
    return isinstance(part, OfficeParagraph) and part.is_bold


def _first_heading(parts: Sequence[OfficePart]) -> str:
    headings = (part for part in parts if isinstance(part, OfficeParagraph) and part.text.strip())
    first = next((part for part in headings if part.heading == 1), None)
    return first.text if first else ""


def _write(writer: _Writer, parts: Sequence[OfficePart], *, page: int, shift: int = 0) -> None:
    """Write paragraphs, tables and footnotes. Items of a list, and lines of code, are a block of their own."""
    notes = {part.label: part.text for part in parts if isinstance(part, Footnote)}
    for group in _groups(parts):
        first = group[0]
        if isinstance(first, OfficeTable):
            lines = table_lines(first.rows)
            writer.block(lines, page, verbatim=True, header=header_of(lines))
        elif isinstance(first, OfficeParagraph) and (first.is_title or first.heading):
            writer.heading(first.item.lstrip() + first.text, 1 if first.is_title else first.heading + shift, page)
        elif isinstance(first, OfficeParagraph):
            paragraphs = [part for part in group if isinstance(part, OfficeParagraph)]
            lines = [*_numbered(paragraphs), *_notes_of(paragraphs, notes)]
            writer.block(lines, page, verbatim=first.is_code)
    for label, text in notes.items():
        writer.block([f"[^{label}]: {text}"], page)


def _groups(parts: Sequence[OfficePart]) -> Iterator[list[OfficePart]]:
    group: list[OfficePart] = []
    for part in parts:
        if isinstance(part, Footnote) or (isinstance(part, OfficeParagraph) and not part.text.strip()):
            continue
        if group and not _are_of_one_block(group[-1], part):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _are_of_one_block(above: OfficePart, part: OfficePart) -> bool:
    if not isinstance(above, OfficeParagraph) or not isinstance(part, OfficeParagraph):
        return False
    if above.heading or part.heading:
        return False
    return bool(above.item and part.item) or (above.is_code and part.is_code)


def _numbered(paragraphs: Sequence[OfficeParagraph]) -> Iterator[str]:
    """Yield the lines of a block. Items whose number is not in the file are counted."""
    counts: dict[str, int] = {}
    for paragraph in paragraphs:
        mark = paragraph.item
        if mark.endswith("#. "):
            counts = {indent: count for indent, count in counts.items() if len(indent) <= len(mark)}
            counts[mark] = counts.get(mark, 0) + 1
            mark = mark.replace("#", str(counts[mark]))
        yield mark + paragraph.text.strip("\n") if paragraph.is_code else mark + paragraph.text.strip()


def _notes_of(paragraphs: Sequence[OfficeParagraph], notes: dict[str, str]) -> Iterator[str]:
    """Yield the footnotes of some paragraphs, which stand below them."""
    for label in (label for paragraph in paragraphs for label in paragraph.notes):
        if text := notes.pop(label, ""):
            yield f"[^{label}]: {text}"


def _slides(document: OfficeDocument, notes: Mapping[int, Sequence[str]] | None) -> ParsedDocument:
    """Return the text of slides with their notes; `notes` is None if it is not known which slide each belongs to."""
    writer = _Writer()
    if notes is None:  # as undoc guesses
        numbered = enumerate(document.chapters, start=1)
        notes = {number: [each.text for each in slide.notes if each.text.strip()] for number, slide in numbered}
    for number, slide in enumerate(document.chapters, start=1):
        title = next((part for part in slide.parts if isinstance(part, OfficeParagraph) and part.heading), None)
        writer.heading(title.text if title else f"Slide {number}", 1, number)
        body = [replace(part, heading=0) if isinstance(part, OfficeParagraph) else part for part in slide.parts]
        body = [part for part, original in zip(body, slide.parts, strict=True) if original is not title]
        texts = [part for part in body if isinstance(part, OfficeParagraph)]
        writer.block([text for each in texts if (text := f"{each.item}{each.text.strip()}").strip()], number)
        _write(writer, [part for part in body if not isinstance(part, OfficeParagraph)], page=number)
        if spoken := notes.get(number):
            writer.block([f"Notes: {spoken[0]}", *spoken[1:]], number)
    title = sane_title(str(document.properties.get("title", ""))) or _first_title(document.chapters)
    return _finished(writer, document, title=title, pages=len(document.chapters))


def _first_title(slides: Sequence[Chapter]) -> str:
    return _first_heading([part for slide in slides[:1] for part in slide.parts])


def _sheets(document: OfficeDocument, *, hidden: Set[str]) -> ParsedDocument:
    writer = _Writer()
    found: list[str] = []
    for number, sheet in enumerate(document.chapters, start=1):
        tables = [part for part in sheet.parts if isinstance(part, OfficeTable)]
        rows = [line for table in tables for line in sheet_lines(table.rows)]
        if rows:
            writer.heading(sheet.name or f"Sheet {number}", 1, number)
            found += [sheet.name] if sheet.name in hidden else []
        for line in rows:
            writer.block([line], number, verbatim=True)
    title = sane_title(str(document.properties.get("title", "")))
    parsed = _finished(writer, document, title=title, pages=len(document.chapters))
    return replace(parsed, notes=note_on_hidden(found))
