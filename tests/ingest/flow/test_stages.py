"""The stages of an ingestion work at once, with little between them, and leave whole documents when they are ended."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import anyio
import pytest
from anyio import from_thread

from resift.core.errors import StoreError
from resift.ingest.files.roots import Roots
from resift.ingest.job import Job
from resift.ingest.parsing import InlineParser, Part, parse_file
from resift.ingest.reader import Parse
from resift.ingest.sources import Files, files_below
from resift.models.worker_pool import WorkerPool
from resift.store.protocols import Point
from resift.tests.ingest.harness import Harness, doc, long_text, make_ingestor

pytestmark = pytest.mark.anyio


def files_in(folder: Path, parse: Parse = parse_file) -> Files:
    found = files_below([folder], glob="**/*", roots=Roots.of([folder]), metadata={}, max_bytes=10**6)
    return replace(found, parse=parse)


async def points(harness: Harness) -> dict[str, Point]:
    """Return all points of the collection by their passages' ids."""
    collection = await harness.store.open(harness.name)
    return {point.passage.id: point for point in await collection.read(list(await collection.entries()))}


def comparable(found: dict[str, Point]) -> dict[str, Any]:
    return {key: (point.passage, point.digest, point.passages, point.file) for key, point in found.items()}


async def test_what_is_stored_does_not_depend_on_which_file_is_parsed_first(harness: Harness, tmp_path: Path) -> None:
    second_is_parsed = Event()

    def parse(source: str, data: bytes | str) -> Sequence[Part]:
        if source.endswith("a.txt"):
            second_is_parsed.wait()
        parts = parse_file(source, data)
        if source.endswith("b.txt"):
            second_is_parsed.set()
        return parts

    heard: list[str] = []

    async def hear(done: float, total: int, message: str) -> None:
        heard.append(message)

    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.txt").write_text(f"---\nnumber: 1\n---\nText of {name}.")
    assert (await harness.ingest_files(files_in(tmp_path, parse), progress=hear)).added == 3
    slow = await points(harness)
    harness.name += "-plain"
    await harness.ingest_files(files_in(tmp_path))
    assert comparable(slow) == comparable(await points(harness))
    assert heard[0] == "Reading 3 documents"


async def test_texts_are_parsed_several_at_once_on_threads_that_searches_do_not_need(harness: Harness) -> None:
    workers, both = WorkerPool(1), Barrier(2)

    async def search() -> int:
        with anyio.fail_after(30):
            return await workers.run(int)

    class SearchingParser(InlineParser):
        max_workers = 2

        def parse(self, source: str, data: bytes | str) -> Sequence[Part]:
            both.wait(30)
            assert from_thread.run(search) == 0
            return super().parse(source, data)

    ingestor = make_ingestor(harness.store, harness.encoder, harness.manifest, workers, SearchingParser())
    report = await ingestor.ingest(Job(collection=harness.name, items=[doc(name) for name in "abcd"], total=4))
    assert (report.added, report.failures) == (4, ())


@pytest.mark.slow
async def test_little_is_read_ahead_of_what_is_written(harness: Harness, tmp_path: Path) -> None:
    lock, parsed, furthest = Lock(), 0, 0

    def parse(source: str, data: bytes | str) -> Sequence[Part]:
        nonlocal parsed
        with lock:
            parsed += 1
        return parse_file(source, data)

    async def hear(done: float, total: int, message: str) -> None:
        nonlocal furthest
        written = int(message.rpartition(", ")[2].split()[0]) if "passages, " in message else 0
        furthest = max(furthest, parsed - written)

    for number in range(30):
        (tmp_path / f"{number:02}.txt").write_text(long_text(70))  # a group of its own; all encoded once
    report = await harness.ingest_files(files_in(tmp_path, parse), progress=hear)
    assert (report.added, parsed) == (30, 30)
    assert report.passages > 30 * 128
    assert 0 < furthest <= 20


@pytest.mark.slow
async def test_cancelled_job_leaves_whole_documents_and_the_same_job_completes_it(harness: Harness) -> None:
    documents = [doc(f"d{number}", f"{long_text(2)}\n\nText {number}.") for number in range(100)]

    async def stop(done: float, total: int, message: str) -> None:
        if "passages, " in message and not message.rpartition(", ")[2].startswith("0 "):
            scope.cancel()

    with anyio.CancelScope() as scope:
        await harness.ingest(*documents, progress=stop)
    assert scope.cancelled_caught
    collection = await harness.store.open(harness.name)
    held = await collection.entries()
    assert 0 < len(held) < 100
    assert await collection.count() == sum(entry.passages for entry in held.values())
    assert harness.ingestor.running == []
    report = await harness.ingest(*documents)
    assert (report.added, report.unchanged) == (100 - len(held), len(held))
    resumed = comparable(await points(harness))
    harness.name += "-plain"
    await harness.ingest(*documents)
    assert resumed == comparable(await points(harness))


async def test_error_of_any_stage_ends_the_job_with_that_error(harness: Harness, tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}.txt").write_text(f"Text {number}.")

    def full(source: str, data: bytes | str) -> Sequence[Part]:
        raise StoreError("Only 0 MB free.")

    with pytest.raises(StoreError, match=r"^Only 0 MB free\.$"):
        await harness.ingest_files(files_in(tmp_path, full))
    assert harness.name not in await harness.store.names()


@pytest.mark.slow
async def test_searches_are_answered_while_documents_are_ingested(harness: Harness) -> None:
    await harness.ingest(doc("first", "A text."))
    collection = await harness.store.open(harness.name)
    counts: list[int] = []

    async def look(done: float, total: int, message: str) -> None:
        counts.append(await collection.count())

    await harness.ingest(*(doc(f"d{number}", f"{long_text(1)} {number}") for number in range(150)), progress=look)
    assert counts == sorted(counts)
    assert len(set(counts)) > 2


async def test_note_of_a_parser_names_its_file_once(harness: Harness, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes('{"text": "Caf\u00e9 au lait"}'.encode("windows-1252"))
    (tmp_path / "b.csv").write_text("a,b\n1,2,3\n")
    notes = (await harness.ingest_files(files_in(tmp_path))).notes
    assert [note.count(tmp_path.as_posix()) for note in notes] == [1, 1], notes
