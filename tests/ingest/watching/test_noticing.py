"""Changes as the system reports them: everything first, and again whenever some may have been missed."""

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import pytest
from watchfiles._rust_notify import RustNotify

from resift.ingest.files.roots import Roots
from resift.ingest.watching import noticing
from resift.ingest.watching.noticing import Changes, changes
from resift.ingest.watching.relevance import relevant_changes

LIMIT_S = 60

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


@pytest.fixture
def top(tmp_path: Path) -> Path:
    (tmp_path / "top").mkdir()
    return tmp_path / "top"


def replace(folder: Path) -> None:
    """Put another folder in the place of one."""
    folder.rename(folder.with_name("old"))
    folder.mkdir()


class Seen:
    """What `changes` yields, with a limit for each."""

    def __init__(self, found: AsyncGenerator[Changes]) -> None:
        self._found = found

    async def next(self) -> Changes:
        with anyio.fail_after(LIMIT_S):
            return await anext(self._found)


@asynccontextmanager
async def watched(*folders: Path) -> AsyncGenerator[Seen]:
    relevant = partial(relevant_changes, tops=folders, glob="**/*", roots=Roots.of(folders), gitignore=True)
    found = changes(folders, relevant)
    yield Seen(found)
    await found.aclose()


async def test_everything_comes_first_and_then_what_matters(top: Path) -> None:
    (top / ".resiftignore").write_text("*.tmp\nout/\n")
    (top / "out").mkdir()
    async with watched(top) as seen:
        assert await seen.next() == Changes((top,))
        for name in ("a.tmp", "out/b.md", ".c.md.swp", "film.mp4"):
            (top / name).write_text("text")
        (top / "last.md").write_text("text")
        assert await seen.next() == Changes((top,), (top / "last.md",))


@pytest.mark.parametrize("is_polled", [False, True])
async def test_folders_that_are_made_and_removed_are_followed(
    top: Path, is_polled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if is_polled:
        monkeypatch.setenv("WATCHFILES_FORCE_POLLING", "true")
    async with watched(top) as seen:
        await seen.next()
        (top / "deep/er").mkdir(parents=True)
        (top / "deep/er/a.md").write_text("text")
        paths = set[Path]()
        while top / "deep/er/a.md" not in paths and top / "deep" not in paths:
            paths |= set((await seen.next()).paths)
        (top / "b.md").write_text("text")
        while top / "b.md" not in paths:
            paths |= set((await seen.next()).paths)
        assert paths <= {top / "b.md", top / "deep", top / "deep/er", top / "deep/er/a.md"}


async def test_folder_that_is_replaced_is_compared_as_a_whole(top: Path) -> None:
    async with watched(top) as seen:
        await seen.next()
        replace(top)
        assert await seen.next() == Changes((top,))
        (top / "a.md").write_text("text")
        assert await seen.next() == Changes((top,), (top / "a.md",))


async def test_missing_folder_is_awaited(top: Path) -> None:
    other = top.with_name("other")
    async with watched(top, other) as seen:
        assert await seen.next() == Changes((top,), missing=(other,))
        other.mkdir()
        assert await seen.next() == Changes((top, other))
        shutil.rmtree(other)
        shutil.move(top, top.with_name("away"))
        found = await seen.next()
        while found.folders:  # the other one vanished first
            found = await seen.next()
        shutil.move(top.with_name("away"), top)
        assert await seen.next() == Changes((top,), missing=(other,))


async def test_everything_is_compared_after_a_burst_that_the_system_may_have_cut(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noticing, "MANY", 50)
    async with watched(top) as seen:
        await seen.next()
        for number in range(200):
            (top / f"{number}.md").write_text("text")
        found = await seen.next()
        while found.paths:  # batches that were small enough
            found = await seen.next()
        assert found == Changes((top,))


async def test_everything_is_compared_from_time_to_time(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noticing, "RESCAN_S", 0.1)
    async with watched(top) as seen:
        assert [await seen.next() for _ in range(3)] == [Changes((top,))] * 3


async def test_folders_are_compared_where_the_system_does_not_report_changes(
    top: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on Linux when fs.inotify.max_user_watches is reached."""

    def refuse(paths: list[str], debug: bool, force_polling: bool, *rest: object) -> RustNotify:
        if not force_polling:
            raise OSError("OS file watch limit reached. about " + str(paths))
        return RustNotify(paths, debug, force_polling, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("watchfiles.main.RustNotify", refuse)
    async with watched(top) as seen:
        assert await seen.next() == Changes((top,))
        (top / "a.md").write_text("text")
        assert await seen.next() == Changes((top,), (top / "a.md",))
    assert "OS file watch limit reached" in caplog.text
