"""Watched folders: what is saved is found, and what is deleted is not. The tests wait for what the watch tells."""

import math
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.streams.memory import MemoryObjectReceiveStream
from filelock import FileLock

from resift.api.resift import Resift
from resift.api.watching import FolderWatch, watch_registered
from resift.core.errors import InvalidInput
from resift.factories.engine import Engine, build_engine
from resift.ingest.watching.watched import Watched
from resift.settings.load import load_settings

LIMIT_S = 60  # far more than is needed, on a machine that does other work

pytestmark = pytest.mark.anyio

Lines = MemoryObjectReceiveStream[str]


@pytest.fixture
async def resift(tmp_path: Path) -> AsyncGenerator[Resift]:
    async with Resift(data_dir=tmp_path / "data") as opened:
        yield opened


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.md").write_text("# Brakes\n\nWorn brake pads squeal on wet mornings.\n")
    return tmp_path / "docs"


@asynccontextmanager
async def watching(resift: Resift, *folders: Path, glob: str = "**/*") -> AsyncGenerator[Lines]:
    """Watch folders until the end of the block, and yield what the watch tells."""
    told, lines = anyio.create_memory_object_stream[str](math.inf)
    with told, lines:
        async with anyio.create_task_group() as group:
            watched = Watched("default", folders, glob=glob)
            group.start_soon(FolderWatch(resift, watched, tell=told.send_nowait).run)
            yield lines
            group.cancel_scope.cancel()


async def heard(lines: Lines, *texts: str) -> list[str]:
    """Return the lines up to the one with the last of the texts, once each was told."""
    found, missing = list[str](), set(texts)
    with anyio.fail_after(LIMIT_S):
        while missing:
            found.append(await lines.receive())
            missing = {text for text in missing if text not in found[-1]}
    return found


def unmount(folder: Path) -> None:
    folder.rename(folder.parent / "away")
    folder.mkdir()


async def names(resift: Resift, query: str) -> list[str]:
    page = await resift.search(query, reranker="none", collection="default")
    return [Path(hit.passage.source).name for hit in page.hits]


@pytest.mark.slow
async def test_saved_file_is_found_and_deleted_one_is_gone(resift: Resift, docs: Path) -> None:
    async with watching(resift, docs) as lines:
        assert await heard(lines, "unchanged") == ["default: 1 added, 0 unchanged"]
        (docs / "b.md").write_text("A cold battery loses capacity.")
        await heard(lines, "docs/b.md added (1 passage)")
        assert "b.md" in await names(resift, "battery capacity")
        (docs / "b.md").write_text("The radar warns before a lane change.")
        (docs / "a.md").unlink()
        assert set(await heard(lines, "docs/a.md removed", "docs/b.md updated (1 passage)")) == {
            "docs/a.md removed",
            "docs/b.md updated (1 passage)",
        }
        assert await names(resift, "radar") == ["b.md"]


@pytest.mark.slow
async def test_renames_and_saves_by_rename_are_followed(resift: Resift, docs: Path) -> None:
    async with watching(resift, docs) as lines:
        await heard(lines, "added")
        (docs / "a.md").rename(docs / "z.md")
        await heard(lines, "docs/a.md removed", "docs/z.md added (1 passage)")
        (docs / ".z.md.tmp").write_text("Charge the battery slowly.")  # as editors save
        (docs / ".z.md.tmp").replace(docs / "z.md")
        await heard(lines, "docs/z.md updated (1 passage)")
        (docs / "deep").mkdir()
        (docs / "z.md").rename(docs / "deep/z.md")
        await heard(lines, "docs/z.md removed")
        await until(partial(is_below, resift, "battery", docs / "deep"))
        (docs / "deep").rename(docs.parent / "away")
        await heard(lines, "default: 1 removed")
        assert await names(resift, "battery") == []


@pytest.mark.slow
async def test_folder_that_vanishes_keeps_its_documents_and_is_followed_when_it_is_back(
    resift: Resift, docs: Path
) -> None:
    (docs.parent / "other").mkdir()
    async with watching(resift, docs, docs.parent / "other") as lines:
        await heard(lines, "1 added")
        shutil.move(docs, docs.parent / "away")
        await heard(lines, "docs does not exist now. Its documents are kept until it is back.")
        assert await names(resift, "brake pads") == ["a.md"]
        (docs.parent / "other/b.md").write_text("The radar warns before a lane change.")
        await heard(lines, "added")  # by its name, or in the counts of the comparison without docs
        assert "b.md" in await names(resift, "radar")
        (docs.parent / "away/c.md").write_text("Charge the battery slowly.")
        (docs.parent / "away").rename(docs)
        await heard(lines, "default: 1 added, 2 unchanged")
        (docs / "d.md").write_text("Bleed the brakes.")
        await heard(lines, "docs/d.md added (1 passage)")


@pytest.mark.slow
async def test_empty_folder_in_the_place_of_one_as_of_a_disk_that_is_not_mounted_removes_nothing(
    resift: Resift, docs: Path
) -> None:
    async with watching(resift, docs) as lines:
        await heard(lines, "1 added")
        unmount(docs)
        await heard(lines, "docs has none of the files that were ingested from it")
        (docs / "b.md").write_text("The radar warns before a lane change.")
        await heard(lines, "added")  # by its name, or in the counts of a comparison
        assert set(await names(resift, "brake pads")) == {"a.md", "b.md"}
        shutil.rmtree(docs)
        (docs.parent / "away").rename(docs)
        await heard(lines, "default: 1 removed, 1 unchanged")


