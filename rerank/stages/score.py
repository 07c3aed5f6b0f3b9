"""One stage that scores: score the head of a ranking, blend, reorder; the tail follows in its own order."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...core.errors import ModelError
from ...core.values import Hit, Ranking, Stage
from ..blend import blend, restrict
from ..protocols import Reranker, Scores
from ..signals import FROM_METADATA, Mix, signals_of
from .budget import Budget, score_within
from .fallback import FIRST, keep_order

CUT_PASSAGE = "A passage is longer than the reranker reads; only its beginning was read."


async def rerank_head(
    ranking: Ranking,
    query: str,
    reranker: Reranker,
    *,
    budget: Budget,
    mix: Mix,
    stage: str = FIRST,
    instruction: str = "",
    clock: Callable[[], float] = time.perf_counter,
) -> Ranking:
    """Return the ranking with its head reordered; when the reranker fails, the order as it was, marked degraded.

    In the mix "fused" is the score that the stage before left and "rerank" this one's, whatever its name.
    """
    start = clock()
    head = ranking.hits[: budget.depth]
    if not head:
        return ranking
    try:
        passages = [hit.passage for hit in head]
        scores = await score_within(
            reranker,
            query,
            passages,
            budget,
            order=lambda read: _order(head, read, mix),
            instruction=instruction,
            clock=clock,
        )
    except ModelError as error:
        report = Stage(stage, reranker.name, len(head), 0, 1000 * (clock() - start), str(error), "score")
        return keep_order(ranking, report, str(error))
    reordered = _reorder(head[: len(scores.values)], scores, reranker, mix, stage)
    lowest = min(hit.score for hit in reordered)
    tail = [replace(hit, score=min(hit.score, lowest)) for hit in ranking.hits[len(reordered) :]]
    hits = _renumber([*reordered, *tail])
    cut = "" if len(reordered) == len(head) else _why_cut(head, scores, budget, mix)
    saved = f"{scores.cached} of {len(reordered)} from the cache" if scores.cached else ""
    note = "; ".join(part for part in (cut, saved, mix.note) if part)
    report = Stage(stage, reranker.name, len(head), len(reordered), 1000 * (clock() - start), note, "score")
    notes = [*scores.notes, CUT_PASSAGE] if scores.cut else [*scores.notes]
    if instruction:
        notes.append(f"{reranker.name} read {len(reordered)} passages by the instruction.")
    return replace(ranking, hits=hits, stages=[*ranking.stages, report], notes=[*ranking.notes, *notes])


def _blended(head: Sequence[Hit], read: Sequence[float], mix: Mix) -> tuple[Mapping[str, list[float]], list[float]]:
    """Return the signals of the hits read, and their final scores."""
    signals = signals_of(head[: len(read)], read, mix)
    return signals, blend(signals, restrict(mix.weights, signals))


def _order(head: Sequence[Hit], read: Sequence[float], mix: Mix) -> list[int]:
    """Return the places of the hits read so far, best first."""
    _, blended = _blended(head, read, mix)
    return sorted(range(len(read)), key=lambda place: (-blended[place], place))


def _why_cut(head: Sequence[Hit], scores: Scores, budget: Budget, mix: Mix) -> str:
    read, stop = len(scores.values), budget.early_stop
    if stop is not None and stop.is_enough(_order(head, scores.values, mix)):
        return f"stopped after {read} of {len(head)}, for the last {stop.slice} came to nothing"
    return f"time budget reached after {read} of {len(head)}"


def _reorder(head: Sequence[Hit], scores: Scores, reranker: Reranker, mix: Mix, stage: str) -> list[Hit]:
    signals, blended = _blended(head, scores.values, mix)
    shown = {name: signals[name] for name in FROM_METADATA if name in signals}
    by_rerank = sorted(range(len(head)), key=lambda i: (-scores.values[i], i))
    rerank_ranks = {i: rank for rank, i in enumerate(by_rerank, start=1)}
    relevance = reranker.relevance if mix.calibration is None else mix.calibration.probability
    scored = [
        replace(
            hit,
            score=final,
            scores={
                **hit.scores,
                stage: raw,
                **{name: values[i] for name, values in shown.items()},
                "blend": final,
            },
            ranks={**hit.ranks, stage: rerank_ranks[i]},
            relevance=relevance(raw),
        )
        for i, (hit, raw, final) in enumerate(zip(head, scores.values, blended, strict=True))
    ]
    return sorted(scored, key=lambda hit: (-hit.score, hit.rank))


def _renumber(hits: Sequence[Hit]) -> list[Hit]:
    return [
        replace(hit, rank=rank, was=hit.was or hit.rank, ranks={**hit.ranks, "blend": rank})
        for rank, hit in enumerate(hits, start=1)
    ]
