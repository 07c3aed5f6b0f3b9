"""PDF files as reportlab and pypdf write them: reading order, paragraphs, headings, tables, and what cannot be read."""

from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from resift.core.errors import BlankFile, ResiftError, UnreadableFile
from resift.tests.ingest.layout.drawing import WORDS, lines_at, parse, pdf, text_of, texts, wrapped


def test_lines_of_a_paragraph_are_joined_and_know_their_page() -> None:
    parsed = parse(pdf(lambda c: lines_at(c, 72, 700, wrapped(WORDS, 80)), lambda c: c.drawString(72, 700, "Two.")))
    assert list(zip(parsed.lines, parsed.page_numbers, strict=True))[::2] == [(WORDS, 1), ("Two.", 2)]
    assert set(parsed.line_numbers) == {0}
    assert parsed.metadata["pages"] == 2


def test_columns_are_read_one_after_the_other_below_the_heading_across_them() -> None:
    left, right = wrapped("Left " + WORDS, 45), wrapped("Right " + WORDS, 45)

    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 72, 760, ["A heading that stands across both of the columns"], size=18, font="Times-Bold")
        for index in range(max(len(left), len(right))):  # row by row, as some programs write
            for x, column in ((72, left), (310, right)):
                lines_at(canvas, x, 700 - 12 * index, column[index : index + 1])

    assert texts(parse(pdf(draw))) == [
        "A heading that stands across both of the columns",
        f"Left {WORDS}",
        f"Right {WORDS}",
    ]


def test_hyphens_that_only_divide_a_word_are_left_out() -> None:
    lines = [
        "They replaced the impel-",
        "ler and the well-",
        "known seal of the X-",
        "100 in one day, and the pres-",
        "sure held.",
    ]
    parsed = parse(pdf(lambda c: lines_at(c, 72, 700, lines)))
    assert texts(parsed) == [
        "They replaced the impeller and the well-known seal of the X-100 in one day, and the pressure held."
    ]


def test_paragraph_that_goes_on_over_the_page_is_one_block_of_two_pages() -> None:
    def first(canvas: Canvas) -> None:
        lines_at(canvas, 72, 700, [*wrapped(WORDS, 80)[:-1], "and the pres-"])

    parsed = parse(pdf(first, lambda c: lines_at(c, 72, 760, ["sure was gone."])))
    [section] = parsed.sections
    [block] = section.blocks
    assert [parsed.lines[block.first][-12:], parsed.lines[block.last - 1]] == ["the pressure", "was gone."]
    assert parsed.page_numbers[block.first : block.last] == [1, 2]


def test_headings_come_from_the_fonts_and_nest_by_size() -> None:
    def draw(canvas: Canvas) -> None:
        y = lines_at(canvas, 72, 760, ["Pump manual"], size=24, font="Times-Bold")
        y = lines_at(canvas, 72, y, ["Safety"], size=16, font="Times-Bold")
        y = lines_at(canvas, 72, y - 10, wrapped(WORDS, 80))
        y = lines_at(canvas, 72, y - 10, ["Before you open it"], font="Times-Bold")
        lines_at(canvas, 72, y, wrapped(WORDS, 80))

    parsed = parse(pdf(draw))
    assert parsed.title == "Pump manual"
    assert [section.path for section in parsed.sections] == [
        ("Pump manual", "Safety"),
        ("Pump manual", "Safety", "Before you open it"),
    ]


def test_headings_of_the_outline_win_over_fonts() -> None:
    def draw(canvas: Any) -> None:
        for y, title, level in ((760, "1 Intro", 0), (600, "1.1 Aim", 1)):
            canvas.bookmarkPage(title)
            canvas.addOutlineEntry(title, title, level)
            lines_at(canvas, 72, y, [title])
            lines_at(canvas, 72, y - 30, wrapped(WORDS, 80))
        lines_at(canvas, 72, 400, ["Large, yet no heading"], size=20)

    assert [section.path for section in parse(pdf(draw)).sections] == [("1 Intro",), ("1 Intro", "1.1 Aim")]


def test_table_keeps_its_rows_and_cells() -> None:
    rows = [("Part", "Number", "Price"), ("Shaft seal", "S-100", "12.50"), ("Impeller", "A-20", "99.00")]

    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 72, 760, wrapped(WORDS, 80))
        for index, row in enumerate(rows):
            for x, cell in zip((72, 220, 340), row, strict=True):
                lines_at(canvas, x, 660 - 16 * index, [cell])

    parsed = parse(pdf(draw))
    *_, table = parsed.sections[0].blocks
    assert table.verbatim
    assert parsed.lines[table.first : table.last] == [
        "| Part | Number | Price |",
        "| --- | --- | --- |",
        "| Shaft seal | S-100 | 12.50 |",
        "| Impeller | A-20 | 99.00 |",
    ]


