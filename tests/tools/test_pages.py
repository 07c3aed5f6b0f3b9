"""Documents with pages: hits cite them, and every argument takes the citation back."""

import json
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

import pytest
from mcp.client import Client

from resift.factories.engine import build_engine, running
from resift.ingest.job import Job
from resift.ingest.reader import FileDocument
from resift.ingest.text.structure import Block, ParsedDocument, Section
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.tools.asking import Asker

pytestmark = pytest.mark.anyio

TOPICS = ("pump", "lamp", "valve", "motor", "sensor")


def paged(path: Path, paragraphs: Sequence[str]) -> FileDocument:
    """Return a document with a paragraph a page, as a parser of PDF makes it."""
    source, lines = path.as_posix(), [line for each in paragraphs for line in (each, "")]
    blocks = tuple(Block(at, at + 1) for at in range(0, len(lines), 2))
    pages = [1 + at // 2 for at in range(len(lines))]
    parsed = ParsedDocument(lines, [0] * len(lines), sections=(Section((), blocks),), page_numbers=pages)
    return FileDocument(source, path.name, text="\n".join(lines), source=source, parsed=parsed)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pages")


@pytest.fixture(scope="module")
async def tools(root: Path) -> AsyncGenerator[Asker]:
    """Tools over a report of five pages, each as long as a passage, and a note of one page."""
    pages = [f"The {topic} is checked first. " + f"The {topic} is then cleaned with care. " * 18 for topic in TOPICS]
    documents = [
        paged(root / "report.pdf", pages),
        paged(root / "note.pdf", ["The ladder stands in", "the cellar behind the boiler."]),
    ]
    engine = build_engine(load_settings(data_dir=root / "data"), roots=[root])
    await engine.services.ingestor.ingest(Job("default", documents, total=2))
    async with running(engine), Client(create_server(engine)) as client:
        yield Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})


async def test_hit_cites_its_pages_and_is_read_by_its_citation(tools: Asker) -> None:
    for query, source in (("what about the valve", "report.pdf:p.3"), ("where is the ladder", "note.pdf:p.1-2")):
        hit = (await tools.call("search_and_rerank", {"query": query}))["hits"][0]
        assert hit["source"] == source
        read = await tools.call("read_document", {"document_id": hit["source"]})
        assert read["passages"][0] == {key: hit[key] for key in ("passage_id", "heading", "source", "text")}
        found = await tools.call("search_and_rerank", {"query": query, "filter": {"source": hit["source"]}})
        assert {each["document_id"] for each in found["hits"]} == {source.partition(":")[0]}


async def test_chosen_pages_are_read_and_no_others(tools: Asker) -> None:
    for pages, sources in (("2", [2]), ("p.2-3", [2, 3]), ("4-", [4, 5]), ("5-99", [5])):
        read = await tools.call("read_document", {"document_id": "report.pdf", "pages": pages})
        assert [each["source"] for each in read["passages"]] == [f"report.pdf:p.{page}" for page in sources]
        assert (read["next_start"], read["passages_in_all"]) == (0, 5)


async def test_pages_that_do_not_fit_are_continued_up_to_the_last_of_them(tools: Asker) -> None:
    call = {"document_id": "report.pdf", "pages": "2-4", "max_tokens": 400}
    sources: list[str] = []
    start = 0
    while True:
        read = await tools.call("read_document", {**call, "start": start})
        sources += [each["source"] for each in read["passages"]]
        if not (start := read["next_start"]):
            break
    assert sources == ["report.pdf:p.2", "report.pdf:p.3", "report.pdf:p.4"]


async def test_pages_that_are_not_there_are_refused_with_what_is(tools: Asker) -> None:
    message = await tools.refusal("read_document", {"document_id": "report.pdf", "pages": "6-7"})
    assert "'report.pdf' has no text on pages 6 to 7; the last is on page 5." in message
    message = await tools.refusal("read_document", {"document_id": "report.pdf", "pages": "6-"})
    assert "'report.pdf' has no text on page 6 or later; the last is on page 5." in message
    message = await tools.refusal("read_document", {"document_id": "report.pdf", "pages": "3-2"})
    assert "'3-2' is not a range of pages or lines. Write it as '12' or '12-14'" in message
    message = await tools.refusal("read_document", {"document_id": "report.pdf", "pages": "2-3", "start": 4})
    assert "'report.pdf' has no passage 4 in `pages` '2-3': those in them are numbered 1 to 2. Choose" in message
    message = await tools.refusal("read_document", {"document_id": "report.pdf", "start": 30})
    assert "'report.pdf' has no passage 30: they are numbered 0 to 4. Choose a lower start." in message
    message = await tools.refusal("read_document", {"passage_id": "report.pdf#1", "pages": "3"})
    assert "pass document_id with them instead of passage_id" in message


async def test_lines_without_text_are_refused_with_those_that_follow(tools: Asker, root: Path) -> None:
    sections = [f"## {topic}\n\n" + f"The {topic} is cleaned with care. " * 18 for topic in TOPICS]
    (root / "gaps.md").write_text("\n" * 9 + ("\n" * 9).join(sections), encoding="utf-8")
    arguments = {"collection": "gaps", "paths": [str(root / "gaps.md")]}
    assert (await tools.call("ingest_documents", arguments))["added"] == 1
    document = {"collection": "gaps", "document_id": "gaps.md"}
    read = await tools.call("read_document", document)
    first, second, *_ = [each["source"].partition(":")[2].split("-") for each in read["passages"]]
    message = await tools.refusal("read_document", {**document, "pages": "3-5"})
    assert f"'gaps.md' has no text on lines 3 to 5; the next begins on line {first[0]}. Choose" in message
    between = str(int(first[-1]) + 1)
    message = await tools.refusal("read_document", {**document, "pages": between})
    assert f"'gaps.md' has no text on line {between}; the next begins on line {second[0]}. Choose" in message


async def test_page_of_a_document_is_not_deleted(tools: Asker) -> None:
    message = await tools.refusal("delete_documents", {"collection": "default", "document_ids": ["note.pdf:p.1-2"]})
    assert "'note.pdf:p.1-2' is a place in a document, and only whole documents can be deleted." in message
    assert (await tools.call("read_document", {"document_id": "note.pdf"}))["passages"]


async def test_citation_of_a_long_line_is_read_from_its_first_passage(tools: Asker, root: Path) -> None:
    text = "".join(f"The {topic} is cleaned with care, step {step}. " for step in range(40) for topic in TOPICS)
    records = [{"id": "short", "text": "A ladder."}, {"id": "long", "text": text}]
    files = {
        "wrapped.md": f"# Care\n\n{text}\n\nThe end.\n",
        "x.jsonl": "".join(f"{json.dumps(each)}\n" for each in records),
    }
    for name, content in files.items():
        (root / name).write_text(content, encoding="utf-8")
    arguments = {"collection": "lines", "paths": [str(root / name) for name in files]}
    assert (await tools.call("ingest_documents", arguments))["added"] == 3
    for citation, first in (("x.jsonl/long:2", 0), ("x.jsonl/long:2-2", 0), ("wrapped.md:3", 1), ("wrapped.md:5", -1)):
        read = await tools.call("read_document", {"document_id": citation, "collection": "lines", "max_tokens": 300})
        count = read["passages_in_all"]
        assert count > 3
        expected = first % count
        assert read["passages"][0]["passage_id"].endswith(f"#{expected}"), citation
