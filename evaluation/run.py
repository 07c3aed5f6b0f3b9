"""Ask the pipeline the queries of a judged set."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ..core.errors import ModelError
from ..core.values import NO_USAGE, Ranking, Usage
from ..ingest.report import Progress
from ..pipeline.request import SearchRequest
from ..pipeline.search import Pipeline
from ..rerank.llm.listwise import FROM_CACHE
from .judged import JudgedSet
from .timed_scores import TimedScores

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The documents found for one query, best first, and the milliseconds of retrieval and of reranking."""

    documents: tuple[str, ...]
    retrieval_ms: float
    added_ms: float | None
    """None if it was not measured."""
    usage: Usage = NO_USAGE
    failure: str = ""
    """Why a stage failed, so that the documents are mostly in the order of the stage before; empty if none did."""


Run = Mapping[str, QueryResult]
"""One system's results by query id."""


MAX_FIRST_FAILURES = 3
"""A system whose first queries all fail, so many of them, will hardly succeed later."""


class Runner:
    """Asks a pipeline the queries of a judged set in several ways; each passage is scored once per query.

    Times are those of a run without stored scores: what the stages take, and what their stored scores took before.
    """

    def __init__(self, pipeline: Pipeline, judged: JudgedSet) -> None:
        self._scores = TimedScores()
        self._pipeline = pipeline.with_scorers(self._scores.wrap)
        self._judged = judged

    async def run(
        self, questions: Mapping[Key, SearchRequest], *, progress: Progress | None = None
    ) -> dict[Key, dict[str, QueryResult]]:
        """Return a run for each question, asked with every query of the set.

        Where a stage fails, the result is what a search gives then.

        Raises:
            ModelError: A stage failed for each of the first queries that it got.
        """
        runs: dict[Key, dict[str, QueryResult]] = {key: {} for key in questions}
        queries = self._judged.queries
        attempts = {key: _Attempts(most=min(MAX_FIRST_FAILURES, len(queries))) for key in questions}
        for done, (identifier, query) in enumerate(queries.items(), start=1):
            for key, question in questions.items():
                runs[key][identifier] = await self._ask(replace(question, query=query), attempts[key])
            if progress is not None:
                await progress(done, len(queries), "")
        return runs

    async def _ask(self, question: SearchRequest, attempts: "_Attempts") -> QueryResult:
        saved_before_ms, unknown_before = self._scores.saved_ms, self._scores.unknown_savings
        ranking = await _search(self._pipeline, question)
        attempts.check(ranking, question.query)
        saved_ms = self._scores.saved_ms - saved_before_ms
        is_known = self._scores.unknown_savings == unknown_before and not any(
            stage.note == FROM_CACHE for stage in ranking.stages
        )
        added_ms = sum(stage.milliseconds for stage in ranking.stages if stage.kind != "search")
        return QueryResult(
            documents=document_ids(ranking),
            retrieval_ms=sum(stage.milliseconds for stage in ranking.stages if stage.kind == "search"),
            added_ms=saved_ms + added_ms if is_known else None,
            usage=sum((stage.usage for stage in ranking.stages), NO_USAGE),
            failure=(ranking.failure or ranking.notes[-1]) if ranking.degraded else "",
        )


class _Attempts:
    """Whether the stages of a system ever worked."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._failures: list[str] = []
        self._worked = False

    def check(self, ranking: Ranking, query: str) -> None:
        """Count the failure of a query, unless the reranker cannot read it.

        Raises:
            ModelError: All of the first queries failed.
        """
        last = ranking.stages[-1] if ranking.stages else None
        if not ranking.degraded:
            self._worked |= last is not None and last.kind != "search" and last.returned > 0
        elif not ranking.unread and not self._worked:
            self._failures.append(_failure(ranking, query))
            if len(self._failures) >= self._most:
                raise ModelError(self._failures[0])


async def rankings(
    pipeline: Pipeline, judged: JudgedSet, question: SearchRequest
) -> AsyncGenerator[tuple[str, Ranking]]:
    """Yield the id and ranking of every query, asked as `question` and never rephrased.

    Raises:
        ModelError: A reranker failed.
    """
    for identifier, query in judged.queries.items():
        yield identifier, await rank(pipeline, replace(question, query=query, rephrase=False))


def document_ids(ranking: Ranking) -> tuple[str, ...]:
    """Return the document ids of a ranking, best first."""
    return tuple(hit.passage.document_id for hit in ranking.hits)


async def rank(pipeline: Pipeline, question: SearchRequest) -> Ranking:
    """Return the ranking of one question; that of the stage before where a reranker cannot read the query.

    Raises:
        ModelError: A reranker failed.
    """
    ranking = await _search(pipeline, question)
    if ranking.degraded and not ranking.unread:  # what is fitted would be fitted to the order of another system
        raise ModelError(_failure(ranking, question.query))
    return ranking


async def _search(pipeline: Pipeline, question: SearchRequest) -> Ranking:
    # Judgements are about documents: equal passages of two of them are two hits.
    return (await pipeline.search(replace(question, collapse=False))).ranking


def _failure(ranking: Ranking, query: str) -> str:
    return f"{ranking.failure or ranking.notes[-1]} (query {query[:80]!r})"
