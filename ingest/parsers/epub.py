"""EPUB: the chapters of a book in the order of its spine, read as HTML."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from ...core.errors import BlankFile, ResiftError, UnreadableFile
from ..packed.safe_xml import Element, read_xml
from ..packed.zip_members import Archive
from ..text.decoding import decode
from ..text.properties import facts_of, sane_title
from ..text.structure import Block, ParsedDocument, Section, check_length
from .html import HtmlParser
from .protocols import Content

_HTML = HtmlParser()

_ENCRYPTION = "META-INF/encryption.xml"

_FONTS = re.compile(r"\.(?:otf|ttf|woff2?)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Book:
    """What the package document says: the folder that it lies in, its metadata, the manifest and the spine."""

    folder: str
    package: Element
    paths: Mapping[str, str]
    """The path in the archive of each item, by its id."""
    spine: tuple[str, ...]
    """The ids of the chapters in reading order."""


class EpubParser:
    """Reads electronic books; the title and author are those of the package document."""

    suffixes = frozenset((".epub",))
    is_binary = True

    def sniff(self, text: str) -> bool:
        """Return False: the format is binary."""
        return False

    def parse(self, content: Content) -> ParsedDocument:
        """Return the text of all chapters. The page of a line is the position of its chapter in the book.

        Raises:
            UnreadableFile: It is damaged, has no chapters, or is protected against copying.
        """
        archive = Archive(content.data)
        book = _book(archive)
        labels = _labels(archive, book)
        written, missing, label = _Pages(), list[str](), ""
        for number, item in enumerate(book.spine, start=1):
            path = book.paths.get(item, "")
            chapter = _chapter(archive, path)
            label = labels.get(path, label)
            if chapter is None:
                missing.append(path or item)
            else:
                written.add(chapter, number, label)
        if not written.sections:
            raise BlankFile("It has no chapters with text, so there is nothing to search in it. Leave it out.")
        return written.document(book, _note(missing))


class _Pages:
    """The chapters of a book as one document."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.pages: list[int] = []
        self.sections: list[Section] = []

    def add(self, chapter: ParsedDocument, number: int, label: str) -> None:
        """Append a chapter; sections without a heading get the title that the table of contents has for it."""
        first = len(self.lines)
        check_length(first + len(chapter.lines))
        self.lines += chapter.lines
        self.pages += [number] * len(chapter.lines)
        for section in chapter.sections:
            path = section.path or ((label,) if label else ())
            self.sections.append(
                replace(section, path=path, blocks=tuple(_moved(each, first) for each in section.blocks))
            )

    def document(self, book: _Book, notes: tuple[str, ...]) -> ParsedDocument:
        """Return the document."""
        authors = [" ".join(each.text.split()) for each in book.package.named("creator")]
        return ParsedDocument(
            lines=self.lines,
            line_numbers=[0] * len(self.lines),
            sections=tuple(self.sections),
            title=sane_title(book.package.text_of("title")),
            page_numbers=self.pages,
            has_separate_pages=True,
            notes=notes,
            metadata=facts_of(author=", ".join(filter(None, authors)), pages=len(book.spine)),
        )


def _moved(block: Block, by: int) -> Block:
    header = block.header if block.header == (0, 0) else (block.header[0] + by, block.header[1] + by)
    return replace(block, first=block.first + by, last=block.last + by, header=header)


def _book(archive: Archive) -> _Book:
    container = archive.find("META-INF/container.xml")
    if container is None:
        raise UnreadableFile("It is not an EPUB: it has no META-INF/container.xml. Check the file.")
    if _is_protected(archive):
        raise UnreadableFile("It is protected against copying (DRM), so its text cannot be read. Leave it out.")
    root = next(read_xml(archive.read(container), "META-INF/container.xml").named("rootfile"), None)
    path = unquote(root.attributes.get("full-path", "")) if root else ""
    member = archive.find(path)
    if member is None:
        raise UnreadableFile("It is not an EPUB: its package document is missing. Check the file.")
    package = read_xml(archive.read(member), path)
    folder = dirname(path)
    paths = {
        item.attributes.get("id", ""): normpath(join(folder, unquote(item.attributes.get("href", ""))))
        for item in package.named("item")
    }
    spine = tuple(item.attributes.get("idref", "") for item in package.named("itemref"))
    return _Book(folder=folder, package=package, paths=paths, spine=spine)


def _is_protected(archive: Archive) -> bool:
    """Return whether more than fonts is encrypted."""
    member = archive.find(_ENCRYPTION)
    if member is None:
        return False
    references = read_xml(archive.read(member), _ENCRYPTION).named("CipherReference")
    return any(not _FONTS.search(each.attributes.get("URI", "")) for each in references)


def _chapter(archive: Archive, path: str) -> ParsedDocument | None:
    """Return a chapter as HTML, or None if it is missing or damaged."""
    member = archive.find(path)
    if member is None or member.problem:
        return None
    try:
        return _HTML.parse(Content(path, text=decode(archive.read(member), path).text))
    except ResiftError:
        return None


def _note(missing: list[str]) -> tuple[str, ...]:
    if not missing:
        return ()
    shown = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
    return (f"{len(missing)} of its chapters cannot be read: {shown}.",)


def _labels(archive: Archive, book: _Book) -> Mapping[str, str]:
    """Return the titles in the table of contents, by the paths of their chapters; the first of each chapter."""
    labels: dict[str, str] = {}
    for item in book.package.named("item"):
        is_old = item.attributes.get("media-type") == "application/x-dtbncx+xml"
        if not is_old and "nav" not in item.attributes.get("properties", "").split():
            continue
        path = book.paths[item.attributes.get("id", "")]
        try:
            member = archive.find(path)
            root = read_xml(archive.read(member), path) if member else Element("", {})
        except ResiftError:
            continue
        for href, label in _old_entries(root) if is_old else _entries(root):
            labels.setdefault(normpath(join(dirname(path), unquote(href.partition("#")[0]))), label)
    return labels


def _entries(root: Element) -> Iterator[tuple[str, str]]:
    for link in root.named("a"):
        label = " ".join("".join([link.text, *(each.text for each in link.all())]).split())
        if label and link.attributes.get("href"):
            yield link.attributes["href"], label


def _old_entries(root: Element) -> Iterator[tuple[str, str]]:
    for point in root.named("navPoint"):
        target = next(point.named("content"), None)
        if target and (label := point.text_of("text")):
            yield target.attributes.get("src", ""), label