def test_cells_of_several_lines_stay_in_their_rows() -> None:
    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 72, 760, wrapped(WORDS, 80))
        for row in range(3):
            y = 660 - 40 * row
            lines_at(canvas, 72, y, [f"Region {row}"])
            lines_at(canvas, 200, y, [str(row + 5)])
            lines_at(canvas, 280, y + 12, ["grew because of demand", "in several of the markets", "and of prices"])

    parsed = parse(pdf(draw))
    *_, table = parsed.sections[0].blocks
    assert parsed.lines[table.first : table.last] == [
        f"| Region {row} | {row + 5} | grew because of demand in several of the markets and of prices |"
        for row in range(3)
    ]


def test_heading_between_two_tables_belongs_to_neither() -> None:
    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 72, 760, wrapped(WORDS, 80))
        for first, y in (("2019", 660), ("2015", 600)):
            for place in range(2):
                lines_at(canvas, 72, y - 14 * place, [f"{first} - {place}"])
                lines_at(canvas, 180, y - 14 * place, ["Engineer of pumps"])
        lines_at(canvas, 72, 622, ["Education"], font="Times-Bold", size=12)

    assert [section.path for section in parse(pdf(draw)).sections] == [(), ("Education",)]


def test_points_of_a_slide_are_no_headings() -> None:
    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 60, 700, ["Why pumps fail"], size=32)
        lines_at(canvas, 80, 600, ["\u2022 Dry running destroys seals"], size=20)
        lines_at(canvas, 60, 100, wrapped(WORDS, 120), size=8)

    assert {section.path for section in parse(pdf(draw)).sections} == {("Why pumps fail",)}


def test_listing_keeps_its_lines_and_indentation() -> None:
    code = ["def stop(pump):", "    pump.halt()", "    return True"]

    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 72, 760, wrapped(WORDS, 80))
        for index, line in enumerate(code):
            indent = len(line) - len(line.lstrip())
            lines_at(canvas, 72 + 6 * indent, 660 - 12 * index, [line.strip()], font="Courier")

    parsed = parse(pdf(draw))
    assert parsed.lines[parsed.sections[0].blocks[-1].first :][:3] == code


def test_items_of_a_list_stay_apart() -> None:
    parsed = parse(pdf(lambda c: lines_at(c, 72, 700, ["Check these:", "1. the seal", "2. the shaft", "3. the gauge"])))
    assert texts(parsed) == ["Check these:", "1. the seal", "2. the shaft", "3. the gauge"]


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Pump manual", "Pump manual"),
        ("Microsoft Word - Pump manual", "Pump manual"),
        ("x12.doc", ""),
        ("untitled", ""),
    ],
)
def test_title_and_author_are_taken_where_they_are_sane(title: str, expected: str) -> None:
    parsed = parse(pdf(text_of(["Text."]), title=title, author="Ada Byron"))
    assert (parsed.title, parsed.metadata["author"]) == (expected, "Ada Byron")
    assert "author" not in parse(pdf(text_of(["Text."]), author="anonymous")).metadata


def test_rotated_text_is_read_in_its_own_direction() -> None:
    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 72, 760, wrapped(WORDS, 80))
        canvas.rotate(90)
        canvas.drawString(300, -30, "Stamped on the margin")

    assert texts(parse(pdf(draw))) == [WORDS, "Stamped on the margin"]


def encrypted(data: bytes) -> bytes:
    writer = PdfWriter(PdfReader(BytesIO(data)))
    writer.encrypt("secret", algorithm="RC4-128")
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "error", "reason"),
    [
        (encrypted(pdf(text_of(["Text."]))), UnreadableFile, "encrypted and needs a password"),
        (b"%PDF-1.7 and nothing else", UnreadableFile, "damaged"),
        (pdf(lambda c: c.showPage()), BlankFile, "no text|empty"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, error: type[ResiftError], reason: str) -> None:
    with pytest.raises(error, match=reason):
        parse(data)


SAMPLE = pdf(*[text_of(wrapped(WORDS, 40))] * 2, title="Sample")


@given(
    st.integers(0, len(SAMPLE)), st.lists(st.tuples(st.integers(0, len(SAMPLE) - 1), st.integers(0, 255)), max_size=8)
)
@settings(max_examples=60, deadline=None)
def test_damaged_files_raise_nothing_but_errors_of_resift(end: int, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLE)
    for at, value in changes:
        data[at] = value
    with suppress(ResiftError):
        assert parse(bytes(data[:end])).lines
