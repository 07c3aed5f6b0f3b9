"""Backups: what goes in comes out, and half a backup is refused."""

import errno
import gzip
import os
import shutil
import tarfile
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from resift.core.errors import InvalidInput, NotFound, StoreError
from resift.core.private_files import why_unwritable
from resift.core.values import Passage
from resift.core.vectors import Sparse
from resift.store.edge.backup import back_up, restore
from resift.store.edge.store import EdgeStore
from resift.store.manifest import Manifest
from resift.store.protocols import Leg, Point

pytestmark = pytest.mark.anyio

EAST = np.eye(4, dtype=np.float32)[0]
POINTS = [
    Point(
        Passage("a", ordinal, text=f"text {ordinal}", metadata={"lang": "en"}),
        "digest",
        passages=20,
        vectors={"dense": EAST, "bm25": bm25},
    )
    for ordinal, bm25 in enumerate([Sparse((7,), (1.0,))] * 20)
]


@pytest.fixture(scope="module")
async def original(tmp_path_factory: pytest.TempPathFactory, manifest: Manifest) -> AsyncGenerator[EdgeStore]:
    """A store with two collections, "notes" and the empty "wiki"."""
    store = EdgeStore(tmp_path_factory.mktemp("original"), reserve_bytes=0)
    collection = await store.open("notes", create=manifest)
    await collection.remember(replace(manifest, fields={"lang": "keyword"}))
    await collection.write(POINTS)
    await store.open("wiki", create=manifest)
    yield store
    await store.close()


