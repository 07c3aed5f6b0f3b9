"""Stages without a model: what metadata adds where no reranker blends it in, and diversity."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...core.values import Hit, Ranking, Stage
from ..blend import blend, restrict
from ..signals import FROM_METADATA, Mix, signals_of

METADATA = "metadata"


def weigh_metadata(
    ranking: Ranking, mix: Mix, *, depth: int, clock: Callable[[], float] = time.perf_counter
) -> Ranking:
    """Return the ranking with its head ordered by retrieval's score and what metadata adds, as the mix weighs them."""
    start = clock()
    head = ranking.hits[:depth]
    if not head:
        return ranking
    signals = signals_of(head, [], mix)
    shown = {name: signals[name] for name in FROM_METADATA if name in signals}
    if not shown:
        return replace(ranking, notes=[*ranking.notes, "No hit has a date to weigh: recency changed nothing."])
    finals = blend(signals, restrict(mix.weights, signals))
    seen = [
        replace(hit, scores={**hit.scores, **{name: values[place] for name, values in shown.items()}})
        for place, hit in enumerate(head)
    ]
    order = sorted(enumerate(finals), key=lambda pair: (-pair[1], pair[0]))
    report = Stage(METADATA, "+".join(shown), len(head), len(head), 1000 * (clock() - start), kind="rank")
    return reordered(replace(ranking, hits=[*seen, *ranking.hits[depth:]]), order, report, name="blend")


def reordered(ranking: Ranking, order: Sequence[tuple[int, float]], report: Stage, *, name: str) -> Ranking:
    """Return the ranking with its head in the order of (place, final score), shown by name; the tail follows."""
    hits = ranking.hits
    head = [
        _moved(hits[place], rank, score=score, scores={name: score}, ranks={name: rank})
        for rank, (place, score) in enumerate(order, start=1)
    ]
    lowest = min((hit.score for hit in head), default=0.0)
    tail = [
        _moved(hit, rank, score=min(hit.score, lowest), scores={}, ranks={})
        for rank, hit in enumerate(hits[len(order) :], start=len(order) + 1)
    ]
    return replace(ranking, hits=[*head, *tail], stages=[*ranking.stages, report])


def _moved(hit: Hit, rank: int, *, score: float, scores: Mapping[str, float], ranks: Mapping[str, int]) -> Hit:
    return replace(
        hit,
        score=score,
        rank=rank,
        was=hit.was or hit.rank,
        scores={**hit.scores, **scores},
        ranks={**hit.ranks, **ranks},
    )
