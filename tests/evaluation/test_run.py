"""What an evaluation asks of the pipeline, with the bundled models and the embedded store."""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from resift.core.errors import InvalidInput
from resift.core.query import Query
from resift.core.values import Passage
from resift.evaluation.corpus import count_documents
from resift.evaluation.judged import MIN_QUESTIONS, JudgedSet
from resift.evaluation.run import Runner, document_ids, rankings
from resift.evaluation.systems import (
    EvaluationTarget,
    questions_by_depth,
    questions_by_system,
)
from resift.evaluation.tuning.tuner import Tuner
from resift.factories.engine import Engine
from resift.pipeline.request import SearchRequest
from resift.rerank.blend import with_reranker
from resift.rerank.protocols import Scorer, Scores
from resift.store.feedback_log import Searched, ShownHit, UsedSearch
from resift.tests.evaluation.conftest import fill

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("corpus")]

TARGET = EvaluationTarget("bicycles", reranker="maxsim", depth=6)


class Counting:
    """Scores with another reranker and records what it reads."""

    def __init__(self, reranker: Scorer, read: list[tuple[str, str]]) -> None:
        self.name = reranker.name
        self.fingerprint = reranker.fingerprint
        self.weights = reranker.weights
        self.relevance = reranker.relevance
        self._reranker = reranker
        self._read = read

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self._read += [(query.text, passage.id) for passage in passages]
        return await self._reranker.score(query, passages)


async def test_stored_scores_give_the_same_orders_as_fresh_searches(engine: Engine, judged: JudgedSet) -> None:
    pipeline = engine.services.pipeline
    read: list[tuple[str, str]] = []
    counting = pipeline.with_scorers(lambda each: Counting(each, read))
    asked: dict[str | int, SearchRequest] = {**questions_by_system(TARGET), **questions_by_depth(TARGET, (2, 4, 8))}
    runs = await Runner(counting, judged).run(asked)
    for name, question in asked.items():
        fresh = {key: document_ids(ranking) async for key, ranking in rankings(pipeline, judged, question)}
        assert {key: result.documents for key, result in runs[name].items()} == fresh
    assert len(read) == len(set(read))
    assert len({run["q1"].documents for run in runs.values()}) > 2, "the systems do not differ, so nothing was compared"


class Timed:
    """Takes ten milliseconds of its own clock for each passage, and prefers short ones."""

    name = "timed"
    fingerprint = "a model of a test"
    weights = with_reranker(0.5)

    def __init__(self) -> None:
        self.now_ms = 0.0

    def clock(self) -> float:
        return self.now_ms / 1000

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        self.now_ms += 10.0 * len(passages)
        return Scores(tuple(-float(len(passage.text)) for passage in passages))

    def relevance(self, score: float) -> float:
        return 1.0


def runner_on(engine: Engine, judged: JudgedSet, scorer: Timed) -> Runner:
    """Return a runner for whose pipeline only reading takes time."""
    pipeline = copy(engine.services.pipeline)
    pipeline._clock = scorer.clock  # pyright: ignore[reportPrivateUsage]
    return Runner(pipeline.with_scorers(lambda _: scorer), judged)


async def test_added_time_is_that_of_the_passages_read(engine: Engine, judged: JudgedSet) -> None:
    runner = runner_on(engine, judged, Timed())
    runs = await runner.run(questions_by_depth(TARGET, (4, 8)))
    assert [result.added_ms for result in runs[8].values()] == pytest.approx([80.0] * 6)
    assert [result.added_ms for result in runs[4].values()] == pytest.approx([40.0] * 6)
    plain = {"plain": SearchRequest("", collection="bicycles", reranker="none")}
    found = (await Runner(engine.services.pipeline, judged).run(plain))["plain"]
    assert all(result.added_ms == 0 and result.retrieval_ms > 0 for result in found.values())


async def test_what_feedback_reads_is_counted_once_whether_its_scores_are_stored_or_not(
    engine: Engine, judged: JudgedSet
) -> None:
    one = replace(judged, queries={"q1": judged.queries["q1"]})
    scorer, question = Timed(), SearchRequest("", collection="bicycles", reranker="maxsim", depth=4)
    runner = runner_on(engine, one, scorer)
    both = {"without": question, "fed": replace(question, feedback=1)}
    first, again = [await runner.run(both) for _ in range(2)]
    read_ms = pytest.approx(scorer.now_ms)
    assert scorer.now_ms > 40, "feedback has found nothing new, so nothing was counted"
    for runs in (first, again):
        assert (runs["without"]["q1"].added_ms, runs["fed"]["q1"].added_ms) == (pytest.approx(40.0), read_ms)
    fresh = await runner_on(engine, one, scorer).run({"fed": both["fed"]})
    assert fresh["fed"]["q1"].added_ms == read_ms


async def test_tuning_on_too_few_queries_that_the_reranker_can_read_says_how_many_these_are(
    engine: Engine, judged: JudgedSet
) -> None:
    keys = [f"q{number}" for number in range(MIN_QUESTIONS)]
    foreign = replace(
        judged, queries=dict.fromkeys(keys, "自行车链条脏 chain"), grades={key: {"chain": 1} for key in keys}
    )
    tuner = await Tuner.open(engine.services.pipeline, "bicycles", "maxsim")
    with pytest.raises(InvalidInput, match=f"can read only 0 of {MIN_QUESTIONS} questions"):
        await tuner.fit_judged(foreign, now=datetime.now(UTC))


async def test_searches_of_one_question_are_too_few_for_tuning(engine: Engine) -> None:
    shown = [ShownHit("chain#0", "chain", rank=2)]
    uses = [
        UsedSearch(Searched("bicycles", "renew the chain", shown=shown, search_id=str(number)), shown)
        for number in range(MIN_QUESTIONS)
    ]
    tuner = await Tuner.open(engine.services.pipeline, "bicycles", "maxsim")
    with pytest.raises(InvalidInput, match=r"Only 1 different question to 'bicycles' .* \(in 20 searches\)"):
        await tuner.fit_feedback(uses, most=0, now=datetime.now(UTC))


async def test_collection_holds_exactly_the_documents_of_the_set(engine: Engine, judged: JudgedSet) -> None:
    fewer = replace(judged, name="changing", documents=judged.documents[:3])
    await fill(engine, replace(judged, name="changing"))
    await fill(engine, fewer)
    stored = await (await engine.services.pipeline.open("changing")).entries()
    assert set(stored) == {"chain", "brakes", "tyres"}


async def test_progress_counts_queries(engine: Engine, judged: JudgedSet) -> None:
    reported: list[tuple[float, int]] = []

    async def progress(done: float, total: int, _: str) -> None:
        reported.append((done, total))

    plain = {"hybrid": SearchRequest("", collection="bicycles", reranker="none")}
    await Runner(engine.services.pipeline, judged).run(plain, progress=progress)
    assert reported == [(number, 6) for number in range(1, 7)]


async def test_question_about_a_document_that_is_not_in_the_collection_is_named(engine: Engine) -> None:
    bicycles = await engine.services.pipeline.open("bicycles")
    mine = JudgedSet("mine", queries={"4": "why?"}, grades={"4": {"chain": 1, "chain#0": 1}})
    with pytest.raises(InvalidInput, match=r"mine:4: collection 'bicycles' has no document 'chain#0'"):
        await count_documents(mine, bicycles)
    assert await count_documents(replace(mine, grades={"4": {"chain": 1}}), bicycles) == 8
