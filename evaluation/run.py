"""Ask the pipeline the queries of a judged set."""

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ..core.errors import ModelError
from ..core.values import NO_USAGE, Ranking, Stage, Usage
from ..ingest.report import Progress
from ..pipeline.request import SearchRequest, clean_query
from ..pipeline.search import Pipeline
from .judged import JudgedSet
from .timed_scores import TimedScores

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The documents found for one query, best first, and the milliseconds of retrieval and of reranking."""

    documents: tuple[str, ...]
    retrieval_ms: float
    added_ms: float
    usage: Usage = NO_USAGE


Run = Mapping[str, QueryResult]
"""One system's results by query id."""


class Runner:
    """Asks a pipeline the queries of a judged set in several ways; each passage is scored once per query.

    Times are those of a run without stored scores: a stage that scores takes the sum of its passages' times.
    """

    def __init__(
        self, pipeline: Pipeline, judged: JudgedSet, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._scores = TimedScores(clock)
        self._pipeline = pipeline.with_scorers(self._scores.wrap)
        self._judged = judged

    async def run(
        self, questions: Mapping[Key, SearchRequest], *, progress: Progress | None = None
    ) -> dict[Key, dict[str, QueryResult]]:
        """Return a run for each question, asked with every query of the set.

        Raises:
            ModelError: A reranker failed.
        """
        runs: dict[Key, dict[str, QueryResult]] = {key: {} for key in questions}
        queries = self._judged.queries
        for done, (identifier, query) in enumerate(queries.items(), start=1):
            for key, question in questions.items():
                ranking = await rank(self._pipeline, replace(question, query=query))
                runs[key][identifier] = self._result(ranking, clean_query(query))
            if progress is not None:
                await progress(done, len(queries), "")
        return runs

    def _result(self, ranking: Ranking, query: str) -> QueryResult:
        added = [self._milliseconds(stage, ranking, query) for stage in ranking.stages if stage.kind != "search"]
        return QueryResult(
            documents=document_ids(ranking),
            retrieval_ms=sum(stage.milliseconds for stage in ranking.stages if stage.kind == "search"),
            added_ms=sum(added),
            usage=sum((stage.usage for stage in ranking.stages), NO_USAGE),
        )

    def _milliseconds(self, stage: Stage, ranking: Ranking, query: str) -> float:
        """Return what a stage would have taken without stored scores."""
        if stage.kind == "rank":
            return stage.milliseconds
        scored = [hit.passage for hit in ranking.hits if stage.name in hit.scores]
        return self._scores.milliseconds(stage.model, query, scored)


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
    """Return the ranking of one question.

    Raises:
        ModelError: A reranker failed.
    """
    # Judgements are about documents: equal passages of two of them are two hits.
    ranking = (await pipeline.search(replace(question, collapse=False))).ranking
    if ranking.degraded:  # the order would be another system's
        raise ModelError(f"{ranking.notes[-1]} (query {question.query[:80]!r})")
    return ranking
