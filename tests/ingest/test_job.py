"""Ingestion: what a job writes, what it leaves alone, and what it says of it; the store and the models are real."""

import itertools
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from resift.core.errors import IncompatibleCollection, ModelError
from resift.core.values import Document, Passage
from resift.ingest.cut import Cutter
from resift.ingest.job import Ingestor, Job, digest_of
from resift.ingest.locks import WriteLocks
from resift.ingest.report import Failure, Report
from resift.ingest.roots import Roots
from resift.ingest.sources import files_below
from resift.models.bundled import BUNDLED, TOKENIZER_FILE
from resift.models.deferred import Deferred
from resift.models.transformer import Transformer
from resift.models.workers import Workers
from resift.search.edge import EdgeStore
from resift.search.encode import BundledEncoder, EncodedQuery
from resift.search.filters import parse_filter
from resift.search.manifest import Lexical, Manifest
from resift.search.store import Vector

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MODEL = BUNDLED["all-MiniLM-L6-v2-int8"]
POISON = "arsenic"


@dataclass
class Counting:
    """The bundled encoder, counting the texts it is given; it fails on poison."""

    real: BundledEncoder
    texts: list[str] = field(default_factory=list[str])

    @property
    def fingerprint(self) -> str:
        return self.real.fingerprint

    @property
    def dimension(self) -> int:
        return self.real.dimension

    async def encode(self, texts: Sequence[str]) -> tuple[list[Vector], int]:
        if any(POISON in text for text in texts):
            raise ModelError("The model failed.")
        self.texts += texts
        return await self.real.encode(texts)

    async def encode_query(self, query: str) -> EncodedQuery:
        return await self.real.encode_query(query)


@dataclass
class Bench:
    """An ingestor with what it works with; a job goes to the collection `name`, new for each test."""

    store: EdgeStore
    encoder: Counting
    manifest: Manifest
    ingestor: Ingestor
    name: str = "c"

    async def ingest(self, *items: Document | Failure, **options: Any) -> Report:
        return await self.ingestor.ingest(Job(self.name, items, len(items), **options))

    async def passages(self, document_id: str) -> list[Passage]:
        """Return all passages of a document, whatever its entry says."""
        collection = await self.store.open(self.name)
        ids = [Passage(document_id, ordinal, "").point_id(self.name) for ordinal in range(200)]
        return sorted((await collection.fetch(ids)).values(), key=lambda passage: passage.ordinal)

    async def count(self, filter_: dict[str, Any]) -> int:
        collection = await self.store.open(self.name)
        return await collection.count(parse_filter(filter_, collection.manifest.fields))


def an_ingestor(store: EdgeStore, encoder: Counting, manifest: Manifest) -> Ingestor:
    cutter = Deferred(lambda: Cutter(Tokenizer.from_file(str(MODEL.folder / TOKENIZER_FILE))))
    return Ingestor(store, encoder, cutter, Workers(2), manifest=manifest, locks=WriteLocks())


@pytest.fixture(scope="module")
async def module_bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    store = EdgeStore(tmp_path_factory.mktemp("jobs"), reserve_bytes=0)
    encoder = Counting(BundledEncoder(MODEL, Deferred(lambda: Transformer.open(MODEL)), Workers(2)))
    manifest = Manifest(encoder.fingerprint, encoder.dimension, Lexical(100), "200/40/40")
    yield Bench(store, encoder, manifest, an_ingestor(store, encoder, manifest))
    await store.close()


NUMBERS = itertools.count()


@pytest.fixture
def bench(module_bench: Bench) -> Bench:
    module_bench.encoder.texts.clear()
    return replace(module_bench, name=f"c{next(NUMBERS)}")


def long_text(paragraphs: int) -> str:
    return "\n\n".join(f"Paragraph {number}. " + "The wheel turns on its axle. " * 30 for number in range(paragraphs))


def doc(id_: str, text: str = "Some text.", **metadata: Any) -> Document:
    return Document(id_, f"Title of {id_}", text, metadata=metadata)


