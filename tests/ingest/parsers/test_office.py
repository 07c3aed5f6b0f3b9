"""Word, PowerPoint and Excel files as python-docx, python-pptx, openpyxl and xlwt write them."""

import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import docx
import openpyxl
import pptx
import pytest
import xlwt
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import ResiftError, UnreadableFile
from resift.ingest.parsers.office import OfficeParser
from resift.ingest.parsers.protocols import Content
from resift.ingest.text.structure import ParsedDocument

WORD: Any = docx
POWERPOINT: Any = pptx
EXCEL: Any = openpyxl
OLD_EXCEL: Any = xlwt


def parse(data: bytes) -> ParsedDocument:
    return OfficeParser().parse(Content("a", data=data))


def saved(document: Any) -> bytes:
    file = BytesIO()
    document.save(file)
    return file.getvalue()


def texts(parsed: ParsedDocument) -> list[str]:
    return [line for line in parsed.lines if line]


def test_word_headings_nest_below_the_title() -> None:
    document = WORD.Document()
    document.core_properties.author = "Ada Byron"
    document.add_heading("Pump manual", 0)
    document.add_heading("Safety", 1)
    document.add_heading("Before service", 2)
    document.add_paragraph("Stop the pump.")
    document.sections[0].header.paragraphs[0].text = "Running head"
    parsed = parse(saved(document))
    [section] = parsed.sections
    assert section.path == ("Pump manual", "Safety", "Before service")
    assert (parsed.title, parsed.metadata, parsed.page_numbers) == ("Pump manual", {"author": "Ada Byron"}, ())
    assert texts(parsed) == ["Pump manual", "Safety", "Before service", "Stop the pump."]


def test_word_document_without_styles_has_its_bold_lines_as_headings() -> None:
    document = WORD.Document()
    document.core_properties.title = "Word Document"
    for heading, text in (("Safety", "Stop the pump."), ("Service", "Open the housing.")):
        document.add_paragraph().add_run(heading).bold = True
        document.add_paragraph(text)
    assert [section.path for section in parse(saved(document)).sections] == [("Safety",), ("Service",)]


def numbered(paragraph: Any, numbering: int, level: int = 0) -> None:
    properties = paragraph._p.get_or_add_pPr()
    element = WORD.oxml.OxmlElement("w:numPr")
    for name, value in (("w:ilvl", level), ("w:numId", numbering)):
        child = WORD.oxml.OxmlElement(name)
        child.set(WORD.oxml.ns.qn("w:val"), str(value))
        element.append(child)
    properties.append(element)


def test_word_lists_keep_their_marks_by_style_and_by_numbering() -> None:
    document = WORD.Document()
    document.add_paragraph("seal", style="List Bullet")
    document.add_paragraph("ring", style="List Bullet 2")
    document.add_paragraph("stop", style="List Number")
    document.add_paragraph("open", style="List Number")
    document.add_paragraph("Then:")
    for text in ("drain", "close"):
        numbered(document.add_paragraph(text), 5)
    assert texts(parse(saved(document))) == [
        "- seal",
        "  - ring",
        "1. stop",
        "2. open",
        "Then:",
        "1. drain",
        "2. close",
    ]


def test_word_tables_are_markdown_and_merged_cells_stand_in_each_row() -> None:
    document = WORD.Document()
    table = document.add_table(rows=3, cols=3)
    for index, text in enumerate(["Part", "Number", "Note", "Seal", "S-100", "soft | red", "", "S-200", "two\nlines"]):
        table.cell(index // 3, index % 3).text = text
    merged = table.cell(1, 0).merge(table.cell(2, 0))
    merged.text = "Seal"
    parsed = parse(saved(document))
    [block] = parsed.sections[0].blocks
    assert block.verbatim
    assert texts(parsed) == [
        "| Part | Number | Note |",
        "| --- | --- | --- |",
        "| Seal | S-100 | soft \\| red |",
        "| Seal | S-200 | two; lines |",
    ]


def with_footnote(document: Any, text: str) -> bytes:
    """Return a document with a footnote of number 2, which python-docx cannot write."""
    document.add_paragraph("The seal is red.")
    mark = WORD.oxml.OxmlElement("w:footnoteReference")
    mark.set(WORD.oxml.ns.qn("w:id"), "2")
    document.paragraphs[-1].add_run()._r.append(mark)
    names = "http://schemas.openxmlformats.org"
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    added = {
        "[Content_Types].xml": ("</Types>", f'<Override PartName="/word/footnotes.xml" ContentType="{kind}"/>'),
        "word/_rels/document.xml.rels": (
            "</Relationships>",
            f'<Relationship Id="n" Type="{names}/officeDocument/2006/relationships/footnotes" Target="footnotes.xml"/>',
        ),
    }
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(saved(document))) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            data = old.read(name).decode("utf-8", "surrogateescape")
            if name in added:
                end, element = added[name]
                data = data.replace(end, element + end)
            new.writestr(name, data.encode("utf-8", "surrogateescape"))
        new.writestr(
            "word/footnotes.xml",
            f'<w:footnotes xmlns:w="{names}/wordprocessingml/2006/main"><w:footnote w:id="2"><w:p><w:r><w:t>{text}'
            "</w:t></w:r></w:p></w:footnote></w:footnotes>",
        )
    return file.getvalue()


def test_word_footnote_stands_below_its_paragraph() -> None:
    parsed = parse(with_footnote(WORD.Document(), "Since 2021."))
    assert texts(parsed) == ["The seal is red.[^2]", "[^2]: Since 2021."]
    assert len(parsed.sections[0].blocks) == 1


