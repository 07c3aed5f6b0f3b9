"""Calls on behalf of a caller keep to what that caller may do."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resift.api.caller import CALLER, Caller
from resift.api.resift import Resift
from resift.core.errors import Forbidden, NotFound
from resift.factories.engine import Engine
from resift.pipeline.request import SearchRequest

pytestmark = pytest.mark.anyio


@contextmanager
def calling(caller: Caller) -> Generator[None]:
    token = CALLER.set(caller)
    try:
        yield
    finally:
        CALLER.reset(token)


async def _documents(resift: Resift, *collections: str) -> None:
    for each in collections:
        await resift.ingest(documents=[{"id": each, "text": f"A text about {each}."}], collection=each)


async def test_caller_uses_only_its_collections(engine: Engine) -> None:
    resift = Resift(engine=engine)
    await _documents(resift, "ours", "theirs")
    with calling(Caller(collections=frozenset({"ours"}))):
        assert (await resift.search("text", collection="ours")).hits
        assert [each.name for each in await resift.collections()] == ["ours"]
        for refused in (
            resift.search("text", collection="theirs"),
            resift.search("text", collection="nowhere"),
            resift.read("theirs", collection="theirs"),
            resift.collections("theirs"),
            resift.fields("theirs"),
            resift.tunings("theirs"),
            resift.delete("theirs", everything=True),
            resift.ingest(documents=[{"text": "x"}], collection="theirs"),
        ):
            with pytest.raises(Forbidden, match="It may use: ours"):
                await refused


async def test_caller_gives_feedback_only_on_searches_of_its_collections(tmp_path: Path) -> None:
    async with Resift(data_dir=tmp_path, feedback=True) as resift:
        await _documents(resift, "ours", "theirs")
        request = SearchRequest("text", collection=["ours", "theirs"])
        both = await resift.log_search(request, (await resift.search("text", collection=["ours", "theirs"])).hits)
        ours = await resift.log_search(
            SearchRequest("text", collection=["ours"]), (await resift.search("text", collection="ours")).hits
        )
        with calling(Caller(collections=frozenset({"ours"}))):
            with pytest.raises(NotFound, match="No search"):
                await resift.record_feedback(both, used=["ours#0"])
            await resift.record_feedback(ours, used=["ours#0"])
        with calling(Caller(may_write=False)):
            await resift.record_feedback(ours, used=["ours#0"])


async def test_name_of_a_collection_is_not_told_to_callers_who_may_not_use_it(engine: Engine) -> None:
    resift = Resift(engine=engine)
    await _documents(resift, "ours", "private")
    for call in (
        lambda: resift.search("text", collection="absent"),
        lambda: resift.search("text", collection=["ours", "absent"]),
        lambda: resift.read("x", collection="absent"),
        lambda: resift.fields("absent"),
        lambda: resift.delete("absent", everything=True),
    ):
        with pytest.raises(NotFound, match=r"Known: .*private"):
            await call()
        with calling(Caller(collections=frozenset({"ours", "absent"}))):
            with pytest.raises(NotFound, match="No collection 'absent'") as told:
                await call()
            assert "private" not in str(told.value)
            assert (await resift.search("text", collection="*")).hits
            assert {hit.passage.collection for hit in await resift.search("text", collection="*")} == {"ours"}


async def test_caller_who_may_only_read_changes_nothing(engine: Engine) -> None:
    resift = Resift(engine=engine)
    await _documents(resift, "kept")
    with calling(Caller(may_write=False)):
        for refused in (
            resift.ingest(documents=[{"text": "x"}], collection="kept"),
            resift.delete("kept", everything=True),
        ):
            with pytest.raises(Forbidden, match="may only read"):
                await refused
        assert (await resift.search("text", collection="kept")).hits


async def test_relative_paths_start_from_the_folder_of_the_caller(engine: Engine, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "note.md").write_text(f"# Note\n\nWritten in folder {name}.\n")
    resift = Resift(engine=engine)
    for name in ("one", "two"):
        with calling(Caller(roots=(tmp_path / name,))):
            assert (await resift.ingest("note.md", collection=name)).added == 1
            page = await resift.search("where was it written", collection=name)
            assert page.names.source(page.hits[0].passage) == "note.md"
            assert name in page.hits[0].passage.text
    with calling(Caller(roots=(tmp_path / "one",))):
        report = await resift.ingest(str(tmp_path / "two" / "note.md"), collection="one")
    assert "outside the folders" in report.failures[0].reason


async def test_user_at_a_terminal_may_read_every_path_that_is_named(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "far.md").write_text("Far away from every root.")
    (tmp_path / "here").mkdir()
    with calling(Caller(roots=(tmp_path / "here",), reads_any_path=True)):
        assert (await Resift(engine=engine).ingest("../far.md", collection="far")).added == 1
