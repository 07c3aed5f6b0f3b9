"""The asynchronous API: one call per tool, typed results, and errors that say what to do."""

import inspect
from datetime import date
from pathlib import Path

import pytest

from resift import Document, DocumentInput, IngestReport, InvalidInput, NotFound, Page, Resift, SearchRequest, Settings
from resift.api.arguments import names
from resift.api.ingestion import NOTHING_PRUNED
from resift.factories.engine import build_engine
from resift.settings.load import load_settings

pytestmark = pytest.mark.anyio


async def test_documents_are_ingested_searched_read_and_deleted(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.md").write_text("# Pump\n\nThe pump hums at night.", encoding="utf-8")
    async with Resift(data_dir=tmp_path / "data") as resift:
        report = await resift.ingest(
            tmp_path / "docs",
            documents=[{"text": "Bees dance to tell where flowers are.", "title": "Bees", "id": "bees"}],
        )
        assert isinstance(report, IngestReport)
        assert (report.added, report.failures) == (2, ())

        page = await resift.search("what do bees dance for", limit=1)
        assert isinstance(page, Page)
        (hit,) = page
        assert (hit.passage.document_id, hit.rank, page.degraded) == ("bees", 1, False)
        assert [stage.name for stage in page.stages] == ["encode", "search", "rerank"]

        extract = await resift.read(passage_id=hit.passage.id)
        assert [passage.text for passage in extract.passages] == ["Bees dance to tell where flowers are."]

        (summary,) = await resift.collections()
        assert (summary.name, summary.documents) == ("default", 2)
        removed = await resift.delete("default", document_ids=["bees"])
        assert removed.documents == 1
        assert (await resift.collections("default"))[0].documents == 1


async def test_what_one_call_returned_is_passed_to_the_next(tmp_path: Path) -> None:
    texts = {"bees": "Bees dance to tell where flowers are.", "pump": "The pump hums at night."}
    documents = [Document(each, each.title(), text=texts[each], metadata={"when": date(2024, 5, 1)}) for each in texts]
    async with Resift(data_dir=tmp_path / "data") as resift:
        assert (await resift.ingest(documents=documents)).added == 2
        page = await resift.search("what hums", filter={"when": {"gte": date(2024, 5, 1)}})
        passages = [hit.passage for hit in page]
        assert {passage.document_id for passage in passages} == {*texts}
        for given in (page, page.hits, passages, (hit for hit in page)):
            again = await resift.rerank("what do bees do", given)  # pyright: ignore[reportArgumentType]
            assert [hit.passage.id for hit in again] == ["bees#0", "pump#0"]
            assert all(hit.passage in passages for hit in again), "with metadata and citation"
        with pytest.raises(InvalidInput, match=r"documents\.0\.id: .*at most 1000 characters"):
            await resift.ingest(documents=[Document("i" * 1001, "Bees", text=texts["bees"])])


async def test_calls_after_closing_are_refused_and_leave_the_data_to_others(tmp_path: Path) -> None:
    documents: list[DocumentInput] = [{"text": "Bees dance to tell where flowers are.", "title": "Bees"}]
    async with Resift(data_dir=tmp_path / "data") as closed:
        await closed.ingest(documents=documents)
    await closed.close()
    calls = [
        closed.search("bees"),
        closed.rerank("bees", ["The pump hums."]),
        closed.ingest(documents=documents),
        closed.collections(),
    ]
    for call in calls:
        with pytest.raises(InvalidInput, match="This instance was closed"):
            await call
    async with Resift(data_dir=tmp_path / "data") as other:
        assert [each.documents for each in await other.collections()] == [1]


async def test_files_are_counted_while_they_are_found(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for number in range(250):
        (tmp_path / "docs" / f"{number}.md").write_text("Some text.")
    heard: list[str] = []

    async def hear(done: float, total: int, message: str) -> None:
        heard.append(f"{message} {done:.0f} {total}")

    async with Resift(data_dir=tmp_path / "data") as resift:
        await resift.ingest(tmp_path / "docs", progress=hear)
    assert heard[:4] == [
        "Looking for files 0 0",
        "Looking for files: 100 so far 0 0",
        "Looking for files: 200 so far 0 0",
        "Reading 250 documents 0 250",
    ]


async def test_prune_without_a_folder_says_that_it_did_nothing(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.md").write_text("The pump hums.", encoding="utf-8")
    async with Resift(data_dir=tmp_path / "data") as resift:
        report = await resift.ingest(tmp_path / "docs" / "*.md", prune=True)
        assert (report.added, report.notes) == (1, (NOTHING_PRUNED,))
        assert (await resift.ingest(tmp_path / "docs", prune=True)).notes == ()


async def test_passages_are_reranked_without_a_collection(tmp_path: Path) -> None:
    async with Resift(data_dir=tmp_path / "data") as resift:
        page = await resift.rerank(
            "how do bees communicate", ["The pump hums.", {"id": "b", "text": "Bees dance to tell where flowers are."}]
        )
        assert [(hit.passage.id, hit.was) for hit in page] == [("b", 2), ("1", 1)]
        assert not (tmp_path / "data").exists(), "reranking opens no store"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"top_k": 3}, "unknown argument 'top_k'.* Known: query, collection, limit"),
        ({"limt": 3}, "unknown argument 'limt'. Did you mean 'limit'"),
        ({"limit": 0}, "limit: 0 is below the minimum of 1"),
        ({"mode": "fuzzy"}, "mode: Input should be 'hybrid', 'dense' or 'keyword'"),
    ],
)
async def test_unusable_argument_is_an_error_that_names_it(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    async with Resift(data_dir=tmp_path / "data") as resift:
        with pytest.raises(InvalidInput, match=message):
            await resift.search("bees", **arguments)  # pyright: ignore[reportArgumentType]


async def test_missing_collection_is_not_found(tmp_path: Path) -> None:
    async with Resift(data_dir=tmp_path / "data") as resift:
        with pytest.raises(NotFound, match="'default'"):
            await resift.search("bees")


async def test_depth_of_fifty_is_a_depth_and_zero_is_as_deep_as_pays(tmp_path: Path) -> None:
    texts = [f"Bee number {number} visits flower {number}." for number in range(60)]
    async with Resift(data_dir=tmp_path / "data") as resift:
        await resift.ingest(documents=[{"text": text} for text in texts])
        fifty = await resift.search("which flower does bee number 7 visit", depth=50)
        default = await resift.search("which flower does bee number 7 visit")
    assert fifty.stages[-1].returned == 50
    assert default.stages[-1].returned <= 50


async def test_server_may_read_its_roots_alone_and_python_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "outside.md").write_text("outside", encoding="utf-8")
    (tmp_path / "root").mkdir()
    settings = load_settings(data_dir=tmp_path / "data")
    async with Resift(engine=build_engine(settings, roots=[tmp_path / "root"])) as served:
        (failure,) = (await served.ingest([tmp_path / "outside.md"])).failures
        assert "outside the folders Resift may read" in failure.reason
    async with Resift(settings) as resift:
        assert (await resift.ingest([tmp_path / "outside.md"])).added == 1