def deck() -> Any:
    slides = POWERPOINT.Presentation()
    first = slides.slides.add_slide(slides.slide_layouts[1])
    first.shapes.title.text = "Results"
    first.placeholders[1].text_frame.text = "Revenue grew"
    first.notes_slide.notes_text_frame.text = "Say that churn fell."
    second = slides.slides.add_slide(slides.slide_layouts[6])
    size = POWERPOINT.util.Inches(2)
    table = second.shapes.add_table(2, 2, size, size, size, size).table
    for index, text in enumerate(["Region", "Sales", "North", "42"]):
        table.cell(index // 2, index % 2).text = text
    return slides


def test_slides_are_pages_with_their_titles_tables_and_notes() -> None:
    parsed = parse(saved(deck()))
    assert [(section.path, parsed.page_numbers[section.blocks[0].first]) for section in parsed.sections] == [
        (("Results",), 1),
        (("Slide 2",), 2),
    ]
    assert texts(parsed)[:3] == ["Results", "Revenue grew", "Notes: Say that churn fell."]
    assert texts(parsed)[-1] == "| North | 42 |"
    assert (parsed.title, parsed.metadata["pages"]) == ("Results", 2)


def workbook() -> Any:
    book = EXCEL.Workbook()
    sheet = book.active
    sheet.title = "Sales"
    sheet.append(["Report of March"])
    sheet.append(["Date", "Region", "Amount"])
    sheet.append([date(2024, 3, 1), "North", 1234.5])
    sheet.append([datetime(2024, 3, 2, 14, 30, tzinfo=UTC).replace(tzinfo=None), "South", 7])
    book.create_sheet("Empty")
    book.create_sheet("Parts").append(["Seal"])
    return book


@pytest.mark.parametrize(
    ("states", "told"),
    [
        (["visible", "visible"], []),
        (["visible", "hidden"], ['Sheet "P1" is hidden in Excel. Its']),
        (["veryHidden"] * 6, ['Sheets "P0", "P1", "P2", "P3", "P4" and 1 more are hidden in Excel. Their']),
    ],
)
def test_hidden_sheets_are_read_and_told(states: list[str], told: list[str]) -> None:
    book = EXCEL.Workbook()
    book.remove(book.active)
    for number, state in enumerate(states):
        sheet = book.create_sheet(f"P{number}")
        sheet.append([f"Seal {number}"])
        sheet.sheet_state = state
    book.create_sheet("Empty")
    parsed = parse(saved(book))
    assert list(parsed.notes) == [f"{each} rows were read too." for each in told]
    assert [line for line in texts(parsed) if "Seal" in line] == [f"Seal {number}" for number in range(len(states))]


def test_rows_of_a_sheet_carry_their_headers_and_sheets_are_pages() -> None:
    parsed = parse(saved(workbook()))
    assert texts(parsed) == [
        "Sales",
        "Report of March",
        "Date: 2024-03-01 | Region: North | Amount: 1234.5",
        "Date: 2024-03-02 14:30 | Region: South | Amount: 7",
        "Parts",
        "Seal",
    ]
    assert [section.path for section in parsed.sections] == [("Sales",), ("Parts",)]
    assert {parsed.page_numbers[section.blocks[0].first] for section in parsed.sections} == {1, 3}


def test_far_cell_makes_one_line_and_not_millions_of_cells() -> None:
    book = workbook()
    book["Sales"]["XFD1048576"] = "far away"
    lines = texts(parse(saved(book)))
    assert "far away" in lines
    assert max(map(len, lines)) < 100
    assert len(lines) == 7


def test_old_excel_is_read() -> None:
    book = OLD_EXCEL.Workbook()
    sheet = book.add_sheet("Old")
    for index, text in enumerate(["Name", "When", "Älter", "later"]):
        sheet.write(index // 2, index % 2, text)
    assert texts(parse(saved(book))) == ["Old", "Name: Älter | When: later"]


OLD_MARK = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"nothing of the kind", "not an Office file, or it is damaged"),
        (saved(WORD.Document())[:2000], "not an Office file, or it is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2000), "before 2007"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "encrypted and needs a password",
        ),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        parse(data)


SAMPLES = [saved(make()) for make in (WORD.Document, deck, workbook)]


@given(
    st.sampled_from(SAMPLES), st.floats(0, 1), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=8)
)
@settings(max_examples=60, deadline=None)
def test_damaged_files_raise_nothing_but_errors_of_resift(
    sample: bytes, end: float, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(sample)
    for at, value in changes:
        data[int(at * len(data))] = value
    with suppress(ResiftError):
        assert parse(bytes(data[: int(end * len(data)) or 1])) is not None


def rewritten(data: bytes, name: str, change: Callable[[str], str]) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for each in old.namelist():
            text = old.read(each)
            new.writestr(each, change(text.decode()) if each == name else text)
    return file.getvalue()


def test_entities_of_word_files_are_not_resolved(tmp_path: Any) -> None:
    (tmp_path / "secret.txt").write_text("the secret")
    document = WORD.Document()
    document.add_paragraph("PLACE")

    def attack(xml: str) -> str:
        entity = f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{tmp_path}/secret.txt">]>'
        start, _, rest = xml.partition("?>")
        return f"{start}?>{entity}{rest.replace('PLACE', '&x;')}"

    with suppress(UnreadableFile):
        assert "the secret" not in "\n".join(parse(rewritten(saved(document), "word/document.xml", attack)).lines)
