"""Collections as JSON Lines: what is imported equals what was exported, and damaged files are told by the line."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from resift.core.errors import IncompatibleCollection, InvalidInput, StoreError
from resift.core.values import Passage
from resift.core.vectors import standard_vectors
from resift.ingest.files.roots import Roots
from resift.ingest.job import WriteLocks
from resift.ingest.portable.exporting import export_collection
from resift.ingest.portable.importing import Imported, Importer, LineSource
from resift.ingest.sources import files_below
from resift.store.collection import Collection
from resift.store.edge.store import EdgeStore
from resift.store.field_mapping import FieldMapping
from resift.store.fields import MAX_FIELDS
from resift.store.protocols import FileState, Point
from resift.tests.ingest.harness import Harness, doc, long_text

pytestmark = pytest.mark.anyio

METADATA: dict[str, Any] = {
    "word": "Größe",
    "integer": 2**62,
    "number": 49.5,
    "boolean": True,
    "day": "2024-05-01",
    "moment": "2024-05-01T12:30:00+02:00",
    "list": ["a", "b"],
    "numbers": [1, 2.5],
    "empty": [],
}


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[EdgeStore]:
    store = EdgeStore(tmp_path / "target", reserve_bytes=0)
    yield store
    await store.close()


async def exported(collection: Collection) -> bytes:
    pieces: list[bytes] = []
    await export_collection(collection, pieces.append, locks=WriteLocks())
    return b"".join(pieces)


async def imported(harness: Harness, store: EdgeStore, content: bytes, *, name: str = "") -> Imported:
    importer = Importer(store, harness.ingestor.embedder, harness.manifest, locks=WriteLocks())
    return await importer.run(LineSource("a.jsonl", content.splitlines(keepends=True)), name=name)


async def filled(harness: Harness, folder: Path) -> Collection:
    """Return a collection with texts, pages, metadata of all types, and the documents of a container."""
    (folder / "notes.md").write_text(
        "---\nyear: 2020\n---\n# Pumps\n\nA pump moves water.\n\n## Valves\n\nA valve stops it."
    )
    (folder / "rows.jsonl").write_text('{"title": "A", "text": "One."}\n{"title": "B", "text": "Two."}\n')
    await harness.ingest(doc("typed", **METADATA), doc("long", long_text(6)), replace(doc("plain"), title=""))
    files = files_below([folder], glob="**/*", roots=Roots.of([folder]), metadata={}, max_bytes=10_000)
    await harness.ingest(files=files)
    collection = await harness.store.open(harness.name)
    [vectors] = [each.vectors for each in await collection.read(["typed"])]
    state = FileState(path="/d/a.pdf", size=9, modified_ns=1_700_000_000_123_456_789, content="ab", options="cd")
    paged = [
        Passage(
            "/d/a.pdf",
            number,
            text=f"Page {number}.",
            title="A",
            source="/d/a.pdf",
            page=number + 1,
            end_page=number + 2,
        )
        for number in range(3)
    ]
    await collection.write([Point(each, "digest", passages=3, vectors=vectors, file=state) for each in paged])
    return collection


async def points(collection: Collection, ids: list[str]) -> list[Point]:
    return sorted(await collection.read(ids), key=lambda each: (each.passage.document_id, each.passage.ordinal))


async def test_import_of_an_export_exports_the_same_bytes(harness: Harness, target: EdgeStore, tmp_path: Path) -> None:
    (folder := tmp_path / "files").mkdir()
    original = await filled(harness, folder)
    content = await exported(original)
    done = await imported(harness, target, content)
    copy = await target.open(original.name)
    assert await exported(copy) == content
    ids = sorted(await original.entries())
    assert (done.documents, done.unchanged) == (len(ids), 0) == (7, 0)
    assert await copy.entries() == await original.entries()
    one, other = await points(original, ids), await points(copy, ids)
    assert [replace(each, vectors={}) for each in one] == [replace(each, vectors={}) for each in other]
    assert copy.manifest.fields == original.manifest.fields
    assert [sorted(each.vectors) for each in other] == [sorted(each.vectors) for each in one]


async def test_each_line_is_json_with_text_metadata_and_provenance(harness: Harness, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (await exported(await filled(harness, tmp_path))).splitlines()]
    head, documents = lines[0], {line["id"]: line for line in lines[1:]}
    assert (head["resift_export"], head["documents"]) == (1, len(documents))
    assert head["fields"]["moment"] == "date"
    assert documents["typed"]["metadata"] == METADATA | {"moment": "2024-05-01T10:30:00Z"}
    assert documents["/d/a.pdf"]["passages"][0] == {"text": "Page 0.", "page": 1, "end_page": 2}
    notes = documents[(tmp_path / "notes.md").as_posix()]
    assert (notes["title"], notes["passages"][0]["start_line"]) == ("Pumps", 4)
    assert notes["file"]["path"] == notes["source"]


async def test_import_goes_on_where_it_ended(harness: Harness, target: EdgeStore, tmp_path: Path) -> None:
    content = await exported(await filled(harness, tmp_path))
    lines = content.splitlines(keepends=True)
    with pytest.raises(InvalidInput, match="ends after 3 of 7 documents, which are stored"):
        await imported(harness, target, b"".join(lines[:4]))
    harness.encoder.texts.clear()
    done = await imported(harness, target, content)
    assert (done.documents, done.unchanged) == (4, 3)
    again = await imported(harness, target, content)
    assert (again.documents, again.unchanged, again.passages) == (0, 7, 0)
    assert await exported(await target.open(harness.name)) == content


async def test_documents_that_are_only_in_the_target_stay_and_others_get_the_version_of_the_file(
    harness: Harness, tmp_path: Path
) -> None:
    content = await exported(await filled(harness, tmp_path))
    await harness.ingest(doc("own"), doc("plain", "Changed."))
    done = await imported(harness, harness.store, content)
    assert (done.documents, done.unchanged) == (1, 6)
    assert (await harness.passages("plain"))[0].text == "Some text."
    assert len(await harness.passages("own")) == 1


HEAD: dict[str, Any] = {
    "resift_export": 1,
    "made_by": "resift 0",
    "collection": "c",
    "documents": 2,
    "passages": 2,
    "chunking": "200/40/40",
    "encoder": "x",
    "fields": {},
}
LINE: dict[str, Any] = {"id": "a", "digest": "d", "passages": [{"text": "Text of the first."}]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"Line 3 of a\.jsonl is damaged: Invalid JSON"),
        ("[]", r"Line 3 of a\.jsonl is damaged: "),
        ({"id": "b", "digest": "d", "passages": []}, r"Line 3 of a\.jsonl is damaged: `passages`: .* at least 1"),
        (
            {"id": "b", "digest": "d", "passages": [{"text": 3}]},
            r"Line 3 .* `passages\.0\.text`: Input should be a valid string",
        ),
        ({"id": "b", "passages": [{"text": "x"}]}, r"Line 3 .* `digest`: Field required"),
        ({**LINE, "id": "b", "extra": 1}, r"Line 3 .* `extra`: "),
        ({**LINE, "id": "b", "metadata": {"x": {"y": 1}}}, r"Line 3 of a\.jsonl: Metadata field 'x' holds"),
        (LINE, r"Line 3 of a\.jsonl: the document 'a' came before"),
    ],
)
async def test_damaged_line_is_told_by_its_number_and_those_before_it_are_stored(
    harness: Harness, target: EdgeStore, line: Any, message: str
) -> None:
    text = line if isinstance(line, str) else json.dumps(line)
    content = f"{json.dumps(HEAD)}\n{json.dumps(LINE)}\n{text}\n".encode()
    with pytest.raises(InvalidInput, match=message):
        await imported(harness, target, content)
    assert set(await (await target.open("c")).entries()) == {"a"}


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"", r"Line 1 of a\.jsonl is not the first line of a file that `resift export` wrote"),
        (b'{"text": "x"}\n', "is not the first line .* other JSON Lines are documents for `resift ingest`"),
        (b'{"resift_export": 2}\n', r"version 2, and Resift reads up to 1\. Update Resift"),
        (b'{"resift_export": 1}\n', r"Line 1 of a\.jsonl is damaged: `made_by`"),
    ],
)
async def test_other_file_is_refused(harness: Harness, target: EdgeStore, head: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        await imported(harness, target, head)
    assert await target.names() == []


async def test_passage_without_the_title_and_source_of_its_document_stays_so(
    harness: Harness, target: EdgeStore
) -> None:
    bare: dict[str, Any] = {"text": "Text.", "title": "", "source": "", "metadata": {}}
    line = {**LINE, "title": "A", "source": "s", "metadata": {"year": 1}, "passages": [{"text": "First."}, bare]}
    head = {**HEAD, "documents": 1, "fields": {"year": "integer"}}
    await imported(harness, target, f"{json.dumps(head)}\n{json.dumps(line)}\n".encode())
    content = await exported(await target.open("c"))
    await imported(harness, target, content, name="copy")
    for name in ("c", "copy"):
        second = (await points(await target.open(name), ["a"]))[1].passage
        assert (second.title, second.source, second.metadata) == ("", "", {})


async def test_file_with_too_many_fields_leaves_no_collection_behind(harness: Harness, target: EdgeStore) -> None:
    head = {**HEAD, "documents": 1, "fields": {f"x{number}": "keyword" for number in range(MAX_FIELDS + 1)}}
    with pytest.raises(InvalidInput, match="more than 200 metadata fields"):
        await imported(harness, target, f"{json.dumps(head)}\n{json.dumps(LINE)}\n".encode())
    assert await target.names() == []


async def test_collection_with_other_types_or_another_encoder_is_refused(harness: Harness, target: EdgeStore) -> None:
    await harness.ingest(doc("a", year=2020))
    content = await exported(await harness.store.open(harness.name))
    await imported(harness, target, content.replace(b'"integer"', b'"date"'), name="dates")
    with pytest.raises(InvalidInput, match="'year' holds date values in collection 'dates', and integer values"):
        await imported(harness, target, content, name="dates")
    other = replace(harness.manifest, vectors=standard_vectors("other@1", 4))
    await target.open("others", create=other)
    with pytest.raises(IncompatibleCollection, match="was written with encoder other@1"):
        await imported(harness, target, content, name="others")
    await target.open("eval-set", create=replace(harness.manifest, evaluation=True))
    with pytest.raises(InvalidInput, match="'eval-set' was made by an evaluation, which removes other documents"):
        await imported(harness, target, content, name="eval-set")


async def test_adopted_collection_is_not_exported_and_says_why(harness: Harness, target: EdgeStore) -> None:
    adopted = replace(harness.manifest, adopted=FieldMapping("text", vectors={"dense": "dense"}, fields={}))
    with pytest.raises(StoreError, match="was not made by Resift, so it has no record of its documents to export"):
        await exported(await target.open("theirs", create=adopted))


async def test_imports_and_exports_of_a_collection_keep_each_other_and_other_writers_waiting(
    harness: Harness, target: EdgeStore
) -> None:
    locks, events = WriteLocks(), list[str]()
    importer = Importer(target, harness.ingestor.embedder, harness.manifest, locks=locks)

    async def run(passages: int) -> None:
        def lines() -> Iterator[bytes]:
            yield json.dumps({**HEAD, "documents": 1}).encode()
            events.append(f"{passages} begins")
            texts = [{"text": f"Passage {number}."} for number in range(passages)]
            yield json.dumps({**LINE, "digest": f"d{passages}", "passages": texts}).encode()

        async def hear(done: float, total: int, message: str) -> None:
            events.append(f"{passages} is written")
            assert locks["c"].locked()

        await importer.run(LineSource("a.jsonl", lines()), progress=hear)

    async with anyio.create_task_group() as group:
        group.start_soon(run, 3)
        group.start_soon(run, 2)
    first, second = events[0].split()[0], events[2].split()[0]
    assert events == [f"{each} {event}" for each in (first, second) for event in ("begins", "is written")]
    collection = await target.open("c")
    assert (await collection.entries())["a"].passages == await collection.count() == int(second)

    async def hear_export(done: float, total: int, message: str) -> None:
        events.append(f"exported, {locks['c'].locked()}")

    await export_collection(collection, len, locks=locks, progress=hear_export)
    assert (events[-1], locks["c"].locked()) == ("exported, True", False)
