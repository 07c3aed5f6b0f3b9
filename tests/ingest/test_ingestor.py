"""Ingest jobs: what they write, what they leave unchanged, and what they report."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from resift.core.errors import IncompatibleCollection, ModelError
from resift.core.values import Document
from resift.core.vectors import standard_vectors
from resift.ingest.files.roots import Roots
from resift.ingest.flow.acceptance import NO_TEXT, digest_of
from resift.ingest.flow.taking import BATCH_DOCUMENTS
from resift.ingest.job import Job
from resift.ingest.parsers import Block, ParsedDocument, Section
from resift.ingest.reader import FileDocument
from resift.ingest.report import Failure
from resift.ingest.sources import files_below
from resift.store.protocols import Point
from resift.tests.ingest.harness import FAILING_TEXT, Harness, doc, long_text, make_ingestor
from resift.tests.standins.qdrant import serving
from resift.tests.store.stores import connected

pytestmark = pytest.mark.anyio


async def test_unchanged_documents_are_neither_encoded_nor_written(harness: Harness) -> None:
    documents = [doc("a", long_text(3), year=2020), doc("b")]
    first = await harness.ingest(*documents)
    assert (first.added, first.updated, first.unchanged, first.failures) == (2, 0, 0, ())
    assert first.passages == len(await harness.passages("a")) + 1
    entries = await (await harness.store.open(harness.name)).entries()
    assert entries["a"].digest == digest_of(documents[0], harness.manifest.chunking)
    harness.encoder.texts.clear()
    second = await harness.ingest(*documents)
    assert (second.added, second.unchanged, second.passages) == (0, 2, 0)
    assert harness.encoder.texts == []
    assert await (await harness.store.open(harness.name)).entries() == entries


async def test_changed_document_replaces_all_its_old_passages(harness: Harness) -> None:
    await harness.ingest(doc("a", long_text(6), state="old"), doc("b"))
    before = await harness.passages("a")
    assert len(before) > 3
    report = await harness.ingest(doc("a", "Short now.", state="new"), doc("b"))
    assert (report.added, report.updated, report.unchanged, report.passages) == (0, 1, 1, 1)
    assert [passage.text for passage in await harness.passages("a")] == ["Short now."]
    assert await harness.count({"state": "old"}) == 0
    assert harness.encoder.texts.count("Title of b\nSome text.") == 1


@pytest.mark.parametrize(
    "changed",
    [doc("a", year=2021), replace(doc("a", year=2020), title="Other"), replace(doc("a", year=2020), source="x")],
)
async def test_change_of_metadata_title_or_source_is_a_change(harness: Harness, changed: Document) -> None:
    assert (await harness.ingest(doc("a", year=2020))).added == 1
    assert (await harness.ingest(changed)).updated == 1


async def test_texts_that_swap_ids_leave_nothing_of_the_old_behind(harness: Harness) -> None:
    short, long = "One short text.", long_text(6)
    await harness.ingest(doc("a", short), doc("b", long))
    await harness.ingest(replace(doc("a", long), title="Title of b"), replace(doc("b", short), title="Title of a"))
    collection = await harness.store.open(harness.name)
    entries = await collection.entries()
    assert await collection.count() == sum(entry.passages for entry in entries.values())


async def test_return_to_the_old_version_after_an_interrupted_update_is_written(harness: Harness) -> None:
    await harness.ingest(doc("a", long_text(6)))
    collection = await harness.store.open(harness.name)
    old = await harness.passages("a")
    vector = np.ones(harness.manifest.dimension, np.float32)
    torn = [  # what a kill between the batches of an update leaves: all but the first passage
        Point(passage=replace(each, text="new"), digest="new digest", passages=len(old), vectors={"dense": vector})
        for each in old[1:]
    ]
    await collection.write(torn)
    report = await harness.ingest(doc("a", long_text(6)))
    assert (report.updated, report.unchanged) == (1, 0)
    assert await harness.passages("a") == old


async def test_change_of_chunking_writes_everything_again(harness: Harness) -> None:
    await harness.ingest(doc("a"), doc("b"))
    manifest = replace(harness.manifest, chunking="100/20/20")
    other = replace(harness, ingestor=make_ingestor(harness.store, harness.encoder, manifest))
    assert (await other.ingest(doc("a"), doc("b"))).updated == 2
    assert (await harness.store.open(harness.name)).manifest.chunking == "100/20/20"
    assert (await other.ingest(doc("a"), doc("b"))).unchanged == 2


async def test_other_encoder_is_refused_and_changes_nothing(harness: Harness) -> None:
    await harness.ingest(doc("a"))
    other = make_ingestor(
        harness.store, harness.encoder, replace(harness.manifest, vectors=standard_vectors("other@1", 384))
    )
    with pytest.raises(IncompatibleCollection, match="ingest its documents again"):
        await replace(harness, ingestor=other).ingest(doc("a", "New text."))
    assert [passage.text for passage in await harness.passages("a")] == ["Some text."]


async def test_unusable_documents_fail_with_their_reasons_and_others_are_written(harness: Harness) -> None:
    report = await harness.ingest(
        doc("good"),
        doc("empty", " \n "),
        doc("scripts", "<!DOCTYPE html><html><script>run()</script></html>"),
        doc("good", "Another text."),
        doc("nested", author={"name": "x"}),
        doc("nan", price=float("nan")),
        doc("surrogate", name="\ud800"),
        Failure("gone.md", "No such file."),
        doc("null", note=None),
    )
    assert (report.added, report.passages) == (2, 2)
    reasons = {failure.source: failure.reason for failure in report.failures}
    assert reasons["empty"] == reasons["scripts"] == NO_TEXT
    assert reasons["good"] == "The id 'good' is used twice in this call; the first document has it."
    assert "author" in reasons["nested"]
    assert "not finite" in reasons["nan"]
    assert "not valid Unicode" in reasons["surrogate"]
    assert reasons["gone.md"] == "No such file."
    assert len(report.failures) == 7
    assert [passage.text for passage in await harness.passages("good")] == ["Some text."]
    assert (await harness.passages("null"))[0].metadata == {}


async def test_document_given_twice_alike_counts_once_however_far_apart(harness: Harness) -> None:
    between = [doc(str(number), f"Text {number}.") for number in range(BATCH_DOCUMENTS)]
    report = await harness.ingest(doc("a", kind="x", year=1), *between, doc("a", year=1, kind="x"))
    assert (report.added, report.unchanged, report.failures) == (len(between) + 1, 1, ())


async def test_document_that_cannot_be_cut_or_compared_fails_alone(harness: Harness) -> None:
    number: Any = 1
    section = Section(path=(number,), blocks=(Block(0, 1),))
    parsed = ParsedDocument(lines=["Some text."], line_numbers=[1], sections=(section,))
    cut = FileDocument(id="cut", title="", text="Some text.", source="cut.odd", metadata={}, parsed=parsed)
    report = await harness.ingest(doc("before"), cut, replace(doc("keys"), metadata={number: "x"}), doc("after"))
    assert report.added == 2
    reasons = {failure.source: failure.reason for failure in report.failures}
    assert reasons["cut.odd"].startswith("It cannot be turned into passages: TypeError: ")
    assert reasons["keys"].startswith("It cannot be turned into passages: TypeError: ")


async def test_lone_surrogate_in_a_text_is_replaced(harness: Harness) -> None:
    assert (await harness.ingest(doc("a", "Bad \ud800 sign."))).added == 1
    assert (await harness.passages("a"))[0].text == "Bad \ufffd sign."


async def test_document_that_lost_its_text_keeps_its_old_passages(harness: Harness) -> None:
    await harness.ingest(doc("a"))
    assert (await harness.ingest(doc("a", ""))).failures != ()
    assert len(await harness.passages("a")) == 1


async def test_job_without_a_usable_document_leaves_no_collection(harness: Harness) -> None:
    report = await harness.ingest(doc("empty", ""), Failure("gone.md", "No such file."))
    assert (report.added, len(report.failures)) == (0, 2)
    assert harness.name not in await harness.store.names()


async def test_model_that_fails_leaves_no_collection_and_the_next_job_makes_it(harness: Harness) -> None:
    with pytest.raises(ModelError):
        await harness.ingest(doc("a", FAILING_TEXT))
    assert harness.name not in await harness.store.names()
    assert (await harness.ingest(doc("a"))).added == 1


async def test_empty_collection_from_before_keeps_its_manifest(harness: Harness) -> None:
    storage = replace(harness.manifest.storage, breadth=64)
    await harness.store.open(harness.name, create=replace(harness.manifest, storage=storage))
    assert (await harness.ingest(doc("empty", ""))).added == 0
    assert (await harness.store.open(harness.name)).manifest.storage == storage


@pytest.mark.filterwarnings("ignore:(Payload indexes|Local mode):UserWarning")
async def test_empty_collection_on_a_shared_server_is_kept(harness: Harness) -> None:
    async with serving() as server:
        store = connected(server.url)
        ingestor = make_ingestor(store, harness.encoder, harness.manifest)
        assert (await ingestor.ingest(Job(collection="c", items=[doc("empty", "")], total=1))).added == 0
        assert await store.names() == ["c"]
        await store.close()


async def test_index_that_cannot_be_built_is_a_note_and_the_documents_are_written(harness: Harness) -> None:
    due = replace(harness.manifest, storage=replace(harness.manifest.storage, optimize_from=1))
    await harness.store.open(harness.name, create=due)
    (harness.store.folder(harness.name) / "index").write_text("in the way of the copy")
    report = await harness.ingest(doc("a"))
    assert report.added == 1
    [note] = report.notes
    assert note.startswith("The documents were ingested, but their index could not be built:")
    assert await harness.count({}) == 1


async def test_metadata_fields_are_learned_with_their_types(harness: Harness) -> None:
    await harness.ingest(doc("a", year=2020, tags=["x", "y"]), doc("b", year=2020.5, since="2024-05-01", draft=False))
    fields = (await harness.store.open(harness.name)).manifest.fields
    assert fields == {"year": "number", "tags": "keyword", "since": "date", "draft": "boolean"}
    assert await harness.count({"tags": "y"}) == await harness.count({"draft": False}) == 1
    assert await harness.count({"since": {"gte": "2024-01-01"}}) == 1


async def test_progress_rises_to_the_total_in_whole_numbers_and_says_how_far_it_is(harness: Harness) -> None:
    heard: list[tuple[float, int, str]] = []

    async def hear(done: float, total: int, message: str) -> None:
        heard.append((done, total, message))

    items = [doc(f"d{number}", f"Text {number}." if number % 10 else "") for number in range(150)]
    await harness.ingest(*items, progress=hear)
    dones = [done for done, _, _ in heard]
    assert dones == sorted(dones)
    assert all(isinstance(done, int) and done <= total for done, total, _ in heard)
    assert heard[0] == (0, 150, "Reading 150 documents")
    assert "Embedding 128 of 135 passages, 0 of 150 documents" in [message for _, _, message in heard]
    assert heard[-1] == (285, 285, "Embedding 135 of 135 passages, 150 of 150 documents")
    heard.clear()
    await harness.ingest(*items, progress=hear)
    assert heard[-1] == (150, 150, "Comparing 150 of 150 documents")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
async def test_file_whose_name_is_not_unicode_is_a_failure(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("Good text.")
    (tmp_path / os.fsdecode(b"bad\xff.md")).write_text("Bad name.")
    files = files_below([tmp_path], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=1000)
    report = await harness.ingest_files(files)
    assert report.added == 1
    [failure] = report.failures
    assert failure.source.endswith("/bad?.md")
    failure.source.encode()


async def test_ten_thousand_documents_are_compared_in_one_call(harness: Harness) -> None:
    first = [doc(f"d{number}", f"Text number {number}.") for number in range(100)]
    await harness.ingest(*first)
    report = await harness.ingest(*first, *(doc(f"e{number}", "") for number in range(9900)))
    assert (report.unchanged, len(report.failures)) == (100, 9900)
