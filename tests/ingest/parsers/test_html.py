import pytest

from resift.core.values import Document, Passage
from resift.ingest.parsers.html import HtmlParser
from resift.ingest.parsers.protocols import Content
from resift.tests.ingest.harness import ParsingChunker

LONG = "word " * 150


def cut(chunker: ParsingChunker, text: str) -> list[Passage]:
    return chunker.chunk(Document(id="d", title="", text=text, source="a.html"))


def text_of(chunker: ParsingChunker, text: str) -> str:
    return "\n\n".join(passage.text for passage in cut(chunker, text))


def test_headings_nest_and_lines_are_those_of_the_source(chunker: ParsingChunker) -> None:
    page = f"<html>\n<body>\n<h1>A</h1>\n<p>{LONG}\nend</p>\n<h2><div>B</div></h2>\n\n<p>{LONG}</p>"
    first, second = cut(chunker, page)
    assert (first.heading, first.start_line, first.end_line) == ("A", 3, 5)
    assert (second.heading, second.start_line, second.end_line) == ("A > B", 6, 8)


@pytest.mark.parametrize(
    ("head", "author"),
    [
        ('<META Name="Author" CONTENT="Ada &amp; Bob"/>', "Ada & Bob"),
        ("<meta content='Ada' name=author><meta name=author content=Bob><meta name=author content=Ada>", "Ada, Bob"),
        ('<meta name="author" content="">', None),
        ('<meta name="author" content="admin">', None),
        ('<meta name="description" content="Ada">', None),
        ('<!-- <meta name="author" content="Ada"> -->', None),
    ],
)
def test_author_is_what_the_page_says(head: str, author: str | None) -> None:
    parsed = HtmlParser().parse(Content("a.html", text=f"<head>{head}</head><p>x</p>"))
    assert parsed.metadata.get("author") == author


def test_entities_are_decoded(chunker: ParsingChunker) -> None:
    assert text_of(chunker, "<p>a &amp; b&nbsp;&#233;&#x1F600; &unknown x&y=1</p>") == "a & b é😀 &unknown x&y=1"


def test_entity_for_a_newline_does_not_count_as_a_line(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, "<p>a&#10;&#10;b</p>")
    assert (passage.text, passage.end_line) == ("a b", 1)


def test_scripts_and_boilerplate_are_left_out(chunker: ParsingChunker) -> None:
    page = "<nav>n</nav><header>h</header><script>s < 1</script><style>t</style><p>kept</p><footer>f</footer>"
    assert text_of(chunker, page) == "kept"


def test_header_of_an_article_is_kept(chunker: ParsingChunker) -> None:
    assert text_of(chunker, "<article><header><h1>Name</h1></header><p>x</p></article>") == "Name\n\nx"


def test_unclosed_nav_does_not_hide_the_page(chunker: ParsingChunker) -> None:
    assert text_of(chunker, "<div><nav>n</div><p>kept") == "kept"
    assert text_of(chunker, "<nav><p>all there is") == "all there is"


def test_pre_is_verbatim(chunker: ParsingChunker) -> None:
    assert (
        text_of(chunker, "<p>x</p><pre>def f():\n    return  1\n\nf()</pre>") == "x\n\ndef f():\n    return  1\n\nf()"
    )


def test_breaks_cells_and_blanks(chunker: ParsingChunker) -> None:
    page = "<table><tr><td>a</td><td>b  c</td></tr><tr><th>d</th></tr></table>x<br>y <b>z</b>"
    assert text_of(chunker, page) == "a | b c\nd\n\nx\ny z"


ROWS = [f"<tr>\n  <td><p>pump {n}</p></td>\n  <td>{n}\n    litres</td>\n</tr>" for n in range(100)]


