"""Metadata of documents: facts about their files, types that are held to, and reports on what does not fit."""

import os
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput
from resift.ingest.files.roots import Roots
from resift.ingest.held_metadata import notes_on_left_out
from resift.ingest.parsers import ParsedDocument
from resift.ingest.parsing import Part
from resift.ingest.reader import FileDocument, read_file
from resift.ingest.sources import files_below
from resift.tests.ingest.harness import Harness, doc

pytestmark = pytest.mark.anyio

NOON = 1_714_564_800  # 2024-05-01T12:00:00Z


def written(folder: Path, name: str, text: str, *, at: float = NOON) -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))
    return path


async def ingest_folder(harness: Harness, folder: Path) -> dict[str, object]:
    files = files_below([folder], glob="**/*", roots=Roots.of([folder]), metadata={}, max_bytes=10_000)
    report = await harness.ingest_files(files)
    assert report.failures == ()
    return {"added": report.added, "updated": report.updated, "unchanged": report.unchanged}


async def test_value_of_another_type_is_left_out_of_its_document_and_told(harness: Harness) -> None:
    first = await harness.ingest(doc("a", year=2020, kind="x"))
    report = await harness.ingest(
        *(doc(name, year=value) for name, value in {"b": "soon", "c": True, "d": "2", "e": [1, "x"]}.items()),
        doc("f", year=2021),
        doc("g", kind=3),
    )
    assert (report.added, report.failures, first.left_out) == (6, (), {})
    assert (await harness.passages("b"))[0].metadata == {}
    assert (await harness.passages("f"))[0].metadata == {"year": 2021}
    assert await harness.count({"year": {"gte": 0}}) == 2
    assert notes_on_left_out(report.left_out) == (
        "Field 'year' holds integers, so it was left out of 4 documents with other values: b (\"soon\"), c (true), "
        'd ("2") and 1 more. Correct the values, or rename the field; its first value decided its type.',
        "Field 'kind' holds texts, so it was left out of 1 document with other values: g (3). Correct the values, or "
        "rename the field; its first value decided its type.",
    )
    again = await harness.ingest(doc("b", year="soon"))
    assert (again.unchanged, again.updated) == (1, 0)


async def test_list_of_several_types_is_told_as_such_until_the_field_has_a_type(harness: Harness) -> None:
    first = await harness.ingest(doc("a", tag=[1, "a"]))
    assert notes_on_left_out(first.left_out) == (
        "Field 'tag' is a list of several types, so it was left out of 1 document: a ([1, \"a\"]). Give one type.",
    )
    assert (await harness.store.open(harness.name)).manifest.fields == {}
    report = first + await harness.ingest(doc("b", tag=7), doc("c", tag="x"))
    assert notes_on_left_out(report.left_out) == (
        'Field \'tag\' holds integers, so it was left out of 2 documents with other values: a ([1, "a"]), c ("x"). '
        "Correct the values, or rename the field; its first value decided its type.",
    )


async def test_integers_become_numbers_and_dates_are_stored_in_utc(harness: Harness) -> None:
    await harness.ingest(doc("a", size=1, at="2024-05-01T12:30:00+02:00"), doc("b", size=4.5, at="2024-05-02"))
    assert (await harness.store.open(harness.name)).manifest.fields == {"size": "number", "at": "date"}
    assert (await harness.passages("a"))[0].metadata == {"size": 1, "at": "2024-05-01T10:30:00Z"}
    assert await harness.count({"size": {"gt": 1}}) == 1
    assert await harness.count({"at": {"lte": "2024-05-01"}}) == 1


async def test_metadata_of_a_call_that_clashes_is_an_error_of_the_call(harness: Harness) -> None:
    await harness.ingest(doc("a", year=2020))
    with pytest.raises(InvalidInput, match=r"'year' holds integers in this collection, and \"soon\" is not one"):
        await harness.ingest(doc("b", year="soon"), metadata={"year": "soon"})
    assert await harness.passages("b") == []
    harness.name += "new"
    with pytest.raises(InvalidInput, match=r"'tags' is a list of several types, \[1, \"x\"\]"):
        await harness.ingest(doc("b", tags=[1, "x"]), metadata={"tags": [1, "x"]})
    assert harness.name not in await harness.store.names()


async def test_metadata_of_a_call_decides_before_that_of_documents(harness: Harness) -> None:
    report = await harness.ingest(doc("own", year="soon"), doc("given", year=2020), metadata={"year": 2020})
    assert report.left_out.keys() == {"year"}
    assert (await harness.passages("given"))[0].metadata == {"year": 2020}


async def test_facts_about_files_can_be_filtered(harness: Harness, tmp_path: Path) -> None:
    written(tmp_path, "docs/a.md", "# A\n\nText.")
    written(tmp_path, "docs/b.txt", "Text of b.", at=NOON + 86_400)
    await ingest_folder(harness, tmp_path)
    path = (tmp_path / "docs/a.md").as_posix()
    [passage] = await harness.passages(path)
    assert passage.metadata == {"path": path, "modified": "2024-05-01T12:00:00Z", "format": "markdown"}
    assert await harness.count({"format": "text"}) == 1
    assert await harness.count({"modified": {"lte": "2024-05-01"}}) == 1
    assert await harness.count({"path": {"prefix": (tmp_path / "docs").as_posix()}}) == 2


async def test_documents_own_fields_go_before_facts_of_their_names(harness: Harness, tmp_path: Path) -> None:
    path = written(tmp_path, "a.md", "---\nformat: letter\nmodified: 2020-01-01\n---\n\nText.")
    await ingest_folder(harness, tmp_path)
    [passage] = await harness.passages(path.as_posix())
    assert passage.metadata == {"path": path.as_posix(), "modified": "2020-01-01", "format": "letter"}


async def test_touched_file_is_unchanged(harness: Harness, tmp_path: Path) -> None:
    written(tmp_path, "a.md", "Text.")
    assert (await ingest_folder(harness, tmp_path))["added"] == 1
    written(tmp_path, "a.md", "Text.", at=NOON + 60)
    assert await ingest_folder(harness, tmp_path) == {"added": 0, "updated": 0, "unchanged": 1}


async def test_fact_gives_way_to_a_field_of_another_type(harness: Harness, tmp_path: Path) -> None:
    await harness.ingest(doc("a", modified=7))
    path = written(tmp_path, "a.md", "Text.")
    [document] = read_file(path, roots=Roots.of([tmp_path]), max_bytes=100).documents
    assert isinstance(document, FileDocument)
    report = await harness.ingest(document)
    assert report.added == 1
    assert "modified" not in (await harness.passages(path.as_posix()))[0].metadata
    assert notes_on_left_out(report.left_out) == (
        "Field 'modified' holds integers in this collection, so that fact about the file was left out of 1 document.",
    )


def test_number_of_pages_is_a_fact_and_documents_of_an_archive_have_its_path(tmp_path: Path) -> None:
    path = written(tmp_path, "a.zip", "x")
    paged = ParsedDocument(lines=["One.", "Two."], line_numbers=[0, 0], sections=(), page_numbers=[1, 7])

    def parse(_source: str, _data: bytes | str) -> list[Part]:
        return [Part("in/b.pdf", format="pdf", text="One.\nTwo.", parsed=paged)]

    [document] = read_file(path, roots=Roots.of([tmp_path]), max_bytes=9, parse=parse).documents
    assert isinstance(document, FileDocument)
    assert document.source == f"{path.as_posix()}/in/b.pdf"
    assert document.facts == {"path": path.as_posix(), "modified": "2024-05-01T12:00:00Z", "format": "pdf", "pages": 7}