async def test_unchanged_documents_are_neither_encoded_nor_written(bench: Bench) -> None:
    documents = [doc("a", long_text(3), year=2020), doc("b")]
    first = await bench.ingest(*documents)
    assert (first.added, first.updated, first.unchanged, first.failures) == (2, 0, 0, ())
    assert first.passages == len(await bench.passages("a")) + 1
    entries = await (await bench.store.open(bench.name)).entries()
    assert entries["a"].digest == digest_of(documents[0], bench.manifest.chunking)
    bench.encoder.texts.clear()
    second = await bench.ingest(*documents)
    assert (second.added, second.unchanged, second.passages) == (0, 2, 0)
    assert bench.encoder.texts == []
    assert await (await bench.store.open(bench.name)).entries() == entries


async def test_changed_document_replaces_all_its_old_passages(bench: Bench) -> None:
    await bench.ingest(doc("a", long_text(6), state="old"), doc("b"))
    before = await bench.passages("a")
    assert len(before) > 3
    report = await bench.ingest(doc("a", "Short now.", state="new"), doc("b"))
    assert (report.added, report.updated, report.unchanged, report.passages) == (0, 1, 1, 1)
    assert [passage.text for passage in await bench.passages("a")] == ["Short now."]
    assert await bench.count({"state": "old"}) == 0
    assert bench.encoder.texts.count("Title of b\nSome text.") == 1


@pytest.mark.parametrize(
    "changed",
    [doc("a", year=2021), replace(doc("a", year=2020), title="Other"), replace(doc("a", year=2020), source="x")],
)
async def test_change_of_metadata_title_or_source_is_a_change(bench: Bench, changed: Document) -> None:
    assert (await bench.ingest(doc("a", year=2020))).added == 1
    assert (await bench.ingest(changed)).updated == 1


async def test_change_of_chunking_writes_everything_again(bench: Bench) -> None:
    await bench.ingest(doc("a"), doc("b"))
    manifest = replace(bench.manifest, chunking="100/20/20")
    other = replace(bench, ingestor=an_ingestor(bench.store, bench.encoder, manifest))
    assert (await other.ingest(doc("a"), doc("b"))).updated == 2
    assert (await bench.store.open(bench.name)).manifest.chunking == "100/20/20"
    assert (await other.ingest(doc("a"), doc("b"))).unchanged == 2


async def test_other_encoder_is_refused_and_changes_nothing(bench: Bench) -> None:
    await bench.ingest(doc("a"))
    other = an_ingestor(bench.store, bench.encoder, replace(bench.manifest, encoder="other@1"))
    with pytest.raises(IncompatibleCollection, match="ingest its documents again"):
        await replace(bench, ingestor=other).ingest(doc("a", "New text."))
    assert [passage.text for passage in await bench.passages("a")] == ["Some text."]


async def test_unusable_documents_fail_alone_with_their_reasons(bench: Bench) -> None:
    report = await bench.ingest(
        doc("good"),
        doc("empty", " \n "),
        doc("scripts", "<!DOCTYPE html><html><script>run()</script></html>"),
        doc("good", "Another text."),
        doc("nested", author={"name": "x"}),
        doc("nan", price=float("nan")),
        doc("surrogate", name="\ud800"),
        Failure("gone.md", "No such file."),
        doc("null", note=None),
    )
    assert (report.added, report.passages) == (2, 2)
    reasons = {failure.source: failure.reason for failure in report.failures}
    assert reasons["empty"] == reasons["scripts"] == "The document has no text."
    assert reasons["good"] == "The id 'good' was given twice in one call; the first document has it."
    assert "author" in reasons["nested"]
    assert "not a finite number" in reasons["nan"]
    assert "not valid Unicode" in reasons["surrogate"]
    assert reasons["gone.md"] == "No such file."
    assert len(report.failures) == 7
    assert [passage.text for passage in await bench.passages("good")] == ["Some text."]
    assert (await bench.passages("null"))[0].metadata == {}


async def test_half_a_surrogate_pair_in_a_text_does_no_harm(bench: Bench) -> None:
    assert (await bench.ingest(doc("a", "Bad \ud800 sign."))).added == 1
    assert (await bench.passages("a"))[0].text == "Bad \ufffd sign."


async def test_document_that_lost_its_text_keeps_its_old_passages(bench: Bench) -> None:
    await bench.ingest(doc("a"))
    assert (await bench.ingest(doc("a", ""))).failures != ()
    assert len(await bench.passages("a")) == 1


