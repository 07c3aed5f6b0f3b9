"""Ask the pipeline the queries of a judged set."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from ..core.errors import ModelError
from ..core.values import NO_USAGE, Ranking, Usage
from ..ingest.report import Progress
from ..pipeline.request import SearchRequest
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
    unread: bool = False
    """Whether the reranker cannot read the query, so that the documents are in the order of the stage before."""


Run = Mapping[str, QueryResult]
"""One system's results by query id."""


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

        Raises:
            ModelError: A reranker failed.
        """
        runs: dict[Key, dict[str, QueryResult]] = {key: {} for key in questions}
        queries = self._judged.queries
        for done, (identifier, query) in enumerate(queries.items(), start=1):
            for key, question in questions.items():
                runs[key][identifier] = await self._ask(replace(question, query=query))
            if progress is not None:
                await progress(done, len(queries), "")
        return runs

    async def _ask(self, question: SearchRequest) -> QueryResult:
        saved_before_ms = self._scores.saved_ms
        ranking = await rank(self._pipeline, question)
        saved_ms = self._scores.saved_ms - saved_before_ms
        return QueryResult(
            documents=document_ids(ranking),
            retrieval_ms=sum(stage.milliseconds for stage in ranking.stages if stage.kind == "search"),
            added_ms=saved_ms + sum(stage.milliseconds for stage in ranking.stages if stage.kind != "search"),
            usage=sum((stage.usage for stage in ranking.stages), NO_USAGE),
            unread=ranking.unread,
        )


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
    # Judgements are about documents: equal passages of two of them are two hits.
    ranking = (await pipeline.search(replace(question, collapse=False))).ranking
    if ranking.degraded and not ranking.unread:  # the order would be another system's
        raise ModelError(f"{ranking.notes[-1]} (query {question.query[:80]!r})")
    return ranking
