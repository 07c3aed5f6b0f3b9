"""A damaged collection is told, and neither hides the others nor stops the process."""

import os
import random
import re
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from resift.core.errors import DamagedCollection, InvalidInput, StoreError
from resift.core.values import Passage
from resift.core.vectors import Sparse
from resift.store.edge.backup import back_up, restore
from resift.store.edge.store import EdgeCollection, EdgeStore
from resift.store.filters import AnyOf
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point
from resift.tests.store.edge.sparse_copy import copy_data

pytestmark = pytest.mark.anyio

EAST = np.eye(4, dtype=np.float32)[0]
POINTS = [
    Point(
        Passage(f"d{number}", 0, text=f"text {number}", source=f"{number}.md"),
        "digest",
        passages=1,
        vectors={"dense": EAST, "title": EAST, "bm25": Sparse((7,), (1.0,))},
    )
    for number in range(20)
]


@pytest.fixture(scope="module")
async def healthy(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> Path:
    """A data directory with the collections "hurt" and "whole", of 20 passages each."""
    directory = tmp_path_factory.mktemp("healthy") / "data"
    store = EdgeStore(directory, reserve_bytes=0)
    for name in ("hurt", "whole"):
        await (await store.open(name, create=manifest)).write(POINTS)
    await store.close()
    return directory


@pytest.fixture
async def store(healthy: Path, tmp_path: Path) -> AsyncIterator[EdgeStore]:
    opened = EdgeStore(copy_data(healthy, tmp_path / "data"), reserve_bytes=0)
    yield opened
    await opened.close()


@pytest.fixture
def hurt(store: EdgeStore) -> Path:
    """The folder of the collection to do harm to."""
    return store.folder("hurt")


async def everything_of(collection: EdgeCollection) -> tuple[int, int, int, int]:
    """Return how many passages are counted, found by their vectors, found by a filter, and read, after a write."""
    [dense, lexical] = await collection.search(
        [Leg("dense", EAST, limit=50), Leg("bm25", Sparse((7,), (1.0,)), limit=50)]
    )
    [filtered] = await collection.search([Leg("dense", EAST, limit=50)], where=AnyOf("source", ("3.md",)))
    documents = [f"d{number}" for number in range(20)]
    read = await collection.read(documents)
    await collection.write(POINTS[:1])
    await collection.flush()
    assert await collection.count() == len(read)
    return len(read), len(dense), len(lexical), len(filtered)


async def check_others_and_repair(store: EdgeStore, manifest: Manifest) -> None:
    """Check that the other collection works, that both are listed, and that the damaged one can be made anew."""
    assert await store.names() == ["hurt", "whole"]
    assert await everything_of(await store.open("whole")) == (20, 20, 20, 1)
    await store.drop("hurt")
    assert await store.names() == ["whole"]
    anew = await store.open("hurt", create=manifest)
    await anew.write(POINTS)
    assert await everything_of(anew) == (20, 20, 20, 1)


def file_of(folder: Path, pattern: str) -> Path:
    [path] = folder.glob(pattern)
    return path


def rename(folder: Path, other: Path) -> None:
    folder.rename(other)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def zero(path: Path) -> None:
    size = path.stat().st_size
    os.truncate(path, 0)
    os.truncate(path, size)


def garble(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(random.Random(1).randbytes(min(path.stat().st_size, 65_536)))


def delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def make_a_file(path: Path) -> None:
    delete(path)
    path.write_text("x")


def make_a_folder(path: Path) -> None:
    delete(path)
    path.mkdir()


@dataclass(frozen=True, slots=True)
class Harm:
    """What is done to which file of a collection, by a glob pattern."""

    pattern: str
    do: Callable[[Path], None]

    def __str__(self) -> str:
        return f"{self.do.__name__}:{self.pattern}"


SEGMENT = "shard/segments/*"
HARMS = [
    *(Harm("manifest.json", do) for do in (empty, cut, zero, garble, delete, make_a_folder)),
    *(Harm("shard", do) for do in (delete, make_a_file)),
    *(Harm("shard/segments", do) for do in (delete, make_a_file)),
    *(Harm("shard/edge_config.json", do) for do in (empty, delete)),
    *(Harm(f"{SEGMENT}/payload_index/*-source-null/has_values/status.dat", do) for do in (empty, zero, delete)),
    *(Harm(f"{SEGMENT}/vector_storage-dense/vectors/status.dat", do) for do in (cut, zero, delete)),
    *(Harm(f"{SEGMENT}/vector_storage-dense/vectors/chunk_0.mmap", do) for do in (empty, cut, delete)),
    *(Harm(f"{SEGMENT}/payload_index/config.json", do) for do in (garble, delete)),
    *(Harm(f"{SEGMENT}/payload_storage/page_0.dat", do) for do in (empty, make_a_folder)),
    *(Harm(f"{SEGMENT}/mutable_id_tracker.mappings", do) for do in (cut, garble, delete)),
    *(Harm(f"{SEGMENT}/{name}", delete) for name in ("version.info", "segment.json")),
    *(Harm("shard/wal/open-1", do) for do in (empty, garble)),
]


@pytest.mark.slow
@pytest.mark.parametrize("harm", HARMS, ids=str)
async def test_damage_is_told_and_stays_with_one_collection(
    store: EdgeStore, hurt: Path, manifest: Manifest, harm: Harm
) -> None:
    harm.do(file_of(hurt, harm.pattern))
    for _ in range(2):  # the second attempt must not find an empty collection that the first one made
        with pytest.raises(DamagedCollection, match=r"'hurt' is damaged: .*`resift restore FILE`.* or delete it"):
            await store.open("hurt")
    await check_others_and_repair(store, manifest)


async def test_panic_while_opening_is_an_error(store: EdgeStore, hurt: Path, manifest: Manifest) -> None:
    garble(file_of(hurt, f"{SEGMENT}/payload_index/*-source-map/tracker.dat"))  # too large for the seal to read
    for _ in range(2):
        with pytest.raises(DamagedCollection, match="'hurt' is damaged: the embedded store stopped with 'assertion"):
            await store.open("hurt")
    await check_others_and_repair(store, manifest)


async def test_shard_that_panicked_is_not_used_again_but_opened_anew(store: EdgeStore, hurt: Path) -> None:
    garble(file_of(hurt, f"{SEGMENT}/vector_storage-bm25/store/tracker.dat"))
    first = await store.open("hurt")
    with pytest.raises(DamagedCollection, match="stopped with 'assertion"):
        await first.write([replace(POINTS[0], passage=Passage("new", 0, text="new"))])
    with pytest.raises(DamagedCollection, match="stopped with 'assertion"):
        await first.count()
    await store.close()  # says nothing, and leaves no lock behind
    assert await (await store.open("whole")).count() == 20
    await store.drop("hurt")


async def test_folder_with_an_impossible_name_is_listed_and_can_be_deleted(store: EdgeStore, hurt: Path) -> None:
    rename(hurt, hurt.with_name("not possible"))
    assert await store.names() == ["not possible", "whole"]
    with pytest.raises(DamagedCollection, match="has a name that no collection can have"):
        await store.open("not possible")
    with pytest.raises(InvalidInput):
        await store.drop("../data")
    await store.drop("not possible")
    assert await store.names() == ["whole"]


@pytest.mark.skipif(os.name != "posix", reason="file names are Unicode here")
async def test_folder_whose_name_is_not_unicode_is_left_out(store: EdgeStore, hurt: Path) -> None:
    rename(hurt, Path(os.fsdecode(os.fsencode(hurt.parent) + b"/\xff")))
    assert await store.names() == ["whole"]
    assert await store.unnamable() == [r"'\udcff'"]


async def test_file_in_the_way_of_a_new_collection_is_named(store: EdgeStore, hurt: Path, manifest: Manifest) -> None:
    (hurt.parent / "notes").write_text("a file")
    with pytest.raises(StoreError, match=r"'notes' cannot be made in .*notes: .+\. Move away what is there"):
        await store.open("notes", create=manifest)
    assert await store.names() == ["hurt", "whole"]


async def test_new_collection_deletes_nothing_that_lies_in_its_place(
    store: EdgeStore, hurt: Path, manifest: Manifest
) -> None:
    remains = hurt.parent / "notes" / "shard.old"
    remains.mkdir(parents=True)
    with pytest.raises(StoreError, match=r"'notes' cannot be made in .*Move away what is there"):
        await store.open("notes", create=manifest)
    remains.rmdir()
    (hurt.parent / "notes" / "unfinished").touch()
    await store.open("notes", create=manifest)
    assert await store.names() == ["hurt", "notes", "whole"]


async def test_creation_that_was_interrupted_is_completed(store: EdgeStore, manifest: Manifest) -> None:
    folder = (await store.open("new", create=manifest)) and store.folder("new")
    await store.close()
    (folder / "unfinished").touch()
    shutil.rmtree(folder / "shard" / "segments")
    collection = await store.open("new")
    await collection.write(POINTS)
    assert await everything_of(collection) == (20, 20, 20, 1)
    assert not (folder / "unfinished").exists()


@pytest.mark.slow
async def test_backup_restores_a_damaged_collection_and_only_that(store: EdgeStore, hurt: Path, tmp_path: Path) -> None:
    file = tmp_path / "all.tar"
    await back_up(store, file, ["hurt"])
    with pytest.raises(StoreError, match=r"these collections already exist: hurt\."):
        await restore(store, file)
    await store.close()
    empty(file_of(hurt, f"{SEGMENT}/payload_index/*-source-null/has_values/status.dat"))
    await restore(store, file)
    assert await everything_of(await store.open("hurt")) == (20, 20, 20, 1)
    assert await store.names() == ["hurt", "whole"]
    assert not (tmp_path / "data" / "restoring").exists()


async def test_backup_leaves_a_damaged_collection_out_and_says_so(store: EdgeStore, hurt: Path, tmp_path: Path) -> None:
    delete(hurt / "manifest.json")
    done = await back_up(store, tmp_path / "all.tar", [])
    assert dict(done.contents.passages) == {"whole": 20}
    assert re.search("'hurt' is damaged", str(done.left_out["hurt"]))
    with pytest.raises(DamagedCollection):
        await back_up(store, tmp_path / "hurt.tar", ["hurt"])


async def test_older_data_without_a_seal_opens(store: EdgeStore, hurt: Path) -> None:
    (hurt / "seal.json").unlink()
    assert await everything_of(await store.open("hurt")) == (20, 20, 20, 1)
    await store.close()
    assert (hurt / "seal.json").is_file()