async def test_job_that_fails_altogether_leaves_no_collection(bench: Bench) -> None:
    report = await bench.ingest(doc("empty", ""), Failure("gone.md", "No such file."))
    assert (report.added, len(report.failures)) == (0, 2)
    assert bench.name not in await bench.store.names()


async def test_model_that_fails_leaves_no_empty_collection(bench: Bench) -> None:
    with pytest.raises(ModelError):
        await bench.ingest(doc("a", POISON))
    assert bench.name not in await bench.store.names()


async def test_metadata_fields_are_learned_with_their_types(bench: Bench) -> None:
    await bench.ingest(doc("a", year=2020, tags=["x", "y"]), doc("b", year=2020.5, since="2024-05-01", draft=False))
    fields = (await bench.store.open(bench.name)).manifest.fields
    assert fields == {"year": "number", "tags": "keyword", "since": "date", "draft": "boolean"}
    assert await bench.count({"tags": "y"}) == await bench.count({"draft": False}) == 1
    await bench.ingest(doc("c", since="soon"))
    assert (await bench.store.open(bench.name)).manifest.fields["since"] == "keyword"
    assert await bench.count({"since": {"gte": "2024-01-01"}}) == 1


async def test_progress_rises_to_the_total(bench: Bench) -> None:
    heard: list[tuple[int, int]] = []

    async def hear(done: int, total: int, message: str) -> None:
        heard.append((done, total))

    items = [doc(f"d{number}", f"Text {number}." if number % 10 else "") for number in range(150)]
    await bench.ingest(*items, progress=hear)
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {150}
    assert heard[-1] == (150, 150)


async def test_prune_removes_only_what_is_gone_below_the_folder(bench: Bench, tmp_path: Path) -> None:
    for name in ("in/kept.md", "in/gone.md", "in/bad.md", "in/sub/gone.md", "inside.md", "out/other.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n\nText of {name}.")
    roots = Roots.of([tmp_path])

    async def run(*paths: str, prune: bool) -> Report:
        files = files_below(paths, glob="**/*", roots=roots, metadata={}, max_bytes=10_000)
        job = Job(bench.name, files, len(files), prune_below=files.folders if prune else ())
        return await bench.ingestor.ingest(job)

    await run(".", prune=False)
    await bench.ingest(doc("text"))
    (tmp_path / "in/gone.md").unlink()
    (tmp_path / "in/sub/gone.md").unlink()
    (tmp_path / "out/other.md").unlink()
    (tmp_path / "in/bad.md").write_bytes(b"# now \xff\xfe bad")
    assert (await run("in", prune=False)).removed == 0
    report = await run("in", prune=True)
    assert (report.removed, report.unchanged, len(report.failures)) == (2, 1, 1)
    held = await (await bench.store.open(bench.name)).entries()
    assert {Path(key).name if "/" in key else key for key in held} == {
        "kept.md", "bad.md", "inside.md", "other.md", "text"
    }  # fmt: skip


async def test_prune_spares_files_that_exist_but_were_not_picked(bench: Bench, tmp_path: Path) -> None:
    documents = [replace(doc(name), source=f"{tmp_path}/{name}") for name in ("picked.md", "other.txt", "gone.md")]
    await bench.ingest(*documents)
    (tmp_path / "other.txt").touch()
    report = await bench.ingest(documents[0], prune_below=[tmp_path])
    assert report.removed == 1
    assert set(await (await bench.store.open(bench.name)).entries()) == {"picked.md", "other.txt"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such name")
async def test_file_whose_name_is_not_unicode_fails_alone(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("Good text.")
    (tmp_path / os.fsdecode(b"bad\xff.md")).write_text("Bad name.")
    files = files_below([tmp_path], glob="**/*", roots=Roots.of([tmp_path]), metadata={}, max_bytes=1000)
    report = await bench.ingestor.ingest(Job(bench.name, files, len(files)))
    assert report.added == 1
    [failure] = report.failures
    assert failure.source.endswith("/bad?.md")
    failure.source.encode()


async def test_ten_thousand_documents_are_compared_in_one_call(bench: Bench) -> None:
    first = [doc(f"d{number}", f"Text number {number}.") for number in range(100)]
    await bench.ingest(*first)
    report = await bench.ingest(*first, *(doc(f"e{number}", "") for number in range(9900)))
    assert (report.unchanged, len(report.failures)) == (100, 9900)