@pytest.mark.parametrize(
    "head", ["<tr><th>model</th><th>capacity</th></tr>", "<thead><tr><td>model</td><td>capacity</td></tr></thead>"]
)
def test_torn_table_repeats_its_header(chunker: ParsingChunker, head: str) -> None:
    rows = "\n".join(ROWS)
    first, second, *others = cut(chunker, f"<p>Pumps</p>\n<table>\n{head}\n{rows}\n</table>\n<p>end</p>")
    assert first.text.startswith("Pumps\n\nmodel | capacity\npump 0 | 0 litres\npump 1 | 1 litres\n")
    for passage in (second, *others):
        header, *rest = passage.text.split("\n")
        number = int(rest[0].split(" | ")[0].removeprefix("pump "))
        assert header == "model | capacity"
        assert rest[0] == f"pump {number} | {number} litres"
        assert passage.start_line == 5 + 5 * number  # that of the first cell
    assert others[-1].text.endswith("pump 99 | 99 litres\n\nend")


def test_table_for_layout_keeps_its_paragraphs_and_headings(chunker: ParsingChunker) -> None:
    page = "<table><tr><td><h2>Menu</h2><p>one</p><p>two</p></td><td><div>side</div>text</td></tr></table>"
    assert text_of(chunker, page) == "Menu\none\ntwo | side\ntext"
    (passage,) = cut(chunker, page)
    assert passage.heading == "Menu"


def test_text_after_an_empty_heading_is_not_a_heading(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, "<h1></h1><p>text</p>")
    assert passage.heading == ""


def test_tag_that_never_ends_is_text(chunker: ParsingChunker) -> None:
    assert text_of(chunker, "<p>if a <b and") == "if a <b and"


@pytest.mark.parametrize("reference", [f"&#{'1' * 4301};", f"&#x{'F' * 5000};", f"&#{'0' * 4301}1234567890;"])
def test_reference_of_thousands_of_digits_is_an_unknown_character(chunker: ParsingChunker, reference: str) -> None:
    assert text_of(chunker, f"<p>a{reference}b") == "a\ufffdb"


def test_reference_with_leading_zeros_is_decoded(chunker: ParsingChunker) -> None:
    assert text_of(chunker, f"<p>&#{'0' * 20}65;&#x{'0' * 20}42;") == "AB"


def test_breaks_of_hidden_text_are_one_break(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, "<p>a<template>\n\n\n</template>b\n<p>c")
    assert (passage.text, passage.start_line, passage.end_line) == ("a\nb\n\nc", 1, 5)


def test_empty_cells_keep_their_columns(chunker: ParsingChunker) -> None:
    page = (
        "<table><tr><th></th><th>2023</th><th>2024</th></tr>"
        "<tr><td>North</td><td>&nbsp;</td><td>12</td></tr><tr><td></td><td></td><td></td></tr>"
        "<tr><td>South</td><td>8</td><td></td></tr></table>"
    )
    assert text_of(chunker, page) == "| 2023 | 2024\nNorth | | 12\nSouth | 8"


def test_columns_without_text_are_left_out(chunker: ParsingChunker) -> None:
    page = (
        "<table><tr><td></td><td>a</td><td> </td><td>b</td></tr><tr><td><img></td><td>c</td><td></td><td>d</td></table>"
    )
    assert text_of(chunker, page) == "a | b\nc | d"


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            "<tr><td>Region<td>City<td>Sum<tr><td rowspan=2>North<td>Kiel<td>5<tr><td>Bremen<td>7<tr><td>W<td>Ulm<td>9",
            "Region | City | Sum\nNorth | Kiel | 5\nNorth | Bremen | 7\nW | Ulm | 9",
        ),
        (
            "<tr><th rowspan=2>Name<th colspan='2'>Size<th rowspan=2>Price<tr><th>min<th>max<tr><td>A<td>1<td>2<td>3",
            "Name | Size | | Price\nName | min | max | Price\nA | 1 | 2 | 3",
        ),
        (
            "<tr><td>Kiel<td rowspan=0>5<tr><td>Ulm<tbody><tr><td>Jena<td>6",
            "Kiel | 5\nUlm | 5\nJena | 6",
        ),
        (
            "<tr><td rowspan=3 colspan=2>a<br>b<td>1<tr><td>2<tr><td colspan=x rowspan=99999999999>3",
            "a\nb | 1\na b | 2\na b | 3",
        ),
        (
            "<tr><td rowspan=2><table><tr><td>in<td>ner</table><td>1<tr><td>2",
            "in | ner\n\n1\n\n2",
        ),
    ],
)
def test_cells_over_rows_and_columns_keep_values_below_their_headers(
    chunker: ParsingChunker, rows: str, expected: str
) -> None:
    assert text_of(chunker, f"<table>{rows}</table>") == expected


