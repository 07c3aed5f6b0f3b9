"""Queries for which a stage fails: what an evaluation counts, what it says, and what tuning leaves out."""

import html
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from resift.core.errors import ModelError
from resift.core.query import Query
from resift.core.values import Passage
from resift.evaluation.judged import JudgedSet
from resift.evaluation.report.content import Subject, build_report
from resift.evaluation.report.web_page import to_html
from resift.evaluation.run import Runner
from resift.evaluation.systems import (
    FINAL,
    FIRST_STAGE,
    RERANKED,
    EvaluationTarget,
    available_systems,
    questions_by_depth,
    questions_by_system,
)
from resift.evaluation.tuning.feedback import collect_uses
from resift.evaluation.tuning.samples import collect_samples
from resift.evaluation.tuning.verdict_samples import collect_verdict_samples
from resift.factories.engine import Engine
from resift.pipeline.request import SearchRequest
from resift.rerank.blend import with_reranker
from resift.rerank.protocols import Scores
from resift.store.feedback_log import Searched, ShownHit, UsedSearch

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("corpus")]

TARGET = EvaluationTarget("bicycles", reranker="maxsim", depth=6)


class Failing:
    """A reranker that always fails."""

    name = "failing"
    fingerprint = "a model of a test"
    weights = with_reranker(0.5)

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        raise ModelError("nobody answers")

    def relevance(self, score: float) -> float:
        return score


async def test_failed_reranker_ends_the_evaluation(engine: Engine, judged: JudgedSet) -> None:
    failing = engine.services.pipeline.with_scorers(lambda _: Failing())
    with pytest.raises(ModelError, match=r"nobody answers \(query 'when should the chain"):
        await Runner(failing, judged).run(questions_by_system(TARGET))
    one = replace(judged, queries={"q1": judged.queries["q1"]})
    with pytest.raises(ModelError, match="nobody answers"):
        await Runner(failing, one).run(questions_by_system(TARGET))


class FailingFor(Failing):
    """A reranker that prefers long passages, and fails for some queries."""

    def __init__(self, *queries: str) -> None:
        self._queries = queries

    async def score(self, query: Query, passages: Sequence[Passage]) -> Scores:
        if query.text in self._queries:
            raise ModelError(f"nobody answers {query.text!r}")
        return Scores(tuple(float(len(passage.text)) for passage in passages))


@pytest.mark.parametrize("failing", [("q5",), ("q1", "q2", "q6")], ids=["one", "half"])
async def test_query_for_which_a_reranker_fails_counts_in_the_order_of_retrieval(
    engine: Engine, judged: JudgedSet, failing: Sequence[str]
) -> None:
    scorer = FailingFor(*(judged.queries[key] for key in failing))
    pipeline = engine.services.pipeline.with_scorers(lambda _: scorer)
    systems = available_systems(pipeline.rerankers.names)
    runs = await Runner(pipeline, judged).run(questions_by_system(TARGET, systems))
    by_depth = await Runner(pipeline, judged).run(questions_by_depth(TARGET, (4,)))
    for key in judged.queries:
        is_as_before = runs[RERANKED][key].documents == runs[FIRST_STAGE][key].documents
        assert is_as_before == (key in failing), key
    subject = Subject("failing", "", documents=8, model="failing", seed=0, version="1", created="now")
    report = build_report(judged, TARGET, subject=subject, systems=systems, runs=runs, runs_by_depth=by_depth)
    (told,) = report.fallbacks
    assert (list(told.systems), list(told.queries)) == ([RERANKED, FINAL, "depth 4"], list(failing))
    assert judged.queries[failing[0]] in told.reason
    said = html.unescape(to_html(report))
    assert f"depth 4: a stage failed for {len(failing)} of 6 queries: {', '.join(failing)}. They count" in said
    asked = SearchRequest("", collection="bicycles", reranker="maxsim")
    with pytest.raises(ModelError, match="nobody answers"):
        await collect_samples(pipeline, judged, asked, now=datetime.now(UTC))


async def test_query_that_the_reranker_cannot_read_counts_in_the_order_of_retrieval(
    engine: Engine, judged: JudgedSet
) -> None:
    pipeline = engine.services.pipeline
    mixed = replace(
        judged,
        queries={"zh": "自行车链条脏 chain", "q2": judged.queries["q2"]},
        grades={"zh": {"chain": 1}, "q2": judged.grades["q2"]},
    )
    systems = available_systems(pipeline.rerankers.names)
    questions = questions_by_system(TARGET, systems)
    runs = await Runner(pipeline, mixed).run(questions)
    assert runs[FINAL]["zh"].documents == runs[FIRST_STAGE]["zh"].documents
    assert [(bool(run["zh"].failure), bool(run["q2"].failure)) for run in (runs[FINAL], runs[FIRST_STAGE])] == [
        (True, False),
        (False, False),
    ]
    subject = Subject("mixed", "", documents=8, model="maxsim", seed=0, version="1", created="now")
    by_depth = await Runner(pipeline, mixed).run(questions_by_depth(TARGET, (2, 4)))
    report = build_report(mixed, TARGET, subject=subject, systems=systems, runs=runs, runs_by_depth=by_depth)
    (told,) = report.fallbacks
    assert list(told.queries) == ["zh"]
    said = html.unescape(to_html(report))
    assert "a stage failed for 1 of 2 queries: zh. They count in the order that a search gives then" in said
    assert told.reason.startswith("Reranking failed; the order is that of retrieval")
    assert told.reason in said
    asked = SearchRequest("", collection="bicycles", reranker="maxsim")
    assert len(await collect_samples(pipeline, mixed, asked, now=datetime.now(UTC))) == 1
    assert {each.question for each in await collect_verdict_samples(pipeline, mixed, asked)} == {"q2"}
    uses = [
        UsedSearch(Searched("bicycles", query, shown=(), search_id=key), [ShownHit(f"{key}#0", key, rank=1)])
        for key, query in mixed.queries.items()
    ]
    assert len(await collect_uses(pipeline, uses, asked, now=datetime.now(UTC))) == 1