@pytest.mark.slow
async def test_error_is_told_and_the_ingestion_tried_again(resift: Resift, docs: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    busy = FileLock(tmp_path / "data/.lock", thread_local=False)
    with busy:
        async with watching(resift, docs) as lines:
            assert "Trying again." in (await heard(lines, "is in use by another process"))[-1]
            busy.release()
            assert await heard(lines, "1 added") == ["default: 1 added, 0 unchanged"]


async def test_first_error_that_waiting_does_not_mend_ends_the_watch(resift: Resift, docs: Path) -> None:
    with pytest.raises(BaseExceptionGroup) as caught:
        async with watching(resift, docs, glob="x" * 1000) as lines:
            await heard(lines, "never")
    assert isinstance(caught.value.exceptions[0], InvalidInput)


@pytest.mark.slow
async def test_failure_of_a_file_is_told_once(resift: Resift, docs: Path) -> None:
    (docs / "bad.md").write_bytes(b"# Title\n\xff\x00\xfe")
    async with watching(resift, docs) as lines:
        await heard(lines, "failed: ")
        for number in range(3):
            (docs / "a.md").write_text(f"Version {number} of the text.")
            assert await heard(lines, "docs/a.md updated") == ["docs/a.md updated (1 passage)"]


@pytest.mark.slow
async def test_burst_of_2000_files_is_followed(resift: Resift, docs: Path) -> None:
    async with watching(resift, docs) as lines:
        await heard(lines, "1 added")
        for number in range(2000):
            folder = docs / f"part{number % 20}"
            folder.mkdir(exist_ok=True)
            (folder / f"{number}.md").write_text(f"Note {number} says that bolt {number} is loose.")
        added = 0
        with anyio.fail_after(300):
            while added < 2000:
                line = await lines.receive()
                added += int(line.split(" added")[0].rsplit(" ")[-1].replace(",", "")) if " added," in line else 1
        assert added == 2000
        shutil.rmtree(docs / "part3")
        await heard(lines, "100 removed")


def engine_that_watches(folder: Path) -> Engine:
    """Return an engine that watches what is ingested."""
    return build_engine(load_settings(data_dir=folder / "data", serve={"watch": True}), roots=[folder])


@asynccontextmanager
async def registering(folder: Path) -> AsyncGenerator[Resift]:
    """An engine that watches what was ingested into it."""
    engine = engine_that_watches(folder)
    async with anyio.create_task_group() as group:
        group.start_soon(watch_registered, engine, engine.services.watched)
        yield Resift(engine=engine)
        group.cancel_scope.cancel()
    await engine.close()


async def is_below(resift: Resift, query: str, folder: Path) -> bool:
    page = await resift.search(query, reranker="none")
    return [Path(hit.passage.source).parent for hit in page.hits] == [folder]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    with anyio.fail_after(LIMIT_S):
        while not await holds():  # noqa: ASYNC110 - nothing tells that a search has another result
            await anyio.sleep(0.05)


@pytest.mark.slow
async def test_engine_watches_what_was_ingested_even_after_a_restart(tmp_path: Path, docs: Path) -> None:
    async def is_found(resift: Resift, query: str, name: str) -> bool:
        return name in await names(resift, query)

    async with registering(tmp_path) as resift:
        await resift.ingest([docs], metadata={"lang": "en"}, glob="*.md")
        (docs / "b.md").write_text("A cold battery loses capacity.")
        await until(partial(is_found, resift, "battery", "b.md"))
    (docs / "c.md").write_text("The radar warns before a lane change.")
    async with registering(tmp_path) as resift:
        await until(partial(is_found, resift, "radar", "c.md"))
        assert (await resift.search("radar", filter={"lang": "en"}, reranker="none")).hits


@pytest.mark.slow
async def test_deleted_collection_is_not_filled_again(tmp_path: Path, docs: Path) -> None:
    async def is_forgotten() -> bool:
        return not resift.services.watched.read()

    async with registering(tmp_path) as resift:
        await resift.ingest([docs])
        assert [row.folders for row in resift.services.watched.read()] == [(docs,)]
        await resift.delete("default", everything=True)
        (docs / "b.md").write_text("A cold battery loses capacity.")
        await until(is_forgotten)
        assert await resift.collections() == []


async def test_nothing_is_remembered_unless_the_settings_say_so_and_something_is_ingested(
    resift: Resift, tmp_path: Path, docs: Path
) -> None:
    await resift.ingest([docs])
    assert resift.services.watched.read() == []
    await resift.close()
    asked = Resift(engine=engine_that_watches(tmp_path))
    await asked.ingest([docs], dry_run=True)
    assert asked.services.watched.read() == []
    await asked.close()


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"read_only": True}, "RESIFT_READ_ONLY"), ({"ingest_roots": ["elsewhere"]}, "RESIFT_INGEST_ROOTS")],
)
async def test_what_the_settings_forbid_is_not_watched(
    tmp_path: Path, docs: Path, caplog: pytest.LogCaptureFixture, settings: dict[str, Any], why: str
) -> None:
    if roots := settings.get("ingest_roots"):
        settings = {"ingest_roots": tuple(tmp_path / each for each in roots)}
    engine = build_engine(load_settings(data_dir=tmp_path / "data", **settings))
    engine.services.watched.add(Watched("default", (docs,)))
    async with anyio.create_task_group() as group:
        group.start_soon(watch_registered, engine, engine.services.watched)
        await until(partial(is_logged, caplog, why))
        group.cancel_scope.cancel()
    assert "Watching " + str(docs) not in caplog.text
    assert await engine.services.store.names() == []
    await engine.close()


async def is_logged(caplog: pytest.LogCaptureFixture, text: str) -> bool:
    return text in caplog.text
