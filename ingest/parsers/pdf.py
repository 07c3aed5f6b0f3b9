"""PDF: text in reading order with its pages, headings from the outline or the fonts, title and author."""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Any, TypeAlias

from ...core.errors import BlankFile, UnreadableFile
from ..layout.composing import Facts, compose
from ..layout.heading_levels import OutlineEntry
from ..layout.pdfium_text import layers_of
from ..layout.running_heads import PageText
from ..text.properties import facts_of, sane_title
from ..text.structure import ParsedDocument
from .protocols import Content
from .scans.recognition import (
    MAX_PIXELS,
    SECONDS_PER_PICTURE,
    can_recognise,
    needs_recognition,
    pixels_per_point,
    recognised,
)

_Document: TypeAlias = Any
"""A document as pypdfium2 opened it; that library has no types."""

_LOCK = Lock()
"""PDFium is not thread-safe."""

_MAX_OUTLINE = 5_000

_PASSWORD = 4  # PDFium's code of the error


_PLURAL = {
    "has no text layer, only a picture": "have no text layer, only pictures",
    "was read from its picture (OCR)": "were read from their pictures (OCR)",
}


class PdfParser:
    """Reads PDF; the title is that of the document's properties, or else what stands in the largest font."""

    suffixes = frozenset((".pdf",))
    is_binary = True

    def sniff(self, text: str) -> bool:
        """Return False: the format is binary."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the text of all pages that have some.

        Raises:
            UnreadableFile: The file is damaged, needs a password, or holds pictures of its pages and no text.
        """
        with _LOCK:
            document = _opened(content.data)
            try:
                return _read(document, content)
            finally:
                document.close()


def _opened(data: bytes) -> _Document:
    from pypdfium2 import PdfDocument, PdfiumError

    try:
        return PdfDocument(data)
    except PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise UnreadableFile(
                "It is encrypted and needs a password. Save a copy without a password, and ingest that."
            ) from error
        raise UnreadableFile(
            "It is not a PDF file, or it is damaged, such as by an incomplete download. Get the file again."
        ) from error


def _read(document: _Document, content: Content) -> ParsedDocument:
    count = len(document)
    content.more_pages(count)
    pages, unreadable, scanned = list[PageText](), list[int](), list[int]()
    for number in range(1, count + 1):
        page = _page(document, number)
        if page is None:
            unreadable.append(number)
        elif page.layers:
            pages.append(page)
        elif _has_pictures(document, number):
            scanned.append(number)
    read = list(_recognised(document, scanned, content)) if can_recognise() else []
    pages = sorted([*pages, *read], key=lambda page: page.number)
    if not pages:
        raise _without_text(count, scanned, unreadable)
    numbers = [page.number for page in read]
    notes = (
        *_note(unreadable, count, "cannot be read"),
        *_note(numbers, count, "was read from its picture (OCR)"),
        *_note([each for each in scanned if each not in set(numbers)], count, "has no text layer, only a picture"),
    )
    return compose(pages, _facts(document, notes))


def _recognised(document: _Document, numbers: Sequence[int], content: Content) -> Iterator[PageText]:
    """Yield pages without a text layer, with the text that is recognised in their pictures."""
    for number in numbers:
        content.more_time(SECONDS_PER_PICTURE)
        page = document[number - 1]
        try:
            width, height = page.get_size()
            scale = min(pixels_per_point(), (MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
            if segments := recognised(page.render(scale=scale).to_pil()):
                yield PageText(number, (segments,))
        finally:
            page.close()


def _page(document: _Document, number: int) -> PageText | None:
    """Return a page with its text; None if it is damaged."""
    from pypdfium2 import PdfiumError

    try:
        page = document[number - 1]
        try:
            text = page.get_textpage()
            try:
                return PageText(number, layers_of(text))
            finally:
                text.close()
        finally:
            page.close()
    except PdfiumError:
        return None


def _has_pictures(document: _Document, number: int) -> bool:
    import pypdfium2.raw as pdfium

    page = document[number - 1]
    try:
        return any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))
    finally:
        page.close()


def _without_text(count: int, scanned: Sequence[int], unreadable: Sequence[int]) -> UnreadableFile:
    if scanned and can_recognise():
        return BlankFile("Its pages are pictures in which no text was recognised. Leave it out.")
    if scanned:
        return needs_recognition("It has no text layer: its pages are pictures.")
    if unreadable:
        return UnreadableFile(f"None of its {count} pages can be read: the file is damaged. Get it again.")
    return BlankFile("Its pages are empty, so there is nothing to search in it. Leave it out.")


def _note(numbers: Sequence[int], count: int, what: str) -> Iterator[str]:
    """Yield a sentence on some pages, if there are any."""
    if not numbers:
        return
    shown = ", ".join(map(str, numbers[:10])) + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")
    verb = what if len(numbers) == 1 else _PLURAL.get(what, what)
    yield f"{'Page' if len(numbers) == 1 else 'Pages'} {shown} of {count} {verb}."


def _facts(document: _Document, notes: tuple[str, ...]) -> Facts:
    properties: dict[str, str] = document.get_metadata_dict(skip_empty=True)
    return Facts(
        title=sane_title(properties.get("Title", "")),
        outline=list(_outline(document)),
        notes=notes,
        metadata=facts_of(author=properties.get("Author", ""), pages=len(document)),
    )


def _outline(document: _Document) -> Iterator[OutlineEntry]:
    """Yield the entries of the outline that lead to a page."""
    from pypdfium2 import PdfiumError

    try:
        for index, mark in enumerate(document.get_toc(max_depth=8)):
            if index >= _MAX_OUTLINE:
                return
            destination = mark.get_dest()
            page = destination.get_index() if destination else None
            if page is not None:
                yield OutlineEntry(title=mark.get_title(), level=mark.level + 1, page=page + 1)
    except (PdfiumError, ValueError):
        return
