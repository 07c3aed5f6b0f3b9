"""EPUB: books as zip archives of XHTML, made here by hand as their specification says."""

import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import BlankFile, ResiftError, UnreadableFile
from resift.ingest.parsers.epub import EpubParser
from resift.ingest.parsers.protocols import Content
from resift.ingest.text.structure import ParsedDocument

CONTAINER = (
    '<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)

PACKAGE = (
    '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<metadata><dc:title>The pump</dc:title><dc:creator>Ada Byron</dc:creator><dc:creator>Grace H.</dc:creator>"
    '</metadata><manifest><item id="b" href="second%20part.xhtml"/><item id="a" href="first.xhtml"/>'
    '<item id="c" href="gone.xhtml"/><item id="n" href="nav.xhtml" properties="nav"/></manifest>'
    '<spine><itemref idref="a"/><itemref idref="b"/>{more}</spine></package>'
)

FILES = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": CONTAINER,
    "OEBPS/book.opf": PACKAGE.replace("{more}", ""),
    "OEBPS/first.xhtml": "<html><body><h1>Seals</h1><p>Red &amp; round.</p><h2>Rings</h2><p>Rubber.</p></body></html>",
    "OEBPS/second part.xhtml": "<html><head><title>x</title></head><body><p>Shafts turn.</p></body></html>",
    "OEBPS/nav.xhtml": '<html><body><nav><a href="second%20part.xhtml#p1">On <b>shafts</b></a></nav></body></html>',
}


def epub(**changes: str) -> bytes:
    """Return a book with some of its files, by their last name without suffix, replaced or left out ("")."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in FILES.items():
            key = name.rpartition("/")[2].partition(".")[0].replace(" ", "_")
            if text := changes.pop(key, text):
                archive.writestr(name, text)
        for name, text in changes.items():
            archive.writestr(f"META-INF/{name}.xml", text)
    return file.getvalue()


def parse(data: bytes) -> ParsedDocument:
    return EpubParser().parse(Content("a.epub", data=data))


def test_chapters_are_read_in_the_order_of_the_spine() -> None:
    parsed = parse(epub())
    assert [line for line in parsed.lines if line] == ["Seals", "Red & round.", "Rings", "Rubber.", "Shafts turn."]
    assert [(section.path, parsed.page_numbers[section.blocks[0].first]) for section in parsed.sections] == [
        (("Seals",), 1),
        (("Seals", "Rings"), 1),
        (("On shafts",), 2),
    ]
    assert (parsed.title, parsed.metadata) == ("The pump", {"pages": 2, "author": "Ada Byron, Grace H."})


def test_missing_chapter_is_said_and_the_others_are_read() -> None:
    parsed = parse(epub(book=PACKAGE.replace("{more}", '<itemref idref="c"/>')))
    assert parsed.notes == ("1 of its chapters cannot be read: OEBPS/gone.xhtml.",)
    assert "Shafts turn." in parsed.lines


def test_entities_are_refused() -> None:
    bomb = '<!DOCTYPE p [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    outside = '<!DOCTYPE p [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
    for declaration in (bomb, outside):
        with pytest.raises(UnreadableFile, match="declares entities of its own"):
            parse(epub(book=FILES["OEBPS/book.opf"].replace("?>", f"?>{declaration}", 1)))


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        (b"no archive", UnreadableFile, "not a zip archive"),
        (epub()[:300], UnreadableFile, "damaged"),
        (epub(container=""), UnreadableFile, "not an EPUB"),
        (epub(book=""), UnreadableFile, "package document is missing"),
        (epub(book="<package"), UnreadableFile, "not well-formed XML"),
        (epub(first="", second_part=""), BlankFile, "no chapters with text"),
        (epub(encryption='<e><CipherReference URI="OEBPS/first.xhtml"/></e>'), UnreadableFile, r"protected .*\(DRM\)"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, error: type[ResiftError], reason: str) -> None:
    with pytest.raises(error, match=reason):
        parse(data)


SAMPLE = epub()


@given(
    st.integers(1, len(SAMPLE)), st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=8)
)
@settings(max_examples=60, deadline=None)
def test_damaged_books_raise_nothing_but_errors_of_resift(end: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLE)
    for at, value in changes:
        data[at] = value
    with suppress(ResiftError):
        assert parse(bytes(data[:end])).lines
