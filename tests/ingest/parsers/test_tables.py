"""CSV and TSV: rows with their headers, on their lines."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.errors import BlankFile, ResiftError, UnreadableFile
from resift.core.values import Document, Passage
from resift.ingest.parsers.protocols import Content
from resift.ingest.parsers.tables import MAX_COLUMNS, TableParser
from resift.ingest.text.structure import ParsedDocument
from resift.tests.ingest.harness import ParsingChunker


def parse(text: str, source: str = "a.csv") -> ParsedDocument:
    return TableParser().parse(Content(source, text=text))


def cut(chunker: ParsingChunker, text: str) -> list[Passage]:
    return chunker.chunk(Document(id="d", title="", text=text, source="a.csv"))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("a.csv", "name,city\nAda,London\nAlan,Wilmslow\n"),
        ("a.csv", "name;city\nAda;London\nAlan;Wilmslow\n"),
        ("a.csv", "name|city\nAda|London\nAlan|Wilmslow\n"),
        ("a.csv", "name\tcity\nAda\tLondon\nAlan\tWilmslow\n"),
        ("a.tsv", "name\tcity\nAda\tLondon\nAlan\tWilmslow\n"),
        ("a.csv", 'name;city\n"Ada";"London"\nAlan;Wilmslow\n'),
    ],
)
def test_each_row_shows_its_headers_whatever_the_delimiter(source: str, text: str) -> None:
    parsed = parse(text, source)
    assert parsed.lines == ["name: Ada | city: London", "name: Alan | city: Wilmslow"]
    assert (list(parsed.line_numbers), parsed.notes) == ([2, 3], ())


def test_first_row_with_numbers_or_a_name_twice_is_data() -> None:
    assert parse("1,2\n3,4\n").lines == ["1 | 2", "3 | 4"]
    assert parse("a,a\nb,c\n").lines == ["a | a", "b | c"]


def test_years_are_headers_above_columns_without_years() -> None:
    assert parse("country,2019,2020\nFrance,1.8,-7.9\n").lines == ["country: France | 2019: 1.8 | 2020: -7.9"]
    assert parse("Alien,1979\nHeat,1995\n").lines == ["Alien | 1979", "Heat | 1995"]


def test_row_is_cited_by_its_lines_though_cells_have_line_ends(chunker: ParsingChunker) -> None:
    text = 'name,note\nAda,"one\ntwo"\nAlan,x\n' + "".join(f"n{number},{'word ' * 12}\n" for number in range(30))
    passages = cut(chunker, text)
    assert len(passages) > 2
    assert passages[0].text.startswith("name: Ada | note: one two\nname: Alan | note: x\n")
    assert (passages[0].start_line, passages[-1].end_line) == (2, 34)
    assert all(line.startswith("name: ") for passage in passages for line in passage.text.split("\n"))


def test_long_row_is_a_section_named_after_its_first_words(chunker: ParsingChunker) -> None:
    passages = cut(chunker, f'id,question,answer\n7,How does it turn?,"{"It turns on its axle. " * 60}"\n8,Why?,So.\n')
    assert [passage.heading for passage in passages][:2] == ["How does it turn?", "How does it turn?"]
    assert passages[0].text.startswith("id: 7\n\nquestion: How does it turn?\n\nanswer: It turns on its axle.")
    assert passages[-1].text.endswith("id: 8 | question: Why? | answer: So.")


def test_ragged_rows_are_kept_and_noted() -> None:
    parsed = parse("a,b\n1\n2,3,4\n5,6\n")
    assert parsed.lines == ["a: 1", "a: 2 | b: 3 | column 3: 4", "a: 5 | b: 6"]
    assert parsed.notes == (
        "a.csv: 2 rows have more or fewer cells than the first row, which has 2 (the first on line 2).",
    )


def test_quote_that_never_ends_does_not_swallow_the_rows_below() -> None:
    parsed = parse('a,b\n1,"x\n3,4\n5,6\n')
    assert parsed.lines == ['a: 1 | b: "x', "a: 3 | b: 4", "a: 5 | b: 6"]
    assert parsed.notes == ("a.csv has a quote on line 2 that never ends, so its quotes were read as text.",)


def test_inches_at_the_beginning_of_cells_do_not_join_rows() -> None:
    assert parse('size\tcolour\n"12\tred\n13\tblue\n"14\tgreen\n', "a.tsv").lines == [
        'size: "12 | colour: red',
        "size: 13 | colour: blue",
        'size: "14 | colour: green',
    ]


def test_line_that_excel_writes_for_itself_is_left_out() -> None:
    assert (parse("sep=;\na;b\n1;2\n").lines, parse("sep=;\na;b\n1;2\n").line_numbers) == (["a: 1 | b: 2"], [3])


def test_cell_of_a_megabyte_is_read(chunker: ParsingChunker) -> None:
    assert len(parse(f"a,b\nx,{'word ' * 200_000}\n").lines[-1]) > 900_000


def test_row_of_too_many_cells_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="Line 2 has 16,385 cells; the limit is 16,384"):
        parse("a,b\n" + "1," * MAX_COLUMNS)


def test_table_without_text_is_blank() -> None:
    with pytest.raises(BlankFile, match=r"a.csv has no text"):
        parse(",,\n,,\n")


ROWS = st.lists(st.lists(st.text('ab;,"\n x', max_size=6), min_size=2, max_size=4), min_size=1, max_size=6)


@given(ROWS)
def test_what_a_writer_wrote_is_read_back(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["first", "second"], *rows])
    try:
        text = " ".join(parse(out.getvalue()).lines)
    except BlankFile:
        text = ""
    assert all(word in text for row in rows for cell in row for word in cell.split() if word.isalpha())


@given(st.text("ab12,;\t|\"'\n =sep", max_size=60))
def test_any_text_is_a_table_or_blank(text: str) -> None:
    try:
        parsed = parse(text)
    except ResiftError:
        return
    assert all(1 <= number <= text.count("\n") + 1 for number in parsed.line_numbers)
