"""The second stage over a ranking: score its head, blend, reorder; the tail follows in its own order."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ..core.errors import ModelError
from ..core.values import Hit, Passage, Ranking, Stage
from .blend import blend
from .reranker import Reranker, Scores

SLICE = 8  # passages scored between two looks at the clock when there is a time budget


@dataclass(frozen=True, slots=True)
class Budget:
    """How much of the ranking to read: `depth` passages, and at most `milliseconds` when that is not 0."""

    depth: int
    milliseconds: float = 0.0


async def rerank_head(
    ranking: Ranking,
    query: str,
    reranker: Reranker,
    *,
    budget: Budget,
    weight: float,
    clock: Callable[[], float] = time.perf_counter,
) -> Ranking:
    """Return the ranking with its head reordered; when the reranker fails, the order as it was, marked degraded."""
    start = clock()
    head = ranking.hits[: budget.depth]
    if not head:
        return ranking
    try:
        scores = await _score(reranker, query, [hit.passage for hit in head], budget, clock)
    except ModelError as error:
        report = Stage("rerank", reranker.name, len(head), 0, 1000 * (clock() - start), note=str(error))
        note = f"Reranking failed, the order is that of retrieval: {error}"
        return replace(ranking, stages=[*ranking.stages, report], notes=[*ranking.notes, note], degraded=True)
    reordered = _reorder(head[: len(scores.values)], scores, reranker, weight)
    lowest = min(hit.score for hit in reordered)
    tail = [replace(hit, score=min(hit.score, lowest)) for hit in ranking.hits[len(reordered) :]]
    hits = _renumber([*reordered, *tail])
    note = "" if len(reordered) == len(head) else f"time budget reached after {len(reordered)} of {len(head)}"
    report = Stage("rerank", reranker.name, len(head), len(reordered), 1000 * (clock() - start), note=note)
    return replace(ranking, hits=hits, stages=[*ranking.stages, report], notes=[*ranking.notes, *scores.notes])


async def _score(
    reranker: Reranker, query: str, passages: Sequence[Passage], budget: Budget, clock: Callable[[], float]
) -> Scores:
    if not budget.milliseconds:
        return await _complete(reranker, query, passages)
    deadline = clock() + budget.milliseconds / 1000
    values: list[float] = []
    notes: dict[str, None] = {}
    slowest = 0.0
    while len(values) < len(passages) and (not values or clock() + slowest <= deadline):
        begun = clock()
        part = await _complete(reranker, query, passages[len(values) : len(values) + SLICE])
        slowest = max(slowest, clock() - begun)
        values.extend(part.values)
        notes.update(dict.fromkeys(part.notes))
    return Scores(tuple(values), tuple(notes))


async def _complete(reranker: Reranker, query: str, passages: Sequence[Passage]) -> Scores:
    scores = await reranker.score(query, passages)
    if len(scores.values) != len(passages):
        raise ModelError(f"{reranker.name} gave {len(scores.values)} scores for {len(passages)} passages.")
    return scores


def _reorder(head: Sequence[Hit], scores: Scores, reranker: Reranker, weight: float) -> list[Hit]:
    blended = blend([hit.score for hit in head], scores.values, weight=weight)
    by_rerank = sorted(range(len(head)), key=lambda i: (-scores.values[i], i))
    rerank_ranks = {i: rank for rank, i in enumerate(by_rerank, start=1)}
    scored = [
        replace(
            hit,
            score=final,
            scores={**hit.scores, "rerank": raw, "blend": final},
            ranks={**hit.ranks, "rerank": rerank_ranks[i]},
            relevance=reranker.relevance(raw),
        )
        for i, (hit, raw, final) in enumerate(zip(head, scores.values, blended, strict=True))
    ]
    return sorted(scored, key=lambda hit: (-hit.score, hit.rank))


def _renumber(hits: Sequence[Hit]) -> list[Hit]:
    return [
        replace(hit, rank=rank, was=hit.rank, ranks={**hit.ranks, "blend": rank})
        for rank, hit in enumerate(hits, start=1)
    ]
