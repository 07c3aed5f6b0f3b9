"""Citations of pages and lines, and reading them back."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resift.core.citations import Citation
from resift.core.values import Passage

NUMBERS = st.integers(1, 10**6)


@pytest.mark.parametrize(
    ("text", "citation"),
    [
        ("docs/setup.md:10-24", Citation("docs/setup.md", first=10, last=24)),
        ("docs/setup.md:7", Citation("docs/setup.md", first=7)),
        ("docs/setup.md:7-7", Citation("docs/setup.md", first=7, last=7)),
        ("docs/setup.md", Citation("docs/setup.md")),
        ("report.pdf:p.12", Citation("report.pdf", first=12, is_page=True)),
        ("report.pdf:p.12-13", Citation("report.pdf", first=12, last=13, is_page=True)),
        ("report.pdf:p. 12", Citation("report.pdf", first=12, is_page=True)),
        ("report.pdf:P12\u201313", Citation("report.pdf", first=12, last=13, is_page=True)),
        ("a.zip/docs/a.md:3-4", Citation("a.zip/docs/a.md", first=3, last=4)),
        ("two\nlines.md:3-4", Citation("two\nlines.md", first=3, last=4)),
        ("https://example.com:8080/a", Citation("https://example.com:8080/a")),
        ("report.pdf:p.0", Citation("report.pdf:p.0")),
        ("report.pdf:p.", Citation("report.pdf:p.")),
        (":12", Citation(":12")),
        ("", Citation("")),
    ],
)
def test_citation_is_read_as_a_source_with_lines_or_pages(text: str, citation: Citation) -> None:
    assert Citation.parse(text) == citation


@given(source=st.text(min_size=1, max_size=20), first=NUMBERS, more=st.integers(0, 9), is_page=st.booleans())
def test_what_is_cited_is_read_back(source: str, first: int, more: int, is_page: bool) -> None:
    passage = (
        Passage("d", 0, text="", source=source, page=first, end_page=first + more)
        if is_page
        else Passage("d", 0, text="", source=source, start_line=first, end_line=first + more)
    )
    found = Citation.parse(passage.citation)
    assert (found.source, found.first, found.is_page) == (source, first, is_page)
    assert (found.last or found.first) == first + more


def test_record_whose_name_is_its_line_is_cited_by_its_name() -> None:
    record = Passage("d", 0, text="", source="notes.jsonl/line 13", start_line=13, end_line=13)
    assert record.citation == "notes.jsonl/line 13"
    assert replace(record, start_line=3, end_line=3).citation == "notes.jsonl/line 13:3"
    assert replace(record, start_line=13, end_line=14).citation == "notes.jsonl/line 13:13-14"


def test_passage_with_pages_is_cited_by_its_pages() -> None:
    passage = Passage("d", 0, text="", source="report.pdf", page=12, end_page=12)
    assert passage.citation == "report.pdf:p.12"
    assert passage.cite("a/report.pdf") == "a/report.pdf:p.12"
    assert Passage("d", 0, text="", source="report.pdf", page=12, end_page=13).citation == "report.pdf:p.12-13"
    assert Passage("d", 0, text="", source="setup.md", start_line=10, end_line=24).citation == "setup.md:10-24"
    assert Passage("d", 0, text="", source="setup.md", start_line=7, end_line=7).citation == "setup.md:7"
    assert Passage("d", 0, text="", source="setup.md").citation == "setup.md"
    assert Passage("d", 0, text="", page=3, end_page=3).citation == ""
