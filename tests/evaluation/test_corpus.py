"""The collections that evaluations keep their documents in, beside those of the user."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from resift import InvalidInput, Resift
from resift.core.values import Document
from resift.encoders.bm25 import Bm25Options
from resift.evaluation.corpus import Corpus, as_stored, prepare_corpus
from resift.evaluation.experiment import EvaluationRequest
from resift.evaluation.judged import JudgedSet, select
from resift.evaluation.tuning.tuner import Tuner
from resift.factories.engine import Engine, build_engine
from resift.ingest.job import Job
from resift.search.relative_paths import RelativePaths
from resift.settings.load import load_settings
from resift.store.edge.store import EdgeStore
from resift.store.manifest import MANIFEST, Manifest, read_manifest
from resift.tests.evaluation.conftest import write_set
from resift.tests.models.encoders import write_encoder

pytestmark = pytest.mark.anyio

TWO = {"a": "The pump hums at night.", "b": "Bees dance to tell where flowers are."}
OWN = {"a": "My notes on the pump.", "c": "Where the ladder is.", "d": "The code of the gate."}


def judged(texts: dict[str, str]) -> JudgedSet:
    documents = [Document(key, "", text=text) for key, text in texts.items()]
    return JudgedSet("manual", {"q": "what hums?"}, grades={"q": {"a": 1}}, documents=documents, split="test")


async def prepare(engine: Engine, judged: JudgedSet) -> Corpus:
    services, request = engine.services, EvaluationRequest(judged)
    return await prepare_corpus(
        judged, request.corpus, pipeline=services.pipeline, ingestor=services.ingestor, remover=services.remover
    )


async def ingest(engine: Engine, name: str, texts: dict[str, str]) -> None:
    documents = [Document(key, "", text=text) for key, text in texts.items()]
    await engine.services.ingestor.ingest(Job(name, documents, total=len(documents)))


async def held(engine: Engine, name: str) -> dict[str, str]:
    """Return the texts in a collection by document."""
    collection = await engine.services.store.open(name)
    points = await collection.read(list(await collection.entries()))
    return {point.passage.document_id: point.passage.text for point in points}


@pytest.fixture(autouse=True)
async def no_collections(engine: Engine) -> None:
    store = engine.services.store
    for name in await store.names():
        await store.drop(name)


async def test_collection_of_the_name_of_a_judged_folder_is_left_alone(engine: Engine) -> None:
    await ingest(engine, "manual", OWN)
    corpus = await prepare(engine, judged(TWO))
    assert (corpus.collection, corpus.documents) == ("eval-manual", 2)
    assert await held(engine, "eval-manual") == TWO
    assert await held(engine, "manual") == OWN
    store = engine.services.store
    assert isinstance(store, EdgeStore)
    assert read_manifest(store.folder("eval-manual") / MANIFEST).evaluation


async def test_collection_of_an_evaluation_follows_its_judged_folder(engine: Engine) -> None:
    await prepare(engine, judged(TWO))
    changed = {"a": "The pump is silent now.", "e": "A new page."}
    await prepare(engine, judged(changed))
    assert await held(engine, "eval-manual") == changed


async def test_query_that_no_document_of_its_set_answers_does_not_count(engine: Engine) -> None:
    mixed = replace(
        judged(TWO),
        queries={"q": "what hums?", "none": "what sings?", "lost": "what rusts?"},
        grades={"q": {"a": 1}, "none": {"b": 0}, "lost": {"gone": 1}},
    )
    found = (await prepare(engine, mixed)).judged
    assert (list(found.queries), found.unanswered, found.unanswerable, found.missing) == (["q"], 1, 1, 1)


async def test_collection_that_no_evaluation_made_is_never_changed(engine: Engine) -> None:
    await ingest(engine, "eval-manual", OWN)
    with pytest.raises(InvalidInput, match="'eval-manual' was not made by an evaluation, and holds other documents"):
        await prepare(engine, judged(TWO))
    assert await held(engine, "eval-manual") == OWN


@pytest.mark.parametrize("texts", [{**TWO, "c": "One more."}, {**TWO, "a": "Another text."}])
async def test_one_document_more_or_another_text_is_not_changed_either(engine: Engine, texts: dict[str, str]) -> None:
    await ingest(engine, "eval-manual", texts)
    with pytest.raises(InvalidInput, match="It was not changed"):
        await prepare(engine, judged(TWO))
    assert await held(engine, "eval-manual") == texts


async def test_collection_with_just_the_judged_documents_is_used_as_it_is(engine: Engine) -> None:
    await ingest(engine, "eval-manual", TWO)
    assert (await prepare(engine, judged(TWO))).documents == 2
    assert not (await engine.services.store.open("eval-manual")).manifest.evaluation


@pytest.mark.parametrize(
    "changed",
    [
        {"search": {"language": "german", "tokenizer": "code"}},
        pytest.param({"vectors": {"fields": ["heading"]}}, marks=pytest.mark.slow),
        pytest.param({"index": {"quantization": "int8"}}, marks=pytest.mark.slow),
        pytest.param({"encoder": {"kind": "onnx", "model": "written below"}}, marks=pytest.mark.slow),
    ],
    ids=["keywords", "fields", "quantization", "encoder"],
)
async def test_collection_of_an_evaluation_is_made_again_with_other_models_or_settings(
    tmp_path: Path, changed: dict[str, dict[str, Any]]
) -> None:
    if "encoder" in changed:
        changed = {"encoder": {"kind": "onnx", "model": str(write_encoder(tmp_path / "encoder"))}}
    made = list[Manifest]()
    for settings in ({}, {}, changed):
        engine = build_engine(load_settings(data_dir=tmp_path / "data", **settings))
        await prepare(engine, judged(TWO))
        assert await held(engine, "eval-manual") == TWO
        made.append((await engine.services.store.open("eval-manual")).manifest)
        wanted = await engine.services.ingestor.new_manifest()
        await engine.close()
    assert made[1] == made[0]
    assert made[2].is_made_like(wanted)
    assert not made[2].is_made_like(made[0])


async def test_collection_of_the_users_own_is_not_made_again(engine: Engine, tmp_path: Path) -> None:
    await ingest(engine, "eval-manual", TWO)
    stored = await engine.services.store.open("eval-manual")
    await stored.remember(replace(stored.manifest, lexical=Bm25Options(100.0, "german")))
    await prepare(engine, judged(TWO))
    assert (await engine.services.store.open("eval-manual")).manifest.lexical.language == "german"


async def test_nothing_else_is_ingested_where_the_next_evaluation_would_remove_it(engine: Engine) -> None:
    await prepare(engine, judged(TWO))
    with pytest.raises(InvalidInput, match="'eval-manual' was made by an evaluation, which removes other documents"):
        await ingest(engine, "eval-manual", OWN)
    assert await held(engine, "eval-manual") == TWO


NOTES = RelativePaths(("/notes",))

QUESTIONS = JudgedSet(
    "mine",
    {"1": "what hums?", "2": "what dances?", "3": "what else?"},
    grades={"1": {"pump.md": 1, "/notes/pump.md": 2}, "2": {"bees/dance.md:1-4": 1}, "3": {"gone.md": 1}},
)


async def test_documents_may_be_named_as_tools_and_commands_show_them(engine: Engine) -> None:
    await ingest(engine, "default", {"/notes/pump.md": TWO["a"], "/notes/bees/dance.md": TWO["b"], "own": "Mine."})
    pipeline = engine.services.pipeline.with_paths(NOTES)
    answered = select(QUESTIONS, ["1", "2"])
    corpus = await prepare_corpus(
        answered, "default", pipeline=pipeline, ingestor=engine.services.ingestor, remover=engine.services.remover
    )
    assert corpus.judged.grades == {"1": {"/notes/pump.md": 2}, "2": {"/notes/bees/dance.md": 1}}
    assert corpus.documents == 3
    tuner = await Tuner.open(pipeline, "default", "maxsim")
    found = await tuner.answerable(QUESTIONS)
    assert (found.judged.grades, found.left_out, found.missing) == (corpus.judged.grades, 1, "gone.md")


async def test_name_of_several_documents_is_refused_with_their_ids(engine: Engine) -> None:
    await ingest(engine, "default", {"/notes/pump.md": TWO["a"], "/more/pump.md": TWO["b"]})
    collection = await engine.services.pipeline.open("default")
    named = JudgedSet("mine", {"1": "what hums?"}, grades={"1": {"pump.md": 1}})
    with pytest.raises(InvalidInput, match=r"may be any of 2 documents: '/more/pump\.md', '/notes/pump\.md'"):
        await as_stored(named, collection, RelativePaths(("/notes", "/more")))


@pytest.mark.slow
async def test_evaluation_from_python_keeps_the_users_documents(tmp_path: Path) -> None:
    folder = write_set(tmp_path / "manual", "test")
    async with Resift(data_dir=tmp_path / "data") as resift:
        await resift.ingest(documents=[{"id": key, "text": text} for key, text in OWN.items()], collection="manual")
        report = await resift.evaluate(folder, reranker="maxsim", depth=2, depths=[2], queries=1)
        assert report.target.collection == "eval-manual"
        assert [(each.name, each.documents) for each in await resift.collections()] == [
            ("eval-manual", 8),
            ("manual", 3),
        ]