@pytest.fixture(scope="module")
async def whole(original: EdgeStore, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backups") / "below" / "all.tar"
    index = (await back_up(original, file, [])).contents
    assert dict(index.passages) == {"notes": 20, "wiki": 0}
    return file


@pytest.fixture
def backup(whole: Path, tmp_path: Path) -> Path:
    """A copy of the backup, to do harm to."""
    return Path(shutil.copy(whole, tmp_path))


@pytest.mark.slow
async def test_backup_restores_documents_vectors_and_manifest_elsewhere(
    original: EdgeStore, backup: Path, manifest: Manifest, tmp_path: Path
) -> None:
    other = EdgeStore(tmp_path / "elsewhere", reserve_bytes=0)
    await restore(other, backup)
    assert await other.names() == ["notes", "wiki"]
    notes = await other.open("notes")
    assert notes.manifest == replace(manifest, fields={"lang": "keyword"})
    assert await notes.entries() == await (await original.open("notes")).entries()
    assert len((await notes.search([Leg("dense", EAST, limit=30)]))[0]) == 20
    assert not (tmp_path / "elsewhere" / "restoring").exists()

    await other.drop("wiki")
    with pytest.raises(StoreError, match=r"Nothing was restored, because these collections already exist: notes\."):
        await restore(other, backup)
    assert await other.names() == ["notes"]
    await other.close()


@pytest.mark.slow
async def test_one_collection_of_a_backup_is_restored_beside_others(backup: Path, tmp_path: Path) -> None:
    other = EdgeStore(tmp_path / "elsewhere", reserve_bytes=0)
    assert dict((await restore(other, backup, ["notes"])).passages) == {"notes": 20}
    assert await other.names() == ["notes"]
    with pytest.raises(StoreError, match=r"already exist: notes\. .*`resift restore FILE -c NAME`"):
        await restore(other, backup)
    with pytest.raises(NotFound, match=r"holds no collection 'wikis'\. Did you mean 'wiki'\? It holds: notes, wiki\."):
        await restore(other, backup, ["wikis"])
    await restore(other, backup, ["wiki"])
    assert await other.names() == ["notes", "wiki"]
    await other.close()


async def test_backup_of_one_collection_leaves_the_others_out(original: EdgeStore, tmp_path: Path) -> None:
    index = (await back_up(original, tmp_path / "wiki.tar", ["wiki"])).contents
    assert set(index.passages) == {"wiki"}
    assert {name.partition("/")[0] for name in index.files} == {"wiki"}
    with pytest.raises(NotFound, match=r"No collection 'wikis'\. Did you mean 'wiki'"):
        await back_up(original, tmp_path / "other.tar", ["wikis"])
    with pytest.raises(InvalidInput, match=r"wiki\.tar already exists"):
        await back_up(original, tmp_path / "wiki.tar", ["wiki"])
    assert not (tmp_path / "other.tar.part").exists()


def cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def uncompress(file: Path) -> None:
    """Make the backup one of an earlier version, which did not compress."""
    file.write_bytes(gzip.decompress(file.read_bytes()))


def flip_a_byte_of_a_text(file: Path) -> None:
    content = bytearray(gzip.decompress(file.read_bytes()))
    at = content.index(b"text 11")
    content[at] ^= 1
    file.write_bytes(content)


def replace_by_text(file: Path) -> None:
    file.write_text("not a backup")


def leave_the_index_out(file: Path) -> None:
    with tarfile.open(file) as archive, tarfile.open(file.with_suffix(".new"), "w") as other:
        for member in archive.getmembers()[:-1]:
            other.addfile(member, archive.extractfile(member))
    file.with_suffix(".new").replace(file)


def add_a_file_outside(file: Path) -> None:
    with tarfile.open(file) as archive, tarfile.open(file.with_suffix(".new"), "w") as other:
        *members, index = archive.getmembers()
        intruder = tarfile.TarInfo("../intruder")
        other.addfile(intruder)
        for member in [*members, index]:
            other.addfile(member, archive.extractfile(member))
    file.with_suffix(".new").replace(file)


@pytest.mark.slow
@pytest.mark.parametrize(
    "harm", [cut, flip_a_byte_of_a_text, replace_by_text, leave_the_index_out, add_a_file_outside]
)  # fmt: skip
async def test_damaged_backup_restores_nothing(backup: Path, tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(backup)
    other = EdgeStore(tmp_path / "elsewhere", reserve_bytes=0)
    with pytest.raises(InvalidInput, match=r"all\.tar"):
        await restore(other, backup)
    assert await other.names() == []
    assert not (tmp_path / "intruder").exists()
    assert list((tmp_path / "elsewhere").rglob("*.json")) in ([], [tmp_path / "elsewhere" / "owner.json"])
    await other.close()


async def test_missing_file_is_named(store: EdgeStore, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"no file .*nowhere\.tar"):
        await restore(store, tmp_path / "nowhere.tar")


async def test_file_of_another_kind_is_refused_in_one_sentence(store: EdgeStore, tmp_path: Path) -> None:
    junk = tmp_path / "junk.tar"
    junk.write_text("not a backup")
    with pytest.raises(InvalidInput) as refused:
        await restore(store, junk)
    assert (
        str(refused.value)
        == f"{junk} is not a backup. Choose a file that `resift backup` wrote. An export is read by `resift import`."
    )


async def test_directory_is_no_backup(store: EdgeStore, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be read: Is a directory"):
        await restore(store, tmp_path)


@pytest.mark.slow
async def test_backup_is_as_small_as_what_is_in_it(backup: Path) -> None:
    compressed = backup.read_bytes()  # noqa: ASYNC240
    assert len(compressed) < 3_000_000
    assert len(gzip.decompress(compressed)) > 50 * len(compressed)  # holes


@pytest.mark.slow
async def test_uncompressed_backup_of_an_earlier_version_is_restored_unless_it_was_cut_off(
    backup: Path, tmp_path: Path
) -> None:
    uncompress(backup)
    other = EdgeStore(tmp_path / "elsewhere", reserve_bytes=0)
    assert (await restore(other, backup)).passages.keys() == {"notes", "wiki"}
    await other.close()
    cut(backup)
    with pytest.raises(InvalidInput, match=r"all\.tar"):
        await restore(EdgeStore(tmp_path / "third", reserve_bytes=0), backup)


@pytest.mark.skipif(os.name != "posix", reason="permissions of files")
async def test_backup_is_readable_by_its_user_alone(original: EdgeStore, tmp_path: Path) -> None:
    file = tmp_path / "wiki.tar"
    (tmp_path / "wiki.tar.part").touch(mode=0o644)  # of an earlier version that was killed
    await back_up(original, file, ["wiki"])
    assert file.stat().st_mode & 0o777 == 0o600


async def test_backup_that_cannot_be_written_says_so(original: EdgeStore, backup: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be created"):
        await back_up(original, backup / "below.tar", ["wiki"])
    long = backup.with_name("x" * 255)  # with ".part" behind it, too long for a file system
    with pytest.raises(StoreError, match=r"x could not be written: File name too long\. Choose another file\.$"):
        await back_up(original, long, ["wiki"])


@pytest.mark.slow
async def test_collection_that_cannot_be_put_in_its_place_takes_the_others_back(backup: Path, tmp_path: Path) -> None:
    other = EdgeStore(tmp_path / "elsewhere", reserve_bytes=0)
    other.work_folder("collections").joinpath("wiki").write_text("a file where a folder has to go")
    with pytest.raises(StoreError, match="Nothing was restored"):
        await restore(other, backup)
    assert await other.names() == []
    (tmp_path / "elsewhere" / "collections" / "wiki").unlink()
    assert (await restore(other, backup)).passages.keys() == {"notes", "wiki"}
    await other.close()


async def test_file_that_cannot_be_written_is_refused_before_collections_are_read(tmp_path: Path) -> None:
    store = EdgeStore(tmp_path / "data", reserve_bytes=0)
    damaged = store.folder("broken")
    damaged.mkdir(parents=True)
    (damaged / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="could not be written"):
        await back_up(store, tmp_path / ("x" * 255), ["broken"])


def test_only_a_full_disk_needs_space() -> None:
    assert why_unwritable(OSError(errno.ENOSPC, "No space left on device"), "Try.") == (
        "No space left on device. Free some space."
    )
    assert why_unwritable(PermissionError(errno.EACCES, "Permission denied"), "Try.") == "Permission denied. Try."
