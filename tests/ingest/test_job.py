"""Reports of jobs, locks, and disks that fill up during a job: what was done is not denied, and the cause is told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pytest

from resift.core.errors import StoreError
from resift.ingest.job import WriteLocks
from resift.ingest.removal import Remover
from resift.ingest.report import Failure, IngestReport, LeftOut
from resift.store.edge.store import EdgeStore
from resift.tests.ingest.harness import Harness, doc, make_ingestor

MB = 2**20


def test_reports_add_up_in_every_field() -> None:
    values: dict[str, Any] = {field.name: number for number, field in enumerate(fields(IngestReport), start=1)}
    values |= {"failures": (Failure("a.md", "No text."),), "notes": ("A note.",)}
    values |= {"skipped": {"pdf": 3}, "examples": {"pdf": ("a.pdf", "b.pdf")}, "planned": {"added": ("a.md",)}}
    values |= {"left_out": {"year": LeftOut("integer", 2, (("a.md", "x"), ("b.md", True)))}, "lost": {"team": 2}}
    both = IngestReport(**values) + IngestReport(**values)
    examples = (("a.md", "x"), ("b.md", True), ("a.md", "x"))
    doubled: dict[str, Any] = {
        "left_out": {"year": LeftOut("integer", 4, examples)},
        "skipped": {"pdf": 6},
        "lost": {"team": 4},
        "examples": {"pdf": ("a.pdf", "b.pdf", "a.pdf")},
        "planned": {"added": ("a.md", "a.md")},
    }
    doubled |= {name: value * 2 for name, value in values.items() if name not in doubled}
    assert {name: getattr(both, name) for name in values} == doubled
    assert IngestReport() + both == both


@pytest.mark.parametrize("name", ["added", "updated", "renamed", "unchanged", "removed", "gone"])
def test_report_is_empty_when_nothing_came_in_and_nothing_was_there(name: str) -> None:
    options: dict[str, Any] = {"failures": (Failure("a.md", "No text."),), "skipped": {"pdf": 3}}
    assert IngestReport(**options).is_empty
    assert not IngestReport(**{name: 1}, **options).is_empty


@dataclass
class FillingDisk:
    """A disk with this much free space; it is full after as many more questions for it as `questions`."""

    free: int = 1000 * MB
    questions: int = 1000

    def __call__(self, folder: Path) -> int:
        self.questions -= 1
        return self.free if self.questions >= 0 else 0


@pytest.fixture
def disk() -> FillingDisk:
    return FillingDisk()


@pytest.fixture
async def full(harness: Harness, disk: FillingDisk, tmp_path: Path) -> AsyncIterator[Harness]:
    """A harness over a store of its own, on that disk, with two documents in it."""
    store = EdgeStore(tmp_path / "data", reserve_bytes=0, free=disk)
    ingestor = make_ingestor(store, harness.encoder, harness.manifest)
    made = Harness(store=store, encoder=harness.encoder, manifest=harness.manifest, ingestor=ingestor)
    await made.ingest(doc("a"), doc("b"))
    yield made
    await store.close()


@pytest.mark.anyio
async def test_failed_flush_does_not_replace_what_made_the_job_fail(full: Harness, disk: FillingDisk) -> None:
    async def fill(done: float, total: int, message: str) -> None:
        disk.questions = 0

    with pytest.raises(StoreError, match=r"Only 0 MB free .* What was written before is still there"):
        await full.ingest(doc("c"), progress=fill)


@pytest.mark.anyio
async def test_deletion_that_cannot_be_flushed_is_reported_as_done(full: Harness, disk: FillingDisk) -> None:
    remover = Remover(full.store, WriteLocks())
    disk.questions = 1  # the deletion fits, the flush does not
    removed = await remover.remove("c", document_ids=["a"], filter_={})
    assert (removed.documents, removed.passages) == (1, 1)
    assert "were deleted, but the index could not be flushed to disk: Only 0 MB free" in removed.notes[0]
    assert (await (await full.store.open("c")).entries()).keys() == {"b"}


@pytest.mark.anyio
async def test_collection_is_deleted_uncounted_where_it_cannot_be_opened(full: Harness, disk: FillingDisk) -> None:
    await full.store.close()
    disk.questions = 0
    removed = await Remover(full.store, WriteLocks()).remove("c", document_ids=[], filter_={}, everything=True)
    assert (removed.documents, await full.store.names()) == (0, [])
    assert removed.notes[0].startswith("Its documents could not be counted: Only 0 MB free")


@pytest.mark.anyio
async def test_stop_on_a_full_disk_is_clean_and_loses_nothing(full: Harness, disk: FillingDisk, tmp_path: Path) -> None:
    disk.questions = 0
    await full.store.close()
    assert (await (await EdgeStore(tmp_path / "data", reserve_bytes=0).open("c")).entries()).keys() == {"a", "b"}


@pytest.mark.anyio
async def test_locks_of_collections_are_not_kept() -> None:
    locks = WriteLocks()
    for number in range(1000):
        async with locks[f"no such collection {number}"]:
            assert len(locks) == 1
    assert len(locks) == 0
    first = locks["c"]
    assert locks["c"] is first