def test_lines_of_rows_are_those_of_their_first_text(chunker: ParsingChunker) -> None:
    page = f"<table>\n<tr><td rowspan=2>{LONG}\n<td>one\n<tr>\n<td>\n{LONG}two</table>"
    parsed = HtmlParser().parse(Content("a.html", text=page))
    assert [(line[-3:], number) for line, number in zip(parsed.lines, parsed.line_numbers, strict=True) if line] == [
        ("one", 2),
        ("two", 6),
    ]


def test_lists_keep_numbers_bullets_and_levels(chunker: ParsingChunker) -> None:
    page = (
        "<ol start=3><li>Open.<li><p>Shut.</p><p>Wait.</p><ul><li>a<li></ul><li value=9>Go.</ol>"
        "<ol type=a><li>x<li>y</ol><ul><li>One<ul><li>Two<ol><li>Three</ol></ul><li>Four</ul>"
    )
    assert [line for line in text_of(chunker, page).split("\n") if line] == [
        *("3. Open.", "4. Shut.", "Wait.", "  - a", "9. Go."),
        *("a. x", "b. y", "- One", "  - Two", "    1. Three", "- Four"),
    ]


def test_number_of_a_heading_in_a_list_is_kept(chunker: ParsingChunker) -> None:
    (passage,) = cut(chunker, "<ol><li><h2>Open</h2><p>x</p></ol>")
    assert (passage.heading, passage.text) == ("1. Open", "1. Open\n\nx")


def test_text_that_stands_for_a_picture_is_kept(chunker: ParsingChunker) -> None:
    page = "<p>See<img alt='wiring of &quot;pump&quot;\n 7'><img alt=''><img alt=logo.png>now</p><nav><img alt=x></nav>"
    assert text_of(chunker, page) == 'See wiring of "pump" 7 now'


@pytest.mark.parametrize(
    "page",
    [
        "<p hidden>no</p><p>yes</p>",
        "<p hidden>no<p>yes",
        "<div HIDDEN=''><div>no</div><p>no<br>no</div>yes",
        '<div style="color:red; Display : none !important">no<p>no</div><p>yes',
        "<span style='visibility:hidden'>no<span>no</span>no</span>yes",
        "<div><span hidden>no</div>yes",
        "<ul><li hidden>no<ul><li>no</ul>no<li>yes</ul>",
        "<p><b hidden>no</p>yes",
        "<div hidden></p>no</div>yes",
        "<table><tr><td hidden>no<table><tr><td>no</table>no<td>yes<tr hidden><td>no<td>no</table>",
        "<nav hidden>no</nav><div hidden>no<nav>no</div>yes",
        "<img hidden alt=no><img hidden>yes",
    ],
)
def test_text_that_the_page_hides_is_left_out(chunker: ParsingChunker, page: str) -> None:
    assert text_of(chunker, page).removeprefix("- ") == "yes"


@pytest.mark.parametrize(
    "attributes",
    ["aria-hidden=true", "hidden=until-found", "style='display:block'", "style='x-display:none'", "data-hidden"],
)
def test_text_that_readers_see_is_kept(chunker: ParsingChunker, attributes: str) -> None:
    assert text_of(chunker, f"<body style='display:none'><p {attributes}>yes</p>") == "yes"
