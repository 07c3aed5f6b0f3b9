"""What evaluation asks of the pipeline, over the bundled models and the embedded store."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from resift.core.errors import InvalidInput, ModelError
from resift.core.values import Passage
from resift.evaluation.judged import Judged, load
from resift.evaluation.memory import ScoreMemory
from resift.evaluation.run import ask_all, count_documents, documents, ingest, rankings
from resift.evaluation.systems import FINAL, SYSTEMS, EvaluationTarget, questions, questions_by_depth
from resift.factories.engine import Engine
from resift.pipeline.question import Question
from resift.rerank.blend import with_reranker
from resift.rerank.protocols import Reranker, Scores

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ASKED = EvaluationTarget("bicycles", reranker="maxsim", depth=6)


@pytest.fixture(scope="module")
def judged(bicycles: Path) -> Judged:
    return load(bicycles, "test")


@pytest.fixture(scope="module", autouse=True)
async def held(engine: Engine, judged: Judged) -> None:
    await bring_in(engine, judged)


async def bring_in(engine: Engine, judged: Judged) -> None:
    services = engine.services
    report = await ingest(judged, services.pipeline, services.ingestor, services.remover)
    assert not report.failures


class Failing:
    """A reranker that cannot be reached."""

    name = "failing"
    fingerprint = "a model of a test"
    weights = with_reranker(0.5)

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        raise ModelError("nobody answers")

    def relevance(self, score: float) -> float:
        return score


class Counting:
    """Counts what is read, and reads with another reranker."""

    def __init__(self, reranker: Reranker, read: list[tuple[str, str]]) -> None:
        self.name = reranker.name
        self.fingerprint = reranker.fingerprint
        self.weights = reranker.weights
        self.relevance = reranker.relevance
        self._reranker = reranker
        self._read = read

    async def score(self, query: str, passages: Sequence[Passage], *, instruction: str = "") -> Scores:
        self._read += [(query, passage.id) for passage in passages]
        return await self._reranker.score(query, passages)


async def test_remembered_scores_give_the_orders_of_the_product(engine: Engine, judged: Judged) -> None:
    """Systems and depths from one reading of each passage are those that the pipeline gives when asked afresh."""
    pipeline = engine.services.pipeline
    read: list[tuple[str, str]] = []
    memory = ScoreMemory()
    remembering = pipeline.with_rerankers(lambda each: memory.wrap(Counting(each, read)))
    asked: dict[str | int, Question] = {**questions(ASKED), **questions_by_depth(ASKED, (2, 4, 8))}
    runs = await ask_all(remembering, memory, judged, asked)
    for name, question in asked.items():
        fresh = {key: documents(ranking) async for key, ranking in rankings(pipeline, judged, question)}
        assert {key: answer.documents for key, answer in runs[name].items()} == fresh
    assert len(read) == len(set(read))
    assert len({run["q1"].documents for run in runs.values()}) > 2, "the systems do not differ, so nothing was compared"


async def test_added_time_is_of_the_passages_read(engine: Engine, judged: Judged) -> None:
    ticks = iter(range(10_000))
    memory = ScoreMemory(lambda: float(next(ticks)))
    pipeline = engine.services.pipeline.with_rerankers(memory.wrap)
    runs = await ask_all(pipeline, memory, judged, questions_by_depth(ASKED, (4, 8)))
    assert {answer.added_ms for answer in runs[8].values()} == {1000.0}, "one tick for eight passages in one call"
    assert {answer.added_ms for answer in runs[4].values()} == {500.0}
    plain = await ask_all(pipeline, memory, judged, {"plain": Question("", collection="bicycles")})
    assert all(answer.added_ms == 0 and answer.retrieval_ms > 0 for answer in plain["plain"].values())


async def test_failed_reranker_ends_the_evaluation(engine: Engine, judged: Judged) -> None:
    memory = ScoreMemory()
    failing = engine.services.pipeline.with_rerankers(lambda _: memory.wrap(Failing()))
    with pytest.raises(ModelError, match=r"nobody answers \(query 'when should the chain"):
        await ask_all(failing, memory, judged, questions(ASKED))


async def test_collection_holds_the_documents_of_the_set_and_no_others(engine: Engine, judged: Judged) -> None:
    fewer = replace(judged, name="changing", documents=judged.documents[:3])
    await bring_in(engine, replace(judged, name="changing"))
    await bring_in(engine, fewer)
    held = await (await engine.services.pipeline.open("changing")).entries()
    assert set(held) == {"chain", "brakes", "tyres"}


async def test_progress_is_told_by_query(engine: Engine, judged: Judged) -> None:
    told: list[tuple[float, int]] = []

    async def progress(done: float, total: int, _: str) -> None:
        told.append((done, total))

    plain = {"hybrid": Question("", collection="bicycles")}
    await ask_all(engine.services.pipeline, ScoreMemory(), judged, plain, progress=progress)
    assert told == [(number, 6) for number in range(1, 7)]


async def test_question_about_a_document_that_is_not_there_is_named(engine: Engine) -> None:
    pipeline = engine.services.pipeline
    mine = Judged("mine", [], queries={"4": "why?"}, grades={"4": {"chain": 1, "chain#0": 1}})
    with pytest.raises(InvalidInput, match=r"mine, line 4: collection 'bicycles' holds no document 'chain#0'"):
        await count_documents(mine, pipeline, "bicycles")
    assert await count_documents(replace(mine, grades={"4": {"chain": 1}}), pipeline, "bicycles") == 8


async def test_reranker_chosen_takes_the_place_of_the_default_one_only() -> None:
    asked = questions(EvaluationTarget("c", reranker="maxsim", depth=30))
    assert [each.reranker for each in asked.values()] == ["none", "none", "none", "maxsim", "maxsim"]
    assert list(asked) == [system.name for system in SYSTEMS]
    assert {each.per_document for each in asked.values()} == {1}
    assert (asked[FINAL].depth, asked[FINAL].limit, asked[FINAL].rerank_weight) == (30, 30, None)
    assert list(questions_by_depth(EvaluationTarget("c"), (10, 200, 5))) == [200, 10, 5]
