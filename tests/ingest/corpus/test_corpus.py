"""A folder of documents of every format, among them broken and hostile ones: all is accounted for, and found."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from resift.factories.engine import build_engine
from resift.server.mcp.assembly import create_server
from resift.settings.load import load_settings
from resift.tests.ingest.corpus.facts import FACTS, Fact
from resift.tests.ingest.corpus.wrong_files import SECRET, Wrong, packaged_files, wrong_files
from resift.tests.tools.asking import Asker

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WITHOUT_TEXT = {"pptx-default.pptx", "docx-default.docx"}  # templates of packages


@dataclass(frozen=True, slots=True)
class Corpus:
    """The folder, what was told of its ingestion, and the tools to ask."""

    folder: Path
    wrong: Mapping[str, Wrong]
    report: dict[str, Any]
    tools: Asker

    def name(self, source: str) -> str:
        """Return the name of a file in the folder, or of what is inside it, by its source or its citation."""
        return source.removeprefix(f"{self.folder.as_posix()}/")

    async def found(self, question: str) -> dict[str, Any]:
        """Return the first hit."""
        answer = await self.tools.call("search_and_rerank", {"query": question, "limit": 1})
        return answer["hits"][0]


@pytest.fixture(scope="module")
async def corpus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Corpus]:
    folder = tmp_path_factory.mktemp("corpus") / "documents"
    folder.mkdir()
    secret = folder.parent / "outside.txt"
    secret.write_text(f"The secret is {SECRET}.")
    wrong = wrong_files(secret)
    contents = {fact.name: fact.data for fact in FACTS} | {name: each.data for name, each in wrong.items()}
    for name, data in (contents | packaged_files()).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "dangling.md").symlink_to(folder / "nowhere.md")
    engine = build_engine(load_settings(data_dir=folder.parent / "data"), roots=[folder])
    async with Client(create_server(engine)) as client:
        tools = Asker(client, {tool.name: tool for tool in (await client.list_tools()).tools})
        report = await tools.call("ingest_documents", {"paths": [str(folder)]})
        while job := report.get("job"):
            report = await tools.call("ingest_documents", {"job": job["id"]})
        yield Corpus(folder=folder, wrong=wrong, report=report, tools=tools)
    (folder / "line.txt").unlink()
    await engine.close()


async def test_report_accounts_for_every_file(corpus: Corpus) -> None:
    files = [path for path in corpus.folder.rglob("*") if not path.is_dir()]
    assert len(files) >= 60
    inside = sum(fact.documents - 1 for fact in FACTS)
    report = corpus.report
    assert report["added"] + report["failed"] + sum(report["skipped"].values()) == len(files) + inside
    assert (report["updated"], report["unchanged"], report["removed"]) == (0, 0, 0)


async def test_what_cannot_be_read_fails_with_its_reason_and_nothing_else_does(corpus: Corpus) -> None:
    failures = {corpus.name(each["source"]): each["reason"] for each in corpus.report["failures"]}
    expected = {name: each.fails for name, each in corpus.wrong.items() if each.fails}
    unexpected = {name: reason for name, reason in failures.items() if name not in expected}
    assert unexpected == {}
    assert {
        name: failures.get(name) for name, words in expected.items() if not re.search(words, failures.get(name, ""))
    } == {}


async def test_what_is_not_for_reading_is_skipped_and_counted_by_kind(corpus: Corpus) -> None:
    kinds = Counter(each.skipped for each in corpus.wrong.values() if each.skipped)
    kinds["blank"] += len(WITHOUT_TEXT)
    assert corpus.report["skipped"] == {**kinds, "dangling links": 1}


async def test_nothing_that_a_document_names_is_read(corpus: Corpus) -> None:
    answer = await corpus.tools.call("search_and_rerank", {"query": "what is the secret", "limit": 20})
    assert SECRET not in str(answer["hits"])
    for name in ("xxe.docx", "xxe.xlsx", "xxe.html", "include.rst"):
        read = await corpus.tools.call("read_document", {"document_id": name})
        assert read["passages"]
        assert SECRET not in str(read)


async def test_guesses_and_damage_are_noted(corpus: Corpus) -> None:
    paths = [str(corpus.folder / name) for name in ("sjis.txt", "mixed.txt")]
    report = await corpus.tools.call("ingest_documents", {"paths": paths, "collection": "noted"})
    notes = "\n".join(report["notes"])
    assert "sjis.txt was read as Shift_JIS, which is a guess" in notes
    assert "mixed.txt has 1 byte that is not valid UTF-8" in notes


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name.replace("\n", " "))
async def test_known_sentence_is_the_first_hit_with_its_page_or_lines(corpus: Corpus, fact: Fact) -> None:
    hit = await corpus.found(fact.question)
    assert fact.words in hit["text"]
    source = corpus.name(hit["source"])
    lines = re.fullmatch(re.escape(fact.name) + r":(\d+)(?:-(\d+))?", source)
    if lines and fact.source == fact.name:
        written = fact.data.decode(fact.encoding).split("\n")[int(lines[1]) - 1 : int(lines[2] or lines[1])]
        assert fact.words in "\n".join(written)
    else:
        assert source == fact.source
