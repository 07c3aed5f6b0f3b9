"""JSON with readable paths, and JSON Lines with a document a record."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resift.core.errors import BlankFile, ResiftError, UnreadableFile
from resift.core.values import Document, Passage
from resift.ingest.parsers.protocols import Content, InnerDocument, RecordFields
from resift.ingest.parsers.records import MAX_RECORDS, JsonLinesContainer, JsonParser
from resift.ingest.parsing import parse_file
from resift.ingest.text.structure import ParsedDocument
from resift.tests.ingest.harness import ParsingChunker


def parse(text: str) -> ParsedDocument:
    return JsonParser().parse(Content("a.json", text=text))


def records(text: str, fields: RecordFields | None = None) -> list[InnerDocument]:
    content = Content("a.jsonl", text=text, record_fields=fields or RecordFields())
    return list(JsonLinesContainer().split(content))


def parsed(record: InnerDocument) -> ParsedDocument:
    assert record.parsed is not None
    return record.parsed


def cut(chunker: ParsingChunker, value: Any) -> list[Passage]:
    return chunker.chunk(Document(id="d", title="", text=json.dumps(value, indent=2), source="a.json"))


def test_values_stand_under_their_paths_on_their_lines() -> None:
    text = '{\n "name": "wheel",\n "sizes": [1, 2.50, true],\n "maker": {"city": "Ulm", "none": null,\n  "e": ""}\n}'
    assert parse(text).lines == ["name: wheel", "sizes: 1, 2.50, true", "maker.city: Ulm"]
    assert list(parse(text).line_numbers) == [2, 3, 4]


def test_objects_in_a_list_are_blocks_of_their_own() -> None:
    document = parse('[{"a": 1, "b": {"c": 2}},\n {"a": 3}]')
    assert document.lines == ["[0].a: 1", "[0].b.c: 2", "", "[1].a: 3"]
    assert [(block.first, block.last) for block in document.sections[0].blocks] == [(0, 2), (3, 4)]


def test_large_values_have_headings_that_say_where_they_stand(chunker: ParsingChunker) -> None:
    people = [{"name": name, "story": f"{name} built a wheel. " * 60} for name in ("Ada", "Alan")]
    passages = cut(chunker, {"version": 3, "people": people})
    assert {passage.heading for passage in passages} >= {"people > [0] Ada", "people > [1] Alan"}
    assert all("Alan" not in passage.text for passage in passages if "Ada" in passage.heading)


def test_long_text_is_cut_between_sentences(chunker: ParsingChunker) -> None:
    passages = cut(chunker, {"story": "The wheel turns on its axle. " * 100})
    assert len(passages) > 2
    assert all(passage.text.endswith("axle.") for passage in passages)


def test_broken_json_is_text_and_noted() -> None:
    document = parse('{\n  "a": 1,\n  "b"\n}')
    assert document.lines[1] == '  "a": 1,'
    assert document.notes == (
        "a.json is not valid JSON (Expecting ':' delimiter: line 4 column 1 (char 18)), so it was read as text.",
    )


def test_settings_with_comments_are_text_without_a_note() -> None:
    document = parse('{\n  // Why.\n  "strict": true,\n}')
    assert (document.lines[1], document.notes) == ("  // Why.", ())


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 200 + "1" + "}" * 200])
def test_json_that_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFile, match="nested more than 100 levels deep"):
        parse(text)


def test_json_without_values_is_blank() -> None:
    with pytest.raises(BlankFile, match="has no values"):
        parse('{"a": [], "b": null, "c": {}}')


def test_escapes_that_no_store_accepts_are_replaced() -> None:
    assert parse(r'{"a": "x\ud800y\u0000z", "b": "\ud83d\ude00"}').lines == ["a: x\ufffdy\ufffdz", "b: 😀"]


def test_record_has_a_title_a_text_and_fields() -> None:
    [record] = records(
        '{"_id": "d1", "title": "The wheel", "text": "It turns.\\n\\nOn its axle.", "year": 1900, "tags": ["a", "b"], '
        '"url": "https://example.org/a", "ok": true, "none": null, "deep": {"city": "Ulm"}}'
    )
    document = parsed(record)
    assert (record.name, document.title) == ("d1", "The wheel")
    assert document.lines == ["It turns.", "", "On its axle.", "", "deep.city: Ulm"]
    assert document.metadata == {"year": 1900, "tags": ["a", "b"], "url": "https://example.org/a", "ok": True}


def test_record_without_a_text_is_searched_by_its_values() -> None:
    [record] = records('{"name": "Ada", "city": "London", "age": 36}')
    assert (record.name, parsed(record).title, parsed(record).lines) == ("line 1", "Ada", ["city: London", "age: 36"])
    assert parsed(record).metadata == {"city": "London", "age": 36}


def test_long_values_are_searched_and_no_fields() -> None:
    [record] = records(json.dumps({"text": "Short.", "summary": "It says more. " * 30}))
    assert parsed(record).metadata == {}
    assert parsed(record).lines[-1].startswith("summary: It says more.")


def test_fields_can_have_other_names() -> None:
    fields = RecordFields(title=("Überschrift",), text=("inhalt",), id=("nummer",))
    [record] = records('{"Nummer": 7, "überschrift": "Das Rad", "inhalt": ["Es dreht sich.", "Immer."]}', fields)
    assert (record.name, parsed(record).title) == ("7", "Das Rad")
    assert parsed(record).lines == ["Es dreht sich.", "", "Immer."]


def test_broken_line_and_id_given_twice_are_problems_of_their_own() -> None:
    found = records('{"id": 1, "text": "a"}\n{"id": 2\n\n{"id": "1", "text": "b"}\n{"id": 3, "text": "c"}')
    assert [(each.name, each.problem) for each in found] == [
        ("1", ""),
        ("line 2", "Line 2 is not valid JSON: Expecting ',' delimiter (column 9)."),
        ("1 (line 4)", "Line 4 has the same id as line 1: '1'. Give each record its own."),
        ("3", ""),
    ]


def test_id_that_is_the_number_of_another_line_is_no_other_record() -> None:
    found = records('{"id": 3, "text": "a"}\n{"text": "b"}\n{"text": "c"}\n{"id": "2", "text": "d"}')
    assert [(each.name, each.problem) for each in found] == [("3", ""), ("line 2", ""), ("line 3", ""), ("2", "")]


def test_record_is_cited_by_its_line(chunker: ParsingChunker) -> None:
    parts = parse_file("a.jsonl", b'\n{"text": "One."}\n{"text": "Two."}\n')
    assert [part.name for part in parts] == ["line 2", "line 3"]
    assert [list(part.parsed.line_numbers) for part in parts if part.parsed] == [[2], [3]]


def test_too_many_records_are_refused() -> None:
    with pytest.raises(UnreadableFile, match=r"a.jsonl has more than 100,000 records. Split it."):
        records("{}\n" * (MAX_RECORDS + 1))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=30)
@given(JSON)
def test_every_text_in_a_json_document_is_in_its_lines(value: Any) -> None:
    written = json.dumps({"a": value, "key": "known"}, ensure_ascii=False)
    try:
        text = "\n".join(parse(written).lines)
    except UnreadableFile:
        return
    assert not isinstance(value, str) or not value.isalnum() or value in text


@given(st.text('{}[]":,.0123456789aeE\\u\n \ud800', max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for name in ("a.json", "a.jsonl"):
        data = text.encode("utf-8", "surrogatepass")
        assert all(part.parsed or part.problem for part in parse_file(name, data))
    try:
        parse(text)
        records(text)
    except ResiftError:
        pass