async def test_relative_folder_is_read_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("a note", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    async with Resift(load_settings(data_dir=tmp_path / "data")) as resift:
        assert (await resift.ingest("notes")).added == 1


def test_methods_have_the_signature_of_their_request() -> None:
    signature = inspect.signature(Resift.search)
    assert list(signature.parameters)[1:] == names(SearchRequest)
    assert signature.parameters["limit"].default == 10
    assert signature.parameters["query"].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert signature.parameters["limit"].kind is inspect.Parameter.KEYWORD_ONLY


def test_settings_may_be_passed(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data")
    assert isinstance(settings, Settings)
    assert Resift(settings).engine.settings is settings
    with pytest.raises(InvalidInput, match=r"Unknown setting data_dri\. Did you mean 'data_dir'"):
        Resift(data_dri=tmp_path)
    with pytest.raises(InvalidInput, match=r"Unknown setting search\.dense_wieght\. Did you mean 'dense_weight'"):
        Resift(data_dir=tmp_path, search={"dense_wieght": 0.9})
    with pytest.raises(InvalidInput, match=r"threads: pass single settings, or `settings`, not both\."):
        Resift(settings, threads=1)


async def test_paths_at_which_there_is_nothing_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "bees.md").write_text("Bees make honey.")
    async with Resift(data_dir=tmp_path / "index") as resift:
        with pytest.raises(
            InvalidInput, match=r"^Nothing was ingested into 'default'\..*dcos'\. Did you mean '.*docs'\?"
        ):
            await resift.ingest("dcos")
        with pytest.raises(InvalidInput, match="No file or folder"):
            await resift.ingest(["dcos", "nowhere/*.md"])
        report = await resift.ingest(["dcos", "docs"])
    assert (report.added, len(report.failures)) == (1, 1)
