"""A disk that is nearly full: refused before the engine maps or grows a file, with the free and the needed space."""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from resift.core.errors import StoreError
from resift.core.values import Passage
from resift.core.vectors import Multi, Sparse
from resift.store.conditions import PASSAGES_WORTH_AN_INDEX
from resift.store.edge.backup import back_up, restore
from resift.store.edge.disk_space import DiskSpace, chunks_of, size_bytes, write_sparse
from resift.store.edge.store import EdgeStore
from resift.store.filters import AnyOf, parse_filter
from resift.store.index_options import IndexOptions
from resift.store.manifest import Manifest
from resift.store.points import size_of
from resift.store.protocols import Leg, Point

pytestmark = pytest.mark.anyio

MB = 2**20
EAST = np.eye(4, dtype=np.float32)[0]


@dataclass
class Disk:
    """A disk whose free space the test sets."""

    free: int = 1000 * MB

    def __call__(self, folder: Path) -> int:
        return self.free


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
async def store(tmp_path: Path, manifest: Manifest, disk: Disk) -> AsyncIterator[EdgeStore]:
    """A store with the collection "c", which is open."""
    opened = EdgeStore(tmp_path / "data", reserve_bytes=0, free=disk)
    await (await opened.open("c", create=manifest)).write([point("a"), point("b")])
    yield opened
    disk.free = 1000 * MB
    await opened.close()


def point(document_id: str, text: str = "text") -> Point:
    passage = Passage(document_id, 0, text=text, source=f"{document_id}.md")
    return Point(passage, "digest", passages=1, vectors={"dense": EAST, "bm25": Sparse((7,), (1.0,))})


async def silent(_: str) -> None:
    pass


async def test_opening_is_refused_with_the_free_and_the_needed_space(store: EdgeStore, disk: Disk) -> None:
    await store.close()
    disk.free = 5 * MB
    for _ in range(2):
        with pytest.raises(StoreError, match=r"Only 5 MB free on the disk of .*; 8 MB are needed\. .*cannot be opened"):
            await store.open("c")
    assert await store.names() == ["c"]
    disk.free = 9 * MB
    assert await (await store.open("c")).count() == 2


async def test_opening_after_a_crash_leaves_room_to_replay_the_log(
    store: EdgeStore, disk: Disk, tmp_path: Path
) -> None:
    folder = tmp_path / "data" / "collections" / "c"
    await (await store.open("c")).write([point(str(number), "x" * 100_000) for number in range(100)])
    await store.close()
    (folder / "seal.json").unlink()
    disk.free = 9 * MB
    with pytest.raises(StoreError, match="Only 9 MB free"):
        await store.open("c")
    disk.free = 8 * MB + size_bytes(folder / "shard" / "wal")
    assert await (await store.open("c")).count() == 102


async def test_what_grows_files_is_refused_and_what_reads_is_not(store: EdgeStore, disk: Disk) -> None:
    collection = await store.open("c")
    disk.free = 7 * MB
    with pytest.raises(StoreError, match=r"Only 7 MB free .*; 9 MB are needed\. What was written before"):
        await collection.write([point("new")])
    with pytest.raises(StoreError, match=r"Only 7 MB free .* The collection is unchanged"):
        await collection.remove(AnyOf("document_id", ("a",)))
    with pytest.raises(StoreError, match=r"Only 7 MB free .*; 13 MB are needed\. No metadata field was indexed"):
        await collection.remember(replace(collection.manifest, fields={"lang": "keyword"}))
    with pytest.raises(StoreError, match=r"Only 7 MB free .* The collection is unchanged"):
        await collection.optimize(IndexOptions(), on_status=silent)
    assert len((await collection.search([Leg("dense", EAST, limit=5)]))[0]) == 2
    await collection.flush()  # which needs little, and keeps what was written
    disk.free = 0
    with pytest.raises(StoreError, match=r"Only 0 MB free .* in the log, which is safe unless the power fails"):
        await collection.flush()
    assert await collection.count() == 2


@pytest.mark.slow
async def test_new_collection_and_restored_one_are_refused_and_leave_nothing(
    store: EdgeStore, disk: Disk, manifest: Manifest, tmp_path: Path
) -> None:
    file = tmp_path / "c.tar"
    await back_up(store, file, [])
    await store.drop("c")
    disk.free = 15 * MB
    with pytest.raises(StoreError, match=r"Only 15 MB free .*; 16 MB are needed\. Nothing was written"):
        await store.open("new", create=manifest)
    disk.free = 0
    with pytest.raises(StoreError, match=r"Only 0 MB free .*; \d MB are needed\. Nothing was restored"):
        await restore(store, file)
    assert await store.names() == []


async def test_full_disk_keeps_nobody_from_deleting_a_collection(
    store: EdgeStore, disk: Disk, manifest: Manifest
) -> None:
    await store.open("other", create=manifest)
    disk.free = 0
    await store.drop("c")
    await store.close()
    await store.drop("other")
    assert await store.names() == []


async def test_restored_files_keep_their_holes(store: EdgeStore, tmp_path: Path) -> None:
    file = tmp_path / "c.tar"
    await back_up(store, file, [])
    other = EdgeStore(tmp_path / "elsewhere", reserve_bytes=0)
    await restore(other, file)
    assert await (await other.open("c")).count() == 2
    await other.close()
    assert file.stat().st_size < 5 * MB
    assert size_bytes(tmp_path / "elsewhere") < 10 * MB


def test_sparse_file_has_the_content_of_its_source(tmp_path: Path) -> None:
    for number, content in enumerate([b"", b"\0" * 3 * MB, b"a" + b"\0" * 2 * MB, b"\0" * 2 * MB + b"z", b"abc"]):
        source, target = tmp_path / f"source{number}", tmp_path / f"target{number}"
        source.write_bytes(content)
        with source.open("rb") as file:
            write_sparse(chunks_of(file), target)
        assert target.read_bytes() == content


def test_long_texts_and_token_vectors_count(tmp_path: Path) -> None:
    plain, long = point("a"), point("a", "x" * 100_000)
    tokens = replace(plain, vectors={**plain.vectors, "tokens": Multi(np.ones((200, 384), np.float32))})
    assert size_of(long) > size_of(plain) + 99_000
    assert size_of(tokens) > size_of(plain) + 200 * 384 * 4
    space = DiskSpace(free=lambda _: 10 * MB)
    space.require_to_write(tmp_path, [plain])
    with pytest.raises(StoreError, match="Only 10 MB free"):
        space.require_to_write(tmp_path, [long] * 10)


@pytest.mark.slow
async def test_words_are_searched_without_an_index_where_there_is_no_room_for_it(
    store: EdgeStore, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    collection = await store.open("c")
    await collection.write([point(str(number), f"word{number}") for number in range(PASSAGES_WORTH_AN_INDEX)])
    disk.free = 10 * MB
    with caplog.at_level(logging.WARNING):
        where = parse_filter({"text": {"match": "word77"}}, {})
        [found] = await collection.search([Leg("dense", EAST, limit=5)], where=where)
    assert len(found) == 1
    assert "Words of 'c' are searched without an index" in caplog.text
