"""What is left out at the edges of pages: running heads and page numbers, but no content."""

import pytest
from reportlab.pdfgen.canvas import Canvas

from resift.ingest.layout.page_numbers import shared_texts
from resift.ingest.layout.segments import Row, Segment
from resift.tests.ingest.layout.drawing import WORDS, Draw, lines_at, parse, pdf, text_of, texts, wrapped


def test_running_heads_and_page_numbers_are_left_out() -> None:
    def page(number: int) -> Draw:
        def draw(canvas: Canvas) -> None:
            lines_at(canvas, 72, 800, [f"Pump manual   Chapter {number}"], size=8)
            lines_at(canvas, 72, 740, [f"Text of page {number}.", *wrapped(WORDS, 80)])
            lines_at(canvas, 290, 30, [f"Page {number} of 4"], size=8)

        return draw

    parsed = parse(pdf(*map(page, range(1, 5))))
    assert [line for line in texts(parsed) if "Chapter" in line or " of 4" in line] == []
    assert sum("Text of page" in line for line in parsed.lines) == 4


def sheet(number: int, *, edge: str, size: float, foot: str = "", foot_size: float = 10) -> Draw:
    """Return a page with a line at its upper edge, a text of its own, and a line at its lower edge."""

    def draw(canvas: Canvas) -> None:
        lines_at(canvas, 72, 790, [edge], size=size)
        lines_at(canvas, 72, 740, [f"Text of sheet {'abcd'[number - 1]}.", *wrapped(WORDS, 80)])
        lines_at(canvas, 72, 60, [foot], size=foot_size)

    return draw


@pytest.mark.parametrize(
    ("edges", "size"),
    [
        ([f"Invoice {number}" for number in range(1001, 1005)], 18),
        ([f"Chapter {number}" for number in range(1, 5)], 18),
        ([f"Invoice {number}" for number in range(1, 5)], 10),
        ([f"Invoice no. {number}" for number in range(1, 5)], 8),
        ([f"Employee no. {number}" for number in (7310, 7323, 7336)], 10),
        (["Total: 250 EUR", "Total: 500 EUR", "Total: 750 EUR"], 8),
        (["1 March 2024", "4 March 2024", "9 March 2024"], 10),
        (["2024-03-01", "2024-03-02", "2024-03-03"], 10),
        (["1.3.2024", "2.3.2024", "3.3.2024"], 10),
        (["Model X200", "Model X200"], 10),
    ],
)
@pytest.mark.parametrize("at_foot", [False, True])
def test_content_at_the_edge_of_pages_is_kept(edges: list[str], size: float, *, at_foot: bool) -> None:
    def page(number: int, edge: str) -> Draw:
        if at_foot:
            return sheet(number, edge="", size=10, foot=edge, foot_size=size)
        return sheet(number, edge=edge, size=size)

    parsed = parse(pdf(*(page(number, edge) for number, edge in enumerate(edges, start=1))))
    assert [line for line in texts(parsed) if line in edges] == edges


@pytest.mark.parametrize(
    ("feet", "size"),
    [
        (["1", "2"], 10),
        (["Page 1 of 2", "Page 2 of 2"], 10),
        (["- i -", "- ii -", "- iii -"], 10),
        (["1203", "1204", "1205"], 10),
        (["3-10", "3-11", "3-12"], 10),
        (["Pump manual | 3", "4 | Pump manual", "Pump manual | 5"], 10),
        (["Pump manual, p. 103", "Pump manual, p. 104", "Pump manual, p. 105"], 10),
        (["Pump manual 3", "Pump manual 4", "Pump manual 5"], 8),
        (["Pumps Ltd, Main Street 1"] * 3, 10),
    ],
)
def test_page_numbers_and_their_words_are_left_out(feet: list[str], size: float) -> None:
    pages = [sheet(at, edge="", size=10, foot=foot, foot_size=size) for at, foot in enumerate(feet, start=1)]
    assert [line for line in texts(parse(pdf(*pages))) if line in feet] == []


def test_large_title_of_every_page_is_kept_once() -> None:
    parsed = parse(pdf(*(sheet(number, edge="Price list", size=18) for number in range(1, 4))))
    assert [(line, page) for line, page in zip(parsed.lines, parsed.page_numbers, strict=True) if "Price" in line] == [
        ("Price list", 1)
    ]


def test_pages_that_begin_alike_keep_their_text() -> None:
    parsed = parse(pdf(*[text_of(["All that this page says."])] * 4))
    assert texts(parsed) == ["All that this page says."] * 4


def shared(text: str, page: int, *, is_large: bool = False) -> set[str]:
    row = Row((Segment(text=text, left=0, right=100, y=10, size=10),))
    return {each.text for each in shared_texts(row, page, is_large=is_large, is_small=False)}


@pytest.mark.parametrize(
    "form", ["{}", "page {} of 12", "第{}页", "Seite {}/12", "manual | {}", "— {} —", "manual, p. {}"]
)
def test_forms_of_page_numbers_are_counted_from_the_page(form: str) -> None:
    assert shared(form.format(8), 3) & shared(form.format(9), 4)
    assert not shared(form.format(8), 3) & shared(form.format(10), 4)
    assert not shared(form.format(8), 3, is_large=True) & shared(form.format(9), 4, is_large=True)


def test_roman_numbers_count_as_numbers() -> None:
    assert shared("xiv", 14) & shared("15", 15)
    assert not shared("civil 1", 1) & shared("civil 2", 2)
